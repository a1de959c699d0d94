#include "tokenizer/wordpiece.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "tokenizer/offsets.h"

static size_t longest(llmi_encode_work *w, const llmi_trie *trie, const char *text, size_t n, int32_t *id) {
    size_t found = 0, i = 0;
    uint32_t state = 0;
    while (i < n) {
        const llmi_trie_edge *e = llmi_trie_step(trie, state, (uint8_t)text[i++]);
        if (!e) break;
        state = e->to;
        if (e->value < 0) continue;
        *id = e->value;
        found = i;
    }
    llmi_encode_spend(w, i);
    return found;
}

static bool too_long(const char *word, size_t n, size_t max_chars) {
    size_t chars = 0;
    for (size_t i = 0; i < n && chars <= max_chars; chars++) i += llmi_utf8_step(word + i, n - i);
    return chars > max_chars;
}

llm_status llmi_wordpiece_encode(llmi_encode_work *w, const char *word, size_t n) {
    const llm_tokenizer *t = w->t;
    const llmi_wordpiece *p = t->wordpiece;
    size_t first_id = w->ids->len, at = 0, len;
    bool known = !too_long(word, n, p->max_chars);
    for (; known && at < n; at += len) {
        int32_t id = -1;
        len = longest(w, &p->trie[at > 0], word + at, n - at, &id);
        known = len > 0;
        if (w->steps < 0) return llmi_encode_spent();
        if (known && !llmi_offsets_put_id(w, id, word + at, len)) return LLM_E_MEMORY;
    }
    if (known) return LLM_OK;
    llmi_offsets_truncate(w, first_id);
    w->ids->len = first_id;
    if (t->unk < 0) return LLM_OK;
    return llmi_offsets_put_id(w, t->unk, word, n) ? LLM_OK : LLM_E_MEMORY;
}

void llmi_wordpiece_free(llmi_wordpiece *p, const llm_allocator *a) {
    if (!p) return;
    llmi_trie_free(&p->trie[0]);
    llmi_trie_free(&p->trie[1]);
    llmi_free(a, p, sizeof *p);
}
