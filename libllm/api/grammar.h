/* Grammars as requests use them. */
#ifndef LLMI_API_GRAMMAR_H
#define LLMI_API_GRAMMAR_H

#include <llm/grammar.h>

#include "engine/sampler/sampler.h"
#include "grammar/grammar.h"

/* One matcher per completion, and the same as the engine knows them. */
typedef struct llmi_api_matchers {
    const llm_allocator *a;
    llmi_grammar_matcher **items; /* [n]; NULL: no grammar */
    llmi_sampler_mask *masks;
    size_t n;
} llmi_api_matchers;

/* LLM_E_ARGUMENT if the grammar was made for another tokenizer than t. */
llm_status llmi_api_matchers_init(llmi_api_matchers *m, const llm_allocator *a, const llm_grammar *grammar,
                                  const llm_tokenizer *t, size_t n, bool at_start);
void llmi_api_matchers_free(llmi_api_matchers *m);

/* Nothing may follow completion `index`. */
bool llmi_api_matchers_over(const llmi_api_matchers *m, int32_t index);

#endif
