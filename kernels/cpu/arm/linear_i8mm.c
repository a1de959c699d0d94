/* Linear micro-kernels with products of matrices of bytes (USMMLA): 2 weight rows of 8 columns by 2 rows of
 * activations. An odd last row takes dot products of unsigned and signed bytes (USDOT). */
#include "cpu/arm/part.h"

enum { PART_FEW = 4, PART_MANY = 2 };

ALWAYS_INLINE int32x4_t repeat_pair(const int32_t *p) {
    int32x2_t pair = vld1_s32(p);
    return vcombine_s32(pair, pair);
}

/* The sums of the pair of rows r, r + 1 are 2 x 2 numbers of a register until all columns are added. */
ALWAYS_INLINE void dot(part_i32 dots, const uint8_t *w, const int8_t *x, const int32_t *start, int n, int n_vectors,
                       int n_steps, bool wide) {
    int32x4_t lo[LLMK_TILE_ROWS / 2][MOST_VECTORS], hi[LLMK_TILE_ROWS / 2][MOST_VECTORS];
    const int odd = n - 1, n_pairs = n / 2;
    for (int v = 0; v < n_vectors; v++) {
        for (int i = 0; i < n_pairs; i++) lo[i][v] = hi[i][v] = start ? repeat_pair(start + 2 * i) : vdupq_n_s32(0);
        if (n % 2) dots[odd][v] = vdupq_n_s32(start ? start[odd] : 0);
    }
    for (int k = 0; k < n_steps; k += 2) {
        int8x16_t y[LLMK_TILE_ROWS / 2];
        for (int i = 0; i < n_pairs; i++) {
            const int8_t *row = x + LLMK_BLOCK * 2 * i + 4 * k;
            y[i] = vcombine_s8(vld1_s8(row), vld1_s8(row + LLMK_BLOCK));
        }
        int8x8_t z = n % 2 ? vld1_s8(x + LLMK_BLOCK * odd + 4 * k) : vdup_n_s8(0);
        for (int v = 0; v < n_vectors; v++) {
            uint8x16_t a = vld1q_u8(w + 64 * k + 16 * v), b = vld1q_u8(w + 64 * (k + 1) + 16 * v);
            uint32x4_t a32 = vreinterpretq_u32_u8(a), b32 = vreinterpretq_u32_u8(b);
            uint8x16_t rows01 = vreinterpretq_u8_u32(vzip1q_u32(a32, b32));
            uint8x16_t rows23 = vreinterpretq_u8_u32(vzip2q_u32(a32, b32));
            for (int i = 0; i < n_pairs; i++) {
                lo[i][v] = vusmmlaq_s32(lo[i][v], rows01, y[i]);
                hi[i][v] = vusmmlaq_s32(hi[i][v], rows23, y[i]);
            }
            if (n % 2) dots[odd][v] = vusdotq_lane_s32(vusdotq_lane_s32(dots[odd][v], a, z, 0), b, z, 1);
        }
    }
    for (int i = 0; i < n_pairs; i++)
        for (int v = 0; v < n_vectors; v++) {
            dots[2 * i][v] = vuzp1q_s32(lo[i][v], hi[i][v]);
            dots[2 * i + 1][v] = vuzp2q_s32(lo[i][v], hi[i][v]);
        }
}

#define LLMK_LINEAR_INIT llmk_linear_init_i8mm
#include "cpu/arm/linear_body.h"
