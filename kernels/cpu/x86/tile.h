/* What the tiles of all instruction sets share: a tile's rows are spelled out, so that each row has named
 * variables that stay in registers. ROWS_4(M) is M(0) M(1) M(2) M(3); in M, `n` is a row's number. */
#ifndef LLMK_CPU_X86_TILE_H
#define LLMK_CPU_X86_TILE_H

#include <immintrin.h>

#include "cpu/expand.h"

#define ROWS_1(M) M(0)
#define ROWS_2(M) ROWS_1(M) M(1)
#define ROWS_3(M) ROWS_2(M) M(2)
#define ROWS_4(M) ROWS_3(M) M(3)
#define ROWS_5(M) ROWS_4(M) M(4)
#define ROWS_6(M) ROWS_5(M) M(5)

/* TILE(n_rows, kind) for every number of rows; then multiply_<kind>, which picks one. */
#define TILES(kind, TILE)                                                                                              \
    TILE(1, kind)                                                                                                      \
    TILE(2, kind)                                                                                                      \
    TILE(3, kind)                                                                                                      \
    TILE(4, kind)                                                                                                      \
    TILE(5, kind)                                                                                                      \
    TILE(6, kind)                                                                                                      \
    static void multiply_##kind(const llmk_tile *t) {                                                                  \
        static void (*const tiles[])(const llmk_tile *t) = {                                                           \
            tile_1_##kind, tile_2_##kind, tile_3_##kind, tile_4_##kind, tile_5_##kind, tile_6_##kind,                  \
        };                                                                                                             \
        tiles[t->n_rows - 1](t);                                                                                       \
    }

/* Four signed bytes of activations as one number, to be repeated. */
static inline int32_t load_four(const int8_t *x) {
    int32_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* What a group of rows adds to a block of 32 columns, one number for each row: where the sums of
 * products start, so that the weights' offset is gone in the end, and the scaled sums of activations. */
typedef struct row_terms {
    int32_t start[2][8];
    float sum[2][8];
} row_terms;

/* x: the block of a group of n rows. `halves`: for each 16 columns, else [0] is for all 32. What follows
 * n numbers is masked out: integers read as F32 would be denormal and cost hundreds of cycles. */
static inline void load_row_terms(row_terms *terms, const int8_t *x, int n, int32_t offset, bool halves, bool adds) {
    const __m256i mask = _mm256_setr_epi32(-1, -(n > 1), -(n > 2), -(n > 3), -(n > 4), -(n > 5), 0, 0);
    __m256i sum0 = _mm256_maskload_epi32((const int *)(const void *)(x + 36 * n), mask);
    __m256i sum1 = _mm256_maskload_epi32((const int *)(const void *)(x + 40 * n), mask);
    if (!halves) sum0 = _mm256_add_epi32(sum0, sum1);
    if (adds) {
        __m256 scale = _mm256_maskload_ps((const float *)(const void *)(x + 32 * n), mask);
        _mm256_storeu_ps(terms->sum[0], _mm256_mul_ps(_mm256_cvtepi32_ps(sum0), scale));
        if (halves) _mm256_storeu_ps(terms->sum[1], _mm256_mul_ps(_mm256_cvtepi32_ps(sum1), scale));
    } else {
        __m256i factor = _mm256_set1_epi32(-offset);
        _mm256_storeu_si256((__m256i *)(void *)terms->start[0], _mm256_mullo_epi32(sum0, factor));
        if (halves) _mm256_storeu_si256((__m256i *)(void *)terms->start[1], _mm256_mullo_epi32(sum1, factor));
    }
}

#endif
