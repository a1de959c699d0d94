#include "engine/kv_sequence.h"

void llmi_kv_cache_place(llmi_kv_cache *c, llmi_arena *arena, const llmi_dims *dims) {
    llmi_kvpool_place(&c->pool, arena, dims);
    llmi_prefix_place(&c->prefix, arena, dims, &c->pool);
    c->most_rows = dims->n_batch;
}

static int32_t take(llmi_kv_cache *c) {
    if (!c->pool.n_free && !llmi_prefix_evict(&c->prefix)) return LLMI_NONE;
    return llmi_kvpool_take(&c->pool);
}

void llmi_kv_sequence_init(llmi_kv_sequence *s, llm_token *tokens, int32_t *pages) {
    *s = (llmi_kv_sequence){.tokens = tokens, .pages = pages, .spare = LLMI_NONE};
}

/* ---- frames ----
 *
 * In each group with a window a sequence is a user of the frames of its pages first .. n_framed - 1, first being what
 * row n_done sees, and of those of a spare page and of a copy's source. */

static void unref_frames(const llmi_kvpool *p, int32_t page, int32_t n) {
    for (int32_t g = 0; g < n; g++) llmi_kvwindow_unref(&p->windows[g], page, p->indexed[page]);
}

/* In all groups, or in none. */
static bool take_frames(const llmi_kvpool *p, int32_t page) {
    for (int32_t g = 0; g < p->n_windows; g++)
        if (!llmi_kvwindow_take(&p->windows[g], page)) {
            unref_frames(p, page, g);
            return false;
        }
    return true;
}

/* A page that can be written to. */
static int32_t take_framed(llmi_kv_cache *c) {
    int32_t page = take(c);
    if (page == LLMI_NONE || take_frames(&c->pool, page)) return page;
    llmi_kvpool_unref(&c->pool, page);
    return LLMI_NONE;
}

static void give_framed(llmi_kv_cache *c, int32_t page) {
    unref_frames(&c->pool, page, c->pool.n_windows);
    llmi_kvpool_unref(&c->pool, page);
}

/* The sequence moves back from n_before tokens to n_done: it sees pages further in front, among those below n_pages. */
static void ref_frames(const llmi_kv_sequence *s, const llmi_kvpool *p, int32_t n_before) {
    for (int32_t g = 0; g < p->n_windows; g++) {
        llmi_kvwindow *w = &p->windows[g];
        int32_t end = llmi_kvwindow_first(w, n_before);
        if (end > s->n_pages) end = s->n_pages;
        for (int32_t i = llmi_kvwindow_first(w, s->n_done); i < end; i++) llmi_kvwindow_ref(w, s->pages[i]);
    }
}

/* It has gone on from n_before tokens: what row n_done does not see any more is given back. */
static void slide(const llmi_kv_sequence *s, const llmi_kvpool *p, int32_t n_before) {
    for (int32_t g = 0; g < p->n_windows; g++) {
        llmi_kvwindow *w = &p->windows[g];
        int32_t end = llmi_kvwindow_first(w, s->n_done);
        for (int32_t i = llmi_kvwindow_first(w, n_before); i < end; i++)
            llmi_kvwindow_unref(w, s->pages[i], p->indexed[s->pages[i]]);
    }
}

/* The longest beginning of n tokens, with these pages, whose windows are there. */
static int32_t usable(const llmi_kvpool *p, const int32_t *pages, int32_t n) {
    for (int32_t g = 0; g < p->n_windows;) {
        int32_t hole = llmi_kvwindow_last_hole(&p->windows[g], pages, llmi_kvpool_pages(p, n), n);
        if (hole != LLMI_NONE) n = hole * p->page_tokens;
        g = hole != LLMI_NONE ? 0 : g + 1;
    }
    return n;
}

/* ---- pages ---- */

/* Takes the pages of the first n_done tokens, which are computed. */
static void take_over(llmi_kv_sequence *s, llmi_kvpool *pool) {
    s->n_pages = s->n_framed = llmi_kvpool_pages(pool, s->n_done);
    for (int32_t i = 0; i < s->n_pages; i++) llmi_kvpool_ref(pool, s->pages[i]);
    ref_frames(s, pool, INT32_MAX);
}

