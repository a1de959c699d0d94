/* Packing kernels, once for each instruction set: a source file defines gather4, the four words from byte `at` of each
 * row on, and includes this, with LLMK_PACK_INIT naming the function that fills the table. */
#include "cpu/kernels.h"
#include "cpu/pack_words.h"

#include "dtype.h"
#include "quant/q3_k.h"

#define LLMK_DTYPE(NAME, name, elems, bytes)
#include "dtypes.def"
#undef LLMK_DTYPE

enum { D = LLMK_PLANE_D, CODES = LLMK_PLANE_CODES, LOW = LLMK_PLANE_LOW, HIGH = LLMK_PLANE_HIGH };

static inline void store(uint8_t *dst, const words *w) {
    memcpy(dst, w->row, sizeof w->row);
}

/* The F16 numbers at byte `at` of each row. */
static inline void pack_halves(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (int32_t r = 0; r < LLMK_LANES; r++) memcpy(dst + 2 * r, row_of(src, r, at), 2);
}

/* ---- numbers of 4 bits ---- */

/* The file has elements i and i + 16 in one byte, and so has a strip. */
static inline void pack_nibbles(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w[4];
    gather4(w, src, at);
    for (size_t j = 0; j < 4; j++) store(dst + 64 * j, &w[j]);
}

/* 32 bytes whose low nibbles are one block and whose high nibbles are another. */
static inline void pack_nibble_blocks(uint8_t *first, uint8_t *second, const llmk_rows *src, size_t at) {
    words a[4], b[4], low, high;
    gather4(a, src, at);
    gather4(b, src, at + 16);
    for (size_t j = 0; j < 4; j++) {
        for (int32_t r = 0; r < LLMK_LANES; r++) {
            low.row[r] = (a[j].row[r] & 0x0f0f0f0f) | (b[j].row[r] & 0x0f0f0f0f) << 4;
            high.row[r] = (a[j].row[r] >> 4 & 0x0f0f0f0f) | (b[j].row[r] & 0xf0f0f0f0);
        }
        store(first + 64 * j, &low);
        store(second + 64 * j, &high);
    }
}

/* ---- numbers of 2 bits: 32 bytes, block j in bits 2 j and 2 j + 1 ---- */

static inline void pack_pairs(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w[8];
    for (size_t k = 0; k < 8; k += 4) gather4(w + k, src, at + 4 * k);
    for (int j = 0; j < 4; j++)
        for (int v = 0; v < 2; v++) {
            words out = {{0}};
            for (int s = 0; s < 4; s++)
                for (int32_t r = 0; r < LLMK_LANES; r++)
                    out.row[r] |= (w[v + 2 * s].row[r] >> (2 * j) & 0x03030303) << (2 * s);
            store(dst + 2 * 128 * j + 64 * v, &out);
        }
}

/* ---- numbers of 1 bit ---- */

/* 32 bytes, block j in bit j */
static inline void pack_bits(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w[8];
    for (size_t k = 0; k < 8; k += 4) gather4(w + k, src, at + 4 * k);
    for (int j = 0; j < 8; j++) {
        words out = {{0}};
        for (int k = 0; k < 8; k++)
            for (int32_t r = 0; r < LLMK_LANES; r++) out.row[r] |= (w[k].row[r] >> j & 0x01010101) << k;
        store(dst + 2 * 64 * j, &out);
    }
}

/* Even bits to the lower half, odd bits to the upper half. */
static inline uint32_t unshuffle(uint32_t x) {
    uint32_t t;
    t = (x ^ x >> 1) & 0x22222222, x ^= t ^ t << 1;
    t = (x ^ x >> 2) & 0x0c0c0c0c, x ^= t ^ t << 2;
    t = (x ^ x >> 4) & 0x00f000f0, x ^= t ^ t << 4;
    t = (x ^ x >> 8) & 0x0000ff00, x ^= t ^ t << 8;
    return x;
}

/* A 32-bit number whose bit 4 s + c becomes bit s of byte c. */
static inline void pack_bit_number(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w = gather(src, at);
    for (int32_t r = 0; r < LLMK_LANES; r++) w.row[r] = unshuffle(unshuffle(w.row[r]));
    store(dst, &w);
}

/* ---- codes of scales: for each block two rows of 16 bytes ---- */

/* Byte c of each row's word. */
static inline void store_bytes(uint8_t *dst, const words *w, int c) {
    for (int32_t r = 0; r < LLMK_LANES; r++) dst[r] = (uint8_t)(w->row[r] >> (8 * c));
}

/* Codes of 8 bits, two for each block. */
static inline void pack_codes8(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w[4];
    gather4(w, src, at);
    for (int i = 0; i < 16; i++) store_bytes(dst + 64 * (i / 2) + 16 * (i % 2), &w[i / 4], i % 4);
}

