/* Linear micro-kernels for ARM, once for each way to multiply bytes. The including file defines
 *     PART_FEW, PART_MANY: the registers of a part for up to 2 rows of activations and for more
 *     dot(dots, w, x, start, n, n_vectors, n_steps, wide)
 *         dots[r][v]: exact sums of n_steps steps (4 columns each) at w of 4 weight rows with row r of the
 *         activations, which are 32 bytes each at x. wide: the weights' bytes are an S32 panel's. Sums begin
 *         at start[r], at 0 where start is NULL; a dot that makes wide bytes signed begins at 0 for them.
 *     LLMK_LINEAR_INIT: the name of the function that fills the table */
#include "cpu/tiles.h"

/* first: the part's first weight row in the strip */
ALWAYS_INLINE void load_acc(part_f32 acc, const llmk_tile *t, int first, int n, int n_vectors) {
    for (int r = 0; r < n; r++)
        for (int v = 0; v < n_vectors; v++)
            acc[r][v] = t->is_first ? vdupq_n_f32(0) : vld1q_f32(t->acc + r * t->acc_stride + first + LANES * v);
}

ALWAYS_INLINE void store_acc(part_f32 acc, const llmk_tile *t, int first, int n, int n_vectors) {
    for (int r = 0; r < n; r++)
        for (int v = 0; v < n_vectors; v++) vst1q_f32(t->acc + r * t->acc_stride + first + LANES * v, acc[r][v]);
}

ALWAYS_INLINE const float *floats(const void *p) {
    return p;
}

/* ---- F32 ---- */

#define F32_COLUMN(lane)                                                                                               \
    for (int v = 0; v < n_vectors; v++) {                                                                              \
        float32x4_t w = vld1q_f32(p + LLMK_STRIP * (lane) + LANES * v);                                                \
        for (int r = 0; r < n; r++) acc[r][v] = vfmaq_laneq_f32(acc[r][v], w, x[r], lane);                             \
    }

ALWAYS_INLINE void part_f32_panel(const llmk_tile *t, int first, int n, int n_vectors) {
    part_f32 acc;
    const float *p = floats(t->panel) + first;
    int64_t c = 0;
    load_acc(acc, t, first, n, n_vectors);
    for (; c + LANES <= t->n_cols; c += LANES, p += LANES * LLMK_STRIP) {
        float32x4_t x[LLMK_TILE_ROWS];
        for (int r = 0; r < n; r++) x[r] = vld1q_f32(floats((const uint8_t *)t->x + (size_t)r * t->x_stride) + c);
        F32_COLUMN(0)
        F32_COLUMN(1)
        F32_COLUMN(2)
        F32_COLUMN(3)
    }
    for (; c < t->n_cols; c++, p += LLMK_STRIP) {
        float32x4_t x[LLMK_TILE_ROWS];
        for (int r = 0; r < n; r++) x[r] = vld1q_dup_f32(floats((const uint8_t *)t->x + (size_t)r * t->x_stride) + c);
        F32_COLUMN(0)
    }
    store_acc(acc, t, first, n, n_vectors);
}

#define TILE_F32(n, kind)                                                                                              \
    static void tile_##n##_##kind(const llmk_tile *t) {                                                                \
        for (int first = 0; first < LLMK_STRIP; first += LANES * MOST_VECTORS)                                         \
            part_f32_panel(t, first, n, MOST_VECTORS);                                                                 \
    }

/* ---- bytes ---- */

/* n_scales 1: for 32 columns, 2: for each 16. */
ALWAYS_INLINE void part_i8(const llmk_tile *t, int first, int n, int n_vectors, int n_scales, bool adds, bool wide) {
    const int half_bytes = 512 + 64 * n_scales * (adds ? 2 : 1);
    const uint8_t *p = t->panel + first / LLMK_LANES * half_bytes + first % LLMK_LANES * 4;
    const uint8_t *end = p + t->n_cols / LLMK_BLOCK * 2 * half_bytes;
    const int8_t *x = t->x;
    part_f32 acc;
    load_acc(acc, t, first, n, n_vectors);
    for (; p < end; p += 2 * half_bytes, x += n * LLMK_X_I8_BYTES) {
        const float *scale = floats(x + LLMK_BLOCK * n);
        const float *sum = scale + (n_scales == 1 ? LLMK_X_SUM : LLMK_X_SUM16) * n;
        const int32_t *start = (const int32_t *)(const void *)scale;
        start += (n_scales == 1 ? LLMK_X_START : LLMK_X_START16) * n;
        for (int h = 0; h < n_scales; h++) {
            const float *d = floats(p + 512 + 64 * h), *m = floats(p + 512 + 64 * (n_scales + h));
            part_i32 dots;
            dot(dots, p + 256 * h, x + 16 * h, adds ? NULL : start + h * n, n, n_vectors, 8 / n_scales, wide);
            for (int v = 0; v < n_vectors; v++)
                for (int r = 0; r < n; r++) {
                    float32x4_t factor = vmulq_n_f32(vld1q_f32(d + LANES * v), scale[r]);
                    acc[r][v] = vfmaq_f32(acc[r][v], vcvtq_f32_s32(dots[r][v]), factor);
                    if (adds) acc[r][v] = vfmaq_n_f32(acc[r][v], vld1q_f32(m + LANES * v), sum[h * n + r]);
                }
        }
    }
    store_acc(acc, t, first, n, n_vectors);
}

#define ARGUMENTS_S32 1, false, true
#define ARGUMENTS_M32 1, true, false
#define ARGUMENTS_S16 2, false, false
#define ARGUMENTS_M16 2, true, false

#define TILE_I8(n, kind)                                                                                               \
    static void tile_##n##_##kind(const llmk_tile *t) {                                                                \
        enum { n_vectors = (n) <= 2 ? PART_FEW : PART_MANY };                                                          \
        for (int first = 0; first < LLMK_STRIP; first += LANES * n_vectors)                                            \
            part_i8(t, first, n, n_vectors, ARGUMENTS_##kind);                                                         \
    }

TILES(F32, TILE_F32)
TILES(S32, TILE_I8)
TILES(M32, TILE_I8)
TILES(S16, TILE_I8)
TILES(M16, TILE_I8)

#include "cpu/products.h"

void LLMK_LINEAR_INIT(llmk_linear_kernels *k) {
    fill_products(k);
    k->quantize = quantize_rows;
}
