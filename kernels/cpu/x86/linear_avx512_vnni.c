/* Linear micro-kernels for AVX-512 with VNNI. */
#include "cpu/x86/tile512.h"

static inline __m512i dot512(__m512i sums, __m512i weights, __m512i activations) {
    return _mm512_dpbusd_epi32(sums, weights, activations);
}

TILES(F32, TILE_F32)
TILES(S32, TILE_I8)
TILES(M32, TILE_I8)
TILES(S16, TILE_I8)
TILES(M16, TILE_I8)

#include "cpu/products.h"

void llmk_linear_init_avx512_vnni(llmk_linear_kernels *k) {
    fill_products(k);
    k->quantize = quantize;
}
