/* Linear micro-kernels for AVX-512 with VNNI. */
#include "cpu/x86/tile512.h"

static inline __m512i dot512(__m512i sums, __m512i weights, __m512i activations) {
    return _mm512_dpbusd_epi32(sums, weights, activations);
}

TILES(F32, TILE_F32)
TILES(F16, TILE_F16)
TILES(BF16_PAIRS, TILE_BF16_PAIRS)
TILES(S32, TILE_I8)
TILES(M32, TILE_I8)
TILES(S16, TILE_I8)
TILES(M16, TILE_I8)

#include "cpu/products.h"

void llmk_linear_init_avx512_vnni(llmk_linear_kernels *k) {
    fill_products(k);
    k->product[LLMK_LAYOUT_F16].multiply_packed = multiply_F16;
    k->product[LLMK_LAYOUT_BF16].multiply_packed = multiply_BF16_PAIRS;
    k->quantize = quantize;
}
