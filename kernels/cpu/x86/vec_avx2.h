/* Vectors of 8 floats. The names are explained in cpu/vec_portable.h. */
#ifndef LLMK_CPU_VEC_H
#define LLMK_CPU_VEC_H

#include <immintrin.h>
#include <stdint.h>

#define V              8
#define V_TILE_ROWS    6
#define V_TILE_VECTORS 2

typedef __m256 vf;
typedef struct vd {
    __m256d lo, hi;
} vd;

static inline vf v_load(const float *p) {
    return _mm256_loadu_ps(p);
}

static inline void v_store(float *p, vf x) {
    _mm256_storeu_ps(p, x);
}

static inline __m256i v_lanes(void) {
    return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}

static inline __m256i v_below(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), v_lanes());
}

static inline vf v_load_n(const float *p, int64_t n) {
    return _mm256_maskload_ps(p, v_below((int)n));
}

static inline void v_store_n(float *p, vf x, int64_t n) {
    _mm256_maskstore_ps(p, v_below((int)n), x);
}

static inline vf v_load_f16(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline void v_store_f16(uint16_t *p, vf x) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline vf v_set(float x) {
    return _mm256_set1_ps(x);
}

static inline vf v_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}

static inline vf v_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}

static inline vf v_mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}

static inline vf v_div(vf a, vf b) {
    return _mm256_div_ps(a, b);
}

static inline vf v_fma(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c) {
    return _mm256_fnmadd_ps(a, b, c);
}

static inline vf v_fmaddsub(vf a, vf b, vf c) {
    return _mm256_fmaddsub_ps(a, b, c);
}

static inline vf v_max(vf a, vf b) {
    return _mm256_max_ps(a, b);
}

static inline vf v_min(vf a, vf b) {
    return _mm256_min_ps(a, b);
}

static inline vf v_abs(vf x) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

static inline vf v_if_negative(vf x, vf a, vf b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}

static inline vf v_keep(vf x, int lo, int hi, vf other) {
    return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(_mm256_andnot_si256(v_below(lo), v_below(hi))));
}

static inline vf v_round(vf x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_power_of_two(vf n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}

static inline vf v_ldexp(vf x, vf n) {
    vf first = v_round(_mm256_mul_ps(n, _mm256_set1_ps(0.5f)));
    return v_mul(v_mul(x, v_power_of_two(first)), v_power_of_two(v_sub(n, first)));
}

static inline float v_sum(vf x) {
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}

static inline float v_largest(vf x) {
    __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    a = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

static inline float v_first(vf x) {
    return _mm256_cvtss_f32(x);
}

static inline vf v_load_twice(const float *p) {
    __m256 x = _mm256_castps128_ps256(_mm_loadu_ps(p));
    return _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}

static inline vf v_swap_pairs(vf x) {
    return _mm256_permute_ps(x, 0xb1);
}

static inline vd vd_zero(void) {
    return (vd){_mm256_setzero_pd(), _mm256_setzero_pd()};
}

static inline vd vd_add_squares(vd sum, vf x) {
    __m256d lo = _mm256_cvtps_pd(_mm256_castps256_ps128(x)), hi = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
    return (vd){_mm256_fmadd_pd(lo, lo, sum.lo), _mm256_fmadd_pd(hi, hi, sum.hi)};
}

static inline double vd_sum(vd x) {
    __m256d a = _mm256_add_pd(x.lo, x.hi);
    __m128d b = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(b, _mm_unpackhi_pd(b, b)));
}

static inline __attribute__((always_inline)) void v_prefetch(const void *p) {
    _mm_prefetch((const char *)p, _MM_HINT_T1);
}

#endif
