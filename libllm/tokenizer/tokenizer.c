#include "tokenizer/tokenizer.h"

#include "base/alloc.h"
#include "base/status.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/decoders.h"
#include "tokenizer/normalizers.h"
#include "tokenizer/pre_tokenizers.h"
#include "tokenizer/token_trie.h"
#include "tokenizer/unigram.h"
#include "tokenizer/wordpiece.h"

llm_tokenizer *llmi_tokenizer_new(const llm_allocator *a) {
    llm_tokenizer *t = llmi_alloc_zero(a, sizeof *t);
    if (!t) return NULL;
    t->alloc = *a;
    t->a = &t->alloc;
    atomic_init(&t->refs, 1);
    t->unk = LLM_TOKEN_NONE;
    t->jit = true;
    for (int i = 0; i < 8; i++) t->special[i] = LLM_TOKEN_NONE;
    llmi_buf_init(&t->spellings, t->a);
    llmi_buf_init(&t->types, t->a);
    llmi_buf_init(&t->scores, t->a);
    llmi_buf_init(&t->added.items, t->a);
    llmi_buf_init(&t->variables, t->a);
    llmi_buf_init(&t->before, t->a);
    llmi_buf_init(&t->after, t->a);
    llmi_trie_init(&t->added.trie[0], t->a);
    llmi_trie_init(&t->added.trie[1], t->a);
    t->norms = llmi_alloc_zero(t->a, LLMI_MAX_STEPS * sizeof *t->norms);
    t->pres = t->norms ? llmi_alloc_zero(t->a, LLMI_MAX_STEPS * sizeof *t->pres) : NULL;
    t->decs = t->pres ? llmi_alloc_zero(t->a, LLMI_MAX_STEPS * sizeof *t->decs) : NULL;
    if (t->decs) return t;
    llmi_tokenizer_unref(t);
    return NULL;
}

void llmi_tokenizer_on_free(llm_tokenizer *t, void (*fn)(void *user), void *user) {
    t->on_free = fn;
    t->on_free_user = user;
}

llm_tokenizer *llmi_tokenizer_ref(llm_tokenizer *t) {
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

static void free_steps(llm_tokenizer *t) {
    for (int32_t i = 0; i < t->n_norms; i++) llmi_normalizer_free(&t->norms[i]);
    for (int32_t i = 0; i < t->n_pres; i++) llmi_pre_free(&t->pres[i]);
    for (int32_t i = 0; i < t->n_decs; i++) llmi_decoders_free(&t->decs[i]);
    llmi_free(t->a, t->norms, LLMI_MAX_STEPS * sizeof *t->norms);
    llmi_free(t->a, t->pres, LLMI_MAX_STEPS * sizeof *t->pres);
    llmi_free(t->a, t->decs, LLMI_MAX_STEPS * sizeof *t->decs);
}

void llmi_tokenizer_unref(llm_tokenizer *t) {
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) > 1) return;
    free_steps(t);
    llmi_bpe_free(t->bpe, t->a);
    llmi_unigram_free(t->unigram, t->a);
    llmi_wordpiece_free(t->wordpiece, t->a);
    llmi_token_trie_destroy(atomic_load(&t->tree));
    llmi_vocab_free(&t->vocab);
    llmi_trie_free(&t->added.trie[0]);
    llmi_trie_free(&t->added.trie[1]);
    llmi_buf_free(&t->added.items);
    llmi_buf_free(&t->spellings);
    llmi_buf_free(&t->types);
    llmi_buf_free(&t->scores);
    llmi_buf_free(&t->variables);
    llmi_buf_free(&t->before);
    llmi_buf_free(&t->after);
    void (*on_free)(void *user) = t->on_free;
    void *user = t->on_free_user;
    llm_allocator alloc = t->alloc;
    llmi_free(&alloc, t, sizeof *t);
    if (on_free) on_free(user);
}

/* ---- while it is made ---- */

static llm_status check_room(int32_t n, const char *what) {
    if (n < LLMI_MAX_STEPS) return LLM_OK;
    return llmi_error(LLM_E_LIMIT, "more than %d %s in a row", LLMI_MAX_STEPS, what);
}

