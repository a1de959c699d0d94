/* The answer inside a text, and answers made comparable. */
#ifndef LLMI_PROMPT_EXTRACT_H
#define LLMI_PROMPT_EXTRACT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

typedef struct llmi_extract llmi_extract;

/* spec: see llm_extract in llm/reason.h. Errors: LLM_E_ARGUMENT for one that is none of these, LLM_E_FORMAT for a
 * pattern that does not compile, LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_extract_create(llmi_extract **out, const llm_allocator *a, const char *spec, size_t n);
void llmi_extract_destroy(llmi_extract *x);

/* The answer in `text` replaces what `out` holds. *found is false, and out empty, if there is none. Errors:
 * LLM_E_LIMIT for a pattern that takes too many steps, LLM_E_MEMORY. Any thread. */
llm_status llmi_extract_run(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n);

/* Appends the comparable form: NFKC in lower case, one space between words, no spaces, punctuation or currency signs at
 * the ends; a number in its one form (extract_number.h). */
bool llmi_extract_normalize(llmi_buf *out, const char *text, size_t n);

/* The same without what concerns punctuation and numbers. */
bool llmi_extract_fold(llmi_buf *out, const char *text, size_t n);

#endif
