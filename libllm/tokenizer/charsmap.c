#include "tokenizer/charsmap.h"

#include <string.h>

#include "base/status.h"
#include "base/utf8.h"
#include "unicode/categories.h"

llm_status llmi_charsmap_init(llmi_charsmap *out, const void *data, size_t n_bytes, const char *what) {
    uint32_t trie_bytes;
    if (n_bytes < sizeof trie_bytes)
        return llmi_error(LLM_E_FORMAT, "%s: %zu bytes, expected at least %zu", what, n_bytes, sizeof trie_bytes);
    memcpy(&trie_bytes, data, sizeof trie_bytes);
    if (trie_bytes % 4 || trie_bytes < 4 || trie_bytes > n_bytes - 4)
        return llmi_error(LLM_E_FORMAT, "%s: a trie of %u bytes in %zu", what, trie_bytes, n_bytes - 4);
    *out = (llmi_charsmap){(const char *)data + 4, trie_bytes / 4, (const char *)data + 4 + trie_bytes,
                           n_bytes - 4 - trie_bytes};
    return LLM_OK;
}

static bool unit_at(const llmi_charsmap *m, uint32_t at, uint32_t *unit) {
    if (at >= m->n_units) return false;
    memcpy(unit, m->units + (size_t)at * 4, 4);
    return true;
}

static uint32_t offset_of(uint32_t unit) {
    return (unit >> 10) << ((unit & 0x200) >> 6);
}

/* Looks up spellings that begin `text`: the longest, or the shortest. Its length, 0 if none;
 * what it becomes goes to *to. */
static size_t look_up(const llmi_charsmap *m, const char *text, size_t n, bool longest, llm_span *to) {
    uint32_t unit, value, at = 0;
    size_t found = 0;
    if (!unit_at(m, 0, &unit)) return 0;
    at = offset_of(unit);
    for (size_t i = 0; i < n && text[i]; i++) {
        at ^= (unsigned char)text[i];
        if (!unit_at(m, at, &unit) || (unit & 0x800000ffu) != (unsigned char)text[i]) break;
        bool leaf = unit >> 8 & 1;
        at ^= offset_of(unit);
        if (!leaf || !unit_at(m, at, &value)) continue;
        value &= 0x7fffffffu;
        const char *end = value < m->texts_bytes ? memchr(m->texts + value, 0, m->texts_bytes - value) : NULL;
        if (!end ||
            llmi_utf8_valid(m->texts + value, (size_t)(end - m->texts) - value) != (size_t)(end - m->texts) - value)
            continue;
        *to = (llm_span){m->texts + value, (size_t)(end - m->texts) - value};
        found = i + 1;
        if (!longest) break;
    }
    return found;
}

size_t llmi_charsmap_next(const llmi_charsmap *m, const char *text, size_t n, llm_span *to) {
    size_t found = look_up(m, text, n, true, to);
    /* A spelling that ends inside a character is none. */
    if (found && (found == n || ((unsigned char)text[found] & 0xc0) != 0x80)) return found;
    *to = (llm_span){text, llmi_utf8_step(text, n)};
    return to->len;
}

bool llmi_charsmap_run(const llmi_charsmap *m, llmi_buf *out, const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        llm_span to;
        i += llmi_charsmap_next(m, text + i, n - i, &to);
        if (!llmi_buf_append(out, to.ptr, to.len)) return false;
    }
    return true;
}

bool llmi_charsmap_run_graphemes(const llmi_charsmap *m, llmi_buf *out, const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t len = llmi_unicode_grapheme(text + i, n - i), end = i + len;
        llm_span to;
        if (len < 6 && look_up(m, text + i, len, false, &to)) {
            if (!llmi_buf_append(out, to.ptr, to.len)) return false;
            i = end;
            continue;
        }
        for (size_t step; i < end; i += step) {
            step = llmi_utf8_step(text + i, end - i);
            to = (llm_span){text + i, step};
            look_up(m, text + i, step, false, &to);
            if (!llmi_buf_append(out, to.ptr, to.len)) return false;
        }
    }
    return true;
}
