/* Which examples, and in which order. A ranking lists candidates best first; everything drawn is a function of
 * the seed alone. */
#ifndef LLMI_PROMPT_SELECTORS_H
#define LLMI_PROMPT_SELECTORS_H

#include <stdbool.h>

#include "base/status.h"

typedef struct llmi_ranked {
    size_t index;
    double score; /* larger is better; 0 where the selector has none */
} llmi_ranked;

/* What draws are for, so that one seed serves them all. */
enum { LLMI_DRAW_SELECT = 0x73656c, LLMI_DRAW_LABELS, LLMI_DRAW_ORDER };

/* A permutation of equal probability. */
void llmi_selectors_shuffle(llmi_ranked *r, size_t n, uint64_t seed, uint32_t stream);

/* Best score first; ties by index. */
void llmi_selectors_sort(llmi_ranked *r, size_t n);

/* Round and round the labels (numbers 0..n_labels-1, labels[index]), each in random order: any beginning holds the
 * labels equally often, as far as they last. */
llm_status llmi_selectors_balance(llmi_ranked *r, size_t n, const llm_allocator *a, const size_t *labels,
                                  size_t n_labels, uint64_t seed);

enum { LLMI_MMR_MAX = 4096 };

/* Maximal marginal relevance (Carbonell and Goldstein, 1998): next comes the candidate with the largest lambda *
 * relevance - (1 - lambda) * (largest similarity to those before it), which becomes its score. r: candidates with
 * their relevance as score; similarity is the product of rows of vectors [., dim]. Of more than LLMI_MMR_MAX
 * candidates the most relevant are ranked; *n becomes their number. */
llm_status llmi_selectors_mmr(llmi_ranked *r, size_t *n, const llm_allocator *a, const float *vectors, size_t dim,
                              double lambda);

double llmi_selectors_dot(const float *x, const float *y, size_t n);

#endif