/* Codes of 6 bits in 12 bytes: one word for the first four scales, one for the first four minimums; their upper two
 * bits are those of the other four, whose lower bits share the third word. */
static inline void pack_codes6(uint8_t *dst, const words file[3]) {
    words w[4];
    for (int32_t r = 0; r < LLMK_LANES; r++) {
        uint32_t a = file[0].row[r], b = file[1].row[r], low = file[2].row[r];
        w[0].row[r] = a & 0x3f3f3f3f;
        w[1].row[r] = b & 0x3f3f3f3f;
        w[2].row[r] = (low & 0x0f0f0f0f) | (a >> 2 & 0x30303030);
        w[3].row[r] = (low >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030);
    }
    for (int i = 0; i < 16; i++) store_bytes(dst + 64 * (i / 2) + 16 * (i % 2), &w[i / 8 * 2 + i % 2], i / 2 % 4);
}

static inline void put_codes16(uint8_t *dst, int32_t r, const uint8_t codes[16]) {
    for (int b = 0; b < 8; b++) dst[2 * 32 * b + r] = codes[2 * b], dst[2 * 32 * b + 16 + r] = codes[2 * b + 1];
}

static inline void pack_codes_q3_k(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (int32_t r = 0; r < LLMK_LANES; r++) {
        int8_t sc[16];
        llmk_unpack_scales_q3_k(sc, row_of(src, r, at));
        put_codes16(dst, r, (const uint8_t *)sc);
    }
}

/* ---- types ---- */

enum { PIECE = 64, PIECE_WORDS = PIECE / 4 };

/* The words of PIECE bytes of each row, with zeros beyond n_bytes. The bytes are first copied next to each other: rows
 * whose size is a power of two would compete for the same cache lines. */
static inline void take_piece(words w[PIECE_WORDS], const llmk_rows *src, size_t at, size_t n_bytes) {
    uint8_t piece[LLMK_LANES][PIECE] = {{0}};
    llmk_rows taken = {.ahead = src->ahead + LLMK_LANES * (src->at + at)};
    for (int32_t r = 0; r < LLMK_LANES; r++) {
        taken.row[r] = piece[r];
        if (n_bytes >= PIECE)
            memcpy(piece[r], row_of(src, r, at), PIECE); /* of a size that the compiler knows */
        else
            memcpy(piece[r], row_of(src, r, at), n_bytes);
    }
    for (size_t i = 0; i < PIECE_WORDS; i += 4) gather4(w + i, &taken, 4 * i);
}

static void pack_f32(const llmk_planes *dst, const llmk_rows *src, int64_t n_cols) {
    words w[PIECE_WORDS];
    for (int64_t c = 0; c < n_cols; c += PIECE_WORDS) {
        take_piece(w, src, (size_t)c * 4, (size_t)(n_cols - c) * 4);
        for (int64_t i = 0; i < PIECE_WORDS && c + i < n_cols; i++) store(dst->at[LOW] + 2 * 64 * (c + i), &w[i]);
    }
}

static void pack_f16(const llmk_planes *dst, const llmk_rows *src, int64_t n_cols) {
    words w[PIECE_WORDS];
    for (int64_t c = 0; c < n_cols; c += 2 * PIECE_WORDS) {
        take_piece(w, src, (size_t)c * 2, (size_t)(n_cols - c) * 2);
        for (int64_t i = 0; i < PIECE_WORDS && c + 2 * i < n_cols; i++) {
            uint16_t even[LLMK_LANES], odd[LLMK_LANES];
            uint8_t *to = dst->at[LOW] + 2 * 32 * (c + 2 * i);
            for (int32_t r = 0; r < LLMK_LANES; r++)
                even[r] = (uint16_t)w[i].row[r], odd[r] = (uint16_t)(w[i].row[r] >> 16);
            memcpy(to, even, sizeof even);
            if (c + 2 * i + 1 < n_cols) memcpy(to + 2 * 32, odd, sizeof odd);
        }
    }
}

/* Pairs of columns; the last one of an odd number is paired with a zero. */
static void pack_bf16(const llmk_planes *dst, const llmk_rows *src, int64_t n_cols) {
    words w[PIECE_WORDS];
    for (int64_t c = 0; c < n_cols; c += 2 * PIECE_WORDS) {
        take_piece(w, src, (size_t)c * 2, (size_t)(n_cols - c) * 2);
        for (int64_t i = 0; i < PIECE_WORDS && c + 2 * i < n_cols; i++) store(dst->at[LOW] + 64 * (c + 2 * i), &w[i]);
    }
}

/* One block of the file after the other. */
#define PACK(name, elems, body)                                                                                        \
    static void pack_##name(const llmk_planes *planes, const llmk_rows *rows, int64_t n_cols) {                        \
        llmk_rows src = *rows;                                                                                         \
        llmk_planes p = *planes;                                                                                       \
        typedef llmk_block_##name block;                                                                               \
        for (int64_t c = 0; c < n_cols; c += (elems), src.at += sizeof(block)) body                                    \
    }