llm_status llmi_tokenizer_add_normalizer(llmi_normalizer **out, llm_tokenizer *t) {
    llm_status status = check_room(t->n_norms, "normalizers");
    if (status != LLM_OK) return status;
    llmi_normalizer *s = *out = &t->norms[t->n_norms++];
    llmi_buf_init(&s->from, t->a);
    llmi_buf_init(&s->to, t->a);
    llmi_buf_init(&s->map_bytes, t->a);
    return LLM_OK;
}

llm_status llmi_tokenizer_add_pre(llmi_pre **out, llm_tokenizer *t) {
    llm_status status = check_room(t->n_pres, "pre-tokenizers");
    if (status != LLM_OK) return status;
    *out = &t->pres[t->n_pres++];
    llmi_buf_init(&(*out)->text, t->a);
    return LLM_OK;
}

llm_status llmi_tokenizer_add_decoder(llmi_decoder_step **out, llm_tokenizer *t) {
    llm_status status = check_room(t->n_decs, "decoders");
    if (status != LLM_OK) return status;
    llmi_decoder_step *d = *out = &t->decs[t->n_decs++];
    llmi_buf_init(&d->from, t->a);
    llmi_buf_init(&d->to, t->a);
    return LLM_OK;
}

/* Where words may be cut: not behind a byte that some token has before U+2581. */
static void find_cuts(llm_tokenizer *t) {
    for (int32_t id = 0; id < t->vocab.n; id++) {
        int32_t type = llmi_token_type(t, id);
        if (type == LLM_TOKEN_CONTROL || type == LLM_TOKEN_BYTE) continue;
        llm_span s = llmi_vocab_get(&t->vocab, id);
        for (size_t i = 1; i + LLMI_META_SPACE_BYTES <= s.len; i++) {
            const char *mark = memchr(s.ptr + i, LLMI_META_SPACE[0], s.len - i - 2);
            if (!mark) break;
            i = (size_t)(mark - s.ptr);
            uint8_t before = (uint8_t)mark[-1];
            if (memcmp(mark, LLMI_META_SPACE, LLMI_META_SPACE_BYTES) == 0)
                t->no_cut[before >> 3] |= (uint8_t)(1u << (before & 7));
        }
    }
}

/* Characters never merge into a control token, whatever the merges say. */
static void forbid_merges(llm_tokenizer *t) {
    llmi_bpe_merges *m = &t->bpe->merges;
    for (size_t i = 0; m->slots && i <= m->mask; i++)
        if (m->slots[i].left >= 0 && llmi_token_type(t, m->slots[i].into) == LLM_TOKEN_CONTROL)
            m->slots[i].rank = LLMI_NO_MERGE;
}

llm_status llmi_tokenizer_finish(llm_tokenizer *t) {
    if (t->bpe) forbid_merges(t);
    llmi_special_tokens_guess(t);
    llmi_special_tokens_find_eog(t);
    if (t->cuts) find_cuts(t);
    return llmi_added_finish(t);
}

/* ---- questions ---- */

int32_t llmi_tokenizer_size(const llm_tokenizer *t) {
    return t->vocab.n;
}

const char *llmi_tokenizer_kind(const llm_tokenizer *t) {
    return t->kind;
}

llm_token llmi_tokenizer_special(const llm_tokenizer *t, int32_t role) {
    return role >= 0 && role < 8 ? t->special[role] : LLM_TOKEN_NONE;
}

llm_token llmi_tokenizer_find(const llm_tokenizer *t, const char *text, size_t n_bytes) {
    return n_bytes ? llmi_vocab_find(&t->vocab, text, n_bytes) : LLM_TOKEN_NONE;
}

bool llmi_tokenizer_variable(const llm_tokenizer *t, size_t i, const char **name, llm_token *id) {
    if (i >= llmi_buf_count(&t->variables, llmi_tokenizer_variable_name)) return false;
    const llmi_tokenizer_variable_name *v = &llmi_buf_at(&t->variables, const llmi_tokenizer_variable_name, i);
    *name = v->name;
    *id = v->id;
    return true;
}

void llmi_tokenizer_token(const llm_tokenizer *t, llm_token id, llm_span *text, int32_t *type, float *score) {
    if (text) *text = llmi_vocab_get(&t->vocab, id);
    if (type) *type = llmi_token_type(t, id);
    if (score) *score = llmi_token_score(t, id);
}
