#include "cpu/pack.h"

#include "dtype.h"
#include "quant/scales6.h"

#include <string.h>

#define LLMK_DTYPE(NAME, name, elems, bytes)
#include "dtypes.def"
#undef LLMK_DTYPE

enum { D = LLMK_PLANE_D, CODES = LLMK_PLANE_CODES, LOW = LLMK_PLANE_LOW, HIGH = LLMK_PLANE_HIGH };

/* A 32-bit word of each of 16 rows: four consecutive byte-wide numbers of a row. */
typedef struct words {
    uint32_t row[LLMK_STRIP];
} words;

/* The word at byte `at` of each row. */
static inline words gather(const llmk_rows *src, size_t at) {
    words w;
    for (int32_t r = 0; r < LLMK_STRIP; r++) {
        int32_t from = r < src->n_rows ? r : src->n_rows - 1;
        memcpy(&w.row[r], src->data + (size_t)from * src->row_bytes + at, sizeof w.row[r]);
    }
    return w;
}

static inline void store(uint8_t *dst, const words *w) {
    memcpy(dst, w->row, sizeof w->row);
}

/* The F16 numbers at byte `at` of each row. */
static inline void pack_halves(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (int32_t r = 0; r < LLMK_STRIP; r++) {
        int32_t from = r < src->n_rows ? r : src->n_rows - 1;
        memcpy(dst + 2 * r, src->data + (size_t)from * src->row_bytes + at, 2);
    }
}

/* ---- numbers of 4 bits ---- */

/* The file keeps elements i and i + 16 in a byte, which is what a strip keeps. */
static inline void pack_nibbles(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (size_t j = 0; j < 4; j++) {
        words w = gather(src, at + 4 * j);
        store(dst + 64 * j, &w);
    }
}

/* 32 bytes whose low nibbles are one block and whose high nibbles are another. */
static inline void pack_nibble_blocks(uint8_t *first, uint8_t *second, const llmk_rows *src, size_t at) {
    for (size_t j = 0; j < 4; j++) {
        words a = gather(src, at + 4 * j), b = gather(src, at + 16 + 4 * j), low, high;
        for (int32_t r = 0; r < LLMK_STRIP; r++) {
            low.row[r] = (a.row[r] & 0x0f0f0f0f) | (b.row[r] & 0x0f0f0f0f) << 4;
            high.row[r] = (a.row[r] >> 4 & 0x0f0f0f0f) | (b.row[r] & 0xf0f0f0f0);
        }
        store(first + 64 * j, &low);
        store(second + 64 * j, &high);
    }
}

/* ---- numbers of 2 bits: 32 bytes, block j in bits 2 j and 2 j + 1 ---- */

static inline void pack_pairs(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w[8];
    for (size_t k = 0; k < 8; k++) w[k] = gather(src, at + 4 * k);
    for (int j = 0; j < 4; j++)
        for (int v = 0; v < 2; v++) {
            words out = {{0}};
            for (int s = 0; s < 4; s++)
                for (int32_t r = 0; r < LLMK_STRIP; r++)
                    out.row[r] |= (w[v + 2 * s].row[r] >> (2 * j) & 0x03030303) << (2 * s);
            store(dst + 128 * j + 64 * v, &out);
        }
}

/* ---- numbers of 1 bit ---- */

