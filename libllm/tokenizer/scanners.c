#include "tokenizer/scanners.h"

#include <string.h>

#include "base/utf8.h"
#include "unicode/categories.h"

/* Class of the character at text[at]; its length goes to *len. Beyond the end: 0. */
static inline uint32_t class_at(const char *text, size_t n, size_t at, size_t *len) {
    *len = 0;
    if (at >= n) return 0;
    unsigned char byte = (unsigned char)text[at];
    *len = 1;
    if (byte < 128) return llmi_unicode_ascii_class[byte];
    return llmi_unicode_wide_class(llmi_utf8_decode(text + at, n - at, len));
}

/* End of the run of characters from `at` that have a bit of `mask`. */
static inline size_t run_of(const char *text, size_t n, size_t at, uint32_t mask) {
    for (;;) {
        while (at < n && (unsigned char)text[at] < 128 && llmi_unicode_ascii_class[(unsigned char)text[at]] & mask)
            at++;
        size_t len;
        if (at >= n || (unsigned char)text[at] < 128 || !(class_at(text, n, at, &len) & mask)) return at;
        at += len;
    }
}

/* End of the run of characters that are neither letters, numbers nor space. */
static inline size_t run_of_rest(const char *text, size_t n, size_t at) {
    const uint32_t mask = LLMI_LETTER | LLMI_NUMBER | LLMI_SPACE;
    size_t len;
    while (at < n && !(class_at(text, n, at, &len) & mask)) at += len;
    return at;
}

/* Space: all of it at the end of the text; otherwise all but the last character, which belongs to
 * what follows, unless it is the only one. */
static size_t space(const char *text, size_t n, size_t end) {
    if (end == n) return end;
    size_t last = end - 1;
    while (last > 0 && ((unsigned char)text[last] & 0xc0) == 0x80) last--;
    return last ? last : end;
}

static const char CONTRACTIONS[][3] = {"s", "t", "re", "ve", "m", "ll", "d"};

/* Length of 's, 're ... at text[0] == '\'', 0 if there is none. */
static size_t contraction(const char *text, size_t n) {
    for (size_t i = 0; i < sizeof CONTRACTIONS / sizeof CONTRACTIONS[0]; i++) {
        size_t len = strlen(CONTRACTIONS[i]);
        if (n > len && memcmp(text + 1, CONTRACTIONS[i], len) == 0) return 1 + len;
    }
    return 0;
}

/* The same whatever the case; U+017F folds to s. */
static size_t contraction_folded(const char *text, size_t n) {
    for (size_t i = 0; i < sizeof CONTRACTIONS / sizeof CONTRACTIONS[0]; i++) {
        size_t len = strlen(CONTRACTIONS[i]), k = 0;
        while (n > len && k < len && (text[1 + k] | 0x20) == CONTRACTIONS[i][k]) k++;
        if (k == len) return 1 + len;
    }
    return n > 2 && memcmp(text + 1, "\xc5\xbf", 2) == 0 ? 3 : 0;
}

size_t llmi_scanner_gpt2(const char *text, size_t n) {
    size_t len, begin = 0;
    if (text[0] == '\'' && (len = contraction(text, n))) return len;
    uint32_t class = class_at(text, n, 0, &len);
    if (text[0] == ' ' && n > 1) {
        uint32_t next = class_at(text, n, 1, &len);
        if (!(next & LLMI_SPACE)) {
            class = next;
            begin = 1;
        }
    }
    if (class & LLMI_LETTER) return run_of(text, n, begin, LLMI_LETTER);
    if (class & LLMI_NUMBER) return run_of(text, n, begin, LLMI_NUMBER);
    if (class & LLMI_SPACE) return space(text, n, run_of(text, n, 0, LLMI_SPACE));
    return run_of_rest(text, n, begin);
}

static size_t digits(const char *text, size_t n, int max) {
    size_t at = 0, len;
    for (int i = 0; i < max && class_at(text, n, at, &len) & LLMI_NUMBER; i++) at += len;
    return at;
}

/* Space that holds a newline reaches up to its last one. */
static size_t space_or_lines(const char *text, size_t n) {
    size_t end = run_of(text, n, 0, LLMI_SPACE);
    for (size_t i = end; i > 0; i--)
        if (text[i - 1] == '\n' || text[i - 1] == '\r') return i;
    return space(text, n, end);
}

static inline size_t scan_cl100k(const char *text, size_t n, int max_digits) {
    size_t len, next_len;
    if (text[0] == '\'' && (len = contraction_folded(text, n))) return len;
    uint32_t class = class_at(text, n, 0, &len);
    if (class & LLMI_LETTER) return run_of(text, n, len, LLMI_LETTER);
    if (class & LLMI_NUMBER) return digits(text, n, max_digits);
    uint32_t next = class_at(text, n, len, &next_len);
    if (next & LLMI_LETTER && !(class & LLMI_NEWLINE)) return run_of(text, n, len, LLMI_LETTER);
    size_t begin = text[0] == ' ' && next_len && !(next & (LLMI_SPACE | LLMI_NUMBER)) ? 1 : 0;
    if (class & LLMI_SPACE && !begin) return space_or_lines(text, n);
    size_t end = run_of_rest(text, n, begin);
    while (end < n && (text[end] == '\r' || text[end] == '\n')) end++;
    return end;
}

size_t llmi_scanner_llama3(const char *text, size_t n) {
    return scan_cl100k(text, n, 3);
}

size_t llmi_scanner_qwen2(const char *text, size_t n) {
    return scan_cl100k(text, n, 1);
}

static const struct {
    const char *pattern;
    llmi_scanner_fn scan;
} SCANNERS[] = {
    {LLMI_PATTERN_GPT2, llmi_scanner_gpt2},
    {LLMI_PATTERN_LLAMA3, llmi_scanner_llama3},
    {LLMI_PATTERN_QWEN2, llmi_scanner_qwen2},
};

llmi_scanner_fn llmi_scanner_find(const char *pattern, size_t n) {
    for (size_t i = 0; i < sizeof SCANNERS / sizeof SCANNERS[0]; i++)
        if (strlen(SCANNERS[i].pattern) == n && memcmp(SCANNERS[i].pattern, pattern, n) == 0) return SCANNERS[i].scan;
    return NULL;
}
