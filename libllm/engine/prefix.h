/* Which token sequences lie in which pages: a tree whose nodes are pages. A node holds the ids of its
 * page, which follow those of its parent; only a full page has children. Ids are compared, never hashed, so
 * that a page found is the right one. The index is a holder of its pages; those that nobody else holds
 * are given up when room is needed, the least recently used first, children before parents. */
#ifndef LLMI_ENGINE_PREFIX_H
#define LLMI_ENGINE_PREFIX_H

#include <llm/types.h>

#include "engine/kvpool.h"

typedef struct llmi_prefix_node {
    int32_t parent, child, left, right; /* the children of a node are a list */
    int32_t older, newer;               /* all nodes are a ring that is closed by the root */
    int32_t n_tokens;
} llmi_prefix_node;

typedef struct llmi_prefix {
    llmi_kvpool *pool;
    llmi_prefix_node *nodes; /* [n_pages + 1] the node of each page, then the root; NULL: nothing is kept */
    llm_token *tokens;       /* [n_pages, page_tokens] */
    int32_t root;
} llmi_prefix;

void llmi_prefix_place(llmi_prefix *x, llmi_arena *arena, const llmi_dims *dims, llmi_kvpool *pool);

/* The longest beginning of tokens [n] that is computed: its length, and its pages. Takes no reference. */
int32_t llmi_prefix_match(int32_t *pages, const llmi_prefix *x, const llm_token *tokens, int32_t n);

/* Says that `page` holds tokens [n], after what page `parent` holds (x->root: nothing before). Returns the
 * page that stands for them: this one or one with the same full contents, or LLMI_NONE if a longer one
 * made it superfluous. */
int32_t llmi_prefix_put(llmi_prefix *x, int32_t parent, int32_t page, const llm_token *tokens, int32_t n);

/* Counts as used now; pages lead from the root down. */
void llmi_prefix_touch(llmi_prefix *x, const int32_t *pages, int32_t n);

/* Gives up one page that nobody else holds; false if there is none. */
bool llmi_prefix_evict(llmi_prefix *x);

#endif
