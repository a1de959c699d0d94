#include "backends.h"
#include "common.h"
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

/* ---- KV cache ---- */

static llm_status kv_layout(llm_kv *kv, const llm_host *host, const llm_kv_desc *desc) {
    llm_status status = llmk_kv_check(host, desc);
    if (status < 0) return status;
    *kv = (llm_kv){.desc = *desc};
    size_t n = desc->dtype == LLM_DTYPE_F32 ? 4 : 2, both;
    bool fits = llmk_multiply(&n, desc->n_kv_heads) && llmk_multiply(&n, desc->head_dim);
    kv->token_bytes = n;
    fits = fits && llmk_multiply(&n, desc->page_tokens);
    kv->page_bytes = n;
    fits = fits && llmk_multiply(&n, desc->n_pages);
    kv->layer_bytes = n;
    fits = fits && llmk_multiply(&n, desc->n_layers);
    kv->half_bytes = both = n;
    if (!fits || !llmk_multiply(&both, 2)) return llmk_error(host, LLM_E_MEMORY, "KV cache: beyond the address space");
    return LLM_OK;
}

static llm_status kv_bytes(size_t *out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv kv;
    llm_status status = kv_layout(&kv, device->host, desc);
    *out = status < 0 ? 0 : sizeof kv + 2 * kv.half_bytes;
    return status;
}

static llm_status kv_create(llm_kv **out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv layout;
    *out = NULL;
    llm_status status = kv_layout(&layout, device->host, desc);
    if (status < 0) return status;
    llm_kv *kv = llmk_take(device->host, sizeof *kv);
    if (!kv) return LLM_E_MEMORY;
    *kv = layout;
    kv->keys = llmk_take(device->host, 2 * kv->half_bytes);
    if (!kv->keys) {
        llmk_give(device->host, kv, sizeof *kv);
        return LLM_E_MEMORY;
    }
    kv->values = kv->keys + kv->half_bytes;
    *out = kv;
    return LLM_OK;
}

static void kv_free(llm_device *device, llm_kv *kv) {
    if (!kv) return;
    llmk_give(device->host, kv->keys, 2 * kv->half_bytes);
    llmk_give(device->host, kv, sizeof *kv);
}

/* ---- streams: one block, the stream and its two rows ---- */

static llm_status stream_bytes(size_t *out, llm_device *device, const llm_stream_options *options) {
    size_t n = sizeof(double) + sizeof(float);
    *out = 0;
    if (!llmk_multiply(&n, options->max_cols) || !llmk_add_size(&n, sizeof(llmk_ref_stream)))
        return llmk_error(device->host, LLM_E_ARGUMENT, "stream: max_cols is negative or too large");
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
    *s =
        (llmk_ref_stream){.base = {&llmk_ref_stream_ops, device}, .stop = options->stop, .max_cols = options->max_cols};
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
    .kv_bytes = kv_bytes,
    .kv_create = kv_create,
    .kv_free = kv_free,
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
