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

/* Layers with equal windows share a group. Should a model have more kinds of them than there are groups, the last one
 * takes them all and sees as far back as any of them. */
static int32_t group_of(llmi_recorder *r, int32_t window) {
    int32_t i = 0;
    while (i < r->n_groups && r->windows[i] != window) i++;
    if (i < LLMI_MAX_GROUPS) {
        if (i == r->n_groups) r->windows[r->n_groups++] = window;
        return i;
    }
    int32_t *last = &r->windows[LLMI_MAX_GROUPS - 1];
    *last = !*last || !window ? 0 : *last > window ? *last : window;
    return LLMI_MAX_GROUPS - 1;
}

int32_t llmi_recorder_kv(llmi_recorder *r, int32_t n_heads, int32_t head_dim, int32_t window) {
    int32_t group = group_of(r, window);
    if (r->states)
        r->states[r->n_states] = (llm_state_desc){
            .kind = LLM_STATE_PAGED,
            .group = group,
            .n_heads = n_heads,
            .k_dim = head_dim,
            .v_dim = head_dim,
            .dtype = r->limits.kv_dtype,
            .window = window,
        };
    return r->n_states++;
}
