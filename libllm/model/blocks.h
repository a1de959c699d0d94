/* The building blocks of a pass: each records its operations. Their hyper-parameters and weights are members of a
 * family's structures (attention.h, rope.h, feed_forward.h). */
#ifndef LLMI_MODEL_BLOCKS_H
#define LLMI_MODEL_BLOCKS_H

#include "model/attention.h"
#include "model/feed_forward.h"
#include "model/recorder.h"
#include "model/rope.h"

typedef struct llmi_pass {
    const llm_model *m;
    llmi_recorder *r;
    size_t mark; /* where a layer's values begin */
} llmi_pass;

/* Returns the residual stream: the rows' tokens, embedded [rows, n_embd]. */
llm_value llmi_blocks_begin(llmi_pass *p, const llm_model *m, llmi_recorder *r);

/* The rotary angles of the rows' positions, for all layers [rows, n_rot]. Before the first layer. */
llm_value llmi_blocks_angles(llmi_pass *p, const llmi_rope_table *rope);

/* The following operations are of layer i. */
void llmi_blocks_layer(llmi_pass *p, int32_t i);

/* What the layer computed so far lives on in the residual stream only: later values may take its place. */
void llmi_blocks_release(llmi_pass *p);

/* RMSNorm of the rows that somebody reads: the states, and their logits if the model has a head. */
void llmi_blocks_end(llmi_pass *p, llm_value x, const llm_weight *norm, float eps);

/* RMSNorm(x) as a new value. */
llm_value llmi_blocks_norm(const llmi_pass *p, llm_value x, const llm_weight *w, float eps);

/* Queries [rows, n_q], keys and values [rows, n_kv]. */
typedef struct llmi_qkv {
    llm_value q, k, v;
} llmi_qkv;

/* Three products of x, with biases where the layer has them. */
llmi_qkv llmi_blocks_qkv(const llmi_pass *p, llm_value x, const llmi_attention_weights *w,
                         const llmi_attention_hparams *hp);

/* RMSNorm of each head by itself, in place. w NULL: none. */
void llmi_blocks_norm_heads(const llmi_pass *p, llm_value heads, const llm_weight *w, const llmi_attention_hparams *hp,
                            float eps);

/* Rotary embedding of each head, in place. style: LLM_ROPE_* */
void llmi_blocks_rotate(const llmi_pass *p, llm_value heads, llm_value angles, const llmi_attention_hparams *hp,
                        int32_t style);

/* Stores keys and values in the cache, then attends; the result replaces the queries. window 0: none. */
llm_value llmi_blocks_attend(const llmi_pass *p, llmi_qkv a, const llmi_attention_hparams *hp, int32_t window);

/* x += in W^T + bias. */
void llmi_blocks_add_product(const llmi_pass *p, llm_value x, llm_value in, const llm_weight *w,
                             const llm_weight *bias);

/* x += (silu(h Wg^T) * (h Wu^T)) Wd^T, with biases where the layer has them. */
void llmi_blocks_add_feed_forward(const llmi_pass *p, llm_value x, llm_value h, const llmi_feed_forward_weights *w,
                                  int32_t n_ff);

#endif
