/* Included at the end of a file that defines TILE_F32, TILE_F16, TILE_BF16_PAIRS and, by tile_madd.h, TILE_MADD: its
 * tiles, and its products for every layout. */
TILES(F32, TILE_F32)
TILES(F16, TILE_F16)
TILES(BF16_PAIRS, TILE_BF16_PAIRS)
TILES(S32, TILE_MADD)
TILES(N32, TILE_MADD)
TILES(M32, TILE_MADD)
TILES(S16, TILE_MADD)
TILES(M16, TILE_MADD)

#include "cpu/products.h"

static void fill_products_madd(llmk_linear_kernels *k) {
    fill_products(k);
    k->product[LLMK_LAYOUT_Q4_0].expand = expand_q4_0_narrow;
    k->product[LLMK_LAYOUT_Q4_0].multiply = multiply_N32;
    k->product[LLMK_LAYOUT_Q5_0].expand = expand_q5_0_narrow;
    k->product[LLMK_LAYOUT_Q5_0].multiply = multiply_N32;
    k->product[LLMK_LAYOUT_F16].multiply_packed = multiply_F16;
    k->product[LLMK_LAYOUT_BF16].multiply_packed = multiply_BF16_PAIRS;
}