/* 32 bytes, block j in bit j */
static inline void pack_bits(uint8_t *dst, const llmk_rows *src, size_t at) {
    words w[8];
    for (size_t k = 0; k < 8; k++) w[k] = gather(src, at + 4 * k);
    for (int j = 0; j < 8; j++) {
        words out = {{0}};
        for (int k = 0; k < 8; k++)
            for (int32_t r = 0; r < LLMK_STRIP; r++) out.row[r] |= (w[k].row[r] >> j & 0x01010101) << k;
        store(dst + 64 * j, &out);
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
    for (int32_t r = 0; r < LLMK_STRIP; r++) w.row[r] = unshuffle(unshuffle(w.row[r]));
    store(dst, &w);
}

/* ---- codes of scales: [sub-block][row] ---- */

static inline const uint8_t *row_of(const llmk_rows *src, int32_t r, size_t at) {
    return src->data + (size_t)(r < src->n_rows ? r : src->n_rows - 1) * src->row_bytes + at;
}

static inline void pack_codes6(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (int32_t r = 0; r < LLMK_STRIP; r++) {
        uint8_t sc[8], mn[8];
        llmk_unpack_scales6(sc, mn, row_of(src, r, at));
        for (int s = 0; s < 8; s++) dst[32 * s + r] = sc[s], dst[32 * s + 16 + r] = mn[s];
    }
}

static inline void pack_codes8(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (int32_t r = 0; r < LLMK_STRIP; r++) {
        const uint8_t *codes = row_of(src, r, at);
        for (int s = 0; s < 16; s++) dst[16 * s + r] = codes[s];
    }
}

static inline void pack_codes_q3_k(uint8_t *dst, const llmk_rows *src, size_t at) {
    for (int32_t r = 0; r < LLMK_STRIP; r++) {
        int8_t sc[16];
        llmk_unpack_scales_q3_k(sc, row_of(src, r, at));
        for (int s = 0; s < 16; s++) dst[16 * s + r] = (uint8_t)sc[s];
    }
}

/* ---- types ---- */

static void pack_f32(const llmk_planes *dst, const llmk_rows *src, int64_t n) {
    for (int64_t c = 0; c < n; c++) {
        words w = gather(src, (size_t)c * 4);
        store(dst->at[LOW] + 64 * c, &w);
    }
}

static void pack_f16(const llmk_planes *dst, const llmk_rows *src, int64_t n) {
    for (int64_t c = 0; c < n; c++) pack_halves(dst->at[LOW] + 32 * c, src, (size_t)c * 2);
}

static void pack_bf16(const llmk_planes *dst, const llmk_rows *src, int64_t n) {
    for (int64_t c = 0; c < n; c++) {
        words w = gather(src, (size_t)c * 4);
        store(dst->at[LOW] + 64 * c, &w);
    }
}

/* One file block after the other; `b` is the block as the file has it, for its offsets. */
#define PACK(name, body)                                                                                               \
    static void pack_##name(const llmk_planes *planes, const llmk_rows *rows, int64_t n) {                             \
        llmk_rows src = *rows;                                                                                         \
        llmk_planes p = *planes;                                                                                       \
        typedef llmk_block_##name block;                                                                               \
        for (int64_t i = 0; i < n; i++, src.data += sizeof(block)) body                                                \
    }
#define AT(member)           offsetof(block, member)
#define NEXT(plane, n_bytes) (p.at[plane] += (n_bytes), p.at[plane] - (n_bytes))

PACK(q8_0, {
    uint8_t *low = NEXT(LOW, 512);
    pack_halves(NEXT(D, 32), &src, AT(d));
    for (size_t j = 0; j < 8; j++) {
        words w = gather(&src, AT(q) + 4 * j);
        for (int32_t r = 0; r < LLMK_STRIP; r++) w.row[r] ^= 0x80808080;
        store(low + 64 * j, &w);
    }
})

PACK(q4_0, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_nibbles(NEXT(LOW, 256), &src, AT(q));
})

PACK(q4_1, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_halves(NEXT(D, 32), &src, AT(m));
    pack_nibbles(NEXT(LOW, 256), &src, AT(q));
})

PACK(q5_0, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_nibbles(NEXT(LOW, 256), &src, AT(q));
    pack_bit_number(NEXT(HIGH, 64), &src, AT(high));
})

PACK(q5_1, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_halves(NEXT(D, 32), &src, AT(m));
    pack_nibbles(NEXT(LOW, 256), &src, AT(q));
    pack_bit_number(NEXT(HIGH, 64), &src, AT(high));
})

PACK(q2_k, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_halves(NEXT(D, 32), &src, AT(dmin));
    pack_codes8(NEXT(CODES, 256), &src, AT(scales));
    for (size_t h = 0; h < 2; h++) pack_pairs(NEXT(LOW, 512), &src, AT(q) + 32 * h);
})

PACK(q3_k, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_codes_q3_k(NEXT(CODES, 256), &src, AT(scales));
    for (size_t h = 0; h < 2; h++) pack_pairs(NEXT(LOW, 512), &src, AT(q) + 32 * h);
    pack_bits(NEXT(HIGH, 512), &src, AT(high));
})

