/* Attention in one pass over the cache, with a running maximum and sum (online softmax).
 *
 *     tokens   0 ........ 511 | 512 ...... 1023 | 1024 .. position      of one sequence, in panels of 16
 *              part 0         | part 1          | part 2                each yields (max, sum, weighted values)
 *              block block .. | block block ..  | block ..              keys and values that are converted at a time
 *
 * The result of a row depends on its own position alone: blocks and parts are counted from the start of the sequence,
 * and parts are merged from left to right. An item is a set of query heads that walk over the same keys; neither how
 * rows are grouped into items nor how many threads share the parts of an item changes a bit. */
#include <math.h>
#include <string.h>

#include "common.h"
#include "cpu/cpu.h"
#include "cpu/kv.h"

enum {
    PART_PANELS = 32,     /* panels of a part: 512 tokens */
    ITEM_ROWS = 64,       /* maximum rows of an item; a row is one head of one row of the batch */
    ITEM_FLOATS = 8192,   /* ITEM_ROWS heads of 128 elements; more if a single head is wider */
    WIDE_FLOATS = 32768,  /* a block of keys and values in F32, heads of up to 256 elements */
    SHARED_FLOATS = 4096, /* of an item whose parts are shared out */
    ITEMS_PER_THREAD = 4, /* enough to keep all threads busy; with fewer, parts are shared out */
    PARTS_PER_THREAD = 8
};

/* Rows that are computed together: of one sequence, or one each of several whose first pages are the same. */
typedef struct span {
    int32_t first, n_rows;
    int32_t n_shared; /* panels that all of them have in common; ALL: they are of one sequence */
} span;

enum { ALL = INT32_MAX };

/* The result of some rows over some parts. */
typedef struct result {
    float *max, *total, *sum; /* [ITEM_ROWS], [ITEM_ROWS], [rows][values_stride] */
} result;

/* What one thread works with. */
typedef struct workspace {
    float *q, *keys, *values;
    result part, so_far;
    float *totals; /* [ITEM_ROWS][LLMK_KV_PANEL] */
    llmk_lanes *lanes;
} workspace;

typedef struct job {
    llmk_cpu_stream *s;
    const llmk_attention_kernels *k;
    const llm_attend_args *a;
    llm_view q, out; /* [rows, n_heads * head_dim]; out may be q */
    const llmk_kv *kv;
    const llm_state_table *table;
    const llm_step *step;
    int32_t group;                   /* query heads of a key/value head */
    int32_t n_kv, n_heads, n_chunks; /* of an item: key/value heads, query heads of each; items of a group */
    int32_t n_spans;
    span *spans;
    double n_steps;            /* multiply-adds, without a window */
    int64_t n_items, n_shared; /* items; parts computed at a time when they are shared out */
    int32_t first_part;        /* of those */
} job;

/* One item, resolved. */
typedef struct item {
    span rows;
    int32_t seq;                 /* of the first row */
    int32_t kv_head, n_kv;       /* key/value heads: the first one, how many */
    int32_t head, n_heads;       /* the same for the query heads of each; head counts within its group */
    int32_t n, n_of_each;        /* rows: in all, of each key/value head: rows.n_rows * n_heads */
    int32_t first, last;         /* positions that any row sees */
    int32_t all_first, all_last; /* positions that all rows see */
} item;

/* ---- scratch memory: the spans, each thread's workspace, then the results of shared parts ---- */

static int64_t item_floats(int64_t max_cols) {
    return max_cols <= ITEM_FLOATS ? ITEM_FLOATS : (max_cols + LLMK_KV_PANEL - 1) / LLMK_KV_PANEL * LLMK_KV_PANEL;
}

static int64_t workspace_floats(int64_t max_cols) {
    enum { FIXED = WIDE_FLOATS + ITEM_ROWS * (LLMK_KV_PANEL + 4 + (int)(sizeof(llmk_lanes) / sizeof(float))) };
    return 3 * item_floats(max_cols) + FIXED;
}

