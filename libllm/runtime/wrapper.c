#include "runtime/wrapper.h"

static llm_device *inner_of(llm_device *d) {
    return ((llmi_wrapper *)(void *)d)->inner;
}

static llmi_wrapper_stream *stream_of(llm_stream *s) {
    return (llmi_wrapper_stream *)(void *)s;
}

/* ---- memory ---- */

static size_t at_least_one(size_t n_bytes) {
    return n_bytes ? n_bytes : 1;
}

void *llmi_wrapper_alloc(const llm_host *host, size_t n_bytes) {
    void *ptr = host->alloc(host->user, at_least_one(n_bytes), 64);
    if (!ptr) llmi_error(LLM_E_MEMORY, "no memory for %zu bytes", n_bytes);
    return ptr;
}

void llmi_wrapper_free(const llm_host *host, void *ptr, size_t n_bytes) {
    if (ptr) host->free(host->user, ptr, at_least_one(n_bytes));
}

/* ---- device ---- */

llm_status llmi_wrapper_mem_alloc(void **out, llm_device *d, size_t n_bytes) {
    llm_device *inner = inner_of(d);
    return inner->ops->mem_alloc(out, inner, n_bytes);
}

void llmi_wrapper_mem_free(llm_device *d, void *ptr, size_t n_bytes) {
    llm_device *inner = inner_of(d);
    inner->ops->mem_free(inner, ptr, n_bytes);
}

llm_status llmi_wrapper_weights_prepare(llm_device *d, const llm_pool *pool) {
    llm_device *inner = inner_of(d);
    return inner->ops->weights_prepare ? inner->ops->weights_prepare(inner, pool) : LLM_OK;
}

llm_status llmi_wrapper_state_bytes(size_t *out, llm_device *d, const llm_program *p, int32_t group, int32_t n_items) {
    llm_device *inner = inner_of(d);
    return inner->ops->state_bytes(out, inner, p, group, n_items);
}

/* ---- stream ---- */

void llmi_wrapper_upload(llm_stream *s, void *dst, const void *src, size_t n_bytes) {
    llm_stream *inner = stream_of(s)->inner;
    inner->ops->upload(inner, dst, src, n_bytes);
}

void llmi_wrapper_download(llm_stream *s, void *dst, const void *src, size_t n_bytes) {
    llm_stream *inner = stream_of(s)->inner;
    inner->ops->download(inner, dst, src, n_bytes);
}

void llmi_wrapper_fail(llmi_wrapper_stream *s, llm_status status) {
    if (s->failure.status == LLM_OK) llmi_error_save(&s->failure, status);
}

void llmi_wrapper_wait(llmi_wrapper_stream *s, llm_stream *other) {
    llm_status status = other->ops->sync(other);
    if (status != LLM_OK) llmi_wrapper_fail(s, status);
}

llm_status llmi_wrapper_sync(llm_stream *stream) {
    llmi_wrapper_stream *s = stream_of(stream);
    llmi_wrapper_wait(s, s->inner);
    if (s->failure.status == LLM_OK) return LLM_OK;
    llm_status status = llmi_error_restore(&s->failure);
    s->failure.status = LLM_OK;
    return status;
}
