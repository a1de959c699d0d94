/* Elementary functions with the same bits on every machine and compiler: the C library's differ. Only
 * additions, products and quotients that IEEE 754 fixes, in a fixed order, and never a subnormal number. */
#ifndef LLMI_ENGINE_SAMPLER_PORTABLE_MATH_H
#define LLMI_ENGINE_SAMPLER_PORTABLE_MATH_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE__
#include <immintrin.h>
#endif

/* As many floats at once as the file's instruction set has room for; lane by lane they are ordinary floats. */
#if defined(__AVX512F__)
#define LLMI_VF_LANES 16
#elif defined(__AVX2__)
#define LLMI_VF_LANES 8
#else
#define LLMI_VF_LANES 4
#endif
typedef float llmi_vf __attribute__((vector_size(4 * LLMI_VF_LANES)));
typedef int32_t llmi_vi __attribute__((vector_size(4 * LLMI_VF_LANES)));
typedef uint32_t llmi_vu __attribute__((vector_size(4 * LLMI_VF_LANES)));

static inline llmi_vf llmi_vf_all(float x) {
    return x - (llmi_vf){0};
}

/* x where it is greater, else y; also where one is no number. */
static inline llmi_vf llmi_vf_max(llmi_vf x, llmi_vf y) {
#if defined(__AVX512F__)
    return _mm512_max_ps(x, y);
#elif defined(__AVX2__)
    return _mm256_max_ps(x, y);
#elif defined(__SSE__)
    return _mm_max_ps(x, y);
#else
    llmi_vi mask = x > y;
    return (llmi_vf)((mask & (llmi_vi)x) | (~mask & (llmi_vi)y));
#endif
}

/* Below this llmi_portable_exp2 is 0. */
#define LLMI_PORTABLE_EXP2_LEAST (-126.0f)

/* 2^x for x <= 0 within 2 units in the last place; 1 for 0. */
static inline llmi_vf llmi_portable_exp2(llmi_vf x) {
    llmi_vf c = llmi_vf_max(x, llmi_vf_all(LLMI_PORTABLE_EXP2_LEAST));
    llmi_vf shifted = c + 12582912.0f; /* 1.5 * 2^23: the low bits hold the nearest integer */
    llmi_vf f = c - (shifted - 12582912.0f);
    llmi_vf p = f * 1.535336188319500e-4f + 1.339887440266574e-3f; /* Cephes' polynomial (Moshier) */
    p = p * f + 9.618437357674640e-3f;
    p = p * f + 5.550332471162809e-2f;
    p = p * f + 2.402264791363012e-1f;
    p = p * f + 6.931472028550421e-1f;
    p = p * f + 1.0f;
    llmi_vu power = ((llmi_vu)shifted + 127) << 23;
    return (llmi_vf)((llmi_vi)(p * (llmi_vf)power) & (x >= LLMI_PORTABLE_EXP2_LEAST));
}

/* Natural logarithm of a normal x > 0 within a few units in the last place. */
static inline double llmi_portable_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int64_t e = (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, 8);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k; /* atanh(s) / s */
    return (double)e * 6.93147180369123816490e-01 + ((double)e * 1.90821492927058770002e-10 + 2 * s * sum);
}

#endif
