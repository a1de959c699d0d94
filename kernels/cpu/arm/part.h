/* With 128-bit registers a strip is computed in parts of a few registers of 4 weight rows, so that a part's
 * sums for all rows of a tile stay in the 32 registers. They are arrays, and loops over them have bounds that
 * are constants where a tile is inlined: compilers unroll the loops and keep the arrays in registers. */
#ifndef LLMK_CPU_ARM_PART_H
#define LLMK_CPU_ARM_PART_H

#include <arm_neon.h>

#include "cpu/expand.h"

enum { LANES = 4, MOST_VECTORS = 4 };

typedef float32x4_t part_f32[LLMK_TILE_ROWS][MOST_VECTORS];
typedef int32x4_t part_i32[LLMK_TILE_ROWS][MOST_VECTORS];

#endif
