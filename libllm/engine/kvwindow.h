/* The frames of a group of layers that see only a window of W tokens. A page of the pool (engine/kvpool.h) is a place
 * for page_tokens tokens of a sequence. In the group without a window it is also the place in the device's state; in a
 * group with one it has a frame there only as long as somebody may see its tokens:
 *
 *     tokens    0      32     64     96     128   140       W = 40, 140 tokens are computed
 *     pages     |  7   |  2   |  9   |  4   |  5   |       held by the sequence
 *     frames    |  -1  |  -1  |  -1  |  0   |  3   |       row 140 sees tokens 101 ..: from page llmi_kvwindow_first on
 *
 * A frame has users, the sequences whose next row sees it. Without users it is free again; if the prefix index knows
 * the page it keeps what it holds until the frame is needed, the least recently used first.
 *
 * A sequence computes only from n tokens whose window is there. Where it is not (a cached beginning, a rewound
 * sequence), the sequence takes the longest shorter beginning that has its windows, at worst the empty one, and the
 * tokens behind it are computed again (engine/kv_sequence.c). */
#ifndef LLMI_ENGINE_KVWINDOW_H
#define LLMI_ENGINE_KVWINDOW_H

#include "engine/arena.h"
#include "engine/dims.h"

typedef struct llmi_kvwindow {
    int32_t window; /* tokens that a row sees, itself included */
    int32_t page_tokens, root;
    int32_t n_free;
    int32_t *free_frames;   /* [n_frames], the first n_free count */
    int32_t *frames;        /* [n_pages] the frame of each page, or LLMI_NONE */
    int32_t *users;         /* [n_pages] */
    int32_t *older, *newer; /* [n_pages + 1] pages whose frames have no users: a ring that is closed by `root` */
} llmi_kvwindow;

/* Arrays for the group's frames. */
void llmi_kvwindow_place(llmi_kvwindow *w, llmi_arena *arena, const llmi_dims *dims, int32_t group);

/* Gives a page without a frame one with one user; false if none is left. */
bool llmi_kvwindow_take(llmi_kvwindow *w, int32_t page);
/* One more user of a frame that is there. */
void llmi_kvwindow_ref(llmi_kvwindow *w, int32_t page);
/* One less. is_indexed: the prefix index knows the page. */
void llmi_kvwindow_unref(llmi_kvwindow *w, int32_t page, bool is_indexed);
/* The index knows the page no longer. */
void llmi_kvwindow_unindex(llmi_kvwindow *w, int32_t page);

/* A user of page `from`, which the index does not know, becomes one of `to`, which holds the same tokens. `to` takes
 * over the frame if it has none, which is possible only if nobody else uses it. */
bool llmi_kvwindow_can_move(const llmi_kvwindow *w, int32_t to, int32_t from);
void llmi_kvwindow_move(llmi_kvwindow *w, int32_t to, int32_t from);

/* The first page that the row behind n_tokens sees. */
static inline int32_t llmi_kvwindow_first(const llmi_kvwindow *w, int32_t n_tokens) {
    return n_tokens < w->window ? 0 : (n_tokens - (w->window - 1)) / w->page_tokens;
}

/* The last of the first n_pages pages that this row sees and that has no frame, or LLMI_NONE. */
int32_t llmi_kvwindow_last_hole(const llmi_kvwindow *w, const int32_t *pages, int32_t n_pages, int32_t n_tokens);

#endif
