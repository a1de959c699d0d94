/* Which variables a format shows. */
#ifndef LLMI_PROMPT_FORMAT_VARIABLES_H
#define LLMI_PROMPT_FORMAT_VARIABLES_H

#include "base/buf.h"

/* Appends (llm_span into `source`, each once) the names without which the format's text would have a hole: those of
 * {{ }}, but for expressions that have a condition or a default, and names that a statement {% %} mentions. Formats are
 * valid templates. False: out of memory. */
bool llmi_prompt_format_variables(llmi_buf *names, llm_span source);

#endif
