/* Q5_0: 32 elements in 22 bytes, 5.5 bits each. x = d * (q - 16), q in 0..31.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1    d, F16
 *     bytes 2..5    a 32-bit number: bit i is bit 4 of q of element i
 *     bytes 6..21   byte i: bits 0..3 of q of element i, then of element i + 16 */
#ifndef LLMK_QUANT_Q5_0_H
#define LLMK_QUANT_Q5_0_H

#include "quant/fit.h"

typedef struct llmk_block_q5_0 {
    uint16_t d;
    uint8_t high[4];
    uint8_t q[16];
} llmk_block_q5_0;
static_assert(sizeof(llmk_block_q5_0) == 22, "layout of Q5_0");

static inline void llmk_dequantize_q5_0(float *dst, const void *src, int64_t n) {
    const llmk_block_q5_0 *b = (const llmk_block_q5_0 *)src;
    for (; n > 0; n -= 32, b++, dst += 32) {
        float d = llmk_f16_to_f32(b->d);
        uint8_t q[32];
        llmk_unpack_5bit(q, b->q, b->high);
        for (int i = 0; i < 32; i++) dst[i] = d * (q[i] - 16);
    }
}

static inline void llmk_quantize_q5_0(void *dst, const float *src, int64_t n) {
    llmk_block_q5_0 *b = (llmk_block_q5_0 *)dst;
    for (; n > 0; n -= 32, b++, src += 32) {
        float x[32], w[32];
        int8_t level[32];
        uint8_t q[32];
        llmk_fit_load(x, src, 32);
        llmk_fit_weights(w, x, 32);
        b->d = llmk_fit_half(llmk_fit_scale(x, w, 32, -16, 15));
        llmk_fit_round(level, x, 32, llmk_f16_to_f32(b->d), -16, 15);
        for (int i = 0; i < 32; i++) q[i] = (uint8_t)(level[i] + 16);
        llmk_pack_5bit(b->q, b->high, q);
    }
}

#endif
