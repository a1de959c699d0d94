#include "text/extract_number.h"

#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t digits(const char *text, size_t n) {
    size_t i = 0;
    while (i < n && is_digit(text[i])) i++;
    return i;
}

/* '-' or U+2212. */
static size_t minus(const char *text, size_t n) {
    if (n && text[0] == '-') return 1;
    return n >= 3 && memcmp(text, "\xe2\x88\x92", 3) == 0 ? 3 : 0;
}

size_t llmi_number_scan(const char *text, size_t n) {
    size_t begin = minus(text, n), i = begin;
    i += digits(text + i, n - i);
    if (i > begin && i - begin <= 3)
        while (n - i >= 4 && text[i] == ',' && digits(text + i + 1, n - i - 1) == 3) i += 4;
    if (n - i >= 2 && text[i] == '.' && is_digit(text[i + 1])) i += 1 + digits(text + i + 1, n - i - 1);
    return i > begin ? i : 0;
}

bool llmi_number_append(llmi_buf *out, const char *text, size_t n) {
    size_t i = minus(text, n), before = out->len;
    bool negative = i > 0, ok = !negative || llmi_buf_append(out, "-", 1);
    size_t whole = out->len;
    const char *point = memchr(text, '.', n);
    size_t end = point ? (size_t)(point - text) : n, last = n;
    for (; ok && i < end; i++)
        if (text[i] != ',' && !(text[i] == '0' && out->len == whole)) ok = llmi_buf_append(out, text + i, 1);
    if (ok && out->len == whole) ok = llmi_buf_append(out, "0", 1);
    while (point && last > end + 1 && text[last - 1] == '0') last--;
    if (ok && last > end + 1) ok = llmi_buf_append(out, text + end, last - end);
    if (ok && negative && out->len == whole + 1 && out->data[whole] == '0') {
        out->data[before] = '0';
        out->len = before + 1;
    }
    if (!ok) out->len = before;
    return ok;
}

/* Whether a number cannot begin behind this byte: it would be part of a word or of another number. */
static bool joins(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

llm_span llmi_number_last(const char *text, size_t n) {
    llm_span last = {0};
    for (size_t i = 0; i < n;) {
        size_t sign = minus(text + i, n - i);
        bool after_word = i > 0 && (joins(text[i - 1]) || (i > 1 && text[i - 1] == '.' && is_digit(text[i - 2])));
        size_t len = after_word && (sign || text[i] == '.') ? 0 : llmi_number_scan(text + i, n - i);
        bool in_word = after_word && !is_digit(text[i - 1]);
        if (len && !in_word) last = (llm_span){text + i, len};
        i += len ? len : 1;
    }
    return last;
}
