#include "runtime/check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/wrapper.h"

/* Products of weights that are stored in fewer bits may use activations rounded to 8 bits: their largest accepted
 * difference, in units of the row's largest magnitude. */
static const float tolerance_coarse = 5e-2f;

enum { TESTED, REFERENCE, N_SIDES };

typedef struct check_device {
    llmi_wrapper base; /* around the tested one */
    llm_device *sides[N_SIDES];
} check_device;

/* The library sees these as llm_weight, llm_state and llm_stream. */
typedef struct check_weight {
    llm_weight *sides[N_SIDES];
    bool exact;
} check_weight;

typedef struct check_state {
    llm_state *sides[N_SIDES];
} check_state;

/* The program as one of the devices sees it: with its own weights, and in a step with its own states. */
typedef struct check_side {
    llm_stream *stream;
    llm_program program;
    llm_op *ops;
    llm_state_table *tables; /* [n_groups] */
} check_side;

typedef struct check_stream {
    llmi_wrapper_stream base; /* around the tested one */
    const llm_program *program;
    check_side sides[N_SIDES];
    char *workspace; /* the reference's, in host memory; a value has the same place as on the tested device */
    float *row;      /* [widest] of a result */
    int32_t widest;
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

static check_state *state_of(llm_state *state) {
    return (check_state *)(void *)state;
}

/* ---- device ---- */

static void weight_free(llm_device *d, llm_weight *weight) {
    check_weight *w = (check_weight *)(void *)weight;
    for (int i = 0; i < N_SIDES; i++) {
        llm_device *side = device_of(d)->sides[i];
        if (w->sides[i]) side->ops->weight_free(side, w->sides[i]);
    }
    llmi_wrapper_free(d->host, w, sizeof *w);
}

/* What llm_host.activations says of products with weights of a type: F32 activations, or coarser ones. */
static bool keeps_activations(const llm_host *host, llm_dtype dtype) {
    if (host->activations == LLM_ACTIVATIONS_F32) return true;
    if (dtype == LLM_DTYPE_BF16) return host->activations != LLM_ACTIVATIONS_BF16;
    return dtype == LLM_DTYPE_F32 || dtype == LLM_DTYPE_F16;
}

static llm_status weight_put(llm_weight **out, size_t *private_bytes, llm_device *d, const llm_tensor *tensor) {
    check_weight *w = llmi_wrapper_alloc(d->host, sizeof *w);
    if (!w) return LLM_E_MEMORY;
    *w = (check_weight){.exact = keeps_activations(d->host, tensor->dtype)};
    *private_bytes = 0;
    llm_status status = LLM_OK;
    for (int i = 0; i < N_SIDES && status == LLM_OK; i++) {
        llm_device *side = device_of(d)->sides[i];
        size_t n_bytes = 0;
        status = side->ops->weight_put(&w->sides[i], &n_bytes, side, tensor);
        *private_bytes += n_bytes;
    }
    *out = (llm_weight *)(void *)w;
    if (status != LLM_OK) weight_free(d, *out);
    return status;
}

static void state_free(llm_device *d, llm_state *state) {
    if (!state) return;
    for (int i = 0; i < N_SIDES; i++) {
        llm_device *side = device_of(d)->sides[i];
        if (state_of(state)->sides[i]) side->ops->state_free(side, state_of(state)->sides[i]);
    }
    llmi_wrapper_free(d->host, state, sizeof(check_state));
}

static llm_status state_create(llm_state **out, llm_device *d, const llm_program *p, int32_t group, int32_t n_items) {
    check_state *state = llmi_wrapper_alloc(d->host, sizeof *state);
    if (!state) return LLM_E_MEMORY;
    *state = (check_state){0};
    llm_status status = LLM_OK;
    for (int i = 0; i < N_SIDES && status == LLM_OK; i++) {
        llm_device *side = device_of(d)->sides[i];
        status = side->ops->state_create(&state->sides[i], side, p, group, n_items);
    }
    *out = (llm_state *)(void *)state;
    if (status == LLM_OK) return LLM_OK;
    state_free(d, *out);
    *out = NULL;
    return status;
}

static void close_device(llm_device *d) {
    check_device *c = device_of(d);
    for (int i = 0; i < N_SIDES; i++) c->sides[i]->ops->close(c->sides[i]);
    llmi_wrapper_free(d->host, c, sizeof *c);
}

/* ---- streams ---- */

static size_t ops_bytes(const llm_program *p) {
    return (size_t)p->n_ops * sizeof(llm_op);
}

static size_t tables_bytes(const llm_program *p) {
    return (size_t)p->n_groups * sizeof(llm_state_table);
}

/* The program with the weights of one device. */
static llm_status translate(check_side *side, const llm_program *p, int index, const llm_host *host) {
    side->program = *p;
    side->ops = llmi_wrapper_alloc(host, ops_bytes(p));
    side->tables = llmi_wrapper_alloc(host, tables_bytes(p));
    if (!side->ops || !side->tables) return LLM_E_MEMORY;
    for (int32_t i = 0; i < p->n_ops; i++) {
        llm_op *op = &side->ops[i];
        *op = *llm_program_op(p, i);
        for (size_t w = 0; w < sizeof op->w / sizeof op->w[0]; w++)
            if (op->w[w]) op->w[w] = weight_of(op->w[w])->sides[index];
    }
    side->program.ops = side->ops;
    side->program.op_size = sizeof(llm_op);
    return LLM_OK;
}

static llm_status create_side(check_side *side, const llm_stream_options *options, int index, llm_device *d) {
    llm_device *device = device_of(d)->sides[index];
    llm_status status = translate(side, options->program, index, d->host);
    if (status != LLM_OK) return status;
    llm_stream_options own = *options;
    own.program = &side->program;
    return device->ops->stream_create(&side->stream, device, &own);
}

static void destroy_side(check_side *side, const llm_host *host, const llm_program *p) {
    if (side->stream) side->stream->device->ops->stream_destroy(side->stream);
    llmi_wrapper_free(host, side->ops, ops_bytes(p));
    llmi_wrapper_free(host, side->tables, tables_bytes(p));
}

static void stream_destroy(llm_stream *stream) {
    check_stream *s = stream_of(stream);
    const llm_host *host = stream->device->host;
    for (int i = 0; i < N_SIDES; i++) destroy_side(&s->sides[i], host, s->program);
    llmi_wrapper_free(host, s->workspace, s->program->workspace_bytes);
    llmi_wrapper_free(host, s->row, (size_t)s->widest * sizeof *s->row);
    llmi_wrapper_free(host, s, sizeof *s);
}

static int32_t widest_result(const llm_program *p) {
    int32_t widest = 0;
    for (int32_t i = 0; i < p->n_ops; i++) {
        const llm_op *op = llm_program_op(p, i);
        for (int32_t k = 0; k < llm_op_results(op); k++)
            if (op->out[k].cols > widest) widest = op->out[k].cols;
    }
    return widest;
}

/* Of the tested device alone: what this one takes is not part of an engine's estimate. */
static llm_status stream_bytes(size_t *out, llm_device *d, const llm_stream_options *options) {
    llm_device *tested = device_of(d)->sides[TESTED];
    check_side side = {0};
    llm_status status = translate(&side, options->program, TESTED, d->host);
    llm_stream_options own = *options;
    own.program = &side.program;
    if (status == LLM_OK) status = tested->ops->stream_bytes(out, tested, &own);
    destroy_side(&side, d->host, options->program);
    return status;
}

/* ---- a step ---- */

static void fetch(check_stream *s, void *dst, const void *src, size_t n_bytes) {
    llm_stream *tested = s->base.inner;
    if (n_bytes) tested->ops->download(tested, dst, src, n_bytes);
}

/* Copies a value of the tested device to the reference's workspace. */
static void fetch_value(check_stream *s, const llm_step *step, const llm_step *own, llm_value v) {
    llm_view from = llm_step_view(step, v), to = llm_step_view(own, v);
    for (int64_t r = 0; r < from.rows; r++)
        fetch(s, llm_view_row(to, r), llm_view_row(from, r), (size_t)from.cols * sizeof(float));
}

static void compare_row(check_stream *s, const llm_op *op, int64_t r, const float *expected, int64_t n,
                        float tolerance) {
    float largest = 0;
    for (int64_t c = 0; c < n; c++) largest = fmaxf(largest, fabsf(expected[c]));
    for (int64_t c = 0; c < n; c++) {
        if (fabsf(s->row[c] - expected[c]) <= tolerance * largest + 1e-6f) continue;
        llmi_wrapper_fail(&s->base, llmi_error(LLM_E_NUMERIC,
                                               "%s of layer %d: row %lld, column %lld is %g, the reference gives %g",
                                               llm_op_name(op->kind), (int)op->layer, (long long)r, (long long)c,
                                               (double)s->row[c], (double)expected[c]));
        return;
    }
}

/* result i of the tested device's operation with the reference's */
static void compare(check_stream *s, const llm_op *op, int32_t i, const llm_step *step, const llm_step *own) {
    llm_view got = llm_step_view(step, op->out[i]), expected = llm_step_view(own, op->out[i]);
    float tolerance = llm_op_row_of(op->kind)->tolerance;
    if (op->kind == LLM_OP_LINEAR && !weight_of(op->w[2 * i])->exact) tolerance = tolerance_coarse;
    for (int64_t r = 0; r < got.rows && s->base.failure.status == LLM_OK; r++) {
        fetch(s, s->row, llm_view_row(got, r), (size_t)got.cols * sizeof(float));
        llmi_wrapper_wait(&s->base, s->base.inner);
        compare_row(s, op, r, llm_view_row(expected, r), got.cols, tolerance);
    }
}

/* One operation on both devices, from the same inputs. steps: by side. */
static void run_op(check_stream *s, int32_t index, const llm_step steps[N_SIDES]) {
    const llm_op *op = llm_program_op(s->program, index);
    for (int32_t i = 0; i < llm_op_inputs(op); i++) fetch_value(s, &steps[TESTED], &steps[REFERENCE], op->in[i]);
    for (int32_t i = 0; i < llm_op_results(op); i++) fetch_value(s, &steps[TESTED], &steps[REFERENCE], op->out[i]);
    llmi_wrapper_wait(&s->base, s->base.inner);
    for (int i = N_SIDES - 1; i >= 0 && s->base.failure.status == LLM_OK; i--) {
        llm_stream *stream = s->sides[i].stream;
        stream->ops->run(stream, &steps[i], index, 1);
        llmi_wrapper_wait(&s->base, stream);
    }
    for (int32_t i = 0; i < llm_op_results(op); i++) compare(s, op, i, &steps[TESTED], &steps[REFERENCE]);
}

/* Copies of the step's arrays in host memory, one after the other in `block`, or only their size if it is NULL. */
static size_t copy_arrays(check_stream *s, llm_step *own, llm_state_table *tables, const llm_step *step,
                          int32_t *block) {
    size_t rows = (size_t)step->rows[LLM_ROWS_STEP], out = (size_t)step->rows[LLM_ROWS_OUT], used = 0;
    size_t seqs = (size_t)step->seqs;
    struct {
        const int32_t **to, *from;
        size_t n;
    } arrays[] = {{&own->tokens, step->tokens, rows},
                  {&own->positions, step->positions, rows},
                  {&own->row_seq, step->row_seq, rows},
                  {&own->seq_rows, step->seq_rows, seqs + 1},
                  {&own->out_rows, step->out_rows, out}};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; used += arrays[i++].n) {
        if (!block) continue;
        fetch(s, block + used, arrays[i].from, arrays[i].n * sizeof *block);
        *arrays[i].to = block + used;
    }
    for (int32_t g = 0; g < s->program->n_groups; g++) {
        size_t n = seqs * (size_t)step->tables[g].width;
        if (block) {
            fetch(s, block + used, step->tables[g].pages, n * sizeof *block);
            tables[g].pages = block + used;
        }
        used += n;
    }
    return used * sizeof *block;
}

