#include "tokenizer/unigram.h"

#include "base/alloc.h"
#include "base/status.h"
#include "base/utf8.h"
#include "tokenizer/offsets.h"

/* The best way to a byte of the word. */
typedef struct node {
    double score;
    int32_t id;   /* of the token that ends here */
    uint32_t len; /* its bytes; 0: no way leads here */
} node;

static void offer(node *to, double score, int32_t id, size_t len) {
    if (to->len && !(score > to->score)) return;
    *to = (node){score, id, (uint32_t)len};
}

/* Tokens that begin at `at`. False: the steps of the call are spent. */
static bool step(llmi_encode_work *w, node *nodes, const char *word, size_t n, size_t at) {
    const llmi_unigram *u = w->t->unigram;
    size_t char_len = llmi_utf8_step(word + at, n - at), i = at;
    bool whole = false;
    uint32_t state = 0;
    while (i < n) {
        const llmi_trie_edge *e = llmi_trie_step(&u->trie, state, (uint8_t)word[i++]);
        if (!e) break;
        state = e->to;
        if (e->value < 0) continue;
        offer(&nodes[i], nodes[at].score + llmi_buf_at(&u->scores, double, e->value), e->value, i - at);
        if (i - at == char_len) whole = true;
    }
    if (!whole) offer(&nodes[at + char_len], nodes[at].score + u->unk_score, -1, char_len);
    return llmi_encode_spend(w, i - at);
}

static bool put_bytes(llmi_encode_work *w, const char *text, size_t n) {
    const llmi_unigram *u = w->t->unigram;
    for (size_t i = 0; i < n; i++)
        if (u->byte_ids[(uint8_t)text[i]] < 0) return false;
    for (size_t i = 0; i < n; i++)
        if (!llmi_offsets_put_id(w, u->byte_ids[(uint8_t)text[i]], text + i, 1)) return false;
    return true;
}

static bool put(llmi_encode_work *w, size_t first_id, const node *best, const char *text) {
    const llm_tokenizer *t = w->t;
    int32_t id = best->id >= 0 ? best->id : t->unk;
    if (best->id < 0 && t->unigram->byte_fallback) {
        size_t before = w->ids->len;
        if (put_bytes(w, text, best->len)) return true;
        if (w->ids->len != before) return false;
        if (!llmi_buf_reserve(w->ids, best->len * sizeof id)) return false;
    }
    if (id < 0) return true;
    return llmi_offsets_fuses(w, first_id, id, text, best->len) || llmi_offsets_put_id(w, id, text, best->len);
}

llm_status llmi_unigram_encode(llmi_encode_work *w, const char *word, size_t n) {
    llmi_buf *cells = &w->cells;
    size_t room, first_id = w->ids->len;
    cells->len = 0;
    if (n >= UINT32_MAX || __builtin_mul_overflow(n + 1, sizeof(node), &room) || !llmi_buf_reserve(cells, room))
        return llmi_error(LLM_E_MEMORY, "out of memory for a word of %zu bytes", n);
    node *nodes = (node *)(void *)cells->data;
    memset(nodes, 0, room);
    for (size_t at = 0; at < n; at += llmi_utf8_step(word + at, n - at))
        if (!step(w, nodes, word, n, at)) return llmi_encode_spent();
    /* Turned round: each node's length becomes that of the token that begins there. */
    uint32_t len = 0;
    int32_t id = -1;
    for (size_t at = n;;) {
        node here = nodes[at];
        nodes[at].len = len;
        nodes[at].id = id;
        if (at == 0) break;
        len = here.len;
        id = here.id;
        at -= len;
    }
    for (size_t at = 0; at < n; at += nodes[at].len)
        if (!put(w, first_id, &nodes[at], word + at)) return LLM_E_MEMORY;
    return LLM_OK;
}

void llmi_unigram_free(llmi_unigram *u, const llm_allocator *a) {
    if (!u) return;
    llmi_trie_free(&u->trie);
    llmi_buf_free(&u->scores);
    llmi_free(a, u, sizeof *u);
}
