/* Numbers as people write them. */
#ifndef LLMI_PROMPT_EXTRACT_NUMBER_H
#define LLMI_PROMPT_EXTRACT_NUMBER_H

#include "base/buf.h"
#include "base/status.h"

/* Appends the last number of valid UTF-8 in canonical form: 1,234.50 as 1234.5, -0 as 0, 1.5e3 as 1500, 3/4 as 0.75.
 * *found is false if there is none. What is spelled with digits and is not one number is skipped: 10:30, 2024-05-01,
 * 1.2.3, 2^10, x2. LLM_E_MEMORY. */
llm_status llmi_extract_number_last(llmi_buf *out, bool *found, const char *text, size_t n);

/* The same for a text that is one number and nothing else; fractions are not read. */
llm_status llmi_extract_number_whole(llmi_buf *out, bool *found, const char *text, size_t n);

/* Whether a number begins here with a sign or a point: "-5", ".5", "-$5". */
bool llmi_extract_number_begins(const char *text, size_t n);

#endif
