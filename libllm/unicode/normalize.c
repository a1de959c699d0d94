#include "unicode/normalize.h"

#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

enum {
    CHUNK = 2048,  /* characters normalized at a time where the text allows */
    LONGEST = 32,  /* characters one may decompose into */
    FEW_MARKS = 32 /* marks in a row that are sorted by insertion */
};

/* Characters of a chunk, decomposed: int32_t. */
typedef struct chunk {
    llmi_buf chars, sorted;
    bool compose, compat;
} chunk;

static uint8_t order_of(int32_t c) {
    return (uint8_t)utf8proc_get_property(c)->combining_class;
}

/* Nothing before such a character ever changes it or is changed by it, in any form. */
static bool parts(uint32_t c) {
    return c < 0x80 || (c >= 0x3041 && c <= 0x3096) || (c >= 0x30a1 && c <= 0x30fa) || (c >= 0x3400 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x2a6df);
}

static bool add_char(chunk *k, uint32_t c) {
    int options = UTF8PROC_DECOMPOSE | UTF8PROC_STABLE | (k->compat ? UTF8PROC_COMPAT : 0), boundary = 0;
    if (!llmi_buf_reserve(&k->chars, LONGEST * sizeof(int32_t))) return false;
    int32_t *to = (int32_t *)(void *)(k->chars.data + k->chars.len);
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, to, LONGEST, options, &boundary);
    if (n < 0 || n > LONGEST) {
        to[0] = (int32_t)c;
        n = 1;
    }
    k->chars.len += (size_t)n * sizeof(int32_t);
    return true;
}

/* Sorts marks c[0..n-1] by their class, stably: by insertion if they are few, by counting otherwise. */
static bool sort_marks(chunk *k, int32_t *c, size_t n) {
    if (n <= FEW_MARKS) {
        for (size_t i = 1; i < n; i++) {
            int32_t x = c[i];
            size_t j = i;
            for (; j > 0 && order_of(c[j - 1]) > order_of(x); j--) c[j] = c[j - 1];
            c[j] = x;
        }
        return true;
    }
    size_t begin[257] = {0};
    k->sorted.len = 0;
    if (!llmi_buf_append(&k->sorted, c, n * sizeof *c)) return false;
    const int32_t *from = (const int32_t *)(const void *)k->sorted.data;
    for (size_t i = 0; i < n; i++) begin[order_of(from[i]) + 1]++;
    for (int i = 1; i < 257; i++) begin[i] += begin[i - 1];
    for (size_t i = 0; i < n; i++) c[begin[order_of(from[i])]++] = from[i];
    return true;
}

static bool flush(chunk *k, llmi_buf *out) {
    int32_t *c = (int32_t *)(void *)k->chars.data;
    size_t n = llmi_buf_count(&k->chars, int32_t);
    for (size_t i = 0, j; i < n; i = j + 1) {
        for (j = i; j < n && order_of(c[j]); j++) {
        }
        if (j > i + 1 && !sort_marks(k, c + i, j - i)) return false;
    }
    if (k->compose && n) {
        utf8proc_ssize_t kept = utf8proc_normalize_utf32(c, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
        if (kept >= 0) n = (size_t)kept;
    }
    if (!llmi_buf_reserve(out, n * 4)) return false;
    for (size_t i = 0; i < n; i++) out->len += llmi_utf8_encode(out->data + out->len, (uint32_t)c[i]);
    k->chars.len = 0;
    return true;
}

/* Bytes at the beginning of text that are their own form whatever follows them; the character before a mark is not
 * among them. */
static size_t settled(const char *text, size_t n, bool compose, bool compat) {
    size_t i = 0, last = 0;
    while (i < n) {
        unsigned char b = (unsigned char)text[i];
        /* U+0300 and what follows begin with CC; below, NFC changes nothing. */
        if (b >= 0x80 && (b >= 0xcc || !compose || compat)) return last;
        last = i;
        i += b < 0x80 ? 1 : 2;
    }
    return n;
}

bool llmi_unicode_normalize(llmi_buf *out, const char *text, size_t n, bool compose, bool compat) {
    chunk k = {.compose = compose, .compat = compat};
    llmi_buf_init(&k.chars, out->a);
    llmi_buf_init(&k.sorted, out->a);
    size_t i = settled(text, n, compose, compat), before = out->len, len;
    bool done = llmi_buf_append(out, text, i);
    for (; done && i < n; i += len) {
        uint32_t c = llmi_utf8_decode(text + i, n - i, &len);
        if (k.chars.len && parts(c) && (c < 0x80 || llmi_buf_count(&k.chars, int32_t) >= CHUNK)) {
            done = flush(&k, out);
            size_t same = done && c < 0x80 ? settled(text + i, n - i, compose, compat) : 0;
            done = done && llmi_buf_append(out, text + i, same);
            i += same;
            if (!done || i == n) break;
            if (same) c = llmi_utf8_decode(text + i, n - i, &len);
        }
        done = add_char(&k, c);
    }
    if (done) done = flush(&k, out);
    if (!done) out->len = before;
    llmi_buf_free(&k.chars);
    llmi_buf_free(&k.sorted);
    return done;
}
