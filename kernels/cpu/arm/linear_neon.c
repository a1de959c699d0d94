/* Linear micro-kernels of the base instruction set: products of bytes are added in pairs to 16 bits, where
 * nothing overflows: bytes of S32 panels are made signed (2 * 128 * 127 = 32512), the others are below 64
 * (4 * 63 * 127 = 32004). */
#include "cpu/arm/part.h"

enum { PART_FEW = 2, PART_MANY = 1 };

/* Four signed bytes of activations, repeated. */
static inline int8x16_t repeat_four(const int8_t *x) {
    int32_t v;
    memcpy(&v, x, sizeof v);
    return vreinterpretq_s8_s32(vdupq_n_s32(v));
}

/* Sums of two weight rows are two neighbours of a register each, so that a pair of registers makes one. */
ALWAYS_INLINE void dot(part_i32 dots, const uint8_t *w, const int8_t *x, const int32_t *start, int n, int n_vectors,
                       int n_steps, bool wide) {
    const uint8x16_t sign = vdupq_n_u8(wide ? 0x80 : 0);
    const int most = wide ? 2 : 4;
    for (int v = 0; v < n_vectors; v++, w += 16) {
        int32x4_t lo[LLMK_TILE_ROWS], hi[LLMK_TILE_ROWS];
        for (int r = 0; r < n; r++) lo[r] = hi[r] = vdupq_n_s32(0);
        for (int k = 0; k < n_steps; k += most) {
            int8x16_t b[4];
            for (int i = 0; i < most; i++) b[i] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w + 64 * (k + i)), sign));
            for (int r = 0; r < n; r++) {
                int8x16_t y = repeat_four(x + LLMK_BLOCK * r + 4 * k);
                int16x8_t low = vmull_s8(vget_low_s8(b[0]), vget_low_s8(y)), high = vmull_high_s8(b[0], y);
                for (int i = 1; i < most; i++) {
                    y = repeat_four(x + LLMK_BLOCK * r + 4 * (k + i));
                    low = vmlal_s8(low, vget_low_s8(b[i]), vget_low_s8(y));
                    high = vmlal_high_s8(high, b[i], y);
                }
                lo[r] = vpadalq_s16(lo[r], low);
                hi[r] = vpadalq_s16(hi[r], high);
            }
        }
        for (int r = 0; r < n; r++)
            dots[r][v] = vaddq_s32(vpaddq_s32(lo[r], hi[r]), vdupq_n_s32(start && !wide ? start[r] : 0));
    }
}

#define LLMK_LINEAR_INIT llmk_linear_init_neon
#include "cpu/arm/linear_body.h"
