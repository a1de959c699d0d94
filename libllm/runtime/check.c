#include "runtime/check.h"

#include <math.h>
#include <stdbool.h>

#include "base/status.h"

/* Largest accepted difference, in units of the row's largest magnitude. Products of weights that are
 * stored in fewer bits may use activations rounded to 8 bits. */
static const float tolerance_exact = 1e-4f;
static const float tolerance_coarse = 5e-2f;

typedef struct check_device {
    llm_device base;
    llm_device *tested, *reference;
} check_device;

/* The library sees these as llm_weight, llm_kv and llm_stream. */
typedef struct check_weight {
    llm_weight *tested, *reference;
    bool exact;
} check_weight;

typedef struct check_kv {
    llm_kv *tested, *reference;
} check_kv;

typedef struct check_stream {
    llm_stream base;
    llm_stream *tested, *reference;
    const llm_host *host;
    llmi_error_copy failure; /* the first one since the last sync */
} check_stream;

static check_device *device_of(llm_device *d) {
    return (check_device *)(void *)d;
}

static check_stream *stream_of(llm_stream *s) {
    return (check_stream *)(void *)s;
}

static const check_weight *weight_of(const llm_weight *w) {
    return (const check_weight *)(const void *)w;
}

static check_kv *kv_of(const llm_kv *kv) {
    return (check_kv *)(void *)(uintptr_t)kv;
}

static void *take(const llm_host *host, size_t n_bytes) {
    void *ptr = host->alloc(host->user, n_bytes ? n_bytes : 1, 64);
    if (!ptr) llmi_error(LLM_E_MEMORY, "no memory for %zu bytes", n_bytes);
    return ptr;
}

static void give(const llm_host *host, void *ptr, size_t n_bytes) {
    if (ptr) host->free(host->user, ptr, n_bytes ? n_bytes : 1);
}

/* ---- device ---- */

static llm_status mem_alloc(void **out, llm_device *d, size_t n_bytes) {
    llm_device *tested = device_of(d)->tested;
    return tested->ops->mem_alloc(out, tested, n_bytes);
}

static void mem_free(llm_device *d, void *ptr, size_t n_bytes) {
    llm_device *tested = device_of(d)->tested;
    tested->ops->mem_free(tested, ptr, n_bytes);
}

static void weight_free(llm_device *d, llm_weight *weight) {
    check_device *c = device_of(d);
    check_weight *w = (check_weight *)(void *)weight;
    if (w->tested) c->tested->ops->weight_free(c->tested, w->tested);
    if (w->reference) c->reference->ops->weight_free(c->reference, w->reference);
    give(d->host, w, sizeof *w);
}

/* What llm_host.activations says of products with weights of a type: F32 activations, or coarser ones. */
static bool keeps_activations(const llm_host *host, llm_dtype dtype) {
    if (host->activations == LLM_ACTIVATIONS_F32) return true;
    if (dtype == LLM_DTYPE_BF16) return host->activations != LLM_ACTIVATIONS_BF16;
    return dtype == LLM_DTYPE_F32 || dtype == LLM_DTYPE_F16;
}

static llm_status weight_put(llm_weight **out, size_t *private_bytes, llm_device *d, const llm_tensor *tensor) {
    check_device *c = device_of(d);
    check_weight *w = take(d->host, sizeof *w);
    if (!w) return LLM_E_MEMORY;
    *w = (check_weight){.exact = keeps_activations(d->host, tensor->dtype)};
    size_t more = 0;
    llm_status status = c->tested->ops->weight_put(&w->tested, private_bytes, c->tested, tensor);
    if (status == LLM_OK) status = c->reference->ops->weight_put(&w->reference, &more, c->reference, tensor);
    *out = (llm_weight *)(void *)w;
    *private_bytes += more;
    if (status != LLM_OK) weight_free(d, *out);
    return status;
}

