/* Kernels of attention, once for each vector form: a source file includes one of the vec headers, then
 * this, with LLMK_ATTENTION_INIT naming the function that fills the table. */
#include "cpu/kernels.h"
#include "cpu/vec_math.h"

#include <math.h>
#include <string.h>

enum {
    NV = V_TILE_VECTORS,                                       /* vectors of a register tile */
    GROUP = NV * V > LLMK_KV_PANEL ? NV *V / LLMK_KV_PANEL : 1 /* panels that it spans */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE vf load(const void *p, int64_t i, bool f16) {
    return f16 ? v_load_f16((const uint16_t *)p + i) : v_load((const float *)p + i);
}

/* ---- scores: q k^T of n rows and NV vectors of tokens, each one chain of sums over head_dim ---- */

/* Software prefetch for an F16 cache that is streamed once: every step of the loops below prefetches as many bytes of
 * the next block as it consumes of this one, in address order so that the hardware prefetcher keeps up. */
enum { STEP = NV * V * (int)sizeof(uint16_t), FETCH = NV * V >= LLMK_KV_PANEL };

ALWAYS_INLINE void scores_tile(float *scores, const float *q, int64_t q_stride, const void *const k[NV],
                               const void *const *next, int64_t dim, int n, bool f16) {
    vf acc[V_TILE_ROWS][NV];
    for (int r = 0; r < n; r++)
        for (int j = 0; j < NV; j++) acc[r][j] = v_set(0.0f);
    int64_t i = 0;
    for (int panel = 0; panel < GROUP; panel++) {
        const char *fetched = next[panel];
        for (int64_t end = dim * (panel + 1) / GROUP; i < end; i++, fetched += STEP) {
            vf key[NV];
            for (int j = 0; j < NV; j++) key[j] = load(k[j], i * LLMK_KV_PANEL, f16);
            if (FETCH && f16) v_prefetch(fetched);
            for (int r = 0; r < n; r++) {
                vf x = v_set(q[i * q_stride + r]);
                for (int j = 0; j < NV; j++) acc[r][j] = v_fma(x, key[j], acc[r][j]);
            }
        }
    }
    for (int r = 0; r < n; r++)
        for (int j = 0; j < NV; j++) v_store(scores + r * LLMK_KV_BLOCK + j * V, acc[r][j]);
}

/* scores [n][LLMK_KV_BLOCK] of all panels begin..end-1; other panels of the block may be computed too. */
ALWAYS_INLINE void scores_rows(float *scores, const llmk_attention_tile *t, const llmk_attention_block *b, int n,
                               bool f16) {
    size_t step = V * (f16 ? sizeof(uint16_t) : sizeof(float));
    for (int32_t at = b->begin / GROUP * GROUP * LLMK_KV_PANEL; at < b->end * LLMK_KV_PANEL; at += NV * V) {
        const void *k[NV];
        for (int j = 0; j < NV; j++) {
            int32_t token = at + j * V, panel = token / LLMK_KV_PANEL;
            int32_t readable = panel < b->begin ? b->begin : panel < b->end ? panel : b->end - 1;
            k[j] = (const char *)b->keys[readable] + (size_t)(token % LLMK_KV_PANEL / V) * step;
        }
        scores_tile(scores + at, t->q, t->q_stride, k, b->next + at / LLMK_KV_PANEL, b->head_dim, n, f16);
    }
}

/* ---- values: sum = sum * decay + p v over the tokens of `lanes`, in their order ---- */

/* The panel that is being prefetched, and how many of its bytes already were. */
typedef struct fetching {
    const void *const *panel;
    int64_t done, n_bytes;
} fetching;

/* Address of the next n bytes to prefetch. */
ALWAYS_INLINE const char *fetch(fetching *f, int64_t n) {
    const char *at = (const char *)*f->panel + f->done;
    f->done += n;
    if (f->done >= f->n_bytes) f->panel++, f->done = 0;
    return at;
}

ALWAYS_INLINE void values_tile(float *sum, const float *p, const float *decay, const llmk_attention_block *b,
                               llmk_lanes lanes, int64_t column, fetching *f, int n, int n_vectors, bool f16) {
    vf acc[V_TILE_ROWS][NV];
    int64_t stride = b->values_stride;
    for (int r = 0; r < n; r++)
        for (int j = 0; j < n_vectors; j++)
            acc[r][j] = v_mul(v_load(sum + r * stride + column + j * V), v_set(decay[r]));
    for (int32_t panel = b->begin; panel < b->end; panel++) {
        const float *weights = p + panel * LLMK_KV_PANEL;
        const char *next = FETCH && f ? fetch(f, LLMK_KV_PANEL * STEP) : NULL;
        for (int64_t t = lanes.lo[panel]; t < lanes.hi[panel]; t++) {
            vf value[NV];
            for (int j = 0; j < n_vectors; j++) value[j] = load(b->values[panel], t * stride + column + j * V, f16);
            if (FETCH && f) v_prefetch(next + t * STEP);
            for (int r = 0; r < n; r++) {
                vf x = v_set(weights[r * LLMK_KV_BLOCK + t]);
                for (int j = 0; j < n_vectors; j++) acc[r][j] = v_fma(x, value[j], acc[r][j]);
            }
        }
    }
    for (int r = 0; r < n; r++)
        for (int j = 0; j < n_vectors; j++) v_store(sum + r * stride + column + j * V, acc[r][j]);
}

ALWAYS_INLINE void values_rows(float *sum, const float *p, const float *decay, const llmk_attention_block *b,
                               llmk_lanes lanes, int n, bool f16) {
    fetching f = {b->next + LLMK_KV_BLOCK_PANELS, 0, (int64_t)b->values_stride * LLMK_KV_PANEL * 2};
    int64_t c = 0;
    for (; c + NV * V <= b->values_stride; c += NV * V)
        values_tile(sum, p, decay, b, lanes, c, f16 ? &f : NULL, n, NV, f16);
    for (; c < b->values_stride; c += V) values_tile(sum, p, decay, b, lanes, c, NULL, n, 1, f16);
}

/* ---- one function for each number of rows and each type ---- */

typedef struct row_functions {
    void (*scores)(float *scores, const llmk_attention_tile *t, const llmk_attention_block *b);
    void (*values)(float *sum, const float *p, const float *decay, const llmk_attention_block *b, llmk_lanes lanes);
} row_functions;

#define ROWS_OF(n, type, f16)                                                                                          \
    static void scores_##n##type(float *scores, const llmk_attention_tile *t, const llmk_attention_block *b) {         \
        scores_rows(scores, t, b, n, f16);                                                                             \
    }                                                                                                                  \
    static void values_##n##type(float *sum, const float *p, const float *decay, const llmk_attention_block *b,        \
                                 llmk_lanes lanes) {                                                                   \
        values_rows(sum, p, decay, b, lanes, n, f16);                                                                  \
    }
