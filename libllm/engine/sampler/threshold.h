/* Finds the top-k or top-p boundary of a list without sorting it. Order: rank descending, ties by index ascending.
 *
 *     rank   9.1 8.7 7.2 | 5.0 5.0 5.0 | 4.4 3.9 ...      in order; the list itself stays as it is
 *            whole: above | tied: rank   | dropped
 *                           the first of them, until their weights add up to `rest` */
#ifndef LLMI_ENGINE_SAMPLER_THRESHOLD_H
#define LLMI_ENGINE_SAMPLER_THRESHOLD_H

#include "engine/sampler/logits.h"

typedef struct llmi_threshold_scratch {
    float *rank, *w; /* whole blocks, as many as the list has */
    int32_t *index;
} llmi_threshold_scratch;

/* The shortest head whose weights reach a target: the ranks from `above` on, and the first of those from `rank`
 * to below `above`, which are equal, whose weights reach `rest`. */
typedef struct llmi_threshold {
    float rank, above;
    double rest;
    bool one; /* only one is equal */
} llmi_threshold;

/* total: what all weigh. */
llmi_threshold llmi_threshold_find(const llmi_logits_kernels *kernels, const llmi_threshold_scratch *scratch,
                                   const float *rank, const float *w, int32_t n_blocks, double total, double target);

#endif
