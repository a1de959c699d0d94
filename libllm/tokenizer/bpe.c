#include "tokenizer/bpe.h"

#include "base/alloc.h"
#include "base/status.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/offsets.h"

#define FEW    32   /* symbols: below, looking at every pair beats a heap */
#define WINDOW 1024 /* bytes */

/* A stretch of the word that is one token so far. */
typedef struct cell {
    int32_t id;
    uint32_t at, len; /* bytes of the window; len 0: merged into its left neighbour */
    int32_t prev, next;
} cell;

/* A merge that may come: ordered by priority, then from left to right. */
typedef struct chance {
    uint64_t key; /* priority << 32 | left cell */
    uint32_t len; /* of both: a chance whose cells have grown since is stale */
    int32_t into;
} chance;

/* A token of the result. */
typedef struct piece {
    size_t at, len;
    int32_t id;
} piece;

typedef struct window {
    llmi_encode_work *w;
    const llmi_bpe *b;
    const char *word;
    size_t n_word, from, to; /* bytes of the word */
} window;

/* Larger scores come first: the order of the float turned round. */
static uint32_t priority_of_score(float score) {
    uint32_t bits;
    if (score == 0 || score != score) score = score == 0 ? 0.0f : -3.4e38f;
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    return ~bits - 1; /* never LLMI_NO_MERGE: ~bits is at least 1 for what is not NaN */
}

static uint32_t join(const window *v, const cell *l, const cell *r, int32_t *into) {
    if (!v->b->by_score) return llmi_bpe_merges_find(&v->b->merges, l->id, r->id, into);
    const llm_tokenizer *t = v->w->t;
    if (!llmi_encode_spend(v->w, (l->len + r->len) / 8)) return LLMI_NO_MERGE;
    *into = llmi_vocab_find(&t->vocab, v->word + v->from + l->at, l->len + r->len);
    if (*into < 0) return LLMI_NO_MERGE;
    int32_t type = llmi_token_type(t, *into);
    if (type != LLM_TOKEN_NORMAL && type != LLM_TOKEN_USER_DEFINED) return LLMI_NO_MERGE;
    return priority_of_score(llmi_token_score(t, *into));
}

static bool add_cell(window *v, int32_t id, size_t at, size_t len) {
    cell c = {.id = id, .at = (uint32_t)(at - v->from), .len = (uint32_t)len};
    return llmi_buf_push(&v->w->cells, c);
}

/* The id of a character, spelled with the affixes its place in the word asks for. */
static int32_t find_character(window *v, size_t at, size_t len) {
    const llmi_bpe *b = v->b;
    const llmi_vocab *x = &v->w->t->vocab;
    bool prefixed = b->prefix.len && at > 0, suffixed = b->suffix.len && at + len == v->n_word;
    if (!prefixed && !suffixed) return llmi_vocab_find(x, v->word + at, len);
    llmi_buf *s = &v->w->word;
    s->len = 0;
    if (prefixed && !llmi_buf_append(s, b->prefix.ptr, b->prefix.len)) return -2;
    if (!llmi_buf_append(s, v->word + at, len)) return -2;
    if (suffixed && !llmi_buf_append(s, b->suffix.ptr, b->suffix.len)) return -2;
    return llmi_vocab_find(x, s->data, s->len);
}

/* Cells of one character. By score, characters without a token stay whole (id -1): their spelling
 * may still join with a neighbour's. */
static bool add_character(window *v, size_t at, size_t len) {
    const llmi_bpe *b = v->b;
    int32_t id = find_character(v, at, len);
    if (id < -1) return false;
    if (id >= 0 || b->by_score) return add_cell(v, id, at, len);
    bool bytes = b->byte_fallback;
    for (size_t i = 0; i < len && bytes; i++) bytes = b->byte_ids[(uint8_t)v->word[at + i]] >= 0;
    for (size_t i = 0; i < len && bytes; i++)
        if (!add_cell(v, b->byte_ids[(uint8_t)v->word[at + i]], at + i, 1)) return false;
    if (bytes || v->w->t->unk < 0) return true;
    return add_cell(v, v->w->t->unk, at, len);
}