enum { RESULT_FLOATS = SHARED_FLOATS + 2 * ITEM_ROWS };

static int64_t span_floats(int64_t max_rows) {
    return (max_rows * (int64_t)(sizeof(span) / sizeof(float)) + LLMK_KV_PANEL - 1) / LLMK_KV_PANEL * LLMK_KV_PANEL;
}

size_t llmk_attention_scratch_bytes(const llmk_kernels *k, const llmk_limits *limits) {
    size_t n = (size_t)workspace_floats(limits->max_cols) + (ITEMS_PER_THREAD + PARTS_PER_THREAD) * RESULT_FLOATS;
    bool fits = llmk_multiply(&n, limits->n_threads) && llmk_add_size(&n, (size_t)span_floats(limits->max_rows)) &&
                llmk_multiply(&n, sizeof(float));
    return fits ? n : SIZE_MAX;
}

static float *take(float **at, int64_t n) {
    float *begin = *at;
    *at += n;
    return begin;
}

static result take_result(float **at, int64_t n_floats) {
    result r = {.max = take(at, ITEM_ROWS), .total = take(at, ITEM_ROWS)};
    r.sum = take(at, n_floats);
    return r;
}

static workspace workspace_of(const job *j, int32_t slot) {
    int64_t cols = j->s->limits.max_cols, n = item_floats(cols);
    float *at = (float *)j->s->attention_scratch + span_floats(j->s->limits.max_rows) + slot * workspace_floats(cols);
    workspace w = {.q = take(&at, n), .part = take_result(&at, n), .so_far = take_result(&at, n)};
    w.keys = take(&at, WIDE_FLOATS);
    w.values = w.keys + WIDE_FLOATS / 2;
    w.totals = take(&at, ITEM_ROWS * LLMK_KV_PANEL);
    w.lanes = (llmk_lanes *)(void *)at;
    return w;
}

/* Results that outlive a task: first those of items, then those of shared parts. */
static result shared_result(const job *j, int64_t index) {
    int32_t n_threads = llmk_cpu_threads(j->s->pool);
    float *at = (float *)j->s->attention_scratch + span_floats(j->s->limits.max_rows) +
                n_threads * workspace_floats(j->s->limits.max_cols) + index * RESULT_FLOATS;
    return take_result(&at, SHARED_FLOATS);
}

/* ---- items ---- */

static int32_t at_most(int32_t n, int32_t most) {
    return n < most ? n : most;
}

/* Where row i of an item is. Rows are numbered by key/value head, row of the batch, query head. */
static float *find_row(const job *j, const item *it, llm_view v, int32_t i) {
    int32_t kv = it->kv_head + i / it->n_of_each, rest = i % it->n_of_each;
    int32_t head = kv * j->group + it->head + rest % it->n_heads;
    return llm_view_row(v, it->rows.first + rest / it->n_heads) + (int64_t)head * j->kv->head_dim;
}

/* Items of one key/value head are neighbours, so that its keys and values stay in the cache; the last
 * rows, which see the most, come first. */
static item item_of(const job *j, int64_t index) {
    int32_t span_index = (int32_t)(index % j->n_spans), chunk = (int32_t)(index / j->n_spans);
    item it = {.rows = j->spans[j->n_spans - 1 - span_index], .kv_head = chunk / j->n_chunks * j->n_kv};
    it.head = chunk % j->n_chunks * j->n_heads;
    it.n_heads = at_most(j->group - it.head, j->n_heads);
    it.n_kv = at_most(j->kv->n_heads - it.kv_head, j->n_kv);
    it.n_of_each = it.rows.n_rows * it.n_heads;
    it.n = it.n_kv * it.n_of_each;
    it.seq = j->step->row_seq[it.rows.first];
    it.first = it.all_last = INT32_MAX;
    for (int32_t r = 0; r < it.rows.n_rows; r++) {
        int32_t last = j->step->positions[it.rows.first + r], first = llmk_attention_first(j->a->window, last);
        if (first < it.first) it.first = first;
        if (first > it.all_first) it.all_first = first;
        if (last > it.last) it.last = last;
        if (last < it.all_last) it.all_last = last;
    }
    return it;
}

