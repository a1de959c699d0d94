/* Text to ids. */
#include "base/alloc.h"
#include "base/status.h"
#include "base/utf8.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/normalizers.h"
#include "tokenizer/offsets.h"
#include "tokenizer/pre_tokenizers.h"
#include "tokenizer/regex.h"
#include "tokenizer/word_cache.h"

/* a * n + b, at most 2^62. */
static size_t linear(size_t n, size_t a, size_t b) {
    return n < ((size_t)1 << 62) / a - b ? a * n + b : (size_t)1 << 62;
}

void llmi_encode_work_init(llmi_encode_work *w, const llm_tokenizer *t, llmi_buf *ids, uint32_t flags, size_t n) {
    *w = (llmi_encode_work){.t = t, .a = t->a, .ids = ids, .flags = flags};
    w->steps = (int64_t)linear(n, LLMI_STEPS_EACH, LLMI_STEPS_MORE);
    w->most = linear(n, LLMI_GROWTH_EACH, LLMI_GROWTH_MORE);
    for (int i = 0; i < 2; i++) {
        llmi_buf_init(&w->norm[i], t->a);
        llmi_buf_init(&w->run[i], t->a);
    }
    for (int i = 0; i < LLMI_MAX_STEPS; i++) llmi_buf_init(&w->level[i], t->a);
    llmi_buf_init(&w->word, t->a);
    llmi_buf_init(&w->cells, t->a);
    llmi_buf_init(&w->heap, t->a);
}

void llmi_encode_work_free(llmi_encode_work *w) {
    for (int i = 0; i < 2; i++) {
        llmi_buf_free(&w->norm[i]);
        llmi_buf_free(&w->run[i]);
    }
    for (int i = 0; i < LLMI_MAX_STEPS; i++) llmi_buf_free(&w->level[i]);
    llmi_buf_free(&w->word);
    llmi_buf_free(&w->cells);
    llmi_buf_free(&w->heap);
    llmi_regex_free_match(w);
    llmi_word_cache_destroy(w->cache, w->a);
}

llm_status llmi_encode_spent(void) {
    return llmi_error(LLM_E_LIMIT, "the tokenizer needs more than %d steps for each byte of this text",
                      LLMI_STEPS_EACH);
}

llm_status llmi_encode_work_put(llmi_encode_work *w, llmi_buf *out, const char *text, size_t n) {
    if (out->len > w->most || n > w->most - out->len)
        return llmi_error(LLM_E_LIMIT, "the tokenizer would make more than %zu bytes of this text, %d for each byte",
                          w->most, LLMI_GROWTH_EACH);
    return llmi_buf_append(out, text, n) ? LLM_OK : LLM_E_MEMORY;
}

/* ---- words to ids ---- */

static bool put_ids(llmi_buf *ids, const int32_t *from, size_t n) {
    if (!n) return true;
    if (!llmi_buf_reserve(ids, n * sizeof *from)) return false;
    memcpy(ids->data + ids->len, from, n * sizeof *from);
    ids->len += n * sizeof *from;
    return true;
}

static llm_status encode_new(llmi_encode_work *w, llmi_word_cache_entry *slot, const uint64_t key[3], const char *word,
                             size_t n) {
    size_t first = w->ids->len;
    llm_status status = w->t->model(w, word, n);
    size_t n_ids = (w->ids->len - first) / sizeof(int32_t);
    if (status != LLM_OK || n_ids > LLMI_CACHE_IDS) return status;
    memcpy(slot->word, key, sizeof slot->word);
    slot->n_bytes = (uint8_t)n;
    slot->n_ids = (uint8_t)n_ids;
    if (n_ids) memcpy(slot->ids, w->ids->data + first, n_ids * sizeof(int32_t));
    return LLM_OK;
}

static inline llm_status encode_word(llmi_encode_work *w, const char *word, size_t n) {
    if (!w->cache || n > LLMI_CACHE_WORD) return w->t->model(w, word, n);
    uint64_t key[3];
    llmi_word_cache_key(key, word, n);
    llmi_word_cache_entry *slot = llmi_word_cache_slot(w->cache, key, n);
    if (llmi_word_cache_is(slot, key, n)) return put_ids(w->ids, slot->ids, slot->n_ids) ? LLM_OK : LLM_E_MEMORY;
    return encode_new(w, slot, key, word, n);
}

