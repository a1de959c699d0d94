#include "backends.h"
#include "program_check.h"
#include "ref/ref.h"

#include <stdio.h>

static llm_status mem_alloc(void **out, llm_device *device, size_t n_bytes) {
    *out = llmk_take(device->host, n_bytes);
    return *out ? LLM_OK : LLM_E_MEMORY;
}

static void mem_free(llm_device *device, void *ptr, size_t n_bytes) {
    llmk_give(device->host, ptr, n_bytes);
}

/* ---- weights ---- */

static llm_status weight_put(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *tensor) {
    const llmk_dtype *type;
    size_t row_bytes = 0;
    *out = NULL;
    *private_bytes = 0;
    llm_status status = llmk_tensor_check(device->host, tensor, &type, &row_bytes);
    if (status < 0) return status;
    llm_weight *w = llmk_take(device->host, sizeof *w);
    if (!w) return LLM_E_MEMORY;
    *w = (llm_weight){tensor->data, type, tensor->rows, tensor->cols, row_bytes};
    *out = w;
    return LLM_OK;
}

static void weight_free(llm_device *device, llm_weight *weight) {
    llmk_give(device->host, weight, sizeof *weight);
}

static llmk_shape shape_of(const llm_weight *w) {
    return (llmk_shape){w->rows, w->cols};
}

/* ---- states ---- */

static bool kv_layout(llmk_ref_kv *kv, const llm_state_desc *desc, int32_t page_tokens, int32_t n_pages) {
    *kv = (llmk_ref_kv){.desc = *desc};
    size_t n = desc->dtype == LLM_DTYPE_F32 ? 4 : 2;
    bool fits = llmk_multiply(&n, desc->n_heads) && llmk_multiply(&n, desc->k_dim);
    kv->token_bytes = n;
    fits = fits && llmk_multiply(&n, page_tokens);
    kv->page_bytes = n;
    fits = fits && llmk_multiply(&n, n_pages) && llmk_add_size(&n, -n % sizeof(double));
    kv->half_bytes = n;
    return fits;
}

static llm_status state_bytes(size_t *out, llm_device *device, const llm_program *p, int32_t group, int32_t n_items) {
    llmk_ref_kv kv;
    size_t n = sizeof(llmk_ref_kv);
    *out = 0;
    llm_status status = llmk_states_check(device->host, p, group, n_items);
    if (status < 0) return status;
    bool fits = llmk_multiply(&n, p->n_states) && llmk_add_size(&n, sizeof(llm_state));
    for (int32_t i = 0; i < p->n_states && fits; i++)
        if (p->states[i].group == group)
            fits = kv_layout(&kv, &p->states[i], p->limits.page_tokens, n_items) && llmk_add_size(&n, kv.half_bytes) &&
                   llmk_add_size(&n, kv.half_bytes);
    if (!fits) return llmk_error(device->host, LLM_E_MEMORY, "KV cache: beyond the address space");
    *out = n;
    return LLM_OK;
}

static llm_status state_create(llm_state **out, llm_device *device, const llm_program *p, int32_t group,
                               int32_t n_items) {
    size_t n_bytes;
    *out = NULL;
    llm_status status = state_bytes(&n_bytes, device, p, group, n_items);
    if (status < 0) return status;
    llm_state *state = llmk_take(device->host, n_bytes);
    if (!state) return LLM_E_MEMORY;
    *state = (llm_state){p->limits.page_tokens, n_items, group, p->n_states, n_bytes};
    uint8_t *at = (uint8_t *)&state->kv[p->n_states];
    for (int32_t i = 0; i < p->n_states; i++) {
        llmk_ref_kv *kv = &state->kv[i];
        *kv = (llmk_ref_kv){.desc = p->states[i]};
        if (p->states[i].group != group) continue;
        kv_layout(kv, &p->states[i], p->limits.page_tokens, n_items);
        kv->keys = at;
        kv->values = at + kv->half_bytes;
        at += 2 * kv->half_bytes;
    }
    *out = state;
    return LLM_OK;
}

static void state_free(llm_device *device, llm_state *state) {
    if (state) llmk_give(device->host, state, state->n_bytes);
}

/* ---- streams: one block, the stream and its two rows ---- */

static llm_status stream_bytes(size_t *out, llm_device *device, const llm_stream_options *options) {
    size_t n = sizeof(double) + sizeof(float);
    *out = 0;
    llm_status status = llmk_program_check(device->host, options->program, llmk_ref_ops, shape_of);
    if (status < 0) return status;
    if (!llmk_multiply(&n, llmk_program_widths(options->program).cols) || !llmk_add_size(&n, sizeof(llmk_ref_stream)))
        return llmk_error(device->host, LLM_E_MEMORY, "stream: scratch memory beyond the address space");
    *out = n;
    return LLM_OK;
}

static llm_status stream_create(llm_stream **out, llm_device *device, const llm_stream_options *options) {
    size_t n_bytes;
    *out = NULL;
    llm_status status = stream_bytes(&n_bytes, device, options);
    if (status < 0) return status;
    llmk_ref_stream *s = llmk_take(device->host, n_bytes);
    if (!s) return LLM_E_MEMORY;
    *s = (llmk_ref_stream){
        .base = {&llmk_ref_stream_ops, device},
        .program = options->program,
        .stop = options->stop,
        .max_cols = llmk_program_widths(options->program).cols,
    };
    s->sum = (double *)(s + 1);
    s->row = (float *)(s->sum + s->max_cols);
    *out = &s->base;
    return LLM_OK;
}

static void stream_destroy(llm_stream *stream) {
    if (!stream) return;
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    size_t n_bytes = sizeof *s + (size_t)s->max_cols * (sizeof(double) + sizeof(float));
    llmk_give(stream->device->host, s, n_bytes);
}

/* ---- device ---- */

static void close_device(llm_device *device) {
    if (device) llmk_give(device->host, device, sizeof *device);
}

static const llm_device_ops device_ops = {
    .struct_size = sizeof device_ops,
    .mem_alloc = mem_alloc,
    .mem_free = mem_free,
    .weight_put = weight_put,
    .weight_free = weight_free,
    .state_bytes = state_bytes,
    .state_create = state_create,
    .state_free = state_free,
    .stream_bytes = stream_bytes,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .close = close_device,
};

static llm_status probe(const llm_host *host, char *text, size_t capacity) {
    snprintf(text, capacity, "portable C, one thread; slow, for checking the others");
    return LLM_OK;
}

static llm_status open_device(llm_device **out, const llm_host *host) {
    llm_device *device = llmk_take(host, sizeof *device);
    *out = device;
    if (!device) return LLM_E_MEMORY;
    *device = (llm_device){&device_ops, host};
    return LLM_OK;
}

const llm_backend *llmk_ref_backend(void) {
    static const llm_backend backend = {
        .struct_size = sizeof backend,
        .abi = LLM_BACKEND_ABI,
        .name = "reference",
        .probe = probe,
        .open = open_device,
        .flags = LLM_BACKEND_ACTIVATIONS,
    };
    return &backend;
}
