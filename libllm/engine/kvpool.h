/* The pages of a KV cache: page i is a place for page_tokens tokens in the states of all layers, but for those with a
 * window, where a page has a frame while it is seen (engine/kvwindow.h). Pages are reference-counted and filled front
 * to back; written tokens never change. A sequence may append in place only if its own length equals the page's fill;
 * any other holder must copy the page first (copy-on-write). */
#ifndef LLMI_ENGINE_KVPOOL_H
#define LLMI_ENGINE_KVPOOL_H

#include "engine/kvwindow.h"

typedef struct llmi_kvpool {
    int32_t n_pages, page_tokens;
    int32_t n_free;
    int32_t n_idle;                  /* pages that only the prefix index holds: free when they are needed */
    int32_t *free_pages;             /* [n_pages], the first n_free count */
    int32_t *refs;                   /* [n_pages] holders */
    int32_t *fill;                   /* [n_pages] tokens written, also by steps that were stopped */
    uint8_t *indexed;                /* [n_pages] 1: the prefix index is one of the holders */
    int32_t n_windows, first_window; /* groups first_window.. of the program have windows */
    llmi_kvwindow *windows;          /* [n_windows] */
} llmi_kvpool;

void llmi_kvpool_place(llmi_kvpool *p, llmi_arena *arena, const llmi_dims *dims);

/* An empty page with one holder; LLMI_NONE if none is free. */
int32_t llmi_kvpool_take(llmi_kvpool *p);
void llmi_kvpool_ref(llmi_kvpool *p, int32_t page);
void llmi_kvpool_unref(llmi_kvpool *p, int32_t page);

/* The same for the index. */
void llmi_kvpool_index(llmi_kvpool *p, int32_t page);
void llmi_kvpool_unindex(llmi_kvpool *p, int32_t page);

/* NULL for the group without a window. */
static inline const llmi_kvwindow *llmi_kvpool_window(const llmi_kvpool *p, int32_t group) {
    return group < p->first_window ? NULL : &p->windows[group - p->first_window];
}

/* Pages that hold n_tokens. */
static inline int32_t llmi_kvpool_pages(const llmi_kvpool *p, int32_t n_tokens) {
    return n_tokens / p->page_tokens + (n_tokens % p->page_tokens != 0);
}

#endif
