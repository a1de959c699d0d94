/* The micro-kernels of the CPU back end: portable C fills the table, then each instruction set that
 * the CPU has and the mask allows overwrites what it does better. */
#ifndef LLMK_CPU_KERNELS_H
#define LLMK_CPU_KERNELS_H

#include <stddef.h>

#include <llm/sys/backend.h>

#include "cpu/attention_kernels.h"
#include "cpu/linear_kernels.h"

/* One row each. */
typedef struct llmk_row_kernels {
    /* out = x / sqrt(mean(x^2) + eps) * w; w may be NULL, out may be x */
    void (*rms_norm)(float *out, const float *x, const float *w, int64_t n, float eps);
    /* rotates n_heads heads in place; angles: n_freq cosines, then n_freq sines */
    void (*rope[LLM_N_ROPE_STYLES])(float *x, const float *angles, int64_t n_heads, int64_t head_dim, int64_t n_freq);
    /* out = act(gate) * up; out may be either */
    void (*glu[LLM_N_ACTS])(float *out, const float *gate, const float *up, int64_t n);
} llmk_row_kernels;

typedef struct llmk_kernels {
    int32_t features;    /* LLM_CPU_* bits in use */
    int32_t activations; /* LLM_ACTIVATIONS_*, which chose linear.product */
    llmk_row_kernels rows;
    llmk_attention_kernels attention;
    llmk_linear_kernels linear;
    llmk_pack pack[LLMK_N_LAYOUTS];
} llmk_kernels;

/* The table for the CPU features that are present and in `cpu_mask`, with products that treat activations as
 * requested. */
void llmk_kernels_init(llmk_kernels *k, int32_t cpu_mask, int32_t activations);

/* Levels, each in files of its own: <group>_portable.c, x86/<group>_<isa>.c, arm/<group>_<isa>.c. */
void llmk_rows_init_portable(llmk_row_kernels *k);
void llmk_rows_init_avx2(llmk_row_kernels *k);
void llmk_rows_init_avx512(llmk_row_kernels *k);
void llmk_rows_init_neon(llmk_row_kernels *k);
void llmk_linear_init_portable(llmk_linear_kernels *k);
void llmk_pack_init_portable(llmk_pack *pack);
void llmk_pack_init_avx512(llmk_pack *pack);

#endif
