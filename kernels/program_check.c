#include "program_check.h"

#include <limits.h>

typedef struct checker {
    const llm_program *program;
    llmk_shape (*shape_of)(const llm_weight *w);
    const char *fault; /* of the operation being checked */
} checker;

static bool expect(checker *c, bool holds, const char *fault) {
    if (!holds && !c->fault) c->fault = fault;
    return holds;
}

/* ---- operands ---- */

static bool is_value(const llm_program *p, const llm_value *v) {
    if (v->rows < 0 || v->rows >= LLM_N_ROWS || v->cols < 0 || v->stride < v->cols || v->offset < 0) return false;
    size_t n = (size_t)v->stride;
    int32_t rows = p->limits.rows[v->rows];
    if (rows == 0) return true;
    return v->offset % (int64_t)sizeof(float) == 0 && llmk_multiply(&n, rows - 1) &&
           llmk_add_size(&n, (size_t)v->cols) && llmk_multiply(&n, sizeof(float)) &&
           llmk_add_size(&n, (size_t)v->offset) && n <= p->workspace_bytes;
}

static bool same_shape(const llm_value *a, const llm_value *b) {
    return a->rows == b->rows && a->cols == b->cols;
}

/* One row of n elements. */
static bool is_vector(const checker *c, const llm_weight *w, int64_t n) {
    llmk_shape shape = c->shape_of(w);
    return shape.rows == 1 && shape.cols == n;
}

static const llm_state_desc *state_of(const checker *c, int32_t index) {
    return index >= 0 && index < c->program->n_states ? &c->program->states[index] : NULL;
}

/* ---- operations ---- */

static void check_embed(checker *c, const llm_op *op) {
    if (expect(c, op->w[0] != NULL, "it has no table"))
        expect(c, c->shape_of(op->w[0]).cols == op->out[0].cols, "the table's rows are not as wide as the output");
    expect(c, op->out[0].rows == LLM_ROWS_STEP, "its output is not of the step's rows");
}

static void check_norm(checker *c, const llm_op *op) {
    int32_t cols = op->in[0].cols, group = op->u.norm.group;
    expect(c, same_shape(&op->in[0], &op->out[0]), "input and output differ in shape");
    expect(c, group >= 0 && (group == 0 || cols % group == 0), "rows are not a multiple of a head");
    if (op->w[0]) expect(c, is_vector(c, op->w[0], group ? group : cols), "the scale is not as long as what it scales");
}

static void check_linear(checker *c, const llm_op *op) {
    int32_t n = op->u.linear.n;
    if (!expect(c, n >= 1 && n <= LLM_MAX_PRODUCTS, "the number of products is out of range")) return;
    for (int32_t i = 0; i < n; i++) {
        const llm_weight *w = op->w[2 * i], *bias = op->w[2 * i + 1];
        if (!expect(c, w != NULL, "a product has no weight")) return;
        llmk_shape shape = c->shape_of(w);
        expect(c, shape.cols == op->in[0].cols, "a weight's rows are not as wide as the input");
        expect(c, shape.rows == op->out[i].cols, "a weight has not one row for each column of its output");
        expect(c, op->in[0].rows == op->out[i].rows, "input and output differ in rows");
        if (bias) expect(c, is_vector(c, bias, shape.rows), "a bias is not as long as its output is wide");
    }
}

static void check_act(checker *c, const llm_op *op) {
    bool same = same_shape(&op->in[0], &op->out[0]) && same_shape(&op->in[1], &op->out[0]);
    expect(c, same, "inputs and output differ in shape");
    expect(c, op->u.act.kind >= 0 && op->u.act.kind < LLM_N_ACTS, "the activation is unknown");
}

static void check_angles(checker *c, const llm_op *op) {
    bool fits = op->w[0] && op->out[0].cols % 2 == 0 && is_vector(c, op->w[0], op->out[0].cols / 2);
    expect(c, fits, "the output has not two columns for each frequency");
    expect(c, op->out[0].rows == LLM_ROWS_STEP, "its output is not of the step's rows");
}

static void check_rope(checker *c, const llm_op *op) {
    int32_t head_dim = op->u.rope.head_dim, style = op->u.rope.style;
    const llm_value *x = &op->in[0], *angles = &op->in[1];
    if (expect(c, head_dim > 0 && x->cols % head_dim == 0, "rows are not a multiple of a head"))
        expect(c, angles->cols % 2 == 0 && angles->cols <= head_dim, "there are more angles than a head has elements");
    expect(c, x->rows == angles->rows, "input and angles differ in rows");
    expect(c, style >= 0 && style < LLM_N_ROPE_STYLES, "the style is unknown");
    expect(c, same_shape(x, &op->out[0]) && x->offset == op->out[0].offset, "it is not in place");
}

static void check_kv_write(checker *c, const llm_op *op) {
    const llm_state_desc *d = state_of(c, op->u.kv_write.state);
    if (!expect(c, d != NULL, "there is no such state")) return;
    bool fits = op->in[0].cols == (int64_t)d->n_heads * d->k_dim && op->in[1].cols == (int64_t)d->n_heads * d->v_dim;
    expect(c, fits, "keys or values are not as wide as the state's");
    expect(c, op->in[0].rows == LLM_ROWS_STEP && op->in[1].rows == LLM_ROWS_STEP, "it is not of the step's rows");
}