/* Panels of a sequence are counted through its pages. */
static int32_t panel_of(const llmk_kv *kv, int32_t position) {
    int32_t page_tokens = kv->page_tokens;
    return position / page_tokens * kv->n_panels + position % page_tokens / LLMK_KV_PANEL;
}

static int32_t panel_position(const llmk_kv *kv, int32_t panel) {
    return panel / kv->n_panels * kv->page_tokens + panel % kv->n_panels * LLMK_KV_PANEL;
}

/* Rows of each register tile side by side: [tiles][head_dim][rows]. */
static void pack_queries(const job *j, const item *it, float *out) {
    int32_t dim = j->kv->head_dim, n;
    for (int32_t begin = 0; begin < it->n; begin += n) {
        n = at_most(it->n_of_each - begin % it->n_of_each, j->k->tile_rows);
        for (int32_t i = 0; i < n; i++) {
            const float *q = find_row(j, it, j->q, begin + i);
            for (int32_t c = 0; c < dim; c++) out[(int64_t)c * n + i] = q[c] * j->a->scale;
        }
        out += (int64_t)n * dim;
    }
}

/* ---- blocks ---- */

static uint8_t clamp_lane(int32_t lane, int32_t most) {
    return (uint8_t)(lane < 0 ? 0 : lane < most ? lane : most);
}

static void find_lanes(const job *j, const item *it, int32_t panel, llmk_lanes *out) {
    for (int32_t r = 0; r < it->rows.n_rows; r++) {
        int32_t last = j->step->positions[it->rows.first + r], first = llmk_attention_first(j->a->window, last);
        llmk_lanes lanes;
        for (int32_t p = 0; p < LLMK_KV_BLOCK_PANELS; p++) {
            int32_t begin = panel_position(j->kv, panel + p), left = j->kv->page_tokens;
            left -= (panel + p) % j->kv->n_panels * LLMK_KV_PANEL;
            int32_t n = left < LLMK_KV_PANEL ? left : LLMK_KV_PANEL;
            lanes.lo[p] = clamp_lane(first - begin, n);
            lanes.hi[p] = clamp_lane(last - begin + 1, n);
        }
        for (int32_t h = 0; h < it->n_heads; h++) *out++ = lanes;
    }
}

static bool all_see(const job *j, const item *it, int32_t panel) {
    return j->kv->page_tokens % LLMK_KV_PANEL == 0 && panel_position(j->kv, panel) >= it->all_first &&
           panel_position(j->kv, panel + LLMK_KV_BLOCK_PANELS) <= it->all_last + 1;
}

/* The panels of a block for the first key/value head of an item; NULL where there is no page. */
typedef struct place {
    const uint8_t *keys[LLMK_KV_BLOCK_PANELS], *values[LLMK_KV_BLOCK_PANELS];
    const uint8_t *all[2 * LLMK_KV_BLOCK_PANELS]; /* in the order of memory */
} place;

static place find_place(const job *j, const item *it, int32_t seq, int32_t panel) {
    const llmk_kv *kv = j->kv;
    place at = {.keys = {NULL}};
    int32_t index = panel / kv->n_panels, of_page = panel % kv->n_panels, n = 0, n_here;
    for (int32_t p = 0; p < LLMK_KV_BLOCK_PANELS; p += n_here, index++, of_page = 0) {
        int32_t page = llmk_step_page(j->step, j->table, kv->n_pages, seq, index);
        n_here = at_most(kv->n_panels - of_page, LLMK_KV_BLOCK_PANELS - p);
        if (page < 0) continue;
        for (int32_t i = 0; i < n_here; i++) {
            at.keys[p + i] = at.all[n + i] = llmk_kv_keys(kv, page, it->kv_head, of_page + i);
            at.values[p + i] = at.all[n + n_here + i] = llmk_kv_values(kv, page, it->kv_head, of_page + i);
        }
        n += 2 * n_here;
    }
    return at;
}

