/* Packed strips to panels, and activations to bytes: plain C that compilers vectorize. Each
 * instruction set's file includes it and so gets its own copies, all with the same results. */
#ifndef LLMK_CPU_EXPAND_H
#define LLMK_CPU_EXPAND_H

#include "cpu/linear_kernels.h"
#include "quant/half.h"

#if defined(__F16C__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* With constant arguments, inlining leaves only the code that is needed. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    PANEL_BYTES_F32 = 2048,
    PANEL_BYTES_BF16 = 1024,
    PANEL_BYTES_S32 = 576,
    PANEL_BYTES_N32 = PANEL_BYTES_S32,
    PANEL_BYTES_M32 = 640,
    PANEL_BYTES_S16 = 640,
    PANEL_BYTES_M16 = 768
};

/* As many F16 numbers as a register takes. */
#if defined(__AVX512F__)
static inline __m512 widen_f16(const void *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
#elif defined(__F16C__)
static inline __m256 widen_f16(const void *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
#endif

static inline void load_halves(float *dst, const uint8_t *src) {
#if defined(__AVX512F__)
    _mm512_storeu_ps(dst, widen_f16(src));
#elif defined(__F16C__)
    _mm256_storeu_ps(dst, widen_f16(src));
    _mm256_storeu_ps(dst + 8, widen_f16(src + 16));
#elif defined(__aarch64__) && defined(__ARM_NEON)
    for (int i = 0; i < LLMK_LANES; i += 4) vst1q_f32(dst + i, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(src + 2 * i))));
#else
    for (int i = 0; i < LLMK_LANES; i++) {
        uint16_t half;
        memcpy(&half, src + 2 * i, sizeof half);
        dst[i] = llmk_f16_to_f32(half);
    }
#endif
}

/* ---- numbers: 64 bytes (a step: 4 columns of 16 rows), a register at a time ---- */

#if defined(__AVX512F__)
typedef uint64_t chunk __attribute__((vector_size(64)));
#elif defined(__AVX2__)
typedef uint64_t chunk __attribute__((vector_size(32)));
#else
typedef uint64_t chunk __attribute__((vector_size(16)));
#endif

#define EACH_BYTE(n) (0x0101010101010101u * (n))

/* What turns numbers that exceed the weights' by `offset` into a panel's when it is added, see linear_kernels.h. */
#define BIAS_S32(offset) EACH_BYTE(128 - (offset))
#define BIAS_N32(offset) EACH_BYTE(16 - (offset))
#define BIAS_S16(offset) EACH_BYTE(32 - (offset))
#define NO_BIAS          0

/* Step s of a plane of numbers of `bits` bits, from bit `to` of each byte on. Vectors are shifted whole: what enters
 * a byte from its neighbour is masked away. */
ALWAYS_INLINE chunk take_bits(const uint8_t *src, int s, int bits, int to) {
    int shift = bits * (s / bits) - to;
    chunk v;
    memcpy(&v, src + 64 * (s % bits), sizeof v);
    return (shift > 0 ? v >> shift : v << -shift) & EACH_BYTE(((1u << bits) - 1) << to);
}

/* Step s: low + high * 2^low_bits, byte by byte. high_bits may be 0. */
ALWAYS_INLINE chunk take_number(const uint8_t *low, int low_bits, const uint8_t *high, int high_bits, int s) {
    chunk v = take_bits(low, s, low_bits, 0);
    if (high_bits) v |= take_bits(high, s, high_bits, low_bits);
    return v;
}

/* dst = low + high * 2^low_bits + bias, byte by byte; nothing carries from one to the next. high_bits may be 0. */
ALWAYS_INLINE void numbers(uint8_t *dst, const uint8_t *low, int low_bits, const uint8_t *high, int high_bits,
                           uint64_t bias) {
    for (int i = 0; i < low_bits; i++) __builtin_prefetch(low + 64 * i + LLMK_AHEAD);
    for (int i = 0; i < high_bits; i++) __builtin_prefetch(high + 64 * i + LLMK_AHEAD);
    for (size_t at = 0; at < 64; at += sizeof(chunk))
        for (int s = 0; s < 8; s++) {
            chunk v = take_number(low + at, low_bits, high_bits ? high + at : high, high_bits, s) + bias;
            memcpy(dst + 64 * s + at, &v, sizeof v);
        }
}

/* ---- scales ---- */

