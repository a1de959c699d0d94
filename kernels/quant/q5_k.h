/* Q5_K: 256 elements in 176 bytes, 5.5 bits each; 8 sub-blocks of 32.
 * x = d * sc * q - dmin * mn, q in 0..31, sc and mn in 0..63.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1      d, F16
 *     bytes 2..3      dmin, F16
 *     bytes 4..15     sc and mn, see scales6.h
 *     bytes 16..47    byte l: bit 4 of q of elements 32 s + l, s = 0..7, in bit s
 *     bytes 48..175   byte 32 c + l: bits 0..3 of q of element 64 c + l, then of element 64 c + 32 + l */
#ifndef LLMK_QUANT_Q5_K_H
#define LLMK_QUANT_Q5_K_H

#include "quant/kfit.h"
#include "quant/scales6.h"

typedef struct llmk_block_q5_k {
    uint16_t d, dmin;
    uint8_t scales[12];
    uint8_t high[32];
    uint8_t q[128];
} llmk_block_q5_k;
static_assert(sizeof(llmk_block_q5_k) == 176, "layout of Q5_K");

static inline void llmk_dequantize_q5_k(float *dst, const void *src, int64_t n) {
    const llmk_block_q5_k *b = (const llmk_block_q5_k *)src;
    for (; n > 0; n -= 256, b++, dst += 256) {
        float d = llmk_f16_to_f32(b->d), dmin = llmk_f16_to_f32(b->dmin);
        uint8_t sc[8], mn[8];
        llmk_unpack_scales6(sc, mn, b->scales);
        for (int s = 0; s < 8; s++) {
            float scale = d * sc[s], offset = dmin * mn[s];
            for (int l = 0; l < 32; l++) {
                int low = b->q[32 * (s / 2) + l] >> (4 * (s % 2)) & 15, high = b->high[l] >> s & 1;
                dst[32 * s + l] = scale * (float)(low | high << 4) - offset;
            }
        }
    }
}

static inline void llmk_quantize_q5_k(void *dst, const float *src, int64_t n) {
    static const llmk_kfit_shape shape = {32, 0, 31, 0, 63};
    llmk_block_q5_k *b = (llmk_block_q5_k *)dst;
    for (; n > 0; n -= 256, b++, src += 256) {
        llmk_kfit k;
        llmk_kfit_affine(&k, src, &shape);
        b->d = k.d;
        b->dmin = k.dmin;
        llmk_pack_scales6(b->scales, k.sc, k.mn);
        memset(b->high, 0, sizeof b->high);
        for (int i = 0; i < 256; i++) b->high[i % 32] = (uint8_t)(b->high[i % 32] | (k.q[i] >> 4) << (i / 32));
        for (int i = 0; i < 128; i++) {
            const int8_t *q = k.q + 64 * (i / 32) + i % 32;
            b->q[i] = (uint8_t)((q[0] & 15) | (q[32] & 15) << 4);
        }
    }
}

#endif
