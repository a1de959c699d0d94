/* Products with BF16 weights by dot products of BF16: activations are rounded to BF16, so they are used only when a
 * model is loaded with activation_dtype BF16. An activation split into two terms, which would keep 16 of its 24 bits,
 * takes two dot products for a pair of columns: as many instructions as the F32 multiply-adds that keep all of them. */
#include "cpu/x86/tile512.h"

#define BF16_ROW(n) const uint8_t *x##n = (const uint8_t *)t->x + (n)*t->x_stride;

#define BF16_PAIR(n)                                                                                                   \
    {                                                                                                                  \
        __m512bh x = (__m512bh)_mm512_set1_epi32(load_four((const int8_t *)x##n + 2 * c));                             \
        a##n = _mm512_dpbf16_ps(a##n, x, w0);                                                                          \
        b##n = _mm512_dpbf16_ps(b##n, x, w1);                                                                          \
    }

#define TILE_BF16(N, kind)                                                                                             \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        const __mmask16 mask = acc_mask(t);                                                                            \
        const uint8_t *p = t->panel;                                                                                   \
        ROWS_##N(BF16_ROW) ROWS_##N(LOAD_ACC) for (int64_t c = 0; c < t->n_cols; c += 2, p += 128) {                   \
            __m512bh w0 = (__m512bh)_mm512_loadu_si512(p), w1 = (__m512bh)_mm512_loadu_si512(p + 64);                  \
            ROWS_##N(BF16_PAIR)                                                                                        \
        }                                                                                                              \
        ROWS_##N(STORE_ACC)                                                                                            \
    }

TILES(BF16, TILE_BF16)

static void to_bf16(void *dst, const float *x, int64_t n_cols) {
    uint16_t *to = dst;
    for (int64_t c = 0; c < n_cols; c++) to[c] = llmk_f32_to_bf16(x[c]);
    if (n_cols % 2) to[n_cols] = 0;
}

void llmk_linear_init_avx512_bf16(llmk_linear_kernels *k) {
    k->bf16 = (llmk_product){LLMK_X_BF16, LLMK_PANEL_BF16, NULL, multiply_BF16, NULL};
    k->to_bf16 = to_bf16;
}
