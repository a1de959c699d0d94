/* Linear micro-kernels with dot products of signed bytes (SDOT): those of S32 panels are made signed. */
#include "cpu/arm/part.h"

enum { PART_FEW = 4, PART_MANY = 2 };

#define STEP(lane)                                                                                                     \
    for (int v = 0; v < n_vectors; v++) {                                                                              \
        int8x16_t b = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(w + 64 * (k + (lane)) + 16 * v), sign));                   \
        for (int r = 0; r < n; r++) dots[r][v] = vdotq_laneq_s32(dots[r][v], b, y[r], lane);                           \
    }

ALWAYS_INLINE void dot(part_i32 dots, const uint8_t *w, const int8_t *x, const int32_t *start, int n, int n_vectors,
                       int n_steps, bool wide) {
    const uint8x16_t sign = vdupq_n_u8(wide ? 0x80 : 0);
    for (int r = 0; r < n; r++)
        for (int v = 0; v < n_vectors; v++) dots[r][v] = vdupq_n_s32(start && !wide ? start[r] : 0);
    for (int k = 0; k < n_steps; k += 4) {
        int8x16_t y[LLMK_TILE_ROWS];
        for (int r = 0; r < n; r++) y[r] = vld1q_s8(x + LLMK_BLOCK * r + 4 * k);
        STEP(0)
        STEP(1)
        STEP(2)
        STEP(3)
    }
}

#define LLMK_LINEAR_INIT llmk_linear_init_dotprod
#include "cpu/arm/linear_body.h"
