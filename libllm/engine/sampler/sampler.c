/* Nothing is ever sorted: a stage that keeps the best tokens finds where they end (threshold.h) and gives the others
 * the weight 0. Whatever looks at all tokens is a pass (logits.h).
 *
 * Same logits, same token, on every machine: sums run in a fixed order, and exp and log are our own. */
#include "engine/sampler/sampler.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/philox.h"
#include "base/status.h"
#include "engine/sampler/portable_math.h"
#include "engine/sampler/threshold.h"

enum { BLOCK = LLMI_BLOCK, MAX_LOGITS = 1 << 26 };

#define LOG2_E 1.44269504f

/* The candidates are all tokens, or after top-k a list of some by ascending id. Arrays are whole blocks, behind the
 * last candidate with logit -infinity and weight 0. */
struct llmi_sampler {
    llm_allocator allocator;
    const llmi_logits_kernels *kernels;
    int32_t n_vocab;
    int32_t n, n_blocks; /* candidates */
    bool all;            /* not a list */
    int32_t *id;         /* the list */
    float *x;            /* logits after bias, penalties and mask */
    float *w;            /* 2^((x - top) * scale), or 0 */
    float *block_top;    /* [n_blocks] largest x, as long as all are candidates */
    float *block_sum;    /* [n_blocks] sum of w */
    float top, scale;    /* largest x; log2(e) / temperature */
    double total;        /* sum of w */

    float *rank; /* a stage's order: larger is better */
    int32_t *index;
    llmi_threshold_scratch scratch;
    int32_t *seen;     /* [n_vocab] zero between calls */
    uint64_t *allowed; /* bit set of a mask */
};

/* ---- life ---- */

static size_t in_blocks(int32_t n) {
    return ((size_t)n + BLOCK - 1) / BLOCK;
}

/* The next n elements of 4 bytes of one piece of memory; base NULL: only the size counts. */
static void *carve(char *base, size_t *at, size_t n) {
    void *p = base ? base + *at : NULL;
    *at += (n * 4 + LLMI_ALIGN - 1) / LLMI_ALIGN * LLMI_ALIGN;
    return p;
}

static size_t lay_out(llmi_sampler *s, char *base, int32_t n_vocab) {
    size_t n_blocks = in_blocks(n_vocab), n = n_blocks * BLOCK;
    size_t at = (sizeof *s + LLMI_ALIGN - 1) / LLMI_ALIGN * LLMI_ALIGN;
    s->x = carve(base, &at, n);
    s->w = carve(base, &at, n);
    s->id = carve(base, &at, n);
    s->rank = carve(base, &at, n);
    s->index = carve(base, &at, n);
    s->scratch.rank = carve(base, &at, n);
    s->scratch.w = carve(base, &at, n);
    s->scratch.index = s->index; /* used one after the other */
    s->seen = carve(base, &at, n);
    s->block_top = carve(base, &at, in_blocks((int32_t)n_blocks) * BLOCK); /* ranks of a threshold of their own */
    s->block_sum = carve(base, &at, n_blocks);
    s->allowed = carve(base, &at, n_blocks * (BLOCK / 32));
    return at;
}

size_t llmi_sampler_bytes(int32_t n_vocab) {
    llmi_sampler s;
    return lay_out(&s, NULL, n_vocab);
}

llm_status llmi_sampler_create(llmi_sampler **out, const llm_allocator *a, int32_t n_vocab) {
    *out = NULL;
    if (n_vocab < 1 || n_vocab > MAX_LOGITS)
        return llmi_error(LLM_E_ARGUMENT, "number of tokens is %" PRId32 ", expected 1..%d", n_vocab, MAX_LOGITS);
    llmi_sampler *s = llmi_alloc_zero(a, llmi_sampler_bytes(n_vocab));
    if (!s) return LLM_E_MEMORY;
    s->allocator = *a;
    s->kernels = llmi_logits_list()[0];
    s->n_vocab = n_vocab;
    lay_out(s, (char *)s, n_vocab);
    *out = s;
    return LLM_OK;
}

void llmi_sampler_destroy(llmi_sampler *s) {
    if (!s) return;
    llm_allocator a = s->allocator;
    llmi_free(&a, s, llmi_sampler_bytes(s->n_vocab));
}

/* ---- looking at all logits ---- */

static llm_status find_nan(const float *logits, size_t position) {
    int32_t i = 0;
    while (logits[i] == logits[i]) i++;
    return llmi_error(LLM_E_NUMERIC, "the logit of token %" PRId32 " at position %zu is not a number", i, position);
}

