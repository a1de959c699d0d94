/* Tokens are weighed in blocks: a block's largest logit or sum of weights says whether a stage has to look
 * inside. The few tokens that are left after that are kept as a list, and a stage that keeps the best of
 * them finds its limit by counting digits of their keys (radix selection), so nothing is ever sorted.
 *
 * Same logits, same token, on every machine: sums run in a fixed order (LANES interleaved sums in a block, then
 * block after block), and exp and log are our own. */
#include "engine/sampler.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/philox.h"
#include "base/status.h"
#include "engine/exact.h"

enum { BLOCK = 64, LANES = 16, DIGIT_BITS = 8, BINS = 1 << DIGIT_BITS, BANKS = 4, MAX_VOCAB = 1 << 26 };

#define LOG2_E 1.44269504f

struct llmi_sampler {
    llm_allocator allocator;
    int32_t n_vocab, n_blocks;
    float *x;         /* [n_blocks * BLOCK] logits after bias, penalties and mask; -inf behind the last */
    float *w;         /* the same shape: 2^((x - top) * scale) */
    float *block_top; /* [n_blocks] largest x */
    float *block_sum; /* [n_blocks] sum of w */
    float top, scale; /* largest x; log2(e) / temperature */
    double total;     /* sum of the weights of all tokens that are left */

    /* What is left: all tokens, or a list by ascending id. */
    bool all;
    int32_t n;
    int32_t *id;
    float *weight;
    float *rank;   /* a stage's order: larger is better */
    uint32_t *key; /* scratch of find_cut */

    int32_t *seen;     /* [n_vocab] zero between calls */
    uint64_t *allowed; /* bit set of a mask */
    double bins[BANKS][BINS];
};

/* ---- life ---- */

static size_t n_blocks_of(int32_t n_vocab) {
    return ((size_t)n_vocab + BLOCK - 1) / BLOCK;
}

/* The next n elements of 4 bytes of one piece of memory; base NULL: only the size counts. */
static void *carve(char *base, size_t *at, size_t n) {
    void *p = base ? base + *at : NULL;
    *at += (n * 4 + LLMI_ALIGN - 1) / LLMI_ALIGN * LLMI_ALIGN;
    return p;
}

static size_t lay_out(llmi_sampler *s, char *base, int32_t n_vocab) {
    size_t n_blocks = n_blocks_of(n_vocab), n = n_blocks * BLOCK;
    size_t at = (sizeof *s + LLMI_ALIGN - 1) / LLMI_ALIGN * LLMI_ALIGN;
    s->x = carve(base, &at, n);
    s->w = carve(base, &at, n);
    s->id = carve(base, &at, n);
    s->weight = carve(base, &at, n);
    s->rank = carve(base, &at, n);
    s->key = carve(base, &at, n);
    s->seen = carve(base, &at, n);
    s->block_top = carve(base, &at, n_blocks);
    s->block_sum = carve(base, &at, n_blocks); /* zero behind the last, in whole vectors */
    s->allowed = carve(base, &at, n_blocks * (BLOCK / 32));
    return at;
}

size_t llmi_sampler_bytes(int32_t n_vocab) {
    llmi_sampler s;
    return lay_out(&s, NULL, n_vocab);
}

