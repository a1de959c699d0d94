/* Mistral 7B (Jiang et al., 2023, arXiv 2310.06825): Llama with an attention window in every layer, and no biases. */
#include "model/decoder.h"

static const llmi_hparam_row hparams[] = {
    LLMI_DECODER_HPARAMS,
    {LLMI_INT(llmi_decoder, attn.n_window, NULL, "sliding_window", 1, LLMI_MAX_CTX, 4096)},
};

static const llmi_weight_row weights[] = {LLMI_DECODER_WEIGHTS};

extern const llmi_arch llmi_arch_mistral;

/* GGUF files of Mistral call themselves "llama". */
const llmi_arch llmi_arch_mistral = {
    .name = "mistral",
    .gguf_names = (const char *const[]){NULL},
    .hf_names = (const char *const[]){"mistral", NULL},
    .gguf_written_as = "llama",
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .gguf_rope_style = LLM_ROPE_INTERLEAVED,
    .hf_rope_style = LLM_ROPE_NEOX,
    LLMI_DECODER,
};