/* Copies the logits; the last block may not be whole. */
static llm_status take_logits(llmi_sampler *s, const float *logits, size_t position) {
    int32_t n_whole = s->n_vocab / BLOCK;
    s->all = true;
    s->n = s->n_vocab;
    s->n_blocks = (int32_t)in_blocks(s->n_vocab);
    bool nan = s->kernels->scan(s->x, s->block_top, logits, n_whole);
    if (n_whole < s->n_blocks) {
        float last[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            bool is_in = n_whole * BLOCK + i < s->n_vocab;
            last[i] = is_in ? logits[n_whole * BLOCK + i] : -INFINITY;
        }
        nan |= s->kernels->scan(s->x + n_whole * BLOCK, s->block_top + n_whole, last, 1);
    }
    return nan ? find_nan(logits, position) : LLM_OK;
}

/* Infinite logits outdo all others and are equals among themselves. */
static void level_infinite(llmi_sampler *s) {
    for (int32_t i = 0; i < s->n_blocks * BLOCK; i++) s->x[i] = s->x[i] == INFINITY ? 0 : -INFINITY;
    for (int32_t b = 0; b < s->n_blocks; b++) s->block_top[b] = s->block_top[b] == INFINITY ? 0 : -INFINITY;
    s->top = 0;
}

static llm_status find_top(llmi_sampler *s, size_t position) {
    s->top = -INFINITY;
    for (int32_t b = 0; b < s->n_blocks; b++)
        if (s->block_top[b] > s->top) s->top = s->block_top[b];
    if (s->top == -INFINITY)
        return llmi_error(LLM_E_NUMERIC, "no token can follow at position %zu: all %" PRId32 " logits are -infinity",
                          position, s->n_vocab);
    if (s->top == INFINITY) level_infinite(s);
    return LLM_OK;
}

static llm_token largest(const llmi_sampler *s) {
    int32_t b = 0;
    while (s->block_top[b] != s->top) b++;
    int32_t i = b * BLOCK;
    while (s->x[i] != s->top) i++;
    return i;
}

static void add_up(llmi_sampler *s) {
    s->total = 0;
    for (int32_t b = 0; b < s->n_blocks; b++) s->total += (double)s->block_sum[b];
}

static void weigh(llmi_sampler *s) {
    s->kernels->weigh(s->w, s->block_sum, s->x, s->n_blocks, s->top, s->scale);
    add_up(s);
}

/* ---- bias, penalties, mask ---- */

static void rescan(llmi_sampler *s, int32_t b) {
    s->kernels->scan(s->x + b * BLOCK, s->block_top + b, s->x + b * BLOCK, 1); /* all are numbers, as before */
}

static void add_bias(llmi_sampler *s, const llm_logit_bias *bias, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float *x = &s->x[bias[i].token];
        *x = bias[i].bias == -INFINITY ? -INFINITY : *x + bias[i].bias;
    }
    for (size_t i = 0; i < n; i++) rescan(s, bias[i].token / BLOCK);
}

/* A penalty never bans: what would be infinite stays the outermost number. */
static void penalise_token(float *x, const llmi_sampler_options *how, int32_t count) {
    if (*x == INFINITY || *x == -INFINITY) return;
    double y = *x > 0 ? (double)*x / (double)how->repetition_penalty : (double)*x * (double)how->repetition_penalty;
    y -= (double)how->presence_penalty + (double)count * (double)how->frequency_penalty;
    *x = y > (double)FLT_MAX ? FLT_MAX : y < (double)-FLT_MAX ? -FLT_MAX : (float)y;
}

/* The window is walked twice: once to count, once to act on each token and to forget its count. */
static void penalise(llmi_sampler *s, const llmi_sampler_options *how, const llm_token *history, size_t n) {
    if (how->repetition_penalty == 1 && how->presence_penalty == 0 && how->frequency_penalty == 0) return;
    if (how->penalty_window >= 0 && (size_t)how->penalty_window < n) {
        history += n - (size_t)how->penalty_window;
        n = (size_t)how->penalty_window;
    }
    for (size_t i = 0; i < n; i++)
        if (history[i] >= 0 && history[i] < s->n_vocab) s->seen[history[i]]++;
    for (size_t i = 0; i < n; i++) {
        llm_token token = history[i];
        if (token < 0 || token >= s->n_vocab || !s->seen[token]) continue;
        penalise_token(&s->x[token], how, s->seen[token]);
        s->seen[token] = 0;
        rescan(s, token / BLOCK);
    }
}

