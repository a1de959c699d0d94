/* The pages of a KV cache. Pages are reference-counted and filled front to back; written tokens never change. A
 * sequence may append in place only if its own length equals the page's fill; any other holder must copy the page
 * first (copy-on-write). */
#ifndef LLMI_ENGINE_KVPOOL_H
#define LLMI_ENGINE_KVPOOL_H

#include "engine/arena.h"
#include "engine/dims.h"

typedef struct llmi_kvpool {
    int32_t n_pages, page_tokens;
    int32_t n_free;
    int32_t n_idle;      /* pages that only the prefix index holds: free when they are needed */
    int32_t *free_pages; /* [n_pages], the first n_free count */
    int32_t *refs;       /* [n_pages] holders */
    int32_t *fill;       /* [n_pages] tokens written, also by steps that were stopped */
    uint8_t *indexed;    /* [n_pages] 1: the prefix index is one of the holders */
} llmi_kvpool;

void llmi_kvpool_place(llmi_kvpool *p, llmi_arena *arena, const llmi_dims *dims);

/* An empty page with one holder; LLMI_NONE if none is free. */
int32_t llmi_kvpool_take(llmi_kvpool *p);
void llmi_kvpool_ref(llmi_kvpool *p, int32_t page);
void llmi_kvpool_unref(llmi_kvpool *p, int32_t page);

/* The same for the index. */
void llmi_kvpool_index(llmi_kvpool *p, int32_t page);
void llmi_kvpool_unindex(llmi_kvpool *p, int32_t page);

/* Pages that hold n_tokens. */
static inline int32_t llmi_kvpool_pages(const llmi_kvpool *p, int32_t n_tokens) {
    return n_tokens / p->page_tokens + (n_tokens % p->page_tokens != 0);
}

#endif