static llm_status weights_prepare(llm_device *d, const llm_pool *pool) {
    llm_device *tested = device_of(d)->tested;
    return tested->ops->weights_prepare ? tested->ops->weights_prepare(tested, pool) : LLM_OK;
}

static llm_status kv_bytes(size_t *out, llm_device *d, const llm_kv_desc *desc) {
    llm_device *tested = device_of(d)->tested;
    return tested->ops->kv_bytes(out, tested, desc);
}

static void kv_free(llm_device *d, llm_kv *cache) {
    check_device *c = device_of(d);
    check_kv *kv = kv_of(cache);
    if (kv->tested) c->tested->ops->kv_free(c->tested, kv->tested);
    if (kv->reference) c->reference->ops->kv_free(c->reference, kv->reference);
    give(d->host, kv, sizeof *kv);
}

static llm_status kv_create(llm_kv **out, llm_device *d, const llm_kv_desc *desc) {
    check_device *c = device_of(d);
    check_kv *kv = take(d->host, sizeof *kv);
    if (!kv) return LLM_E_MEMORY;
    *kv = (check_kv){0};
    llm_status status = c->tested->ops->kv_create(&kv->tested, c->tested, desc);
    if (status == LLM_OK) status = c->reference->ops->kv_create(&kv->reference, c->reference, desc);
    *out = (llm_kv *)(void *)kv;
    if (status != LLM_OK) kv_free(d, *out);
    return status;
}

static llm_status stream_bytes(size_t *out, llm_device *d, const llm_stream_options *options) {
    llm_device *tested = device_of(d)->tested;
    return tested->ops->stream_bytes(out, tested, options);
}

static void stream_destroy(llm_stream *stream) {
    check_stream *s = stream_of(stream);
    if (s->tested) s->tested->device->ops->stream_destroy(s->tested);
    if (s->reference) s->reference->device->ops->stream_destroy(s->reference);
    give(s->host, s, sizeof *s);
}

static void close_device(llm_device *d) {
    check_device *c = device_of(d);
    c->tested->ops->close(c->tested);
    c->reference->ops->close(c->reference);
    give(d->host, c, sizeof *c);
}

/* ---- comparing ---- */

static void fail(check_stream *s, llm_status status) {
    if (s->failure.status == LLM_OK) llmi_error_save(&s->failure, status);
}

/* Host memory of `n_bytes` that holds what `src` holds on the tested device; NULL src: uninitialised. */
static void *fetch(check_stream *s, const void *src, size_t n_bytes) {
    void *copy = take(s->host, n_bytes);
    if (!copy) {
        fail(s, LLM_E_MEMORY);
        return NULL;
    }
    if (!src) return copy;
    s->tested->ops->download(s->tested, copy, src, n_bytes);
    llm_status status = s->tested->ops->sync(s->tested);
    if (status != LLM_OK) fail(s, status);
    return copy;
}

static size_t view_bytes(llm_view v) {
    return (size_t)(v.rows * v.cols) * sizeof(float);
}

/* A contiguous copy of a view, for the reference. data is NULL after a failure. */
static llm_view copy_view(check_stream *s, llm_view v) {
    llm_view copy = {.rows = v.rows, .cols = v.cols, .stride = v.cols};
    copy.data = fetch(s, NULL, view_bytes(v));
    if (!copy.data) return copy;
    for (int64_t r = 0; r < v.rows; r++)
        s->tested->ops->download(s->tested, copy.data + r * v.cols, v.data + r * v.stride,
                                 (size_t)v.cols * sizeof(float));
    llm_status status = s->tested->ops->sync(s->tested);
    if (status != LLM_OK) fail(s, status);
    return copy;
}

static void drop_view(check_stream *s, llm_view v) {
    give(s->host, v.data, view_bytes(v));
}