#define ROWS(n) ROWS_OF(n, _f32, false) ROWS_OF(n, _f16, true)
#define ENTRY(n)                                                                                                       \
    {                                                                                                                  \
        {scores_##n##_f32, values_##n##_f32}, {                                                                        \
            scores_##n##_f16, values_##n##_f16                                                                         \
        }                                                                                                              \
    }

ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
#if V_TILE_ROWS >= 6
ROWS(5)
ROWS(6)
#endif
#if V_TILE_ROWS >= 8
ROWS(7)
ROWS(8)
#endif

/* [rows - 1][F16] */
static const row_functions functions[V_TILE_ROWS][2] = {
    ENTRY(1), ENTRY(2), ENTRY(3), ENTRY(4),
#if V_TILE_ROWS >= 6
    ENTRY(5), ENTRY(6),
#endif
#if V_TILE_ROWS >= 8
    ENTRY(7), ENTRY(8),
#endif
};

/* ---- softmax ---- */

/* The largest score of a row so far. NaN scores do not change it; scores of tokens that the row does not see become
 * -infinity. */
ALWAYS_INLINE float find_max(float *p, float max, const llmk_attention_block *b, const llmk_lanes *lanes) {
    vf most = v_set(max);
    for (int panel = b->begin; panel < b->end; panel++)
        for (int j = 0; j < LLMK_KV_PANEL; j += V) {
            float *at = p + panel * LLMK_KV_PANEL + j;
            vf x = v_load(at);
            if (lanes) {
                x = v_keep(x, lanes->lo[panel] - j, lanes->hi[panel] - j, v_set(-INFINITY));
                v_store(at, x);
            }
            most = v_max(x, most);
        }
    return v_largest(most);
}

/* Turns scores into weights relative to the largest score of the row so far; decay is what the row's sums so far are
 * multiplied with. The rows advance in step, so that the long dependency chains of one overlap with those of the
 * others. NaN scores make the weights NaN. */