llm_status llmi_sampler_create(llmi_sampler **out, const llm_allocator *a, int32_t n_vocab) {
    *out = NULL;
    if (n_vocab < 1 || n_vocab > MAX_VOCAB)
        return llmi_error(LLM_E_ARGUMENT, "number of tokens is %" PRId32 ", expected 1..%d", n_vocab, MAX_VOCAB);
    llmi_sampler *s = llmi_alloc_zero(a, llmi_sampler_bytes(n_vocab));
    if (!s) return LLM_E_MEMORY;
    s->allocator = *a;
    s->n_vocab = n_vocab;
    s->n_blocks = (int32_t)n_blocks_of(n_vocab);
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

static llmi_f4 load(const float *x) {
    llmi_f4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

static float exp2_of(float x) {
    return llmi_exact_exp2(llmi_f4_all(x))[0];
}

/* Copies a block and returns its largest logit; *nan is set if one is no number. */
static float scan_block(float *x, const float *from, bool *nan) {
    llmi_f4 top[LANES / 4];
    llmi_i4 bad = {0};
    for (int j = 0; j < LANES / 4; j++) top[j] = llmi_f4_all(-INFINITY);
    for (int i = 0; i < BLOCK; i += LANES) {
        for (int j = 0; j < LANES / 4; j++) {
            llmi_f4 v = load(from + i + 4 * j);
            memcpy(x + i + 4 * j, &v, sizeof v);
            top[j] = llmi_f4_max(v, top[j]);
            bad |= v != v;
        }
    }
    llmi_f4 t = llmi_f4_max(llmi_f4_max(top[0], top[1]), llmi_f4_max(top[2], top[3]));
    *nan |= (bad[0] | bad[1] | bad[2] | bad[3]) != 0;
    float a = t[0] > t[1] ? t[0] : t[1], b = t[2] > t[3] ? t[2] : t[3];
    return a > b ? a : b;
}

static llm_status find_nan(const float *logits, size_t position) {
    int32_t i = 0;
    while (logits[i] == logits[i]) i++;
    return llmi_error(LLM_E_NUMERIC, "the logit of token %" PRId32 " at position %zu is not a number", i, position);
}

/* Copies the logits; the last block may not be whole. */
static llm_status take_logits(llmi_sampler *s, const float *logits, size_t position) {
    bool nan = false;
    int32_t n_whole = s->n_vocab / BLOCK;
    for (int32_t b = 0; b < n_whole; b++) s->block_top[b] = scan_block(s->x + b * BLOCK, logits + b * BLOCK, &nan);
    if (n_whole < s->n_blocks) {
        float last[BLOCK];
        for (int i = 0; i < BLOCK; i++) {
            bool is_in = n_whole * BLOCK + i < s->n_vocab;
            last[i] = is_in ? logits[n_whole * BLOCK + i] : -INFINITY;
        }
        s->block_top[n_whole] = scan_block(s->x + n_whole * BLOCK, last, &nan);
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

static float sum_lanes(const llmi_f4 sum[LANES / 4]) {
    llmi_f4 t = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return (t[0] + t[1]) + (t[2] + t[3]);
}

static float weigh_block(float *restrict w, const float *restrict x, float top, float scale) {
    llmi_f4 sum[LANES / 4] = {{0}};
    for (int i = 0; i < BLOCK; i += LANES) {
        for (int j = 0; j < LANES / 4; j++) {
            llmi_f4 v = llmi_exact_exp2((load(x + i + 4 * j) - top) * scale);
            memcpy(w + i + 4 * j, &v, sizeof v);
            sum[j] += v;
        }
    }
    return sum_lanes(sum);
}

static void weigh_all(llmi_sampler *s) {
    s->all = true;
    s->n = s->n_vocab;
    s->total = 0;
    for (int32_t b = 0; b < s->n_blocks; b++) {
        s->block_sum[b] = weigh_block(s->w + b * BLOCK, s->x + b * BLOCK, s->top, s->scale);
        s->total += (double)s->block_sum[b];
    }
}

/* ---- bias, penalties, mask ---- */

static void rescan(llmi_sampler *s, int32_t b) {
    bool nan = false; /* there was none before */
    s->block_top[b] = scan_block(s->x + b * BLOCK, s->x + b * BLOCK, &nan);
}

static void add_bias(llmi_sampler *s, const llm_logit_bias *bias, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float *x = &s->x[bias[i].token];
        *x = bias[i].bias == -INFINITY ? -INFINITY : *x + bias[i].bias;
    }
    for (size_t i = 0; i < n; i++) rescan(s, bias[i].token / BLOCK);
}

/* A penalty never bans: what would be infinite stays the outermost number. */
static void penalise_token(float *x, const llmi_sampling *how, int32_t count) {
    if (*x == INFINITY || *x == -INFINITY) return;
    double y = *x > 0 ? (double)*x / (double)how->repetition_penalty : (double)*x * (double)how->repetition_penalty;
    y -= (double)how->presence_penalty + (double)count * (double)how->frequency_penalty;
    *x = y > (double)FLT_MAX ? FLT_MAX : y < (double)-FLT_MAX ? -FLT_MAX : (float)y;
}

/* The window is walked twice: once to count, once to act on each token and to forget its count. */
static void penalise(llmi_sampler *s, const llmi_sampling *how, const llm_token *history, size_t n) {
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

static llm_status apply_mask(llmi_sampler *s, const llmi_mask_source *mask) {
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

/* ---- lists ---- */

static void sum_list(llmi_sampler *s) {
    s->total = 0;
    for (int32_t i = 0; i < s->n; i++) s->total += (double)s->weight[i];
}

/* Where a list ends that is cut in the order of its ranks: behind those above `rank`, and behind the first of
 * that rank whose weights reach `rest`. */
typedef struct cut {
    float rank;
    double rest;
} cut;

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

/* The banks are for speed: neighbours seldom wait for each other. */
static void clear_bins(llmi_sampler *s) {
    memset(s->bins, 0, sizeof s->bins);
}

static void add_to_bin(llmi_sampler *s, int32_t i, uint32_t bin, float weight) {
    s->bins[i % BANKS][bin] += (double)weight;
}

/* Which bin the cut falls into, coming from the last; *rest: what it lacks there. */
static uint32_t find_bin(llmi_sampler *s, double *rest) {
    uint32_t last = 0;
    double lacks = *rest;
    for (uint32_t bin = BINS; bin-- > 0;) {
        double sum = s->bins[0][bin];
        for (int bank = 1; bank < BANKS; bank++) sum += s->bins[bank][bin];
        if (sum <= 0) continue;
        last = bin;
        *rest = lacks;
        if (sum >= lacks) break;
        lacks -= sum;
    }
    return last;
}

static void measure(float *least, float *most, const float *rank, int32_t n) {
    llmi_f4 low = llmi_f4_all(-INFINITY), high = low; /* low: the largest -rank */
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        llmi_f4 v = load(rank + i);
        high = llmi_f4_max(v, high);
        low = llmi_f4_max(-v, low);
    }
    *most = -INFINITY, *least = INFINITY;
    for (int j = 0; j < 4; j++) {
        *most = high[j] > *most ? high[j] : *most;
        *least = -low[j] < *least ? -low[j] : *least;
    }
    for (; i < n; i++) {
        *most = rank[i] > *most ? rank[i] : *most;
        *least = rank[i] < *least ? rank[i] : *least;
    }
}

/* Bins of equal width between the least and the largest rank. Leaves in s->key and s->w the ranks and weights
 * of those that decide, which are in the bin that the cut falls into, and returns how many they are. */
static int32_t narrow(llmi_sampler *s, int32_t n, float least, float most, double *rest) {
    float scale = (BINS - 1) / (most - least);
    bool usable = scale > 0 && scale < FLT_MAX; /* not with infinite ranks */
    uint32_t bin = 0;
    int32_t n_left = 0;
    if (usable) {
        clear_bins(s);
        for (int32_t i = 0; i < n; i++) {
            s->key[i] = (uint32_t)(int32_t)((s->rank[i] - least) * scale);
            add_to_bin(s, i, s->key[i], s->weight[i]);
        }
        bin = find_bin(s, rest);
    }
    for (int32_t i = 0; i < n; i++) {
        bool decides = !usable || s->key[i] == bin;
        s->key[n_left] = ordered(s->rank[i]);
        s->w[n_left] = s->weight[i];
        n_left += decides;
    }
    return n_left;
}

/* The shortest head of the list, by descending rank and then ascending id, whose weights reach `target`.
 * First by bins of equal width, which is enough for common distributions, then digit by digit. */
static cut find_cut(llmi_sampler *s, int32_t n, double target) {
    float least, most;
    uint32_t key = 0;
    double rest = target;
    measure(&least, &most, s->rank, n);
    if (most == least) return (cut){most, rest};
    n = narrow(s, n, least, most, &rest);
    for (int shift = 32 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
        uint64_t prefix = (uint64_t)key >> (shift + DIGIT_BITS);
        clear_bins(s);
        for (int32_t i = 0; i < n; i++)
            if ((uint64_t)s->key[i] >> (shift + DIGIT_BITS) == prefix)
                add_to_bin(s, i, s->key[i] >> shift & (BINS - 1), s->w[i]);
        key |= find_bin(s, &rest) << shift;
    }
    return (cut){unordered(key), rest};
}

static void keep_head(llmi_sampler *s, double target) {
    cut c = find_cut(s, s->n, target);
    int32_t n = 0;
    for (int32_t i = 0; i < s->n; i++) {
        bool keep = s->rank[i] > c.rank;
        s->id[n] = s->id[i];
        s->weight[n] = s->weight[i];
        s->rank[n] = s->rank[i];
        if (s->rank[i] == c.rank && c.rest > 0) {
            c.rest -= (double)s->weight[i];
            keep = true;
        }
        n += keep;
    }
    s->n = n;
    sum_list(s);
}

/* Appends the tokens of a block to the list of n that weigh at least `least`. */
static int32_t gather_heavy(llmi_sampler *s, int32_t n, int32_t begin, float least) {
    for (int32_t i = begin; i < begin + BLOCK; i += 8) {
        llmi_i4 heavy[2] = {load(s->w + i) >= least, load(s->w + i + 4) >= least}, any = heavy[0] | heavy[1];
        uint64_t halves[2];
        memcpy(halves, &any, sizeof halves);
        if (!(halves[0] | halves[1])) continue;
        for (int j = 0; j < 8; j++) {
            s->id[n] = i + j;
            n += heavy[j / 4][j % 4] & 1;
        }
    }
    return n;
}

/* Drops what weighs less than `least`. */
static void keep_heavy(llmi_sampler *s, float least) {
    int32_t n = 0;
    if (least < FLT_MIN) least = FLT_MIN;
    if (s->all) {
        for (int32_t b = 0; b < s->n_blocks; b++)
            if (s->block_sum[b] >= least) n = gather_heavy(s, n, b * BLOCK, least);
        for (int32_t i = 0; i < n; i++) s->weight[i] = s->w[s->id[i]];
    } else {
        for (int32_t i = 0; i < s->n; i++) {
            s->id[n] = s->id[i];
            s->weight[n] = s->weight[i];
            n += s->weight[n] >= least;
        }
    }
    s->all = false;
    s->n = n;
    sum_list(s);
}

/* ---- stages ---- */

/* The k largest logits, each of weight 1. With k blocks whose largest logit is at least y, the k-th largest
 * of all is too. */
static void keep_top_k(llmi_sampler *s, int32_t k) {
    float least = -INFINITY;
    int32_t n = 0;
    if (k <= s->n_blocks) {
        for (int32_t b = 0; b < s->n_blocks; b++) {
            s->rank[b] = s->block_top[b];
            s->weight[b] = 1;
        }
        least = find_cut(s, s->n_blocks, k).rank;
    }
    for (int32_t b = 0; b < s->n_blocks; b++) {
        if (s->block_top[b] < least) continue;
        int32_t end = (b + 1) * BLOCK < s->n_vocab ? (b + 1) * BLOCK : s->n_vocab;
        for (int32_t i = b * BLOCK; i < end; i++) {
            s->id[n] = i;
            s->weight[n] = 1;
            s->rank[n] = s->x[i];
            n += s->x[i] >= least;
        }
    }
    s->all = false;
    s->n = n;
    keep_head(s, k);
}

static void weigh_list(llmi_sampler *s) {
    for (int32_t i = 0; i < s->n; i++) s->weight[i] = exp2_of((s->x[s->id[i]] - s->top) * s->scale);
    sum_list(s);
}

/* At most what all tokens lighter than y weigh together. */
static double lighter(const llmi_sampler *s, float y) {
    llmi_f4 sum = {0}, limit = llmi_f4_all(-BLOCK * y);
    for (int32_t b = 0; b < s->n_blocks; b += 4) sum -= llmi_f4_max(-load(s->block_sum + b), limit);
    return (double)((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* Tokens lighter than this cannot be among those that reach p, as they weigh less than the rest in all. A
 * little lower for the sake of rounding. */
static float beyond_reach(const llmi_sampler *s, float p) {
    double spare = 0.999 * (1 - (double)p) * s->total;
    float y = (float)(spare / s->n);
    while (s->all && lighter(s, 2 * y) < spare) y *= 2;
    return y;
}

/* Mean of ln(weight), so that -ln(probability) - entropy of a token is mean - ln(its weight). */
static double mean_log_weight(const llmi_sampler *s) {
    double sum = 0;
    if (!s->all) {
        for (int32_t i = 0; i < s->n; i++)
            if (s->weight[i] > 0) sum += (double)s->weight[i] * (double)((s->x[s->id[i]] - s->top) * s->scale);
        return sum / s->total;
    }
    for (int32_t b = 0; b < s->n_blocks; b++) {
        llmi_f4 lanes[LANES / 4] = {{0}};
        for (int i = b * BLOCK; i < (b + 1) * BLOCK; i += LANES) {
            for (int j = 0; j < LANES / 4; j++) {
                llmi_f4 d = (load(s->x + i + 4 * j) - s->top) * s->scale;
                lanes[j] += load(s->w + i + 4 * j) * llmi_f4_max(d, llmi_f4_all(LLMI_EXACT_EXP2_LEAST));
            }
        }
        sum += (double)sum_lanes(lanes);
    }
    return sum / s->total;
}

/* Tokens whose surprise is nearest to the entropy. Light tokens are the last in that order when they are less
 * probable than e^(-2 entropy), as every token above that deviates by less. */
static void keep_typical(llmi_sampler *s, float p) {
    double target = (double)p * s->total, mean = mean_log_weight(s);
    float least = beyond_reach(s, p);
    double last = 2 * mean < LLMI_EXACT_EXP2_LEAST ? 0 : 0.999 * (double)exp2_of((float)(2 * mean)) / s->total;
    keep_heavy(s, least < (float)last ? least : (float)last);
    for (int32_t i = 0; i < s->n; i++) {
        float away = (float)fabs((double)((s->x[s->id[i]] - s->top) * s->scale) - mean);
        s->rank[i] = -away;
    }
    keep_head(s, target);
}

static void keep_top_p(llmi_sampler *s, float p) {
    double target = (double)p * s->total;
    keep_heavy(s, beyond_reach(s, p));
    for (int32_t i = 0; i < s->n; i++) s->rank[i] = s->x[s->id[i]];
    keep_head(s, target);
}

static void keep_min_p(llmi_sampler *s, float p) {
    float heaviest = s->all ? 1 : 0;
    for (int32_t i = 0; !s->all && i < s->n; i++)
        if (s->weight[i] > heaviest) heaviest = s->weight[i];
    keep_heavy(s, p * heaviest);
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
    if (!s->all) return s->id[walk(s->weight, s->n, target)];
    int32_t last = walk(s->block_sum, s->n_blocks, target);
    for (int32_t b = 0; b < last; b++) before += (double)s->block_sum[b];
    return last * BLOCK + walk(s->w + last * BLOCK, BLOCK, target - before);
}

static llm_token choose(llmi_sampler *s, const llmi_sampling *how, double u) {
    if (how->temperature == 0) return largest(s);
    s->scale = LOG2_E / (how->temperature > FLT_MIN ? how->temperature : FLT_MIN);
    if (how->top_k > 0 && how->top_k < s->n_vocab) {
        keep_top_k(s, how->top_k);
        weigh_list(s);
    } else {
        weigh_all(s);
    }
    if (how->typical_p < 1) keep_typical(s, how->typical_p);
    if (how->top_p < 1) keep_top_p(s, how->top_p);
    if (how->min_p > 0) keep_min_p(s, how->min_p);
    return pick(s, u);
}

llm_status llmi_sampler_draw(llm_token *out, llmi_sampler *s, const llmi_sampling *how, const llmi_mask_source *mask,
                             const float *logits, const llm_token *history, size_t n_history, int32_t index) {
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
    return s->rank[i] != s->rank[j] ? s->rank[i] < s->rank[j] : s->id[i] > s->id[j];
}

static void swap(llmi_sampler *s, int32_t i, int32_t j) {
    float rank = s->rank[i];
    int32_t id = s->id[i];
    s->rank[i] = s->rank[j], s->id[i] = s->id[j];
    s->rank[j] = rank, s->id[j] = id;
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
    weigh_all(s);
    double log_total = llmi_exact_log(s->total);
    *logprob = (float)((double)s->x[token] - (double)s->top - log_total);
    if (n_top == 0) return LLM_OK;
    keep_top_k(s, n_top);
    sort_best_first(s);
    for (int32_t i = 0; i < n_top; i++) {
        double x = (double)s->x[s->id[i]];
        top[i] = (llm_token_logprob){s->id[i], (float)(x - (double)s->top - log_total)};
    }
    return LLM_OK;
}
