#include "backends.h"
#include "ref/ref.h"

#include <stdio.h>
#include <string.h>

static llm_status fail(const llm_host *host, llm_status status, const char *text) {
    host->set_error(host->user, status, text);
    return status;
}

/* *a *= b, both not negative. */
static int multiply(size_t *a, int64_t b) {
    return b < 0 || __builtin_mul_overflow(*a, (size_t)b, a) ? -1 : 0;
}

/* ---- memory ---- */

static size_t at_least_one(size_t n_bytes) {
    return n_bytes ? n_bytes : 1;
}

static void *take(const llm_host *host, size_t n_bytes) {
    void *ptr = host->alloc(host->user, at_least_one(n_bytes), 64);
    if (!ptr) fail(host, LLM_E_MEMORY, "reference back end: out of memory");
    return ptr;
}

static void give_back(const llm_host *host, void *ptr, size_t n_bytes) {
    if (ptr) host->free(host->user, ptr, at_least_one(n_bytes));
}

static llm_status mem_alloc(void **out, llm_device *device, size_t n_bytes) {
    *out = take(device->host, n_bytes);
    return *out ? LLM_OK : LLM_E_MEMORY;
}

static void mem_free(llm_device *device, void *ptr, size_t n_bytes) {
    give_back(device->host, ptr, n_bytes);
}

/* ---- weights ---- */

static llm_status weight_check(const llm_host *host, const llm_tensor *t, const llmk_dtype *type, size_t *row_bytes) {
    char text[256];
    if (!type) {
        snprintf(text, sizeof text, "tensor %s: data type %d has no kernels", t->name, (int)t->dtype);
        return fail(host, LLM_E_UNSUPPORTED, text);
    }
    if (t->rows < 0 || t->cols < 0 || t->cols % type->block_elems) {
        snprintf(text, sizeof text, "tensor %s: rows of %lld elements, expected a multiple of %d (%s)", t->name,
                 (long long)t->cols, (int)type->block_elems, type->name);
        return fail(host, LLM_E_FORMAT, text);
    }
    size_t n_bytes = (size_t)type->block_bytes;
    int overflow = multiply(&n_bytes, t->cols / type->block_elems);
    *row_bytes = n_bytes;
    if (overflow || multiply(&n_bytes, t->rows) || n_bytes != t->n_bytes) {
        snprintf(text, sizeof text, "tensor %s: %zu bytes do not hold %lld rows of %lld elements of type %s", t->name,
                 t->n_bytes, (long long)t->rows, (long long)t->cols, type->name);
        return fail(host, LLM_E_FORMAT, text);
    }
    return LLM_OK;
}

static llm_status weight_put(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *tensor) {
    const llmk_dtype *type = llmk_dtype_get(tensor->dtype);
    size_t row_bytes = 0;
    *out = NULL;
    *private_bytes = 0;
    llm_status status = weight_check(device->host, tensor, type, &row_bytes);
    if (status < 0) return status;
    llm_weight *w = take(device->host, sizeof *w);
    if (!w) return LLM_E_MEMORY;
    *w = (llm_weight){tensor->data, type, tensor->rows, tensor->cols, row_bytes};
    *out = w;
    return LLM_OK;
}

static void weight_free(llm_device *device, llm_weight *weight) {
    give_back(device->host, weight, sizeof *weight);
}

/* ---- KV cache ---- */

static llm_status kv_layout(llm_kv *kv, const llm_host *host, const llm_kv_desc *desc) {
    if (desc->dtype != LLM_DTYPE_F32 && desc->dtype != LLM_DTYPE_F16)
        return fail(host, LLM_E_UNSUPPORTED, "KV cache: data type is neither F32 nor F16");
    if (desc->n_layers < 1 || desc->n_kv_heads < 1 || desc->head_dim < 1 || desc->page_tokens < 1 || desc->n_pages < 1)
        return fail(host, LLM_E_ARGUMENT, "KV cache: a size is below 1");
    *kv = (llm_kv){.desc = *desc};
    size_t n = desc->dtype == LLM_DTYPE_F32 ? 4 : 2, both;
    int overflow = multiply(&n, desc->n_kv_heads) || multiply(&n, desc->head_dim);
    kv->token_bytes = n;
    overflow = overflow || multiply(&n, desc->page_tokens);
    kv->page_bytes = n;
    overflow = overflow || multiply(&n, desc->n_pages);
    kv->layer_bytes = n;
    overflow = overflow || multiply(&n, desc->n_layers);
    kv->half_bytes = both = n;
    if (overflow || multiply(&both, 2)) return fail(host, LLM_E_MEMORY, "KV cache: larger than the address space");
    return LLM_OK;
}

static llm_status kv_bytes(size_t *out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv kv;
    llm_status status = kv_layout(&kv, device->host, desc);
    *out = status < 0 ? 0 : 2 * kv.half_bytes;
    return status;
}

static llm_status kv_create(llm_kv **out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv layout;
    *out = NULL;
    llm_status status = kv_layout(&layout, device->host, desc);
    if (status < 0) return status;
    llm_kv *kv = take(device->host, sizeof *kv);
    if (!kv) return LLM_E_MEMORY;
    *kv = layout;
    kv->keys = take(device->host, 2 * kv->half_bytes);
    if (!kv->keys) {
        give_back(device->host, kv, sizeof *kv);
        return LLM_E_MEMORY;
    }
    kv->values = kv->keys + kv->half_bytes;
    *out = kv;
    return LLM_OK;
}

static void kv_free(llm_device *device, llm_kv *kv) {
    if (!kv) return;
    give_back(device->host, kv->keys, 2 * kv->half_bytes);
    give_back(device->host, kv, sizeof *kv);
}

/* ---- streams: one block, the stream and its two rows ---- */

static llm_status stream_bytes(size_t *out, llm_device *device, const llm_stream_options *options) {
    size_t n = sizeof(double) + sizeof(float);
    *out = 0;
    if (multiply(&n, options->max_cols) || __builtin_add_overflow(n, sizeof(llmk_ref_stream), &n))
        return fail(device->host, LLM_E_ARGUMENT, "stream: max_cols is negative or too large");
    *out = n;
    return LLM_OK;
}

static llm_status stream_create(llm_stream **out, llm_device *device, const llm_stream_options *options) {
    size_t n_bytes;
    *out = NULL;
    llm_status status = stream_bytes(&n_bytes, device, options);
    if (status < 0) return status;
    llmk_ref_stream *s = take(device->host, n_bytes);
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
    give_back(stream->device->host, s, n_bytes);
}

/* ---- device ---- */

static void close_device(llm_device *device) {
    if (device) give_back(device->host, device, sizeof *device);
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
    llm_device *device = take(host, sizeof *device);
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
    };
    return &backend;
}