/* The block of head `head` of the item, and what is read after it: the block of the next head, or of the first
 * one further on, if it is there. */
static bool find_block(const job *j, int32_t head, bool is_last, const place *here, const place *there,
                       llmk_attention_block *b) {
    size_t offset = (size_t)head * j->kv->head_bytes, offset_next = is_last ? 0 : offset + j->kv->head_bytes;
    for (int32_t p = b->begin; p < b->end; p++) {
        if (!here->keys[p]) {
            llmk_cpu_fail(j->s, LLM_E_INTERNAL, "ATTEND: no such page");
            return false;
        }
        b->keys[p] = here->keys[p] + offset;
        b->values[p] = here->values[p] + offset;
    }
    for (int32_t i = 0; i < 2 * LLMK_KV_BLOCK_PANELS; i++) {
        const uint8_t *next = is_last ? there->all[i] : here->all[i];
        b->next[i] = next ? next + offset_next : b->keys[b->begin];
    }
    return true;
}

/* Several register tiles read the block: converts it once. */
static void widen_block(const job *j, llmk_attention_block *b, const workspace *w) {
    int64_t n_keys = (int64_t)b->head_dim * LLMK_KV_PANEL, n_values = (int64_t)b->values_stride * LLMK_KV_PANEL;
    for (int32_t p = b->begin; p < b->end; p++) {
        float *keys = w->keys + p * n_keys, *values = w->values + p * n_values;
        j->k->widen(keys, b->keys[p], b->next[p], n_keys);
        j->k->widen(values, b->values[p], b->next[LLMK_KV_BLOCK_PANELS + p], n_values);
        b->keys[p] = keys;
        b->values[p] = values;
    }
    b->f16 = false;
}

/* Restricts the block to the panels from first to last. */
static void cut_block(llmk_attention_block *b, int32_t first, int32_t last) {
    b->begin = first > 0 ? first : 0;
    b->end = at_most(last + 1, LLMK_KV_BLOCK_PANELS);
}

/* Keys visible to all rows of the item are multiplied by all rows at once; the ragged rest row by row. */
static bool attend_block(const job *j, const item *it, int32_t panel, const place *here, const place *there,
                         const workspace *w) {
    const llmk_kv *kv = j->kv;
    bool f16 = kv->f16, all = all_see(j, it, panel);
    bool together = it->rows.n_shared == ALL || panel + LLMK_KV_BLOCK_PANELS <= it->rows.n_shared;
    int32_t n;
    llmk_attention_block b = {.head_dim = kv->head_dim, .values_stride = kv->values_stride};
    cut_block(&b, panel_of(kv, it->first) - panel, panel_of(kv, it->last) - panel);
    bool wide =
        together && f16 && it->n_of_each > j->k->tile_rows && b.values_stride * 2 * LLMK_KV_BLOCK <= WIDE_FLOATS;
    if (!all) find_lanes(j, it, panel, w->lanes);
    for (int32_t row = 0; row < it->n; row += n) {
        int32_t of_head = row % it->n_of_each, in_tile = of_head % j->k->tile_rows;
        int32_t packed = at_most(it->n_of_each - of_head + in_tile, j->k->tile_rows);
        n = packed - in_tile;
        if (!together) {
            n = at_most(n, it->n_heads - of_head % it->n_heads);
            int32_t last = j->step->positions[it->rows.first + of_head / it->n_heads];
            cut_block(&b, panel_of(kv, llmk_attention_first(j->a->window, last)) - panel, panel_of(kv, last) - panel);
            if (b.end <= b.begin) continue;
        }
        if (of_head == 0 || !together) {
            place own, next;
            int32_t head = row / it->n_of_each, seq = j->step->row_seq[it->rows.first + of_head / it->n_heads];
            if (!together) {
                own = find_place(j, it, seq, panel);
                next = find_place(j, it, seq, panel + LLMK_KV_BLOCK_PANELS);
                here = &own, there = &next;
            }
            b.f16 = f16;
            if (!find_block(j, head, head == it->n_kv - 1, here, there, &b)) return false;
            if (wide) widen_block(j, &b, w);
        }
        llmk_attention_tile tile = {
            .q = w->q + (int64_t)(row - in_tile) * b.head_dim + in_tile,
            .sum = w->part.sum + (int64_t)row * b.values_stride,
            .max = w->part.max + row,
            .total = w->totals + (int64_t)row * LLMK_KV_PANEL,
            .lanes = all ? NULL : w->lanes + of_head,
            .n_rows = n,
            .q_stride = packed,
        };
        j->k->block(&tile, &b);
    }
    return true;
}

