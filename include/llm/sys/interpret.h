/* libllm: runs a program on a back end that has one function for each operation. Such a back end is a table
 *
 *     static const llm_op_fn ops[LLM_N_OPS] = {[LLM_OP_EMBED] = embed, [LLM_OP_NORM] = norm, ...};
 *
 * whose stream_create calls llm_interpret_check, and whose run calls llm_interpret. Plain inline functions: a plug-in
 * links nothing of the library. */
#ifndef LLM_SYS_INTERPRET_H
#define LLM_SYS_INTERPRET_H

#include <stdio.h>

#include <llm/sys/backend.h>

LLM_BEGIN_DECLS

/* One operation on the rows of a step. NULL in a table: the back end does not compute it. */
typedef void (*llm_op_fn)(llm_stream *s, const llm_op *op, const llm_step *step);

/* A value in a step: element (r, c) is data[r * stride + c]. */
typedef struct llm_view {
    float *data;
    int64_t rows, cols;
    int64_t stride; /* in elements */
} llm_view;

static inline llm_view llm_step_view(const llm_step *step, llm_value v) {
    llm_view view;
    view.data = (float *)(void *)(step->workspace + v.offset);
    view.rows = step->rows[v.rows];
    view.cols = v.cols;
    view.stride = v.stride;
    return view;
}

static inline float *llm_view_row(llm_view v, int64_t row) {
    return v.data + row * v.stride;
}

static inline const llm_op *llm_program_op(const llm_program *p, int32_t i) {
    return (const llm_op *)(const void *)((const char *)(const void *)p->ops + (size_t)i * p->op_size);
}

/* A row of ops.def. */
typedef struct llm_op_row {
    const char *name;
    int32_t n_inputs, n_results; /* values; LLM_PER_PRODUCT */
    float tolerance;
} llm_op_row;

enum { LLM_PER_PRODUCT = -1 };

/* kind: 0..LLM_N_OPS-1 */
static inline const llm_op_row *llm_op_row_of(int32_t kind) {
    static const llm_op_row rows[LLM_N_OPS] = {
#define LLM_OP(NAME, inputs, results, tolerance) {#NAME, inputs, results, tolerance},
#include <llm/sys/ops.def>
#undef LLM_OP
    };
    return &rows[kind];
}

/* "LINEAR"; "?" for one that this header does not know. */
static inline const char *llm_op_name(int32_t kind) {
    return kind >= 0 && kind < LLM_N_OPS ? llm_op_row_of(kind)->name : "?";
}

/* Values of op->in and op->out that count. */
static inline int32_t llm_op_inputs(const llm_op *op) {
    return llm_op_row_of(op->kind)->n_inputs;
}

static inline int32_t llm_op_results(const llm_op *op) {
    int32_t n = llm_op_row_of(op->kind)->n_results;
    return n == LLM_PER_PRODUCT ? op->u.linear.n : n;
}

/* Whether the step has rows for it. A step that only fills the caches has none for the last operations. */
static inline int llm_op_has_rows(const llm_op *op, const llm_step *step) {
    const llm_value *value = llm_op_results(op) ? op->out : op->in;
    return step->rows[value->rows] > 0;
}

/* LLM_E_UNSUPPORTED, with operation and layer, if the program has an operation that is not in the table. */
static inline llm_status llm_interpret_check(const llm_op_fn ops[LLM_N_OPS], const llm_program *p,
                                             const llm_host *host) {
    int32_t i;
    for (i = 0; i < p->n_ops; i++) {
        const llm_op *op = llm_program_op(p, i);
        char text[120];
        if (op->kind >= 0 && op->kind < LLM_N_OPS && ops[op->kind]) continue;
        snprintf(text, sizeof text, "operation %s (%d) of layer %d is not implemented by this back end",
                 llm_op_name(op->kind), (int)op->kind, (int)op->layer);
        host->set_error(host->user, LLM_E_UNSUPPORTED, text);
        return LLM_E_UNSUPPORTED;
    }
    return LLM_OK;
}

/* Operations [first, first + n), in order. */
static inline void llm_interpret(const llm_op_fn ops[LLM_N_OPS], const llm_program *p, llm_stream *s,
                                 const llm_step *step, int32_t first, int32_t n) {
    int32_t i;
    for (i = first; i < first + n; i++) {
        const llm_op *op = llm_program_op(p, i);
        if (llm_op_has_rows(op, step)) ops[op->kind](s, op, step);
    }
}

LLM_END_DECLS

#endif
