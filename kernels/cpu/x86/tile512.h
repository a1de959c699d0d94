/* Tiles with 512-bit registers: a strip is two registers wide, times up to six rows. The including file
 * defines dot512(sums, weights, activations): sums of four products of unsigned and signed bytes. */
#ifndef LLMK_CPU_X86_TILE512_H
#define LLMK_CPU_X86_TILE512_H

#include "cpu/x86/tile.h"

static inline __m512 load16(const void *p) {
    return _mm512_loadu_ps(p);
}

#define LOAD_ACC(n)                                                                                                    \
    float *acc##n = t->acc + (n)*LLMK_STRIP;                                                                        \
    __m512 a##n = load16(acc##n), b##n = load16(acc##n + 16);

#define STORE_ACC(n)                                                                                                   \
    _mm512_storeu_ps(acc##n, a##n);                                                                                    \
    _mm512_storeu_ps(acc##n + 16, b##n);

/* ---- F32 ---- */

#define F32_ROW(n) const float *x##n = (const float *)(const void *)((const uint8_t *)t->x + (n)*t->x_stride);

#define F32_COLUMN(n)                                                                                                  \
    {                                                                                                                  \
        __m512 x = _mm512_set1_ps(x##n[c]);                                                                            \
        a##n = _mm512_fmadd_ps(x, w0, a##n);                                                                           \
        b##n = _mm512_fmadd_ps(x, w1, b##n);                                                                           \
    }

#define TILE_F32(N, kind)                                                                                              \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        const uint8_t *p = t->panel;                                                                                   \
        ROWS_##N(F32_ROW) ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c++, p += 128) {                        \
            __m512 w0 = load16(p), w1 = load16(p + 64);                                                            \
            ROWS_##N(F32_COLUMN)                                                                                       \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

/* ---- bytes ---- */

#define START_ZERO(n) __m512i i##n = _mm512_setzero_si512(), j##n = i##n;
#define START_0(n) __m512i i##n = _mm512_set1_epi32(terms.start[0][n]), j##n = i##n;
#define START_1(n) __m512i i##n = _mm512_set1_epi32(terms.start[1][n]), j##n = i##n;

#define DOT(n)                                                                                                         \
    {                                                                                                                  \
        __m512i v = _mm512_set1_epi32(load_four(x + 32 * (n) + 4 * k));                                                \
        i##n = dot512(i##n, w0, v);                                                                                    \
        j##n = dot512(j##n, w1, v);                                                                                    \
    }

#define STEP(N, step)                                                                                                  \
    {                                                                                                                  \
        enum { k = (step) };                                                                                           \
        __m512i w0 = _mm512_loadu_si512(p + 64 * k), w1 = _mm512_loadu_si512(p + second + 64 * k);                     \
        ROWS_##N(DOT)                                                                                                  \
    }

#define SCALE(n)                                                                                                       \
    {                                                                                                                  \
        __m512 s = _mm512_set1_ps(scale[n]);                                                                           \
        a##n = _mm512_fmadd_ps(_mm512_cvtepi32_ps(i##n), _mm512_mul_ps(d0, s), a##n);                                  \
        b##n = _mm512_fmadd_ps(_mm512_cvtepi32_ps(j##n), _mm512_mul_ps(d1, s), b##n);                                  \
    }

#define ADD(n)                                                                                                         \
    {                                                                                                                  \
        __m512 s = _mm512_set1_ps(terms.sum[half][n]);                                                                 \
        a##n = _mm512_fmadd_ps(s, m0, a##n);                                                                           \
        b##n = _mm512_fmadd_ps(s, m1, b##n);                                                                           \
    }

#define SCALES(N, at)                                                                                                  \
    {                                                                                                                  \
        __m512 d0 = load16(p + 512 + 64 * (at)), d1 = load16(p + second + 512 + 64 * (at));                            \
        ROWS_##N(SCALE)                                                                                                \
    }

#define ADDS(N, at, of)                                                                                                \
    {                                                                                                                  \
        enum { half = (of) };                                                                                          \
        __m512 m0 = load16(p + 512 + 64 * (at)), m1 = load16(p + second + 512 + 64 * (at));                            \
        ROWS_##N(ADD)                                                                                                  \
    }

#define STEPS_0(N) STEP(N, 0) STEP(N, 1) STEP(N, 2) STEP(N, 3)
#define STEPS_1(N) STEP(N, 4) STEP(N, 5) STEP(N, 6) STEP(N, 7)

#define BLOCK_S32(N)                                                                                                   \
    ROWS_##N(START_0) STEPS_0(N) STEPS_1(N) SCALES(N, 0)
#define BLOCK_M32(N)                                                                                                   \
    ROWS_##N(START_ZERO) STEPS_0(N) STEPS_1(N) SCALES(N, 0) ADDS(N, 1, 0)
#define BLOCK_S16(N)                                                                                                   \
    { ROWS_##N(START_0) STEPS_0(N) SCALES(N, 0) }                                                                      \
    { ROWS_##N(START_1) STEPS_1(N) SCALES(N, 1) }
#define BLOCK_M16(N)                                                                                                   \
    { ROWS_##N(START_ZERO) STEPS_0(N) SCALES(N, 0) ADDS(N, 2, 0) }                                                     \
    { ROWS_##N(START_ZERO) STEPS_1(N) SCALES(N, 1) ADDS(N, 3, 1) }

enum { HALVES_S32 = 0, HALVES_M32 = 0, HALVES_S16 = 1, HALVES_M16 = 1 };
enum { ADDS_S32 = 0, ADDS_M32 = 1, ADDS_S16 = 0, ADDS_M16 = 1 };

#define TILE_I8(N, kind)                                                                                               \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        enum { second = PANEL_BYTES_##kind };\
        const uint8_t *p = t->panel, *end = p + t->n_cols / LLMK_BLOCK * 2 * second;                          \
        const int32_t offset = t->offset;                                                                              \
        const int8_t *x = t->x;                                                                                        \
        ROWS_##N(LOAD_ACC) for (; p < end; p += 2 * second, x += (N)*LLMK_X_I8_BYTES) {                        \
            const float *scale = (const float *)(const void *)(x + 32 * (N));                                          \
            row_terms terms;                                                                                           \
            load_row_terms(&terms, x, N, offset, HALVES_##kind, ADDS_##kind);                                          \
            BLOCK_##kind(N)                                                                                            \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

#endif
