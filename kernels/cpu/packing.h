/* The packed copy of a weight, built by the products that read it.
 *
 *     strips    0 1 | 2 3 | 4 5 | 6 7 | 8        of 32 rows
 *     parts      0     1     2     3    4        what an item of a product reads (linear.c)
 *     state     DONE  DONE  BUSY  TODO  TODO
 *
 * The first pass over a model computes from the file's bytes, so that the first token comes soon; the passes after it
 * pack as they multiply, a share of the weights each, so that no token comes late. A part that is not done is packed by
 * each item that needs it: the first item of a due pass packs it into the copy, all others into their own scratch
 * memory. Values are the same either way. The weight itself is constant. */
#ifndef LLMK_CPU_PACKING_H
#define LLMK_CPU_PACKING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A read-only mapping of a file. */
typedef struct llmk_mapping {
    uintptr_t begin, end; /* end 0: none */
} llmk_mapping;

typedef struct llmk_packing {
    void *memory;            /* NULL: not prepared */
    uint8_t *copy;           /* the packed strips, aligned within `memory` */
    size_t n_bytes;          /* of the copy */
    llmk_mapping mapping;    /* the mapping that contains the weight's data, if any */
    atomic_llong first_pass; /* of the device that packs it; LLONG_MAX before the preparation */
    atomic_llong n_left;     /* parts that are not done */
    atomic_uint n_rows;      /* single rows read from the file since all of it is done */
    atomic_uchar states[];   /* [n_parts] LLMK_PART_* */
} llmk_packing;

enum { LLMK_PART_TODO, LLMK_PART_BUSY, LLMK_PART_DONE };

struct llm_device;
struct llm_weight;

size_t llmk_packing_bytes(int64_t n_parts);
void llmk_packing_init(llmk_packing *p, size_t n_bytes, int64_t n_parts);

/* Whether the part is in the copy. NULL: there is no copy. */
static inline bool llmk_packing_has(const llmk_packing *p, int64_t part) {
    return p && atomic_load_explicit(&p->states[part], memory_order_acquire) == LLMK_PART_DONE;
}

/* True if the caller packs the part into the copy: pass is due and nobody else does. It then calls finish. */
bool llmk_packing_try_begin(llmk_packing *p, int64_t part, int64_t pass);
/* Marks the part as done; pages of a mapped file that are no longer needed are released, in large pieces. */
void llmk_packing_finish(const struct llm_weight *w, int64_t part);

/* Called before a part is read from the file: maps its pages and those of the strip that is prefetched meanwhile. */
void llmk_packing_want(const struct llm_weight *w, int64_t part);
/* Called after a row was read from the file although a copy contains it (a head that shares the embedding's table):
 * each such read brings 64 KiB of the file into memory, and these are released now and then. */
void llmk_packing_row_was_read(const struct llm_weight *w);

#endif
