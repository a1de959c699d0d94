/* Micro-kernels of linear operations. A product is computed in tiles of a strip of weights (32
 * outputs) and up to six rows of activations. The packed weights of a chunk of columns are first
 * expanded to a panel that fits the first-level cache, then multiplied with all rows; where one tile is all that would
 * read it, packed weights may be multiplied as they are.
 *
 * An output is the sum over columns in ascending order, one accumulator, whatever the tile: results
 * do not depend on the number of rows or on how the columns are cut into chunks. */
#ifndef LLMK_CPU_LINEAR_KERNELS_H
#define LLMK_CPU_LINEAR_KERNELS_H

#include "cpu/pack.h"

LLM_BEGIN_DECLS

enum { LLMK_TILE_ROWS = 6 };

/* How far ahead packed weights are prefetched, in bytes: planes are read from end to end, and the next strip follows
 * them. Tiles of 16 bits prefetch so often that a longer distance would exceed the outstanding misses. */
enum { LLMK_AHEAD = 2048, LLMK_AHEAD_16 = 1536 };

/* A strip's panel; the two halves of its rows, 16 each, alternate. F32: [col][2][16]. BF16:
 * [col / 2][2][16][2]. The others, for each 32 columns and half: 8 x 64 bytes [step][16][4] (u8, columns
 * 4 step .. 4 step + 3), then F32 vectors of 16: scales, then (M) what is added; one of each for 32
 * columns or for each 16. The u8 are the weights' numbers plus 128 (S32), plus 32 (S16, 0..63), or as they
 * are (M, 0..31). */
enum { LLMK_PANEL_F32, LLMK_PANEL_BF16, LLMK_PANEL_S32, LLMK_PANEL_M32, LLMK_PANEL_S16, LLMK_PANEL_M16, LLMK_N_PANELS };

/* Maximum number of columns that are widened from bytes to F32 at a time. */
enum { LLMK_WIDEN_COLS = 256 };

/* Activations. F32: the caller's rows. BF16: rows of an even number of BF16. I8: groups of up to six
 * rows; a group of n rows has for each 32 columns n x 32 signed bytes q, and vectors of n numbers each:
 *     scale     F32; an activation is scale * q
 *     start     I32: -128 * sum of q, which takes the offset of S32 panels out again
 *     sum       F32: scale * sum of q
 *     start16   I32: -32 * sum of the first 16 q, then of the last 16
 *     sum16     F32: scale * sum of the first 16 q, then of the last 16 */
enum { LLMK_X_F32, LLMK_X_BF16, LLMK_X_I8, LLMK_N_X };
enum {
    LLMK_X_SCALE,
    LLMK_X_START,
    LLMK_X_SUM,
    LLMK_X_START16,
    LLMK_X_SUM16 = LLMK_X_START16 + 2,
    LLMK_X_VECTORS = LLMK_X_SUM16 + 2
};
enum { LLMK_X_I8_BYTES = LLMK_BLOCK + 4 * LLMK_X_VECTORS }; /* of 32 columns of a row */

typedef struct llmk_tile {
    float *acc; /* row r: 32 numbers at acc + r * acc_stride; read (unless is_first) and written */
    int64_t acc_stride;
    const uint8_t *panel;
    const llmk_planes *packed; /* what the panel would be made of; read by multiply_packed instead of it, */
    const llmk_planes *next;   /* and what it may prefetch at its end */
    const void *x;             /* the first column of the chunk */
    size_t x_stride;           /* F32, BF16: bytes between rows */
    int64_t n_cols;
    int32_t n_rows;       /* 1..6 */
    bool is_first;        /* acc is taken as 0 */
    const uint8_t *ahead; /* memory that may be prefetched meanwhile: */
    int32_t n_ahead;      /* lines for each 32 columns */
} llmk_tile;

typedef struct llmk_product {
    int32_t x, panel;
    /* Expands n_cols columns of a strip; NULL: the packed form is the panel. */
    void (*expand)(uint8_t *panel, const llmk_planes *src, int64_t n_cols);
    void (*multiply)(const llmk_tile *t);
    /* The same bits as both, without a panel: for weights that are multiplied with one tile. NULL: none. */
    void (*multiply_packed)(const llmk_tile *t);
} llmk_product;

enum { LLMK_MOST_BLOCK_ROWS = 384 }; /* that an item has memory for */

/* How products are cut for the caches. No size changes a bit of a result. */
typedef struct llmk_blocking {
    int32_t block_rows;  /* most activation rows of an item (MC), at most LLMK_MOST_BLOCK_ROWS */
    int32_t block_bytes; /* most bytes of its activations, so that they stay in the second-level cache */
    int32_t few_rows;    /* with no more rows than this, strips are taken one by one, else in groups */
    int32_t ahead_lines; /* cache lines that tiles of few rows prefetch for every 32 columns */
    int32_t store_ahead; /* rows of the output that are prefetched before they are written */
    /* Columns of a strip that are expanded at a time (KC), by panel, at most LLMK_WIDEN_COLS: with more, the loads of
     * the next chunk would stall behind the multiplication. */
    int32_t panel_cols[LLMK_N_PANELS];
    /* Columns that are multiplied at a time as they are packed. */
    int64_t packed_cols[LLMK_N_PANELS];
} llmk_blocking;

typedef struct llmk_linear_kernels {
    llmk_blocking blocking;
    llmk_product product[LLMK_N_LAYOUTS]; /* in use */
    llmk_product exact[LLMK_N_LAYOUTS];   /* of layouts of bytes: by F32 activations */
    llmk_product bf16;                    /* of BF16 weights, which rounds activations to BF16; multiply NULL: none */
    /* A group of 1..6 rows; n_cols a multiple of 32. */
    void (*quantize)(void *dst, const float *x, int64_t stride, int32_t n_rows, int64_t n_cols);
    /* One row; an odd number of columns is padded with a zero. */
    void (*to_bf16)(void *dst, const float *x, int64_t n_cols);
} llmk_linear_kernels;

/* The portable ones fill the table (see kernels.h); each of these overwrites what it is better at, and the blocking
 * that suits it. */
void llmk_linear_init_avx2(llmk_linear_kernels *k);
void llmk_linear_init_avx512(llmk_linear_kernels *k);
void llmk_linear_init_avx512_vnni(llmk_linear_kernels *k);
void llmk_linear_init_avx512_bf16(llmk_linear_kernels *k);
void llmk_linear_init_neon(llmk_linear_kernels *k);
void llmk_linear_init_dotprod(llmk_linear_kernels *k);
void llmk_linear_init_i8mm(llmk_linear_kernels *k);

LLM_END_DECLS

#endif
