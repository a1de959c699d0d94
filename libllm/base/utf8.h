/* UTF-8 at its edges. */
#ifndef LLMI_BASE_UTF8_H
#define LLMI_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Number of leading bytes of text[0..n-1] that can be handed out: all but a trailing character
 * that is not whole yet but could become so. */
size_t llmi_utf8_whole(const char *text, size_t n);

struct llmi_buf;
/* Appends text with each maximal invalid part replaced by U+FFFD (Unicode, "substitution of
 * maximal subparts"). 0, or LLM_E_MEMORY. */
int llmi_utf8_repair(struct llmi_buf *out, const char *text, size_t n);

#define LLMI_UTF8_INVALID 0xffffffffu

/* The character at text[0], n > 0: its length goes to *n_used. Where no character begins, the answer
 * is LLMI_UTF8_INVALID and *n_used the length of the maximal invalid part (1..3). */
uint32_t llmi_utf8_decode(const char *text, size_t n, size_t *n_used);

/* Writes 1..4 bytes; the character must be a Unicode scalar value. */
size_t llmi_utf8_encode(char out[4], uint32_t c);

/* Length of the valid beginning of text. */
size_t llmi_utf8_valid(const char *text, size_t n);

/* Length of the character at text[0..n-1], 0 if there is none. */
size_t llmi_utf8_char(const char *text, size_t n);

/* Length of the character (or of one invalid byte) at text[0], n > 0. */
static inline size_t llmi_utf8_step(const char *text, size_t n) {
    if ((unsigned char)text[0] < 0x80) return 1;
    size_t used;
    return llmi_utf8_decode(text, n, &used) == LLMI_UTF8_INVALID ? 1 : used;
}

#endif
