#include "engine/kv_sequence.h"

void llmi_kv_cache_place(llmi_kv_cache *c, llmi_arena *arena, const llmi_dims *dims) {
    llmi_kvpool_place(&c->pool, arena, dims);
    llmi_prefix_place(&c->prefix, arena, dims, &c->pool);
}

static int32_t take(llmi_kv_cache *c) {
    if (!c->pool.n_free && !llmi_prefix_evict(&c->prefix)) return LLMI_NONE;
    return llmi_kvpool_take(&c->pool);
}

void llmi_kv_sequence_init(llmi_kv_sequence *s, llm_token *tokens, int32_t *pages) {
    *s = (llmi_kv_sequence){.tokens = tokens, .pages = pages, .spare = LLMI_NONE};
}

void llmi_kv_sequence_match(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t most) {
    s->n_done = llmi_prefix_match(s->pages, &c->prefix, s->tokens, most);
    s->n_pages = llmi_kvpool_pages(&c->pool, s->n_done);
    s->n_indexed = s->n_done / c->pool.page_tokens;
    for (int32_t i = 0; i < s->n_pages; i++) llmi_kvpool_ref(&c->pool, s->pages[i]);
}

static bool reserve_pages(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens) {
    for (int32_t n = llmi_kvpool_pages(&c->pool, n_tokens); s->n_pages < n; s->n_pages++) {
        int32_t page = take(c);
        if (page == LLMI_NONE) return false;
        s->pages[s->n_pages] = page;
    }
    return true;
}

/* The page that token n_done goes into is begun and has other holders. */
static bool tail_is_shared(const llmi_kv_sequence *s, const llmi_kvpool *pool) {
    return s->n_done % pool->page_tokens && pool->refs[s->pages[s->n_done / pool->page_tokens]] > 1;
}

/* The place behind n_done is not written yet. */
static bool is_at_end(const llmi_kv_sequence *s, const llmi_kvpool *pool) {
    return pool->fill[s->pages[s->n_done / pool->page_tokens]] == s->n_done % pool->page_tokens;
}

/* Gives the tail back to the index, which makes room for another page in its place: its tokens are
 * computed once more. */
static bool replace_tail(llmi_kv_sequence *s, llmi_kv_cache *c) {
    int32_t index = s->n_done / c->pool.page_tokens, page = s->pages[index];
    if (!c->pool.indexed[page] || c->pool.refs[page] > 2) return false;
    llmi_kvpool_unref(&c->pool, page);
    s->pages[index] = take(c);
    s->n_done = index * c->pool.page_tokens;
    return true;
}

bool llmi_kv_sequence_reserve(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens) {
    if (!reserve_pages(s, c, n_tokens)) return false;
    if (!tail_is_shared(s, &c->pool) || s->spare != LLMI_NONE) return true;
    s->spare = take(c);
    return s->spare != LLMI_NONE || is_at_end(s, &c->pool) || replace_tail(s, c);
}

/* The sequence whose length equals the page's fill appends in place; every other one needs its own copy of the page. */
static bool copy_tail(llmi_kv_copy *copy, llmi_kv_sequence *s, llmi_kv_cache *c) {
    int32_t used = s->n_done % c->pool.page_tokens, index = s->n_done / c->pool.page_tokens;
    if (!tail_is_shared(s, &c->pool) || is_at_end(s, &c->pool)) return true;
    int32_t page = s->spare != LLMI_NONE ? s->spare : take(c);
    if (page == LLMI_NONE) return false;
    s->spare = LLMI_NONE;
    *copy = (llmi_kv_copy){.seq = s, .index = index, .src = s->pages[index], .dst = page, .n_tokens = used};
    s->pages[index] = page;
    return true;
}

bool llmi_kv_sequence_open(llmi_kv_copy *copy, llmi_kv_sequence *s, llmi_kv_cache *c, int32_t end) {
    int32_t page_tokens = c->pool.page_tokens;
    *copy = (llmi_kv_copy){.seq = s};
    if (!reserve_pages(s, c, end) || !copy_tail(copy, s, c)) return false;
    for (int32_t i = s->n_done / page_tokens; i * page_tokens < end; i++) {
        int32_t n = end - i * page_tokens;
        c->pool.fill[s->pages[i]] = n < page_tokens ? n : page_tokens;
    }
    return true;
}

void llmi_kv_copy_done(llmi_kv_copy *copy, llmi_kv_cache *c) {
    if (copy->n_tokens) llmi_kvpool_unref(&c->pool, copy->src);
    copy->n_tokens = 0;
}

void llmi_kv_copy_undo(llmi_kv_copy *copy, llmi_kv_cache *c) {
    if (!copy->n_tokens) return;
    copy->seq->pages[copy->index] = copy->src;
    copy->seq->spare = copy->dst;
    copy->n_tokens = 0;
}

static void index_pages(llmi_kv_sequence *s, llmi_kv_cache *c) {
    int32_t page_tokens = c->pool.page_tokens;
    if (!c->prefix.nodes) return;
    for (int32_t i = s->n_indexed; i * page_tokens < s->n_done; i++) {
        int32_t rest = s->n_done - i * page_tokens, n = rest < page_tokens ? rest : page_tokens;
        int32_t parent = i ? s->pages[i - 1] : c->prefix.root;
        int32_t page = llmi_prefix_put(&c->prefix, parent, s->pages[i], s->tokens + i * page_tokens, n);
        if (page == LLMI_NONE) return;
        if (page != s->pages[i]) {
            llmi_kvpool_ref(&c->pool, page);
            llmi_kvpool_unref(&c->pool, s->pages[i]);
            s->pages[i] = page;
        }
        if (n == page_tokens) s->n_indexed = i + 1;
    }
}

static void drop_spare(llmi_kv_sequence *s, llmi_kv_cache *c) {
    if (s->spare != LLMI_NONE) llmi_kvpool_unref(&c->pool, s->spare);
    s->spare = LLMI_NONE;
}

void llmi_kv_sequence_commit(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_done) {
    s->n_done = n_done;
    drop_spare(s, c);
    index_pages(s, c);
}

void llmi_kv_sequence_share(llmi_kv_sequence *dst, const llmi_kv_sequence *src, llmi_kv_cache *c) {
    dst->n_done = src->n_done;
    dst->n_indexed = src->n_indexed;
    dst->n_pages = llmi_kvpool_pages(&c->pool, src->n_done);
    for (int32_t i = 0; i < dst->n_pages; i++) {
        dst->pages[i] = src->pages[i];
        llmi_kvpool_ref(&c->pool, dst->pages[i]);
    }
}

void llmi_kv_sequence_cut(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens) {
    int32_t n_pages = llmi_kvpool_pages(&c->pool, n_tokens), full = n_tokens / c->pool.page_tokens;
    s->n_tokens = n_tokens;
    if (s->n_done > n_tokens) s->n_done = n_tokens;
    if (s->n_indexed > full) s->n_indexed = full;
    drop_spare(s, c);
    while (s->n_pages > n_pages) llmi_kvpool_unref(&c->pool, s->pages[--s->n_pages]);
}

void llmi_kv_sequence_release(llmi_kv_sequence *s, llmi_kv_cache *c) {
    llmi_prefix_touch(&c->prefix, s->pages, s->n_pages);
    drop_spare(s, c);
    while (s->n_pages) llmi_kvpool_unref(&c->pool, s->pages[--s->n_pages]);
    s->n_done = s->n_indexed = 0;
}
