#include "base/utf8.h"

#include <string.h>

#include <llm/status.h>

#include "base/buf.h"

/* What may follow a lead byte: its length and the range of the second byte (Unicode, table 3-7). */
typedef struct lead {
    uint8_t first, last, length, low, high;
} lead;

static const lead LEADS[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const lead *find_lead(uint8_t byte) {
    for (size_t i = 0; i < sizeof LEADS / sizeof LEADS[0]; i++)
        if (byte >= LEADS[i].first && byte <= LEADS[i].last) return &LEADS[i];
    return NULL;
}

/* Bytes that fit the well-formed pattern of `l`, up to n. */
static size_t fitting(const lead *l, const char *text, size_t n) {
    size_t i = 1;
    while (i < n && i < l->length) {
        uint8_t b = (uint8_t)text[i], low = i == 1 ? l->low : 0x80, high = i == 1 ? l->high : 0xbf;
        if (b < low || b > high) break;
        i++;
    }
    return i;
}

uint32_t llmi_utf8_decode(const char *text, size_t n, size_t *n_used) {
    uint8_t b = (uint8_t)text[0];
    *n_used = 1;
    if (b < 0x80) return b;
    const lead *l = find_lead(b);
    if (!l) return LLMI_UTF8_INVALID;
    *n_used = fitting(l, text, n);
    if (*n_used < l->length) return LLMI_UTF8_INVALID;
    uint32_t c = b & (0x7fu >> l->length);
    for (size_t i = 1; i < l->length; i++) c = c << 6 | ((uint8_t)text[i] & 0x3f);
    return c;
}

size_t llmi_utf8_char(const char *text, size_t n) {
    size_t used;
    return n && llmi_utf8_decode(text, n, &used) != LLMI_UTF8_INVALID ? used : 0;
}

size_t llmi_utf8_encode(char out[4], uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xff) | c);
    return n;
}

size_t llmi_utf8_valid(const char *text, size_t n) {
    size_t i = 0, used;
    while (i < n) {
        uint64_t eight;
        if (n - i >= 8 && (memcpy(&eight, text + i, 8), !(eight & 0x8080808080808080u))) {
            i += 8;
            continue;
        }
        if (llmi_utf8_decode(text + i, n - i, &used) == LLMI_UTF8_INVALID) break;
        i += used;
    }
    return i;
}

size_t llmi_utf8_whole(const char *text, size_t n) {
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const lead *l = find_lead((uint8_t)text[n - back]);
        if (!l) {
            if (((uint8_t)text[n - back] & 0xc0) == 0x80) continue;
            return n;
        }
        return back < l->length && fitting(l, text + n - back, back) == back ? n - back : n;
    }
    return n;
}

int llmi_utf8_repair(llmi_buf *out, const char *text, size_t n) {
    size_t before = out->len;
    while (n) {
        size_t valid = llmi_utf8_valid(text, n), bad = 0;
        if (!llmi_buf_append(out, text, valid)) goto fail;
        if (valid < n) {
            llmi_utf8_decode(text + valid, n - valid, &bad);
            if (!llmi_buf_append(out, "\xef\xbf\xbd", 3)) goto fail;
        }
        text += valid + bad;
        n -= valid + bad;
    }
    return LLM_OK;
fail:
    out->len = before;
    return LLM_E_MEMORY;
}
