/* The packed form of matrices: strips of 32 rows, interleaved so that one 64-byte load feeds 16 rows.
 * A strip is up to four planes, each over all its columns: factors (d), integer codes of scales, low
 * and high bits of the numbers. In a plane the two halves of the rows, 16 each, alternate.
 * LAYOUTS.md describes them bit by bit. */
#ifndef LLMK_CPU_PACK_H
#define LLMK_CPU_PACK_H

#include <stdbool.h>

#include <llm/types.h>

LLM_BEGIN_DECLS

enum { LLMK_LANES = 16, LLMK_STRIP = 2 * LLMK_LANES, LLMK_BLOCK = 32 };
enum { LLMK_PLANE_D, LLMK_PLANE_CODES, LLMK_PLANE_LOW, LLMK_PLANE_HIGH, LLMK_N_PLANES };

enum {
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high) LLMK_LAYOUT_##NAME,
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
    LLMK_N_LAYOUTS
};

/* A range of columns of a strip. */
typedef struct llmk_planes {
    uint8_t *at[LLMK_N_PLANES];
} llmk_planes;

/* 16 rows of a matrix as the file stores them, from byte `at` of each on. Where the matrix has fewer, its
 * last one is repeated. */
typedef struct llmk_rows {
    const uint8_t *row[LLMK_LANES];
    size_t at;
    const uint8_t *ahead; /* what is prefetched meanwhile: 16 bytes for each byte of a row */
    int64_t skip;         /* columns of the first block that are skipped; 0 except for widened layouts */
} llmk_rows;

/* Packs one half of a strip, from whole blocks of the file. */
typedef void (*llmk_pack)(const llmk_planes *dst, const llmk_rows *src, int64_t n_cols);

typedef struct llmk_layout {
    llm_dtype dtype;
    int32_t index;                      /* LLMK_LAYOUT_* */
    int32_t plane_cols[LLMK_N_PLANES];  /* columns that are packed together */
    int32_t plane_bytes[LLMK_N_PLANES]; /* what 16 rows take for them */
    int32_t block_elems, block_bytes;   /* of the file's form */
    llmk_pack widen;                    /* of a widened layout; NULL: packed by the table of kernels */
} llmk_layout;

/* The type's row of layouts.def; without one, the widened layout. NULL: no data type has this number. */
const llmk_layout *llmk_layout_get(llm_dtype dtype);
/* Any type as F32, in the layout of F32. */
const llmk_layout *llmk_layout_widened(llm_dtype dtype);

/* Bytes of a packed strip, a multiple of 64. */
size_t llmk_layout_strip_bytes(const llmk_layout *l, int64_t cols);
/* Addresses of columns [col, ...) of the strip at `strip`; all planes must start a new block at col. */
llmk_planes llmk_layout_planes(const llmk_layout *l, const uint8_t *strip, int64_t cols, int64_t col);
/* Packs columns [col, col + n_cols) of 1..32 file rows at `rows` to dst. */
void llmk_layout_pack(const llmk_layout *l, llmk_pack pack, const llmk_planes *dst, const uint8_t *rows,
                      size_t row_bytes, int32_t n_rows, int64_t col, int64_t n_cols);

LLM_END_DECLS

#endif
