#include "unicode/categories.h"

#include <utf8proc.h>

#include "base/utf8.h"

#define L LLMI_LETTER
#define D (LLMI_NUMBER | LLMI_DIGIT)
#define W LLMI_SPACE
#define B (LLMI_SPACE | LLMI_OTHER)
#define E (LLMI_SPACE | LLMI_NEWLINE | LLMI_OTHER)
#define P LLMI_PUNCT
#define U (LLMI_PUNCT | LLMI_CONNECTOR)
#define C LLMI_OTHER
const uint16_t llmi_unicode_ascii_class[128] = {
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

uint32_t llmi_unicode_wide_class(uint32_t c) {
    if (c == 0x85) return LLMI_SPACE | LLMI_OTHER;
    return CATEGORY[utf8proc_category((utf8proc_int32_t)c)];
}

bool llmi_unicode_is_word(uint32_t c) {
    uint32_t class = llmi_unicode_class(c);
    if (class & (LLMI_LETTER | LLMI_MARK | LLMI_DIGIT | LLMI_CONNECTOR)) return true;
    if (c < 128) return false;
    /* Roman numerals and their like; joiners; circled and squared letters. */
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_NL || c == 0x200c || c == 0x200d ||
           (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
           (c >= 0x1f170 && c <= 0x1f189);
}

bool llmi_unicode_is_cjk(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* Punctuation, marks and formats that were assigned lately (found by comparing, one by one). */
static const struct {
    uint32_t first, last;
} LATE[] = {{0x61d, 0x61d},     {0x7fd, 0x7fd},     {0x890, 0x891},     {0x898, 0x89f},     {0x8ca, 0x8e2},
            {0x9fd, 0x9fe},     {0xa76, 0xa76},     {0xafa, 0xaff},     {0xb55, 0xb55},     {0xc04, 0xc04},
            {0xc3c, 0xc3c},     {0xc77, 0xc77},     {0xc84, 0xc84},     {0xd00, 0xd00},     {0xd3b, 0xd3c},
            {0xd81, 0xd81},     {0xeba, 0xeba},     {0xece, 0xece},     {0x180f, 0x180f},   {0x1885, 0x1886},
            {0x1abf, 0x1ace},   {0x1b7d, 0x1b7e},   {0x1df6, 0x1dfb},   {0x2e43, 0x2e4f},   {0x2e52, 0x2e5d},
            {0xa82c, 0xa82c},   {0xa8c5, 0xa8c5},   {0xa8ff, 0xa8ff},   {0xa9bd, 0xa9bd},   {0x10d24, 0x10d27},
            {0x10eab, 0x10ead}, {0x10efd, 0x10eff}, {0x10f46, 0x10f50}, {0x10f55, 0x10f59}, {0x10f82, 0x10f89},
            {0x11070, 0x11070}, {0x11073, 0x11074}, {0x110c2, 0x110c2}, {0x110cd, 0x110cd}, {0x111c9, 0x111c9},
            {0x111cf, 0x111cf}, {0x1123e, 0x1123e}, {0x11241, 0x11241}, {0x1133b, 0x1133b}, {0x11438, 0x1143f},
            {0x11442, 0x11444}, {0x11446, 0x11446}, {0x1144b, 0x1144f}, {0x1145a, 0x1145b}, {0x1145d, 0x1145e},
            {0x11660, 0x1166c}, {0x116b9, 0x116b9}, {0x1182f, 0x11837}, {0x11839, 0x1183b}, {0x1193b, 0x1193c},
            {0x1193e, 0x1193e}, {0x11943, 0x11946}, {0x119d4, 0x119d7}, {0x119da, 0x119db}, {0x119e0, 0x119e0},
            {0x119e2, 0x119e2}, {0x11a01, 0x11a0a}, {0x11a33, 0x11a38}, {0x11a3b, 0x11a47}, {0x11a51, 0x11a56},
            {0x11a59, 0x11a5b}, {0x11a8a, 0x11a96}, {0x11a98, 0x11a9c}, {0x11a9e, 0x11aa2}, {0x11b00, 0x11b09},
            {0x11c30, 0x11c36}, {0x11c38, 0x11c3d}, {0x11c3f, 0x11c3f}, {0x11c41, 0x11c45}, {0x11c70, 0x11c71},
            {0x11c92, 0x11ca7}, {0x11caa, 0x11cb0}, {0x11cb2, 0x11cb3}, {0x11cb5, 0x11cb6}, {0x11d31, 0x11d36},
            {0x11d3a, 0x11d3a}, {0x11d3c, 0x11d3d}, {0x11d3f, 0x11d45}, {0x11d47, 0x11d47}, {0x11d90, 0x11d91},
            {0x11d95, 0x11d95}, {0x11d97, 0x11d97}, {0x11ef3, 0x11ef4}, {0x11ef7, 0x11ef8}, {0x11f00, 0x11f01},
            {0x11f36, 0x11f3a}, {0x11f40, 0x11f40}, {0x11f42, 0x11f4f}, {0x11fff, 0x11fff}, {0x12ff1, 0x12ff2},
            {0x13430, 0x13440}, {0x13447, 0x13455}, {0x16e97, 0x16e9a}, {0x16f4f, 0x16f4f}, {0x16fe2, 0x16fe2},
            {0x16fe4, 0x16fe4}, {0x1cf00, 0x1cf2d}, {0x1cf30, 0x1cf46}, {0x1e000, 0x1e006}, {0x1e008, 0x1e018},
            {0x1e01b, 0x1e021}, {0x1e023, 0x1e024}, {0x1e026, 0x1e02a}, {0x1e08f, 0x1e08f}, {0x1e130, 0x1e136},
            {0x1e2ae, 0x1e2ae}, {0x1e2ec, 0x1e2ef}, {0x1e4ec, 0x1e4ef}, {0x1e944, 0x1e94a}, {0x1e95e, 0x1e95f}};

bool llmi_unicode_is_late(uint32_t c) {
    size_t low = 0, high = sizeof LATE / sizeof LATE[0];
    if (c < LATE[0].first) return false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (LATE[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof LATE / sizeof LATE[0] && LATE[low].first <= c;
}

size_t llmi_unicode_grapheme(const char *text, size_t n) {
    utf8proc_int32_t state = 0;
    size_t len, at;
    uint32_t c = llmi_utf8_decode(text, n, &len);
    for (at = len; at < n; at += len) {
        uint32_t next = llmi_utf8_decode(text + at, n - at, &len);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)c, (utf8proc_int32_t)next, &state)) break;
        c = next;
    }
    return at;
}
