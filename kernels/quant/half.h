/* The two 16-bit float formats: IEEE 754 binary16 (F16: 1 sign, 5 exponent, 10 fraction bits) and
 * bfloat16 (BF16: the upper half of a binary32). Widening is exact; narrowing rounds to nearest, ties
 * to even; infinities and NaN stay what they are. Integer arithmetic only, so the result depends on
 * neither the machine nor its rounding mode. */
#ifndef LLMK_QUANT_HALF_H
#define LLMK_QUANT_HALF_H

#include <stdint.h>
#include <string.h>

static inline float llmk_f32_from_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t llmk_f32_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float llmk_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (h >> 10) & 31, fraction = h & 0x3ff;
    if (exponent == 31) return llmk_f32_from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0) return llmk_f32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f; /* subnormal: a multiple of 2^-24 */
    return sign ? -tiny : tiny;
}

/* magnitude / 2^shift, rounded to nearest even; shift 1..31 */
static inline uint32_t llmk_shift_round(uint32_t magnitude, uint32_t shift) {
    uint32_t rest = magnitude & ((1u << shift) - 1), half = 1u << (shift - 1);
    uint32_t q = magnitude >> shift;
    return q + (rest > half || (rest == half && (q & 1)));
}

static inline uint16_t llmk_f32_to_f16(float f) {
    uint32_t bits = llmk_f32_bits(f);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
    if (magnitude >= 0x47800000u) return (uint16_t)(sign | 0x7c00); /* 2^16 and above */
    if (magnitude >= 0x38800000u) /* normal, 2^-14 and above; a carry runs into the exponent, as it should */
        return (uint16_t)(sign | llmk_shift_round(magnitude - (112u << 23), 13));
    uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return (uint16_t)sign; /* below half of the smallest subnormal */
    uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
    return (uint16_t)(sign | llmk_shift_round(significand, 126 - exponent));
}

static inline float llmk_bf16_to_f32(uint16_t h) {
    return llmk_f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t llmk_f32_to_bf16(float f) {
    uint32_t bits = llmk_f32_bits(f);
    if ((bits & 0x7fffffff) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40); /* NaN stays NaN */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