static void compare_row(check_stream *s, const char *op, int64_t r, const float *got, const float *expected, int64_t n,
                        float tolerance) {
    float largest = 0;
    for (int64_t c = 0; c < n; c++) largest = fmaxf(largest, fabsf(expected[c]));
    for (int64_t c = 0; c < n; c++) {
        if (fabsf(got[c] - expected[c]) <= tolerance * largest + 1e-6f) continue;
        fail(s, llmi_error(LLM_E_NUMERIC, "%s: row %lld, column %lld is %g, the reference gives %g", op, (long long)r,
                           (long long)c, (double)got[c], (double)expected[c]));
        return;
    }
}

/* Compares what the tested device left in `out` with the reference's `expected`, which is dropped. */
static void compare(check_stream *s, const char *op, llm_view out, llm_view expected, float tolerance) {
    llm_status status = s->reference->ops->sync(s->reference);
    if (status != LLM_OK) fail(s, status);
    llm_view got = copy_view(s, out);
    for (int64_t r = 0; r < out.rows && got.data && s->failure.status == LLM_OK; r++)
        compare_row(s, op, r, got.data + r * got.cols, expected.data + r * got.cols, got.cols, tolerance);
    drop_view(s, got);
    drop_view(s, expected);
}

/* ---- operations ---- */

#define BOTH(op, tested_args, reference_args)                                                                          \
    do {                                                                                                               \
        s->reference->ops->op reference_args;                                                                          \
        s->tested->ops->op tested_args;                                                                                \
    } while (0)

static void upload(llm_stream *stream, void *dst, const void *src, size_t n_bytes) {
    check_stream *s = stream_of(stream);
    s->tested->ops->upload(s->tested, dst, src, n_bytes);
}

static void download(llm_stream *stream, void *dst, const void *src, size_t n_bytes) {
    check_stream *s = stream_of(stream);
    s->tested->ops->download(s->tested, dst, src, n_bytes);
}

static llm_status sync(llm_stream *stream) {
    check_stream *s = stream_of(stream);
    llm_status status = s->tested->ops->sync(s->tested);
    llm_status reference = s->reference->ops->sync(s->reference);
    if (s->failure.status != LLM_OK) {
        status = llmi_error_restore(&s->failure);
        s->failure.status = LLM_OK;
    }
    return status != LLM_OK ? status : reference;
}

static void embed(llm_stream *stream, llm_view out, const llm_weight *w, const int32_t *ids) {
    check_stream *s = stream_of(stream);
    size_t n_bytes = (size_t)out.rows * sizeof *ids;
    int32_t *own_ids = fetch(s, ids, n_bytes);
    llm_view expected = copy_view(s, out);
    if (own_ids && expected.data)
        BOTH(embed, (s->tested, out, weight_of(w)->tested, ids),
             (s->reference, expected, weight_of(w)->reference, own_ids));
    compare(s, "embed", out, expected, tolerance_exact);
    give(s->host, own_ids, n_bytes);
}

static void rms_norm(llm_stream *stream, llm_view out, llm_view x, const llm_weight *w, float eps) {
    check_stream *s = stream_of(stream);
    llm_view in = copy_view(s, x), expected = copy_view(s, out);
    if (in.data && expected.data)
        BOTH(rms_norm, (s->tested, out, x, w ? weight_of(w)->tested : NULL, eps),
             (s->reference, expected, in, w ? weight_of(w)->reference : NULL, eps));
    compare(s, "rms_norm", out, expected, tolerance_exact);
    drop_view(s, in);
}

/* One product after the other: each is compared by itself. */
static void linear(llm_stream *stream, llm_view x, const llm_linear *products, int32_t n) {
    check_stream *s = stream_of(stream);
    llm_view in = copy_view(s, x);
    for (int32_t i = 0; i < n; i++) {
        const llm_linear *p = &products[i];
        llm_linear tested = *p, reference = *p;
        tested.w = weight_of(p->w)->tested;
        reference.w = weight_of(p->w)->reference;
        if (p->bias) {
            tested.bias = weight_of(p->bias)->tested;
            reference.bias = weight_of(p->bias)->reference;
        }
        reference.out = copy_view(s, p->out);
        if (in.data && reference.out.data) BOTH(linear, (s->tested, x, &tested, 1), (s->reference, in, &reference, 1));
        compare(s, "linear", p->out, reference.out, weight_of(p->w)->exact ? tolerance_exact : tolerance_coarse);
    }
    drop_view(s, in);
}

