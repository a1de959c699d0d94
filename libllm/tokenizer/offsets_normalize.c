/* The map of a normalized text. Normalizers know nothing of it: what they did is found out from what they made. Those
 * that rewrite one character (or cluster of characters) after the other are run again on each by itself. */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "base/utf8.h"
#include "tokenizer/normalizers.h"
#include "tokenizer/offsets.h"
#include "unicode/categories.h"

/* Characters, then clusters of them, that are tried together where one alone becomes something else. */
enum { MAX_CHARACTERS = 8, MAX_UNITS = 16 };

typedef struct aligner {
    llmi_encode_work *w;
    const llmi_offsets *o;
    const llmi_normalizer *s;
    llmi_buf *map;
    llm_span in, out;
} aligner;

static llm_status status_of(bool done) {
    return done ? LLM_OK : LLM_E_MEMORY;
}

/* What in[begin..end-1] became, which is nothing where begin is end. */
static bool put(const aligner *a, size_t begin, size_t end, size_t n_out) {
    if (begin < end) return llmi_offsets_block(a->o, a->map, a->in.ptr + begin, end - begin, n_out);
    const char *place = a->in.len ? a->in.ptr + begin : NULL;
    return llmi_offsets_insert(a->o, a->map, place, begin == a->in.len, n_out);
}

static bool copy(const aligner *a, size_t begin, size_t end) {
    return llmi_offsets_copy(a->o, a->map, a->in.ptr + begin, end - begin);
}

/* ---- one unit after the other ---- */

static bool is_plain(char c) {
    return llmi_unicode_ascii_class[(unsigned char)c & 127] & (LLMI_LETTER | LLMI_NUMBER) && !((unsigned char)c & 128);
}

/* A run of ASCII letters and digits that nothing joins, else a character or a cluster of them. */
static size_t unit_of(const llmi_normalizer *s, const char *text, size_t n, bool cluster) {
    size_t plain = 0;
    while (plain < n && is_plain(text[plain])) plain++;
    if (plain < n && (unsigned char)text[plain] >= 0x80 && plain > 0) plain--;
    if (plain) return plain;
    bool by_map = s->run == llmi_normalizer_charsmap, by_cluster = by_map && s->options & LLMI_MAP_GRAPHEMES;
    llm_span to;
    if (cluster || by_cluster) return llmi_unicode_grapheme(text, n);
    return by_map ? llmi_charsmap_next(&s->map, text, n, &to) : llmi_utf8_step(text, n);
}

static bool put_unit(const aligner *a, size_t begin, size_t end, size_t n_out) {
    bool same = n_out == end - begin && (is_plain(a->in.ptr[begin]) || n_out == 1);
    return same ? copy(a, begin, end) : put(a, begin, end, n_out);
}

/* The shortest row of units at `at` that the normalizer makes the next bytes of the result of; *len 0: there is none.
 */
static llm_status next_units(const aligner *a, llmi_buf *made, size_t at, size_t at_out, size_t *len) {
    llm_span in = {a->in.ptr + at, a->in.len - at}, out = {a->out.ptr + at_out, a->out.len - at_out};
    *len = 0;
    for (int i = 0; i < MAX_UNITS && *len < in.len; i++) {
        *len += unit_of(a->s, in.ptr + *len, in.len - *len, i >= MAX_CHARACTERS);
        made->len = 0;
        llm_status status = a->s->run(a->w, a->s, made, in.ptr, *len);
        if (status != LLM_OK) return status;
        bool fits = *len < in.len ? made->len <= out.len : made->len == out.len;
        if (fits && (!made->len || memcmp(made->data, out.ptr, made->len) == 0)) return LLM_OK;
    }
    *len = 0;
    return LLM_OK;
}

static llm_status by_unit(const aligner *a) {
    llmi_buf made;
    llmi_buf_init(&made, a->w->a);
    llm_status status = LLM_OK;
    for (size_t at = 0, at_out = 0, len; at < a->in.len && status == LLM_OK; at += len) {
        status = next_units(a, &made, at, at_out, &len);
        if (status != LLM_OK) break;
        size_t n_out = made.len;
        if (!len) { /* then the rest is one unit */
            len = a->in.len - at;
            n_out = a->out.len - at_out;
        }
        status = status_of(put_unit(a, at, at + len, n_out));
        at_out += n_out;
    }
    llmi_buf_free(&made);
    return status;
}

/* ---- others ---- */

/* The result is the text without some of its characters. */
static llm_status by_omission(const aligner *a) {
    size_t at = 0;
    for (size_t i = 0, len; i < a->out.len; i += len) {
        len = llmi_utf8_step(a->out.ptr + i, a->out.len - i);
        while (at + len < a->in.len && memcmp(a->in.ptr + at, a->out.ptr + i, len) != 0)
            at += llmi_utf8_step(a->in.ptr + at, a->in.len - at);
        if (!copy(a, at, at + len)) return LLM_E_MEMORY;
        at += len;
    }
    return LLM_OK;
}

static llm_status by_prefix(const aligner *a) {
    return status_of(put(a, 0, 0, a->out.len - a->in.len) && copy(a, 0, a->in.len));
}

static llm_status next_text(const aligner *a, size_t from, bool *found, size_t *begin, size_t *end) {
    const llmi_buf *text = &a->s->from;
    const char *at = text->len ? memmem(a->in.ptr + from, a->in.len - from, text->data, text->len) : NULL;
    *found = at != NULL;
    *begin = at ? (size_t)(at - a->in.ptr) : a->in.len;
    *end = *begin + text->len;
    return LLM_OK;
}

static llm_status by_match(const aligner *a) {
    llmi_regex_matches m = {.r = a->s->regex, .text = a->in.ptr, .n = a->in.len};
    for (size_t kept = 0;;) {
        size_t begin, end;
        bool found;
        llm_status status =
            a->s->regex ? llmi_regex_next(a->w, &m, &found, &begin, &end) : next_text(a, kept, &found, &begin, &end);
        if (status != LLM_OK) return status;
        if (!found) return status_of(copy(a, kept, a->in.len));
        if (begin < kept) begin = kept;
        if (end < begin) continue;
        if (!copy(a, kept, begin) || !put(a, begin, end, a->s->to.len)) return LLM_E_MEMORY;
        kept = end;
    }
}

static const struct {
    llmi_normalizer_fn run;
    llm_status (*align)(const aligner *a);
} ALIGNERS[] = {
    {llmi_normalizer_form, by_unit},          {llmi_normalizer_lowercase, by_unit},
    {llmi_normalizer_strip_accents, by_unit}, {llmi_normalizer_bert, by_unit},
    {llmi_normalizer_nmt, by_unit},           {llmi_normalizer_charsmap, by_unit},
    {llmi_normalizer_bytes, by_unit},         {llmi_normalizer_strip, by_omission},
    {llmi_normalizer_squeeze, by_omission},   {llmi_normalizer_prepend, by_prefix},
    {llmi_normalizer_replace, by_match},
};

llm_status llmi_offsets_normalize(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *map, llm_span in,
                                  llm_span out) {
    aligner a = {w, w->offsets, s, map, in, out};
    int64_t steps = w->steps; /* what is done again is not counted again */
    llm_status status = LLM_OK;
    if (in.len == out.len && memcmp(in.ptr, out.ptr, in.len) == 0) return status_of(copy(&a, 0, in.len));
    for (size_t i = 0; i < sizeof ALIGNERS / sizeof ALIGNERS[0]; i++)
        if (ALIGNERS[i].run == s->run) status = ALIGNERS[i].align(&a);
    w->steps = steps;
    return status;
}