ALWAYS_INLINE void soften(float *p, float *decay, const llmk_attention_tile *t, const llmk_attention_block *b) {
    float base[V_TILE_ROWS];
    for (int32_t r = 0; r < t->n_rows; r++) {
        float *row = p + r * LLMK_KV_BLOCK, max = t->max[r];
        t->max[r] = t->lanes ? find_max(row, max, b, &t->lanes[r]) : find_max(row, max, b, NULL);
        base[r] = t->max[r] == -INFINITY ? 0.0f : t->max[r];
        decay[r] = max - base[r];
    }
    for (int32_t r = 0; r < t->n_rows; r += V) v_store(decay + r, v_exp(v_load(decay + r)));
    for (int32_t r = 0; r < t->n_rows; r++) {
        float *row = p + r * LLMK_KV_BLOCK, *total = t->total + r * LLMK_KV_PANEL;
        vf sum = v_mul(v_load(total), v_set(decay[r]));
        for (int j = b->begin * LLMK_KV_PANEL; j < b->end * LLMK_KV_PANEL; j += V) {
            vf weight = v_exp(v_sub(v_load(row + j), v_set(base[r])));
            v_store(row + j, weight);
            sum = v_add(sum, weight);
        }
        v_store(total, sum);
    }
}

/* Rows that see the same tokens are summed together, each token once: tokens that a row does not see do not affect it,
 * not even as 0 times NaN. */
static void block(const llmk_attention_tile *t, const llmk_attention_block *b) {
    _Alignas(64) float p[V_TILE_ROWS * LLMK_KV_BLOCK];
    float decay[V_TILE_ROWS + V] = {0};
    int32_t n = t->n_rows, run = n;
    functions[n - 1][b->f16].scores(p, t, b);
    soften(p, decay, t, b);
    for (int32_t r = 0; r < n; r += run) {
        llmk_lanes lanes = {{0}, {LLMK_KV_PANEL, LLMK_KV_PANEL, LLMK_KV_PANEL, LLMK_KV_PANEL}};
        if (t->lanes) {
            lanes = t->lanes[r];
            for (run = 1; r + run < n && memcmp(&lanes, &t->lanes[r + run], sizeof lanes) == 0;) run++;
        }
        functions[run - 1][b->f16].values(t->sum + (int64_t)r * b->values_stride, p + r * LLMK_KV_BLOCK, decay + r, b,
                                          lanes);
    }
}

/* ---- parts ---- */

static float add_up(const float *total) {
    return v_sum(v_load(total));
}

/* A part without a token has total 0 and changes nothing. */
static void merge(float *sum, float *max, float *total, const float *sum2, float max2, float total2, int64_t n) {
    if (total2 == 0.0f) return;
    if (*total == 0.0f) {
        memcpy(sum, sum2, (size_t)n * sizeof *sum);
        *max = max2, *total = total2;
        return;
    }
    float most = max2 > *max ? max2 : *max;
    vf a = v_exp(v_set(*max - most)), b = v_exp(v_set(max2 - most));
    for (int64_t i = 0; i < n; i += V) v_store(sum + i, v_fma(v_load(sum2 + i), b, v_mul(v_load(sum + i), a)));
    *max = most;
    *total = *total * v_first(a) + total2 * v_first(b);
}

static void divide(float *out, const float *sum, float total, int64_t n) {
    int64_t i = 0;
    for (; i + V <= n; i += V) v_store(out + i, v_div(v_load(sum + i), v_set(total)));
    if (i < n) v_store_n(out + i, v_div(v_load_n(sum + i, n - i), v_set(total)), n - i);
}

/* ---- conversion ---- */

static void widen(float *dst, const uint16_t *src, const uint16_t *next, int64_t n) {
    for (int64_t i = 0; i < n; i += LLMK_KV_PANEL) {
        v_prefetch(next + i);
        for (int64_t j = i; j < i + LLMK_KV_PANEL; j += V) v_store(dst + j, v_load_f16(src + j));
    }
}

static void narrow(uint16_t *dst, const float *src, int64_t n) {
    int64_t i = 0;
    for (; i + V <= n; i += V) v_store_f16(dst + i, v_load(src + i));
    if (i == n) return;
    uint16_t rest[V];
    v_store_f16(rest, v_load_n(src + i, n - i));
    memcpy(dst + i, rest, (size_t)(n - i) * sizeof *dst);
}

void LLMK_ATTENTION_INIT(llmk_attention_kernels *k) {
    *k = (llmk_attention_kernels){
        .tile_rows = V_TILE_ROWS,
        .block = block,
        .add_up = add_up,
        .merge = merge,
        .divide = divide,
        .widen = widen,
        .narrow = narrow,
    };
}