static void rope_angles(llm_stream *stream, llm_view angles, const int32_t *positions, const float *inv_freq,
                        float scale) {
    check_stream *s = stream_of(stream);
    size_t position_bytes = (size_t)angles.rows * sizeof *positions;
    size_t freq_bytes = (size_t)angles.cols / 2 * sizeof *inv_freq;
    int32_t *own_positions = fetch(s, positions, position_bytes);
    float *own_freq = fetch(s, inv_freq, freq_bytes);
    llm_view expected = copy_view(s, angles);
    if (own_positions && own_freq && expected.data)
        BOTH(rope_angles, (s->tested, angles, positions, inv_freq, scale),
             (s->reference, expected, own_positions, own_freq, scale));
    compare(s, "rope_angles", angles, expected, tolerance_exact);
    give(s->host, own_positions, position_bytes);
    give(s->host, own_freq, freq_bytes);
}

static void rope(llm_stream *stream, llm_view x, llm_view angles, int32_t head_dim, int32_t style) {
    check_stream *s = stream_of(stream);
    llm_view expected = copy_view(s, x), own_angles = copy_view(s, angles);
    if (expected.data && own_angles.data)
        BOTH(rope, (s->tested, x, angles, head_dim, style), (s->reference, expected, own_angles, head_dim, style));
    compare(s, "rope", x, expected, tolerance_exact);
    drop_view(s, own_angles);
}

/* ---- the cache ---- */

enum { N_BATCH_ARRAYS = 5 };

typedef struct batch_copy {
    llm_batch batch;
    void *arrays[N_BATCH_ARRAYS];
    size_t n_bytes[N_BATCH_ARRAYS];
    bool whole;
} batch_copy;

static batch_copy copy_batch(check_stream *s, const llm_batch *batch) {
    size_t rows = (size_t)batch->n_rows, seqs = (size_t)batch->n_seqs;
    const void *from[N_BATCH_ARRAYS] = {batch->tokens, batch->positions, batch->row_seq, batch->seq_rows,
                                        batch->page_table};
    size_t counts[N_BATCH_ARRAYS] = {rows, rows, rows, seqs + 1, seqs * (size_t)batch->max_pages};
    batch_copy copy = {.batch = *batch, .whole = true};
    for (int i = 0; i < N_BATCH_ARRAYS; i++) {
        copy.n_bytes[i] = counts[i] * sizeof(int32_t);
        copy.arrays[i] = fetch(s, from[i], copy.n_bytes[i]);
        if (!copy.arrays[i]) copy.whole = false;
    }
    copy.batch.tokens = copy.arrays[0];
    copy.batch.positions = copy.arrays[1];
    copy.batch.row_seq = copy.arrays[2];
    copy.batch.seq_rows = copy.arrays[3];
    copy.batch.page_table = copy.arrays[4];
    return copy;
}

static void drop_batch(check_stream *s, batch_copy *copy) {
    for (int i = 0; i < N_BATCH_ARRAYS; i++) give(s->host, copy->arrays[i], copy->n_bytes[i]);
}

static void kv_write(llm_stream *stream, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch) {
    check_stream *s = stream_of(stream);
    llm_view own_k = copy_view(s, k), own_v = copy_view(s, v);
    batch_copy own = copy_batch(s, batch);
    if (own_k.data && own_v.data && own.whole)
        BOTH(kv_write, (s->tested, kv_of(kv)->tested, layer, k, v, batch),
             (s->reference, kv_of(kv)->reference, layer, own_k, own_v, &own.batch));
    llm_status status = s->reference->ops->sync(s->reference);
    if (status != LLM_OK) fail(s, status);
    drop_batch(s, &own);
    drop_view(s, own_k);
    drop_view(s, own_v);
}

