#include "engine/compute.h"

#include <llm/sys/interpret.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"

static llm_limits limits_of(const llmi_dims *dims, llm_dtype kv_dtype) {
    return (llm_limits){
        .rows = {[LLM_ROWS_STEP] = dims->n_batch, [LLM_ROWS_OUT] = dims->n_batch, [LLM_ROWS_LOGITS] = dims->max_logits},
        .seqs = dims->step_seqs,
        .page_tokens = dims->page_tokens,
        .kv_dtype = kv_dtype,
    };
}

static llm_program record(const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype, void *memory) {
    llm_limits limits = limits_of(dims, kv_dtype);
    llm_program program;
    llmi_program_record(&program, m, &limits, memory);
    return program;
}

static llm_status too_large(void) {
    return llmi_error(LLM_E_ARGUMENT, "the KV cache of the engine's options is larger than the address space");
}

llm_status llmi_compute_measure(llmi_compute_size *out, const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype,
                                const llm_pool *pool) {
    const llm_device_ops *ops = m->device->ops;
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    llm_program program = record(m, dims, kv_dtype, NULL);
    size_t n_bytes = llmi_program_bytes(&program);
    void *memory = llmi_alloc(a, n_bytes);
    if (!memory) return LLM_E_MEMORY;
    program = record(m, dims, kv_dtype, memory);
    llm_stream_options options = {.struct_size = sizeof options, .program = &program, .pool = pool};
    *out = (llmi_compute_size){.tables = llmi_batch_table_bytes(dims), .workspace = program.workspace_bytes};
    llm_status status = LLM_OK;
    for (int32_t g = 0; g < program.n_groups && status == LLM_OK; g++) {
        size_t of_group = 0;
        status = ops->state_bytes(&of_group, m->device, &program, g, dims->n_items[g]);
        if (status == LLM_OK && !llmi_add(&out->kv, out->kv, of_group)) status = too_large();
    }
    if (status == LLM_OK) status = ops->stream_bytes(&out->stream, m->device, &options);
    llmi_free(a, memory, n_bytes);
    return status;
}

void llmi_compute_place(llmi_compute *c, llmi_arena *arena, const llm_model *m, const llmi_dims *dims) {
    llm_program program = record(m, dims, LLM_DTYPE_F32, NULL);
    *c = (llmi_compute){0};
    c->program_memory = llmi_arena_take(arena, llmi_program_bytes(&program), 1);
    c->logits = llmi_arena_take(arena, (size_t)dims->max_logits * (size_t)dims->n_vocab, sizeof *c->logits);
    c->hidden = llmi_arena_take(arena, (size_t)dims->n_batch * (size_t)dims->n_embd, sizeof *c->hidden);
}

static llm_status check_stream(const llm_stream *s) {
    if (s->ops->struct_size >= sizeof *s->ops) return LLM_OK;
    return llmi_error(LLM_E_VERSION, "llm_stream_ops has %u bytes, expected at least %zu", s->ops->struct_size,
                      sizeof *s->ops);
}

llm_status llmi_compute_create(llmi_compute *c, const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype,
                               const llm_pool *pool) {
    llm_device *device = m->device;
    llm_stream_options options = {
        .struct_size = sizeof options, .program = &c->program, .pool = pool, .stop = &c->stop};
    llm_status status = LLM_OK;
    c->model = m;
    c->pool = pool;
    c->program = record(m, dims, kv_dtype, c->program_memory);
    c->table_bytes = llmi_batch_table_bytes(dims);
    if (device->ops->weights_prepare) status = device->ops->weights_prepare(device, pool);
    for (int32_t g = 0; g < c->program.n_groups && status == LLM_OK; g++)
        status = device->ops->state_create(&c->states[g], device, &c->program, g, dims->n_items[g]);
    if (status == LLM_OK) status = device->ops->stream_create(&c->stream, device, &options);
    if (status == LLM_OK) status = check_stream(c->stream);
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
    for (int32_t g = 0; g < c->program.n_groups; g++)
        if (c->states[g]) device->ops->state_free(device, c->states[g]);
}

static const int32_t *on_device(const llmi_compute *c, const llmi_batch *b, const int32_t *table) {
    return (const int32_t *)c->tables + (table - b->tables);
}

static void copy_pages(const llmi_compute *c, const llmi_batch *b, int32_t group) {
    const llmi_kvwindow *w = llmi_kvpool_window(b->pool, group);
    for (int32_t i = 0; i < b->n_parts; i++) {
        const llmi_kv_copy *copy = &b->parts[i].copy;
        if (!copy->n_tokens) continue;
        int32_t dst = w ? w->frames[copy->dst] : copy->dst, src = w ? w->frames[copy->src] : copy->src;
        c->stream->ops->state_copy(c->stream, c->states[group], dst, src, copy->n_tokens);
    }
}

llm_status llmi_compute_run(llmi_compute *c, llmi_batch *b) {
    llm_stream *s = c->stream;
    const llm_program *p = &c->program;
    size_t n_bytes = llmi_batch_seal(b);
    llm_state_table tables[LLMI_MAX_GROUPS];
    llm_step step = {
        .struct_size = sizeof step,
        .rows =
            {[LLM_ROWS_STEP] = b->n_rows, [LLM_ROWS_OUT] = b->n_logits + b->n_hidden, [LLM_ROWS_LOGITS] = b->n_logits},
        .seqs = b->n_parts,
        .tokens = on_device(c, b, b->tokens),
        .positions = on_device(c, b, b->positions),
        .row_seq = on_device(c, b, b->row_seq),
        .seq_rows = on_device(c, b, b->seq_rows),
        .out_rows = on_device(c, b, b->out_rows),
        .tables = tables,
        .workspace = c->workspace,
    };
    for (int32_t g = 0; g < p->n_groups; g++) {
        const int32_t *pages = b->page_tables + (size_t)g * (size_t)b->n_parts * (size_t)b->max_pages;
        tables[g] = (llm_state_table){.state = c->states[g], .pages = on_device(c, b, pages), .width = b->max_pages};
        copy_pages(c, b, g);
    }
    s->ops->upload(s, c->tables, b->tables, n_bytes);
    s->ops->run(s, &step, 0, p->n_ops);
    llm_view logits = llm_step_view(&step, p->logits), hidden = llm_step_view(&step, p->hidden);
    if (b->n_logits)
        s->ops->download(s, c->logits, logits.data, (size_t)(logits.rows * logits.cols) * sizeof *c->logits);
    if (b->n_hidden)
        s->ops->download(s, c->hidden, llm_view_row(hidden, b->n_logits),
                         (size_t)(b->n_hidden * hidden.cols) * sizeof *c->hidden);
    return s->ops->sync(s);
}
