/* How the file of a model says that its embeddings are made. */
#ifndef LLMI_API_POOLING_H
#define LLMI_API_POOLING_H

#include "format/gguf_write.h"
#include "model/model.h"

/* Fills m->pooling from "<arch>.pooling_type", or from modules.json and the pooling's config.json as
 * sentence-transformers writes them. What is not computed is an error only of llm_embed. */
llm_status llmi_pooling_read(llm_model *m);

/* The same under GGUF's keys; `arch` is their prefix. */
llm_status llmi_pooling_put(llmi_gguf_writer *w, const llm_model *m, const char *arch);

#endif
