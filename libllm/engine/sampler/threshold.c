/* Multi-way bisection on the rank. The boundary stays bracketed by two ranks. Each round sums the weights above a few
 * pivots inside the bracket; every other round copies the survivors into a compact list, so later rounds are cheap. The
 * first pivots come from a sample. */
#include "engine/sampler/threshold.h"

#include <math.h>
#include <string.h>

/* EVEN: rounds with evenly spaced pivots, which suits logits; later rounds halve the representable floats of the
 * bracket and therefore end on any input. A sample has every SAMPLE-th block of a list of at least LARGE blocks. */
enum { EVEN = 6, SAMPLE = 16, LARGE = 512 };

/* Floats as integers of the same order, and back; both zeros are one. */
static uint32_t ordered(float x) {
    uint32_t u;
    x += 0.0f;
    memcpy(&u, &x, 4);
    return u & 0x80000000u ? ~u : u | 0x80000000u;
}

static float unordered(uint32_t u) {
    float x;
    u = u & 0x80000000u ? u & 0x7fffffffu : ~u;
    memcpy(&x, &u, 4);
    return x;
}

typedef struct search {
    const llmi_logits_kernels *kernels;
    const llmi_threshold_scratch *scratch;
    const float *rank, *w;
    int32_t n_blocks;
    uint32_t low, high; /* the threshold's rank is at least `low` and less than `high` */
    double above;       /* weight of the ranks from `high` on */
    double dropped;     /* weight of what is no longer in the list, all of it from a former `high` on */
} search;

static void open_wide(search *s) {
    s->low = ordered(-INFINITY);
    s->high = ordered(INFINITY) + 1;
    s->above = s->dropped;
}

static bool is_open(const search *s) {
    return s->low == ordered(-INFINITY) || s->high > ordered(INFINITY);
}

static bool enclose(search *s) {
    float least, most;
    s->kernels->measure(&least, &most, s->rank, s->w, s->n_blocks);
    if (!(least <= most)) return false;
    if (s->low < ordered(least)) s->low = ordered(least);
    if (s->high > ordered(most)) s->high = ordered(most) + 1;
    return true;
}

static void choose_even(uint32_t key[LLMI_TALLIES], const search *s) {
    float from = unordered(s->low), to = unordered(s->high - 1);
    for (int i = 0; i < LLMI_TALLIES; i++) {
        uint32_t k = ordered(from + (to - from) * (float)(i + 1) / (LLMI_TALLIES + 1));
        key[i] = k < s->low ? s->low : k >= s->high ? s->high - 1 : k;
    }
}

static void choose_any(uint32_t key[LLMI_TALLIES], const search *s) {
    uint64_t width = s->high - s->low;
    for (uint64_t i = 0; i < LLMI_TALLIES; i++) key[i] = s->low + (uint32_t)(width * (i + 1) / (LLMI_TALLIES + 1));
}

static void narrow(search *s, double target, const uint32_t key[LLMI_TALLIES]) {
    float from[LLMI_TALLIES];
    double weight[LLMI_TALLIES];
    for (int i = 0; i < LLMI_TALLIES; i++) from[i] = unordered(key[i]);
    s->kernels->tally(weight, s->rank, s->w, s->n_blocks, from);
    for (int i = 0; i < LLMI_TALLIES; i++) {
        if (s->dropped + weight[i] >= target) {
            s->low = key[i];
        } else {
            s->high = key[i];
            s->above = s->dropped + weight[i];
            return;
        }
    }
}

/* Goes on with what lies between. */
static bool take_list(search *s) {
    const llmi_threshold_scratch *to = s->scratch;
    int32_t n = s->kernels->select(to->index, s->rank, s->n_blocks, unordered(s->low), unordered(s->high));
    for (int32_t i = 0; i < n; i++) {
        int32_t from = to->index[i];
        to->rank[i] = s->rank[from];
        to->w[i] = s->w[from];
    }
    s->n_blocks = (n + LLMI_BLOCK - 1) / LLMI_BLOCK;
    for (int32_t i = n; i < s->n_blocks * LLMI_BLOCK; i++) to->rank[i] = -INFINITY, to->w[i] = 0;
    s->rank = to->rank;
    s->w = to->w;
    s->dropped = s->above;
    return enclose(s);
}

static void finish(search *s, double target) {
    uint32_t key[LLMI_TALLIES];
    if (is_open(s) && !enclose(s)) return;
    for (int round = 0; s->high - s->low > 1; round++) {
        if (round < EVEN && isfinite(unordered(s->high - 1) - unordered(s->low)))
            choose_even(key, s);
        else
            choose_any(key, s);
        narrow(s, target, key);
        if (round % 2 && s->high - s->low > 1 && !take_list(s)) return;
    }
}

/* Picks pivots around the boundary of a sample that holds the same fraction of the weight. Returns false if the sample
 * weighs nothing. */
static bool choose_by_sample(uint32_t key[LLMI_TALLIES], const search *s, double share) {
    const llmi_threshold_scratch *to = s->scratch;
    search sample = {.kernels = s->kernels, .scratch = to, .rank = to->rank, .w = to->w};
    for (int32_t b = 0; b < s->n_blocks; b += SAMPLE, sample.n_blocks++) {
        memcpy(to->rank + sample.n_blocks * LLMI_BLOCK, s->rank + b * LLMI_BLOCK, LLMI_BLOCK * sizeof(float));
        memcpy(to->w + sample.n_blocks * LLMI_BLOCK, s->w + b * LLMI_BLOCK, LLMI_BLOCK * sizeof(float));
    }
    open_wide(&sample);
    if (!enclose(&sample)) return false;
    float all = -INFINITY, most = unordered(sample.high - 1);
    double weight[LLMI_TALLIES];
    s->kernels->tally(weight, sample.rank, sample.w, sample.n_blocks, (const float[LLMI_TALLIES]){all, all, all, all});
    finish(&sample, share * weight[0]);
    float threshold = unordered(sample.low), away = most - threshold;
    if (!isfinite(away)) return false;
    const float distances[LLMI_TALLIES] = {-away / 8, -away / 64, away / 64, away / 8};
    for (int i = 0; i < LLMI_TALLIES; i++) key[i] = ordered(threshold + distances[i]);
    return true;
}

llmi_threshold llmi_threshold_find(const llmi_logits_kernels *kernels, const llmi_threshold_scratch *scratch,
                                   const float *rank, const float *w, int32_t n_blocks, double total, double target) {
    search s = {.kernels = kernels, .scratch = scratch, .rank = rank, .w = w, .n_blocks = n_blocks};
    uint32_t key[LLMI_TALLIES];
    open_wide(&s);
    if (n_blocks >= LARGE && choose_by_sample(key, &s, target / total)) {
        narrow(&s, target, key);
        if (s.low == key[1] && s.high == key[2]) take_list(&s); /* as nearly always; between others is too much */
    }
    finish(&s, target);
    float least = unordered(s.low), above = unordered(s.high);
    int32_t n_equal = kernels->select(scratch->index, s.rank, s.n_blocks, least, above);
    return (llmi_threshold){least, above, target - s.above, n_equal == 1};
}
