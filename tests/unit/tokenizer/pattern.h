/* Patterns and pre-tokenizers alone, for tests in C++, which cannot read tokenizer/internal.h. */
#ifndef TEST_TEXT_PATTERN_H
#define TEST_TEXT_PATTERN_H

#include <stdbool.h>

#include "base/buf.h"

#include <llm/status.h>

typedef struct test_pattern test_pattern;

/* *out is also made where the pattern is refused; then `pattern_find` must not be called. */
llm_status pattern_create(test_pattern **out, const char *text, size_t n, bool jit);
void pattern_destroy(test_pattern *p);
/* Appends the begin and end of each match, as size_t. *steps: what it took; *most: what it may. */
llm_status pattern_find(test_pattern *p, llmi_buf *out, const char *text, size_t n, int64_t *steps, int64_t *most);

/* Appends the bytes of each piece, as llm_token, that the pre-tokenizer of a GGUF file cuts a text into. */
llm_status preset_cut(llmi_buf *out, const char *name, const char *text, size_t n);

#endif
