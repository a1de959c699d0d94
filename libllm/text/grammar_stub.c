#include "text/grammar_make.h"
llm_status llmi_grammar_from_schema(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text, size_t n){*out=NULL;return llmi_error(LLM_E_UNSUPPORTED,"not yet");}
llm_status llmi_grammar_from_regex(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text, size_t n){*out=NULL;return llmi_error(LLM_E_UNSUPPORTED,"not yet");}
