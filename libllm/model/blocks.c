#include "model/blocks.h"

llm_view llmi_blocks_begin(llmi_pass *p, const llm_model *m, llmi_step *step) {
    llm_stream *s = step->s;
    const llm_batch *batch = step->batch;
    *p = (llmi_pass){.m = m, .step = step};
    llm_view x = llmi_workspace_take(step->ws, batch->n_rows, m->hp.n_embd);
    p->angles = llmi_workspace_take(step->ws, batch->n_rows, m->hp.n_rot);
    s->ops->embed(s, x, m->embed, batch->tokens);
    s->ops->rope_angles(s, p->angles, batch->positions, m->inv_freq, m->rope_scale);
    return x;
}

void llmi_blocks_end(const llmi_pass *p, llm_view x) {
    const llm_model *m = p->m;
    llmi_step *step = p->step;
    llm_stream *s = step->s;
    step->hidden = llmi_workspace_take(step->ws, step->n_out, m->hp.n_embd);
    step->logits = llmi_workspace_take(step->ws, step->n_logits, m->hp.n_vocab);
    if (!step->n_out) return;
    s->ops->gather(s, step->hidden, x, step->out_rows);
    s->ops->rms_norm(s, step->hidden, step->hidden, m->output_norm, m->hp.norm_eps);
    if (!step->n_logits || !m->output) return;
    llm_view wanted = step->hidden;
    wanted.rows = step->n_logits;
    llm_linear head = {.w = m->output, .out = step->logits};
    s->ops->linear(s, wanted, &head, 1);
}

llm_view llmi_blocks_norm(const llmi_pass *p, llm_view x, const llm_weight *w) {
    llm_stream *s = p->step->s;
    llm_view out = llmi_workspace_take(p->step->ws, x.rows, x.cols);
    s->ops->rms_norm(s, out, x, w, p->m->hp.norm_eps);
    return out;
}

llmi_qkv llmi_blocks_qkv(const llmi_pass *p, llm_view x, const llmi_layer *l) {
    llm_stream *s = p->step->s;
    llmi_workspace *ws = p->step->ws;
    const llmi_hparams *hp = &p->m->hp;
    llmi_qkv a = {
        .q = llmi_workspace_take(ws, x.rows, (int64_t)hp->n_heads * hp->head_dim),
        .k = llmi_workspace_take(ws, x.rows, (int64_t)hp->n_kv_heads * hp->head_dim),
        .v = llmi_workspace_take(ws, x.rows, (int64_t)hp->n_kv_heads * hp->head_dim),
    };
    llm_linear products[] = {
        {.w = l->wq, .bias = l->bq, .out = a.q},
        {.w = l->wk, .bias = l->bk, .out = a.k},
        {.w = l->wv, .bias = l->bv, .out = a.v},
    };
    s->ops->linear(s, x, products, 3);
    return a;
}

void llmi_blocks_norm_heads(const llmi_pass *p, llm_view heads, const llm_weight *w) {
    llm_stream *s = p->step->s;
    int64_t dim = p->m->hp.head_dim;
    llm_view each = {.data = heads.data, .rows = heads.rows * heads.cols / dim, .cols = dim, .stride = dim};
    s->ops->rms_norm(s, each, each, w, p->m->hp.norm_eps);
}

void llmi_blocks_rotate(const llmi_pass *p, llm_view heads) {
    llm_stream *s = p->step->s;
    s->ops->rope(s, heads, p->angles, p->m->hp.head_dim, p->m->hp.rope_style);
}

llm_view llmi_blocks_attend(const llmi_pass *p, llmi_qkv a, int32_t layer) {
    llm_stream *s = p->step->s;
    const llmi_hparams *hp = &p->m->hp;
    llm_attention attention = {
        .q = a.q,
        .out = a.q,
        .layer = layer,
        .n_heads = hp->n_heads,
        .window = p->m->layers[layer].window,
        .scale = 1.0f / sqrtf((float)hp->head_dim),
    };
    s->ops->kv_write(s, p->step->kv, layer, a.k, a.v, p->step->batch);
    s->ops->attention(s, &attention, p->step->kv, p->step->batch);
    return a.q;
}

void llmi_blocks_add_product(const llmi_pass *p, llm_view x, llm_view in, const llm_weight *w, const llm_weight *bias) {
    llm_stream *s = p->step->s;
    llm_linear product = {.w = w, .bias = bias, .out = x, .accumulate = 1};
    s->ops->linear(s, in, &product, 1);
}

void llmi_blocks_add_feed_forward(const llmi_pass *p, llm_view x, llm_view h, const llmi_layer *l) {
    llm_stream *s = p->step->s;
    llm_view gate = llmi_workspace_take(p->step->ws, h.rows, p->m->hp.n_ff);
    llm_view up = llmi_workspace_take(p->step->ws, h.rows, p->m->hp.n_ff);
    llm_linear products[] = {{.w = l->w_gate, .bias = l->b_gate, .out = gate},
                             {.w = l->w_up, .bias = l->b_up, .out = up}};
    s->ops->linear(s, h, products, 2);
    s->ops->glu(s, gate, gate, up, LLM_ACT_SILU);
    llmi_blocks_add_product(p, x, gate, l->w_down, l->b_down);
}
