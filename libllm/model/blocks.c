#include "model/blocks.h"

llm_value llmi_blocks_begin(llmi_pass *p, const llm_model *m, llmi_recorder *r) {
    llm_value x = llmi_recorder_take(r, LLM_ROWS_STEP, m->hp.n_embd);
    llm_value angles = llmi_recorder_take(r, LLM_ROWS_STEP, m->hp.n_rot);
    llmi_recorder_add(r, (llm_op){.kind = LLM_OP_EMBED, .out = {x}, .w = {m->embed}});
    llmi_recorder_add(r, (llm_op){.kind = LLM_OP_ANGLES, .out = {angles}, .u.angles = {m->inv_freq, m->rope_scale}});
    *p = (llmi_pass){.m = m, .r = r, .angles = angles, .mark = r->used};
    return x;
}

void llmi_blocks_release(llmi_pass *p) {
    llmi_recorder_release(p->r, p->mark);
}

const llmi_layer *llmi_blocks_layer(llmi_pass *p, int32_t i) {
    llmi_blocks_release(p);
    p->r->layer = i;
    return &p->m->layers[i];
}

static void add_norm(const llmi_pass *p, llm_value out, llm_value x, const llm_weight *w, int32_t group) {
    llm_norm_args args = {.group = group, .eps = p->m->hp.norm_eps};
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_NORM, .in = {x}, .out = {out}, .w = {w}, .u.norm = args});
}

void llmi_blocks_end(llmi_pass *p, llm_value x) {
    const llm_model *m = p->m;
    llmi_recorder *r = p->r;
    llmi_blocks_release(p);
    r->layer = -1;
    llm_value hidden = r->hidden = llmi_recorder_take(r, LLM_ROWS_OUT, m->hp.n_embd);
    r->logits = llmi_recorder_take(r, LLM_ROWS_LOGITS, m->hp.n_vocab);
    llmi_recorder_add(r, (llm_op){.kind = LLM_OP_GATHER, .in = {x}, .out = {hidden}});
    add_norm(p, hidden, hidden, m->output_norm, 0);
    if (!m->output) return;
    llm_value wanted = hidden;
    wanted.rows = LLM_ROWS_LOGITS;
    llmi_recorder_add(
        r, (llm_op){.kind = LLM_OP_LINEAR, .in = {wanted}, .out = {r->logits}, .w = {m->output}, .u.linear = {.n = 1}});
}

llm_value llmi_blocks_norm(const llmi_pass *p, llm_value x, const llm_weight *w) {
    llm_value out = llmi_recorder_take(p->r, x.rows, x.cols);
    add_norm(p, out, x, w, 0);
    return out;
}

llmi_qkv llmi_blocks_qkv(const llmi_pass *p, llm_value x, const llmi_layer *l) {
    const llmi_hparams *hp = &p->m->hp;
    llmi_qkv a = {
        .q = llmi_recorder_take(p->r, x.rows, hp->n_heads * hp->head_dim),
        .k = llmi_recorder_take(p->r, x.rows, hp->n_kv_heads * hp->head_dim),
        .v = llmi_recorder_take(p->r, x.rows, hp->n_kv_heads * hp->head_dim),
    };
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_LINEAR,
                                     .in = {x},
                                     .out = {a.q, a.k, a.v},
                                     .w = {l->wq, l->bq, l->wk, l->bk, l->wv, l->bv},
                                     .u.linear = {.n = 3}});
    return a;
}

void llmi_blocks_norm_heads(const llmi_pass *p, llm_value heads, const llm_weight *w) {
    add_norm(p, heads, heads, w, p->m->hp.head_dim);
}

void llmi_blocks_rotate(const llmi_pass *p, llm_value heads) {
    const llmi_hparams *hp = &p->m->hp;
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_ROPE,
                                     .in = {heads, p->angles},
                                     .out = {heads},
                                     .u.rope = {.head_dim = hp->head_dim, .style = hp->rope_style}});
}

llm_value llmi_blocks_attend(const llmi_pass *p, llmi_qkv a, const llmi_layer *l) {
    const llmi_hparams *hp = &p->m->hp;
    llm_attend_args args = {.n_heads = hp->n_heads, .window = l->window, .scale = 1.0f / sqrtf((float)hp->head_dim)};
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_KV_WRITE, .in = {a.k, a.v}});
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_ATTEND, .in = {a.q}, .out = {a.q}, .u.attend = args});
    return a.q;
}

void llmi_blocks_add_product(const llmi_pass *p, llm_value x, llm_value in, const llm_weight *w,
                             const llm_weight *bias) {
    llmi_recorder_add(
        p->r,
        (llm_op){.kind = LLM_OP_LINEAR, .in = {in}, .out = {x}, .w = {w, bias}, .u.linear = {.n = 1, .accumulate = 1}});
}

void llmi_blocks_add_feed_forward(const llmi_pass *p, llm_value x, llm_value h, const llmi_layer *l) {
    llm_value gate = llmi_recorder_take(p->r, h.rows, p->m->hp.n_ff);
    llm_value up = llmi_recorder_take(p->r, h.rows, p->m->hp.n_ff);
    llmi_recorder_add(p->r, (llm_op){.kind = LLM_OP_LINEAR,
                                     .in = {h},
                                     .out = {gate, up},
                                     .w = {l->w_gate, l->b_gate, l->w_up, l->b_up},
                                     .u.linear = {.n = 2}});
    llmi_recorder_add(p->r,
                      (llm_op){.kind = LLM_OP_ACT, .in = {gate, up}, .out = {gate}, .u.act = {.kind = LLM_ACT_SILU}});
    llmi_blocks_add_product(p, x, gate, l->w_down, l->b_down);
}
