#include "model/recorder.h"

#include "base/alloc.h"

llm_value llmi_recorder_take(llmi_recorder *r, int32_t rows, int32_t cols) {
    llm_value v = {.offset = (int64_t)r->used, .cols = cols, .stride = cols, .rows = rows};
    size_t n_bytes = (size_t)r->limits.rows[rows] * (size_t)cols * sizeof(float);
    r->used += (n_bytes + LLMI_ALIGN - 1) & ~(size_t)(LLMI_ALIGN - 1); /* hparams.c keeps it far from overflow */
    if (r->used > r->peak) r->peak = r->used;
    return v;
}

void llmi_recorder_release(llmi_recorder *r, size_t mark) {
    r->used = mark;
}

void llmi_recorder_add(llmi_recorder *r, llm_op op) {
    op.layer = r->layer;
    if (r->ops) r->ops[r->n_ops] = op;
    r->n_ops++;
}

int32_t llmi_recorder_kv(llmi_recorder *r, int32_t n_heads, int32_t head_dim) {
    if (r->states)
        r->states[r->n_states] = (llm_state_desc){
            .kind = LLM_STATE_PAGED,
            .group = 0, /* no layer gives pages back before the others */
            .n_heads = n_heads,
            .k_dim = head_dim,
            .v_dim = head_dim,
            .dtype = r->limits.kv_dtype,
        };
    return r->n_states++;
}
