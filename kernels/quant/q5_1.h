/* Q5_1: 32 elements in 24 bytes, 6 bits each. x = d * q + m, q in 0..31.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1    d, F16
 *     bytes 2..3    m, F16
 *     bytes 4..7    a 32-bit number: bit i is bit 4 of q of element i
 *     bytes 8..23   byte i: bits 0..3 of q of element i, then of element i + 16 */
#ifndef LLMK_QUANT_Q5_1_H
#define LLMK_QUANT_Q5_1_H

#include "quant/fit.h"

typedef struct llmk_block_q5_1 {
    uint16_t d, m;
    uint8_t high[4];
    uint8_t q[16];
} llmk_block_q5_1;
static_assert(sizeof(llmk_block_q5_1) == 24, "layout of Q5_1");

static inline void llmk_dequantize_q5_1(float *dst, const void *src, int64_t n) {
    const llmk_block_q5_1 *b = (const llmk_block_q5_1 *)src;
    for (; n > 0; n -= 32, b++, dst += 32) {
        float d = llmk_f16_to_f32(b->d), m = llmk_f16_to_f32(b->m);
        uint8_t q[32];
        llmk_unpack_5bit(q, b->q, b->high);
        for (int i = 0; i < 32; i++) dst[i] = d * q[i] + m;
    }
}

static inline void llmk_quantize_q5_1(void *dst, const float *src, int64_t n) {
    llmk_block_q5_1 *b = (llmk_block_q5_1 *)dst;
    for (; n > 0; n -= 32, b++, src += 32) {
        uint8_t q[32];
        llmk_fit_block_affine(&b->d, &b->m, q, src, 31);
        llmk_pack_5bit(b->q, b->high, q);
    }
}

#endif
