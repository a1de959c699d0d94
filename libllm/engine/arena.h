/* Hands out pieces of one block of memory. Without a block it only counts, so that the code which places
 * the arrays of an engine also says how much they take. */
#ifndef LLMI_ENGINE_ARENA_H
#define LLMI_ENGINE_ARENA_H

#include "base/alloc.h"
#include "base/checked.h"

typedef struct llmi_arena {
    char *base; /* NULL: only count */
    size_t used;
    bool overflow; /* used is meaningless */
} llmi_arena;

/* NULL while counting. Aligned to LLMI_ALIGN. */
static inline void *llmi_arena_take(llmi_arena *a, size_t count, size_t size) {
    size_t n_bytes, at = a->used;
    if (!llmi_mul(&n_bytes, count, size) || !llmi_align_up(&n_bytes, n_bytes, LLMI_ALIGN) ||
        !llmi_add(&a->used, at, n_bytes))
        a->overflow = true;
    return a->base ? a->base + at : NULL;
}

#endif
