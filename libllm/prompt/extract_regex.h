/* Patterns of users (PCRE2, UTF-8, Unicode classes): one call has one budget, and a hostile one ends in an error. */
#ifndef LLMI_PROMPT_EXTRACT_REGEX_H
#define LLMI_PROMPT_EXTRACT_REGEX_H

#include <stdbool.h>

#include "base/status.h"

typedef struct llmi_extract_regex llmi_extract_regex;

llm_status llmi_extract_regex_create(llmi_extract_regex **out, const llm_allocator *a, const char *pattern, size_t n);
void llmi_extract_regex_destroy(llmi_extract_regex *p);

/* The first match in valid UTF-8: its first group that took part, or all of it. *found says whether there is one.
 * Errors: LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_extract_regex_find(llm_span *out, bool *found, const llmi_extract_regex *p, const char *text, size_t n);

#endif