void llmi_kv_sequence_match(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t most) {
    s->n_done = usable(&c->pool, s->pages, llmi_prefix_match(s->pages, &c->prefix, s->tokens, most));
    s->n_indexed = s->n_done / c->pool.page_tokens;
    take_over(s, &c->pool);
}

/* Pages for n_tokens, of which those of the first n_written can be written to. */
static bool reserve_pages(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens, int32_t n_written) {
    for (int32_t n = llmi_kvpool_pages(&c->pool, n_tokens); s->n_pages < n; s->n_pages++) {
        int32_t page = take(c);
        if (page == LLMI_NONE) return false;
        s->pages[s->n_pages] = page;
    }
    for (int32_t n = llmi_kvpool_pages(&c->pool, n_written); s->n_framed < n; s->n_framed++)
        if (!take_frames(&c->pool, s->pages[s->n_framed])) return false;
    return true;
}

/* Gives back all pages but the first n_pages, the last one first: it is the first that the index gives up. */
static void shrink(llmi_kv_sequence *s, llmi_kvpool *pool, int32_t n_pages) {
    while (s->n_pages > n_pages) {
        int32_t i = --s->n_pages, page = s->pages[i];
        for (int32_t g = 0; g < pool->n_windows && i < s->n_framed; g++)
            if (i >= llmi_kvwindow_first(&pool->windows[g], s->n_done))
                llmi_kvwindow_unref(&pool->windows[g], page, pool->indexed[page]);
        llmi_kvpool_unref(pool, page);
    }
    if (s->n_framed > n_pages) s->n_framed = n_pages;
}

/* Goes back to n tokens, or to fewer, where the windows are. */
static void go_back(llmi_kv_sequence *s, llmi_kvpool *pool, int32_t n) {
    int32_t before = s->n_done, full;
    n = usable(pool, s->pages, n);
    full = n / pool->page_tokens;
    shrink(s, pool, llmi_kvpool_pages(pool, n));
    s->n_done = n;
    if (s->n_indexed > full) s->n_indexed = full;
    ref_frames(s, pool, before);
}

/* The page that token n_done goes into is begun and has other holders. */
static bool tail_is_shared(const llmi_kv_sequence *s, const llmi_kvpool *pool) {
    return s->n_done % pool->page_tokens && pool->refs[s->pages[s->n_done / pool->page_tokens]] > 1;
}

/* The place behind n_done is not written yet. */
static bool is_at_end(const llmi_kv_sequence *s, const llmi_kvpool *pool) {
    return pool->fill[s->pages[s->n_done / pool->page_tokens]] == s->n_done % pool->page_tokens;
}

/* How far the next step can come. */
static int32_t end_of_step(const llmi_kv_sequence *s, const llmi_kv_cache *c, int32_t n_tokens) {
    return n_tokens - s->n_done > c->most_rows ? s->n_done + c->most_rows : n_tokens;
}

/* Gives the tail back to the index, which makes room for another page in its place: its tokens are
 * computed once more. */
static bool replace_tail(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens) {
    int32_t index = s->n_done / c->pool.page_tokens, page = s->pages[index];
    if (!c->pool.indexed[page] || c->pool.refs[page] > 2) return false;
    go_back(s, &c->pool, index * c->pool.page_tokens);
    return reserve_pages(s, c, n_tokens, end_of_step(s, c, n_tokens));
}

bool llmi_kv_sequence_reserve(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens) {
    if (!reserve_pages(s, c, n_tokens, end_of_step(s, c, n_tokens))) return false;
    if (!tail_is_shared(s, &c->pool) || s->spare != LLMI_NONE) return true;
    s->spare = take_framed(c);
    return s->spare != LLMI_NONE || is_at_end(s, &c->pool) || replace_tail(s, c, n_tokens);
}

/* The sequence whose length equals the page's fill appends in place; every other one needs its own copy of the page. */
static bool copy_tail(llmi_kv_copy *copy, llmi_kv_sequence *s, llmi_kv_cache *c) {
    int32_t used = s->n_done % c->pool.page_tokens, index = s->n_done / c->pool.page_tokens;
    if (!tail_is_shared(s, &c->pool) || is_at_end(s, &c->pool)) return true;
    int32_t page = s->spare != LLMI_NONE ? s->spare : take_framed(c);
    if (page == LLMI_NONE) return false;
    s->spare = LLMI_NONE;
    *copy = (llmi_kv_copy){.seq = s, .index = index, .src = s->pages[index], .dst = page, .n_tokens = used};
    s->pages[index] = page;
    return true;
}