#ifdef __AVX512F__
ALWAYS_INLINE __m512 scaled(__m512 d, const uint8_t *codes, bool is_signed) {
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)codes);
    __m512i wide = is_signed ? _mm512_cvtepi8_epi32(c) : _mm512_cvtepu8_epi32(c);
    return _mm512_mul_ps(d, _mm512_cvtepi32_ps(wide));
}
#endif

/* dst = d * code of 16 rows; signed or unsigned bytes */
static inline void scale_codes(float *dst, const float *d, const uint8_t *codes, bool is_signed) {
#ifdef __AVX512F__
    _mm512_storeu_ps(dst, scaled(_mm512_loadu_ps(d), codes, is_signed));
#else
    for (int i = 0; i < LLMK_LANES; i++) dst[i] = d[i] * (float)(is_signed ? (int8_t)codes[i] : codes[i]);
#endif
}

/* dst[0..15] = d * low nibble, dst[32..47] = -(dmin * high nibble) */
static inline void scale_nibbles(float *dst, const float *d, const float *minus_dmin, const uint8_t *codes) {
    uint8_t low[LLMK_LANES], high[LLMK_LANES];
    for (int i = 0; i < LLMK_LANES; i++) low[i] = codes[i] & 15, high[i] = codes[i] >> 4;
    scale_codes(dst, d, low, false);
    scale_codes(dst + 32, minus_dmin, high, false);
}

/* ---- types; i counts half blocks: 16 rows of a block of 32 columns, then the other 16 ---- */

static inline void expand_f16(uint8_t *panel, const llmk_planes *src, int64_t n_cols) {
    for (int64_t i = 0; i < 2 * n_cols; i++) {
        const uint8_t *low = src->at[LLMK_PLANE_LOW] + 32 * i;
        __builtin_prefetch(low + LLMK_AHEAD);
        load_halves((float *)(void *)panel + 16 * i, low);
    }
}

/* If the number of columns is odd, one more is expanded. */
static inline void expand_bf16(uint8_t *panel, const llmk_planes *src, int64_t n_cols) {
    for (int64_t i = 0; i < n_cols + n_cols % 2; i++) {
        uint32_t pair[LLMK_LANES], even[LLMK_LANES], odd[LLMK_LANES];
        uint8_t *dst = panel + 256 * (i / 2) + 64 * (i % 2);
        __builtin_prefetch(src->at[LLMK_PLANE_LOW] + 64 * i + LLMK_AHEAD);
        memcpy(pair, src->at[LLMK_PLANE_LOW] + 64 * i, sizeof pair);
        for (int r = 0; r < LLMK_LANES; r++) even[r] = pair[r] << 16, odd[r] = pair[r] & 0xffff0000;
        memcpy(dst, even, sizeof even);
        memcpy(dst + 128, odd, sizeof odd);
    }
}

#define EXPAND(name, panel_bytes, body)                                                                                \
    static inline void expand_##name(uint8_t *panel, const llmk_planes *src, int64_t n_cols) {                         \
        const uint8_t *d = src->at[LLMK_PLANE_D], *codes = src->at[LLMK_PLANE_CODES];                                  \
        const uint8_t *low = src->at[LLMK_PLANE_LOW], *high = src->at[LLMK_PLANE_HIGH];                                \
        float f[2][2][LLMK_LANES];                                                                                     \
        (void)codes, (void)high, (void)f;                                                                              \
        for (int64_t i = 0; i < n_cols / LLMK_BLOCK * 2; i++, panel += (panel_bytes)) {                                \
            float *scales = (float *)(void *)(panel + 512);                                                            \
            body                                                                                                       \
        }                                                                                                              \
    }

EXPAND(q8_0, PANEL_BYTES_S32, {
    numbers(panel, low + 512 * i, 8, NULL, 0, BIAS_S32(128));
    load_halves(scales, d + 32 * i);
})

EXPAND(q4_0, PANEL_BYTES_S32, {
    numbers(panel, low + 256 * i, 4, NULL, 0, BIAS_S32(8));
    load_halves(scales, d + 32 * i);
})

EXPAND(q5_0, PANEL_BYTES_S32, {
    numbers(panel, low + 256 * i, 4, high + 64 * i, 1, BIAS_S32(16));
    load_halves(scales, d + 32 * i);
})

EXPAND(q4_0_narrow, PANEL_BYTES_N32, {
    numbers(panel, low + 256 * i, 4, NULL, 0, BIAS_N32(8));
    load_halves(scales, d + 32 * i);
})