static void run(llm_stream *stream, const llm_step *step, int32_t first, int32_t n) {
    check_stream *s = stream_of(stream);
    const llm_host *host = stream->device->host;
    llm_step steps[N_SIDES] = {*step, *step};
    for (int i = 0; i < N_SIDES; i++) {
        llm_state_table *tables = s->sides[i].tables;
        for (int32_t g = 0; g < s->program->n_groups; g++) {
            tables[g] = step->tables[g];
            tables[g].state = state_of(step->tables[g].state)->sides[i];
        }
        steps[i].tables = tables;
    }
    steps[REFERENCE].workspace = s->workspace;
    size_t n_bytes = copy_arrays(s, &steps[REFERENCE], s->sides[REFERENCE].tables, step, NULL);
    int32_t *block = llmi_wrapper_alloc(host, n_bytes);
    if (!block) {
        llmi_wrapper_fail(&s->base, LLM_E_MEMORY);
        return;
    }
    copy_arrays(s, &steps[REFERENCE], s->sides[REFERENCE].tables, step, block);
    llmi_wrapper_wait(&s->base, s->base.inner);
    for (int32_t i = first; i < first + n && s->base.failure.status == LLM_OK; i++) run_op(s, i, steps);
    llmi_wrapper_free(host, block, n_bytes);
}

