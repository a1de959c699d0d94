/* Text for people: formatting that does not depend on the host's locale, and bytes from outside
 * made fit to be shown. */
#ifndef LLMI_BASE_TEXT_H
#define LLMI_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <llm/types.h>

/* snprintf with a decimal point in every locale. A text that does not fit is cut before a whole UTF-8
 * character. Knows the conversions d i u o x X c s p f F e E g G and %, with flags, width,
 * precision and the lengths hh h l ll z j t. Returns the bytes that the whole text has. capacity > 0. */
size_t llmi_vformat(char *out, size_t capacity, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
size_t llmi_format(char *out, size_t capacity, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The shortest decimal text that reads back as `value`, in JSON's notation where it is finite. */
enum { LLMI_NUMBER_BYTES = 32 };
const char *llmi_number(char out[LLMI_NUMBER_BYTES], double value);
const char *llmi_number_f32(char out[LLMI_NUMBER_BYTES], float value);

/* The length of a text that callers give: n_bytes, or LLM_NTS for what strlen says. */
static inline size_t llmi_text_length(const char *text, size_t n_bytes) {
    return n_bytes == LLM_NTS ? strlen(text) : n_bytes;
}

/* The same bytes as a NUL-terminated text. */
static inline bool llmi_span_is(llm_span span, const char *text) {
    return span.len == strlen(text) && memcmp(span.ptr, text, span.len) == 0;
}

/* strtod of the C locale, whatever the host's is; end may be NULL. */
double llmi_strtod(const char *text, char **end);

/* Copies n bytes of unknown origin so that they can be quoted in a message: control characters, quotes, backslashes and
 * what is not UTF-8 come out as \n or \xHH; a text that does not fit ends in "...". capacity >= 8. Returns out. */
const char *llmi_quote(char *out, size_t capacity, const char *bytes, size_t n);

/* The same with storage that lasts until the end of the enclosing block. */
#define LLMI_QUOTE(bytes, n) llmi_quote((char[128]){0}, 128, (bytes), (n))

/* Makes the text of a message fit to be shown, in place: what is not UTF-8 and control characters but newline and tab
 * become \xHH; what no longer fits is cut as above. */
void llmi_clean(char *text, size_t capacity);

#endif
