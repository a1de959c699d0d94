/* F32, F16, BF16: one number after the other, little-endian. Sources need no alignment. */
#ifndef LLMK_QUANT_PLAIN_H
#define LLMK_QUANT_PLAIN_H

#include "quant/half.h"

static inline void llmk_dequantize_f32(float *dst, const void *src, int64_t n) {
    memcpy(dst, src, (size_t)n * sizeof *dst);
}

static inline void llmk_quantize_f32(void *dst, const float *src, int64_t n) {
    memcpy(dst, src, (size_t)n * sizeof *src);
}

static inline uint16_t llmk_load_u16(const void *src, int64_t i) {
    uint16_t v;
    memcpy(&v, (const uint8_t *)src + 2 * i, sizeof v);
    return v;
}

static inline void llmk_store_u16(void *dst, int64_t i, uint16_t v) {
    memcpy((uint8_t *)dst + 2 * i, &v, sizeof v);
}

static inline void llmk_dequantize_f16(float *dst, const void *src, int64_t n) {
    for (int64_t i = 0; i < n; i++) dst[i] = llmk_f16_to_f32(llmk_load_u16(src, i));
}

static inline void llmk_quantize_f16(void *dst, const float *src, int64_t n) {
    for (int64_t i = 0; i < n; i++) llmk_store_u16(dst, i, llmk_f32_to_f16(src[i]));
}

static inline void llmk_dequantize_bf16(float *dst, const void *src, int64_t n) {
    for (int64_t i = 0; i < n; i++) dst[i] = llmk_bf16_to_f32(llmk_load_u16(src, i));
}

static inline void llmk_quantize_bf16(void *dst, const float *src, int64_t n) {
    for (int64_t i = 0; i < n; i++) llmk_store_u16(dst, i, llmk_f32_to_bf16(src[i]));
}

#endif
