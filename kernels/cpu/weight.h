/* A stored matrix: the file's bytes, and the packed copy that products make of them as they go (packing.h). */
#ifndef LLMK_CPU_WEIGHT_H
#define LLMK_CPU_WEIGHT_H

#include "cpu/pack.h"
#include "cpu/packing.h"
#include "dtype.h"

#include <llm/sys/interpret.h>

enum { LLMK_GROUP = 2 }; /* strips that share each pass over the activations (linear.c); a part has whole groups */

struct llm_weight {
    const uint8_t *data; /* borrowed from the tensor */
    const llmk_dtype *type;
    const llmk_layout *layout;
    llmk_pack pack;
    int64_t rows, cols;
    size_t row_bytes, strip_bytes;
    int64_t part_strips, n_parts; /* strips of a part, and parts, that products cut it into (linear.c) */
    llmk_packing *packing;        /* the mutable part; NULL: no copy is wanted */
    llm_weight *next, **link;     /* the device's list */
    size_t n_bytes;               /* size of this structure with its vector and packing */
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

/* One past the last strip of a part. */
static inline int64_t llmk_weight_part_end(const llm_weight *w, int64_t part) {
    int64_t end = (part + 1) * w->part_strips, n_strips = llmk_weight_strips(w);
    return end < n_strips ? end : n_strips;
}

/* packing.c */
void llmk_packing_free(const llm_host *host, llmk_packing *p);

/* ---- mapping.c: pages of a mapped file ---- */

/* The mapping that holds [ptr, ptr + n_bytes); none if that is other memory. */
llmk_mapping llmk_mapping_find(const void *ptr, size_t n_bytes);
bool llmk_mapping_holds(const llmk_mapping *m, const void *ptr, size_t n_bytes);
/* Releases the physical pages that are entirely inside; they are read from the file again if needed. */
void llmk_mapping_release(const llmk_mapping *m, const void *ptr, size_t n_bytes);
/* Maps the pages of [ptr, ptr + n_bytes) in one call, which takes less time than a page fault for each, and lets them
 * be read ahead. */
void llmk_mapping_want(const llmk_mapping *m, const void *ptr, size_t n_bytes);
/* Asks for huge pages: weights are read from them with a fifth more bandwidth. */
void llmk_mapping_want_large(void *ptr, size_t n_bytes);

#endif
