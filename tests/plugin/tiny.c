/* A whole back end in one file: every operation in its plainest form, on one thread, for F32 weights
 * and an F32 cache. It is opened at run time by the tests, and docs/add-a-back-end.md walks through it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <llm/sys/backend.h>

#ifndef TINY_NAME
#define TINY_NAME "tiny"
#endif
#ifndef TINY_NORM_FACTOR
#define TINY_NORM_FACTOR 1.0f /* the tests build a faulty one too */
#endif

enum { MAX_HEAD_DIM = 4096 };

/* [weight] */
struct llm_weight {
    const char *data; /* borrowed; may be unaligned */
    int64_t rows, cols;
};

static float weight_at(const llm_weight *w, int64_t row, int64_t col) {
    float value;
    memcpy(&value, w->data + (size_t)(row * w->cols + col) * sizeof value, sizeof value);
    return value;
}

static llm_status weight_put(llm_weight **out, size_t *private_bytes, llm_device *d, const llm_tensor *t) {
    if (t->dtype != LLM_DTYPE_F32) {
        d->host->set_error(d->host->user, LLM_E_UNSUPPORTED, "the tiny back end knows F32 only");
        return LLM_E_UNSUPPORTED;
    }
    llm_weight *w = d->host->alloc(d->host->user, sizeof *w, 64);
    if (!w) return LLM_E_MEMORY;
    *w = (llm_weight){.data = t->data, .rows = t->rows, .cols = t->cols};
    *private_bytes = 0;
    *out = w;
    return LLM_OK;
}

static void weight_free(llm_device *d, llm_weight *w) {
    d->host->free(d->host->user, w, sizeof *w);
}
/* [weight] */

static llm_status mem_alloc(void **out, llm_device *d, size_t n_bytes) {
    *out = d->host->alloc(d->host->user, n_bytes, 64);
    return *out ? LLM_OK : LLM_E_MEMORY;
}

static void mem_free(llm_device *d, void *ptr, size_t n_bytes) {
    d->host->free(d->host->user, ptr, n_bytes);
}

/* ---- cache: keys then values, each [n_layers, n_pages, page_tokens, n_kv_heads * head_dim] ---- */

struct llm_kv {
    llm_kv_desc desc;
    float *keys, *values;
};

static size_t kv_row(const llm_kv_desc *desc) {
    return (size_t)desc->n_kv_heads * (size_t)desc->head_dim;
}

static size_t cache_bytes(const llm_kv_desc *desc) {
    size_t tokens = (size_t)desc->n_layers * (size_t)desc->n_pages * (size_t)desc->page_tokens;
    return 2 * tokens * kv_row(desc) * sizeof(float);
}

static llm_status kv_bytes(size_t *out, llm_device *d, const llm_kv_desc *desc) {
    *out = cache_bytes(desc);
    return desc->dtype == LLM_DTYPE_F32 ? LLM_OK : LLM_E_UNSUPPORTED;
}

static llm_status kv_create(llm_kv **out, llm_device *d, const llm_kv_desc *desc) {
    size_t n_bytes;
    llm_status status = kv_bytes(&n_bytes, d, desc);
    if (status != LLM_OK) return status;
    llm_kv *kv = d->host->alloc(d->host->user, sizeof *kv, 64);
    if (!kv) return LLM_E_MEMORY;
    kv->desc = *desc;
    kv->keys = d->host->alloc(d->host->user, n_bytes, 64);
    if (!kv->keys) {
        d->host->free(d->host->user, kv, sizeof *kv);
        return LLM_E_MEMORY;
    }
    kv->values = kv->keys + n_bytes / sizeof(float) / 2;
    *out = kv;
    return LLM_OK;
}

static void kv_free(llm_device *d, llm_kv *kv) {
    d->host->free(d->host->user, kv->keys, cache_bytes(&kv->desc));
    d->host->free(d->host->user, kv, sizeof *kv);
}

/* Element offset of a token's keys (or values). */
static size_t kv_at(const llm_kv *kv, int32_t layer, int32_t page, int32_t slot) {
    size_t pages = (size_t)layer * (size_t)kv->desc.n_pages + (size_t)page;
    return (pages * (size_t)kv->desc.page_tokens + (size_t)slot) * kv_row(&kv->desc);
}

static size_t kv_token(const llm_kv *kv, int32_t layer, const llm_batch *batch, int32_t seq, int32_t position) {
    int32_t n = kv->desc.page_tokens;
    int32_t page = batch->page_table[(int64_t)seq * batch->max_pages + position / n];
    return kv_at(kv, layer, page, position % n);
}