static bool fill_cells(window *v) {
    llmi_buf *cells = &v->w->cells;
    cells->len = 0;
    for (size_t i = v->from; i < v->to;) {
        size_t len = 1;
        if (v->b->byte_level) {
            int32_t id = v->b->byte_ids[(uint8_t)v->word[i]];
            if (id < 0) id = v->w->t->unk;
            if (id >= 0 && !add_cell(v, id, i, 1)) return false;
        } else {
            len = llmi_utf8_step(v->word + i, v->to - i);
            if (!add_character(v, i, len)) return false;
        }
        i += len;
    }
    return true;
}

/* Few cells: keeps the priority of every pair beside it and takes the best each time. */
static void merge_few(window *v, cell *c, int32_t n) {
    uint32_t priority[FEW];
    int32_t into[FEW];
    for (int32_t i = 0; i + 1 < n; i++) priority[i] = join(v, &c[i], &c[i + 1], &into[i]);
    while (n > 1) {
        int32_t best = 0;
        for (int32_t i = 1; i + 1 < n; i++)
            if (priority[i] < priority[best]) best = i;
        if (priority[best] == LLMI_NO_MERGE) break;
        c[best].id = into[best];
        c[best].len += c[best + 1].len;
        n--;
        for (int32_t i = best + 1; i < n; i++) c[i] = c[i + 1];
        for (int32_t i = best + 1; i + 1 < n; i++) {
            priority[i] = priority[i + 1];
            into[i] = into[i + 1];
        }
        if (best > 0) priority[best - 1] = join(v, &c[best - 1], &c[best], &into[best - 1]);
        if (best + 1 < n) priority[best] = join(v, &c[best], &c[best + 1], &into[best]);
    }
    v->w->cells.len = (size_t)n * sizeof *c;
}

static bool heap_push(llmi_buf *heap, chance x) {
    if (!llmi_buf_push(heap, x)) return false;
    chance *h = (chance *)(void *)heap->data;
    size_t i = llmi_buf_count(heap, chance) - 1;
    for (; i > 0 && h[(i - 1) / 2].key > x.key; i = (i - 1) / 2) h[i] = h[(i - 1) / 2];
    h[i] = x;
    return true;
}

static chance heap_pop(llmi_buf *heap) {
    chance *h = (chance *)(void *)heap->data, top = h[0];
    size_t n = llmi_buf_count(heap, chance) - 1, i = 0;
    chance x = h[n];
    heap->len = n * sizeof x;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && h[child + 1].key < h[child].key) child++;
        if (h[child].key >= x.key) break;
        h[i] = h[child];
    }
    if (n) h[i] = x;
    return top;
}

static bool add_chance(window *v, const cell *c, int32_t left) {
    if (left < 0 || c[left].next < 0) return true;
    const cell *l = &c[left], *r = &c[l->next];
    chance x = {.len = l->len + r->len};
    uint32_t priority = join(v, l, r, &x.into);
    x.key = (uint64_t)priority << 32 | (uint32_t)left;
    return priority == LLMI_NO_MERGE || heap_push(&v->w->heap, x);
}

/* Many cells: a linked list and a heap of the chances. */
static bool merge_many(window *v, cell *c, int32_t n) {
    v->w->heap.len = 0;
    for (int32_t i = 0; i < n; i++) {
        c[i].prev = i - 1;
        c[i].next = i + 1 < n ? i + 1 : -1;
    }
    for (int32_t i = 0; i < n; i++)
        if (!add_chance(v, c, i)) return false;
    while (v->w->heap.len) {
        chance x = heap_pop(&v->w->heap);
        int32_t left = (int32_t)(uint32_t)x.key, right = c[left].next;
        if (!c[left].len || right < 0 || c[left].len + c[right].len != x.len) continue;
        c[left].id = x.into;
        c[left].len = x.len;
        c[left].next = c[right].next;
        c[right].len = 0;
        if (c[left].next >= 0) c[c[left].next].prev = left;
        if (!add_chance(v, c, c[left].prev) || !add_chance(v, c, left)) return false;
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++)
        if (c[i].len) c[kept++] = c[i];
    v->w->cells.len = (size_t)kept * sizeof *c;
    return true;
}

