#include "prompt/selectors.h"

#include <math.h>

#include "base/alloc.h"
#include "base/philox.h"

static void swap(llmi_ranked *r, size_t i, size_t j) {
    llmi_ranked kept = r[i];
    r[i] = r[j];
    r[j] = kept;
}

void llmi_selectors_shuffle(llmi_ranked *r, size_t n, uint64_t seed, uint32_t stream) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)(llmi_philox_uniform(seed, i, stream) * (double)i);
        swap(r, i - 1, j < i ? j : i - 1);
    }
}

/* ---- by score ---- */

static bool comes_later(const llmi_ranked *x, const llmi_ranked *y) {
    return x->score < y->score || (!(x->score > y->score) && x->index > y->index);
}

/* A heap whose root comes last. */
static void sift(llmi_ranked *r, size_t i, size_t n) {
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && comes_later(&r[child + 1], &r[child])) child++;
        if (!comes_later(&r[child], &r[i])) return;
        swap(r, i, child);
    }
}

void llmi_selectors_sort(llmi_ranked *r, size_t n) {
    for (size_t i = n / 2; i-- > 0;) sift(r, i, n);
    for (size_t i = n; i > 1; i--) {
        swap(r, 0, i - 1);
        sift(r, 0, i - 1);
    }
}

/* ---- by label ---- */

llm_status llmi_selectors_balance(llmi_ranked *r, size_t n, const llm_allocator *a, const size_t *labels,
                                  size_t n_labels, uint64_t seed) {
    size_t *rounds = llmi_alloc_zero(a, (n_labels + 1) * sizeof *rounds);
    llmi_ranked *turns = llmi_alloc_array(a, n_labels, sizeof *turns);
    if (rounds && turns) {
        for (size_t i = 0; i < n_labels; i++) turns[i] = (llmi_ranked){.index = i};
        llmi_selectors_shuffle(turns, n_labels, seed, LLMI_DRAW_LABELS);
        llmi_selectors_shuffle(r, n, seed, LLMI_DRAW_SELECT);
        /* The place of a candidate: round by round, in each the labels by their turn. */
        for (size_t i = 0; i < n; i++) r[i].score = (double)rounds[labels[r[i].index]]++ * (double)n_labels;
        for (size_t k = 0; k < n_labels; k++) rounds[turns[k].index] = k;
        for (size_t i = 0; i < n; i++) r[i].score = -(r[i].score + (double)rounds[labels[r[i].index]]);
        llmi_selectors_sort(r, n);
        for (size_t i = 0; i < n; i++) r[i].score = 0;
    }
    llm_status status = rounds && turns ? LLM_OK : LLM_E_MEMORY;
    if (rounds) llmi_free(a, rounds, (n_labels + 1) * sizeof *rounds);
    if (turns) llmi_free(a, turns, n_labels * sizeof *turns);
    return status;
}

/* ---- maximal marginal relevance ---- */

double llmi_selectors_dot(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)y[i];
    return sum;
}

llm_status llmi_selectors_mmr(llmi_ranked *r, size_t *n, const llm_allocator *a, const float *vectors, size_t dim,
                              double lambda) {
    llmi_selectors_sort(r, *n);
    if (*n > LLMI_MMR_MAX) *n = LLMI_MMR_MAX;
    size_t count = *n;
    double *nearest = llmi_alloc_array(a, count, sizeof *nearest); /* of each candidate to those that are ranked */
    if (!nearest) return LLM_E_MEMORY;
    for (size_t i = 0; i < count; i++) nearest[i] = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        size_t best = i;
        double best_value = -INFINITY;
        for (size_t k = i; k < count; k++) {
            double value = lambda * r[k].score - (i ? (1 - lambda) * nearest[k] : 0);
            bool tie = !(value < best_value) && r[k].index < r[best].index;
            if (k == i || value > best_value || tie) best = k, best_value = value;
        }
        double kept = nearest[best];
        swap(r, i, best);
        nearest[best] = nearest[i];
        nearest[i] = kept;
        r[i].score = best_value;
        for (size_t k = i + 1; k < count; k++) {
            double s = llmi_selectors_dot(vectors + r[k].index * dim, vectors + r[i].index * dim, dim);
            if (s > nearest[k]) nearest[k] = s;
        }
    }
    llmi_free(a, nearest, count * sizeof *nearest);
    return LLM_OK;
}
