#include "common.h"
#include "quant/half.h"
#include "ref/ref.h"

#include <math.h>

/* ---- failures ---- */

static void fail(llmk_ref_stream *s, llm_status status, const char *text) {
    if (s->failure == LLM_OK) s->failure = status, s->text = text;
}

/* Whether to continue: nothing failed and nobody asked to stop. */
static bool go_on(llmk_ref_stream *s) {
    if (s->stop && __atomic_load_n(s->stop, __ATOMIC_RELAXED)) fail(s, LLM_E_CANCELLED, "the step was cancelled");
    return s->failure == LLM_OK;
}

/* The same, and the step must have the arrays that it needs. */
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

static void gather(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    llm_view out = llm_step_view(step, op->out[0]), x = llm_step_view(step, op->in[0]);
    for (int64_t i = 0; i < out.rows; i++) {
        int32_t row = step->out_rows[i];
        if (!start(s, row >= 0 && row < x.rows, "GATHER: no such row")) return;
        for (int64_t c = 0; c < x.cols; c++) llm_view_row(out, i)[c] = llm_view_row(x, row)[c];
    }
}

/* ---- weights ---- */

static void load_row(float *dst, const llm_weight *w, int64_t row) {
    w->type->dequantize(dst, w->data + (size_t)row * w->row_bytes, w->cols);
}

static void embed(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    llm_view out = llm_step_view(step, op->out[0]);
    for (int64_t r = 0; r < out.rows; r++) {
        int32_t id = step->tokens[r];
        if (!start(s, id >= 0 && id < op->w[0]->rows, "EMBED: id outside the table")) return;
        load_row(llm_view_row(out, r), op->w[0], id);
    }
}

static void norm_row(float *out, const float *x, const float *scale, int64_t n, float eps) {
    double squares = 0.0;
    for (int64_t c = 0; c < n; c++) squares += (double)x[c] * x[c];
    double factor = 1.0 / sqrt(squares / (double)n + eps);
    for (int64_t c = 0; c < n; c++) out[c] = (float)(x[c] * factor * (scale ? scale[c] : 1.0));
}

static void norm(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    llm_view out = llm_step_view(step, op->out[0]), x = llm_step_view(step, op->in[0]);
    int64_t group = op->u.norm.group ? op->u.norm.group : x.cols;
    if (!go_on(s)) return;
    if (op->w[0]) load_row(s->row, op->w[0], 0);
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t c = 0; c < x.cols; c += group)
            norm_row(llm_view_row(out, r) + c, llm_view_row(x, r) + c, op->w[0] ? s->row : NULL, group, op->u.norm.eps);
}

static double dot(const float *a, const float *b, int64_t n) {
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

static float load_element(const llm_weight *w, int64_t i) {
    float value = 0.0f;
    if (w) w->type->dequantize(&value, w->data + i * w->type->block_bytes, 1);
    return value;
}

static void product(llmk_ref_stream *s, llm_view x, llm_view out, const llm_weight *w, const llm_weight *bias,
                    bool accumulate) {
    for (int64_t o = 0; o < w->rows && go_on(s); o++) {
        float b = load_element(bias, o);
        load_row(s->row, w, o);
        for (int64_t r = 0; r < x.rows; r++) {
            float *to = llm_view_row(out, r) + o;
            double sum = dot(llm_view_row(x, r), s->row, x.cols) + b;
            *to = (float)(accumulate ? sum + *to : sum);
        }
    }
}

static void linear(llm_stream *stream, const llm_op *op, const llm_step *step) {
    for (int32_t i = 0; i < op->u.linear.n; i++)
        product((llmk_ref_stream *)stream, llm_step_view(step, op->in[0]), llm_step_view(step, op->out[i]),
                op->w[2 * i], op->w[2 * i + 1], op->u.linear.accumulate >> i & 1);
}

/* ---- rotary embedding ---- */

static void angles(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    llm_view out = llm_step_view(step, op->out[0]);
    int64_t n_freq = out.cols / 2;
    if (!go_on(s)) return;
    load_row(s->row, op->w[0], 0);
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t i = 0; i < n_freq; i++) {
            float angle = (float)step->positions[r] * s->row[i]; /* F32, as models are trained */
            llm_view_row(out, r)[i] = (float)(cos(angle) * op->u.angles.scale);
            llm_view_row(out, r)[n_freq + i] = (float)(sin(angle) * op->u.angles.scale);
        }
}

