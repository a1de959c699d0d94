/* What a back end with another way to multiply can take from linear.c. */
#ifndef LLMK_CPU_LINEAR_H
#define LLMK_CPU_LINEAR_H

#include "cpu/cpu.h"
#include "cpu/weight.h"

/* Columns of a strip that are expanded at once, at most LLMK_WIDEN_COLS: all planes begin anew after them. More would
 * let memory rest while they are multiplied. */
int64_t llmk_linear_chunk(const llmk_product *k, const llmk_layout *l);

/* The panel of columns [col, col + n_cols) of a strip. It is made in `panel`, or it is the packed form
 * itself; `packed` has room for that form, for weights that are not packed. NULL: it is kept in their
 * copy. *next: where the low bits of further columns lie. */
const uint8_t *llmk_linear_panel(const llmk_product *k, const llm_weight *w, int64_t strip, int64_t col, int64_t n_cols,
                                 uint8_t *panel, uint8_t *packed, const uint8_t **next);

/* Whether to go on; the operation's arguments must fit each other. */
bool llmk_linear_start(llmk_cpu_stream *s, llm_view x, const llm_linear *products, int32_t n);

#endif