EXPAND(q5_0_narrow, PANEL_BYTES_N32, {
    numbers(panel, low + 256 * i, 4, high + 64 * i, 1, BIAS_N32(16));
    load_halves(scales, d + 32 * i);
})

EXPAND(q4_1, PANEL_BYTES_M32, {
    numbers(panel, low + 256 * i, 4, NULL, 0, NO_BIAS);
    load_halves(scales, d + 64 * i);
    load_halves(scales + 16, d + 64 * i + 32);
})

EXPAND(q5_1, PANEL_BYTES_M32, {
    numbers(panel, low + 256 * i, 4, high + 64 * i, 1, NO_BIAS);
    load_halves(scales, d + 64 * i);
    load_halves(scales + 16, d + 64 * i + 32);
})

/* f: the factors of both halves of the rows, read at the start of each 256 columns; f[i % 2] is for half i. If there
 * are two factors, the second is negated. */
static inline void load_factors(float f[2][2][LLMK_LANES], const uint8_t *d, int64_t unit, int n) {
    for (int half = 0; half < 2; half++) {
        load_halves(f[half][0], d + 32 * (2 * n * unit + n * half));
        if (n == 1) continue;
        load_halves(f[half][1], d + 32 * (2 * n * unit + n * half + 1));
        for (int r = 0; r < LLMK_LANES; r++) f[half][1][r] = -f[half][1][r];
    }
}

#define FACTORS(n)                                                                                                     \
    if (i % 16 == 0) load_factors(f, d, i / 16, n);

EXPAND(q4_k, PANEL_BYTES_M32, {
    FACTORS(2)
    numbers(panel, low + 256 * i, 4, NULL, 0, NO_BIAS);
    scale_codes(scales, f[i % 2][0], codes + 32 * i, false);
    scale_codes(scales + 16, f[i % 2][1], codes + 32 * i + 16, false);
})

EXPAND(q5_k, PANEL_BYTES_M32, {
    FACTORS(2)
    numbers(panel, low + 256 * i, 4, high + 64 * i, 1, NO_BIAS);
    scale_codes(scales, f[i % 2][0], codes + 32 * i, false);
    scale_codes(scales + 16, f[i % 2][1], codes + 32 * i + 16, false);
})

EXPAND(q6_k, PANEL_BYTES_S16, {
    FACTORS(1)
    numbers(panel, low + 256 * i, 4, high + 128 * i, 2, BIAS_S16(32));
    for (int s = 0; s < 2; s++) scale_codes(scales + 16 * s, f[i % 2][0], codes + 32 * i + 16 * s, true);
})

EXPAND(q3_k, PANEL_BYTES_S16, {
    FACTORS(1)
    numbers(panel, low + 128 * i, 2, high + 64 * i, 1, BIAS_S16(4));
    for (int s = 0; s < 2; s++) scale_codes(scales + 16 * s, f[i % 2][0], codes + 32 * i + 16 * s, true);
})

EXPAND(q2_k, PANEL_BYTES_M16, {
    FACTORS(2)
    numbers(panel, low + 128 * i, 2, NULL, 0, NO_BIAS);
    for (int s = 0; s < 2; s++) scale_nibbles(scales + 16 * s, f[i % 2][0], f[i % 2][1], codes + 32 * i + 16 * s);
})

/* ---- panels of bytes as panels of F32 ---- */

/* offset: by how much a byte exceeds the weight's number. n_scales: vectors of scales for 32 columns, and of offsets,
 * if any.
 */
ALWAYS_INLINE void widen(float *dst, const uint8_t *panel, int64_t n_cols, size_t panel_bytes, int32_t offset,
                         int n_scales, bool adds) {
    for (int64_t i = 0; i < n_cols / LLMK_BLOCK * 2; i++, panel += panel_bytes) {
        const float *scales = (const float *)(const void *)(panel + 512);
        float *to = dst + i / 2 * LLMK_BLOCK * LLMK_STRIP + i % 2 * LLMK_LANES;
        for (int col = 0; col < LLMK_BLOCK; col++, to += LLMK_STRIP) {
            const float *scale = scales + LLMK_LANES * (col * n_scales / LLMK_BLOCK),
                        *add = scale + LLMK_LANES * n_scales;
            uint32_t step[LLMK_LANES]; /* four columns of each row */
            memcpy(step, panel + 64 * (col / 4), sizeof step);
            for (int r = 0; r < LLMK_LANES; r++) {
                to[r] = (float)((int32_t)(step[r] >> 8 * (col % 4) & 255) - offset) * scale[r];
                if (adds) to[r] += add[r];
            }
        }
    }
}

