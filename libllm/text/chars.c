#include "text/chars.h"

#include <utf8proc.h>

#define L LLMI_LETTER
#define D (LLMI_NUMBER | LLMI_DIGIT)
#define W LLMI_SPACE
#define B (LLMI_SPACE | LLMI_OTHER)
#define E (LLMI_SPACE | LLMI_NEWLINE | LLMI_OTHER)
#define P LLMI_PUNCT
#define U (LLMI_PUNCT | LLMI_CONNECTOR)
#define C LLMI_OTHER
const uint16_t llmi_ascii_class[128] = {
    C, C, C, C, C, C, C, C, C, B, E, B, B, E, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    W, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, D, D, D, D, D, D, D, D, D, D, P, P, P, P, P, P,
    P, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, P, P, P, U,
    P, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, P, P, P, P, C,
};
#undef L
#undef D
#undef W
#undef B
#undef E
#undef P
#undef U
#undef C

static const uint16_t CATEGORY[] = {
    [UTF8PROC_CATEGORY_CN] = 0,
    [UTF8PROC_CATEGORY_LU] = LLMI_LETTER,
    [UTF8PROC_CATEGORY_LL] = LLMI_LETTER,
    [UTF8PROC_CATEGORY_LT] = LLMI_LETTER,
    [UTF8PROC_CATEGORY_LM] = LLMI_LETTER,
    [UTF8PROC_CATEGORY_LO] = LLMI_LETTER,
    [UTF8PROC_CATEGORY_MN] = LLMI_MARK | LLMI_NONSPACING,
    [UTF8PROC_CATEGORY_MC] = LLMI_MARK,
    [UTF8PROC_CATEGORY_ME] = LLMI_MARK,
    [UTF8PROC_CATEGORY_ND] = LLMI_NUMBER | LLMI_DIGIT,
    [UTF8PROC_CATEGORY_NL] = LLMI_NUMBER,
    [UTF8PROC_CATEGORY_NO] = LLMI_NUMBER,
    [UTF8PROC_CATEGORY_PC] = LLMI_PUNCT | LLMI_CONNECTOR,
    [UTF8PROC_CATEGORY_PD] = LLMI_PUNCT,
    [UTF8PROC_CATEGORY_PS] = LLMI_PUNCT,
    [UTF8PROC_CATEGORY_PE] = LLMI_PUNCT,
    [UTF8PROC_CATEGORY_PI] = LLMI_PUNCT,
    [UTF8PROC_CATEGORY_PF] = LLMI_PUNCT,
    [UTF8PROC_CATEGORY_PO] = LLMI_PUNCT,
    [UTF8PROC_CATEGORY_SM] = 0,
    [UTF8PROC_CATEGORY_SC] = 0,
    [UTF8PROC_CATEGORY_SK] = 0,
    [UTF8PROC_CATEGORY_SO] = 0,
    [UTF8PROC_CATEGORY_ZS] = LLMI_SPACE,
    [UTF8PROC_CATEGORY_ZL] = LLMI_SPACE,
    [UTF8PROC_CATEGORY_ZP] = LLMI_SPACE,
    [UTF8PROC_CATEGORY_CC] = LLMI_OTHER,
    [UTF8PROC_CATEGORY_CF] = LLMI_OTHER,
    [UTF8PROC_CATEGORY_CS] = LLMI_OTHER,
    [UTF8PROC_CATEGORY_CO] = LLMI_OTHER,
};

uint32_t llmi_wide_class(uint32_t c) {
    if (c == 0x85) return LLMI_SPACE | LLMI_OTHER;
    return CATEGORY[utf8proc_category((utf8proc_int32_t)c)];
}

bool llmi_is_word(uint32_t c) {
    uint32_t class = llmi_char_class(c);
    if (class & (LLMI_LETTER | LLMI_MARK | LLMI_DIGIT | LLMI_CONNECTOR)) return true;
    if (c < 128) return false;
    /* Roman numerals and their like; joiners; circled and squared letters. */
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_NL || c == 0x200c || c == 0x200d ||
           (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
           (c >= 0x1f170 && c <= 0x1f189);
}

bool llmi_is_cjk(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}
