/* Vectors of 4 floats of ARM's 64-bit instruction set. The names are explained in cpu/vec_portable.h. */
#ifndef LLMK_CPU_VEC_H
#define LLMK_CPU_VEC_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define V              4
#define V_TILE_ROWS    6
#define V_TILE_VECTORS 4

typedef float32x4_t vf;
typedef struct vd {
    float64x2_t lo, hi;
} vd;

static inline vf v_load(const float *p) {
    return vld1q_f32(p);
}

static inline void v_store(float *p, vf x) {
    vst1q_f32(p, x);
}

static inline vf v_load_n(const float *p, int64_t n) {
    float lanes[V] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return vld1q_f32(lanes);
}

static inline void v_store_n(float *p, vf x, int64_t n) {
    float lanes[V];
    vst1q_f32(lanes, x);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}

static inline vf v_load_f16(const uint16_t *p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static inline void v_store_f16(uint16_t *p, vf x) {
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(x)));
}

static inline vf v_set(float x) {
    return vdupq_n_f32(x);
}

static inline vf v_add(vf a, vf b) {
    return vaddq_f32(a, b);
}

static inline vf v_sub(vf a, vf b) {
    return vsubq_f32(a, b);
}

static inline vf v_mul(vf a, vf b) {
    return vmulq_f32(a, b);
}

static inline vf v_div(vf a, vf b) {
    return vdivq_f32(a, b);
}

static inline vf v_fma(vf a, vf b, vf c) {
    return vfmaq_f32(c, a, b);
}

static inline vf v_fnma(vf a, vf b, vf c) {
    return vfmsq_f32(c, a, b);
}

static inline vf v_fmaddsub(vf a, vf b, vf c) {
    const uint32x4_t even_signs = vreinterpretq_u32_u64(vdupq_n_u64(0x80000000u));
    return vfmaq_f32(vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(c), even_signs)), a, b);
}

/* vmaxq_f32 and vminq_f32 would return NaN for either. */
static inline vf v_max(vf a, vf b) {
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline vf v_min(vf a, vf b) {
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static inline vf v_abs(vf x) {
    return vabsq_f32(x);
}

static inline vf v_if_negative(vf x, vf a, vf b) {
    return vbslq_f32(vcltzq_f32(x), a, b);
}

static inline uint32x4_t v_below(int n) {
    return vcltq_s32((int32x4_t){0, 1, 2, 3}, vdupq_n_s32(n));
}

static inline vf v_keep(vf x, int lo, int hi, vf other) {
    return vbslq_f32(vbicq_u32(v_below(hi), v_below(lo)), x, other);
}

static inline vf v_round(vf x) {
    return vrndnq_f32(x);
}

static inline vf v_power_of_two(vf n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
}

static inline vf v_ldexp(vf x, vf n) {
    vf first = v_round(vmulq_n_f32(n, 0.5f));
    return v_mul(v_mul(x, v_power_of_two(first)), v_power_of_two(v_sub(n, first)));
}

static inline float v_sum(vf x) {
    return vpadds_f32(vadd_f32(vget_low_f32(x), vget_high_f32(x)));
}

static inline float v_largest(vf x) {
    return vmaxvq_f32(x);
}

static inline float v_first(vf x) {
    return vgetq_lane_f32(x, 0);
}

static inline vf v_load_twice(const float *p) {
    float32x2_t x = vld1_f32(p);
    return vcombine_f32(vzip1_f32(x, x), vzip2_f32(x, x));
}

static inline vf v_swap_pairs(vf x) {
    return vrev64q_f32(x);
}

static inline vd vd_zero(void) {
    return (vd){vdupq_n_f64(0), vdupq_n_f64(0)};
}

static inline vd vd_add_squares(vd sum, vf x) {
    float64x2_t lo = vcvt_f64_f32(vget_low_f32(x)), hi = vcvt_high_f64_f32(x);
    return (vd){vfmaq_f64(sum.lo, lo, lo), vfmaq_f64(sum.hi, hi, hi)};
}

static inline double vd_sum(vd x) {
    return vpaddd_f64(vaddq_f64(x.lo, x.hi));
}

static inline __attribute__((always_inline)) void v_prefetch(const void *p) {
    __builtin_prefetch(p, 0, 2);
}

#endif
