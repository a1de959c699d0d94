/* Q2_K: 256 elements in 84 bytes, 2.625 bits each; 16 sub-blocks of 16.
 * x = d * sc * q - dmin * mn, q in 0..3, sc and mn in 0..15.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..15    byte s: sc of sub-block s in bits 0..3, mn in bits 4..7
 *     bytes 16..79   byte 32 h + l: q of elements 128 h + 32 j + l, j = 0..3, in bits 2 j, 2 j + 1
 *     bytes 80..81   d, F16
 *     bytes 82..83   dmin, F16 */
#ifndef LLMK_QUANT_Q2_K_H
#define LLMK_QUANT_Q2_K_H

#include "quant/kfit.h"

typedef struct llmk_block_q2_k {
    uint8_t scales[16];
    uint8_t q[64];
    uint16_t d, dmin;
} llmk_block_q2_k;
static_assert(sizeof(llmk_block_q2_k) == 84, "layout of Q2_K");

static inline void llmk_dequantize_q2_k(float *dst, const void *src, int64_t n) {
    const llmk_block_q2_k *b = (const llmk_block_q2_k *)src;
    for (; n > 0; n -= 256, b++, dst += 256) {
        float d = llmk_f16_to_f32(b->d), dmin = llmk_f16_to_f32(b->dmin);
        for (int i = 0; i < 256; i++) {
            int sc = b->scales[i / 16] & 15, mn = b->scales[i / 16] >> 4;
            int q = b->q[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
            dst[i] = d * (float)sc * (float)q - dmin * (float)mn;
        }
    }
}

static inline void llmk_quantize_q2_k(void *dst, const float *src, int64_t n) {
    static const llmk_kfit_shape shape = {16, 0, 3, 0, 15};
    llmk_block_q2_k *b = (llmk_block_q2_k *)dst;
    for (; n > 0; n -= 256, b++, src += 256) {
        llmk_kfit k;
        llmk_kfit_affine(&k, src, &shape);
        b->d = k.d;
        b->dmin = k.dmin;
        for (int s = 0; s < 16; s++) b->scales[s] = (uint8_t)(k.sc[s] | k.mn[s] << 4);
        memset(b->q, 0, sizeof b->q);
        for (int i = 0; i < 256; i++) {
            uint8_t *byte = &b->q[32 * (i / 128) + i % 32];
            *byte = (uint8_t)(*byte | k.q[i] << (2 * (i % 128 / 32)));
        }
    }
}

#endif
