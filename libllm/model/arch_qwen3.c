/* Qwen3, dense (arXiv 2505.09388): each head of queries and keys is normalised by itself before it is
 * turned, the head size is a number of its own, and the biases of Qwen2 are gone. */
#include "model/blocks.h"
#include "model/qwen.h"

static const llmi_weight_row weights[] = {
    LLMI_WEIGHTS_ENDS,
    LLMI_WEIGHTS_ATTENTION,
    LLMI_WEIGHTS_HEAD_NORMS,
    LLMI_WEIGHTS_QKV_BIAS("attention_bias"),
    LLMI_WEIGHTS_OUTPUT_BIAS("attention_bias"),
    LLMI_WEIGHTS_FEED_FORWARD,
};

static const llmi_hparam_row hparams[] = {
    LLMI_QWEN_WINDOW_ROWS,
    LLMI_HPARAM_INT(NULL, "head_dim", head_dim, 1, 1 << 12, 128),
};

static void forward(const llm_model *m, llmi_recorder *r) {
    llmi_pass p;
    llm_value x = llmi_blocks_begin(&p, m, r);
    for (int32_t i = 0; i < m->hp.n_layers; i++) {
        const llmi_layer *l = llmi_blocks_layer(&p, i);

        llm_value h = llmi_blocks_norm(&p, x, l->attn_norm);
        llmi_qkv a = llmi_blocks_qkv(&p, h, l);
        llmi_blocks_norm_heads(&p, a.q, l->q_norm);
        llmi_blocks_norm_heads(&p, a.k, l->k_norm);
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

extern const llmi_arch llmi_arch_qwen3;

const llmi_arch llmi_arch_qwen3 = {
    .name = "qwen3",
    .gguf_names = (const char *const[]){"qwen3", NULL},
    .hf_names = (const char *const[]){"qwen3", NULL},
    .hparams = hparams,
    .n_hparams = sizeof hparams / sizeof hparams[0],
    .weights = weights,
    .n_weights = sizeof weights / sizeof weights[0],
    .gguf_rope_style = LLM_ROPE_HALF,
    .hf_rope_style = LLM_ROPE_HALF,
    .check = llmi_qwen_check,
    .forward = forward,
};
