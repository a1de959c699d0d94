/* A stored matrix: the file's bytes, and the packed copy that products make of them as they go. */
#ifndef LLMK_CPU_WEIGHT_H
#define LLMK_CPU_WEIGHT_H

#include "cpu/pack.h"
#include "dtype.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <llm/sys/interpret.h>

/* A read-only mapping of a file. */
typedef struct llmk_mapping {
    uintptr_t begin, end; /* end 0: none */
} llmk_mapping;

struct llm_weight {
    const uint8_t *data; /* borrowed from the tensor */
    const llmk_dtype *type;
    const llmk_layout *layout;
    llmk_pack pack;
    int64_t rows, cols;
    size_t row_bytes, strip_bytes;
    int64_t part_strips, n_parts; /* strips of a part, and parts, that products cut it into (linear.c) */
    size_t packed_bytes;          /* size of the packed copy; 0: no copy is wanted */
    void *memory;                 /* allocation of the copy, with room for alignment; NULL: not prepared */
    uint8_t *copy;                /* the packed strips, aligned within `memory`; valid once `packed` is set */
    atomic_bool packed;           /* the copy is complete; until then products pack from `data` as they go */
    atomic_int uses;              /* products to come before the one that packs into the copy */
    atomic_uint rows_read;        /* rows read from `data` since the copy is complete */
    llmk_mapping mapping;         /* the mapping that contains `data`, if any */
    llm_weight *next, **link;     /* the device's list */
    size_t n_bytes;               /* size of this structure with its vector */
    float vector[];               /* [cols] if rows is 1 */
};

static inline int64_t llmk_weight_strips(const llm_weight *w) {
    return (w->rows + LLMK_STRIP - 1) / LLMK_STRIP;
}

/* Rows of strip s that exist. */
static inline int32_t llmk_weight_strip_rows(const llm_weight *w, int64_t s) {
    int64_t rest = w->rows - s * LLMK_STRIP;
    return rest < LLMK_STRIP ? (int32_t)rest : LLMK_STRIP;
}

/* Returns true if this product, which reads all of w, must build the copy. It then calls llmk_weight_made; whole is
 * false if the product was interrupted. */
bool llmk_weight_claim(const llm_weight *w);
void llmk_weight_made(const llm_weight *w, bool whole);
/* Before strips [strip, end) are packed: maps their pages, and those of the strip that is fetched meanwhile. */
void llmk_weight_want(const llm_weight *w, int64_t strip, int64_t end);
/* Gives back the pages of strips [strip, end), which are packed, in large pieces. */
void llmk_weight_release(const llm_weight *w, int64_t strip, int64_t end);

/* linear.c: sets part_strips and n_parts by the shape alone. */
void llmk_linear_cut(llm_weight *w);

/* ---- mapping.c: pages of a mapped file ---- */

/* The mapping that holds [ptr, ptr + n_bytes); none if that is other memory. */
llmk_mapping llmk_mapping_find(const void *ptr, size_t n_bytes);
bool llmk_mapping_holds(const llmk_mapping *m, const void *ptr, size_t n_bytes);
/* Gives back the physical pages that lie wholly inside; they are read from the file again if needed. */
void llmk_mapping_release(const llmk_mapping *m, const void *ptr, size_t n_bytes);
/* Maps the pages that hold [ptr, ptr + n_bytes) at once, which takes less time than one by one as they are read, and
 * lets them be fetched ahead. */
void llmk_mapping_want(const llmk_mapping *m, const void *ptr, size_t n_bytes);
/* Asks for large pages: weights are read at a fifth more bandwidth from them. */
void llmk_mapping_want_large(void *ptr, size_t n_bytes);

#endif