/* ---- parts ---- */

static int32_t part_of(const job *j, int32_t position) {
    return panel_of(j->kv, position) / PART_PANELS;
}

/* The part's result goes to w->part. */
static bool attend_part(const job *j, const item *it, int32_t part, const workspace *w) {
    memset(w->part.sum, 0, (size_t)it->n * (size_t)j->kv->values_stride * sizeof(float));
    memset(w->totals, 0, (size_t)it->n * LLMK_KV_PANEL * sizeof(float));
    for (int32_t i = 0; i < it->n; i++) w->part.max[i] = -INFINITY;
    int32_t panel = part * PART_PANELS, end = panel + PART_PANELS, last = panel_of(j->kv, it->last);
    int32_t first = panel_of(j->kv, it->first) / LLMK_KV_BLOCK_PANELS * LLMK_KV_BLOCK_PANELS;
    if (panel < first) panel = first;
    place here = find_place(j, it, it->seq, panel), there;
    for (; panel < end && panel <= last; panel += LLMK_KV_BLOCK_PANELS, here = there) {
        there = find_place(j, it, it->seq, panel + LLMK_KV_BLOCK_PANELS);
        if (!attend_block(j, it, panel, &here, &there, w)) return false;
    }
    for (int32_t i = 0; i < it->n; i++) w->part.total[i] = j->k->add_up(w->totals + (int64_t)i * LLMK_KV_PANEL);
    return llmk_cpu_go_on(j->s);
}

static void merge(const job *j, const item *it, result into, result part) {
    int64_t n = j->kv->values_stride;
    for (int32_t i = 0; i < it->n; i++)
        j->k->merge(into.sum + i * n, &into.max[i], &into.total[i], part.sum + i * n, part.max[i], part.total[i], n);
}

static void clear(const job *j, const item *it, result r) {
    memset(r.sum, 0, (size_t)it->n * (size_t)j->kv->values_stride * sizeof(float));
    for (int32_t i = 0; i < it->n; i++) r.max[i] = -INFINITY, r.total[i] = 0.0f;
}

static void finish(const job *j, const item *it, result r) {
    for (int32_t i = 0; i < it->n; i++)
        j->k->divide(find_row(j, it, j->out, i), r.sum + (int64_t)i * j->kv->values_stride, r.total[i],
                     j->kv->head_dim);
}

/* One thread processes all parts of an item. */
static void attend_item(void *arg, int64_t index, int32_t slot) {
    const job *j = arg;
    item it = item_of(j, index);
    workspace w = workspace_of(j, slot);
    pack_queries(j, &it, w.q);
    clear(j, &it, w.so_far);
    for (int32_t part = part_of(j, it.first); part <= part_of(j, it.last); part++) {
        if (!attend_part(j, &it, part, &w)) return;
        merge(j, &it, w.so_far, w.part);
    }
    finish(j, &it, w.so_far);
}

/* ---- parts shared out ---- */

