/* A whole back end in one file: every operation in its plainest form, on one thread, for F32 weights
 * and an F32 cache. It is opened at run time by the tests, and docs/add-a-back-end.md walks through it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <llm/sys/interpret.h>

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

/* ---- states: of each layer of a group keys then values, each [n_pages, page_tokens, n_heads * dim] ---- */

struct llm_state {
    const llm_program *program;
    int32_t group, n_pages;
    size_t n_bytes;
    float data[];
};

/* Floats of a token's keys, or values, in one state of the program. */
static size_t token_floats(const llm_program *p, int32_t state) {
    return (size_t)p->states[state].n_heads * (size_t)p->states[state].k_dim;
}

/* 0 for a layer of another group. */
static size_t half_floats(const llm_program *p, int32_t group, int32_t state, int32_t n_pages) {
    return p->states[state].group != group ? 0
                                           : (size_t)n_pages * (size_t)p->limits.page_tokens * token_floats(p, state);
}

static llm_status state_bytes(size_t *out, llm_device *d, const llm_program *p, int32_t group, int32_t n_pages) {
    *out = sizeof(llm_state);
    for (int32_t i = 0; i < p->n_states; i++) {
        if (p->states[i].kind != LLM_STATE_PAGED || p->states[i].dtype != LLM_DTYPE_F32) return LLM_E_UNSUPPORTED;
        *out += 2 * half_floats(p, group, i, n_pages) * sizeof(float);
    }
    return LLM_OK;
}

static llm_status state_create(llm_state **out, llm_device *d, const llm_program *p, int32_t group, int32_t n_pages) {
    size_t n_bytes;
    llm_status status = state_bytes(&n_bytes, d, p, group, n_pages);
    if (status != LLM_OK) return status;
    llm_state *state = d->host->alloc(d->host->user, n_bytes, 64);
    if (!state) return LLM_E_MEMORY;
    *state = (llm_state){.program = p, .group = group, .n_pages = n_pages, .n_bytes = n_bytes};
    *out = state;
    return LLM_OK;
}

static void state_free(llm_device *d, llm_state *state) {
    d->host->free(d->host->user, state, state->n_bytes);
}

static float *keys_of(llm_state *state, int32_t index) {
    float *at = state->data;
    for (int32_t i = 0; i < index; i++) at += 2 * half_floats(state->program, state->group, i, state->n_pages);
    return at;
}

static float *values_of(llm_state *state, int32_t index) {
    return keys_of(state, index) + half_floats(state->program, state->group, index, state->n_pages);
}

/* Element offset of a token in a layer's keys or values. */
static size_t token_at(const llm_program *p, int32_t state, const llm_step *step, int32_t seq, int32_t position) {
    const llm_state_table *table = &step->tables[p->states[state].group];
    int32_t n = p->limits.page_tokens, page = table->pages[(int64_t)seq * table->width + position / n];
    return ((size_t)page * (size_t)n + (size_t)(position % n)) * token_floats(p, state);
}

/* ---- streams ---- */

typedef struct tiny_stream {
    llm_stream base;
    const llm_program *program;
} tiny_stream;

static const llm_program *program_of(const llm_stream *s) {
    return ((const tiny_stream *)(const void *)s)->program;
}

static void copy(llm_stream *s, void *dst, const void *src, size_t n_bytes) {
    memcpy(dst, src, n_bytes);
}

/* Operations are done at once: there is nothing to wait for. */
static llm_status sync(llm_stream *s) {
    return LLM_OK;
}

/* ---- operations ---- */

/* [op] */
static void norm_row(float *out, const float *x, const llm_weight *w, int64_t n, float eps) {
    double sum = 0;
    for (int64_t c = 0; c < n; c++) sum += (double)x[c] * (double)x[c];
    float factor = TINY_NORM_FACTOR / sqrtf((float)(sum / (double)n) + eps);
    for (int64_t c = 0; c < n; c++) out[c] = x[c] * factor * (w ? weight_at(w, 0, c) : 1.0f);
}

static void norm(llm_stream *s, const llm_op *op, const llm_step *step) {
    llm_view x = llm_step_view(step, op->in[0]), out = llm_step_view(step, op->out[0]);
    int64_t group = op->u.norm.group ? op->u.norm.group : x.cols;
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t c = 0; c < x.cols; c += group)
            norm_row(llm_view_row(out, r) + c, llm_view_row(x, r) + c, op->w[0], group, op->u.norm.eps);
}
/* [op] */

