/* Linear micro-kernels for AVX-512 with VNNI. */
#include "cpu/x86/tile512.h"

static inline __m512i dot512(__m512i sums, __m512i weights, __m512i activations) {
    return _mm512_dpbusd_epi32(sums, weights, activations);
}

#include "cpu/x86/tile512_packed.h"

TILES(F32, TILE_F32)
TILES(F16, TILE_F16)
TILES(BF16_PAIRS, TILE_BF16_PAIRS)
TILES(S32, TILE_I8)
TILES(M32, TILE_I8)
TILES(S16, TILE_I8)
TILES(M16, TILE_I8)

TILES(Q8_0, TILE_Q8_0)
TILES(Q4_0, TILE_Q4_0)
TILES(Q5_0, TILE_Q5_0)
TILES(Q4_K, TILE_Q4_K)
TILES(Q5_K, TILE_Q5_K)
TILES(Q6_K, TILE_Q6_K)
TILES(Q3_K, TILE_Q3_K)

#include "cpu/products.h"

void llmk_linear_init_avx512_vnni(llmk_linear_kernels *k) {
    fill_products(k);
    k->product[LLMK_LAYOUT_F16].multiply_packed = multiply_F16;
    k->product[LLMK_LAYOUT_BF16].multiply_packed = multiply_BF16_PAIRS;
    k->product[LLMK_LAYOUT_Q8_0].multiply_packed = multiply_Q8_0;
    k->product[LLMK_LAYOUT_Q4_0].multiply_packed = multiply_Q4_0;
    k->product[LLMK_LAYOUT_Q5_0].multiply_packed = multiply_Q5_0;
    k->product[LLMK_LAYOUT_Q4_K].multiply_packed = multiply_Q4_K;
    k->product[LLMK_LAYOUT_Q5_K].multiply_packed = multiply_Q5_K;
    k->product[LLMK_LAYOUT_Q6_K].multiply_packed = multiply_Q6_K;
    k->product[LLMK_LAYOUT_Q3_K].multiply_packed = multiply_Q3_K;
    k->quantize = quantize;
}
