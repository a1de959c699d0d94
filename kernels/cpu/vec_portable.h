/* Vectors of 4 floats in the compiler's own vector types: the same names as in x86/vec_avx2.h and
 * x86/vec_avx512.h, so that a kernel is written once. A source file includes one of the three.
 * v_max and v_min return their second operand if either is NaN. */
#ifndef LLMK_CPU_VEC_H
#define LLMK_CPU_VEC_H

#include <string.h>

#include "quant/half.h"

/* Lanes of a vector; rows and vectors of a register tile (attention_body.h). */
#define V              4
#define V_TILE_ROWS    4
#define V_TILE_VECTORS 2

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef struct vd {
    double lane[V];
} vd;

static inline vf v_load(const float *p) {
    vf x;
    memcpy(&x, p, sizeof x);
    return x;
}

static inline void v_store(float *p, vf x) {
    memcpy(p, &x, sizeof x);
}

/* The first n lanes, 0 < n < V; the others are 0. */
static inline vf v_load_n(const float *p, int64_t n) {
    vf x = {0};
    memcpy(&x, p, (size_t)n * sizeof *p);
    return x;
}

static inline void v_store_n(float *p, vf x, int64_t n) {
    memcpy(p, &x, (size_t)n * sizeof *p);
}

static inline vf v_load_f16(const uint16_t *p) {
    return (vf){llmk_f16_to_f32(p[0]), llmk_f16_to_f32(p[1]), llmk_f16_to_f32(p[2]), llmk_f16_to_f32(p[3])};
}

static inline void v_store_f16(uint16_t *p, vf x) {
    for (int i = 0; i < V; i++) p[i] = llmk_f32_to_f16(x[i]);
}

static inline vf v_set(float x) {
    return (vf){x, x, x, x};
}

static inline vf v_add(vf a, vf b) {
    return a + b;
}

static inline vf v_sub(vf a, vf b) {
    return a - b;
}

static inline vf v_mul(vf a, vf b) {
    return a * b;
}

static inline vf v_div(vf a, vf b) {
    return a / b;
}

/* a b + c */
static inline vf v_fma(vf a, vf b, vf c) {
    return a * b + c;
}

/* c - a b */
static inline vf v_fnma(vf a, vf b, vf c) {
    return c - a * b;
}

/* even lanes a b - c, odd lanes a b + c */
static inline vf v_fmaddsub(vf a, vf b, vf c) {
    return a * b + c * (vf){-1, 1, -1, 1};
}

static inline vf v_choose(vi mask, vf a, vf b) {
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

static inline vf v_max(vf a, vf b) {
    return v_choose(a > b, a, b);
}

static inline vf v_min(vf a, vf b) {
    return v_choose(a < b, a, b);
}

static inline vf v_abs(vf x) {
    return (vf)((vi)x & 0x7fffffff);
}

/* x < 0 ? a : b */
static inline vf v_if_negative(vf x, vf a, vf b) {
    return v_choose(x < v_set(0), a, b);
}

/* Lanes lo..hi-1 of x, the others from `other`. */
static inline vf v_keep(vf x, int lo, int hi, vf other) {
    vi lane = {0, 1, 2, 3};
    return v_choose((lane >= lo) & (lane < hi), x, other);
}

/* To the nearest integer; |x| < 2^22. */
static inline vf v_round(vf x) {
    vf magic = v_set(0x1.8p23f);
    return (x + magic) - magic;
}

/* x 2^n for whole n in -250..250, in two steps because 2^n may not be a float. */
static inline vf v_ldexp(vf x, vf n) {
    vf first = v_round(n * 0.5f), second = n - first;
    vi a = (__builtin_convertvector(first, vi) + 127) << 23, b = (__builtin_convertvector(second, vi) + 127) << 23;
    return x * (vf)a * (vf)b;
}

static inline float v_sum(vf x) {
    return (x[0] + x[2]) + (x[1] + x[3]);
}

static inline float v_largest(vf x) {
    float a = x[0] > x[1] ? x[0] : x[1], b = x[2] > x[3] ? x[2] : x[3];
    return a > b ? a : b;
}

static inline float v_first(vf x) {
    return x[0];
}

/* p[0] p[0] p[1] p[1] */
static inline vf v_load_twice(const float *p) {
    return (vf){p[0], p[0], p[1], p[1]};
}

static inline vf v_swap_pairs(vf x) {
    return (vf){x[1], x[0], x[3], x[2]};
}

static inline vd vd_zero(void) {
    return (vd){{0}};
}

static inline vd vd_add_squares(vd sum, vf x) {
    for (int i = 0; i < V; i++) sum.lane[i] += (double)x[i] * (double)x[i];
    return sum;
}

static inline double vd_sum(vd x) {
    return (x.lane[0] + x.lane[2]) + (x.lane[1] + x.lane[3]);
}

/* Prefetches into L2 what is read later: L1 has few fill buffers, and the current loads need them. Always inline: gcc
 * drops calls of a function that only prefetches. */
static inline __attribute__((always_inline)) void v_prefetch(const void *p) {
    __builtin_prefetch(p, 0, 2);
}

#endif
