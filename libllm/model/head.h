/* Which tensors are a model's embedding and its head. */
#ifndef LLMI_MODEL_HEAD_H
#define LLMI_MODEL_HEAD_H

#include "model/rows.h"

typedef struct llmi_head {
    const llmi_tensor *embed, *output;             /* output: NULL when it is the embedding, or when there is none */
    const llmi_weight_row *embed_row, *output_row; /* NULL: the family has none */
    llmi_row_name embed_name, output_name;
    bool tied;
    bool differ; /* tied by its flag, but stored twice with different values: both are used, as by transformers 5 */
} llmi_head;

/* Whether the row is that of the embedding or of the head. */
bool llmi_head_is_end(const llmi_weight_row *row);

/* A model that has neither a head nor a shared embedding is refused, unless its file says that it is one without
 * (class "LlamaModel"): such a model can be embedded with, and nothing else. */
llm_status llmi_head_find(llmi_head *out, const llm_model *m);

#endif
