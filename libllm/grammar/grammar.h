/* Grammars that a generated text must follow: made once for a tokenizer, used by any number of completions. What may
 * come next is given as a set of tokens.
 *
 *   GBNF, JSON Schema, regular expression -> ir.h -> program.h -> automaton.h -> set of tokens
 *
 * A grammar is untrusted: nothing recurses over it, and everything that it can consume has a limit. */
#ifndef LLMI_GRAMMAR_GRAMMAR_H
#define LLMI_GRAMMAR_GRAMMAR_H

#include <stdbool.h>

#include <llm/status.h>

#include "tokenizer/tokenizer.h"

typedef struct llmi_grammar llmi_grammar;
typedef struct llmi_grammar_matcher llmi_grammar_matcher;

/* Each takes n bytes of UTF-8 and gives one reference; it holds one to the tokenizer. Errors: LLM_E_FORMAT and
 * LLM_E_UNSUPPORTED with line and column (schema: with a JSON pointer), LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_grammar_from_gbnf(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                  size_t n);
llm_status llmi_grammar_from_schema(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                    size_t n);
llm_status llmi_grammar_from_regex(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                   size_t n);
llm_status llmi_grammar_from_choices(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t,
                                     const llm_span *choices, size_t n);

llmi_grammar *llmi_grammar_ref(llmi_grammar *g);
void llmi_grammar_unref(llmi_grammar *g);
const llm_tokenizer *llmi_grammar_tokenizer(const llmi_grammar *g);

/* One text that follows the grammar. at_start: its tokens begin a text, so that spaces which a tokenizer puts before a
 * text are ignored. One thread at a time. */
llm_status llmi_grammar_matcher_create(llmi_grammar_matcher **out, llmi_grammar *g, const llm_allocator *a,
                                       bool at_start);
void llmi_grammar_matcher_destroy(llmi_grammar_matcher *m);

/* Clears the bit of each token that cannot come next in a set of n_vocab bits; tokens that end a generation stay if the
 * text is complete. LLM_E_UNSUPPORTED if no token is left. */
llm_status llmi_grammar_matcher_mask(llmi_grammar_matcher *m, uint64_t *allowed, int32_t n_vocab);
/* Accepts the next token. LLM_E_ARGUMENT if it is not allowed. */
llm_status llmi_grammar_matcher_accept(llmi_grammar_matcher *m, llm_token token);
/* The text may end here; nothing may follow it. */
bool llmi_grammar_matcher_is_complete(const llmi_grammar_matcher *m);
bool llmi_grammar_matcher_is_over(const llmi_grammar_matcher *m);

#endif
