/* The letter by which an answer names one of several choices. */
#ifndef LLMI_PROMPT_EXTRACT_LETTER_H
#define LLMI_PROMPT_EXTRACT_LETTER_H

#include "base/buf.h"
#include "base/status.h"

/* Appends the last letter of the set (ASCII capitals) that is a word by itself in valid UTF-8, or one of either case in
 * parentheses. *found is false if there is none. LLM_E_MEMORY. */
llm_status llmi_extract_letter_last(llmi_buf *out, bool *found, llm_span letters, const char *text, size_t n);

#endif
