#include "prompt/extract_plain.h"

#include <utf8proc.h>

#include "base/utf8.h"
#include "unicode/categories.h"

/* Decimal digit zero of each script but ASCII's; its nine others follow it (Unicode 15). */
static const uint32_t ZEROS[] = {
    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,   0xc66,   0xce6,   0xd66,
    0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,  0x1810,  0x1946,  0x19d0,  0x1a80,  0x1a90,
    0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,  0xa8d0,  0xa900,  0xa9d0,  0xa9f0,  0xaa50,  0xabf0,  0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730,
    0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0,
};

/* Blocks of scripts that write words without spaces between them, or numbers into them. */
static const uint32_t LONE[][2] = {
    {0xe00, 0xfff},   {0x1000, 0x109f}, {0x1100, 0x11ff}, {0x1780, 0x17ff},   {0x1950, 0x19ff},
    {0x1a20, 0x1aaf}, {0x1b00, 0x1b7f}, {0x2e80, 0xa4cf}, {0xa960, 0xa9ff},   {0xaa60, 0xaadf},
    {0xac00, 0xd7ff}, {0xf900, 0xfaff}, {0xff65, 0xffdc}, {0x1aff0, 0x1b2ff}, {0x20000, 0x3ffff},
};

/* Single characters, in their order. */
static const struct {
    uint16_t c;
    uint8_t plain;
} SIGNS[] = {
    {0xa0, LLMI_PLAIN_THIN},
    {0xb0, '%'}, /* degree */
    {0xb2, LLMI_PLAIN_SUPER + 2},
    {0xb3, LLMI_PLAIN_SUPER + 3},
    {0xb7, '*'},
    {0xb9, LLMI_PLAIN_SUPER + 1},
    {0xd7, '*'},
    {0x2bc, '\''},
    {0x3c0, LLMI_PLAIN_PI},
    {0x640, LLMI_PLAIN_OTHER}, /* Arabic's tatweel, which parts a prefix from a number */
    {0x66a, '%'},
    {0x66b, '.'},
    {0x66c, ','},
    {0x2007, LLMI_PLAIN_THIN},
    {0x2009, LLMI_PLAIN_THIN},
    {0x2010, '-'},
    {0x2011, '-'},
    {0x2012, '-'},
    {0x2013, '-'},
    {0x2019, '\''},
    {0x202f, LLMI_PLAIN_THIN},
    {0x2030, '%'},
    {0x2044, '/'},
    {0x2070, LLMI_PLAIN_SUPER + 0},
    {0x2074, LLMI_PLAIN_SUPER + 4},
    {0x2075, LLMI_PLAIN_SUPER + 5},
    {0x2076, LLMI_PLAIN_SUPER + 6},
    {0x2077, LLMI_PLAIN_SUPER + 7},
    {0x2078, LLMI_PLAIN_SUPER + 8},
    {0x2079, LLMI_PLAIN_SUPER + 9},
    {0x207b, LLMI_PLAIN_SUPER + 10},
    {0x2212, '-'},
    {0x2215, '/'},
    {0x2217, '*'},
    {0x221a, LLMI_PLAIN_ROOT},
    {0x221b, LLMI_PLAIN_ROOT},
    {0x221c, LLMI_PLAIN_ROOT},
    {0x22c5, '*'},
    {0x2715, '*'},
    {0xfe63, '-'},
};

const llmi_plain_fraction llmi_plain_fractions[LLMI_PLAIN_N_FRACTIONS] = {
    {0xbc, 1, 4},   {0xbd, 1, 2},   {0xbe, 3, 4},   {0x2150, 1, 7}, {0x2151, 1, 9}, {0x2152, 1, 10}, {0x2153, 1, 3},
    {0x2154, 2, 3}, {0x2155, 1, 5}, {0x2156, 2, 5}, {0x2157, 3, 5}, {0x2158, 4, 5}, {0x2159, 1, 6},  {0x215a, 5, 6},
    {0x215b, 1, 8}, {0x215c, 3, 8}, {0x215d, 5, 8}, {0x215e, 7, 8}, {0x2189, 0, 3},
};

/* The decimal digit that c is, or -1. */
static int digit_of(uint32_t c) {
    size_t low = 0, high = sizeof ZEROS / sizeof ZEROS[0];
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (ZEROS[mid] <= c)
            low = mid + 1;
        else
            high = mid;
    }
    return low && c - ZEROS[low - 1] < 10 ? (int)(c - ZEROS[low - 1]) : -1;
}

static bool stands_alone(uint32_t c) {
    for (size_t i = 0; i < sizeof LONE / sizeof LONE[0]; i++)
        if (c >= LONE[i][0] && c <= LONE[i][1]) return true;
    return false;
}

/* A full-width comma or colon ends a clause, unless it is inside a full-width number. */
static uint8_t full_width(uint32_t c, uint32_t before) {
    uint8_t ascii = (uint8_t)(c - 0xfee0);
    bool in_number = before >= 0xff10 && before <= 0xff19;
    return (ascii == ',' || ascii == ':') && !in_number ? LLMI_PLAIN_OTHER : ascii;
}

static uint8_t by_class(uint32_t c) {
    uint32_t class = llmi_unicode_class(c);
    if (class & LLMI_SPACE) return ' ';
    if (class & LLMI_LETTER) return stands_alone(c) ? LLMI_PLAIN_OTHER : LLMI_PLAIN_LETTER;
    if (class & LLMI_MARK || (class & LLMI_OTHER && c >= 0xa0)) return 0;
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_SC ? '$' : LLMI_PLAIN_OTHER;
}

uint8_t llmi_extract_plain_char(uint32_t c, uint32_t before) {
    if (c < 0x80) {
        bool space = llmi_unicode_class(c) & LLMI_SPACE;
        return c == '\n' ? '\n' : space ? ' ' : c < 0x20 || c == 0x7f ? LLMI_PLAIN_OTHER : (uint8_t)c;
    }
    int digit = digit_of(c);
    if (digit >= 0) return (uint8_t)('0' + digit);
    if (c >= 0xff01 && c <= 0xff5e) return full_width(c, before);
    for (size_t i = 0; i < sizeof SIGNS / sizeof SIGNS[0] && SIGNS[i].c <= c; i++)
        if (SIGNS[i].c == c) return SIGNS[i].plain;
    for (uint8_t i = 0; i < LLMI_PLAIN_N_FRACTIONS && llmi_plain_fractions[i].c <= c; i++)
        if (llmi_plain_fractions[i].c == c) return (uint8_t)(LLMI_PLAIN_FRACTION + i);
    return by_class(c);
}

bool llmi_extract_plain_text(llmi_buf *out, const char *text, size_t n) {
    out->len = 0;
    if (!llmi_buf_reserve(out, n + 1)) return false;
    uint32_t c, before = 0;
    for (size_t i = 0, len; i < n; i += len, before = c) {
        c = llmi_utf8_decode(text + i, n - i, &len);
        uint8_t plain = llmi_extract_plain_char(c, before);
        if (plain) out->data[out->len++] = (char)plain;
    }
    out->data[out->len] = 0;
    return true;
}
