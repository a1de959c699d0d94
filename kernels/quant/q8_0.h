/* Q8_0: 32 elements in 34 bytes, 8.5 bits each. x = d * q, q in -128..127.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1    d, F16
 *     bytes 2..33   q of elements 0..31, signed bytes */
#ifndef LLMK_QUANT_Q8_0_H
#define LLMK_QUANT_Q8_0_H

#include "quant/fit.h"

typedef struct llmk_block_q8_0 {
    uint16_t d;
    int8_t q[32];
} llmk_block_q8_0;
static_assert(sizeof(llmk_block_q8_0) == 34, "layout of Q8_0");

static inline void llmk_dequantize_q8_0(float *dst, const void *src, int64_t n) {
    const llmk_block_q8_0 *b = (const llmk_block_q8_0 *)src;
    for (; n > 0; n -= 32, b++, dst += 32) {
        float d = llmk_f16_to_f32(b->d);
        for (int i = 0; i < 32; i++) dst[i] = d * b->q[i];
    }
}

/* The range is so fine that the largest magnitude decides: no search. */
static inline void llmk_quantize_q8_0(void *dst, const float *src, int64_t n) {
    llmk_block_q8_0 *b = (llmk_block_q8_0 *)dst;
    for (; n > 0; n -= 32, b++, src += 32) {
        float x[32];
        llmk_fit_load(x, src, 32);
        b->d = llmk_f32_to_f16(llmk_fit_peak(x, 32) / 127.0f);
        llmk_fit_round(b->q, x, 32, llmk_f16_to_f32(b->d), -127, 127);
    }
}

#endif