/* ---- operations: done at once, so that there is nothing to wait for ---- */

static void copy(llm_stream *s, void *dst, const void *src, size_t n_bytes) {
    memcpy(dst, src, n_bytes);
}

static llm_status sync(llm_stream *s) {
    return LLM_OK;
}

static float *row_of(llm_view v, int64_t row) {
    return v.data + row * v.stride;
}

/* [op] */
static void rms_norm(llm_stream *s, llm_view out, llm_view x, const llm_weight *w, float eps) {
    for (int64_t r = 0; r < x.rows; r++) {
        const float *in = row_of(x, r);
        double sum = 0;
        for (int64_t c = 0; c < x.cols; c++) sum += (double)in[c] * (double)in[c];
        float factor = TINY_NORM_FACTOR / sqrtf((float)(sum / (double)x.cols) + eps);
        for (int64_t c = 0; c < x.cols; c++) row_of(out, r)[c] = in[c] * factor * (w ? weight_at(w, 0, c) : 1.0f);
    }
}
/* [op] */

static void embed(llm_stream *s, llm_view out, const llm_weight *w, const int32_t *ids) {
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++) row_of(out, r)[c] = weight_at(w, ids[r], c);
}

static void linear(llm_stream *s, llm_view x, const llm_linear *products, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        const llm_linear *p = &products[i];
        for (int64_t r = 0; r < x.rows; r++) {
            for (int64_t o = 0; o < p->out.cols; o++) {
                double sum = p->bias ? (double)weight_at(p->bias, 0, o) : 0.0;
                for (int64_t c = 0; c < x.cols; c++) sum += (double)row_of(x, r)[c] * (double)weight_at(p->w, o, c);
                float *out = &row_of(p->out, r)[o];
                *out = (float)sum + (p->accumulate ? *out : 0.0f);
            }
        }
    }
}

static void rope_angles(llm_stream *s, llm_view angles, const int32_t *positions, const float *inv_freq, float scale) {
    int64_t n = angles.cols / 2;
    for (int64_t r = 0; r < angles.rows; r++)
        for (int64_t i = 0; i < n; i++) {
            float angle = (float)positions[r] * inv_freq[i];
            row_of(angles, r)[i] = cosf(angle) * scale;
            row_of(angles, r)[n + i] = sinf(angle) * scale;
        }
}

static void rope(llm_stream *s, llm_view x, llm_view angles, int32_t head_dim, int32_t style) {
    int64_t n = angles.cols / 2;
    for (int64_t r = 0; r < x.rows; r++) {
        const float *cosines = row_of(angles, r), *sines = cosines + n;
        for (int64_t head = 0; head < x.cols; head += head_dim)
            for (int64_t i = 0; i < n; i++) {
                float *a = row_of(x, r) + head + (style == LLM_ROPE_HALF ? i : 2 * i);
                float *b = a + (style == LLM_ROPE_HALF ? n : 1);
                float first = *a * cosines[i] - *b * sines[i];
                *b = *b * cosines[i] + *a * sines[i];
                *a = first;
            }
    }
}

static void kv_write(llm_stream *s, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch) {
    for (int32_t r = 0; r < batch->n_rows; r++) {
        size_t at = kv_token(kv, layer, batch, batch->row_seq[r], batch->positions[r]);
        memcpy(kv->keys + at, row_of(k, r), kv_row(&kv->desc) * sizeof(float));
        memcpy(kv->values + at, row_of(v, r), kv_row(&kv->desc) * sizeof(float));
    }
}

static void kv_copy(llm_stream *s, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens) {
    size_t n_bytes = (size_t)n_tokens * kv_row(&kv->desc) * sizeof(float);
    for (int32_t layer = 0; layer < kv->desc.n_layers; layer++) {
        size_t to = kv_at(kv, layer, dst, 0), from = kv_at(kv, layer, src, 0);
        memmove(kv->keys + to, kv->keys + from, n_bytes);
        memmove(kv->values + to, kv->values + from, n_bytes);
    }
}

static double score(const llm_attention *a, const float *q, const float *k, int32_t head_dim) {
    double sum = 0;
    for (int32_t c = 0; c < head_dim; c++) sum += (double)q[c] * (double)k[c];
    return sum * (double)a->scale;
}