bool llmi_kv_sequence_open(llmi_kv_copy *copy, llmi_kv_sequence *s, llmi_kv_cache *c, int32_t end) {
    int32_t page_tokens = c->pool.page_tokens;
    *copy = (llmi_kv_copy){.seq = s};
    if (!reserve_pages(s, c, end, end) || !copy_tail(copy, s, c)) return false;
    for (int32_t i = s->n_done / page_tokens; i * page_tokens < end; i++) {
        int32_t n = end - i * page_tokens;
        c->pool.fill[s->pages[i]] = n < page_tokens ? n : page_tokens;
    }
    return true;
}

void llmi_kv_copy_done(llmi_kv_copy *copy, llmi_kv_cache *c) {
    if (copy->n_tokens) give_framed(c, copy->src);
    copy->n_tokens = 0;
}

void llmi_kv_copy_undo(llmi_kv_copy *copy, llmi_kv_cache *c) {
    if (!copy->n_tokens) return;
    copy->seq->pages[copy->index] = copy->src;
    copy->seq->spare = copy->dst;
    copy->n_tokens = 0;
}

/* Another page with the same full contents, one that the index knows, stands for page i. False if a frame that others
 * use would have to go along. */
static bool exchange(llmi_kv_sequence *s, llmi_kvpool *pool, int32_t i, int32_t page, int32_t n_before) {
    int32_t old = s->pages[i];
    for (int32_t g = 0; g < pool->n_windows; g++)
        if (i >= llmi_kvwindow_first(&pool->windows[g], n_before) &&
            !llmi_kvwindow_can_move(&pool->windows[g], page, old))
            return false;
    for (int32_t g = 0; g < pool->n_windows; g++)
        if (i >= llmi_kvwindow_first(&pool->windows[g], n_before)) llmi_kvwindow_move(&pool->windows[g], page, old);
    llmi_kvpool_ref(pool, page);
    llmi_kvpool_unref(pool, old);
    s->pages[i] = page;
    return true;
}

/* The sequence still uses the frames that row n_before sees. */
static void index_pages(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_before) {
    int32_t page_tokens = c->pool.page_tokens;
    if (!c->prefix.nodes) return;
    for (int32_t i = s->n_indexed; i * page_tokens < s->n_done; i++) {
        int32_t rest = s->n_done - i * page_tokens, n = rest < page_tokens ? rest : page_tokens;
        int32_t parent = i ? s->pages[i - 1] : c->prefix.root;
        int32_t page = llmi_prefix_put(&c->prefix, parent, s->pages[i], s->tokens + i * page_tokens, n);
        if (page == LLMI_NONE) return;
        if (page != s->pages[i] && !exchange(s, &c->pool, i, page, n_before)) return;
        if (n == page_tokens) s->n_indexed = i + 1;
    }
}

static void drop_spare(llmi_kv_sequence *s, llmi_kv_cache *c) {
    if (s->spare != LLMI_NONE) give_framed(c, s->spare);
    s->spare = LLMI_NONE;
}

void llmi_kv_sequence_commit(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_done) {
    int32_t before = s->n_done;
    s->n_done = n_done;
    drop_spare(s, c);
    index_pages(s, c, before);
    slide(s, &c->pool, before);
}

void llmi_kv_sequence_share(llmi_kv_sequence *dst, const llmi_kv_sequence *src, llmi_kv_cache *c) {
    dst->n_done = src->n_done;
    dst->n_indexed = src->n_indexed;
    for (int32_t i = 0; i < llmi_kvpool_pages(&c->pool, src->n_done); i++) dst->pages[i] = src->pages[i];
    take_over(dst, &c->pool);
}

void llmi_kv_sequence_cut(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens) {
    s->n_tokens = n_tokens;
    drop_spare(s, c);
    if (s->n_done > n_tokens)
        go_back(s, &c->pool, n_tokens);
    else
        shrink(s, &c->pool, llmi_kvpool_pages(&c->pool, n_tokens));
}

void llmi_kv_sequence_release(llmi_kv_sequence *s, llmi_kv_cache *c) {
    llmi_prefix_touch(&c->prefix, s->pages, s->n_pages);
    drop_spare(s, c);
    shrink(s, &c->pool, 0);
    s->n_done = s->n_indexed = 0;
}
