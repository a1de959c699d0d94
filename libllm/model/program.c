#include "model/arch.h"

/* ops, then states: both are multiples of 8 bytes. */
size_t llmi_program_bytes(const llm_program *program) {
    return (size_t)program->n_ops * sizeof(llm_op) + (size_t)program->n_states * sizeof(llm_state_desc);
}

void llmi_program_record(llm_program *out, const llm_model *m, const llm_limits *limits, void *memory) {
    llmi_recorder r = {.layer = -1, .limits = *limits};
    m->arch->forward(m, &r);
    if (memory) {
        llm_op *ops = memory;
        r = (llmi_recorder){.ops = ops, .states = (void *)(ops + r.n_ops), .layer = -1, .limits = *limits};
        m->arch->forward(m, &r);
    }
    *out = (llm_program){
        .struct_size = sizeof *out,
        .op_size = sizeof(llm_op),
        .ops = r.ops,
        .states = r.states,
        .n_ops = r.n_ops,
        .n_states = r.n_states,
        .n_groups = r.n_states > 0,
        .limits = *limits,
        .workspace_bytes = r.peak,
        .hidden = r.hidden,
        .logits = r.logits,
    };
}
