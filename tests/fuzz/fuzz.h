/* What the fuzz targets share: their entry, and an allocator that stops the run when memory grows out of
 * proportion to the input. */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { FUZZ_FREE_BYTES = 1 << 20, FUZZ_TIMES = 64 };

/* Counts what is alive; more than FUZZ_TIMES the input and a free megabyte is a finding. */
typedef struct fuzz_memory {
    llm_allocator allocator;
    size_t alive, limit;
} fuzz_memory;

static inline void *fuzz_alloc(void *user, size_t n_bytes, size_t alignment) {
    fuzz_memory *m = user;
    if (n_bytes > m->limit - m->alive) abort();
    m->alive += n_bytes;
    return llmi_default_allocator.alloc(NULL, n_bytes, alignment);
}

static inline void fuzz_free(void *user, void *ptr, size_t n_bytes) {
    fuzz_memory *m = user;
    m->alive -= n_bytes;
    llmi_default_allocator.free(NULL, ptr, n_bytes);
}

static inline void fuzz_memory_init(fuzz_memory *m, size_t n_input) {
    *m = (fuzz_memory){{m, fuzz_alloc, fuzz_free}, 0, FUZZ_FREE_BYTES + FUZZ_TIMES * n_input};
}

/* Everything was given back. */
static inline void fuzz_memory_check(const fuzz_memory *m) {
    if (m->alive) abort();
}

#endif
