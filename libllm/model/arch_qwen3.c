/* Qwen3, dense (arXiv 2505.09388): each head of queries and keys is normalized by itself before it is
 * rotated, the head size is a number of its own, and the biases of Qwen2 are gone. */
#include "model/decoder.h"

static const llmi_hparam_row hparams[] = {
    LLMI_DECODER_HPARAMS,
    LLMI_WINDOW_BY_FLAG_HPARAMS(llmi_decoder, attn),
    {LLMI_INT(llmi_decoder, attn.head_dim, NULL, "head_dim", 1, LLMI_MAX_HEAD_DIM, 128)},
};

static const llmi_weight_row weights[] = {
    LLMI_DECODER_WEIGHTS,
    LLMI_HEAD_NORMS(llmi_decoder, attn),
    LLMI_QKV_BIASES(llmi_decoder, attn, "attention_bias"),
    LLMI_OUTPUT_BIAS(llmi_decoder, attn, "attention_bias"),
};

extern const llmi_arch llmi_arch_qwen3;

const llmi_arch llmi_arch_qwen3 = {
    .name = "qwen3",
    .gguf_names = (const char *const[]){"qwen3", NULL},
    .hf_names = (const char *const[]){"qwen3", NULL},
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .gguf_rope_style = LLM_ROPE_NEOX,
    .hf_rope_style = LLM_ROPE_NEOX,
    LLMI_DECODER,
};
