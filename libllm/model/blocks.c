#include "model/blocks.h"

#include <math.h>

llm_value llmi_blocks_begin(llmi_pass *p, const llm_model *m, llmi_recorder *r) {
    llm_value x = llmi_recorder_take(r, LLM_ROWS_STEP, m->hp.n_embd);
    llmi_recorder_add(r, (llm_op){.kind = LLM_OP_EMBED, .out = {x}, .w = {m->embed}});
    *p = (llmi_pass){.m = m, .r = r, .mark = r->used};
    return x;
}

llm_value llmi_blocks_angles(llmi_pass *p, const llmi_rope_table *rope) {
    llm_value angles = llmi_recorder_take(p->r, LLM_ROWS_STEP, 2 * rope->n);
    llmi_recorder_add(p->r,
                      (llm_op){.kind = LLM_OP_ANGLES, .out = {angles}, .w = {rope->w}, .u.angles = {rope->scale}});
    p->mark = p->r->used;
    return angles;
}

void llmi_blocks_release(llmi_pass *p) {
    llmi_recorder_release(p->r, p->mark);
}

void llmi_blocks_layer(llmi_pass *p, int32_t i) {
    llmi_blocks_release(p);
    p->r->layer = i;
}

static void add_norm(const llmi_pass *p, llm_value out, llm_value x, const llm_weight *w, int32_t group, float eps) {
    llm_norm_args args = {.group = group, .eps = eps};
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_NORM, .in = {x}, .out = {out}, .w = {w}, .u.norm = args});
}

void llmi_blocks_end(llmi_pass *p, llm_value x, const llm_weight *norm, float eps) {
    const llm_model *m = p->m;
    llmi_recorder *r = p->r;
    llmi_blocks_release(p);
    r->layer = -1;
    llm_value hidden = r->hidden = llmi_recorder_take(r, LLM_ROWS_OUT, m->hp.n_embd);
    r->logits = llmi_recorder_take(r, LLM_ROWS_LOGITS, m->hp.n_vocab);
    llmi_recorder_add(r, (llm_op){.kind = LLM_OP_GATHER, .in = {x}, .out = {hidden}});
    add_norm(p, hidden, hidden, norm, 0, eps);
    if (!m->output) return;
    llm_value wanted = hidden;
    wanted.rows = LLM_ROWS_LOGITS;
    llmi_recorder_add(
        r, (llm_op){.kind = LLM_OP_LINEAR, .in = {wanted}, .out = {r->logits}, .w = {m->output}, .u.linear = {.n = 1}});
}

llm_value llmi_blocks_norm(const llmi_pass *p, llm_value x, const llm_weight *w, float eps) {
    llm_value out = llmi_recorder_take(p->r, x.rows, x.cols);
    add_norm(p, out, x, w, 0, eps);
    return out;
}

llmi_qkv llmi_blocks_qkv(const llmi_pass *p, llm_value x, const llmi_attention_weights *w,
                         const llmi_attention_hparams *hp) {
    llmi_qkv a = {
        .q = llmi_recorder_take(p->r, x.rows, hp->n_q),
        .k = llmi_recorder_take(p->r, x.rows, hp->n_kv),
        .v = llmi_recorder_take(p->r, x.rows, hp->n_kv),
    };
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_LINEAR,
                                     .in = {x},
                                     .out = {a.q, a.k, a.v},
                                     .w = {w->wq, w->bq, w->wk, w->bk, w->wv, w->bv},
                                     .u.linear = {.n = 3}});
    return a;
}

void llmi_blocks_norm_heads(const llmi_pass *p, llm_value heads, const llm_weight *w, const llmi_attention_hparams *hp,
                            float eps) {
    if (w) add_norm(p, heads, heads, w, hp->head_dim, eps);
}

void llmi_blocks_rotate(const llmi_pass *p, llm_value heads, llm_value angles, const llmi_attention_hparams *hp,
                        int32_t style) {
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_ROPE,
                                     .in = {heads, angles},
                                     .out = {heads},
                                     .u.rope = {.head_dim = hp->head_dim, .style = style}});
}

llm_value llmi_blocks_attend(const llmi_pass *p, llmi_qkv a, const llmi_attention_hparams *hp, int32_t window) {
    int32_t state = llmi_recorder_kv(p->r, hp->n_kv_heads, hp->head_dim, window);
    llm_attend_args args = {
        .state = state,
        .n_heads = hp->n_heads,
        .window = window,
        .scale = 1.0f / sqrtf((float)hp->head_dim),
    };
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_KV_WRITE, .in = {a.k, a.v}, .u.kv_write = {state}});
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_ATTEND, .in = {a.q}, .out = {a.q}, .u.attend = args});
    return a.q;
}

void llmi_blocks_add_product(const llmi_pass *p, llm_value x, llm_value in, const llm_weight *w,
                             const llm_weight *bias) {
    llmi_recorder_add(
        p->r,
        (llm_op){.kind = LLM_OP_LINEAR, .in = {in}, .out = {x}, .w = {w, bias}, .u.linear = {.n = 1, .accumulate = 1}});
}

void llmi_blocks_add_feed_forward(const llmi_pass *p, llm_value x, llm_value h, const llmi_feed_forward_weights *w,
                                  int32_t n_ff) {
    llm_value gate = llmi_recorder_take(p->r, h.rows, n_ff);
    llm_value up = llmi_recorder_take(p->r, h.rows, n_ff);
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_LINEAR,
                                     .in = {h},
                                     .out = {gate, up},
                                     .w = {w->gate, w->gate_bias, w->up, w->up_bias},
                                     .u.linear = {.n = 2}});
    llmi_recorder_add(p->r,
                      (llm_op){.kind = LLM_OP_ACT, .in = {gate, up}, .out = {gate}, .u.act = {.kind = LLM_ACT_SILU}});
    llmi_blocks_add_product(p, x, gate, w->down, w->down_bias);
}
