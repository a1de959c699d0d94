/* A text as what looks for answers sees it: one byte for each character. */
#ifndef LLMI_PROMPT_EXTRACT_PLAIN_H
#define LLMI_PROMPT_EXTRACT_PLAIN_H

#include <stdint.h>

#include "base/buf.h"

/* What is not its own ASCII: decimal digits of every script are '0'..'9', the minus signs and short dashes '-',
 * currency signs '$', what closes a number ("%", a degree sign) '%', multiplication signs '*', full-width letters and
 * signs those of ASCII. Letters that form words with their neighbours are LETTER; those of scripts that write words
 * without spaces (Chinese, Japanese, Korean, Thai ...) are OTHER, like every other sign. Marks and invisible formatting
 * have no byte. */
enum {
    LLMI_PLAIN_LETTER = 1,
    LLMI_PLAIN_THIN = 2, /* a space that does not break a line: between groups of digits */
    LLMI_PLAIN_ROOT = 3,
    LLMI_PLAIN_PI = 4,
    LLMI_PLAIN_SUPER = 0x10,    /* superscript: + 0..9, + 10 for minus */
    LLMI_PLAIN_FRACTION = 0x80, /* vulgar fraction: + place in llmi_plain_fractions */
    LLMI_PLAIN_OTHER = '|'
};

typedef struct llmi_plain_fraction {
    uint16_t c;
    uint8_t numerator, denominator;
} llmi_plain_fraction;

enum { LLMI_PLAIN_N_FRACTIONS = 19 };
extern const llmi_plain_fraction llmi_plain_fractions[LLMI_PLAIN_N_FRACTIONS];

/* The byte of character c after the character `before` (0: none); 0 if it has none. */
uint8_t llmi_extract_plain_char(uint32_t c, uint32_t before);

/* Replaces what `out` holds with the bytes of valid UTF-8, and a NUL that out->len does not count. */
bool llmi_extract_plain_text(llmi_buf *out, const char *text, size_t n);

static inline bool llmi_plain_is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static inline bool llmi_plain_is_super(uint8_t c) {
    return c >= LLMI_PLAIN_SUPER && c <= LLMI_PLAIN_SUPER + 10;
}

/* Letters, and what holds words together. */
static inline bool llmi_plain_is_word(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == LLMI_PLAIN_LETTER || c == LLMI_PLAIN_PI;
}

#endif
