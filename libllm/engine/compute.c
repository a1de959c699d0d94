#include "engine/compute.h"

#include "base/status.h"

static llm_kv_desc kv_desc(const llm_model *m, const llmi_dims *dims, llm_dtype dtype) {
    return (llm_kv_desc){
        .n_layers = m->hp.n_layers,
        .n_kv_heads = m->hp.n_kv_heads,
        .head_dim = m->hp.head_dim,
        .page_tokens = dims->page_tokens,
        .n_pages = dims->n_pages,
        .dtype = dtype,
    };
}

static llm_stream_options stream_options(const llm_model *m, const llmi_dims *dims, const llm_pool *pool,
                                         const int32_t *stop) {
    const llmi_hparams *hp = &m->hp;
    int64_t widest = hp->n_embd, attention = (int64_t)hp->n_heads * hp->head_dim;
    if (attention > widest) widest = attention;
    if (hp->n_ff > widest) widest = hp->n_ff;
    return (llm_stream_options){
        .pool = pool,
        .stop = stop,
        .max_rows = dims->n_batch,
        .max_cols = widest,
        .max_seqs = dims->step_seqs,
        .max_heads = hp->n_heads,
    };
}

static llm_limits limits_of(const llmi_dims *dims) {
    return (llm_limits){
        .rows = {
            [LLM_ROWS_STEP] = dims->n_batch, [LLM_ROWS_OUT] = dims->n_batch, [LLM_ROWS_LOGITS] = dims->max_logits}};
}

/* The program, recorded into ops if there are any. */
static llm_program record(const llm_model *m, const llmi_dims *dims, llm_op *ops) {
    llm_limits limits = limits_of(dims);
    llm_program program;
    llmi_model_record(&program, m, &limits, ops);
    return program;
}

llm_status llmi_compute_measure(llmi_compute_size *out, const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype,
                                const llm_pool *pool) {
    const llm_device_ops *ops = m->device->ops;
    llm_kv_desc kv = kv_desc(m, dims, kv_dtype);
    llm_stream_options stream = stream_options(m, dims, pool, NULL);
    *out = (llmi_compute_size){.tables = llmi_batch_table_bytes(dims)};
    out->workspace = record(m, dims, NULL).workspace_bytes;
    llm_status status = ops->kv_bytes(&out->kv, m->device, &kv);
    if (status == LLM_OK) status = ops->stream_bytes(&out->stream, m->device, &stream);
    return status;
}

void llmi_compute_place(llmi_compute *c, llmi_arena *arena, const llm_model *m, const llmi_dims *dims) {
    *c = (llmi_compute){0};
    c->ops = llmi_arena_take(arena, (size_t)record(m, dims, NULL).n_ops, sizeof *c->ops);
    c->logits = llmi_arena_take(arena, (size_t)dims->max_logits * (size_t)dims->n_vocab, sizeof *c->logits);
    c->hidden = llmi_arena_take(arena, (size_t)dims->n_batch * (size_t)dims->n_embd, sizeof *c->hidden);
}

llm_status llmi_compute_create(llmi_compute *c, const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype,
                               const llm_pool *pool) {
    llm_device *device = m->device;
    llm_kv_desc kv = kv_desc(m, dims, kv_dtype);
    llm_stream_options stream = stream_options(m, dims, pool, &c->stop);
    llm_status status = LLM_OK;
    c->model = m;
    c->pool = pool;
    c->program = record(m, dims, c->ops);
    c->table_bytes = llmi_batch_table_bytes(dims);
    if (device->ops->weights_prepare) status = device->ops->weights_prepare(device, pool);
    if (status == LLM_OK) status = device->ops->kv_create(&c->kv, device, &kv);
    if (status == LLM_OK) status = device->ops->stream_create(&c->stream, device, &stream);
    if (status == LLM_OK) status = device->ops->mem_alloc(&c->workspace, device, c->program.workspace_bytes);
    if (status == LLM_OK) status = device->ops->mem_alloc(&c->tables, device, c->table_bytes);
    return status;
}

void llmi_compute_destroy(llmi_compute *c) {
    if (!c->model) return;
    llm_device *device = c->model->device;
    if (c->tables) device->ops->mem_free(device, c->tables, c->table_bytes);
    if (c->workspace) device->ops->mem_free(device, c->workspace, c->program.workspace_bytes);
    if (c->stream) device->ops->stream_destroy(c->stream);
    if (c->kv) device->ops->kv_free(device, c->kv);
}

static const int32_t *on_device(const llmi_compute *c, const llmi_batch *b, const int32_t *table) {
    return (const int32_t *)c->tables + (table - b->tables);
}

llm_status llmi_compute_run(llmi_compute *c, llmi_batch *b) {
    llm_stream *s = c->stream;
    size_t n_bytes = llmi_batch_seal(b);
    llm_batch batch = {
        .n_rows = b->n_rows,
        .n_seqs = b->n_parts,
        .max_pages = b->max_pages,
        .tokens = on_device(c, b, b->tokens),
        .positions = on_device(c, b, b->positions),
        .row_seq = on_device(c, b, b->row_seq),
        .seq_rows = on_device(c, b, b->seq_rows),
        .page_table = on_device(c, b, b->page_table),
    };
    llmi_step step = {
        .s = s,
        .batch = &batch,
        .kv = c->kv,
        .workspace = c->workspace,
        .out_rows = on_device(c, b, b->out_rows),
        .n_out = b->n_logits + b->n_hidden,
        .n_logits = b->n_logits,
    };
    for (int32_t i = 0; i < b->n_parts; i++) {
        const llmi_copy *copy = &b->parts[i].copy;
        if (copy->n_tokens) s->ops->kv_copy(s, c->kv, copy->dst, copy->src, copy->n_tokens);
    }
    s->ops->upload(s, c->tables, b->tables, n_bytes);
    llmi_program_run(&c->program, &step);
    if (b->n_logits)
        s->ops->download(s, c->logits, llmi_step_view(&step, c->program.logits).data,
                         (size_t)b->n_logits * (size_t)c->model->hp.n_vocab * sizeof *c->logits);
    size_t width = (size_t)c->model->hp.n_embd;
    if (b->n_hidden)
        s->ops->download(s, c->hidden, llmi_step_view(&step, c->program.hidden).data + (size_t)b->n_logits * width,
                         (size_t)b->n_hidden * width * sizeof *c->hidden);
    return s->ops->sync(s);
}