/* End of a part of a word: before the next U+2581 that no token contains after the preceding byte. */
static size_t part_end(const llm_tokenizer *t, const char *text, size_t n) {
    for (size_t at = 1; at < n;) {
        const char *mark = memchr(text + at, LLMI_META_SPACE[0], n - at);
        if (!mark) return n;
        at = (size_t)(mark - text);
        uint8_t before = (uint8_t)mark[-1];
        if (n - at >= LLMI_META_SPACE_BYTES && memcmp(mark, LLMI_META_SPACE, LLMI_META_SPACE_BYTES) == 0 &&
            !(t->no_cut[before >> 3] >> (before & 7) & 1))
            return at;
        at++;
    }
    return n;
}

/* Parts of a word may each end or begin with unknown text, which is one token. */
static void fuse(llmi_encode_work *w, size_t word_begin, size_t part_begin, int32_t unk) {
    llmi_buf *ids = w->ids;
    int32_t pair[2];
    if (part_begin == word_begin || part_begin == ids->len) return;
    memcpy(pair, ids->data + part_begin - sizeof pair[0], sizeof pair);
    if (pair[0] != unk || pair[1] != unk) return;
    llmi_offsets_remove(w, part_begin, true);
    ids->len -= sizeof unk;
    memmove(ids->data + part_begin, ids->data + part_begin + sizeof unk, ids->len - part_begin);
}

static llm_status encode_parts(llmi_encode_work *w, const char *word, size_t n) {
    const llm_tokenizer *t = w->t;
    size_t word_begin = w->ids->len;
    for (size_t at = 0, len; at < n; at += len) {
        size_t part_begin = w->ids->len;
        len = part_end(t, word + at, n - at);
        llm_status status = encode_word(w, word + at, len);
        if (status != LLM_OK) return status;
        if (t->fuse_unk && t->unk >= 0) fuse(w, word_begin, part_begin, t->unk);
    }
    return LLM_OK;
}

llm_status llmi_encode_piece(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first) {
    if (level < w->t->n_pres) return w->t->pres[level].run(w, level, text, n, first);
    return w->t->cuts ? encode_parts(w, text, n) : encode_word(w, text, n);
}

/* ---- text to words ---- */

/* Text between added tokens of the raw text, normalized, and between those of the normalized one. */
static llm_status encode_valid(llmi_encode_work *w, llm_span text, bool first) {
    const llm_tokenizer *t = w->t;
    size_t raw = (size_t)(text.ptr - w->raw);
    uint32_t flags = w->flags;
    if (w->n_plain && llmi_added_is_plain(w, raw, raw + text.len)) flags &= ~(uint32_t)LLM_ENCODE_PARSE_SPECIAL;
    llmi_offsets_view view = llmi_offsets_enter(w, NULL, NULL);
    llm_status status = llmi_normalizer_run(w, &text);
    bool any = llmi_added_any(t, 1, flags);
    for (size_t at = 0; at < text.len && status == LLM_OK;) {
        size_t begin, end;
        int32_t id = -1;
        bool found = any && llmi_added_find(w, 1, flags, text, at, &begin, &end, &id);
        if (w->steps < 0) return llmi_encode_spent();
        if (!found) begin = end = text.len;
        if (begin > at) status = llmi_encode_piece(w, 0, text.ptr + at, begin - at, first && at == 0);
        if (status == LLM_OK && found && !llmi_offsets_put_id(w, id, text.ptr + begin, end - begin))
            status = LLM_E_MEMORY;
        at = end;
    }
    llmi_offsets_leave(w, view);
    return status;
}

/* Text that may hold bytes which are no UTF-8: those go to the model by themselves. */
static llm_status encode_plain(llmi_encode_work *w, llm_span text, bool first) {
    llm_status status = LLM_OK;
    for (size_t at = 0; at < text.len && status == LLM_OK;) {
        size_t n = llmi_utf8_valid(text.ptr + at, text.len - at), bad = 0, len;
        w->continues = at > 0;
        if (n) status = encode_valid(w, (llm_span){text.ptr + at, n}, first && at == 0);
        at += n;
        while (at + bad < text.len &&
               llmi_utf8_decode(text.ptr + at + bad, text.len - at - bad, &len) == LLMI_UTF8_INVALID)
            bad += len;
        if (status == LLM_OK && bad) status = w->t->model(w, text.ptr + at, bad);
        at += bad;
    }
    return status;
}

static llm_status encode_text(llmi_encode_work *w, llm_span text) {
    const llm_tokenizer *t = w->t;
    llm_status status = LLM_OK;
    bool any = llmi_added_any(t, 0, w->flags);
    for (size_t at = 0; at < text.len && status == LLM_OK;) {
        size_t begin, end;
        int32_t id = -1;
        bool found = any && llmi_added_find(w, 0, w->flags, text, at, &begin, &end, &id);
        if (w->steps < 0) return llmi_encode_spent();
        if (!found) begin = end = text.len;
        if (begin > at) status = encode_plain(w, (llm_span){text.ptr + at, begin - at}, at == 0);
        if (status == LLM_OK && found && !llmi_offsets_put_id(w, id, text.ptr + begin, end - begin))
            status = LLM_E_MEMORY;
        at = end;
    }
    return status;
}

