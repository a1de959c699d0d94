/* What the other files of this layer need of llm/tokenizer.h's calls. */
#ifndef LLMI_API_TOKENIZER_H
#define LLMI_API_TOKENIZER_H

#include "tokenizer/tokenizer.h"

/* Where a tokenizer's memory comes from. */
const llm_allocator *llmi_api_tokenizer_memory(const llm_tokenizer *tokenizer);

/* LLM_E_ARGUMENT names an id outside the vocabulary, or unknown flags. */
llm_status llmi_api_check_token(const llm_tokenizer *tokenizer, llm_token token);
llm_status llmi_api_check_encode_flags(uint32_t flags);
llm_status llmi_api_check_decode_flags(uint32_t flags);

#endif