static void attend_shared(void *arg, int64_t index, int32_t slot) {
    const job *j = arg;
    item it = item_of(j, index / j->n_shared);
    int32_t part = j->first_part + (int32_t)(index % j->n_shared);
    result r = shared_result(j, j->n_items + index);
    if (part < part_of(j, it.first) || part > part_of(j, it.last)) {
        clear(j, &it, r);
        return;
    }
    workspace w = workspace_of(j, slot);
    w.part = r;
    pack_queries(j, &it, w.q);
    attend_part(j, &it, part, &w);
}

/* A round of parts for all items, then their results are merged, until no item has more. */
static void share_parts(job *j, int32_t first, int32_t last) {
    int32_t n_threads = llmk_cpu_threads(j->s->pool);
    j->n_shared = n_threads * PARTS_PER_THREAD / j->n_items;
    for (int64_t i = 0; i < j->n_items; i++) {
        item it = item_of(j, i);
        clear(j, &it, shared_result(j, i));
    }
    for (j->first_part = first; j->first_part <= last; j->first_part += (int32_t)j->n_shared) {
        llmk_cpu_share(j->s, j->n_steps, j->n_items * j->n_shared, attend_shared, j);
        if (!llmk_cpu_go_on(j->s)) return;
        for (int64_t i = 0; i < j->n_items * j->n_shared; i++) {
            item it = item_of(j, i / j->n_shared);
            merge(j, &it, shared_result(j, i / j->n_shared), shared_result(j, j->n_items + i));
        }
    }
    for (int64_t i = 0; i < j->n_items; i++) {
        item it = item_of(j, i);
        finish(j, &it, shared_result(j, i));
    }
}

/* ---- the operation ---- */

/* Number of leading panels that the two rows of the batch share, because their pages are the same. */
static int32_t shared_panels(const job *j, int32_t row, int32_t other) {
    const llm_step *step = j->step;
    const int32_t *pages = j->table->pages + (int64_t)step->row_seq[row] * j->table->width;
    const int32_t *others = j->table->pages + (int64_t)step->row_seq[other] * j->table->width;
    int32_t most = at_most(step->positions[row], step->positions[other]) / j->kv->page_tokens, n = 0;
    while (n < most && pages[n] == others[n]) n++;
    return n * j->kv->n_panels;
}

static bool is_alone(const llm_step *step, int32_t row) {
    int32_t seq = step->row_seq[row];
    return step->seq_rows[seq + 1] - step->seq_rows[seq] == 1;
}

/* Whether the row extends the last span: at most n rows of one sequence, n_alone of several. */
static bool join(const job *j, span *open, int32_t row, int32_t n, int32_t n_alone) {
    if (j->step->row_seq[row] == j->step->row_seq[open->first]) return open->n_rows < n;
    if (open->n_rows >= n_alone || !is_alone(j->step, row) || !is_alone(j->step, open->first)) return false;
    int32_t n_shared = at_most(shared_panels(j, open->first, row), open->n_shared);
    if (n_shared < LLMK_KV_BLOCK_PANELS || n_shared < panel_of(j->kv, j->step->positions[row]) / 2) return false;
    open->n_shared = n_shared;
    return true;
}

/* Cuts the step into spans of at most n rows, but enough of them for all threads; false if a position has no page. */
static bool cut(job *j, int32_t n) {
    const llm_step *step = j->step;
    int32_t n_rows = step->rows[LLM_ROWS_STEP];
    int64_t enough = (int64_t)n_rows * j->kv->n_heads;
    enough /= (int64_t)ITEMS_PER_THREAD * llmk_cpu_threads(j->s->pool);
    int32_t n_alone = enough < n ? (int32_t)enough : n;
    for (int32_t r = 0; r < n_rows; r++) {
        int32_t position = step->positions[r], seq = step->row_seq[r];
        if (position < 0 || position / j->kv->page_tokens >= j->table->width) return false;
        if (seq < 0 || seq >= step->seqs) return false;
        j->n_steps += 2.0 * (position + 1) * (double)j->q.cols;
        span *open = j->n_spans ? &j->spans[j->n_spans - 1] : NULL;
        if (open && join(j, open, r, n, n_alone))
            open->n_rows++;
        else
            j->spans[j->n_spans++] = (span){r, 1, ALL};
    }
    return true;
}

