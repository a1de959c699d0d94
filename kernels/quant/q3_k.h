/* Q3_K: 256 elements in 110 bytes, 3.4375 bits each; 16 sub-blocks of 16.
 * x = d * (sc - 32) * (q - 4), q in 0..7, sc in 0..63.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..31     byte l: bit 2 of q of elements 32 j + l, j = 0..7, in bit j
 *     bytes 32..95    byte 32 h + l: bits 0..1 of q of elements 128 h + 32 j + l, j = 0..3, in bits 2 j, 2 j + 1
 *     bytes 96..103   byte s: bits 0..3 of sc of sub-block s in bits 0..3, of s + 8 in bits 4..7
 *     bytes 104..107  byte s: bits 4..5 of sc of sub-blocks 4 j + s, j = 0..3, in bits 2 j, 2 j + 1
 *     bytes 108..109  d, F16 */
#ifndef LLMK_QUANT_Q3_K_H
#define LLMK_QUANT_Q3_K_H

#include "quant/kfit.h"

typedef struct llmk_block_q3_k {
    uint8_t high[32];
    uint8_t q[64];
    uint8_t scales[12];
    uint16_t d;
} llmk_block_q3_k;
static_assert(sizeof(llmk_block_q3_k) == 110, "layout of Q3_K");

/* The 16 scales, -32..31. */
static inline void llmk_unpack_scales_q3_k(int8_t sc[16], const uint8_t packed[12]) {
    for (int s = 0; s < 16; s++) {
        int low = s < 8 ? packed[s] & 15 : packed[s - 8] >> 4;
        int high = packed[8 + s % 4] >> (2 * (s / 4)) & 3;
        sc[s] = (int8_t)((low | high << 4) - 32);
    }
}

static inline void llmk_dequantize_q3_k(float *dst, const void *src, int64_t n) {
    const llmk_block_q3_k *b = (const llmk_block_q3_k *)src;
    for (; n > 0; n -= 256, b++, dst += 256) {
        float d = llmk_f16_to_f32(b->d);
        int8_t sc[16];
        llmk_unpack_scales_q3_k(sc, b->scales);
        for (int i = 0; i < 256; i++) {
            int low = b->q[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
            int high = b->high[i % 32] >> (i / 32) & 1;
            dst[i] = d * (float)sc[i / 16] * (float)((low | high << 2) - 4);
        }
    }
}

static inline void llmk_quantize_q3_k(void *dst, const float *src, int64_t n) {
    static const llmk_kfit_shape shape = {16, -4, 3, -32, 31};
    llmk_block_q3_k *b = (llmk_block_q3_k *)dst;
    for (; n > 0; n -= 256, b++, src += 256) {
        llmk_kfit k;
        llmk_kfit_scale(&k, src, &shape);
        memset(b, 0, sizeof *b);
        b->d = k.d;
        for (int s = 0; s < 16; s++) {
            int sc = k.sc[s] + 32;
            b->scales[s % 8] = (uint8_t)(b->scales[s % 8] | (sc & 15) << (4 * (s / 8)));
            b->scales[8 + s % 4] = (uint8_t)(b->scales[8 + s % 4] | (sc >> 4) << (2 * (s / 4)));
        }
        for (int i = 0; i < 256; i++) {
            int q = k.q[i] + 4;
            uint8_t *low = &b->q[32 * (i / 128) + i % 32], *high = &b->high[i % 32];
            *low = (uint8_t)(*low | (q & 3) << (2 * (i % 128 / 32)));
            *high = (uint8_t)(*high | (q >> 2) << (i / 32));
        }
    }
}

#endif
