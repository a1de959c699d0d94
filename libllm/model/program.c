#include "model/arch.h"

void llmi_model_record(llm_program *out, const llm_model *m, const llm_limits *limits, llm_op *ops) {
    llmi_recorder r = {.ops = ops, .layer = -1, .limits = *limits};
    m->arch->forward(m, &r);
    *out =
        (llm_program){.ops = ops, .n_ops = r.n_ops, .workspace_bytes = r.peak, .hidden = r.hidden, .logits = r.logits};
}

/* ---- running it on a table of operations ---- */

static int32_t count_rows(const llmi_step *step, int32_t rows) {
    return rows == LLM_ROWS_STEP ? step->batch->n_rows : rows == LLM_ROWS_OUT ? step->n_out : step->n_logits;
}

llm_view llmi_step_view(const llmi_step *step, llm_value v) {
    return (llm_view){.data = (float *)(void *)(step->workspace + v.offset),
                      .rows = count_rows(step, v.rows),
                      .cols = v.cols,
                      .stride = v.stride};
}

static void embed(const llmi_step *step, const llm_op *op) {
    step->s->ops->embed(step->s, llmi_step_view(step, op->out[0]), op->w[0], step->batch->tokens);
}

/* A contiguous matrix as one row for each group of columns. */
static llm_view by_group(llm_view v, int32_t group) {
    if (!group) return v;
    return (llm_view){.data = v.data, .rows = v.rows * v.cols / group, .cols = group, .stride = group};
}

static void norm(const llmi_step *step, const llm_op *op) {
    llm_view out = by_group(llmi_step_view(step, op->out[0]), op->u.norm.group);
    llm_view x = by_group(llmi_step_view(step, op->in[0]), op->u.norm.group);
    step->s->ops->rms_norm(step->s, out, x, op->w[0], op->u.norm.eps);
}

static void linear(const llmi_step *step, const llm_op *op) {
    llm_linear products[LLM_MAX_PRODUCTS];
    for (int32_t i = 0; i < op->u.linear.n; i++)
        products[i] = (llm_linear){.w = op->w[2 * i],
                                   .bias = op->w[2 * i + 1],
                                   .out = llmi_step_view(step, op->out[i]),
                                   .accumulate = op->u.linear.accumulate >> i & 1};
    step->s->ops->linear(step->s, llmi_step_view(step, op->in[0]), products, op->u.linear.n);
}

static void act(const llmi_step *step, const llm_op *op) {
    step->s->ops->glu(step->s, llmi_step_view(step, op->out[0]), llmi_step_view(step, op->in[0]),
                      llmi_step_view(step, op->in[1]), op->u.act.kind);
}

static void angles(const llmi_step *step, const llm_op *op) {
    step->s->ops->rope_angles(step->s, llmi_step_view(step, op->out[0]), step->batch->positions, op->u.angles.inv_freq,
                              op->u.angles.scale);
}

static void rope(const llmi_step *step, const llm_op *op) {
    step->s->ops->rope(step->s, llmi_step_view(step, op->out[0]), llmi_step_view(step, op->in[1]), op->u.rope.head_dim,
                       op->u.rope.style);
}

static void kv_write(const llmi_step *step, const llm_op *op) {
    step->s->ops->kv_write(step->s, step->kv, op->layer, llmi_step_view(step, op->in[0]),
                           llmi_step_view(step, op->in[1]), step->batch);
}

static void attend(const llmi_step *step, const llm_op *op) {
    llm_attention attention = {.q = llmi_step_view(step, op->in[0]),
                               .out = llmi_step_view(step, op->out[0]),
                               .layer = op->layer,
                               .n_heads = op->u.attend.n_heads,
                               .window = op->u.attend.window,
                               .scale = op->u.attend.scale};
    step->s->ops->attention(step->s, &attention, step->kv, step->batch);
}

static void gather(const llmi_step *step, const llm_op *op) {
    step->s->ops->gather(step->s, llmi_step_view(step, op->out[0]), llmi_step_view(step, op->in[0]), step->out_rows);
}

static void (*const run[LLM_N_OPS])(const llmi_step *step, const llm_op *op) = {
    [LLM_OP_EMBED] = embed,   [LLM_OP_NORM] = norm,         [LLM_OP_LINEAR] = linear,
    [LLM_OP_ACT] = act,       [LLM_OP_ANGLES] = angles,     [LLM_OP_ROPE] = rope,
    [LLM_OP_ATTEND] = attend, [LLM_OP_KV_WRITE] = kv_write, [LLM_OP_GATHER] = gather,
};

/* Nothing is to be done for a value without rows: a step that only fills the cache has no results. */
void llmi_program_run(const llm_program *program, const llmi_step *step) {
    for (const llm_op *op = program->ops, *end = op + program->n_ops; op < end; op++) {
        const llm_value *value = op->kind == LLM_OP_KV_WRITE ? op->in : op->out;
        if (count_rows(step, value->rows)) run[op->kind](step, op);
    }
}
