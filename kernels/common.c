#define _GNU_SOURCE /* madvise */

#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

llm_status llmk_error(const llm_host *host, llm_status status, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    host->set_error(host->user, status, text);
    return status;
}

/* ---- memory ---- */

static size_t at_least_one(size_t n_bytes) {
    return n_bytes ? n_bytes : 1;
}

void *llmk_take(const llm_host *host, size_t n_bytes) {
    void *ptr = host->alloc(host->user, at_least_one(n_bytes), 64);
    if (!ptr) llmk_error(host, LLM_E_MEMORY, "the device: no memory for %zu bytes", n_bytes);
    return ptr;
}

void *llmk_take_large(const llm_host *host, size_t n_bytes) {
    void *ptr = llmk_take(host, n_bytes);
#ifdef MADV_HUGEPAGE
    enum { HUGE = 2 << 20, LARGE = 32 << 20 };
    uintptr_t begin = ((uintptr_t)ptr + HUGE - 1) & ~(uintptr_t)(HUGE - 1);
    uintptr_t end = ((uintptr_t)ptr + n_bytes) & ~(uintptr_t)(HUGE - 1);
    if (ptr && n_bytes >= LARGE && begin < end)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE); /* no harm if it fails */
#endif
    return ptr;
}

void llmk_give(const llm_host *host, void *ptr, size_t n_bytes) {
    if (ptr) host->free(host->user, ptr, at_least_one(n_bytes));
}

int32_t llmk_activations(const llm_host *host) {
    bool known = host->struct_size >= offsetof(llm_host, activations) + sizeof host->activations;
    return known ? host->activations : LLM_ACTIVATIONS_AUTO;
}

bool llmk_multiply(size_t *a, int64_t b) {
    return b >= 0 && !__builtin_mul_overflow(*a, (size_t)b, a);
}

bool llmk_add_size(size_t *a, size_t b) {
    return !__builtin_add_overflow(*a, b, a);
}

/* ---- what the library hands over ---- */

llm_status llmk_tensor_check(const llm_host *host, const llm_tensor *t, const llmk_dtype **type, size_t *row_bytes) {
    const llmk_dtype *found = *type = llmk_dtype_get(t->dtype);
    if (!found)
        return llmk_error(host, LLM_E_UNSUPPORTED, "tensor %s: data type %d has no kernels", t->name, (int)t->dtype);
    if (t->rows < 0 || t->cols < 0 || t->cols % found->block_elems)
        return llmk_error(host, LLM_E_FORMAT, "tensor %s: rows of %lld elements, expected a multiple of %d (%s)",
                          t->name, (long long)t->cols, (int)found->block_elems, found->name);
    size_t n_bytes = (size_t)found->block_bytes;
    bool fits = llmk_multiply(&n_bytes, t->cols / found->block_elems);
    *row_bytes = n_bytes;
    if (!fits || !llmk_multiply(&n_bytes, t->rows) || n_bytes != t->n_bytes)
        return llmk_error(host, LLM_E_FORMAT, "tensor %s: %zu bytes do not hold %lld rows of %lld elements of type %s",
                          t->name, t->n_bytes, (long long)t->rows, (long long)t->cols, found->name);
    return LLM_OK;
}

/* ---- steps ---- */

int32_t llmk_step_page(const llm_step *step, const llm_state_table *table, int32_t n_pages, int32_t seq,
                       int32_t index) {
    if (seq < 0 || seq >= step->seqs || index < 0 || index >= table->width) return -1;
    int32_t page = table->pages[(int64_t)seq * table->width + index];
    return page >= 0 && page < n_pages ? page : -1;
}
