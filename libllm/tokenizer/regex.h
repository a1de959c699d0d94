/* Patterns of pre-tokenizers and replacements: Oniguruma's syntax, matched by PCRE2, memory from the host.
 *
 * What a call may spend is counted for the whole call (llmi_encode_work.steps): a match is first tried with few steps
 * and a short stretch of the text in view, and with more as it needs more. Whatever pattern and text are, encoding
 * takes time linear in the text or ends with LLM_E_LIMIT. */
#ifndef LLMI_TOKENIZER_REGEX_H
#define LLMI_TOKENIZER_REGEX_H

#include <stdbool.h>

#include "tokenizer/internal.h"

typedef struct llmi_regex llmi_regex;

/* Patterns are UTF-8; what the syntax has and cannot be done here is refused by name (oniguruma.h). jit: PCRE2 may
 * compile the pattern to machine code. */
llm_status llmi_regex_create(llmi_regex **out, const llm_allocator *a, const char *pattern, size_t n, bool jit);
void llmi_regex_destroy(llmi_regex *r);

/* The matches in valid UTF-8, one after the other, as the reference finds them: an empty match may not touch the end of
 * the match before it. Zero all but r, text and n. */
typedef struct llmi_regex_matches {
    const llmi_regex *r;
    const char *text;
    size_t n;
    size_t from, last_end;
    bool any; /* there was a match, which ended at last_end */
} llmi_regex_matches;

/* *found says whether there is another one. */
llm_status llmi_regex_next(llmi_encode_work *w, llmi_regex_matches *m, bool *found, size_t *begin, size_t *end);
void llmi_regex_free_match(llmi_encode_work *w);

#endif