static void rotate_head(float *head, const float *angles, int64_t n_freq, int32_t style) {
    for (int64_t i = 0; i < n_freq; i++) {
        float *a = style == LLM_ROPE_NEOX ? head + i : head + 2 * i;
        float *b = style == LLM_ROPE_NEOX ? head + n_freq + i : head + 2 * i + 1;
        double c = angles[i], d = angles[n_freq + i], u = *a, v = *b;
        *a = (float)(u * c - v * d);
        *b = (float)(u * d + v * c);
    }
}

static void rope(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llm_view x = llm_step_view(step, op->out[0]), angles = llm_step_view(step, op->in[1]);
    if (!go_on((llmk_ref_stream *)stream)) return;
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t at = 0; at < x.cols; at += op->u.rope.head_dim)
            rotate_head(llm_view_row(x, r) + at, llm_view_row(angles, r), angles.cols / 2, op->u.rope.style);
}

/* ---- KV cache ---- */

/* A paged state in a step. */
typedef struct cache {
    const llm_step *step;
    const llm_state_table *table;
    const llmk_ref_kv *kv;
} cache;

static cache find_cache(const llmk_ref_stream *s, const llm_step *step, int32_t state) {
    const llm_state_table *table = &step->tables[s->program->states[state].group];
    return (cache){step, table, &table->state->kv[state]};
}

/* Where the token at `position` of sequence `seq` is, from the start of the keys or the values. False if the step names
 * a page that the cache does not have. */
static bool find_token(size_t *out, const cache *c, int32_t seq, int32_t position) {
    int32_t page_tokens = c->table->state->page_tokens, n_pages = c->table->state->n_pages;
    int32_t page = position < 0 ? -1 : llmk_step_page(c->step, c->table, n_pages, seq, position / page_tokens);
    if (page < 0) return false;
    *out = (size_t)page * c->kv->page_bytes + (size_t)(position % page_tokens) * c->kv->token_bytes;
    return true;
}

static float load(const llmk_ref_kv *kv, const uint8_t *token, int64_t i) {
    if (kv->desc.dtype == LLM_DTYPE_F32) return ((const float *)token)[i];
    return llmk_f16_to_f32(((const uint16_t *)token)[i]);
}

static void store(const llmk_ref_kv *kv, uint8_t *token, int64_t i, float value) {
    if (kv->desc.dtype == LLM_DTYPE_F32)
        ((float *)token)[i] = value;
    else
        ((uint16_t *)token)[i] = llmk_f32_to_f16(value);
}

static void kv_write(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    llm_view k = llm_step_view(step, op->in[0]), v = llm_step_view(step, op->in[1]);
    cache c = find_cache(s, step, op->u.kv_write.state);
    for (int32_t r = 0; r < step->rows[LLM_ROWS_STEP]; r++) {
        size_t at = 0;
        bool found = find_token(&at, &c, step->row_seq[r], step->positions[r]);
        if (!start(s, found, "KV_WRITE: no such page")) return;
        for (int64_t i = 0; i < k.cols; i++) {
            store(c.kv, c.kv->keys + at, i, llm_view_row(k, r)[i]);
            store(c.kv, c.kv->values + at, i, llm_view_row(v, r)[i]);
        }
    }
}

static void state_copy(llm_stream *stream, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    bool fits = dst >= 0 && dst < state->n_pages && src >= 0 && src < state->n_pages && n_tokens >= 0 &&
                n_tokens <= state->page_tokens;
    if (!start(s, fits, "copy of a page: no such page")) return;
    for (int32_t i = 0; i < state->n_states; i++) {
        const llmk_ref_kv *kv = &state->kv[i];
        if (!kv->keys) continue;
        size_t to = (size_t)dst * kv->page_bytes, from = (size_t)src * kv->page_bytes;
        memmove(kv->keys + to, kv->keys + from, (size_t)n_tokens * kv->token_bytes);
        memmove(kv->values + to, kv->values + from, (size_t)n_tokens * kv->token_bytes);
    }
}

