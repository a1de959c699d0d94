#include <immintrin.h>

#include "cpu/pack_words.h"

/* 16 bytes of rows r, r + 4, r + 8, r + 12. */
static inline __m512i take_rows(const llmk_rows *src, int32_t r, size_t at) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)row_of(src, r, at)));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(const void *)row_of(src, r + 4, at)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(const void *)row_of(src, r + 8, at)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(const void *)row_of(src, r + 12, at)), 3);
}

static inline void gather4(words w[4], const llmk_rows *src, size_t at) {
    fetch_ahead(src, at);
    __m512i a = take_rows(src, 0, at), b = take_rows(src, 1, at);
    __m512i c = take_rows(src, 2, at), d = take_rows(src, 3, at);
    __m512i ab01 = _mm512_unpacklo_epi32(a, b), cd01 = _mm512_unpacklo_epi32(c, d);
    __m512i ab23 = _mm512_unpackhi_epi32(a, b), cd23 = _mm512_unpackhi_epi32(c, d);
    _mm512_storeu_si512(&w[0], _mm512_unpacklo_epi64(ab01, cd01));
    _mm512_storeu_si512(&w[1], _mm512_unpackhi_epi64(ab01, cd01));
    _mm512_storeu_si512(&w[2], _mm512_unpacklo_epi64(ab23, cd23));
    _mm512_storeu_si512(&w[3], _mm512_unpackhi_epi64(ab23, cd23));
}

#define LLMK_PACK_INIT llmk_pack_init_avx512
#include "cpu/pack_body.h"
