/* Llama 1-3 (Touvron et al., 2023, arXiv 2302.13971; Llama 3: arXiv 2407.21783) and Mistral 7B
 * (Jiang et al., 2023, arXiv 2310.06825), which is Llama with an attention window in every layer. */
#include "model/blocks.h"

static const llmi_weight_row llama_weights[] = {
    LLMI_WEIGHTS_ENDS,
    LLMI_WEIGHTS_ATTENTION,
    LLMI_WEIGHTS_QKV_BIAS("attention_bias"),
    LLMI_WEIGHTS_OUTPUT_BIAS("attention_bias"),
    LLMI_WEIGHTS_FEED_FORWARD,
    LLMI_WEIGHTS_FEED_FORWARD_BIAS("mlp_bias"),
};

static const llmi_weight_row mistral_weights[] = {
    LLMI_WEIGHTS_ENDS,
    LLMI_WEIGHTS_ATTENTION,
    LLMI_WEIGHTS_FEED_FORWARD,
};

static const llmi_hparam_row mistral_hparams[] = {
    LLMI_HPARAM_INT(NULL, "sliding_window", n_window, 1, 1 << 30, 4096),
};

static void forward(const llm_model *m, llmi_recorder *r) {
    llmi_pass p;
    llm_value x = llmi_blocks_begin(&p, m, r);
    for (int32_t i = 0; i < m->hp.n_layers; i++) {
        const llmi_layer *l = llmi_blocks_layer(&p, i);

        llm_value h = llmi_blocks_norm(&p, x, l->attn_norm);
        llmi_qkv a = llmi_blocks_qkv(&p, h, l);
        llmi_blocks_rotate(&p, a.q);
        llmi_blocks_rotate(&p, a.k);
        h = llmi_blocks_attend(&p, a, l);
        llmi_blocks_add_product(&p, x, h, l->wo, l->bo);
        llmi_blocks_release(&p);

        h = llmi_blocks_norm(&p, x, l->ffn_norm);
        llmi_blocks_add_feed_forward(&p, x, h, l);
    }
    llmi_blocks_end(&p, x);
}

extern const llmi_arch llmi_arch_llama, llmi_arch_mistral;

const llmi_arch llmi_arch_llama = {
    .name = "llama",
    .gguf_names = (const char *const[]){"llama", NULL},
    .hf_names = (const char *const[]){"llama", NULL},
    .weights = llama_weights,
    .n_weights = sizeof llama_weights / sizeof llama_weights[0],
    .gguf_rope_style = LLM_ROPE_ADJACENT,
    .hf_rope_style = LLM_ROPE_HALF,
    .forward = forward,
};

/* GGUF files of Mistral call themselves "llama". */
const llmi_arch llmi_arch_mistral = {
    .name = "mistral",
    .gguf_names = (const char *const[]){NULL},
    .hf_names = (const char *const[]){"mistral", NULL},
    .hparams = mistral_hparams,
    .n_hparams = sizeof mistral_hparams / sizeof mistral_hparams[0],
    .weights = mistral_weights,
    .n_weights = sizeof mistral_weights / sizeof mistral_weights[0],
    .gguf_rope_style = LLM_ROPE_ADJACENT,
    .hf_rope_style = LLM_ROPE_HALF,
    .forward = forward,
};
