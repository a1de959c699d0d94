/* UTF-8 at its edges. */
#ifndef LLMI_TEXT_UTF8_H
#define LLMI_TEXT_UTF8_H

#include <stddef.h>

/* Number of leading bytes of text[0..n-1] that can be handed out: all but a trailing character
 * that is not whole yet but could become so. */
size_t llmi_utf8_whole(const char *text, size_t n);

struct llmi_buf;
/* Appends text with each maximal invalid part replaced by U+FFFD (Unicode, "substitution of
 * maximal subparts"). */
int llmi_utf8_repair(struct llmi_buf *out, const char *text, size_t n);

#endif
