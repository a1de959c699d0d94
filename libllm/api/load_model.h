/* Where text and model meet: the tokenizer that a model's files describe. */
#ifndef LLMI_API_LOAD_MODEL_H
#define LLMI_API_LOAD_MODEL_H

#include "model/model.h"
#include "tokenizer/tokenizer.h"

/* *out is NULL if the files hold no tokenizer. It keeps the runtime alive. */
llm_status llmi_api_load_tokenizer(llm_tokenizer **out, llmi_weights *w, llm_runtime *rt);

/* The same from the texts of a Hugging Face tokenizer. */
llm_status llmi_api_load_tokenizer_json(llm_tokenizer **out, llm_runtime *rt, const llmi_tokenizer_files *files);

/* The files of such a tokenizer by name, the first of which must be there, and where the text of each belongs. */
enum { LLMI_API_TOKENIZER_FILES = 4 };
extern const char *const llmi_api_tokenizer_file_names[LLMI_API_TOKENIZER_FILES];
llm_span *llmi_api_tokenizer_file(llmi_tokenizer_files *files, int i);

/* Makes the public calls' model: weights, and the tokenizer if there is one. */
llm_status llmi_api_load_model(llm_model **out, llm_runtime *rt, const char *path, const llm_model_options *options);

/* Says that the files hold no tokenizer, and what they hold instead. Returns `status`. */
llm_status llmi_api_no_tokenizer(llm_status status, const llmi_weights *w);

#endif