PACK(q4_k, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_halves(NEXT(D, 32), &src, AT(dmin));
    pack_codes6(NEXT(CODES, 256), &src, AT(scales));
    for (size_t c = 0; c < 4; c++) {
        uint8_t *low = NEXT(LOW, 512);
        pack_nibble_blocks(low, low + 256, &src, AT(q) + 32 * c);
    }
})

PACK(q5_k, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_halves(NEXT(D, 32), &src, AT(dmin));
    pack_codes6(NEXT(CODES, 256), &src, AT(scales));
    for (size_t c = 0; c < 4; c++) {
        uint8_t *low = NEXT(LOW, 512);
        pack_nibble_blocks(low, low + 256, &src, AT(q) + 32 * c);
    }
    pack_bits(NEXT(HIGH, 512), &src, AT(high));
})

PACK(q6_k, {
    pack_halves(NEXT(D, 32), &src, AT(d));
    pack_codes8(NEXT(CODES, 256), &src, AT(scales));
    for (size_t h = 0; h < 2; h++) {
        uint8_t *low = NEXT(LOW, 1024);
        for (size_t j = 0; j < 2; j++)
            pack_nibble_blocks(low + 256 * j, low + 256 * (j + 2), &src, AT(low) + 64 * h + 32 * j);
        pack_pairs(NEXT(HIGH, 512), &src, AT(high) + 32 * h);
    }
})

/* ---- the table ---- */

enum {
#define LLMK_DTYPE(NAME, name, elems, bytes) ELEMS_##NAME = elems, BYTES_##NAME = bytes,
#include "dtypes.def"
#undef LLMK_DTYPE
};

static const llmk_layout table[LLMK_N_LAYOUTS] = {
#define LLMK_LAYOUT(NAME, name, panel, offset, cols, d, codes, low, high)                                              \
    {LLM_DTYPE_##NAME, LLMK_LAYOUT_##NAME, cols, {d, codes, low, high}, ELEMS_##NAME, BYTES_##NAME, pack_##name},
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
};

const llmk_layout *llmk_layout_get(llm_dtype dtype) {
    for (int32_t i = 0; i < LLMK_N_LAYOUTS; i++)
        if (table[i].dtype == dtype) return &table[i];
    return NULL;
}

int64_t llmk_layout_units(const llmk_layout *l, int64_t cols) {
    return (cols + l->unit_cols - 1) / l->unit_cols;
}

static size_t plane_bytes(const llmk_layout *l, int plane, int64_t cols) {
    return ((size_t)llmk_layout_units(l, cols) * (size_t)l->plane_bytes[plane] + 63) / 64 * 64;
}

size_t llmk_layout_strip_bytes(const llmk_layout *l, int64_t cols) {
    size_t n = 0;
    for (int i = 0; i < LLMK_N_PLANES; i++) n += plane_bytes(l, i, cols);
    return n;
}

llmk_planes llmk_layout_planes(const llmk_layout *l, const uint8_t *strip, int64_t cols, int64_t col) {
    llmk_planes p;
    for (int i = 0; i < LLMK_N_PLANES; i++) {
        p.at[i] = (uint8_t *)strip + (size_t)(col / l->unit_cols) * (size_t)l->plane_bytes[i];
        strip += plane_bytes(l, i, cols);
    }
    return p;
}

/* The last column of an odd number is paired with a zero. */
static void pack_odd_column(const llmk_planes *dst, const llmk_rows *src, int64_t unit) {
    for (int32_t r = 0; r < LLMK_STRIP; r++) {
        uint8_t *to = dst->at[LOW] + 64 * unit + 4 * r;
        memcpy(to, row_of(src, r, (size_t)unit * 4), 2);
        memset(to + 2, 0, 2);
    }
}

void llmk_layout_pack(const llmk_layout *l, const llmk_planes *dst, const uint8_t *rows, size_t row_bytes,
                      int32_t n_rows, int64_t col, int64_t n_cols) {
    llmk_rows src = {rows + (size_t)(col / l->block_elems) * (size_t)l->block_bytes, row_bytes, n_rows};
    int64_t n_units = n_cols / l->unit_cols;
    l->pack(dst, &src, n_units);
    if (n_cols % l->unit_cols) pack_odd_column(dst, &src, n_units);
}
