/* Tiles with 512-bit registers: a strip is two registers wide, times up to six rows. The including file
 * defines dot512(sums, weights, activations): sums of four products of unsigned and signed bytes. */
#ifndef LLMK_CPU_X86_TILE512_H
#define LLMK_CPU_X86_TILE512_H

#include "cpu/x86/tile.h"

static inline __m512 load16(const void *p) {
    return _mm512_loadu_ps(p);
}

static inline __mmask16 acc_mask(const llmk_tile *t) {
    return t->is_first ? 0 : 0xffff;
}

static inline void prefetch_ahead(const uint8_t **ahead, int32_t n_lines) {
    for (int32_t i = 0; i < n_lines; i++) _mm_prefetch((const char *)*ahead + 64 * i, _MM_HINT_T0);
    *ahead += 64 * n_lines;
}

#define LOAD_ACC(n)                                                                                                    \
    float *acc##n = t->acc + (n)*t->acc_stride;                                                                        \
    __m512 a##n = _mm512_maskz_loadu_ps(mask, acc##n), b##n = _mm512_maskz_loadu_ps(mask, acc##n + 16);

#define STORE_ACC(n)                                                                                                   \
    _mm512_storeu_ps(acc##n, a##n);                                                                                    \
    _mm512_storeu_ps(acc##n + 16, b##n);

/* ---- F32 ---- */

#define F32_ROW(n) const float *x##n = (const float *)(const void *)((const uint8_t *)t->x + (n)*t->x_stride);

#define F32_COLUMN(n)                                                                                                  \
    {                                                                                                                  \
        __m512 x = _mm512_set1_ps(x##n[c + at]);                                                                       \
        a##n = _mm512_fmadd_ps(x, w0, a##n);                                                                           \
        b##n = _mm512_fmadd_ps(x, w1, b##n);                                                                           \
    }

#define F32_COLUMNS(N, column, first, second)                                                                          \
    {                                                                                                                  \
        enum { at = (column) };                                                                                        \
        __m512 w0 = (first), w1 = (second);                                                                            \
        ROWS_##N(F32_COLUMN)                                                                                           \
    }

#define TILE_F32(N, kind)                                                                                              \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        const __mmask16 mask = acc_mask(t);                                                                            \
        const uint8_t *p = t->panel;                                                                                   \
        ROWS_##N(F32_ROW) ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c++, p += 128){                        \
            F32_COLUMNS(N, 0, load16(p), load16(p + 64))} ROWS_##N(STORE_ACC)                                          \
    }

/* ---- F16, BF16 as they are packed ---- */

static inline __m512 even_bf16(__m512i pairs) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
}

static inline __m512 odd_bf16(__m512i pairs) {
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int32_t)0xffff0000)));
}

#define TILE_F16(N, kind)                                                                                              \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        const __mmask16 mask = acc_mask(t);                                                                            \
        const uint8_t *p = t->packed->at[LLMK_PLANE_LOW];                                                              \
        ROWS_##N(F32_ROW) ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c++, p += 64) {                        \
            __builtin_prefetch(p + LLMK_AHEAD_16);                                                                     \
            F32_COLUMNS(N, 0, widen_f16(p), widen_f16(p + 32))                                                         \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

#define TILE_BF16_PAIRS(N, kind)                                                                                       \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        const __mmask16 mask = acc_mask(t);                                                                            \
        const uint8_t *p = t->packed->at[LLMK_PLANE_LOW];                                                              \
        ROWS_##N(F32_ROW) ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c += 2, p += 128) {                    \
            __m512i v0 = _mm512_loadu_si512(p), v1 = _mm512_loadu_si512(p + 64);                                       \
            __builtin_prefetch(p + LLMK_AHEAD_16);                                                                     \
            __builtin_prefetch(p + LLMK_AHEAD_16 + 64);                                                                \
            F32_COLUMNS(N, 0, even_bf16(v0), even_bf16(v1))                                                            \
            if (c + 1 < t->n_cols) F32_COLUMNS(N, 1, odd_bf16(v0), odd_bf16(v1))                                       \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

/* ---- bytes ---- */

