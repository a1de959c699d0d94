/* The micro-kernels of products and of packing. A stand-in. */
#ifndef LLMK_CPU_LINEAR_KERNELS_H
#define LLMK_CPU_LINEAR_KERNELS_H

#include <stdint.h>

typedef struct llmk_linear_kernels {
    float (*dot)(const float *a, const float *b, int64_t n);
} llmk_linear_kernels;

#endif
