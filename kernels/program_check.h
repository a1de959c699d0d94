/* Checks a program once, when a stream is bound to it, so that operations need not check their shapes at each step.
 * What is only known in a step, such as ids and pages, is left to the operations. */
#ifndef LLMK_PROGRAM_CHECK_H
#define LLMK_PROGRAM_CHECK_H

#include "common.h"

LLM_BEGIN_DECLS

typedef struct llmk_shape {
    int64_t rows, cols;
} llmk_shape;

/* LLM_E_UNSUPPORTED for operations that are not in the table, LLM_E_INTERNAL for operands that do not fit each other;
 * the text names operation and layer. shape_of: of the back end's own weights. */
llm_status llmk_program_check(const llm_host *host, const llm_program *program, const llm_op_fn ops[LLM_N_OPS],
                              llmk_shape (*shape_of)(const llm_weight *w));

/* Whether the states are supported: paged, F32 or F16, all sizes positive, keys as wide as values. */
llm_status llmk_states_check(const llm_host *host, const llm_program *program, int32_t group, int32_t n_items);

/* Maximum rows of a step, and the widest input of a product or head: they determine the size of scratch memory. */
typedef struct llmk_widths {
    int32_t rows;
    int64_t cols;
} llmk_widths;

llmk_widths llmk_program_widths(const llm_program *program);

LLM_END_DECLS

#endif
