#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/status.h"

static void *default_alloc(void *user, size_t n_bytes, size_t alignment) {
    size_t rounded;
    return llmi_align_up(&rounded, n_bytes, alignment) ? aligned_alloc(alignment, rounded) : NULL;
}

static void default_free(void *user, void *ptr, size_t n_bytes) {
    free(ptr);
}

const llm_allocator llmi_default_allocator = {NULL, default_alloc, default_free};

void *llmi_alloc(const llm_allocator *a, size_t n_bytes) {
    void *ptr = a->alloc(a->user, n_bytes ? n_bytes : 1, LLMI_ALIGN);
    if (!ptr) llmi_error(LLM_E_MEMORY, "out of memory: %zu bytes asked for", n_bytes);
    return ptr;
}

void *llmi_alloc_zero(const llm_allocator *a, size_t n_bytes) {
    void *ptr = llmi_alloc(a, n_bytes);
    if (ptr) memset(ptr, 0, n_bytes);
    return ptr;
}

void *llmi_alloc_array(const llm_allocator *a, size_t count, size_t size) {
    size_t n_bytes;
    if (!llmi_mul(&n_bytes, count, size)) {
        llmi_error(LLM_E_MEMORY, "out of memory: %zu elements of %zu bytes asked for", count, size);
        return NULL;
    }
    return llmi_alloc(a, n_bytes);
}

void *llmi_realloc(const llm_allocator *a, void *ptr, size_t old_bytes, size_t new_bytes) {
    void *grown = llmi_alloc(a, new_bytes);
    if (!grown || !ptr) return grown;
    memcpy(grown, ptr, old_bytes < new_bytes ? old_bytes : new_bytes);
    llmi_free(a, ptr, old_bytes);
    return grown;
}

void llmi_free(const llm_allocator *a, void *ptr, size_t n_bytes) {
    if (ptr) a->free(a->user, ptr, n_bytes ? n_bytes : 1);
}

char *llmi_strndup(const llm_allocator *a, const char *text, size_t n) {
    size_t n_bytes;
    if (!llmi_add(&n_bytes, n, 1)) {
        llmi_error(LLM_E_MEMORY, "out of memory: a text of %zu bytes", n);
        return NULL;
    }
    char *copy = llmi_alloc(a, n_bytes);
    if (!copy) return NULL;
    memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}
