/* A stream's tables, one of the steps that read prompts and one of those that decode (one row for each sequence):
 * milliseconds of a layer (row) and a kind of operation (column).
 *
 *       layer      EMBED      NORM    LINEAR  ...       all
 *           -      0.013     0.001     0.412  ...     0.431    outside the layers
 *           0      0.000     0.002     0.193  ...     0.201
 *         ...
 *         all      0.013     0.048     4.721  ...     4.913
 *       share        0 %       1 %      96 %  ...
 *        GB/s        3.1       9.0      21.4  ...               weights, values and cached tokens, each counted once */
#include "runtime/trace.h"

#include <llm/runtime.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/wrapper.h"

/* A weight, which is the inner device's own, and the size of its tensor. */
typedef struct known {
    const llm_weight *w;
    int64_t n_bytes, rows;
    struct known *next;
} known;

typedef struct trace_device {
    llmi_wrapper base;
    known *weights;
} trace_device;

enum { PROMPT, DECODE, N_PHASES };

/* An operation over all steps of a phase. */
typedef struct cost {
    double ms, n_bytes;
} cost;

typedef struct trace_stream {
    llmi_wrapper_stream base;
    const llm_program *program;
    cost *costs; /* [N_PHASES, n_ops] */
    int64_t n_steps[N_PHASES];
    int32_t *positions, *seq_rows; /* of the step: [limits.rows], [limits.seqs + 1] */
} trace_stream;

static trace_device *device_of(llm_device *d) {
    return (trace_device *)(void *)d;
}

static trace_stream *stream_of(llm_stream *s) {
    return (trace_stream *)(void *)s;
}

/* ---- device ---- */

static llm_status weight_put(llm_weight **out, size_t *private_bytes, llm_device *d, const llm_tensor *tensor) {
    trace_device *t = device_of(d);
    known *k = llmi_wrapper_alloc(d->host, sizeof *k);
    if (!k) return LLM_E_MEMORY;
    llm_status status = t->base.inner->ops->weight_put(out, private_bytes, t->base.inner, tensor);
    if (status != LLM_OK) {
        llmi_wrapper_free(d->host, k, sizeof *k);
        return status;
    }
    *k = (known){*out, (int64_t)tensor->n_bytes, tensor->rows, t->weights};
    t->weights = k;
    return LLM_OK;
}

static void weight_free(llm_device *d, llm_weight *weight) {
    trace_device *t = device_of(d);
    for (known **link = &t->weights; *link; link = &(*link)->next)
        if ((*link)->w == weight) {
            known *k = *link;
            *link = k->next;
            llmi_wrapper_free(d->host, k, sizeof *k);
            break;
        }
    t->base.inner->ops->weight_free(t->base.inner, weight);
}

static llm_status state_create(llm_state **out, llm_device *d, const llm_program *p, int32_t group, int32_t n_items) {
    llm_device *inner = device_of(d)->base.inner;
    return inner->ops->state_create(out, inner, p, group, n_items);
}

static void state_free(llm_device *d, llm_state *state) {
    llm_device *inner = device_of(d)->base.inner;
    inner->ops->state_free(inner, state);
}

/* Of the inner device alone: what this one takes is not part of an engine's estimate. */
static llm_status stream_bytes(size_t *out, llm_device *d, const llm_stream_options *options) {
    llm_device *inner = device_of(d)->base.inner;
    return inner->ops->stream_bytes(out, inner, options);
}

static void close_device(llm_device *d) {
    trace_device *t = device_of(d);
    t->base.inner->ops->close(t->base.inner);
    llmi_wrapper_free(d->host, t, sizeof *t);
}

/* ---- bytes ---- */

static const known *find_weight(const trace_stream *s, const llm_weight *w) {
    const known *k = device_of(s->base.base.device)->weights;
    while (k && k->w != w) k = k->next;
    return k;
}

static double value_bytes(const llm_step *step, const llm_value *v) {
    return (double)step->rows[v->rows] * v->cols * (double)sizeof(float);
}

/* Cached tokens that a step reads, by a window. */
static double count_seen(const trace_stream *s, const llm_step *step, int32_t window) {
    double n = 0;
    for (int32_t q = 0; q < step->seqs; q++) {
        int32_t begin = s->seq_rows[q], end = s->seq_rows[q + 1];
        if (begin == end) continue;
        int32_t first = window ? s->positions[begin] - window + 1 : 0;
        n += s->positions[end - 1] - (first > 0 ? first : 0) + 1;
    }
    return n;
}

static double cache_bytes(const trace_stream *s, const llm_step *step, const llm_op *op) {
    bool reads = op->kind == LLM_OP_ATTEND;
    const llm_state_desc *d = &s->program->states[reads ? op->u.attend.state : op->u.kv_write.state];
    double n = reads ? count_seen(s, step, op->u.attend.window) : step->rows[LLM_ROWS_STEP];
    return n * d->n_heads * (d->k_dim + d->v_dim) * (d->dtype == LLM_DTYPE_F16 ? 2 : 4);
}

