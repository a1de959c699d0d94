/* Tiles of bytes as they are packed, for weights that one tile multiplies: numbers are unpacked in registers, so that
 * loads keep flowing instead of waiting for a panel to be built. The results equal those of tile512.h bit by bit:
 * packed numbers lack the offsets of its panels, and the activations' terms are scaled down to match. */
#ifndef LLMK_CPU_X86_TILE512_PACKED_H
#define LLMK_CPU_X86_TILE512_PACKED_H

#include "cpu/x86/tile512.h"

/* Bits of a panel's numbers, with which START was made: a packed number has fewer, and so has its offset. */
enum { WIDE_S32 = 8, WIDE_S16 = 6, WIDE_M32 = 8 };

#define LESS(i)           _mm512_srai_epi32(_mm512_set1_epi32(i), less)
#define PACKED_START_0(n) __m512i i##n = LESS(start[n]), j##n = i##n;
#define PACKED_START_1(n) __m512i i##n = LESS(start[rows + (n)]), j##n = i##n;

/* Prefetches an eighth of the lines of a later block, n_bits of each number. */
ALWAYS_INLINE void fetch_step(const uint8_t *later, int n_bits, int s) {
    for (int i = s * n_bits / 4; i < (s + 1) * n_bits / 4; i++) __builtin_prefetch(later + 64 * i);
}

#define PACKED_STEP(N, step)                                                                                           \
    {                                                                                                                  \
        enum { k = (step) };                                                                                           \
        fetch_step(low + to_low, low_bits, k);                                                                         \
        fetch_step(high + to_high, high_bits, k);                                                                      \
        __m512i w0 = (__m512i)take_number(low, low_bits, high, high_bits, k);                                          \
        __m512i w1 = (__m512i)take_number(low + 64 * low_bits, low_bits, high + 64 * high_bits, high_bits, k);         \
        ROWS_##N(DOT)                                                                                                  \
    }

#define PACKED_STEPS_0(N) PACKED_STEP(N, 0) PACKED_STEP(N, 1) PACKED_STEP(N, 2) PACKED_STEP(N, 3)
#define PACKED_STEPS_1(N) PACKED_STEP(N, 4) PACKED_STEP(N, 5) PACKED_STEP(N, 6) PACKED_STEP(N, 7)

static inline __m512 minus_f16(const void *p) {
    return _mm512_xor_ps(widen_f16(p), _mm512_set1_ps(-0.0f));
}

#define PACKED_SCALES(N, first, second)                                                                                \
    {                                                                                                                  \
        __m512 d0 = (first), d1 = (second);                                                                            \
        ROWS_##N(SCALE)                                                                                                \
    }

#define PACKED_ADDS(N, first, second)                                                                                  \
    {                                                                                                                  \
        enum { half = 0 };                                                                                             \
        __m512 m0 = (first), m1 = (second);                                                                            \
        ROWS_##N(ADD)                                                                                                  \
    }

#define PACKED_BLOCK_S32(N)                                                                                            \
    const uint8_t *f = d + 64 * b;                                                                                     \
    ROWS_##N(PACKED_START_0) PACKED_STEPS_0(N) PACKED_STEPS_1(N) PACKED_SCALES(N, widen_f16(f), widen_f16(f + 32))

#define PACKED_BLOCK_M32(N)                                                                                            \
    const uint8_t *f = d + 128 * (b / 8), *c = codes + 64 * b;                                                         \
    ROWS_##N(START_ZERO) PACKED_STEPS_0(N) PACKED_STEPS_1(N)                                                           \
        PACKED_SCALES(N, scaled(widen_f16(f), c, false), scaled(widen_f16(f + 64), c + 32, false))                     \
            PACKED_ADDS(N, scaled(minus_f16(f + 32), c + 16, false), scaled(minus_f16(f + 96), c + 48, false))

#define PACKED_BLOCK_S16(N)                                                                                            \
    const uint8_t *f = d + 64 * (b / 8), *c = codes + 64 * b;                                                          \
    {ROWS_##N(PACKED_START_0) PACKED_STEPS_0(N)                                                                        \
         PACKED_SCALES(N, scaled(widen_f16(f), c, true), scaled(widen_f16(f + 32), c + 32, true))} {                   \
        ROWS_##N(PACKED_START_1) PACKED_STEPS_1(N)                                                                     \
            PACKED_SCALES(N, scaled(widen_f16(f), c + 16, true), scaled(widen_f16(f + 32), c + 48, true))              \
    }

/* Prefetches `ahead` blocks of 32 columns in front of the tile; near the end of a strip this reaches into the next. */
#define TILE_PACKED(N, name, kind, low_of, high_of)                                                                    \
    static void tile_##N##_##name(const llmk_tile *t) {                                                                \
        enum { rows = (N), low_bits = (low_of), high_bits = (high_of), less = WIDE_##kind - low_bits - high_bits };    \
        enum { ahead = LLMK_AHEAD / (128 * low_bits) };                                                                \
        const __mmask16 mask = acc_mask(t);                                                                            \
        const uint8_t *low = t->packed->at[LLMK_PLANE_LOW], *high = t->packed->at[LLMK_PLANE_HIGH];                    \
        const uint8_t *d = t->packed->at[LLMK_PLANE_D], *codes = t->packed->at[LLMK_PLANE_CODES];                      \
        const int64_t n = t->n_cols / LLMK_BLOCK, turn = n > ahead ? n - ahead : 0;                                    \
        const int8_t *x = t->x;                                                                                        \
        int64_t to_low = ahead * 128 * low_bits, to_high = ahead * 128 * high_bits;                                    \
        ROWS_##N(LOAD_ACC) for (int64_t b = 0; b < n; b++, x += rows * LLMK_X_I8_BYTES) {                              \
            const float *scale = (const float *)(const void *)(x + LLMK_BLOCK * rows);                                 \
            const float *sum = scale + SUM_##kind * rows;                                                              \
            const int32_t *start = (const int32_t *)(const void *)scale + START_##kind * rows;                         \
            (void)sum, (void)start, (void)codes;                                                                       \
            if (b == turn) {                                                                                           \
                to_low += t->next->at[LLMK_PLANE_LOW] - (low + (n - b) * 128 * low_bits);                              \
                to_high += t->next->at[LLMK_PLANE_HIGH] - (high + (n - b) * 128 * high_bits);                          \
            }                                                                                                          \
            PACKED_BLOCK_##kind(N);                                                                                    \
            low += 128 * low_bits, high += 128 * high_bits;                                                            \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

#define TILE_Q8_0(N, name) TILE_PACKED(N, name, S32, 8, 0)
#define TILE_Q4_0(N, name) TILE_PACKED(N, name, S32, 4, 0)
#define TILE_Q5_0(N, name) TILE_PACKED(N, name, S32, 4, 1)
#define TILE_Q4_K(N, name) TILE_PACKED(N, name, M32, 4, 0)
#define TILE_Q5_K(N, name) TILE_PACKED(N, name, M32, 4, 1)
#define TILE_Q6_K(N, name) TILE_PACKED(N, name, S16, 4, 2)
#define TILE_Q3_K(N, name) TILE_PACKED(N, name, S16, 2, 1)

#endif
