#include "engine/prefix.h"

#include <string.h>

void llmi_prefix_place(llmi_prefix *x, llmi_arena *arena, const llmi_dims *dims, llmi_kvpool *pool) {
    *x = (llmi_prefix){.pool = pool, .root = dims->n_pages};
    if (!dims->keep) return;
    size_t n = (size_t)dims->n_pages;
    x->nodes = llmi_arena_take(arena, n + 1, sizeof *x->nodes);
    x->tokens = llmi_arena_take(arena, n * (size_t)dims->page_tokens, sizeof *x->tokens);
    if (!arena->base) return;
    x->nodes[x->root] = (llmi_prefix_node){
        .parent = LLMI_NONE,
        .child = LLMI_NONE,
        .left = LLMI_NONE,
        .right = LLMI_NONE,
        .older = x->root,
        .newer = x->root,
        .n_tokens = dims->page_tokens,
    };
}

static llm_token *tokens_of(const llmi_prefix *x, int32_t page) {
    return x->tokens + (size_t)page * (size_t)x->pool->page_tokens;
}

/* Tokens that a page and a sequence begin with alike. */
static int32_t common(const llmi_prefix *x, int32_t page, const llm_token *tokens, int32_t n) {
    const llm_token *own = tokens_of(x, page);
    int32_t most = x->nodes[page].n_tokens < n ? x->nodes[page].n_tokens : n, i = 0;
    while (i < most && own[i] == tokens[i]) i++;
    return i;
}

int32_t llmi_prefix_match(int32_t *pages, const llmi_prefix *x, const llm_token *tokens, int32_t n) {
    int32_t page_tokens = x->pool->page_tokens, at = x->root, done = 0;
    if (!x->nodes) return 0;
    for (;;) {
        int32_t best = 0, best_page = LLMI_NONE;
        for (int32_t c = x->nodes[at].child; c != LLMI_NONE && best < page_tokens; c = x->nodes[c].right) {
            int32_t k = common(x, c, tokens + done, n - done);
            if (k > best) best = k, best_page = c;
        }
        if (!best) return done;
        pages[done / page_tokens] = best_page;
        done += best;
        if (best < page_tokens) return done;
        at = best_page;
    }
}

/* ---- the ring by age ---- */

static void ring_remove(llmi_prefix *x, int32_t page) {
    llmi_prefix_node *n = &x->nodes[page];
    x->nodes[n->older].newer = n->newer;
    x->nodes[n->newer].older = n->older;
}

static void ring_insert_newest(llmi_prefix *x, int32_t page) {
    llmi_prefix_node *n = &x->nodes[page], *root = &x->nodes[x->root];
    n->newer = x->root;
    n->older = root->older;
    x->nodes[n->older].newer = page;
    root->older = page;
}

void llmi_prefix_touch(llmi_prefix *x, const int32_t *pages, int32_t n) {
    if (!x->nodes) return;
    while (n-- > 0) {
        if (!x->pool->indexed[pages[n]]) continue;
        ring_remove(x, pages[n]);
        ring_insert_newest(x, pages[n]);
    }
}

/* ---- the tree ---- */

static void insert(llmi_prefix *x, int32_t parent, int32_t page) {
    llmi_prefix_node *n = &x->nodes[page];
    *n = (llmi_prefix_node){.parent = parent, .child = LLMI_NONE, .left = LLMI_NONE};
    n->right = x->nodes[parent].child;
    if (n->right != LLMI_NONE) x->nodes[n->right].left = page;
    x->nodes[parent].child = page;
    ring_insert_newest(x, page);
    llmi_kvpool_index(x->pool, page);
}

static void take_out(llmi_prefix *x, int32_t page) {
    llmi_prefix_node *n = &x->nodes[page];
    if (n->left != LLMI_NONE)
        x->nodes[n->left].right = n->right;
    else
        x->nodes[n->parent].child = n->right;
    if (n->right != LLMI_NONE) x->nodes[n->right].left = n->left;
    ring_remove(x, page);
    llmi_kvpool_unindex(x->pool, page);
}

/* Another child of `parent` that begins with tokens [n]. */
static int32_t find_other(const llmi_prefix *x, int32_t parent, int32_t page, const llm_token *tokens, int32_t n) {
    for (int32_t c = x->nodes[parent].child; c != LLMI_NONE; c = x->nodes[c].right)
        if (c != page && common(x, c, tokens, n) == n) return c;
    return LLMI_NONE;
}

int32_t llmi_prefix_put(llmi_prefix *x, int32_t parent, int32_t page, const llm_token *tokens, int32_t n) {
    int32_t full = x->pool->page_tokens;
    bool known = x->pool->indexed[page];
    if (known && x->nodes[page].n_tokens >= n) return page;
    if (!known || n == full) {
        int32_t other = find_other(x, parent, page, tokens, n);
        if (other != LLMI_NONE) {
            if (known) take_out(x, page);
            return n == full ? other : LLMI_NONE;
        }
    }
    if (!known) insert(x, parent, page);
    memcpy(tokens_of(x, page), tokens, (size_t)n * sizeof *tokens);
    x->nodes[page].n_tokens = n;
    return page;
}

bool llmi_prefix_evict(llmi_prefix *x) {
    if (!x->nodes || !x->pool->n_idle) return false;
    for (int32_t page = x->nodes[x->root].newer; page != x->root; page = x->nodes[page].newer)
        if (x->nodes[page].child == LLMI_NONE && x->pool->refs[page] == 1) {
            take_out(x, page);
            return true;
        }
    return false;
}
