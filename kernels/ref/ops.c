#include "common.h"
#include "quant/half.h"
#include "ref/ref.h"

#include <math.h>

/* ---- failures ---- */

static void fail(llmk_ref_stream *s, llm_status status, const char *text) {
    if (s->failure == LLM_OK) s->failure = status, s->text = text;
}

/* Whether to go on: nothing failed and nobody asked to stop. */
static bool go_on(llmk_ref_stream *s) {
    if (s->stop && __atomic_load_n(s->stop, __ATOMIC_RELAXED)) fail(s, LLM_E_CANCELLED, "the step was cancelled");
    return s->failure == LLM_OK;
}

/* The same, and the operation's arguments must fit each other. */
static bool start(llmk_ref_stream *s, bool fits, const char *text) {
    if (!go_on(s)) return false;
    if (!fits) fail(s, LLM_E_INTERNAL, text);
    return fits;
}

static llm_status sync(llm_stream *stream) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    llm_status failure = s->failure;
    const llm_host *host = stream->device->host;
    if (failure != LLM_OK) host->set_error(host->user, failure, s->text);
    s->failure = LLM_OK;
    return failure;
}

/* ---- copies ---- */

static void copy(llm_stream *stream, void *dst, const void *src, size_t n_bytes) {
    if (go_on((llmk_ref_stream *)stream) && n_bytes) memmove(dst, src, n_bytes);
}

static void gather(llm_stream *stream, llm_view out, llm_view x, const int32_t *rows) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    if (!start(s, out.cols == x.cols, "gather: widths differ")) return;
    for (int64_t i = 0; i < out.rows; i++) {
        if (!start(s, rows[i] >= 0 && rows[i] < x.rows, "gather: no such row")) return;
        for (int64_t c = 0; c < x.cols; c++) llmk_row(out, i)[c] = llmk_row(x, rows[i])[c];
    }
}

/* ---- weights ---- */

static void load_row(float *dst, const llm_weight *w, int64_t row) {
    w->type->dequantize(dst, w->data + (size_t)row * w->row_bytes, w->cols);
}

static void embed(llm_stream *stream, llm_view out, const llm_weight *w, const int32_t *ids) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    if (!start(s, out.cols == w->cols, "embed: widths differ")) return;
    for (int64_t r = 0; r < out.rows; r++) {
        if (!start(s, ids[r] >= 0 && ids[r] < w->rows, "embed: id outside the table")) return;
        load_row(llmk_row(out, r), w, ids[r]);
    }
}

static void rms_norm(llm_stream *stream, llm_view out, llm_view x, const llm_weight *w, float eps) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    bool fits = llmk_same_shape(out, x) && (!w || (w->rows == 1 && w->cols == x.cols && w->cols <= s->max_cols));
    if (!start(s, fits, "rms_norm: shapes differ")) return;
    if (w) load_row(s->row, w, 0);
    for (int64_t r = 0; r < x.rows; r++) {
        const float *in = llmk_row(x, r);
        double squares = 0.0;
        for (int64_t c = 0; c < x.cols; c++) squares += (double)in[c] * in[c];
        double scale = 1.0 / sqrt(squares / (double)x.cols + eps);
        for (int64_t c = 0; c < x.cols; c++) llmk_row(out, r)[c] = (float)(in[c] * scale * (w ? s->row[c] : 1.0));
    }
}

static double dot(const float *a, const float *b, int64_t n) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

static void product(llmk_ref_stream *s, llm_view x, const llm_linear *p) {
    const llm_weight *w = p->w, *b = p->bias;
    bool fits = x.cols == w->cols && p->out.cols == w->rows && p->out.rows == x.rows && w->cols <= s->max_cols &&
                (!b || (b->rows == 1 && b->cols == w->rows && b->type->block_elems == 1));
    if (!start(s, fits, "linear: shapes differ")) return;
    for (int64_t o = 0; o < w->rows && go_on(s); o++) {
        float bias = 0.0f;
        if (b) b->type->dequantize(&bias, b->data + o * b->type->block_bytes, 1);
        load_row(s->row, w, o);
        for (int64_t r = 0; r < x.rows; r++) {
            float *out = llmk_row(p->out, r) + o;
            double sum = dot(llmk_row(x, r), s->row, x.cols) + bias;
            *out = (float)(p->accumulate ? sum + *out : sum);
        }
    }
}

