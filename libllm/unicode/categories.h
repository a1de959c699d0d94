/* What kind of character a code point is, as tokenizers ask it (Unicode general categories). */
#ifndef LLMI_UNICODE_CATEGORIES_H
#define LLMI_UNICODE_CATEGORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of the categories. */
enum {
    LLMI_LETTER = 1,      /* L* */
    LLMI_NUMBER = 2,      /* N* */
    LLMI_SPACE = 4,       /* White_Space */
    LLMI_NEWLINE = 8,     /* \r and \n; with LLMI_SPACE */
    LLMI_MARK = 16,       /* M* */
    LLMI_NONSPACING = 32, /* Mn; with LLMI_MARK */
    LLMI_PUNCT = 64,      /* P*, and ASCII symbols too */
    LLMI_OTHER = 128,     /* C* but for unassigned: controls, formats ... */
    LLMI_DIGIT = 256,     /* Nd; with LLMI_NUMBER */
    LLMI_CONNECTOR = 512  /* Pc; with LLMI_PUNCT */
};

/* Of the ASCII characters. */
extern const uint16_t llmi_unicode_ascii_class[128];

uint32_t llmi_unicode_wide_class(uint32_t c);

static inline uint32_t llmi_unicode_class(uint32_t c) {
    return c < 128 ? llmi_unicode_ascii_class[c] : llmi_unicode_wide_class(c);
}

/* \w of Unicode's regular expressions: alphabetic, mark, decimal digit, connector, joiner. */
bool llmi_unicode_is_word(uint32_t c);
bool llmi_unicode_is_cjk(uint32_t c); /* ideographs, as BERT delimits them */

/* Bytes of the first grapheme cluster of valid UTF-8, n > 0. */
size_t llmi_unicode_grapheme(const char *text, size_t n);

/* Characters newer than the Unicode version of BERT's reference tables: its cleaning, accent stripping and punctuation
 * rules treat them as unassigned. */
bool llmi_unicode_is_late(uint32_t c);

static inline uint32_t llmi_unicode_early_class(uint32_t c) {
    uint32_t class = llmi_unicode_class(c);
    bool asked = class & (LLMI_MARK | LLMI_PUNCT | LLMI_OTHER);
    return asked && c >= 128 && llmi_unicode_is_late(c) ? 0 : class;
}

#endif