#define START_ZERO(n) __m512i i##n = _mm512_setzero_si512(), j##n = i##n;
#define START_0(n)    __m512i i##n = _mm512_set1_epi32(start[n]), j##n = i##n;
#define START_1(n)    __m512i i##n = _mm512_set1_epi32(start[rows + (n)]), j##n = i##n;

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
        __m512 s = _mm512_set1_ps(sum[half * rows + (n)]);                                                             \
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

#define BLOCK_S32(N) ROWS_##N(START_0) STEPS_0(N) STEPS_1(N) SCALES(N, 0)
#define BLOCK_M32(N) ROWS_##N(START_ZERO) STEPS_0(N) STEPS_1(N) SCALES(N, 0) ADDS(N, 1, 0)
#define BLOCK_S16(N)                                                                                                   \
    {ROWS_##N(START_0) STEPS_0(N) SCALES(N, 0)} { ROWS_##N(START_1) STEPS_1(N) SCALES(N, 1) }
#define BLOCK_M16(N)                                                                                                   \
    {ROWS_##N(START_ZERO) STEPS_0(N) SCALES(N, 0) ADDS(N, 2, 0)} {                                                     \
        ROWS_##N(START_ZERO) STEPS_1(N) SCALES(N, 1) ADDS(N, 3, 1)                                                     \
    }

#define TILE_I8(N, kind)                                                                                               \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        const __mmask16 mask = acc_mask(t);                                                                            \
        enum { second = PANEL_BYTES_##kind };                                                                          \
        const uint8_t *p = t->panel, *end = p + t->n_cols / LLMK_BLOCK * 2 * second;                                   \
        const uint8_t *ahead = t->ahead;                                                                               \
        const int32_t n_ahead = t->n_ahead;                                                                            \
        const int8_t *x = t->x;                                                                                        \
        enum { rows = (N) };                                                                                           \
        ROWS_##N(LOAD_ACC) for (; p < end; p += 2 * second, x += rows * LLMK_X_I8_BYTES) {                             \
            const float *scale = (const float *)(const void *)(x + LLMK_BLOCK * rows);                                 \
            const float *sum = scale + SUM_##kind * rows;                                                              \
            const int32_t *start = (const int32_t *)(const void *)scale + START_##kind * rows;                         \
            prefetch_ahead(&ahead, n_ahead);                                                                           \
            (void)sum, (void)start;                                                                                    \
            BLOCK_##kind(N)                                                                                            \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

/* ---- activations ---- */

#define NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

static inline void quantize_block512(int8_t *q, float *scale, int32_t *sum0, int32_t *sum1, const float *x) {
    __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    const __m512i no_sign = _mm512_set1_epi32(0x7fffffff);
    __m512i ma = _mm512_and_si512(_mm512_castps_si512(a), no_sign);
    __m512i mb = _mm512_and_si512(_mm512_castps_si512(b), no_sign);
    float largest = llmk_f32_from_bits((uint32_t)_mm512_reduce_max_epi32(_mm512_max_epi32(ma, mb)));
    bool plain = largest >= 1e-30f && largest <= 3.4028235e38f;
    __m512 inverse = _mm512_set1_ps(plain ? 127.0f / largest : 0.0f);
    *scale = largest < 1e-30f ? 0.0f : largest * (1.0f / 127.0f);
    __mmask16 keep = plain ? 0xffff : 0;
    __m512i va = _mm512_cvt_roundps_epi32(_mm512_maskz_mul_ps(keep, a, inverse), NEAREST);
    __m512i vb = _mm512_cvt_roundps_epi32(_mm512_maskz_mul_ps(keep, b, inverse), NEAREST);
    __m256i bytes = _mm256_set_m128i(_mm512_cvtepi32_epi8(vb), _mm512_cvtepi32_epi8(va));
    _mm256_storeu_si256((__m256i *)(void *)q, bytes);
    __m256i sums = _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1));
    sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0x4e));
    sums = _mm256_add_epi32(sums, _mm256_shuffle_epi32(sums, 0xb1));
    *sum0 = _mm256_cvtsi256_si32(sums);
    *sum1 = _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1));
}

static inline void quantize(void *dst, const float *x, int64_t stride, int32_t n_rows, int64_t n_cols) {
    quantize_with(dst, x, stride, n_rows, n_cols, quantize_block512);
}

#endif
