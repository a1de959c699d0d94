#include "tokenizer/offsets.h"

#include <string.h>

#include "base/utf8.h"

void llmi_offsets_init(llmi_offsets *o, const llm_allocator *a, llmi_buf *spans, const char *text) {
    *o = (llmi_offsets){.spans = spans, .first = spans->len, .view = {text, NULL}};
    llmi_buf_init(&o->repaired, a);
    for (int i = 0; i < 2; i++) llmi_buf_init(&o->norm[i], a);
    for (int i = 0; i < LLMI_MAX_STEPS; i++) llmi_buf_init(&o->level[i], a);
}

void llmi_offsets_free(llmi_offsets *o) {
    llmi_buf_free(&o->repaired);
    for (int i = 0; i < 2; i++) llmi_buf_free(&o->norm[i]);
    for (int i = 0; i < LLMI_MAX_STEPS; i++) llmi_buf_free(&o->level[i]);
}

static llmi_text_range range_at(const llmi_offsets *o, const char *text) {
    size_t i = (size_t)(text - o->view.text);
    return o->view.from ? o->view.from[i] : (llmi_text_range){i, i + 1};
}

static llmi_text_range range_of(const llmi_offsets *o, const char *text, size_t n) {
    return (llmi_text_range){range_at(o, text).begin, range_at(o, text + n - 1).end};
}

/* ---- tokens ---- */

static llmi_text_range *last_span(const llmi_offsets *o) {
    return o->spans->len > o->first ? (llmi_text_range *)(void *)(o->spans->data + o->spans->len) - 1 : NULL;
}

static bool put(llmi_offsets *o, llmi_text_range span) {
    const llmi_text_range *last = last_span(o);
    if (last && span.begin < last->end) span.begin = last->end;
    if (span.end < span.begin) span.end = span.begin;
    return llmi_buf_push(o->spans, span);
}

bool llmi_offsets_put(llmi_offsets *o, const char *text, size_t n) {
    return put(o, range_of(o, text, n));
}

void llmi_offsets_extend(llmi_offsets *o, const char *text, size_t n) {
    llmi_text_range *last = last_span(o);
    size_t end = range_of(o, text, n).end;
    if (last->end < end) last->end = end;
}

bool llmi_offsets_put_empty(llmi_offsets *o, size_t n, size_t end) {
    for (size_t i = 0; i < n; i++)
        if (!put(o, (llmi_text_range){end, end})) return false;
    return true;
}

/* Ids and spans end together. */
static size_t index_of(const llmi_encode_work *w, size_t at) {
    size_t n_after = (w->ids->len - at) / sizeof(llm_token);
    return llmi_buf_count(w->offsets->spans, llmi_text_range) - n_after;
}

void llmi_offsets_truncate(llmi_encode_work *w, size_t begin) {
    if (w->offsets) w->offsets->spans->len = index_of(w, begin) * sizeof(llmi_text_range);
}

void llmi_offsets_remove(llmi_encode_work *w, size_t at, bool merge) {
    if (!w->offsets) return;
    llmi_buf *spans = w->offsets->spans;
    size_t i = index_of(w, at), n = llmi_buf_count(spans, llmi_text_range);
    llmi_text_range *span = (llmi_text_range *)(void *)spans->data + i;
    if (merge) span[-1].end = span->end;
    memmove(span, span + 1, (n - i - 1) * sizeof *span);
    spans->len -= sizeof *span;
}

bool llmi_offsets_fuses(llmi_encode_work *w, size_t first_id, int32_t id, const char *text, size_t n) {
    if (!w->t->fuse_unk || id != w->t->unk || w->ids->len <= first_id) return false;
    int32_t last;
    memcpy(&last, w->ids->data + w->ids->len - sizeof last, sizeof last);
    if (last != id) return false;
    if (w->offsets) llmi_offsets_extend(w->offsets, text, n);
    return true;
}

/* ---- maps ---- */

static bool repeat(llmi_buf *map, llmi_text_range range, size_t n) {
    size_t room;
    if (__builtin_mul_overflow(n, sizeof range, &room) || !llmi_buf_reserve(map, room)) return false;
    for (size_t i = 0; i < n; i++) memcpy(map->data + map->len + i * sizeof range, &range, sizeof range);
    map->len += room;
    return true;
}

bool llmi_offsets_copy(const llmi_offsets *o, llmi_buf *map, const char *text, size_t n) {
    size_t room;
    if (__builtin_mul_overflow(n, sizeof(llmi_text_range), &room) || !llmi_buf_reserve(map, room)) return false;
    for (size_t i = 0; i < n; i++) {
        llmi_text_range range = range_at(o, text + i);
        memcpy(map->data + map->len + i * sizeof range, &range, sizeof range);
    }
    map->len += room;
    return true;
}

bool llmi_offsets_block(const llmi_offsets *o, llmi_buf *map, const char *text, size_t n, size_t n_out) {
    return repeat(map, range_of(o, text, n), n_out);
}

bool llmi_offsets_insert(const llmi_offsets *o, llmi_buf *map, const char *text, bool behind, size_t n_out) {
    size_t place = !text ? 0 : behind ? range_at(o, text - 1).end : range_at(o, text).begin;
    return repeat(map, (llmi_text_range){place, place}, n_out);
}

bool llmi_offsets_repair(llmi_offsets *o, const char *text, size_t n, const char *repaired) {
    for (size_t at = 0, len; at < n; at += len) {
        bool bad = llmi_utf8_decode(text + at, n - at, &len) == LLMI_UTF8_INVALID;
        if (!(bad ? llmi_offsets_block(o, &o->repaired, text + at, len, 3)
                  : llmi_offsets_copy(o, &o->repaired, text + at, len)))
            return false;
    }
    o->view = (llmi_offsets_view){repaired, (const llmi_text_range *)(const void *)o->repaired.data};
    return true;
}
