#define _GNU_SOURCE /* memmem */
#include "tokenizer/pre_tokenizers.h"

#include "base/status.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/offsets.h"
#include "unicode/categories.h"

static const llmi_pre *pre_at(const llmi_encode_work *w, int32_t level) {
    return &w->t->pres[level];
}

/* Pieces go to the next level; empty ones go nowhere. */
static llm_status pass(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    return n ? llmi_encode_piece(w, level + 1, text, n, first) : LLM_OK;
}

bool llmi_pre_is_number(uint32_t c) {
    return llmi_unicode_class(c) & LLMI_NUMBER;
}

bool llmi_pre_is_punct(uint32_t c) {
    return llmi_unicode_early_class(c) & LLMI_PUNCT;
}

bool llmi_pre_is_space(uint32_t c) {
    return llmi_unicode_class(c) & LLMI_SPACE;
}

/* ---- splitting at delimiters ---- */

/* The next delimiter at or after `from` that is not a pattern; none: *begin is n. */
static void find(const llmi_pre *s, const char *text, size_t n, size_t from, size_t *begin, size_t *end) {
    *begin = *end = n;
    if (!s->is_delimiter) {
        const char *at = s->text.len ? memmem(text + from, n - from, s->text.data, s->text.len) : NULL;
        if (!at) return;
        *begin = (size_t)(at - text);
        *end = *begin + s->text.len;
        return;
    }
    for (size_t i = from, len; i < n; i += len) {
        if (!s->is_delimiter(llmi_utf8_decode(text + i, n - i, &len))) continue;
        *begin = i;
        *end = i + len;
        return;
    }
}

/* Puts parts together as the behavior asks: the part text[begin..end-1] waits until what follows is known. */
typedef struct joiner {
    llmi_encode_work *w;
    int32_t level;
    const char *text;
    bool first;
    llmi_pre_behavior behavior;
    size_t begin, end;
    bool was_match;
    bool waiting;
} joiner;

static llm_status flush(joiner *j) {
    if (!j->waiting) return LLM_OK;
    j->waiting = false;
    return pass(j->w, j->level, j->text + j->begin, j->end - j->begin, j->first && j->begin == 0);
}

static bool joins(const joiner *j, bool match) {
    if (!j->waiting) return false;
    if (j->behavior == LLMI_CONTIGUOUS) return match == j->was_match;
    if (j->behavior == LLMI_WITH_PREVIOUS) return match && !j->was_match;
    return j->behavior == LLMI_WITH_NEXT && !match && j->was_match;
}

/* Empty delimiters are put as well: they part what is around them. */
static llm_status put(joiner *j, size_t begin, size_t end, bool match) {
    if (joins(j, match)) {
        j->end = end;
        j->was_match = match;
        return LLM_OK;
    }
    llm_status status = flush(j);
    j->waiting = !(match && j->behavior == LLMI_REMOVED);
    j->begin = begin;
    j->end = end;
    j->was_match = match;
    return status;
}

static llm_status put_delimiter(joiner *j, size_t *at, size_t begin, size_t end, bool inverted) {
    llm_status status = begin > *at ? put(j, *at, begin, inverted) : LLM_OK;
    *at = end;
    return status == LLM_OK ? put(j, begin, end, !inverted) : status;
}

static llm_status split_by_pattern(joiner *j, const llmi_pre *s, size_t *at, size_t n) {
    llmi_regex_matches m = {.r = s->regex, .text = j->text, .n = n};
    for (;;) {
        size_t begin, end;
        bool found;
        llm_status status = llmi_regex_next(j->w, &m, &found, &begin, &end);
        if (status != LLM_OK || !found) return status;
        if (begin < *at) begin = *at; /* \K may begin a match before the end of the last one */
        if (end < begin) continue;
        status = put_delimiter(j, at, begin, end, s->inverted);
        if (status != LLM_OK) return status;
    }
}

llm_status llmi_pre_split(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    const llmi_pre *s = pre_at(w, level);
    joiner j = {.w = w, .level = level, .text = text, .first = first, .behavior = s->behavior};
    llm_status status = LLM_OK;
    size_t at = 0;
    if (s->regex) status = split_by_pattern(&j, s, &at, n);
    for (size_t begin, end; !s->regex && at < n && status == LLM_OK;) {
        find(s, text, n, at, &begin, &end);
        if (begin == n) break;
        status = put_delimiter(&j, &at, begin, end, s->inverted);
    }
    if (status == LLM_OK && at < n) status = put(&j, at, n, s->inverted);
    return status == LLM_OK ? flush(&j) : status;
}