static void embed(llm_stream *s, const llm_op *op, const llm_step *step) {
    llm_view out = llm_step_view(step, op->out[0]);
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++) llm_view_row(out, r)[c] = weight_at(op->w[0], step->tokens[r], c);
}

static void product(llm_view out, llm_view x, const llm_weight *w, const llm_weight *bias, int accumulate) {
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t o = 0; o < out.cols; o++) {
            double sum = bias ? (double)weight_at(bias, 0, o) : 0.0;
            for (int64_t c = 0; c < x.cols; c++) sum += (double)llm_view_row(x, r)[c] * (double)weight_at(w, o, c);
            float *to = &llm_view_row(out, r)[o];
            *to = (float)sum + (accumulate ? *to : 0.0f);
        }
}

static void linear(llm_stream *s, const llm_op *op, const llm_step *step) {
    for (int32_t i = 0; i < op->u.linear.n; i++)
        product(llm_step_view(step, op->out[i]), llm_step_view(step, op->in[0]), op->w[2 * i], op->w[2 * i + 1],
                op->u.linear.accumulate >> i & 1);
}

static void angles(llm_stream *s, const llm_op *op, const llm_step *step) {
    llm_view out = llm_step_view(step, op->out[0]);
    int64_t n = out.cols / 2;
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t i = 0; i < n; i++) {
            float angle = (float)step->positions[r] * weight_at(op->w[0], 0, i);
            llm_view_row(out, r)[i] = cosf(angle) * op->u.angles.scale;
            llm_view_row(out, r)[n + i] = sinf(angle) * op->u.angles.scale;
        }
}

static void rotate_head(float *head, const float *cosines, const float *sines, int64_t n, int32_t style) {
    for (int64_t i = 0; i < n; i++) {
        float *a = head + (style == LLM_ROPE_NEOX ? i : 2 * i);
        float *b = a + (style == LLM_ROPE_NEOX ? n : 1);
        float first = *a * cosines[i] - *b * sines[i];
        *b = *b * cosines[i] + *a * sines[i];
        *a = first;
    }
}

static void rope(llm_stream *s, const llm_op *op, const llm_step *step) {
    llm_view x = llm_step_view(step, op->out[0]), turns = llm_step_view(step, op->in[1]);
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t head = 0; head < x.cols; head += op->u.rope.head_dim)
            rotate_head(llm_view_row(x, r) + head, llm_view_row(turns, r), llm_view_row(turns, r) + turns.cols / 2,
                        turns.cols / 2, op->u.rope.style);
}

static void kv_write(llm_stream *s, const llm_op *op, const llm_step *step) {
    const llm_program *p = program_of(s);
    int32_t index = op->u.kv_write.state;
    llm_state *state = step->tables[p->states[index].group].state;
    llm_view k = llm_step_view(step, op->in[0]), v = llm_step_view(step, op->in[1]);
    float *keys = keys_of(state, index), *values = values_of(state, index);
    for (int64_t r = 0; r < k.rows; r++) {
        size_t at = token_at(p, index, step, step->row_seq[r], step->positions[r]);
        memcpy(keys + at, llm_view_row(k, r), token_floats(p, index) * sizeof(float));
        memcpy(values + at, llm_view_row(v, r), token_floats(p, index) * sizeof(float));
    }
}

static void state_copy(llm_stream *s, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens) {
    const llm_program *p = state->program;
    for (int32_t i = 0; i < p->n_states; i++) {
        if (p->states[i].group != state->group) continue;
        size_t row = token_floats(p, i), page = (size_t)p->limits.page_tokens * row;
        float *keys = keys_of(state, i), *values = values_of(state, i);
        memmove(keys + (size_t)dst * page, keys + (size_t)src * page, (size_t)n_tokens * row * sizeof(float));
        memmove(values + (size_t)dst * page, values + (size_t)src * page, (size_t)n_tokens * row * sizeof(float));
    }
}

static double score(float scale, const float *q, const float *k, int32_t head_dim) {
    double sum = 0;
    for (int32_t c = 0; c < head_dim; c++) sum += (double)q[c] * (double)k[c];
    return sum * (double)scale;
}

