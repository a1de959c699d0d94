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

#include "cpu/x86/products_madd.h"

void llmk_linear_init_avx512(llmk_linear_kernels *k) {
    fill_products_madd(k);
    k->quantize = quantize;
}
