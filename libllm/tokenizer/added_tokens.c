#include "tokenizer/added_tokens.h"

#include "base/status.h"
#include "base/utf8.h"
#include "unicode/categories.h"

llm_status llmi_added_tokens_add(llm_tokenizer *t, int32_t id, uint8_t flags) {
    llmi_added_item item = {id, flags};
    return llmi_buf_push(&t->added.items, item) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status finish_item(llm_tokenizer *t, llmi_encode_work *w, int32_t index) {
    llmi_added_item item = llmi_buf_at(&t->added.items, llmi_added_item, index);
    llm_span text = llmi_vocab_get(&t->vocab, item.id);
    bool special = item.flags & LLMI_ADDED_SPECIAL;
    int group = (item.flags & LLMI_ADDED_NORMALIZED) != 0;
    if (group) {
        llm_status status = llmi_normalizer_run(w, &text);
        if (status != LLM_OK) return status;
    }
    if (!text.len) return LLM_OK;
    t->added.any[group] = true;
    if (!special) t->added.plain[group] = true;
    return llmi_trie_add(&t->added.trie[group], text.ptr, text.len, index);
}

llm_status llmi_added_finish(llm_tokenizer *t) {
    llmi_encode_work w;
    size_t n = llmi_buf_count(&t->added.items, llmi_added_item);
    llmi_encode_work_init(&w, t, NULL, 0, t->vocab.n_bytes);
    llm_status status = LLM_OK;
    for (size_t i = 0; i < n && status == LLM_OK; i++) status = finish_item(t, &w, (int32_t)i);
    llmi_encode_work_free(&w);
    return status;
}

bool llmi_added_any(const llm_tokenizer *t, int group, uint32_t flags) {
    return flags & LLM_ENCODE_PARSE_SPECIAL ? t->added.any[group] : t->added.plain[group];
}

static size_t last_char(const char *text, size_t n) {
    size_t at = n - 1;
    while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
    return at;
}

static bool is_word_at(const char *text, size_t n) {
    size_t len;
    uint32_t c = llmi_utf8_decode(text, n, &len);
    return c != LLMI_UTF8_INVALID && llmi_unicode_is_word(c);
}

static bool stands_alone(llm_span text, size_t begin, size_t end) {
    if (end < text.len && is_word_at(text.ptr + end, text.len - end)) return false;
    if (begin == 0) return true;
    size_t at = last_char(text.ptr, begin);
    return !is_word_at(text.ptr + at, begin - at);
}

static bool is_space_at(const char *text, size_t n, size_t *len) {
    uint32_t c = llmi_utf8_decode(text, n, len);
    return c != LLMI_UTF8_INVALID && llmi_unicode_class(c) & LLMI_SPACE;
}

bool llmi_added_is_plain(const llmi_encode_work *w, size_t begin, size_t end) {
    size_t low = 0, high = w->n_plain; /* the first range that ends behind `begin` */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (w->plain[mid].end > begin)
            high = mid;
        else
            low = mid + 1;
    }
    return low < w->n_plain && w->plain[low].begin < end;
}

/* The longest token that begins at `at`: its index, or -1. */
static int32_t longest(llmi_encode_work *w, int group, uint32_t flags, llm_span text, size_t at, size_t *end) {
    const llm_tokenizer *t = w->t;
    const llmi_trie *trie = &t->added.trie[group];
    int32_t found = -1;
    uint32_t state = 0;
    size_t i = at;
    while (i < text.len) {
        const llmi_trie_edge *e = llmi_trie_step(trie, state, (uint8_t)text.ptr[i++]);
        if (!e) break;
        state = e->to;
        if (e->value < 0) continue;
        uint8_t item = llmi_buf_at(&t->added.items, llmi_added_item, e->value).flags;
        if (item & LLMI_ADDED_SPECIAL) {
            if (!(flags & LLM_ENCODE_PARSE_SPECIAL)) continue;
            if (group == 0 && llmi_added_is_plain(w, at, i)) continue;
        }
        if (item & LLMI_ADDED_SINGLE_WORD && !stands_alone(text, at, i)) continue;
        found = e->value;
        *end = i;
    }
    return llmi_encode_spend(w, i - at) ? found : -1;
}

bool llmi_added_find(llmi_encode_work *w, int group, uint32_t flags, llm_span text, size_t from, size_t *begin,
                     size_t *end, int32_t *id) {
    const llm_tokenizer *t = w->t;
    const llmi_trie *trie = &t->added.trie[group];
    for (size_t at = from; at < text.len && w->steps >= 0; at++) {
        if (!llmi_trie_begins(trie, (uint8_t)text.ptr[at])) continue;
        int32_t index = longest(w, group, flags, text, at, end);
        if (index < 0) continue;
        llmi_added_item item = llmi_buf_at(&t->added.items, llmi_added_item, index);
        size_t len;
        *begin = at;
        *id = item.id;
        while (item.flags & LLMI_ADDED_LSTRIP && *begin > from) {
            size_t last = last_char(text.ptr, *begin);
            if (last < from || !is_space_at(text.ptr + last, *begin - last, &len)) break;
            *begin = last;
        }
        while (item.flags & LLMI_ADDED_RSTRIP && *end < text.len && is_space_at(text.ptr + *end, text.len - *end, &len))
            *end += len;
        return true;
    }
    return false;
}
