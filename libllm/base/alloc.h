/* Memory from the host's allocator. Failure is an ordinary answer: NULL, with the error text set. */
#ifndef LLMI_BASE_ALLOC_H
#define LLMI_BASE_ALLOC_H

#include <llm/types.h>

#define LLMI_ALIGN 64

/* The C library's aligned allocation. */
extern const llm_allocator llmi_default_allocator;

/* n_bytes > 0. Contents are undefined; llmi_alloc_zero clears. */
void *llmi_alloc(const llm_allocator *a, size_t n_bytes);
void *llmi_alloc_zero(const llm_allocator *a, size_t n_bytes);

/* count * size with overflow check; count 0 gives a valid pointer to nothing. */
void *llmi_alloc_array(const llm_allocator *a, size_t count, size_t size);

/* Grows or shrinks; on failure NULL and `ptr` is untouched. */
void *llmi_realloc(const llm_allocator *a, void *ptr, size_t old_bytes, size_t new_bytes);

/* n_bytes as at allocation (0 and arrays of count 0 included). NULL is ignored. */
void llmi_free(const llm_allocator *a, void *ptr, size_t n_bytes);

/* NUL-terminated copy of `n` bytes; free with n + 1. */
char *llmi_strndup(const llm_allocator *a, const char *text, size_t n);

#endif
