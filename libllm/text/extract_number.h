/* Numbers as people write them. */
#ifndef LLMI_TEXT_EXTRACT_NUMBER_H
#define LLMI_TEXT_EXTRACT_NUMBER_H

#include <stdbool.h>

#include "base/buf.h"

/* Length of the number at text[0..n-1]: sign, digits (grouped by commas or not), fraction; 0 if there is none. */
size_t llmi_number_scan(const char *text, size_t n);

/* Appends a scanned number in its one form: 1,234.50 as 1234.5, -0 as 0. */
bool llmi_number_append(llmi_buf *out, const char *text, size_t n);

/* The last number of a text; ptr NULL if it has none. "5-3" ends with 3, "x-3" with -3 only after a blank. */
llm_span llmi_number_last(const char *text, size_t n);

#endif
