/* Where text and model meet: the tokenizer that a model's files describe. */
#ifndef LLMI_API_JOIN_H
#define LLMI_API_JOIN_H

#include "model/model.h"
#include "text/tokenizer.h"

/* *out is NULL if the files hold no tokenizer. It keeps the runtime alive. */
llm_status llmi_join_tokenizer(llm_tokenizer **out, llmi_weights *w, llm_runtime *rt);

/* The same from the texts of tokenizer.json and, unless NULL, tokenizer_config.json. */
llm_status llmi_join_json(llm_tokenizer **out, llm_runtime *rt, llm_span json, llm_span config);

/* Makes the public calls' model: weights, and the tokenizer if there is one. */
llm_status llmi_join_load(llm_model **out, llm_runtime *rt, const char *path, const llm_model_options *options);

#endif
