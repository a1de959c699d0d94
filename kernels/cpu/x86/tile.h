/* What the tiles of all instruction sets share: a tile's rows are spelled out, so that each row has named
 * variables that stay in registers. ROWS_4(M) is M(0) M(1) M(2) M(3); in M, `n` is a row's number. */
#ifndef LLMK_CPU_X86_TILE_H
#define LLMK_CPU_X86_TILE_H

#include <immintrin.h>

#include "cpu/expand.h"
#include "cpu/tiles.h"

#define ROWS_1(M) M(0)
#define ROWS_2(M) ROWS_1(M) M(1)
#define ROWS_3(M) ROWS_2(M) M(2)
#define ROWS_4(M) ROWS_3(M) M(3)
#define ROWS_5(M) ROWS_4(M) M(4)
#define ROWS_6(M) ROWS_5(M) M(5)

/* Four signed bytes of activations as one number, to be repeated. */
static inline int32_t load_four(const int8_t *x) {
    int32_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* Which vectors of the activations' terms a kind of panel needs. */
enum {
    START_S32 = LLMK_X_START,
    START_N32 = LLMK_X_START,
    START_M32 = LLMK_X_START,
    START_S16 = LLMK_X_START16,
    START_M16 = LLMK_X_START16
};
enum {
    SUM_S32 = LLMK_X_SUM,
    SUM_N32 = LLMK_X_SUM,
    SUM_M32 = LLMK_X_SUM,
    SUM_S16 = LLMK_X_SUM16,
    SUM_M16 = LLMK_X_SUM16
};

#endif