/* Key/value heads of an item: several if they have few rows, because the heads of a page are contiguous and long runs
 * are read faster; but enough items for all threads. */
static int32_t choose_n_kv(const job *j) {
    int32_t longest = 1, n_parts = 1, n_kv_heads = j->kv->n_heads;
    for (int32_t i = 0; i < j->n_spans; i++) {
        span rows = j->spans[i];
        int32_t parts = part_of(j, j->step->positions[rows.first + rows.n_rows - 1]) + 1;
        if (rows.n_shared != ALL) return 1;
        if (rows.n_rows > longest) longest = rows.n_rows;
        if (parts > n_parts) n_parts = parts;
    }
    int64_t most = SHARED_FLOATS / j->kv->values_stride;
    most = (most < ITEM_ROWS ? most : ITEM_ROWS) / ((int64_t)j->n_heads * longest);
    int64_t enough = (int64_t)n_kv_heads * j->n_spans * n_parts / (2 * llmk_cpu_threads(j->s->pool));
    if (most > enough) most = enough;
    if (most > n_kv_heads) most = n_kv_heads;
    return most < 1 || j->n_chunks > 1 ? 1 : (int32_t)most;
}

static bool plan(job *j) {
    int32_t n_kv_heads = j->kv->n_heads;
    int64_t room = item_floats(j->s->limits.max_cols) / j->kv->values_stride;
    int32_t most = room < ITEM_ROWS ? (int32_t)room : ITEM_ROWS;
    j->group = j->a->n_heads / n_kv_heads;
    j->n_heads = at_most(j->group, most);
    j->n_chunks = (j->group + j->n_heads - 1) / j->n_heads;
    if (!cut(j, most / j->n_heads)) return false;
    j->n_kv = choose_n_kv(j);
    j->n_items = (int64_t)j->n_spans * ((n_kv_heads + j->n_kv - 1) / j->n_kv) * j->n_chunks;
    return true;
}

/* Parts are shared out if there are too few items for the threads, and room for the results. */
static bool share_out(const job *j, int32_t *first, int32_t *last) {
    int32_t n_threads = llmk_cpu_threads(j->s->pool), most_rows = 0;
    *first = INT32_MAX;
    *last = 0;
    if (n_threads == 1 || j->n_items >= (int64_t)n_threads * ITEMS_PER_THREAD) return false;
    for (int64_t i = 0; i < j->n_items; i++) {
        item it = item_of(j, i);
        int32_t begin = part_of(j, it.first), end = part_of(j, it.last);
        if (begin < *first) *first = begin;
        if (end > *last) *last = end;
        if (it.n > most_rows) most_rows = it.n;
    }
    return *first < *last && (int64_t)most_rows * j->kv->values_stride <= SHARED_FLOATS;
}

void llmk_attend(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    const llm_attend_args *a = &op->u.attend;
    const llm_state_table *table = llmk_kv_table(s->program, step, a->state);
    job j = {
        .s = s,
        .k = &s->k->attention,
        .a = a,
        .q = llm_step_view(step, op->in[0]),
        .out = llm_step_view(step, op->out[0]),
        .kv = &table->state->kv[a->state],
        .table = table,
        .step = step,
        .spans = s->attention_scratch,
    };
    if (!llmk_cpu_start(s, plan(&j), "ATTEND: no such page")) return;
    int32_t first, last;
    if (share_out(&j, &first, &last))
        share_parts(&j, first, last);
    else
        llmk_cpu_share(s, j.n_steps, j.n_items, attend_item, &j);
}