/* Ids around the text, `at` this byte of the given one. */
static bool put_around(llmi_encode_work *w, const llmi_buf *ids, size_t at) {
    if (!(w->flags & LLM_ENCODE_ADD_SPECIAL)) return true;
    if (!llmi_buf_append(w->ids, ids->data, ids->len)) return false;
    return !w->offsets || llmi_offsets_put_empty(w->offsets, llmi_buf_count(ids, llm_token), at);
}

/* n_given: bytes of the text as it was given. */
static llm_status encode_all(llmi_encode_work *w, llm_span text, size_t n_given) {
    if (!put_around(w, &w->t->before, 0)) return LLM_E_MEMORY;
    llm_status status = encode_text(w, text);
    if (status != LLM_OK) return status;
    return put_around(w, &w->t->after, n_given) ? LLM_OK : LLM_E_MEMORY;
}

/* A text that spells BOS at its start already has the one that is added. ids from `before` on are the text's. */
static void drop_second_bos(llmi_encode_work *w, size_t before) {
    llmi_buf *ids = w->ids;
    llm_token bos = llmi_tokenizer_special(w->t, LLM_SPECIAL_BOS);
    if (bos == LLM_TOKEN_NONE || ids->len - before < 2 * sizeof bos) return;
    llm_token *first = (llm_token *)(void *)(ids->data + before);
    if (first[0] != bos || first[1] != bos) return;
    llmi_offsets_remove(w, before, false);
    ids->len -= sizeof bos;
    memmove(first, first + 1, ids->len - before);
}

llm_status llmi_tokenizer_encode(llmi_buf *ids, const llm_tokenizer *t, const char *text, size_t n_bytes,
                                 uint32_t flags) {
    return llmi_tokenizer_encode_mixed(ids, t, text, n_bytes, flags, NULL, 0, NULL);
}

/* Where the model wants UTF-8 and the text is not, the text becomes what `repaired` then holds. */
static llm_status repair(llmi_encode_work *w, llmi_buf *repaired, llm_span *text) {
    if (w->t->takes_bytes || llmi_utf8_valid(text->ptr, text->len) == text->len) return LLM_OK;
    if (llmi_utf8_repair(repaired, text->ptr, text->len)) return LLM_E_MEMORY;
    if (w->offsets && !llmi_offsets_repair(w->offsets, text->ptr, text->len, repaired->data)) return LLM_E_MEMORY;
    *text = (llm_span){repaired->data, repaired->len};
    if (w->n_plain) w->flags &= ~(uint32_t)LLM_ENCODE_PARSE_SPECIAL; /* the ranges are of the other text */
    w->n_plain = 0;
    return LLM_OK;
}

/* The cache holds no spans: it is for those who ask for none. */
static llm_status run(llmi_encode_work *w, llmi_buf *repaired, llm_span text) {
    size_t n_given = text.len, before = w->ids->len;
    bool both = w->flags & LLM_ENCODE_ADD_SPECIAL && w->flags & LLM_ENCODE_PARSE_SPECIAL;
    llm_status status = repair(w, repaired, &text);
    if (status != LLM_OK) return status;
    w->raw = text.ptr;
    if (n_given && !w->offsets && !(w->cache = llmi_word_cache_create(w->a, n_given))) return LLM_E_MEMORY;
    status = encode_all(w, text, n_given);
    if (status == LLM_OK && both) drop_second_bos(w, before);
    return status;
}

llm_status llmi_tokenizer_encode_mixed(llmi_buf *ids, const llm_tokenizer *t, const char *text, size_t n_bytes,
                                       uint32_t flags, const llmi_text_range *plain, size_t n_plain, llmi_buf *spans) {
    llmi_encode_work w;
    llmi_offsets offsets;
    llmi_buf repaired;
    size_t before = ids->len;
    llmi_encode_work_init(&w, t, ids, flags, n_bytes);
    llmi_buf_init(&repaired, t->a);
    w.plain = plain;
    w.n_plain = n_plain;
    if (spans) {
        llmi_offsets_init(&offsets, t->a, spans, text);
        w.offsets = &offsets;
    }
    llm_status status = run(&w, &repaired, (llm_span){text, n_bytes});
    if (status != LLM_OK && spans) spans->len = offsets.first;
    if (status != LLM_OK) ids->len = before;
    if (spans) llmi_offsets_free(&offsets);
    llmi_encode_work_free(&w);
    llmi_buf_free(&repaired);
    return status;
}
