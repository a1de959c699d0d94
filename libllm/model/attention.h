/* Grouped-query attention (Ainslie et al., 2023, arXiv 2305.13245): hyper-parameters and weights of the block. */
#ifndef LLMI_MODEL_ATTENTION_H
#define LLMI_MODEL_ATTENTION_H

#include "model/hparams.h"
#include "model/rows.h"

typedef struct llmi_attention_hparams {
    int32_t n_heads, n_kv_heads, head_dim, value_dim;
    int32_t n_q, n_kv;   /* widths of all queries; of all keys, or of all values */
    int32_t n_window;    /* tokens that a row sees; 0: all */
    int32_t window_from; /* the first layer that has the window, unless the file lists the kinds of its layers */
} llmi_attention_hparams;

typedef struct llmi_attention_weights {
    const llm_weight *wq, *wk, *wv, *wo;
    const llm_weight *bq, *bk, *bv, *bo;
    const llm_weight *q_norm, *k_norm; /* [head_dim]: each head is normalized by itself */
} llmi_attention_weights;

/* clang-format off */
/* The rows of a member of type llmi_attention_hparams. */
#define LLMI_ATTENTION_HPARAMS(F, attn)                                                                                \
    {LLMI_ONLY(LLMI_HPARAM_BOOL, "attention.causal", "is_causal", 1)},                                                 \
    {LLMI_ONLY(LLMI_HPARAM_BOOL, NULL, "use_bidirectional_attention|is_bidirectional|bidirectional", 0)},              \
    {LLMI_INT(F, attn.n_heads, "attention.head_count", "num_attention_heads", 1, LLMI_MAX_HEADS, NAN)},                \
    {LLMI_INT(F, attn.n_kv_heads, "attention.head_count_kv", "num_key_value_heads", 1, LLMI_MAX_HEADS, 0)},            \
    {LLMI_INT(F, attn.head_dim, "attention.key_length", "head_dim", 1, LLMI_MAX_HEAD_DIM, 0)},                         \
    {LLMI_INT(F, attn.value_dim, "attention.value_length", NULL, 1, LLMI_MAX_HEAD_DIM, 0)},                            \
    {LLMI_INT(F, attn.n_window, "attention.sliding_window", NULL, 0, LLMI_MAX_CTX, 0)}

/* A window that a flag of config.json turns on, from one layer upward: Qwen. */
#define LLMI_WINDOW_BY_FLAG_HPARAMS(F, attn)                                                                           \
    {LLMI_INT(F, attn.n_window, NULL, "sliding_window", 1, LLMI_MAX_CTX, 4096),                                        \
     .only_if = "use_sliding_window"},                                                                                 \
    {LLMI_INT(F, attn.window_from, NULL, "max_window_layers", 0, LLMI_MAX_LAYERS, 28)}

/* The rows of a member of type llmi_attention_weights. */
#define LLMI_ATTENTION_WEIGHTS(F, attn)                                                                                \
    {LLMI_LAYER_MATRIX(F, attn.wq, "attn_q.weight", "self_attn.q_proj.weight", attn.n_q, base.n_embd),                 \
     .rotary_heads = LLMI_DIM(F, attn.n_heads)},                                                                       \
    {LLMI_LAYER_MATRIX(F, attn.wk, "attn_k.weight", "self_attn.k_proj.weight", attn.n_kv, base.n_embd),                \
     .rotary_heads = LLMI_DIM(F, attn.n_kv_heads)},                                                                    \
    {LLMI_LAYER_MATRIX(F, attn.wv, "attn_v.weight", "self_attn.v_proj.weight", attn.n_kv, base.n_embd)},               \
    {LLMI_LAYER_MATRIX(F, attn.wo, "attn_output.weight", "self_attn.o_proj.weight", base.n_embd, attn.n_q)}

/* flag: as of LLMI_IF. */
#define LLMI_QKV_BIASES(F, attn, flag)                                                                                 \
    {LLMI_LAYER_VECTOR(F, attn.bq, "attn_q.bias", "self_attn.q_proj.bias", attn.n_q),                                  \
     .rotary_heads = LLMI_DIM(F, attn.n_heads), LLMI_IF(flag)},                                                        \
    {LLMI_LAYER_VECTOR(F, attn.bk, "attn_k.bias", "self_attn.k_proj.bias", attn.n_kv),                                 \
     .rotary_heads = LLMI_DIM(F, attn.n_kv_heads), LLMI_IF(flag)},                                                     \
    {LLMI_LAYER_VECTOR(F, attn.bv, "attn_v.bias", "self_attn.v_proj.bias", attn.n_kv), LLMI_IF(flag)}

#define LLMI_OUTPUT_BIAS(F, attn, flag)                                                                                \
    {LLMI_LAYER_VECTOR(F, attn.bo, "attn_output.bias", "self_attn.o_proj.bias", base.n_embd), LLMI_IF(flag)}

#define LLMI_HEAD_NORMS(F, attn)                                                                                       \
    {LLMI_LAYER_VECTOR(F, attn.q_norm, "attn_q_norm.weight", "self_attn.q_norm.weight", attn.head_dim)},               \
    {LLMI_LAYER_VECTOR(F, attn.k_norm, "attn_k_norm.weight", "self_attn.k_norm.weight", attn.head_dim)}
/* clang-format on */

/* Derives what the file left open, once the rows are read, and checks the whole. */
llm_status llmi_attention_settle(llmi_attention_hparams *hp, int32_t n_embd, const llmi_hparam_source *s);

/* The window of a layer; 0: it sees everything. */
llm_status llmi_attention_window(int32_t *out, const llmi_attention_hparams *hp, int32_t layer, int32_t n_layers,
                                 const llmi_weights *w);

#endif
