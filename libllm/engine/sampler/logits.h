/* Passes over all logits, for each instruction set from one source (logits_body.h). Same input, same bits,
 * whichever set runs: LANES interleaved sums in a block whatever a register holds, and nothing is fused.
 * Arrays are whole blocks of LLMI_BLOCK floats. */
#ifndef LLMI_ENGINE_SAMPLER_LOGITS_H
#define LLMI_ENGINE_SAMPLER_LOGITS_H

#include <stdbool.h>
#include <stdint.h>

enum { LLMI_BLOCK = 64, LLMI_TALLIES = 4 };

typedef struct llmi_logits_kernels {
    const char *name;

    /* Copies the logits and finds each block's largest. True if one is no number. */
    bool (*scan)(float *x, float *top, const float *from, int32_t n_blocks);

    /* w = 2^((x - top) * scale), and each block's sum of w. */
    void (*weigh)(float *w, float *sums, const float *x, int32_t n_blocks, float top, float scale);

    /* Sum of w * (x - top) * scale. */
    double (*mean)(const float *w, const float *x, int32_t n_blocks, float top, float scale);

    /* rank = -|(x - top) * scale - mean| */
    void (*nearness)(float *rank, const float *x, int32_t n_blocks, float top, float scale, double mean);

    /* Least and largest rank of those of any weight; infinity and -infinity if there is none. */
    void (*measure)(float *least, float *most, const float *rank, const float *w, int32_t n_blocks);

    /* out[i]: what those of a rank of at least from[i] weigh. */
    void (*tally)(double out[LLMI_TALLIES], const float *rank, const float *w, int32_t n_blocks,
                  const float from[LLMI_TALLIES]);

    /* Indices of the ranks from `from` to below `below`, ascending; returns how many. `out` has room for all. */
    int32_t (*select)(int32_t *out, const float *rank, int32_t n_blocks, float from, float below);

    /* Each block's sum of w of the ranks from `from` to below `below`. */
    void (*sum)(float *sums, const float *rank, const float *w, int32_t n_blocks, float from, float below);

    /* w = 0 where the rank is below `from`; each block's sum of what stays. rank may be w. */
    void (*keep)(float *w, float *sums, const float *rank, int32_t n_blocks, float from);
} llmi_logits_kernels;

/* What this machine runs, the fastest first, ended by NULL. */
const llmi_logits_kernels *const *llmi_logits_list(void);

#endif