llm_status llmi_pre_scan(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    llmi_scanner_fn scan = pre_at(w, level)->scan;
    for (size_t i = 0, len; i < n; i += len) {
        len = scan(text + i, n - i);
        llm_status status = pass(w, level, text + i, len, first && i == 0);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* ---- others ---- */

/* Calls `spell` for the parts of a byte-level pre-tokenizer. */
static llm_status each_part(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first,
                            llmi_pre_fn spell) {
    llmi_scanner_fn scan = pre_at(w, level)->scan;
    for (size_t i = 0, len; i < n; i += len) {
        len = scan ? scan(text + i, n - i) : n;
        llm_status status = spell(w, level, text + i, len, first && i == 0);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* Adds the spellings of bytes, and to `map`, if any, where they come from. */
static bool spell_bytes(llmi_encode_work *w, llmi_buf *out, llmi_buf *map, const char *text, size_t n) {
    size_t room;
    if (__builtin_mul_overflow(n, 2, &room) || !llmi_buf_reserve(out, room)) return false;
    for (size_t i = 0; i < n; i++) {
        size_t len = llmi_byte_alphabet_spell(out->data + out->len, (uint8_t)text[i]);
        out->len += len;
        if (map && !llmi_offsets_block(w->offsets, map, text + i, 1, len)) return false;
    }
    return true;
}

static llm_status spell_part(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    llmi_buf *out = &w->level[level];
    llmi_buf *map = llmi_offsets_level(w, level);
    out->len = 0;
    if (!spell_bytes(w, out, map, text, n)) return LLM_E_MEMORY;
    llmi_offsets_view view = llmi_offsets_enter(w, out->data, map);
    llm_status status = pass(w, level, out->data, out->len, first);
    llmi_offsets_leave(w, view);
    return status;
}

/* The parts of a text with a space before it. */
static llm_status each_part_prefixed(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first,
                                     llmi_pre_fn spell) {
    llmi_buf whole = {.a = w->a}, map = {.a = w->a};
    llm_status status = LLM_E_MEMORY;
    bool done = llmi_buf_append(&whole, " ", 1) && llmi_buf_append(&whole, text, n);
    if (w->offsets)
        done = done && llmi_offsets_insert(w->offsets, &map, text, false, 1) &&
               llmi_offsets_copy(w->offsets, &map, text, n);
    if (done) {
        llmi_offsets_view view = llmi_offsets_enter(w, whole.data, &map);
        status = each_part(w, level, whole.data, whole.len, first, spell);
        llmi_offsets_leave(w, view);
    }
    llmi_buf_free(&whole);
    llmi_buf_free(&map);
    return status;
}

static llm_status bytes(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first, llmi_pre_fn spell) {
    bool prefix = pre_at(w, level)->prefix_space && !w->continues && text[0] != ' ';
    return (prefix ? each_part_prefixed : each_part)(w, level, text, n, first, spell);
}

llm_status llmi_pre_bytes_kept(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    return bytes(w, level, text, n, first, pass);
}

llm_status llmi_pre_bytes(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    return bytes(w, level, text, n, first, spell_part);
}

/* Cuts before each replacement. */
static llm_status split_before(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    const llmi_buf *mark = &pre_at(w, level)->text;
    for (size_t at = 0, end; at < n; at = end) {
        const char *next = n - at > mark->len ? memmem(text + at + 1, n - at - 1, mark->data, mark->len) : NULL;
        end = next ? (size_t)(next - text) : n;
        llm_status status = pass(w, level, text + at, end - at, first && at == 0);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* Where the bytes come from that llmi_pre_metaspace writes. */
static bool map_marks(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool prefix) {
    llmi_buf *map = llmi_offsets_level(w, level);
    size_t mark = pre_at(w, level)->text.len;
    if (prefix && !llmi_offsets_insert(w->offsets, map, text, false, mark)) return false;
    for (size_t i = 0; i < n; i++)
        if (!llmi_offsets_block(w->offsets, map, text + i, 1, text[i] == ' ' ? mark : 1)) return false;
    return true;
}

llm_status llmi_pre_metaspace(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    const llmi_pre *s = pre_at(w, level);
    llmi_buf *out = &w->level[level];
    bool prefix = !s->never && !w->continues && (first || !s->only_first) && text[0] != ' ';
    if (prefix && n >= s->text.len && memcmp(text, s->text.data, s->text.len) == 0) prefix = false;
    out->len = 0;
    if (prefix && !llmi_buf_append(out, s->text.data, s->text.len)) return LLM_E_MEMORY;
    for (size_t i = 0; i < n;) {
        const char *blank = memchr(text + i, ' ', n - i);
        size_t end = blank ? (size_t)(blank - text) : n;
        if (!llmi_buf_append(out, text + i, end - i)) return LLM_E_MEMORY;
        if (blank && !llmi_buf_append(out, s->text.data, s->text.len)) return LLM_E_MEMORY;
        i = end + 1;
    }
    if (w->offsets && !map_marks(w, level, text, n, prefix)) return LLM_E_MEMORY;
    llmi_offsets_view view = llmi_offsets_enter(w, out->data, w->offsets ? &w->offsets->level[level] : NULL);
    llm_status status = (s->split ? split_before : pass)(w, level, out->data, out->len, first);
    llmi_offsets_leave(w, view);
    return status;
}

llm_status llmi_pre_bert(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    size_t begin = 0;
    llm_status status = LLM_OK;
    for (size_t i = 0, len; i < n && status == LLM_OK; i += len) {
        uint32_t class = llmi_unicode_early_class(llmi_utf8_decode(text + i, n - i, &len));
        if (!(class & (LLMI_SPACE | LLMI_PUNCT))) continue;
        status = pass(w, level, text + begin, i - begin, first && begin == 0);
        if (status == LLM_OK && class & LLMI_PUNCT) status = pass(w, level, text + i, len, first && i == 0);
        begin = i + len;
    }
    return status == LLM_OK ? pass(w, level, text + begin, n - begin, first && begin == 0) : status;
}

llm_status llmi_pre_words(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    enum { BLANK, WORD, REST } kind = BLANK, next;
    size_t begin = 0;
    for (size_t i = 0, len; i <= n; i += len) {
        uint32_t c = i < n ? llmi_utf8_decode(text + i, n - i, &len) : ' ';
        if (i == n) len = 1;
        next = llmi_unicode_is_word(c) ? WORD : llmi_unicode_class(c) & LLMI_SPACE ? BLANK : REST;
        if (next == kind && i < n) continue;
        if (kind != BLANK) {
            llm_status status = pass(w, level, text + begin, i - begin, first && begin == 0);
            if (status != LLM_OK) return status;
        }
        kind = next;
        begin = i;
    }
    return LLM_OK;
}

void llmi_pre_free(llmi_pre *s) {
    llmi_regex_destroy(s->regex);
    llmi_buf_free(&s->text);
}
