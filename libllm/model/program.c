#include <string.h>

#include "model/arch.h"

/* ops, then states. Rounded up to 8 bytes. */
size_t llmi_program_bytes(const llm_program *program) {
    size_t states = (size_t)program->n_states * sizeof(llm_state_desc);
    return (size_t)program->n_ops * sizeof(llm_op) + (states + 7) / 8 * 8;
}

/* Only counts, and finds the groups. */
static llmi_recorder count(const llm_model *m, const llm_limits *limits) {
    llmi_recorder r = {.layer = -1, .limits = *limits};
    m->arch->forward(m, &r);
    for (int32_t i = 1; i < r.n_groups; i++)
        if (!r.windows[i]) {
            r.windows[i] = r.windows[0];
            r.windows[0] = 0;
        }
    return r;
}

int32_t llmi_program_windows(int32_t windows[LLMI_MAX_GROUPS], const llm_model *m) {
    llm_limits limits = {.rows = {1, 1, 1}, .seqs = 1, .page_tokens = 1};
    llmi_recorder r = count(m, &limits);
    memcpy(windows, r.windows, sizeof r.windows);
    return r.n_groups;
}

void llmi_program_record(llm_program *out, const llm_model *m, const llm_limits *limits, void *memory) {
    llmi_recorder r = count(m, limits);
    if (memory) {
        llmi_recorder counted = r;
        llm_op *ops = memory;
        r = (llmi_recorder){.ops = ops, .states = (void *)(ops + r.n_ops), .layer = -1, .limits = *limits};
        r.n_groups = counted.n_groups;
        memcpy(r.windows, counted.windows, sizeof r.windows);
        m->arch->forward(m, &r);
    }
    *out = (llm_program){
        .struct_size = sizeof *out,
        .op_size = sizeof(llm_op),
        .ops = r.ops,
        .states = r.states,
        .n_ops = r.n_ops,
        .n_states = r.n_states,
        .n_groups = r.n_groups,
        .limits = *limits,
        .workspace_bytes = r.peak,
        .hidden = r.hidden,
        .logits = r.logits,
    };
}
