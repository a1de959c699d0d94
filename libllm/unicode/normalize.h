/* Unicode's normalization forms, in time linear in the text. */
#ifndef LLMI_UNICODE_NORMALIZE_H
#define LLMI_UNICODE_NORMALIZE_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the form of valid UTF-8. */
bool llmi_unicode_normalize(llmi_buf *out, const char *text, size_t n, bool compose, bool compat);

#endif