static void check_attend(checker *c, const llm_op *op) {
    const llm_state_desc *d = state_of(c, op->u.attend.state);
    int32_t n_heads = op->u.attend.n_heads;
    if (!expect(c, d != NULL, "there is no such state")) return;
    if (!expect(c, d->n_heads > 0 && n_heads > 0 && n_heads % d->n_heads == 0,
                "heads are not a multiple of the state's"))
        return;
    expect(c, op->in[0].cols == (int64_t)n_heads * d->k_dim, "queries are not as wide as the state's keys");
    expect(c, op->out[0].cols == (int64_t)n_heads * d->v_dim, "the output is not as wide as the state's values");
    expect(c, op->in[0].rows == LLM_ROWS_STEP && op->out[0].rows == LLM_ROWS_STEP, "it is not of the step's rows");
}

static void check_gather(checker *c, const llm_op *op) {
    expect(c, op->in[0].cols == op->out[0].cols, "input and output differ in width");
    expect(c, op->in[0].rows == LLM_ROWS_STEP && op->out[0].rows == LLM_ROWS_OUT, "its rows are of another kind");
}

static void (*const checks[LLM_N_OPS])(checker *c, const llm_op *op) = {
    [LLM_OP_EMBED] = check_embed,   [LLM_OP_NORM] = check_norm,         [LLM_OP_LINEAR] = check_linear,
    [LLM_OP_ACT] = check_act,       [LLM_OP_ANGLES] = check_angles,     [LLM_OP_ROPE] = check_rope,
    [LLM_OP_ATTEND] = check_attend, [LLM_OP_KV_WRITE] = check_kv_write, [LLM_OP_GATHER] = check_gather,
};

static void check_values(checker *c, const llm_op *op) {
    for (int32_t i = 0; i < llm_op_inputs(op); i++)
        expect(c, is_value(c->program, &op->in[i]), "an input is not inside the workspace");
    for (int32_t i = 0; i < llm_op_results(op) && i < LLM_MAX_PRODUCTS; i++)
        expect(c, is_value(c->program, &op->out[i]), "an output is not inside the workspace");
}

llm_status llmk_program_check(const llm_host *host, const llm_program *program, const llm_op_fn ops[LLM_N_OPS],
                              llmk_shape (*shape_of)(const llm_weight *w)) {
    checker c = {program, shape_of, NULL};
    llm_status status = llm_interpret_check(ops, program, host);
    for (int32_t i = 0; i < program->n_ops && status == LLM_OK; i++) {
        const llm_op *op = llm_program_op(program, i);
        check_values(&c, op);
        checks[op->kind](&c, op);
        if (c.fault)
            status = llmk_error(host, LLM_E_INTERNAL, "operation %s of layer %d: %s", llm_op_name(op->kind),
                                (int)op->layer, c.fault);
    }
    return status;
}

llm_status llmk_states_check(const llm_host *host, const llm_program *program, int32_t group, int32_t n_items) {
    if (program->limits.page_tokens < 1 || n_items < 1)
        return llmk_error(host, LLM_E_ARGUMENT, "KV cache: %d pages of %d tokens; expected 1 or more", (int)n_items,
                          (int)program->limits.page_tokens);
    for (int32_t i = 0; i < program->n_states; i++) {
        const llm_state_desc *d = &program->states[i];
        if (d->group != group) continue;
        if (d->kind != LLM_STATE_PAGED)
            return llmk_error(host, LLM_E_UNSUPPORTED, "state %d: kind %d is not implemented by this back end", (int)i,
                              (int)d->kind);
        if (d->dtype != LLM_DTYPE_F32 && d->dtype != LLM_DTYPE_F16)
            return llmk_error(host, LLM_E_UNSUPPORTED, "KV cache: data type is %d, expected F32 or F16", (int)d->dtype);
        if (d->n_heads < 1 || d->k_dim < 1 || d->v_dim < 1)
            return llmk_error(host, LLM_E_ARGUMENT,
                              "KV cache: %d heads with keys of %d and values of %d elements; expected 1 or more",
                              (int)d->n_heads, (int)d->k_dim, (int)d->v_dim);
        if (d->k_dim != d->v_dim)
            return llmk_error(host, LLM_E_UNSUPPORTED,
                              "KV cache: keys of %d and values of %d elements; this back end expects equal widths",
                              (int)d->k_dim, (int)d->v_dim);
    }
    return LLM_OK;
}

llmk_widths llmk_program_widths(const llm_program *program) {
    llmk_widths w = {program->limits.rows[LLM_ROWS_STEP], 0};
    for (int32_t i = 0; i < program->n_ops; i++) {
        const llm_op *op = llm_program_op(program, i);
        const llm_value *v = op->kind == LLM_OP_ANGLES ? op->out : op->in;
        bool counts = op->kind == LLM_OP_LINEAR || op->kind == LLM_OP_NORM || op->kind == LLM_OP_ANGLES;
        if (counts && v->cols > w.cols) w.cols = v->cols;
    }
    for (int32_t i = 0; i < program->n_states; i++)
        if (program->states[i].k_dim > w.cols) w.cols = program->states[i].k_dim;
    return w;
}
