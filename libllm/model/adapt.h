/* A tensor of a file in the form that its row asks for.
 *
 *     c_attn of GPT-2 [in, 3 * n]  --transposed-->  [3 * n, in]  --slice-->  rows n .. 2n - 1: the keys
 *
 * Contiguous rows are a view of the file's bytes. Everything else is a copy in the host's memory, made once: in the
 * type of the file, but for w + 1, which only F32 holds exactly. */
#ifndef LLMI_MODEL_ADAPT_H
#define LLMI_MODEL_ADAPT_H

#include "base/buf.h"
#include "model/rows.h"

/* Compares the shape of t, the row's tensor of this name, with the hyper-parameters. *out: as the model binds it; what
 * had to be copied is added to `copies` and lives with them. */
llm_status llmi_adapt_to_bind(llmi_tensor *out, llmi_buf *copies, const llm_model *m, const llmi_weight_row *row,
                              const llmi_tensor *t, const char *name);

/* The same of a Hugging Face directory, as GGUF holds it. */
llm_status llmi_adapt_to_gguf(llmi_tensor *out, llmi_buf *copies, const llm_model *m, const llmi_weight_row *row,
                              const llmi_tensor *t, const char *name);

/* Bytes of all copies. */
size_t llmi_adapt_bytes(const llmi_buf *copies);

/* Frees them, and the list. */
void llmi_adapt_free(llmi_buf *copies);

#endif