static double op_bytes(const trace_stream *s, const llm_step *step, const llm_op *op) {
    double n = 0;
    for (size_t i = 0; i < sizeof op->w / sizeof op->w[0]; i++) {
        const known *k = op->w[i] ? find_weight(s, op->w[i]) : NULL;
        if (!k) continue;
        bool rows_only = op->kind == LLM_OP_EMBED && k->rows > 0;
        n += rows_only ? (double)k->n_bytes / (double)k->rows * step->rows[LLM_ROWS_STEP] : (double)k->n_bytes;
    }
    if (op->kind == LLM_OP_GATHER) n += value_bytes(step, &op->out[0]); /* it reads the rows that it writes */
    for (int32_t i = 0; i < llm_op_inputs(op) && op->kind != LLM_OP_GATHER; i++) n += value_bytes(step, &op->in[i]);
    for (int32_t i = 0; i < llm_op_results(op); i++) n += value_bytes(step, &op->out[i]);
    if (op->kind == LLM_OP_ATTEND || op->kind == LLM_OP_KV_WRITE) n += cache_bytes(s, step, op);
    return n;
}

/* ---- a step ---- */

static void fetch_rows(trace_stream *s, const llm_step *step) {
    llm_stream *inner = s->base.inner;
    size_t rows = (size_t)step->rows[LLM_ROWS_STEP], seqs = (size_t)step->seqs + 1;
    inner->ops->download(inner, s->positions, step->positions, rows * sizeof *s->positions);
    inner->ops->download(inner, s->seq_rows, step->seq_rows, seqs * sizeof *s->seq_rows);
    llmi_wrapper_wait(&s->base, s->base.inner);
}

static void run(llm_stream *stream, const llm_step *step, int32_t first, int32_t n) {
    trace_stream *s = stream_of(stream);
    int phase = step->rows[LLM_ROWS_STEP] > step->seqs ? PROMPT : DECODE;
    fetch_rows(s, step);
    s->n_steps[phase] += first == 0;
    for (int32_t i = first; i < first + n && s->base.failure.status == LLM_OK; i++) {
        const llm_op *op = llm_program_op(s->program, i);
        cost *c = &s->costs[phase * s->program->n_ops + i];
        double start = llmi_now_ms();
        s->base.inner->ops->run(s->base.inner, step, i, 1);
        llmi_wrapper_wait(&s->base, s->base.inner);
        c->ms += llmi_now_ms() - start;
        if (llm_op_has_rows(op, step)) c->n_bytes += op_bytes(s, step, op);
    }
}

static void state_copy(llm_stream *stream, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens) {
    llm_stream *inner = stream_of(stream)->base.inner;
    inner->ops->state_copy(inner, state, dst, src, n_tokens);
}

/* ---- the tables ---- */

enum { LINE = 256 };

typedef struct trace_line {
    char text[LINE];
    size_t n;
} trace_line;

static void append(trace_line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(trace_line *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->text + l->n, LINE - l->n, format, args);
    va_end(args);
    if (n > 0) l->n += (size_t)n < LINE - l->n ? (size_t)n : LINE - l->n - 1;
}

static void tell(const trace_stream *s, const trace_line *l) {
    const llm_host *host = s->base.base.device->host;
    host->log(host->user, LLM_LOG_INFO, l->text);
}

/* Sums of a layer's operations by kind, or of all layers' (ALL_LAYERS); the last one is of all kinds. */
enum { ALL_LAYERS = -2, EVERY_KIND = LLM_N_OPS };

static void sum_up(cost sums[LLM_N_OPS + 1], const trace_stream *s, int phase, int32_t layer) {
    memset(sums, 0, (LLM_N_OPS + 1) * sizeof *sums);
    for (int32_t i = 0; i < s->program->n_ops; i++) {
        const llm_op *op = llm_program_op(s->program, i);
        const cost *c = &s->costs[phase * s->program->n_ops + i];
        const int32_t to[] = {op->kind, EVERY_KIND};
        if (layer != ALL_LAYERS && op->layer != layer) continue;
        for (int k = 0; k < 2; k++) {
            sums[to[k]].ms += c->ms;
            sums[to[k]].n_bytes += c->n_bytes;
        }
    }
}

static void tell_layer(const trace_stream *s, int phase, int32_t layer) {
    cost sums[LLM_N_OPS + 1];
    trace_line l = {.n = 0};
    sum_up(sums, s, phase, layer);
    if (layer >= 0)
        append(&l, "%8d", (int)layer);
    else
        append(&l, "%8s", layer == ALL_LAYERS ? "all" : "-");
    for (int32_t k = 0; k <= LLM_N_OPS; k++) append(&l, " %9.3f", sums[k].ms);
    tell(s, &l);
}

