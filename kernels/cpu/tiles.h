/* The tiles of an instruction set as one function for each kind of panel. */
#ifndef LLMK_CPU_TILES_H
#define LLMK_CPU_TILES_H

#include "cpu/linear_kernels.h"

/* TILE(n_rows, kind) for every number of rows; then multiply_<kind>, which picks one. */
#define TILES(kind, TILE)                                                                                              \
    TILE(1, kind)                                                                                                      \
    TILE(2, kind)                                                                                                      \
    TILE(3, kind)                                                                                                      \
    TILE(4, kind)                                                                                                      \
    TILE(5, kind)                                                                                                      \
    TILE(6, kind)                                                                                                      \
    static void multiply_##kind(const llmk_tile *t) {                                                                  \
        static void (*const tiles[])(const llmk_tile *t) = {                                                           \
            tile_1_##kind, tile_2_##kind, tile_3_##kind, tile_4_##kind, tile_5_##kind, tile_6_##kind,                  \
        };                                                                                                             \
        tiles[t->n_rows - 1](t);                                                                                       \
    }

#endif