/* Merges word[from..to-1] by itself; the result is w->cells. */
static bool merge_window(window *v) {
    if (!fill_cells(v)) return false;
    cell *c = (cell *)(void *)v->w->cells.data;
    int32_t n = (int32_t)llmi_buf_count(&v->w->cells, cell);
    if (n > FEW) return merge_many(v, c, n);
    merge_few(v, c, n);
    return true;
}

/* Appends a token to the ids; by score, spells what has no token with bytes. `first_id`: where the
 * ids of this word begin. */
static bool put_piece(const window *v, size_t first_id, int32_t id, size_t at, size_t len) {
    llmi_encode_work *w = v->w;
    const llmi_bpe *b = v->b;
    if (id < 0) {
        bool bytes = true;
        for (size_t i = 0; i < len && bytes; i++) bytes = b->byte_ids[(uint8_t)v->word[at + i]] >= 0;
        for (size_t i = 0; i < len && bytes; i++)
            if (!llmi_offsets_put_id(w, b->byte_ids[(uint8_t)v->word[at + i]], v->word + at + i, 1)) return false;
        if (bytes || v->w->t->unk < 0) return true;
        id = v->w->t->unk;
    }
    return llmi_offsets_fuses(w, first_id, id, v->word + at, len) || llmi_offsets_put_id(w, id, v->word + at, len);
}

/* Merges a window into `run`. */
static bool merge_to_run(window *v, size_t from, size_t size, llmi_buf *run) {
    v->from = from;
    v->to = v->n_word - from > size ? from + size : v->n_word;
    /* A character is not cut in two. */
    for (int i = 0; i < 3 && v->to < v->n_word && ((uint8_t)v->word[v->to] & 0xc0) == 0x80; i++) v->to++;
    run->len = 0;
    if (!merge_window(v)) return false;
    const cell *c = (const cell *)(const void *)v->w->cells.data;
    size_t n = llmi_buf_count(&v->w->cells, cell);
    if (!llmi_buf_reserve(run, n * sizeof(piece))) return false;
    for (size_t i = 0; i < n; i++) {
        piece p = {from + c[i].at, c[i].len, c[i].id};
        if (!llmi_buf_push(run, p)) return false;
    }
    return true;
}

/* Finds the first token that both runs have in the same place. */
static bool find_common(const llmi_buf *run, size_t *i, const llmi_buf *ahead, size_t *j) {
    const piece *p = (const piece *)(const void *)run->data, *q = (const piece *)(const void *)ahead->data;
    size_t n = llmi_buf_count(run, piece), m = llmi_buf_count(ahead, piece);
    for (*j = 0; *i < n && *j < m;) {
        if (p[*i].at == q[*j].at && p[*i].len == q[*j].len && p[*i].id == q[*j].id) return true;
        if (p[*i].at <= q[*j].at)
            ++*i;
        else
            ++*j;
    }
    return false;
}

/* A long word is merged in windows that overlap. A row of tokens is the merge of its text exactly
 * if each two neighbours are the merge of theirs: what lies between them takes part in the same
 * merges in the same order whatever surrounds it. So where two overlapping windows agree on
 * one token, the left one up to it and the right one from it on are right together; where they
 * agree nowhere, the window is too small. */
