/* Linear micro-kernels for AVX2 with FMA and F16C. */
#include "cpu/x86/tile.h"

typedef __m256i vec;
typedef __m256 vecf;
enum { VECTOR_BYTES = 32 };

static inline vec load_vec(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline vecf load_vecf(const void *p) {
    return _mm256_loadu_ps((const float *)p);
}

#define store_vecf    _mm256_storeu_ps
#define repeat32      _mm256_set1_epi32
#define repeatf       _mm256_set1_ps
#define zero_vec      _mm256_setzero_si256
#define add16         _mm256_add_epi16
#define add32         _mm256_add_epi32
#define shift_right32 _mm256_srai_epi32
#define maddubs       _mm256_maddubs_epi16
#define madd          _mm256_madd_epi16
#define abs8          _mm256_abs_epi8
#define give_sign     _mm256_sign_epi8
#define xor_vec       _mm256_xor_si256
#define to_float      _mm256_cvtepi32_ps
#define mulf          _mm256_mul_ps
#define fmaf_vec      _mm256_fmadd_ps

#include "cpu/x86/tile_madd.h"

/* ---- F32: 16 rows at a time, two registers ---- */

#define LOAD_ACC(n)                                                                                                    \
    const float *x##n = (const float *)(const void *)((const uint8_t *)t->x + (n)*t->x_stride);                        \
    float *acc##n = t->acc + (n)*t->acc_stride + LLMK_LANES * half;                                                    \
    vecf a##n = t->is_first ? repeatf(0.0f) : load_vecf(acc##n);                                                       \
    vecf b##n = t->is_first ? repeatf(0.0f) : load_vecf(acc##n + 8);

#define STORE_ACC(n)                                                                                                   \
    store_vecf(acc##n, a##n);                                                                                          \
    store_vecf(acc##n + 8, b##n);

#define COLUMN(n)                                                                                                      \
    {                                                                                                                  \
        vecf x = repeatf(x##n[c + at]);                                                                                \
        a##n = fmaf_vec(x, w0, a##n);                                                                                  \
        b##n = fmaf_vec(x, w1, b##n);                                                                                  \
    }

#define COLUMNS(N, column, first, second)                                                                              \
    {                                                                                                                  \
        enum { at = (column) };                                                                                        \
        vecf w0 = (first), w1 = (second);                                                                              \
        ROWS_##N(COLUMN)                                                                                               \
    }

#define TILE_F32(N, kind)                                                                                              \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        for (int half = 0; half < 2; half++) {                                                                         \
            const uint8_t *p = t->panel + 64 * half;                                                                   \
            ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols;                                                      \
                                    c++, p += 128){COLUMNS(N, 0, load_vecf(p), load_vecf(p + 32))} ROWS_##N(STORE_ACC) \
        }                                                                                                              \
    }

/* ---- F16, BF16 as they are packed: the first half prefetches both ---- */

static inline vecf even_bf16(vec pairs) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}

static inline vecf odd_bf16(vec pairs) {
    return _mm256_castsi256_ps(_mm256_and_si256(pairs, repeat32((int32_t)0xffff0000)));
}

#define TILE_F16(N, kind)                                                                                              \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        for (int half = 0; half < 2; half++) {                                                                         \
            const uint8_t *p = t->packed->at[LLMK_PLANE_LOW] + 32 * half;                                              \
            ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c++, p += 64) {                                      \
                if (!half) __builtin_prefetch(p + LLMK_AHEAD_16);                                                      \
                COLUMNS(N, 0, widen_f16(p), widen_f16(p + 16))                                                         \
            }                                                                                                          \
            ROWS_##N(STORE_ACC)                                                                                        \
        }                                                                                                              \
    }

#define TILE_BF16_PAIRS(N, kind)                                                                                       \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        for (int half = 0; half < 2; half++) {                                                                         \
            const uint8_t *p = t->packed->at[LLMK_PLANE_LOW] + 64 * half;                                              \
            ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c += 2, p += 128) {                                  \
                vec v0 = load_vec(p), v1 = load_vec(p + 32);                                                           \
                if (!half) {                                                                                           \
                    __builtin_prefetch(p + LLMK_AHEAD_16);                                                             \
                    __builtin_prefetch(p + LLMK_AHEAD_16 + 64);                                                        \
                }                                                                                                      \
                COLUMNS(N, 0, even_bf16(v0), even_bf16(v1))                                                            \
                if (c + 1 < t->n_cols) COLUMNS(N, 1, odd_bf16(v0), odd_bf16(v1))                                       \
            }                                                                                                          \
            ROWS_##N(STORE_ACC)                                                                                        \
        }                                                                                                              \
    }

#include "cpu/x86/products_madd.h"

void llmk_linear_init_avx2(llmk_linear_kernels *k) {
    fill_products_madd(k);
    k->quantize = quantize_rows;
}