static void linear(llm_stream *stream, llm_view x, const llm_linear *products, int32_t n) {
    for (int32_t i = 0; i < n; i++) product((llmk_ref_stream *)stream, x, &products[i]);
}

/* ---- rotary embedding ---- */

static void rope_angles(llm_stream *stream, llm_view angles, const int32_t *positions, const float *inv_freq,
                        float scale) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    int64_t n_freq = angles.cols / 2;
    if (!start(s, angles.cols == 2 * n_freq, "rope_angles: odd width")) return;
    for (int64_t r = 0; r < angles.rows; r++)
        for (int64_t i = 0; i < n_freq; i++) {
            float angle = (float)positions[r] * inv_freq[i]; /* F32, as models are trained */
            llmk_row(angles, r)[i] = (float)(cos(angle) * scale);
            llmk_row(angles, r)[n_freq + i] = (float)(sin(angle) * scale);
        }
}

static void rope(llm_stream *stream, llm_view x, llm_view angles, int32_t head_dim, int32_t style) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    int64_t n_freq = angles.cols / 2;
    if (!start(s, llmk_rope_fits(x, angles, head_dim), "rope: shapes differ")) return;
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t h = 0; h < x.cols / head_dim; h++)
            for (int64_t i = 0; i < n_freq; i++) {
                float *head = llmk_row(x, r) + h * head_dim;
                float *a = style == LLM_ROPE_HALF ? head + i : head + 2 * i;
                float *b = style == LLM_ROPE_HALF ? head + n_freq + i : head + 2 * i + 1;
                double c = llmk_row(angles, r)[i], d = llmk_row(angles, r)[n_freq + i], u = *a, v = *b;
                *a = (float)(u * c - v * d);
                *b = (float)(u * d + v * c);
            }
}

/* ---- KV cache ---- */

/* Where layer `layer` keeps the token at `position` of sequence `seq`, from the start of the keys or
 * the values. False if the batch names a page that the cache does not have. */
static bool find_token(size_t *out, const llm_kv *kv, const llm_batch *batch, int32_t layer, int32_t seq,
                       int32_t position) {
    int32_t page = position < 0 ? -1 : llmk_kv_page(&kv->desc, batch, seq, position / kv->desc.page_tokens);
    if (page < 0) return false;
    *out = (size_t)layer * kv->layer_bytes + (size_t)page * kv->page_bytes +
           (size_t)(position % kv->desc.page_tokens) * kv->token_bytes;
    return true;
}

static float load(const llm_kv *kv, const uint8_t *token, int64_t i) {
    if (kv->desc.dtype == LLM_DTYPE_F32) return ((const float *)token)[i];
    return llmk_f16_to_f32(((const uint16_t *)token)[i]);
}

static void store(const llm_kv *kv, uint8_t *token, int64_t i, float value) {
    if (kv->desc.dtype == LLM_DTYPE_F32)
        ((float *)token)[i] = value;
    else
        ((uint16_t *)token)[i] = llmk_f32_to_f16(value);
}

static void kv_write(llm_stream *stream, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    int64_t width = (int64_t)kv->desc.n_kv_heads * kv->desc.head_dim;
    if (!start(s, llmk_kv_write_fits(&kv->desc, layer, k, v, batch), "kv_write: shapes differ")) return;
    for (int32_t r = 0; r < batch->n_rows; r++) {
        size_t at = 0;
        bool found = find_token(&at, kv, batch, layer, batch->row_seq[r], batch->positions[r]);
        if (!start(s, found, "kv_write: no such page")) return;
        for (int64_t i = 0; i < width; i++) {
            store(kv, kv->keys + at, i, llmk_row(k, r)[i]);
            store(kv, kv->values + at, i, llmk_row(v, r)[i]);
        }
    }
}