/* ---- attention ---- */

/* One row and one head: softmax(scale * q k^T) v over tokens first..position. The scores are computed
 * twice, for their maximum and for the sum, instead of kept. */
static bool attend_head(llmk_ref_stream *s, const llm_attend_args *a, const cache *c, int32_t r, int32_t head,
                        const float *q, float *out) {
    int32_t dim = c->kv->desc.k_dim, position = c->step->positions[r], seq = c->step->row_seq[r];
    int64_t kv_head = head / (a->n_heads / c->kv->desc.n_heads) * (int64_t)dim;
    double max = -INFINITY, total = 0.0;
    for (int32_t i = 0; i < dim; i++) s->sum[i] = 0.0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t p = llmk_attention_first(a->window, position); p <= position; p++) {
            size_t at;
            if (!find_token(&at, c, seq, p)) return false;
            double score = 0.0;
            for (int32_t i = 0; i < dim; i++) score += (double)q[i] * load(c->kv, c->kv->keys + at, kv_head + i);
            score *= a->scale;
            if (pass == 0) {
                max = score > max ? score : max;
                continue;
            }
            double weight = exp(score - max);
            total += weight;
            for (int32_t i = 0; i < dim; i++) s->sum[i] += weight * load(c->kv, c->kv->values + at, kv_head + i);
        }
    for (int32_t i = 0; i < dim; i++) out[i] = (float)(s->sum[i] / total);
    return true;
}

static void attend(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_ref_stream *s = (llmk_ref_stream *)stream;
    const llm_attend_args *a = &op->u.attend;
    llm_view q = llm_step_view(step, op->in[0]), out = llm_step_view(step, op->out[0]);
    cache c = find_cache(s, step, a->state);
    for (int32_t r = 0; r < step->rows[LLM_ROWS_STEP]; r++)
        for (int32_t head = 0; head < a->n_heads && go_on(s); head++) {
            int64_t at = (int64_t)head * c.kv->desc.k_dim;
            if (!attend_head(s, a, &c, r, head, llm_view_row(q, r) + at, llm_view_row(out, r) + at))
                fail(s, LLM_E_INTERNAL, "ATTEND: no such page");
        }
}

/* ---- element-wise ---- */

static double activate(double x, int32_t kind) {
    switch (kind) {
    case LLM_ACT_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); /* sqrt(2 / pi) */
    case LLM_ACT_GELU:
        return 0.5 * x * (1.0 + erf(x * 0.7071067811865476));
    default: /* LLM_ACT_SILU */
        return x / (1.0 + exp(-x));
    }
}

static void act(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llm_view gate = llm_step_view(step, op->in[0]), up = llm_step_view(step, op->in[1]);
    llm_view out = llm_step_view(step, op->out[0]);
    if (!go_on((llmk_ref_stream *)stream)) return;
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++)
            llm_view_row(out, r)[c] =
                (float)(activate(llm_view_row(gate, r)[c], op->u.act.kind) * llm_view_row(up, r)[c]);
}

/* ---- tables ---- */

const llm_op_fn llmk_ref_ops[LLM_N_OPS] = {
    [LLM_OP_EMBED] = embed,   [LLM_OP_NORM] = norm,         [LLM_OP_LINEAR] = linear,
    [LLM_OP_ACT] = act,       [LLM_OP_ANGLES] = angles,     [LLM_OP_ROPE] = rope,
    [LLM_OP_ATTEND] = attend, [LLM_OP_KV_WRITE] = kv_write, [LLM_OP_GATHER] = gather,
};

static void run(llm_stream *stream, const llm_step *step, int32_t first, int32_t n) {
    llm_interpret(llmk_ref_ops, ((llmk_ref_stream *)stream)->program, stream, step, first, n);
}

const llm_stream_ops llmk_ref_stream_ops = {
    .struct_size = sizeof llmk_ref_stream_ops,
    .upload = copy,
    .download = copy,
    .sync = sync,
    .run = run,
    .state_copy = state_copy,
};
