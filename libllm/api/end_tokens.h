/* The ids that end a generation beyond those that the tokenizer knows of itself. */
#ifndef LLMI_API_END_TOKENS_H
#define LLMI_API_END_TOKENS_H

#include "format/gguf_write.h"
#include "format/weights.h"
#include "tokenizer/tokenizer.h"

struct llmi_log;

/* Adds eos_token_id of config.json and of generation_config.json, each an id or a list of them; of GGUF, the list that
 * llmi_end_tokens_put has written. Ids beyond the vocabulary are ignored, with a warning. */
llm_status llmi_end_tokens_add(llm_tokenizer *t, llmi_weights *w, const struct llmi_log *log);

/* Writes all ids that end a generation: GGUF has keys for a few of them alone. */
llm_status llmi_end_tokens_put(llmi_gguf_writer *w, const llm_tokenizer *t);

#endif
