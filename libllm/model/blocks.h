/* The building blocks of a decoder: each states its weights as rows, and records its operations. */
#ifndef LLMI_MODEL_BLOCKS_H
#define LLMI_MODEL_BLOCKS_H

#include "model/arch.h"
#include "model/recorder.h"

/* ---- weight rows ---- */

#define LLMI_WEIGHTS_ENDS                                                                                              \
    LLMI_WEIGHT("token_embd.weight", "model.embed_tokens.weight", embed, 'V', 'E', false),                             \
        LLMI_WEIGHT("output_norm.weight", "model.norm.weight", output_norm, '1', 'E', false),                          \
        LLMI_WEIGHT("output.weight", "lm_head.weight", output, 'V', 'E', true)

#define LLMI_WEIGHTS_ATTENTION                                                                                         \
    LLMI_LAYER_WEIGHT("attn_norm.weight", "input_layernorm.weight", attn_norm, '1', 'E'),                              \
        LLMI_LAYER_WEIGHT("attn_q.weight", "self_attn.q_proj.weight", wq, 'Q', 'E'),                                   \
        LLMI_LAYER_WEIGHT("attn_k.weight", "self_attn.k_proj.weight", wk, 'K', 'E'),                                   \
        LLMI_LAYER_WEIGHT("attn_v.weight", "self_attn.v_proj.weight", wv, 'K', 'E'),                                   \
        LLMI_LAYER_WEIGHT("attn_output.weight", "self_attn.o_proj.weight", wo, 'E', 'Q')

#define LLMI_WEIGHTS_QKV_BIAS(flag)                                                                                    \
    LLMI_LAYER_BIAS("attn_q.bias", "self_attn.q_proj.bias", bq, 'Q', flag),                                            \
        LLMI_LAYER_BIAS("attn_k.bias", "self_attn.k_proj.bias", bk, 'K', flag),                                        \
        LLMI_LAYER_BIAS("attn_v.bias", "self_attn.v_proj.bias", bv, 'K', flag)

#define LLMI_WEIGHTS_OUTPUT_BIAS(flag) LLMI_LAYER_BIAS("attn_output.bias", "self_attn.o_proj.bias", bo, 'E', flag)

#define LLMI_WEIGHTS_HEAD_NORMS                                                                                        \
    LLMI_LAYER_WEIGHT("attn_q_norm.weight", "self_attn.q_norm.weight", q_norm, '1', 'D'),                              \
        LLMI_LAYER_WEIGHT("attn_k_norm.weight", "self_attn.k_norm.weight", k_norm, '1', 'D')

#define LLMI_WEIGHTS_FEED_FORWARD                                                                                      \
    LLMI_LAYER_WEIGHT("ffn_norm.weight", "post_attention_layernorm.weight", ffn_norm, '1', 'E'),                       \
        LLMI_LAYER_WEIGHT("ffn_gate.weight", "mlp.gate_proj.weight", w_gate, 'F', 'E'),                                \
        LLMI_LAYER_WEIGHT("ffn_up.weight", "mlp.up_proj.weight", w_up, 'F', 'E'),                                      \
        LLMI_LAYER_WEIGHT("ffn_down.weight", "mlp.down_proj.weight", w_down, 'E', 'F')

#define LLMI_WEIGHTS_FEED_FORWARD_BIAS(flag)                                                                           \
    LLMI_LAYER_BIAS("ffn_gate.bias", "mlp.gate_proj.bias", b_gate, 'F', flag),                                         \
        LLMI_LAYER_BIAS("ffn_up.bias", "mlp.up_proj.bias", b_up, 'F', flag),                                           \
        LLMI_LAYER_BIAS("ffn_down.bias", "mlp.down_proj.bias", b_down, 'E', flag)

/* ---- recording ---- */

typedef struct llmi_pass {
    const llm_model *m;
    llmi_recorder *r;
    llm_value angles; /* of the rows' positions [rows, n_rot] */
    size_t mark;      /* where a layer's values begin */
} llmi_pass;

/* Returns the residual stream: the rows' tokens, embedded [rows, n_embd]. */
llm_value llmi_blocks_begin(llmi_pass *p, const llm_model *m, llmi_recorder *r);

/* Layer i, of which the following operations are. */
const llmi_layer *llmi_blocks_layer(llmi_pass *p, int32_t i);

/* What the layer computed so far lives on in the residual stream only: later values may take its place. */
void llmi_blocks_release(llmi_pass *p);

/* The states and the logits of the rows that somebody reads; no logits of a model without a head. */
void llmi_blocks_end(llmi_pass *p, llm_value x);

/* RMSNorm(x) as a new value. */
llm_value llmi_blocks_norm(const llmi_pass *p, llm_value x, const llm_weight *w);

/* Queries [rows, n_heads * head_dim], keys and values [rows, n_kv_heads * head_dim]. */
typedef struct llmi_qkv {
    llm_value q, k, v;
} llmi_qkv;

/* Three products of x, with biases where the layer has them. */
llmi_qkv llmi_blocks_qkv(const llmi_pass *p, llm_value x, const llmi_layer *l);

/* RMSNorm of each head by itself, in place. */
void llmi_blocks_norm_heads(const llmi_pass *p, llm_value heads, const llm_weight *w);

/* Rotary embedding of each head, in place. */
void llmi_blocks_rotate(const llmi_pass *p, llm_value heads);

/* Stores keys and values in the cache, then attends; the answer takes the place of the queries. */
llm_value llmi_blocks_attend(const llmi_pass *p, llmi_qkv a, const llmi_layer *l);

/* x += in W^T + bias. */
void llmi_blocks_add_product(const llmi_pass *p, llm_value x, llm_value in, const llm_weight *w,
                             const llm_weight *bias);

/* x += (silu(h Wg^T) * (h Wu^T)) Wd^T (SwiGLU: Shazeer, 2020), with biases where the layer has them. */
void llmi_blocks_add_feed_forward(const llmi_pass *p, llm_value x, llm_value h, const llmi_layer *l);

#endif