static void state_copy(llm_stream *stream, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens) {
    check_stream *s = stream_of(stream);
    for (int i = 0; i < N_SIDES; i++) {
        llm_stream *side = s->sides[i].stream;
        side->ops->state_copy(side, state_of(state)->sides[i], dst, src, n_tokens);
        llmi_wrapper_wait(&s->base, side);
    }
}

/* ---- tables ---- */

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
    *out = NULL;
    check_stream *s = llmi_wrapper_alloc(d->host, sizeof *s);
    if (!s) return LLM_E_MEMORY;
    *s = (check_stream){.base.base = {.ops = &stream_ops, .device = d}, .program = p, .widest = widest_result(p)};
    s->workspace = llmi_wrapper_alloc(d->host, p->workspace_bytes);
    s->row = llmi_wrapper_alloc(d->host, (size_t)s->widest * sizeof *s->row);
    llm_status status = s->workspace && s->row ? LLM_OK : LLM_E_MEMORY;
    for (int i = 0; i < N_SIDES && status == LLM_OK; i++) status = create_side(&s->sides[i], options, i, d);
    s->base.inner = s->sides[TESTED].stream;
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

llm_status llmi_check_open(llm_device **out, llm_device *tested, llm_device *reference) {
    check_device *c = llmi_wrapper_alloc(tested->host, sizeof *c);
    if (!c) {
        tested->ops->close(tested);
        reference->ops->close(reference);
        return LLM_E_MEMORY;
    }
    *c = (check_device){
        .base = {.base = {.ops = &device_ops, .host = tested->host}, .inner = tested},
        .sides = {tested, reference},
    };
    *out = &c->base.base;
    return LLM_OK;
}