#define AT(member) offsetof(block, member)

/* The next n_bytes of this half of the rows; the other half's follow. */
static inline uint8_t *next(llmk_planes *p, int plane, size_t n_bytes) {
    uint8_t *at = p->at[plane];
    p->at[plane] += 2 * n_bytes;
    return at;
}

/* A factor, and one of what is added. */
static inline void pack_factors(llmk_planes *p, const llmk_rows *src, size_t at, size_t at_added) {
    uint8_t *d = next(p, D, 64);
    pack_halves(d, src, at);
    pack_halves(d + 32, src, at_added);
}

/* The 16 bytes of d, dmin and codes of 6 bits. */
static inline void pack_factors_codes6(llmk_planes *p, const llmk_rows *src, size_t at) {
    words w[4];
    uint16_t d[2][LLMK_LANES];
    gather4(w, src, at);
    for (int32_t r = 0; r < LLMK_LANES; r++) d[0][r] = (uint16_t)w[0].row[r], d[1][r] = (uint16_t)(w[0].row[r] >> 16);
    memcpy(next(p, D, sizeof d), d, sizeof d);
    pack_codes6(next(p, CODES, 256), &w[1]);
}

/* 256 columns of pairs of nibble blocks. */
static inline void pack_nibble_pairs(llmk_planes *p, const llmk_rows *src, size_t at) {
    for (size_t c2 = 0; c2 < 4; c2++) {
        uint8_t *low = next(p, LOW, 512);
        pack_nibble_blocks(low, low + 2 * 256, src, at + 32 * c2);
    }
}

PACK(q8_0, 32, {
    uint8_t *low = next(&p, LOW, 512);
    pack_halves(next(&p, D, 32), &src, AT(d));
    for (size_t j = 0; j < 8; j += 4) {
        words w[4];
        gather4(w, &src, AT(q) + 4 * j);
        for (size_t k = 0; k < 4; k++) {
            for (int32_t r = 0; r < LLMK_LANES; r++) w[k].row[r] ^= 0x80808080;
            store(low + 64 * (j + k), &w[k]);
        }
    }
})

PACK(q4_0, 32, {
    pack_halves(next(&p, D, 32), &src, AT(d));
    pack_nibbles(next(&p, LOW, 256), &src, AT(q));
})

PACK(q4_1, 32, {
    pack_factors(&p, &src, AT(d), AT(m));
    pack_nibbles(next(&p, LOW, 256), &src, AT(q));
})

PACK(q5_0, 32, {
    pack_halves(next(&p, D, 32), &src, AT(d));
    pack_nibbles(next(&p, LOW, 256), &src, AT(q));
    pack_bit_number(next(&p, HIGH, 64), &src, AT(high));
})

PACK(q5_1, 32, {
    pack_factors(&p, &src, AT(d), AT(m));
    pack_nibbles(next(&p, LOW, 256), &src, AT(q));
    pack_bit_number(next(&p, HIGH, 64), &src, AT(high));
})

PACK(q2_k, 256, {
    pack_factors(&p, &src, AT(d), AT(dmin));
    pack_codes8(next(&p, CODES, 256), &src, AT(scales));
    for (size_t h = 0; h < 2; h++) pack_pairs(next(&p, LOW, 512), &src, AT(q) + 32 * h);
})

PACK(q3_k, 256, {
    pack_halves(next(&p, D, 32), &src, AT(d));
    pack_codes_q3_k(next(&p, CODES, 256), &src, AT(scales));
    for (size_t h = 0; h < 2; h++) pack_pairs(next(&p, LOW, 512), &src, AT(q) + 32 * h);
    pack_bits(next(&p, HIGH, 512), &src, AT(high));
})

PACK(q4_k, 256, {
    pack_factors_codes6(&p, &src, AT(d));
    pack_nibble_pairs(&p, &src, AT(q));
})

PACK(q5_k, 256, {
    pack_factors_codes6(&p, &src, AT(d));
    pack_nibble_pairs(&p, &src, AT(q));
    pack_bits(next(&p, HIGH, 512), &src, AT(high));
})

PACK(q6_k, 256, {
    pack_halves(next(&p, D, 32), &src, AT(d));
    pack_codes8(next(&p, CODES, 256), &src, AT(scales));
    for (size_t h = 0; h < 2; h++) {
        uint8_t *low = next(&p, LOW, 1024);
        for (size_t j = 0; j < 2; j++)
            pack_nibble_blocks(low + 2 * 256 * j, low + 2 * 256 * (j + 2), &src, AT(low) + 64 * h + 32 * j);
        pack_pairs(next(&p, HIGH, 512), &src, AT(high) + 32 * h);
    }
})

void LLMK_PACK_INIT(llmk_pack *pack) {
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high) pack[LLMK_LAYOUT_##NAME] = pack_##name;
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
}
