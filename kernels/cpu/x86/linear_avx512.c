/* Linear micro-kernels for AVX-512 F, BW, DQ and VL, without VNNI. */
#include "cpu/x86/tile512.h"

typedef __m512i vec;
typedef __m512 vecf;
enum { VECTOR_BYTES = 64 };

static inline vec load_vec(const void *p) {
    return _mm512_loadu_si512(p);
}

static inline vec give_sign(vec a, vec b) {
    return _mm512_mask_sub_epi8(a, _mm512_movepi8_mask(b), _mm512_setzero_si512(), a);
}

#define load_vecf     load16
#define store_vecf    _mm512_storeu_ps
#define repeat32      _mm512_set1_epi32
#define repeatf       _mm512_set1_ps
#define zero_vec      _mm512_setzero_si512
#define add16         _mm512_add_epi16
#define add32         _mm512_add_epi32
#define shift_right32 _mm512_srai_epi32
#define maddubs       _mm512_maddubs_epi16
#define madd          _mm512_madd_epi16
#define abs8          _mm512_abs_epi8
#define xor_vec       _mm512_xor_si512
#define to_float      _mm512_cvtepi32_ps
#define mulf          _mm512_mul_ps
#define fmaf_vec      _mm512_fmadd_ps

#include "cpu/x86/tile_madd.h"

TILES(F32, TILE_F32)
TILES(F16, TILE_F16)
TILES(BF16_PAIRS, TILE_BF16_PAIRS)
TILES(S32, TILE_MADD)
TILES(N32, TILE_MADD)
TILES(M32, TILE_MADD)
TILES(S16, TILE_MADD)
TILES(M16, TILE_MADD)

#include "cpu/products.h"

void llmk_linear_init_avx512(llmk_linear_kernels *k) {
    fill_products(k);
    k->product[LLMK_LAYOUT_Q4_0] = (llmk_product){LLMK_X_I8, LLMK_PANEL_S32, expand_q4_0_narrow, multiply_N32, NULL};
    k->product[LLMK_LAYOUT_Q5_0] = (llmk_product){LLMK_X_I8, LLMK_PANEL_S32, expand_q5_0_narrow, multiply_N32, NULL};
    k->product[LLMK_LAYOUT_F16].multiply_packed = multiply_F16;
    k->product[LLMK_LAYOUT_BF16].multiply_packed = multiply_BF16_PAIRS;
    k->quantize = quantize;
}