static void tell_phase(const trace_stream *s, int phase) {
    static const char *const names[N_PHASES] = {[PROMPT] = "prompts", [DECODE] = "decoding"};
    cost sums[LLM_N_OPS + 1];
    int32_t last = -1;
    trace_line head = {.n = 0}, share = {.n = 0}, rate = {.n = 0};
    append(&head, "trace of %s: %lld steps, milliseconds by layer and operation", names[phase],
           (long long)s->n_steps[phase]);
    tell(s, &head);
    head.n = 0;
    append(&head, "%8s", "layer");
    for (int32_t k = 0; k < LLM_N_OPS; k++) append(&head, " %9s", llm_op_name(k));
    append(&head, " %9s", "all");
    tell(s, &head);
    for (int32_t i = 0; i < s->program->n_ops; i++)
        if (llm_program_op(s->program, i)->layer > last) last = llm_program_op(s->program, i)->layer;
    for (int32_t layer = -1; layer <= last; layer++) tell_layer(s, phase, layer);
    tell_layer(s, phase, ALL_LAYERS);
    sum_up(sums, s, phase, ALL_LAYERS);
    append(&share, "%8s", "share");
    append(&rate, "%8s", "GB/s");
    for (int32_t k = 0; k <= LLM_N_OPS; k++) {
        append(&share, " %7.1f %%", sums[EVERY_KIND].ms > 0 ? 100 * sums[k].ms / sums[EVERY_KIND].ms : 0.0);
        append(&rate, " %9.1f", sums[k].ms > 0 ? sums[k].n_bytes / sums[k].ms * 1e-6 : 0.0);
    }
    tell(s, &share);
    tell(s, &rate);
}

/* ---- streams ---- */

static size_t costs_bytes(const llm_program *p) {
    return N_PHASES * (size_t)p->n_ops * sizeof(cost);
}

static size_t positions_bytes(const llm_program *p) {
    return (size_t)p->limits.rows[LLM_ROWS_STEP] * sizeof(int32_t);
}

static size_t seq_rows_bytes(const llm_program *p) {
    return ((size_t)p->limits.seqs + 1) * sizeof(int32_t);
}

static void stream_destroy(llm_stream *stream) {
    trace_stream *s = stream_of(stream);
    const llm_host *host = stream->device->host;
    for (int phase = 0; phase < N_PHASES; phase++)
        if (s->n_steps[phase]) tell_phase(s, phase);
    if (s->base.inner) s->base.inner->device->ops->stream_destroy(s->base.inner);
    llmi_wrapper_free(host, s->costs, costs_bytes(s->program));
    llmi_wrapper_free(host, s->positions, positions_bytes(s->program));
    llmi_wrapper_free(host, s->seq_rows, seq_rows_bytes(s->program));
    llmi_wrapper_free(host, s, sizeof *s);
}

static const llm_stream_ops stream_ops = {
    .struct_size = sizeof stream_ops,
    .upload = llmi_wrapper_upload,
    .download = llmi_wrapper_download,
    .sync = llmi_wrapper_sync,
    .run = run,
    .state_copy = state_copy,
};

static llm_status stream_create(llm_stream **out, llm_device *d, const llm_stream_options *options) {
    const llm_program *p = options->program;
    llm_device *inner = device_of(d)->base.inner;
    *out = NULL;
    trace_stream *s = llmi_wrapper_alloc(d->host, sizeof *s);
    if (!s) return LLM_E_MEMORY;
    *s = (trace_stream){.base.base = {.ops = &stream_ops, .device = d}, .program = p};
    s->costs = llmi_wrapper_alloc(d->host, costs_bytes(p));
    s->positions = llmi_wrapper_alloc(d->host, positions_bytes(p));
    s->seq_rows = llmi_wrapper_alloc(d->host, seq_rows_bytes(p));
    llm_status status = s->costs && s->positions && s->seq_rows ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) memset(s->costs, 0, costs_bytes(p));
    if (status == LLM_OK) status = inner->ops->stream_create(&s->base.inner, inner, options);
    if (status == LLM_OK)
        *out = &s->base.base;
    else
        stream_destroy(&s->base.base);
    return status;
}

static const llm_device_ops device_ops = {
    .struct_size = sizeof device_ops,
    .mem_alloc = llmi_wrapper_mem_alloc,
    .mem_free = llmi_wrapper_mem_free,
    .weight_put = weight_put,
    .weight_free = weight_free,
    .state_bytes = llmi_wrapper_state_bytes,
    .state_create = state_create,
    .state_free = state_free,
    .stream_bytes = stream_bytes,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .close = close_device,
    .weights_prepare = llmi_wrapper_weights_prepare,
};

llm_status llmi_trace_open(llm_device **out, llm_device *traced) {
    trace_device *t = llmi_wrapper_alloc(traced->host, sizeof *t);
    *out = NULL;
    if (!t) {
        traced->ops->close(traced);
        return LLM_E_MEMORY;
    }
    *t = (trace_device){.base = {.base = {.ops = &device_ops, .host = traced->host}, .inner = traced}};
    *out = &t->base.base;
    return LLM_OK;
}