static llm_status apply_mask(llmi_sampler *s, const llmi_sampler_mask *mask) {
    int32_t n_words = (s->n_vocab + 63) / 64;
    memset(s->allowed, 0xff, (size_t)n_words * 8);
    if (s->n_vocab % 64) s->allowed[n_words - 1] = ((uint64_t)1 << s->n_vocab % 64) - 1;
    llm_status status = mask->mask(mask->user, s->allowed, s->n_vocab);
    if (status != LLM_OK) return status;
    for (int32_t w = 0; w < n_words; w++) { /* a word covers a block */
        if (s->allowed[w] == UINT64_MAX) continue;
        for (int32_t i = 0; i < BLOCK; i++)
            if (!(s->allowed[w] >> i & 1)) s->x[w * BLOCK + i] = -INFINITY;
        rescan(s, w);
    }
    return LLM_OK;
}

/* ---- stages ---- */

/* Goes on with the candidates whose rank is at least `from`. */
static void take_list(llmi_sampler *s, const float *rank, float from) {
    s->n = s->kernels->select(s->index, rank, s->n_blocks, from, INFINITY);
    for (int32_t i = 0; i < s->n; i++) {
        int32_t at = s->index[i];
        s->x[i] = s->x[at];
        s->id[i] = s->all ? at : s->id[at];
    }
    s->all = false;
    s->n_blocks = (int32_t)in_blocks(s->n);
    for (int32_t i = s->n; i < s->n_blocks * BLOCK; i++) s->x[i] = -INFINITY;
}

/* Returns the index just past the last tied entry needed for the tied weights to add up to c.rest. */
static int32_t end_of_equals(llmi_sampler *s, const float *rank, llmi_threshold c) {
    int32_t b = 0, i;
    if (c.one) return s->n;
    s->kernels->sum(s->block_sum, rank, s->w, s->n_blocks, c.rank, c.above);
    for (; b < s->n_blocks && (double)s->block_sum[b] < c.rest; b++) c.rest -= (double)s->block_sum[b];
    for (i = b * BLOCK; i < s->n && c.rest > 0; i++)
        if (rank[i] >= c.rank && rank[i] < c.above) c.rest -= (double)s->w[i];
    return i < s->n ? i : s->n;
}

/* Keeps the candidates of the largest ranks whose weights reach the target. */
static void keep_head(llmi_sampler *s, const float *rank, double target) {
    llmi_threshold c = llmi_threshold_find(s->kernels, &s->scratch, rank, s->w, s->n_blocks, s->total, target);
    int32_t end = end_of_equals(s, rank, c), b = end / BLOCK, at = b * BLOCK;
    s->kernels->keep(s->w, s->block_sum, rank, b, c.rank);
    if (b < s->n_blocks) {
        for (int32_t i = end; i < at + BLOCK; i++)
            if (rank[i] < c.above) s->w[i] = 0;
        s->kernels->keep(s->w + at, s->block_sum + b, rank + at, 1, c.rank);
        b++, at += BLOCK;
        s->kernels->keep(s->w + at, s->block_sum + b, rank + at, s->n_blocks - b, c.above);
    }
    add_up(s);
}

static void weigh_alike(llmi_sampler *s, int32_t n) {
    for (int32_t i = 0; i < n; i++) s->w[i] = 1;
    for (int32_t i = n; i < (int32_t)in_blocks(n) * BLOCK; i++) s->w[i] = 0;
}

/* Makes a list of the k largest logits. With k blocks whose largest logit is at least y, the k-th largest of all
 * is too. */
static void keep_top_k(llmi_sampler *s, int32_t k) {
    if (k <= s->n_blocks) {
        int32_t n = s->n_blocks, n_blocks = (int32_t)in_blocks(n);
        for (int32_t i = n; i < n_blocks * BLOCK; i++) s->block_top[i] = -INFINITY;
        weigh_alike(s, n);
        take_list(s, s->x, llmi_threshold_find(s->kernels, &s->scratch, s->block_top, s->w, n_blocks, n, k).rank);
    }
    weigh_alike(s, s->n);
    s->total = s->n;
    keep_head(s, s->x, k);
    take_list(s, s->w, 1);
}

/* Tokens whose surprise is nearest to the entropy: -ln(probability) - entropy is mean - ln(weight), where mean is
 * that of ln(weight). */
static void keep_typical(llmi_sampler *s, float p) {
    double mean = s->kernels->mean(s->w, s->x, s->n_blocks, s->top, s->scale) / s->total;
    s->kernels->nearness(s->rank, s->x, s->n_blocks, s->top, s->scale, mean);
    keep_head(s, s->rank, (double)p * s->total);
}

static void keep_top_p(llmi_sampler *s, float p) {
    keep_head(s, s->x, (double)p * s->total);
}

static void keep_min_p(llmi_sampler *s, float p) {
    float least, most;
    s->kernels->measure(&least, &most, s->w, s->w, s->n_blocks);
    s->kernels->keep(s->w, s->block_sum, s->w, s->n_blocks, p * most);
    add_up(s);
}

