/* Vectors of 16 floats. The names are explained in cpu/vec_portable.h. */
#ifndef LLMK_CPU_VEC_H
#define LLMK_CPU_VEC_H

#include <immintrin.h>
#include <stdint.h>

#define V              16
#define V_TILE_ROWS    8
#define V_TILE_VECTORS 2

typedef __m512 vf;
typedef struct vd {
    __m512d lo, hi;
} vd;

static inline vf v_load(const float *p) {
    return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, vf x) {
    _mm512_storeu_ps(p, x);
}

static inline __mmask16 v_below(int n) {
    return (__mmask16)((1u << n) - 1);
}

static inline vf v_load_n(const float *p, int64_t n) {
    return _mm512_maskz_loadu_ps(v_below((int)n), p);
}

static inline void v_store_n(float *p, vf x, int64_t n) {
    _mm512_mask_storeu_ps(p, v_below((int)n), x);
}

static inline vf v_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline void v_store_f16(uint16_t *p, vf x) {
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline vf v_set(float x) {
    return _mm512_set1_ps(x);
}

static inline vf v_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}

static inline vf v_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}

static inline vf v_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}

static inline vf v_div(vf a, vf b) {
    return _mm512_div_ps(a, b);
}

static inline vf v_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c) {
    return _mm512_fnmadd_ps(a, b, c);
}

static inline vf v_fmaddsub(vf a, vf b, vf c) {
    return _mm512_fmaddsub_ps(a, b, c);
}

static inline vf v_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}

static inline vf v_min(vf a, vf b) {
    return _mm512_min_ps(a, b);
}

static inline vf v_abs(vf x) {
    return _mm512_abs_ps(x);
}

static inline vf v_if_negative(vf x, vf a, vf b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), b, a);
}

static inline vf v_keep(vf x, int lo, int hi, vf other) {
    int from = lo < 0 ? 0 : lo, to = hi > V ? V : hi;
    return from < to ? _mm512_mask_blend_ps(v_below(to) & (__mmask16)~v_below(from), other, x) : other;
}

static inline vf v_round(vf x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_ldexp(vf x, vf n) {
    return _mm512_scalef_ps(x, n);
}

static inline float v_sum(vf x) {
    return _mm512_reduce_add_ps(x);
}

static inline float v_largest(vf x) {
    return _mm512_reduce_max_ps(x);
}

static inline float v_first(vf x) {
    return _mm512_cvtss_f32(x);
}

static inline vf v_load_twice(const float *p) {
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
}

static inline vf v_swap_pairs(vf x) {
    return _mm512_permute_ps(x, 0xb1);
}

static inline vd vd_zero(void) {
    return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()};
}

static inline vd vd_add_squares(vd sum, vf x) {
    __m512d lo = _mm512_cvtps_pd(_mm512_castps512_ps256(x)), hi = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
    return (vd){_mm512_fmadd_pd(lo, lo, sum.lo), _mm512_fmadd_pd(hi, hi, sum.hi)};
}

static inline double vd_sum(vd x) {
    return _mm512_reduce_add_pd(_mm512_add_pd(x.lo, x.hi));
}

static inline __attribute__((always_inline)) void v_prefetch(const void *p) {
    _mm_prefetch((const char *)p, _MM_HINT_T1);
}

#endif