/* One query head: softmax over the tokens it sees, largest score first so that exp cannot overflow. */
static void attend(const llm_attention *a, const llm_kv *kv, const llm_batch *batch, int32_t row, int32_t head) {
    int32_t dim = kv->desc.head_dim, seq = batch->row_seq[row], last = batch->positions[row];
    int32_t first = a->window && last >= a->window ? last - a->window + 1 : 0;
    size_t kv_head = (size_t)(head / (a->n_heads / kv->desc.n_kv_heads)) * (size_t)dim;
    const float *q = row_of(a->q, row) + (int64_t)head * dim;
    double sums[MAX_HEAD_DIM] = {0}, largest = -INFINITY, total = 0;
    for (int32_t t = first; t <= last; t++)
        largest = fmax(largest, score(a, q, kv->keys + kv_token(kv, a->layer, batch, seq, t) + kv_head, dim));
    for (int32_t t = first; t <= last; t++) {
        size_t at = kv_token(kv, a->layer, batch, seq, t) + kv_head;
        double weight = exp(score(a, q, kv->keys + at, dim) - largest);
        total += weight;
        for (int32_t c = 0; c < dim; c++) sums[c] += weight * (double)kv->values[at + (size_t)c];
    }
    for (int32_t c = 0; c < dim; c++) row_of(a->out, row)[(int64_t)head * dim + c] = (float)(sums[c] / total);
}

static void attention(llm_stream *s, const llm_attention *a, const llm_kv *kv, const llm_batch *batch) {
    for (int32_t row = 0; row < batch->n_rows; row++)
        for (int32_t head = 0; head < a->n_heads; head++) attend(a, kv, batch, row, head);
}

static float activate(float x, int32_t act) {
    if (act == LLM_ACT_SILU) return x / (1.0f + expf(-x));
    if (act == LLM_ACT_GELU) return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

static void glu(llm_stream *s, llm_view out, llm_view gate, llm_view up, int32_t act) {
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++) row_of(out, r)[c] = activate(row_of(gate, r)[c], act) * row_of(up, r)[c];
}

static void add(llm_stream *s, llm_view out, llm_view a, llm_view b) {
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++) row_of(out, r)[c] = row_of(a, r)[c] + row_of(b, r)[c];
}

static void gather(llm_stream *s, llm_view out, llm_view x, const int32_t *rows) {
    for (int64_t r = 0; r < out.rows; r++) memcpy(row_of(out, r), row_of(x, rows[r]), (size_t)out.cols * sizeof(float));
}

/* ---- tables ---- */

/* [tables] */
static const llm_stream_ops stream_ops = {
    .struct_size = sizeof stream_ops,
    .upload = copy,
    .download = copy,
    .sync = sync,
    .embed = embed,
    .rms_norm = rms_norm,
    .linear = linear,
    .rope_angles = rope_angles,
    .rope = rope,
    .kv_write = kv_write,
    .kv_copy = kv_copy,
    .attention = attention,
    .glu = glu,
    .add = add,
    .gather = gather,
};

static llm_status stream_bytes(size_t *out, llm_device *d, const llm_stream_options *options) {
    *out = 0;
    return LLM_OK;
}

static llm_status stream_create(llm_stream **out, llm_device *d, const llm_stream_options *options) {
    llm_stream *s = d->host->alloc(d->host->user, sizeof *s, 64);
    if (!s) return LLM_E_MEMORY;
    *s = (llm_stream){.ops = &stream_ops, .device = d};
    *out = s;
    return LLM_OK;
}

static void stream_destroy(llm_stream *s) {
    s->device->host->free(s->device->host->user, s, sizeof *s);
}

static void close_device(llm_device *d) {
    d->host->free(d->host->user, d, sizeof *d);
}

static const llm_device_ops device_ops = {
    .struct_size = sizeof device_ops,
    .mem_alloc = mem_alloc,
    .mem_free = mem_free,
    .weight_put = weight_put,
    .weight_free = weight_free,
    .kv_bytes = kv_bytes,
    .kv_create = kv_create,
    .kv_free = kv_free,
    .stream_bytes = stream_bytes,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .close = close_device,
};
/* [tables] */

/* [entry] */
static llm_status probe(const llm_host *host, char *text, size_t capacity) {
    snprintf(text, capacity, "plain C, one thread");
    return LLM_OK;
}

static llm_status open_device(llm_device **out, const llm_host *host) {
    llm_device *d = host->alloc(host->user, sizeof *d, 64);
    if (!d) return LLM_E_MEMORY;
    *d = (llm_device){.ops = &device_ops, .host = host};
    *out = d;
    return LLM_OK;
}

static const llm_backend backend = {
    .struct_size = sizeof backend,
    .abi = LLM_BACKEND_ABI,
    .name = TINY_NAME,
    .probe = probe,
    .open = open_device,
};

LLM_API const llm_backend *llm_backend_entry(void);

const llm_backend *llm_backend_entry(void) {
    return &backend;
}
/* [entry] */
