/* Q4_0: 32 elements in 18 bytes, 4.5 bits each. x = d * (q - 8), q in 0..15.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1    d, F16
 *     bytes 2..17   byte i: q of element i in bits 0..3, of element i + 16 in bits 4..7 */
#ifndef LLMK_QUANT_Q4_0_H
#define LLMK_QUANT_Q4_0_H

#include "quant/fit.h"

typedef struct llmk_block_q4_0 {
    uint16_t d;
    uint8_t q[16];
} llmk_block_q4_0;
static_assert(sizeof(llmk_block_q4_0) == 18, "layout of Q4_0");

static inline void llmk_dequantize_q4_0(float *dst, const void *src, int64_t n) {
    const llmk_block_q4_0 *b = (const llmk_block_q4_0 *)src;
    for (; n > 0; n -= 32, b++, dst += 32) {
        float d = llmk_f16_to_f32(b->d);
        for (int i = 0; i < 16; i++) {
            dst[i] = d * ((b->q[i] & 15) - 8);
            dst[i + 16] = d * ((b->q[i] >> 4) - 8);
        }
    }
}

static inline void llmk_quantize_q4_0(void *dst, const float *src, int64_t n) {
    llmk_block_q4_0 *b = (llmk_block_q4_0 *)dst;
    for (; n > 0; n -= 32, b++, src += 32) {
        float x[32], w[32];
        int8_t q[32];
        llmk_fit_load(x, src, 32);
        llmk_fit_weights(w, x, 32);
        b->d = llmk_fit_half(llmk_fit_scale(x, w, 32, -8, 7));
        llmk_fit_round(q, x, 32, llmk_f16_to_f32(b->d), -8, 7);
        for (int i = 0; i < 16; i++) b->q[i] = (uint8_t)((q[i] + 8) | (q[i + 16] + 8) << 4);
    }
}

#endif
