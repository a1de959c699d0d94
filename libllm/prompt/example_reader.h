/* Example sets: JSON lines, a JSON array, CSV (RFC 4180) or tab-separated values to a list of objects. */
#ifndef LLMI_PROMPT_EXAMPLE_READER_H
#define LLMI_PROMPT_EXAMPLE_READER_H

#include "base/buf.h"
#include "base/json.h"

/* As LLM_EXAMPLES_* in llm/fewshot.h. */
enum { LLMI_FEWSHOT_AUTO = 0, LLMI_FEWSHOT_JSONL, LLMI_FEWSHOT_JSON, LLMI_FEWSHOT_CSV, LLMI_FEWSHOT_TSV };

enum { LLMI_FEWSHOT_MAX_EXAMPLES = 1 << 20, LLMI_FEWSHOT_MAX_COLUMNS = 1024 };

/* Appends the examples of n bytes of UTF-8 to `examples` (llmi_json objects), whose memory `doc` holds; after a failure
 * the list is what it was. AUTO: by the first character, '[' a JSON array, '{' JSON lines; else by the first line, TSV
 * if it has a tab, otherwise CSV. The first record of CSV and TSV names the fields, whose values are texts. A byte
 * order mark is skipped. Errors: LLM_E_FORMAT with the line, LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_prompt_read_examples(llmi_buf *examples, llmi_json_doc *doc, const char *text, size_t n,
                                     int32_t format);

#endif