static bool encode_long(window *v, size_t first_id) {
    llmi_buf *run = &v->w->run[0], *ahead = &v->w->run[1];
    size_t base = v->b->window ? v->b->window : WINDOW, size = base;
    if (!merge_to_run(v, 0, size, run)) return false;
    bool last = v->to == v->n_word;
    for (size_t from = 0; !last;) {
        const piece *p = (const piece *)(const void *)run->data;
        size_t n = llmi_buf_count(run, piece), i = 0, j;
        while (i < n && p[i].at < from + size - size / 4) i++;
        size_t meet = i;
        if (i < n && i > 0 && !merge_to_run(v, p[i].at, size, ahead)) return false;
        bool reaches = v->to == v->n_word;
        if (i == n || i == 0 || !find_common(run, &meet, ahead, &j)) {
            size *= 2;
            if (!merge_to_run(v, from, size, run)) return false;
            last = v->to == v->n_word;
            continue;
        }
        for (size_t k = 0; k < meet; k++)
            if (!put_piece(v, first_id, p[k].id, p[k].at, p[k].len)) return false;
        llmi_buf *done = run;
        run = ahead;
        ahead = done;
        run->len -= j * sizeof(piece);
        memmove(run->data, run->data + j * sizeof(piece), run->len);
        from = llmi_buf_at(run, piece, 0).at;
        size = base;
        last = reaches;
    }
    const piece *p = (const piece *)(const void *)run->data;
    for (size_t k = 0; k < llmi_buf_count(run, piece); k++)
        if (!put_piece(v, first_id, p[k].id, p[k].at, p[k].len)) return false;
    return true;
}

/* The token that a word is as a whole: its id, -1 if there is none, -2 if there is no memory. */
static int32_t find_word(llmi_encode_work *w, const char *word, size_t n) {
    const llm_tokenizer *t = w->t;
    if (n > LLMI_SPELLING_MAX) return -1;
    w->word.len = 0;
    if (t->bpe->byte_level) {
        if (!llmi_buf_reserve(&w->word, 2 * n)) return -2;
        for (size_t i = 0; i < n; i++)
            w->word.len += llmi_byte_alphabet_spell(w->word.data + w->word.len, (uint8_t)word[i]);
        word = w->word.data;
        n = w->word.len;
    }
    int32_t id = llmi_vocab_find(&t->vocab, word, n);
    return id >= 0 && llmi_token_type(t, id) == LLM_TOKEN_CONTROL ? -1 : id;
}

llm_status llmi_bpe_encode(llmi_encode_work *w, const char *word, size_t n) {
    const llmi_bpe *b = w->t->bpe;
    window v = {.w = w, .b = b, .word = word, .n_word = n, .to = n};
    size_t first_id = w->ids->len;
    if (b->ignore_merges) {
        int32_t id = find_word(w, word, n);
        if (id < -1) return LLM_E_MEMORY;
        if (id >= 0) return llmi_offsets_put_id(w, id, word, n) ? LLM_OK : LLM_E_MEMORY;
    }
    if (n > (b->window ? b->window : WINDOW)) {
        if (!encode_long(&v, first_id)) return LLM_E_MEMORY;
        return w->steps >= 0 ? LLM_OK : llmi_encode_spent();
    }
    if (!merge_window(&v)) return LLM_E_MEMORY;
    if (w->steps < 0) return llmi_encode_spent();
    const cell *c = (const cell *)(const void *)w->cells.data;
    for (size_t i = 0; i < llmi_buf_count(&w->cells, cell); i++)
        if (!put_piece(&v, first_id, c[i].id, c[i].at, c[i].len)) return LLM_E_MEMORY;
    return LLM_OK;
}

int llmi_bpe_byte_token(llm_span s) {
    if (s.len != 6 || memcmp(s.ptr, "<0x", 3) || s.ptr[5] != '>') return -1;
    int byte = 0;
    for (int i = 3; i < 5; i++) {
        char c = s.ptr[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        byte = byte * 16 + digit;
    }
    return byte;
}

void llmi_bpe_byte_ids(int32_t ids[256], const llmi_vocab *x, bool byte_level) {
    static const char digits[] = "0123456789ABCDEF";
    for (int i = 0; i < 256; i++) {
        char text[6] = {'<', '0', 'x', digits[i >> 4], digits[i & 15], '>'};
        size_t n = byte_level ? llmi_byte_alphabet_spell(text, (uint8_t)i) : sizeof text;
        ids[i] = llmi_vocab_find(x, text, n);
    }
}

void llmi_bpe_free(llmi_bpe *b, const llm_allocator *a) {
    if (!b) return;
    llmi_bpe_merges_free(&b->merges);
    llmi_buf_free(&b->affixes);
    llmi_free(a, b, sizeof *b);
}
