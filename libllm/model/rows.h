/* The rows of a family's table of weights, and the tensors of a file that belong to them. */
#ifndef LLMI_MODEL_ROWS_H
#define LLMI_MODEL_ROWS_H

#include "model/arch.h"

typedef char llmi_row_name[160];

/* Whether each layer has a weight of the row. */
bool llmi_rows_is_layer(const llmi_weight_row *row);

/* A pattern with the layer's number in place of %d. */
void llmi_rows_expand(llmi_row_name out, const char *pattern, int32_t layer);

/* The row's tensor, or NULL; `name` receives the name that was looked for. */
const llmi_tensor *llmi_rows_find(llmi_row_name name, const llmi_weights *w, const llmi_weight_row *row, int32_t layer);

/* Whether a tensor of this name belongs to the row, in one of n_layers layers. */
bool llmi_rows_matches(const llmi_weight_row *row, int format, llm_span name, int32_t n_layers);

/* Whether the model has the weight, by the row's flag; true for a row without one. */
llm_status llmi_rows_is_wanted(bool *out, const llmi_weights *w, const llmi_weight_row *row);

#endif
