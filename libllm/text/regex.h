/* Patterns of pre-tokenizers and replacements: PCRE2 with its compiler, memory from the host. */
#ifndef LLMI_TEXT_REGEX_H
#define LLMI_TEXT_REGEX_H

#include <stdbool.h>

#include "text/tok.h"

typedef struct llmi_regex llmi_regex;

/* Patterns are UTF-8, in the syntax tokenizer.json files use (Oniguruma's); \s is Unicode's White_Space. */
llm_status llmi_regex_create(llmi_regex **out, const llm_allocator *a, const char *pattern, size_t n);
void llmi_regex_destroy(llmi_regex *r);

/* The first match at or behind `from` in valid UTF-8. *found says whether there is one. */
llm_status llmi_regex_find(llmi_work *w, const llmi_regex *r, const char *text, size_t n, size_t from, bool *found,
                           size_t *begin, size_t *end);
void llmi_regex_free_match(llmi_work *w);

#endif
