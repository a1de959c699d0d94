/* Example sets: JSON lines, a JSON array or CSV (RFC 4180) to a list of objects. */
#ifndef LLMI_TEXT_FEWSHOT_H
#define LLMI_TEXT_FEWSHOT_H

#include "base/old_json.h"

enum { LLMI_FEWSHOT_AUTO = 0, LLMI_FEWSHOT_JSONL, LLMI_FEWSHOT_JSON, LLMI_FEWSHOT_CSV };

enum { LLMI_FEWSHOT_MAX_EXAMPLES = 1 << 20, LLMI_FEWSHOT_MAX_COLUMNS = 1024 };

/* Appends the examples of n bytes of UTF-8 to the array; after a failure it holds what it held before. AUTO: by
 * the first character, '[' a JSON array, '{' JSON lines, anything else CSV. The first record of CSV names the
 * fields, whose values are texts. Errors: LLM_E_FORMAT with the line, LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_fewshot_read(json_t *examples, const llm_allocator *a, const char *text, size_t n, int32_t format);

#endif
