/* Linear micro-kernels in portable C. */
#include "cpu/expand.h"
#include "cpu/kernels.h"

static void multiply_F32(const llmk_tile *t) {
    const float *w = (const float *)(const void *)t->panel;
    for (int32_t r = 0; r < t->n_rows; r++) {
        const float *x = (const float *)(const void *)((const uint8_t *)t->x + (size_t)r * t->x_stride);
        float *acc = t->acc + r * t->acc_stride;
        if (t->is_first) memset(acc, 0, LLMK_STRIP * sizeof *acc);
        for (int64_t c = 0; c < t->n_cols; c++)
            for (int i = 0; i < LLMK_STRIP; i++) acc[i] += x[c] * w[c * LLMK_STRIP + i];
    }
}

/* Exact sums of 16 columns (4 steps) of 16 weight rows. */
static inline void dot16(int32_t dot[LLMK_LANES], const uint8_t *w, const int8_t *x, int32_t start) {
    for (int i = 0; i < LLMK_LANES; i++) dot[i] = start;
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < LLMK_LANES; i++)
            for (int c = 0; c < 4; c++) dot[i] += w[64 * k + 4 * i + c] * x[4 * k + c];
}

/* n_scales 1: for 32 columns, 2: for each 16. */
static inline void multiply_i8(const llmk_tile *t, int n_scales, bool adds) {
    size_t n = (size_t)t->n_rows, bytes = 512 + 64 * (size_t)n_scales * (adds ? 2 : 1);
    size_t start = n_scales == 1 ? LLMK_X_START : LLMK_X_START16, sum = n_scales == 1 ? LLMK_X_SUM : LLMK_X_SUM16;
    for (size_t r = 0; r < n && t->is_first; r++)
        memset(t->acc + (int64_t)r * t->acc_stride, 0, LLMK_STRIP * sizeof *t->acc);
    for (size_t i = 0; i < (size_t)t->n_cols / LLMK_BLOCK * 2; i++) {
        const uint8_t *w = t->panel + i * bytes;
        const float *scale = (const float *)(const void *)(w + 512), *add = scale + 16 * n_scales;
        const int8_t *x = (const int8_t *)t->x + i / 2 * n * LLMK_X_I8_BYTES;
        const float *x_f32 = (const float *)(const void *)(x + 32 * n);
        const int32_t *x_i32 = (const int32_t *)(const void *)(x + 32 * n);
        for (size_t r = 0; r < n; r++) {
            float *acc = t->acc + (int64_t)r * t->acc_stride + i % 2 * LLMK_LANES;
            int32_t dot[2][LLMK_LANES];
            for (size_t h = 0; h < 2; h++) {
                int32_t first = adds || (n_scales == 1 && h) ? 0 : x_i32[(start + h) * n + r];
                dot16(dot[h], w + 256 * h, x + 32 * r + 16 * h, first);
            }
            if (n_scales == 1)
                for (int l = 0; l < LLMK_LANES; l++) dot[0][l] += dot[1][l];
            for (int h = 0; h < n_scales; h++)
                for (int l = 0; l < LLMK_LANES; l++) {
                    acc[l] += (float)dot[h][l] * (scale[16 * h + l] * x_f32[r]);
                    if (adds) acc[l] += add[16 * h + l] * x_f32[(sum + (size_t)h) * n + r];
                }
        }
    }
}

static void multiply_S32(const llmk_tile *t) {
    multiply_i8(t, 1, false);
}

static void multiply_M32(const llmk_tile *t) {
    multiply_i8(t, 1, true);
}

static void multiply_S16(const llmk_tile *t) {
    multiply_i8(t, 2, false);
}

static void multiply_M16(const llmk_tile *t) {
    multiply_i8(t, 2, true);
}

static void to_bf16(void *dst, const float *x, int64_t n_cols) {
    uint16_t *to = dst;
    for (int64_t c = 0; c < n_cols; c++) to[c] = llmk_f32_to_bf16(x[c]);
    if (n_cols % 2) to[n_cols] = 0;
}

#include "cpu/products.h"

/* Measured with AVX-512 and AVX2 (tests/bench/kernels/bench_linear.c); no instruction set has others yet. Tiles of AVX2
 * read 16-bit numbers twice: what they pack comes from the first-level cache. */
static const llmk_blocking blocking = {
    .block_rows = LLMK_MOST_BLOCK_ROWS,
    .block_bytes = 5 << 18,
    .few_rows = 96,
    .ahead_lines = 2,
    .store_ahead = 6,
    .panel_cols = {[LLMK_PANEL_F32] = 64,
                   [LLMK_PANEL_BF16] = 128,
                   [LLMK_PANEL_S32] = 256,
                   [LLMK_PANEL_M32] = 256,
                   [LLMK_PANEL_S16] = 256,
                   [LLMK_PANEL_M16] = 256},
    .packed_cols = {[LLMK_PANEL_F32] = 256,
                    [LLMK_PANEL_BF16] = INT64_MAX,
                    [LLMK_PANEL_S32] = INT64_MAX,
                    [LLMK_PANEL_M32] = INT64_MAX,
                    [LLMK_PANEL_S16] = INT64_MAX,
                    [LLMK_PANEL_M16] = INT64_MAX},
};

void llmk_linear_init_portable(llmk_linear_kernels *k) {
    k->blocking = blocking;
    fill_products(k);
    k->quantize = quantize_rows;
    k->to_bf16 = to_bf16;
}
