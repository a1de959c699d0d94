/* Q6_K: 256 elements in 210 bytes, 6.5625 bits each; 16 sub-blocks of 16.
 * x = d * sc * (q - 32), q in 0..63, sc in -128..127.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * Element 128 h + 32 j + l (h = 0..1, j = 0..3, l = 0..31) has q in two parts:
 *     bytes 0..127     byte 64 h + 32 (j % 2) + l: bits 0..3 of q, in bits 0..3 for j = 0, 1, in bits 4..7 for j = 2, 3
 *     bytes 128..191   byte 32 h + l: bits 4..5 of q, in bits 2 j, 2 j + 1
 *     bytes 192..207   sc of the 16 sub-blocks, signed bytes
 *     bytes 208..209   d, F16 */
#ifndef LLMK_QUANT_Q6_K_H
#define LLMK_QUANT_Q6_K_H

#include "quant/kfit.h"

typedef struct llmk_block_q6_k {
    uint8_t low[128];
    uint8_t high[64];
    int8_t scales[16];
    uint16_t d;
} llmk_block_q6_k;
static_assert(sizeof(llmk_block_q6_k) == 210, "layout of Q6_K");

static inline void llmk_dequantize_q6_k(float *dst, const void *src, int64_t n) {
    const llmk_block_q6_k *b = (const llmk_block_q6_k *)src;
    for (; n > 0; n -= 256, b++, dst += 256) {
        float d = llmk_f16_to_f32(b->d);
        for (int i = 0; i < 256; i++) {
            int h = i / 128, j = i % 128 / 32, l = i % 32;
            int low = b->low[64 * h + 32 * (j % 2) + l] >> (4 * (j / 2)) & 15;
            int high = b->high[32 * h + l] >> (2 * j) & 3;
            dst[i] = d * (float)b->scales[i / 16] * (float)((low | high << 4) - 32);
        }
    }
}

static inline void llmk_quantize_q6_k(void *dst, const float *src, int64_t n) {
    static const llmk_kfit_shape shape = {16, -32, 31, -128, 127};
    llmk_block_q6_k *b = (llmk_block_q6_k *)dst;
    for (; n > 0; n -= 256, b++, src += 256) {
        llmk_kfit k;
        llmk_kfit_scale(&k, src, &shape);
        memset(b, 0, sizeof *b);
        b->d = k.d;
        for (int s = 0; s < 16; s++) b->scales[s] = (int8_t)k.sc[s];
        for (int i = 0; i < 256; i++) {
            int h = i / 128, j = i % 128 / 32, l = i % 32, q = k.q[i] + 32;
            uint8_t *low = &b->low[64 * h + 32 * (j % 2) + l], *high = &b->high[32 * h + l];
            *low = (uint8_t)(*low | (q & 15) << (4 * (j / 2)));
            *high = (uint8_t)(*high | (q >> 4) << (2 * j));
        }
    }
}

#endif