static void kv_copy(llm_stream *stream, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens) {
    check_stream *s = stream_of(stream);
    BOTH(kv_copy, (s->tested, kv_of(kv)->tested, dst, src, n_tokens),
         (s->reference, kv_of(kv)->reference, dst, src, n_tokens));
}

static void attention(llm_stream *stream, const llm_attention *a, const llm_kv *kv, const llm_batch *batch) {
    check_stream *s = stream_of(stream);
    llm_attention reference = *a;
    reference.q = copy_view(s, a->q);
    reference.out = copy_view(s, a->out);
    batch_copy own = copy_batch(s, batch);
    if (reference.q.data && reference.out.data && own.whole)
        BOTH(attention, (s->tested, a, kv_of(kv)->tested, batch),
             (s->reference, &reference, kv_of(kv)->reference, &own.batch));
    compare(s, "attention", a->out, reference.out, tolerance_exact);
    drop_batch(s, &own);
    drop_view(s, reference.q);
}

static void glu(llm_stream *stream, llm_view out, llm_view gate, llm_view up, int32_t act) {
    check_stream *s = stream_of(stream);
    llm_view own_gate = copy_view(s, gate), own_up = copy_view(s, up), expected = copy_view(s, out);
    if (own_gate.data && own_up.data && expected.data)
        BOTH(glu, (s->tested, out, gate, up, act), (s->reference, expected, own_gate, own_up, act));
    compare(s, "glu", out, expected, tolerance_exact);
    drop_view(s, own_gate);
    drop_view(s, own_up);
}

static void add(llm_stream *stream, llm_view out, llm_view a, llm_view b) {
    check_stream *s = stream_of(stream);
    llm_view own_a = copy_view(s, a), own_b = copy_view(s, b), expected = copy_view(s, out);
    if (own_a.data && own_b.data && expected.data)
        BOTH(add, (s->tested, out, a, b), (s->reference, expected, own_a, own_b));
    compare(s, "add", out, expected, tolerance_exact);
    drop_view(s, own_a);
    drop_view(s, own_b);
}

static void gather(llm_stream *stream, llm_view out, llm_view x, const int32_t *rows) {
    check_stream *s = stream_of(stream);
    size_t n_bytes = (size_t)out.rows * sizeof *rows;
    int32_t *own_rows = fetch(s, rows, n_bytes);
    llm_view own_x = copy_view(s, x), expected = copy_view(s, out);
    if (own_rows && own_x.data && expected.data)
        BOTH(gather, (s->tested, out, x, rows), (s->reference, expected, own_x, own_rows));
    compare(s, "gather", out, expected, 0);
    drop_view(s, own_x);
    give(s->host, own_rows, n_bytes);
}

static const llm_stream_ops stream_ops = {
    .struct_size = sizeof stream_ops,
    .upload = upload,
    .download = download,
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

static llm_status stream_create(llm_stream **out, llm_device *d, const llm_stream_options *options) {
    check_device *c = device_of(d);
    check_stream *s = take(d->host, sizeof *s);
    if (!s) return LLM_E_MEMORY;
    *s = (check_stream){.base = {.ops = &stream_ops, .device = d}, .host = d->host};
    llm_status status = c->tested->ops->stream_create(&s->tested, c->tested, options);
    if (status == LLM_OK) status = c->reference->ops->stream_create(&s->reference, c->reference, options);
    if (status == LLM_OK)
        *out = &s->base;
    else
        stream_destroy(&s->base);
    return status;
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
    .weights_prepare = weights_prepare,
};

llm_status llmi_check_open(llm_device **out, llm_device *tested, llm_device *reference) {
    check_device *c = take(tested->host, sizeof *c);
    if (!c) {
        tested->ops->close(tested);
        reference->ops->close(reference);
        return LLM_E_MEMORY;
    }
    *c = (check_device){.base = {.ops = &device_ops, .host = tested->host}, .tested = tested, .reference = reference};
    *out = &c->base;
    return LLM_OK;
}