/* The first token at which the running sum of n weights exceeds target; the last of any weight if rounding
 * leaves none. */
static int32_t walk(const float *weights, int32_t n, double target) {
    int32_t last = 0;
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        if (weights[i] <= 0) continue;
        last = i;
        sum += (double)weights[i];
        if (sum > target) break;
    }
    return last;
}

static llm_token pick(const llmi_sampler *s, double u) {
    double target = u * s->total, before = 0;
    int32_t b = walk(s->block_sum, s->n_blocks, target);
    for (int32_t i = 0; i < b; i++) before += (double)s->block_sum[i];
    int32_t i = b * BLOCK + walk(s->w + b * BLOCK, BLOCK, target - before);
    return s->all ? i : s->id[i];
}

static llm_token choose(llmi_sampler *s, const llmi_sampler_options *how, double u) {
    if (how->temperature == 0) return largest(s);
    s->scale = LOG2_E / (how->temperature > FLT_MIN ? how->temperature : FLT_MIN);
    if (how->top_k > 0 && how->top_k < s->n_vocab) keep_top_k(s, how->top_k);
    weigh(s);
    if (how->typical_p < 1) keep_typical(s, how->typical_p);
    if (how->top_p < 1) keep_top_p(s, how->top_p);
    if (how->min_p > 0) keep_min_p(s, how->min_p);
    return pick(s, u);
}

llm_status llmi_sampler_draw(llm_token *out, llmi_sampler *s, const llmi_sampler_options *how,
                             const llmi_sampler_mask *mask, const float *logits, const llm_token *history,
                             size_t n_history, int32_t index) {
    *out = LLM_TOKEN_NONE;
    llm_status status = take_logits(s, logits, n_history);
    if (status != LLM_OK) return status;
    add_bias(s, how->bias, how->n_bias);
    penalise(s, how, history, n_history);
    if (mask) status = apply_mask(s, mask);
    if (status == LLM_OK) status = find_top(s, n_history);
    if (status != LLM_OK) return status;
    llm_token token = choose(s, how, llmi_philox_uniform(how->seed, n_history, (uint32_t)index));
    status = mask ? mask->accept(mask->user, token) : LLM_OK;
    if (status == LLM_OK) *out = token;
    return status;
}

/* ---- log-probabilities ---- */

static bool is_worse(const llmi_sampler *s, int32_t i, int32_t j) {
    return s->x[i] != s->x[j] ? s->x[i] < s->x[j] : s->id[i] > s->id[j];
}

static void swap(llmi_sampler *s, int32_t i, int32_t j) {
    float x = s->x[i];
    int32_t id = s->id[i];
    s->x[i] = s->x[j], s->id[i] = s->id[j];
    s->x[j] = x, s->id[j] = id;
}

/* Moves the root of a heap [root, n), whose first is the worst, down to its place. */
static void sink(llmi_sampler *s, int32_t root, int32_t n) {
    for (int32_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && is_worse(s, child + 1, child)) child++;
        if (!is_worse(s, child, root)) return;
        swap(s, child, root);
    }
}

static void sort_best_first(llmi_sampler *s) {
    for (int32_t i = s->n / 2; i-- > 0;) sink(s, i, s->n);
    for (int32_t i = s->n; i-- > 1;) {
        swap(s, 0, i);
        sink(s, 0, i);
    }
}

llm_status llmi_sampler_logprobs(float *logprob, llm_token_logprob *top, int32_t n_top, llmi_sampler *s,
                                 const float *logits, llm_token token) {
    if (token < 0 || token >= s->n_vocab)
        return llmi_error(LLM_E_ARGUMENT, "token %" PRId32 ", expected 0..%" PRId32, token, s->n_vocab - 1);
    if (n_top < 0 || n_top > s->n_vocab)
        return llmi_error(LLM_E_ARGUMENT, "%" PRId32 " alternatives, expected 0..%" PRId32, n_top, s->n_vocab);
    llm_status status = take_logits(s, logits, 0);
    if (status == LLM_OK) status = find_top(s, 0);
    if (status != LLM_OK) return status;
    s->scale = LOG2_E;
    weigh(s);
    double log_total = llmi_portable_log(s->total);
    *logprob = (float)((double)s->x[token] - (double)s->top - log_total);
    if (n_top == 0) return LLM_OK;
    keep_top_k(s, n_top);
    sort_best_first(s);
    for (int32_t i = 0; i < n_top; i++) {
        top[i] = (llm_token_logprob){s->id[i], (float)((double)s->x[i] - (double)s->top - log_total)};
    }
    return LLM_OK;
}
