/* Qwen2 and Qwen2.5 (arXiv 2407.10671, 2412.15115): Llama with biases on queries, keys and values. */
#include "model/decoder.h"

static const llmi_hparam_row hparams[] = {
    LLMI_DECODER_HPARAMS,
    LLMI_WINDOW_BY_FLAG_HPARAMS(llmi_decoder, attn),
};

static const llmi_weight_row weights[] = {
    LLMI_DECODER_WEIGHTS,
    LLMI_QKV_BIASES(llmi_decoder, attn, NULL),
};

extern const llmi_arch llmi_arch_qwen2;

const llmi_arch llmi_arch_qwen2 = {
    .name = "qwen2",
    .gguf_names = (const char *const[]){"qwen2", NULL},
    .hf_names = (const char *const[]){"qwen2", NULL},
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .gguf_rope_style = LLM_ROPE_NEOX,
    .hf_rope_style = LLM_ROPE_NEOX,
    LLMI_DECODER,
};
