/* The micro-kernels of attention. Keys are stored in panels of 16 tokens, transposed: [head_dim][16]; values as
 * [16][values_stride]. A block is 4 consecutive panels of a sequence. A tile is a few rows of queries (heads of one
 * key/value head, rows that share the block) that pass over the blocks together:
 *
 *     max, total, sum  ->  softmax(q k^T) v of the blocks seen so far = sum / total
 *
 * One row's arithmetic is the same whichever rows share its tile. */
#ifndef LLMK_CPU_ATTENTION_KERNELS_H
#define LLMK_CPU_ATTENTION_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LLMK_KV_PANEL = 16,                                   /* tokens of a panel */
    LLMK_KV_BLOCK_PANELS = 4,                             /* panels of a block */
    LLMK_KV_BLOCK = LLMK_KV_PANEL * LLMK_KV_BLOCK_PANELS, /* tokens of a block */
};

/* The tokens of each panel of a block that one row sees: lo..hi-1. */
typedef struct llmk_lanes {
    uint8_t lo[LLMK_KV_BLOCK_PANELS], hi[LLMK_KV_BLOCK_PANELS];
} llmk_lanes;

typedef struct llmk_attention_block {
    const void *keys[LLMK_KV_BLOCK_PANELS], *values[LLMK_KV_BLOCK_PANELS];
    const void *next[2 * LLMK_KV_BLOCK_PANELS]; /* F16: panels to prefetch meanwhile, in address order */
    int32_t head_dim, values_stride;
    int32_t begin, end; /* panels that any row of the tile sees; the others are not read */
    bool f16;           /* of keys and values */
} llmk_attention_block;

typedef struct llmk_attention_tile {
    const float *q;          /* [head_dim][q_stride], scaled */
    float *sum;              /* [n_rows][values_stride] */
    float *max;              /* [n_rows], starts at -infinity */
    float *total;            /* [n_rows][LLMK_KV_PANEL], partial sums */
    const llmk_lanes *lanes; /* [n_rows], or NULL: all rows see all tokens */
    int32_t n_rows, q_stride;
} llmk_attention_tile;

typedef struct llmk_attention_kernels {
    int32_t tile_rows; /* rows of a full tile */
    void (*block)(const llmk_attention_tile *t, const llmk_attention_block *b);
    float (*add_up)(const float *total); /* one row's partial sums */
    /* Merges the next part into a row's result over the tokens so far; n a multiple of 16. */
    void (*merge)(float *sum, float *max, float *total, const float *sum2, float max2, float total2, int64_t n);
    void (*divide)(float *out, const float *sum, float total, int64_t n);
    /* F16 to F32, n a multiple of 16; prefetches as much from `next` meanwhile. */
    void (*widen)(float *dst, const uint16_t *src, const uint16_t *next, int64_t n);
    void (*narrow)(uint16_t *dst, const float *src, int64_t n); /* any n */
} llmk_attention_kernels;

void llmk_attention_init_portable(llmk_attention_kernels *k);
void llmk_attention_init_avx2(llmk_attention_kernels *k);
void llmk_attention_init_avx512(llmk_attention_kernels *k);
void llmk_attention_init_neon(llmk_attention_kernels *k);

#endif
