/* Q4_K: 256 elements in 144 bytes, 4.5 bits each; 8 sub-blocks of 32.
 * x = d * sc * q - dmin * mn, q in 0..15, sc and mn in 0..63.
 * Format: GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *     bytes 0..1      d, F16
 *     bytes 2..3      dmin, F16
 *     bytes 4..15     sc and mn, see scales6.h
 *     bytes 16..143   byte 32 c + l: q of element 64 c + l in bits 0..3, of element 64 c + 32 + l in bits 4..7 */
#ifndef LLMK_QUANT_Q4_K_H
#define LLMK_QUANT_Q4_K_H

#include "quant/kfit.h"
#include "quant/scales6.h"

typedef struct llmk_block_q4_k {
    uint16_t d, dmin;
    uint8_t scales[12];
    uint8_t q[128];
} llmk_block_q4_k;
static_assert(sizeof(llmk_block_q4_k) == 144, "layout of Q4_K");

static inline void llmk_dequantize_q4_k(float *dst, const void *src, int64_t n) {
    const llmk_block_q4_k *b = (const llmk_block_q4_k *)src;
    for (; n > 0; n -= 256, b++, dst += 256) {
        float d = llmk_f16_to_f32(b->d), dmin = llmk_f16_to_f32(b->dmin);
        uint8_t sc[8], mn[8];
        llmk_unpack_scales6(sc, mn, b->scales);
        for (int s = 0; s < 8; s++) {
            float scale = d * sc[s], offset = dmin * mn[s];
            const uint8_t *q = b->q + 32 * (s / 2);
            for (int l = 0; l < 32; l++) dst[32 * s + l] = scale * (float)(q[l] >> (4 * (s % 2)) & 15) - offset;
        }
    }
}

static inline void llmk_quantize_q4_k(void *dst, const float *src, int64_t n) {
    static const llmk_kfit_shape shape = {32, 0, 15, 0, 63};
    llmk_block_q4_k *b = (llmk_block_q4_k *)dst;
    for (; n > 0; n -= 256, b++, src += 256) {
        llmk_kfit k;
        llmk_kfit_affine(&k, src, &shape);
        b->d = k.d;
        b->dmin = k.dmin;
        llmk_pack_scales6(b->scales, k.sc, k.mn);
        for (int i = 0; i < 128; i++) {
            const int8_t *q = k.q + 64 * (i / 32) + i % 32;
            b->q[i] = (uint8_t)(q[0] | q[32] << 4);
        }
    }
}

#endif