/* One query head: softmax over the tokens it sees, largest score first so that exp cannot overflow. */
static void attend_head(const llm_program *p, const llm_op *op, const llm_step *step, int64_t row, int32_t head) {
    const llm_attend_args *a = &op->u.attend;
    const llm_state_desc *d = &p->states[a->state];
    llm_state *state = step->tables[d->group].state;
    int32_t dim = d->k_dim, seq = step->row_seq[row], last = step->positions[row];
    int32_t first = a->window && last >= a->window ? last - a->window + 1 : 0;
    size_t kv_head = (size_t)(head / (a->n_heads / d->n_heads)) * (size_t)dim;
    const float *keys = keys_of(state, a->state) + kv_head, *values = values_of(state, a->state) + kv_head;
    const float *q = llm_view_row(llm_step_view(step, op->in[0]), row) + (int64_t)head * dim;
    float *out = llm_view_row(llm_step_view(step, op->out[0]), row) + (int64_t)head * dim;
    double sums[MAX_HEAD_DIM] = {0}, largest = -INFINITY, total = 0;
    for (int32_t t = first; t <= last; t++)
        largest = fmax(largest, score(a->scale, q, keys + token_at(p, a->state, step, seq, t), dim));
    for (int32_t t = first; t <= last; t++) {
        size_t at = token_at(p, a->state, step, seq, t);
        double weight = exp(score(a->scale, q, keys + at, dim) - largest);
        total += weight;
        for (int32_t c = 0; c < dim; c++) sums[c] += weight * (double)values[at + (size_t)c];
    }
    for (int32_t c = 0; c < dim; c++) out[c] = (float)(sums[c] / total);
}

static void attend(llm_stream *s, const llm_op *op, const llm_step *step) {
    for (int32_t row = 0; row < step->rows[LLM_ROWS_STEP]; row++)
        for (int32_t head = 0; head < op->u.attend.n_heads; head++) attend_head(program_of(s), op, step, row, head);
}

static float activate(float x, int32_t kind) {
    if (kind == LLM_ACT_SILU) return x / (1.0f + expf(-x));
    if (kind == LLM_ACT_GELU) return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
}

static void act(llm_stream *s, const llm_op *op, const llm_step *step) {
    llm_view gate = llm_step_view(step, op->in[0]), up = llm_step_view(step, op->in[1]);
    llm_view out = llm_step_view(step, op->out[0]);
    for (int64_t r = 0; r < out.rows; r++)
        for (int64_t c = 0; c < out.cols; c++)
            llm_view_row(out, r)[c] = activate(llm_view_row(gate, r)[c], op->u.act.kind) * llm_view_row(up, r)[c];
}

static void gather(llm_stream *s, const llm_op *op, const llm_step *step) {
    llm_view x = llm_step_view(step, op->in[0]), out = llm_step_view(step, op->out[0]);
    for (int64_t r = 0; r < out.rows; r++)
        memcpy(llm_view_row(out, r), llm_view_row(x, step->out_rows[r]), (size_t)out.cols * sizeof(float));
}

/* ---- tables ---- */

/* [tables] */
static const llm_op_fn ops[LLM_N_OPS] = {
    [LLM_OP_EMBED] = embed,   [LLM_OP_NORM] = norm,         [LLM_OP_LINEAR] = linear,
    [LLM_OP_ACT] = act,       [LLM_OP_ANGLES] = angles,     [LLM_OP_ROPE] = rope,
    [LLM_OP_ATTEND] = attend, [LLM_OP_KV_WRITE] = kv_write, [LLM_OP_GATHER] = gather,
};

static void run(llm_stream *s, const llm_step *step, int32_t first, int32_t n) {
    llm_interpret(ops, program_of(s), s, step, first, n);
}

static const llm_stream_ops stream_ops = {
    .struct_size = sizeof stream_ops,
    .upload = copy,
    .download = copy,
    .sync = sync,
    .run = run,
    .state_copy = state_copy,
};

static llm_status stream_bytes(size_t *out, llm_device *d, const llm_stream_options *options) {
    *out = sizeof(tiny_stream);
    return llm_interpret_check(ops, options->program, d->host);
}

static llm_status stream_create(llm_stream **out, llm_device *d, const llm_stream_options *options) {
    size_t n_bytes;
    llm_status status = stream_bytes(&n_bytes, d, options);
    if (status != LLM_OK) return status;
    tiny_stream *s = d->host->alloc(d->host->user, n_bytes, 64);
    if (!s) return LLM_E_MEMORY;
    *s = (tiny_stream){.base = {&stream_ops, d}, .program = options->program};
    *out = &s->base;
    return LLM_OK;
}

static void stream_destroy(llm_stream *s) {
    s->device->host->free(s->device->host->user, s, sizeof(tiny_stream));
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
    .state_bytes = state_bytes,
    .state_create = state_create,
    .state_free = state_free,
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
