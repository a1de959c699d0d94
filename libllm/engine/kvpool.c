#include "engine/kvpool.h"

#include <string.h>

static void place_windows(llmi_kvpool *p, llmi_arena *arena, const llmi_dims *dims) {
    p->first_window = dims->n_groups && !dims->windows[0];
    p->n_windows = dims->n_groups - p->first_window;
    p->windows = llmi_arena_take(arena, (size_t)p->n_windows, sizeof *p->windows);
    for (int32_t i = 0; i < p->n_windows; i++) {
        llmi_kvwindow w;
        llmi_kvwindow_place(&w, arena, dims, p->first_window + i);
        if (arena->base) p->windows[i] = w;
    }
}

void llmi_kvpool_place(llmi_kvpool *p, llmi_arena *arena, const llmi_dims *dims) {
    size_t n = (size_t)dims->n_pages;
    *p = (llmi_kvpool){.n_pages = dims->n_pages, .page_tokens = dims->page_tokens, .n_free = dims->n_pages};
    p->free_pages = llmi_arena_take(arena, n, sizeof *p->free_pages);
    p->refs = llmi_arena_take(arena, n, sizeof *p->refs);
    p->fill = llmi_arena_take(arena, n, sizeof *p->fill);
    p->indexed = llmi_arena_take(arena, n, sizeof *p->indexed);
    place_windows(p, arena, dims);
    if (!arena->base) return;
    memset(p->refs, 0, n * sizeof *p->refs);
    memset(p->indexed, 0, n * sizeof *p->indexed);
    for (int32_t i = 0; i < p->n_pages; i++) p->free_pages[i] = p->n_pages - 1 - i;
}

int32_t llmi_kvpool_take(llmi_kvpool *p) {
    if (!p->n_free) return LLMI_NONE;
    int32_t page = p->free_pages[--p->n_free];
    p->refs[page] = 1;
    p->fill[page] = 0;
    return page;
}

static bool is_idle(const llmi_kvpool *p, int32_t page) {
    return p->indexed[page] && p->refs[page] == 1;
}

static void drop(llmi_kvpool *p, int32_t page) {
    if (--p->refs[page] == 0) p->free_pages[p->n_free++] = page;
}

void llmi_kvpool_ref(llmi_kvpool *p, int32_t page) {
    p->n_idle -= is_idle(p, page);
    p->refs[page]++;
}

void llmi_kvpool_unref(llmi_kvpool *p, int32_t page) {
    drop(p, page);
    p->n_idle += is_idle(p, page);
}

void llmi_kvpool_index(llmi_kvpool *p, int32_t page) {
    p->refs[page]++;
    p->indexed[page] = 1;
}

void llmi_kvpool_unindex(llmi_kvpool *p, int32_t page) {
    p->n_idle -= is_idle(p, page);
    p->indexed[page] = 0;
    for (int32_t i = 0; i < p->n_windows; i++) llmi_kvwindow_unindex(&p->windows[i], page);
    drop(p, page);
}
