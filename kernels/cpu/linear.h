/* The parts of linear.c for a back end that multiplies in its own way. */
#ifndef LLMK_CPU_LINEAR_H
#define LLMK_CPU_LINEAR_H

#include "cpu/cpu.h"
#include "cpu/weight.h"

/* Columns of a strip that are expanded per call: all planes start a new block after them. */
int64_t llmk_linear_chunk(const llmk_blocking *b, const llmk_product *k, const llmk_layout *l);

/* Returns the panel of columns [col, col + n_cols) of a strip: built in `panel`, or the packed form itself. `packed`
 * has room for that form and is used for weights without a packed copy; NULL packs into the weight's copy.
 * *next receives where the low bits of the following columns are. */
const uint8_t *llmk_linear_panel(const llmk_product *k, const llm_weight *w, int64_t strip, int64_t col, int64_t n_cols,
                                 uint8_t *panel, uint8_t *packed, const uint8_t **next);

/* One product of an operation. */
typedef struct llmk_linear_product {
    const llm_weight *w, *bias; /* bias NULL: none */
    llm_view out;
    bool accumulate;
} llmk_linear_product;

/* Fills products [op->u.linear.n]. */
void llmk_linear_products(llmk_linear_product *products, const llm_op *op, const llm_step *step);

/* n products of x. */
void llmk_linear_multiply(llmk_cpu_stream *s, llm_view x, const llmk_linear_product *products, int32_t n);

#endif
