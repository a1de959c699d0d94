/* Llama 1-3 (Touvron et al., 2023, arXiv 2302.13971; Llama 3: arXiv 2407.21783). */
#include "model/decoder.h"

static const llmi_hparam_row hparams[] = {LLMI_DECODER_HPARAMS};

static const llmi_weight_row weights[] = {
    LLMI_DECODER_WEIGHTS,
    LLMI_QKV_BIASES(llmi_decoder, attn, "attention_bias"),
    LLMI_OUTPUT_BIAS(llmi_decoder, attn, "attention_bias"),
    LLMI_FEED_FORWARD_BIASES(llmi_decoder, ffn, "mlp_bias"),
};

extern const llmi_arch llmi_arch_llama;

const llmi_arch llmi_arch_llama = {
    .name = "llama",
    .gguf_names = (const char *const[]){"llama", NULL},
    .hf_names = (const char *const[]){"llama", NULL},
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .gguf_rope_style = LLM_ROPE_INTERLEAVED,
    .hf_rope_style = LLM_ROPE_NEOX,
    LLMI_DECODER,
};