static void kv_copy(llm_stream *stream, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    const llm_kv_desc *d = &kv->desc;
    if (!start(s, llmk_kv_copy_fits(d, dst, src, n_tokens), "kv_copy: no such page")) return;
    for (int32_t layer = 0; layer < d->n_layers; layer++) {
        size_t base = (size_t)layer * kv->layer_bytes, n_bytes = (size_t)n_tokens * kv->token_bytes;
        size_t to = base + (size_t)dst * kv->page_bytes, from = base + (size_t)src * kv->page_bytes;
        memmove(kv->keys + to, kv->keys + from, n_bytes);
        memmove(kv->values + to, kv->values + from, n_bytes);
    }
}

/* ---- attention ---- */

/* One row and one head: softmax(scale * q k^T) v over tokens first..position. The scores are computed
 * twice, for their maximum and for the sum, instead of kept. */
static bool attend(llmk_ref_stream *s, const llm_attention *a, const llm_kv *kv, const llm_batch *batch, int32_t r,
                   int32_t head) {
    int32_t dim = kv->desc.head_dim, position = batch->positions[r], seq = batch->row_seq[r];
    int32_t first = llmk_attention_first(a->window, position);
    int64_t kv_head = head / (a->n_heads / kv->desc.n_kv_heads) * (int64_t)dim;
    const float *q = llmk_row(a->q, r) + (int64_t)head * dim;
    double max = -INFINITY, total = 0.0;
    for (int32_t i = 0; i < dim; i++) s->sum[i] = 0.0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t p = first; p <= position; p++) {
            size_t at;
            if (!find_token(&at, kv, batch, a->layer, seq, p)) return false;
            double score = 0.0;
            for (int32_t i = 0; i < dim; i++) score += (double)q[i] * load(kv, kv->keys + at, kv_head + i);
            score *= a->scale;
            if (pass == 0) {
                max = score > max ? score : max;
                continue;
            }
            double weight = exp(score - max);
            total += weight;
            for (int32_t i = 0; i < dim; i++) s->sum[i] += weight * load(kv, kv->values + at, kv_head + i);
        }
    float *out = llmk_row(a->out, r) + (int64_t)head * dim;
    for (int32_t i = 0; i < dim; i++) out[i] = (float)(s->sum[i] / total);
    return true;
}

static void attention(llm_stream *stream, const llm_attention *a, const llm_kv *kv, const llm_batch *batch) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    bool fits = llmk_attention_fits(&kv->desc, a, batch) && kv->desc.head_dim <= s->max_cols;
    if (!start(s, fits, "attention: shapes differ")) return;
    for (int32_t r = 0; r < batch->n_rows; r++)
        for (int32_t head = 0; head < a->n_heads && go_on(s); head++)
            if (!attend(s, a, kv, batch, r, head)) fail(s, LLM_E_INTERNAL, "attention: no such page");
}

/* ---- element-wise ---- */

static double activate(double x, int32_t act) {
    switch (act) {
    case LLM_ACT_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); /* sqrt(2 / pi) */
    case LLM_ACT_GELU:
        return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));
    default: /* LLM_ACT_SILU */
        return x / (1.0 + exp(-x));
    }
}

static void glu(llm_stream *stream, llm_view out, llm_view gate, llm_view up, int32_t act) {
    bool fits = llmk_same_shape(out, gate) && llmk_same_shape(out, up);
    if (!start((llmk_ref_stream *)stream, fits, "glu: shapes differ")) return;
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++)
            llmk_row(out, r)[c] = (float)(activate(llmk_row(gate, r)[c], act) * llmk_row(up, r)[c]);
}

static void add(llm_stream *stream, llm_view out, llm_view a, llm_view b) {
    bool fits = llmk_same_shape(out, a) && llmk_same_shape(out, b);
    if (!start((llmk_ref_stream *)stream, fits, "add: shapes differ")) return;
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++) llmk_row(out, r)[c] = llmk_row(a, r)[c] + llmk_row(b, r)[c];
}

const llm_stream_ops llmk_ref_stream_ops = {
    .struct_size = sizeof llmk_ref_stream_ops,
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
