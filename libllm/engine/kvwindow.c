#include "engine/kvwindow.h"

void llmi_kvwindow_place(llmi_kvwindow *w, llmi_arena *arena, const llmi_dims *dims, int32_t group) {
    size_t n_pages = (size_t)dims->n_pages;
    int32_t n_frames = dims->n_items[group];
    *w = (llmi_kvwindow){
        .window = dims->windows[group],
        .page_tokens = dims->page_tokens,
        .root = dims->n_pages,
        .n_free = n_frames,
    };
    w->free_frames = llmi_arena_take(arena, (size_t)n_frames, sizeof *w->free_frames);
    w->frames = llmi_arena_take(arena, n_pages, sizeof *w->frames);
    w->users = llmi_arena_take(arena, n_pages, sizeof *w->users);
    w->older = llmi_arena_take(arena, n_pages + 1, sizeof *w->older);
    w->newer = llmi_arena_take(arena, n_pages + 1, sizeof *w->newer);
    if (!arena->base) return;
    for (int32_t i = 0; i < n_frames; i++) w->free_frames[i] = n_frames - 1 - i;
    for (size_t i = 0; i < n_pages; i++) {
        w->frames[i] = LLMI_NONE;
        w->users[i] = 0;
    }
    w->older[w->root] = w->newer[w->root] = w->root;
}

/* ---- frames without users, by age ---- */

static void ring_remove(llmi_kvwindow *w, int32_t page) {
    w->newer[w->older[page]] = w->newer[page];
    w->older[w->newer[page]] = w->older[page];
}

static void ring_insert_newest(llmi_kvwindow *w, int32_t page) {
    w->newer[page] = w->root;
    w->older[page] = w->older[w->root];
    w->newer[w->older[page]] = page;
    w->older[w->root] = page;
}

static void give_up(llmi_kvwindow *w, int32_t page) {
    w->free_frames[w->n_free++] = w->frames[page];
    w->frames[page] = LLMI_NONE;
}

/* ---- users ---- */

bool llmi_kvwindow_take(llmi_kvwindow *w, int32_t page) {
    int32_t oldest = w->newer[w->root];
    if (!w->n_free) {
        if (oldest == w->root) return false;
        ring_remove(w, oldest);
        give_up(w, oldest);
    }
    w->frames[page] = w->free_frames[--w->n_free];
    w->users[page] = 1;
    return true;
}

void llmi_kvwindow_ref(llmi_kvwindow *w, int32_t page) {
    if (!w->users[page]++) ring_remove(w, page);
}

void llmi_kvwindow_unref(llmi_kvwindow *w, int32_t page, bool is_indexed) {
    if (--w->users[page]) return;
    if (is_indexed)
        ring_insert_newest(w, page);
    else
        give_up(w, page);
}

void llmi_kvwindow_unindex(llmi_kvwindow *w, int32_t page) {
    if (w->users[page] || w->frames[page] == LLMI_NONE) return;
    ring_remove(w, page);
    give_up(w, page);
}

bool llmi_kvwindow_can_move(const llmi_kvwindow *w, int32_t to, int32_t from) {
    return w->frames[to] != LLMI_NONE || w->users[from] == 1;
}

void llmi_kvwindow_move(llmi_kvwindow *w, int32_t to, int32_t from) {
    if (w->frames[to] != LLMI_NONE) {
        llmi_kvwindow_ref(w, to);
        llmi_kvwindow_unref(w, from, false);
        return;
    }
    w->frames[to] = w->frames[from];
    w->users[to] = 1;
    w->frames[from] = LLMI_NONE;
    w->users[from] = 0;
}

int32_t llmi_kvwindow_last_hole(const llmi_kvwindow *w, const int32_t *pages, int32_t n_pages, int32_t n_tokens) {
    for (int32_t i = n_pages - 1; i >= llmi_kvwindow_first(w, n_tokens); i--)
        if (w->frames[pages[i]] == LLMI_NONE) return i;
    return LLMI_NONE;
}
