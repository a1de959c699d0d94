/* What the packing kernels of all instruction sets are made of. */
#ifndef LLMK_CPU_PACK_WORDS_H
#define LLMK_CPU_PACK_WORDS_H

#include "cpu/pack.h"

#include <string.h>

/* A 32-bit word of each of 16 rows: four consecutive byte-wide numbers of a row. */
typedef struct words {
    uint32_t row[LLMK_LANES];
} words;

static inline const uint8_t *row_of(const llmk_rows *src, int32_t r, size_t at) {
    return src->row[r] + src->at + at;
}

/* Four words of a register: stored one by one and loaded back as a whole, they would stall store forwarding. */
typedef uint32_t quad __attribute__((vector_size(16)));

/* Prefetches as many bytes as gather4 reads, in address order: the processor does not recognize rows that are far apart
 * as a stream, and loads from all of them at the same time exceed its outstanding misses. */
static inline void fetch_ahead(const llmk_rows *src, size_t at) {
    const uint8_t *ahead = src->ahead + LLMK_LANES * (src->at + at);
    for (size_t i = 0; i < 16 * LLMK_LANES; i += 64) __builtin_prefetch(ahead + i, 0, 2);
}

static inline uint32_t word_of(const llmk_rows *src, int32_t r, size_t at) {
    uint32_t v;
    memcpy(&v, row_of(src, r, at), sizeof v);
    return v;
}

/* The word at byte `at` of each row. */
static inline words gather(const llmk_rows *src, size_t at) {
    words w;
    for (int32_t r = 0; r < LLMK_LANES; r += 4) {
        quad q = {word_of(src, r, at), word_of(src, r + 1, at), word_of(src, r + 2, at), word_of(src, r + 3, at)};
        memcpy(&w.row[r], &q, sizeof q);
    }
    return w;
}

#endif
