/* Q4_1: 32 elements in 20 bytes, 5 bits each. x = d * q + m, q in 0..15.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1    d, F16
 *     bytes 2..3    m, F16
 *     bytes 4..19   byte i: q of element i in bits 0..3, of element i + 16 in bits 4..7 */
#ifndef LLMK_QUANT_Q4_1_H
#define LLMK_QUANT_Q4_1_H

#include "quant/fit.h"

typedef struct llmk_block_q4_1 {
    uint16_t d, m;
    uint8_t q[16];
} llmk_block_q4_1;
static_assert(sizeof(llmk_block_q4_1) == 20, "layout of Q4_1");

static inline void llmk_dequantize_q4_1(float *dst, const void *src, int64_t n) {
    const llmk_block_q4_1 *b = (const llmk_block_q4_1 *)src;
    for (; n > 0; n -= 32, b++, dst += 32) {
        float d = llmk_f16_to_f32(b->d), m = llmk_f16_to_f32(b->m);
        for (int i = 0; i < 16; i++) {
            dst[i] = d * (b->q[i] & 15) + m;
            dst[i + 16] = d * (b->q[i] >> 4) + m;
        }
    }
}

static inline void llmk_quantize_q4_1(void *dst, const float *src, int64_t n) {
    llmk_block_q4_1 *b = (llmk_block_q4_1 *)dst;
    for (; n > 0; n -= 32, b++, src += 32) {
        uint8_t q[32];
        llmk_fit_block_affine(&b->d, &b->m, q, src, 15);
        for (int i = 0; i < 16; i++) b->q[i] = (uint8_t)(q[i] | q[i + 16] << 4);
    }
}

#endif
