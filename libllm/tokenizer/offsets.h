/* Offset mapping: which bytes of the given text each token was made of.
 *
 * On its way to the model a text is rewritten, by normalizers and by pre-tokenizers that spell it anew. Each rewritten
 * text has a map: for every byte of it the range of the given text that it was made of. The view names the text that
 * is being split, and its map. What was inserted has an empty range at its place; what was dropped has none.
 *
 * The spans are those of Hugging Face's tokenizers (`offsets`), but that they count bytes, never overlap, and are empty
 * for a token that was only put before the text; that whitespace is not trimmed off them; and that a replacement has
 * the whole of what it replaces. tests/unit/tokenizer/test_offsets.cc compares the two. All of this exists only where a
 * caller asks for spans: llmi_encode_work.offsets is NULL otherwise, and every function here is then left at its first
 * test. */
#ifndef LLMI_TOKENIZER_OFFSETS_H
#define LLMI_TOKENIZER_OFFSETS_H

#include "tokenizer/internal.h"

typedef struct llmi_offsets_view {
    const char *text;
    const llmi_text_range *from; /* of each byte of text; NULL: byte i is byte i of the given text */
} llmi_offsets_view;

typedef struct llmi_offsets {
    llmi_buf *spans; /* llmi_text_range, one for each id that the call appends */
    size_t first;    /* bytes that spans held before the call */
    llmi_offsets_view view;
    llmi_buf repaired, norm[2], level[LLMI_MAX_STEPS]; /* maps of the texts of the same names: llmi_text_range */
} llmi_offsets;

void llmi_offsets_init(llmi_offsets *o, const llm_allocator *a, llmi_buf *spans, const char *text);
void llmi_offsets_free(llmi_offsets *o);

/* ---- tokens ---- */

/* The span of the next id, which stands for text[0..n-1] of the view. Bytes that an earlier token has are not given
 * again: of two tokens that one character became, the first has it, and the second has an empty span behind it. */
bool llmi_offsets_put(llmi_offsets *o, const char *text, size_t n);
/* The last id stands for this text too. */
void llmi_offsets_extend(llmi_offsets *o, const char *text, size_t n);
/* n ids that stand for no text: at the start of the given text or, with `end`, at that place. */
bool llmi_offsets_put_empty(llmi_offsets *o, size_t n, size_t end);
/* The ids from `begin` on (bytes of w->ids) are gone. */
void llmi_offsets_truncate(llmi_encode_work *w, size_t begin);
/* Removes the span of one id (bytes of w->ids); `merge`: the id before it stands for its text too. */
void llmi_offsets_remove(llmi_encode_work *w, size_t at, bool merge);

/* Appends an id that stands for text[0..n-1]. */
static inline bool llmi_offsets_put_id(llmi_encode_work *w, int32_t id, const char *text, size_t n) {
    return llmi_buf_push(w->ids, id) && (!w->offsets || llmi_offsets_put(w->offsets, text, n));
}

/* Whether text[0..n-1] went into the last id, because it and `id` are unknown text that is one token. first_id: where
 * the ids of the word begin. */
bool llmi_offsets_fuses(llmi_encode_work *w, size_t first_id, int32_t id, const char *text, size_t n);

/* ---- maps ---- */

/* Appends the entries of bytes that are text[0..n-1] of the view. */
bool llmi_offsets_copy(const llmi_offsets *o, llmi_buf *map, const char *text, size_t n);
/* Appends those of n_out bytes that text[0..n-1], n > 0, became as a whole. */
bool llmi_offsets_block(const llmi_offsets *o, llmi_buf *map, const char *text, size_t n, size_t n_out);
/* Appends those of n_out bytes that were inserted before `text`, or behind it; NULL: nothing is left of the text. */
bool llmi_offsets_insert(const llmi_offsets *o, llmi_buf *map, const char *text, bool behind, size_t n_out);

/* The map of the text that pre-tokenizer `level` writes, empty; NULL if nobody asks. */
static inline llmi_buf *llmi_offsets_level(llmi_encode_work *w, int32_t level) {
    if (!w->offsets) return NULL;
    w->offsets->level[level].len = 0;
    return &w->offsets->level[level];
}

/* The view becomes that of a text with this map (NULL: it stays); what it was is returned for llmi_offsets_leave. */
static inline llmi_offsets_view llmi_offsets_enter(llmi_encode_work *w, const char *text, const llmi_buf *map) {
    if (!w->offsets) return (llmi_offsets_view){0};
    if (!map) return w->offsets->view;
    llmi_offsets_view view = w->offsets->view;
    w->offsets->view = (llmi_offsets_view){text, (const llmi_text_range *)(const void *)map->data};
    return view;
}

static inline void llmi_offsets_leave(llmi_encode_work *w, llmi_offsets_view view) {
    if (w->offsets) w->offsets->view = view;
}

/* What llmi_utf8_repair made of the given text. */
bool llmi_offsets_repair(llmi_offsets *o, const char *text, size_t n, const char *repaired);
/* What normalizer s made of `in`: appends to map. */
llm_status llmi_offsets_normalize(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *map, llm_span in,
                                  llm_span out);

#endif
