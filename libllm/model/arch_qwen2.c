/* Qwen2 and Qwen2.5 (arXiv 2407.10671, 2412.15115): Llama with biases on queries, keys and values. */
#include "model/blocks.h"
#include "model/qwen.h"

static const llmi_weight_row weights[] = {
    LLMI_WEIGHTS_ENDS,
    LLMI_WEIGHTS_ATTENTION,
    LLMI_WEIGHTS_QKV_BIAS(NULL),
    LLMI_WEIGHTS_FEED_FORWARD,
};

static const llmi_hparam_row hparams[] = {LLMI_QWEN_WINDOW_ROWS};

llm_status llmi_qwen_check(llmi_hparams *hp, const llmi_weights *w) {
    if (llmi_weights_format(w) == LLMI_FORMAT_GGUF) return LLM_OK;
    bool on = false;
    if (llmi_weights_has(w, "use_sliding_window")) {
        llm_status status = llmi_weights_get_bool(&on, w, "use_sliding_window");
        if (status != LLM_OK) return status;
    }
    if (!on) hp->n_window = 0;
    return LLM_OK;
}

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
        llmi_blocks_add_product(&p, x, h, l->wo, NULL);
        llmi_blocks_release(&p);

        h = llmi_blocks_norm(&p, x, l->ffn_norm);
        llmi_blocks_add_feed_forward(&p, x, h, l);
    }
    llmi_blocks_end(&p, x);
}

extern const llmi_arch llmi_arch_qwen2;

const llmi_arch llmi_arch_qwen2 = {
    .name = "qwen2",
    .gguf_names = (const char *const[]){"qwen2", NULL},
    .hf_names = (const char *const[]){"qwen2", NULL},
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .gguf_rope_style = LLM_ROPE_HALF,
    .hf_rope_style = LLM_ROPE_HALF,
    .check = llmi_qwen_check,
    .forward = forward,
};