static inline void widen_S32(float *dst, const uint8_t *panel, int64_t n_cols) {
    widen(dst, panel, n_cols, PANEL_BYTES_S32, 128, 1, false);
}

static inline void widen_M32(float *dst, const uint8_t *panel, int64_t n_cols) {
    widen(dst, panel, n_cols, PANEL_BYTES_M32, 0, 1, true);
}

static inline void widen_S16(float *dst, const uint8_t *panel, int64_t n_cols) {
    widen(dst, panel, n_cols, PANEL_BYTES_S16, 32, 2, false);
}

static inline void widen_M16(float *dst, const uint8_t *panel, int64_t n_cols) {
    widen(dst, panel, n_cols, PANEL_BYTES_M16, 0, 2, true);
}

/* ---- activations ---- */

/* 32 elements as scale * q, |q| <= 127. Magnitudes below 1e-30 count as 0. If an element is not finite, neither is the
 * scale, nor any result that it enters. */
static inline void quantize_block(int8_t *q, float *scale, int32_t *sum0, int32_t *sum1, const float *x) {
    uint32_t bits[LLMK_BLOCK];
    int32_t v[LLMK_BLOCK], peak = 0, sum[2] = {0, 0};
    memcpy(bits, x, sizeof bits);
    for (int i = 0; i < LLMK_BLOCK; i++) {
        int32_t magnitude = (int32_t)(bits[i] & 0x7fffffff);
        peak = magnitude > peak ? magnitude : peak;
    }
    float largest = llmk_f32_from_bits((uint32_t)peak);
    bool plain = largest >= 1e-30f && largest <= 3.4028235e38f;
    float inverse = plain ? 127.0f / largest : 0.0f;
    *scale = largest < 1e-30f ? 0.0f : largest * (1.0f / 127.0f);
    for (int i = 0; i < LLMK_BLOCK; i++) {
        float y =
            llmk_f32_from_bits(plain ? bits[i] : 0) * inverse + 12582912.0f; /* 1.5 * 2^23: rounds to nearest even */
        v[i] = (int32_t)llmk_f32_bits(y) - 0x4b400000;
    }
    for (int i = 0; i < LLMK_BLOCK; i++) q[i] = (int8_t)v[i];
    for (int i = 0; i < 16; i++) sum[0] += v[i], sum[1] += v[16 + i];
    *sum0 = sum[0];
    *sum1 = sum[1];
}

/* Number r of each vector of a group's block, which are at `vectors`. */
static inline void put_terms(uint8_t *vectors, size_t n, size_t r, float scale, int32_t sum0, int32_t sum1) {
    float *f = (float *)(void *)vectors + r;
    int32_t *i = (int32_t *)(void *)vectors + r;
    f[LLMK_X_SCALE * n] = scale;
    i[LLMK_X_START * n] = -128 * (sum0 + sum1);
    f[LLMK_X_SUM * n] = scale * (float)(sum0 + sum1);
    i[LLMK_X_START16 * n] = -32 * sum0;
    i[(LLMK_X_START16 + 1) * n] = -32 * sum1;
    f[LLMK_X_SUM16 * n] = scale * (float)sum0;
    f[(LLMK_X_SUM16 + 1) * n] = scale * (float)sum1;
}

static inline void quantize_with(void *dst, const float *x, int64_t stride, int32_t n_rows, int64_t n_cols,
                                 void (*block)(int8_t *, float *, int32_t *, int32_t *, const float *)) {
    size_t n = (size_t)n_rows;
    for (size_t r = 0; r < n; r++, x += stride)
        for (size_t b = 0; b < (size_t)n_cols / LLMK_BLOCK; b++) {
            uint8_t *to = (uint8_t *)dst + b * n * LLMK_X_I8_BYTES;
            float scale;
            int32_t sum0, sum1;
            block((int8_t *)to + LLMK_BLOCK * r, &scale, &sum0, &sum1, x + b * LLMK_BLOCK);
            put_terms(to + LLMK_BLOCK * n, n, r, scale, sum0, sum1);
        }
}

static inline void quantize_rows(void *dst, const float *x, int64_t stride, int32_t n_rows, int64_t n_cols) {
    quantize_with(dst, x, stride, n_rows, n_cols, quantize_block);
}

#endif
