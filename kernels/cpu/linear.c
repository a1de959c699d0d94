/* Products with stored matrices: out [rows, n_out] = x [rows, n_in] W^T.
 *
 *          n_out                        W is cut into strips of 32 outputs; neighbouring strips make a part, and a part
 *      +---+---+---+---+                times a block of rows is an item, the unit that threads take.
 *      |   |   |   |   |  block_rows
 * rows |---+---+---+---|                A group of strips shares each reading of the activations. Chunks of a strip's
 *      |   |   |   |   |  block_rows    columns are widened into a panel that stays in the first-level cache; tiles of
 *      +---+---+---+---+                a few rows multiply it.
 *       strips of a part
 *
 * How elements are summed depends on n_in and the type of the weights alone, never on rows, threads or cuts. */
#include "cpu/linear.h"
#include "common.h"
#include "cpu/cpu.h"

#include <assert.h>
#include <string.h>

/* ---- scratch: activations in the form that the kernels read, then a slot for each thread ---- */

enum {
    GROUP = LLMK_GROUP,   /* strips that share each pass over the activations */
    PANEL_BYTES = 12288,  /* of a panel of 8-bit numbers: a group's panels take half of L1 */
    WIDE_BYTES = 32768,   /* of a panel of F32 or BF16 */
    PACKED_BYTES = 12288, /* of the packed form of a panel, for weights without a packed copy */
};

typedef struct space {
    _Alignas(64) uint8_t panel[GROUP * WIDE_BYTES];
    _Alignas(64) uint8_t packed[GROUP][PACKED_BYTES];
    _Alignas(64) float acc[LLMK_MOST_BLOCK_ROWS][GROUP][LLMK_STRIP];
} space;

static_assert(WIDE_BYTES == LLMK_WIDEN_COLS * LLMK_STRIP * sizeof(float), "a strip's panel of F32");

int64_t llmk_linear_chunk(const llmk_blocking *b, const llmk_product *k, const llmk_layout *l) {
    int64_t n = b->panel_cols[k->panel], least = l->plane_cols[LLMK_PLANE_D];
    return n > least ? n : least;
}

static int64_t round_up(int64_t n, int64_t step) {
    return (n + step - 1) / step * step;
}

/* Bytes of a row of activations of a kind. */
static size_t x_row_bytes(int32_t kind, int64_t cols) {
    if (kind == LLMK_X_I8) return (size_t)(cols / LLMK_BLOCK) * LLMK_X_I8_BYTES;
    return kind == LLMK_X_BF16 ? (size_t)round_up(cols, 2) * 2 : 0;
}

static bool uses(const llmk_linear_kernels *k, int32_t kind) {
    for (int32_t i = 0; i < LLMK_N_LAYOUTS; i++)
        if (k->product[i].x == kind) return true;
    return false;
}

static size_t x_bytes(const llmk_kernels *k, const llmk_limits *limits) {
    size_t most = 0, n = 64;
    for (int32_t kind = 0; kind < LLMK_N_X; kind++) {
        size_t row = x_row_bytes(kind, limits->max_cols);
        if (uses(&k->linear, kind) && row > most) most = row;
    }
    if (!llmk_multiply(&most, limits->max_rows) || !llmk_add_size(&n, most) || n > SIZE_MAX - 63) return SIZE_MAX;
    return (n + 63) / 64 * 64;
}

size_t llmk_linear_scratch_bytes(const llmk_kernels *k, const llmk_limits *limits) {
    size_t n = x_bytes(k, limits), slots = sizeof(space);
    bool fits = n < SIZE_MAX && llmk_multiply(&slots, limits->n_threads) && llmk_add_size(&n, slots);
    return fits ? n : SIZE_MAX;
}

/* ---- one call: all products that read the same kind of activations ---- */

typedef struct job {
    const llmk_linear_kernels *k;
    const llmk_linear_product *products;
    int32_t n_products, kind;
    int64_t pass;       /* of the device */
    int64_t n_parts;    /* items of all products for a block of rows */
    int64_t block_rows; /* the rows are cut into blocks of so many */
    llm_view x;
    uint8_t *x_packed;
    size_t x_row_bytes;
    space *slots;
} job;

static const llmk_product *kernels_of(const job *j, const llmk_linear_product *p) {
    return &j->k->product[p->w->layout->index];
}

static int64_t parts_of(const job *j, const llmk_linear_product *p) {
    return kernels_of(j, p)->x == j->kind ? p->w->n_parts : 0;
}

/* ---- activations ---- */

static void pack_x(void *arg, int64_t group, int32_t slot_index) {
    const job *j = arg;
    int64_t first = group * LLMK_TILE_ROWS, rest = j->x.rows - first;
    int32_t n_rows = rest < LLMK_TILE_ROWS ? (int32_t)rest : LLMK_TILE_ROWS;
    uint8_t *dst = j->x_packed + (size_t)first * j->x_row_bytes;
    if (j->kind == LLMK_X_I8)
        j->k->quantize(dst, llm_view_row(j->x, first), j->x.stride, n_rows, j->x.cols);
    else
        for (int32_t r = 0; r < n_rows; r++)
            j->k->to_bf16(dst + (size_t)r * j->x_row_bytes, llm_view_row(j->x, first + r), j->x.cols);
}

enum { PACK_STEPS = 16 }; /* multiply-adds in the time of packing one element */

static void pack_all_x(llmk_cpu_stream *s, job *j) {
    int64_t n_groups = round_up(j->x.rows, LLMK_TILE_ROWS) / LLMK_TILE_ROWS;
    if (j->kind != LLMK_X_F32)
        llmk_cpu_share(s, (double)j->x.rows * (double)j->x.cols * PACK_STEPS, n_groups, pack_x, j);
}

/* Points t at columns [col, ...) of rows [first, first + n_rows), which belong to one group. */
static void take_x(llmk_tile *t, const job *j, int64_t first, int64_t col) {
    if (j->kind == LLMK_X_F32) {
        t->x = llm_view_row(j->x, first) + col;
        t->x_stride = (size_t)j->x.stride * sizeof(float);
        return;
    }
    size_t in_row = x_row_bytes(j->kind, col);
    t->x = j->x_packed + (size_t)first * j->x_row_bytes + in_row * (j->kind == LLMK_X_I8 ? (size_t)t->n_rows : 1);
    t->x_stride = j->x_row_bytes;
}

/* ---- items: some strips times a block of rows ---- */

/* What an item works on at a time: one strip for few rows, which is then streamed, otherwise a group. */
typedef struct piece {
    const llmk_linear_product *p;
    const llmk_product *k;
    int64_t strip, row, n_rows;
    int32_t n_strips;
    bool keep; /* what it packs is the weight's copy */
} piece;

/* Whether the copy has the strip. */
static bool is_packed(const llm_weight *w, int64_t strip) {
    return llmk_packing_has(w->packing, strip / w->part_strips);
}

/* Columns [col, col + n_cols) of a strip in packed form: from the weight's copy, or packed now into `packed`. With
 * packed == NULL they are packed straight into the weight's own copy: this is the pass that builds it. */
static llmk_planes take_packed(const llm_weight *w, int64_t strip, int64_t col, int64_t n_cols, uint8_t *packed) {
    const llmk_layout *l = w->layout;
    llmk_planes planes;
    bool done = is_packed(w, strip);
    if (done || !packed)
        planes = llmk_layout_planes(l, w->packing->copy + (size_t)strip * w->strip_bytes, w->cols, col);
    else
        planes = llmk_layout_planes(l, packed, n_cols, 0);
    if (!done) {
        const uint8_t *rows = w->data + (size_t)(strip * LLMK_STRIP) * w->row_bytes;
        llmk_layout_pack(l, w->pack, &planes, rows, w->row_bytes, llmk_weight_strip_rows(w, strip), col, n_cols);
    }
    return planes;
}

const uint8_t *llmk_linear_panel(const llmk_product *k, const llm_weight *w, int64_t strip, int64_t col, int64_t n_cols,
                                 uint8_t *panel, uint8_t *packed, const uint8_t **next) {
    const llmk_layout *l = w->layout;
    llmk_planes planes = take_packed(w, strip, col, n_cols, packed);
    const uint8_t *low = planes.at[LLMK_PLANE_LOW];
    *next = low + n_cols / l->plane_cols[LLMK_PLANE_LOW] * 2 * l->plane_bytes[LLMK_PLANE_LOW];
    if (!k->expand) return low;
    k->expand(panel, &planes, n_cols);
    return panel;
}

/* Rows of one tile and a strip: columns from col on, as they are packed. Returns how many. */
static int64_t multiply_packed(const job *j, space *slot, const piece *e, int64_t col) {
    const llm_weight *w = e->p->w;
    bool done = is_packed(w, e->strip), last = e->strip + 1 == llmk_weight_strips(w);
    int64_t rest = w->cols - col,
            most = done ? j->k->blocking.packed_cols[e->k->panel] : llmk_linear_chunk(&j->k->blocking, e->k, w->layout);
    int64_t n_cols = rest < most ? rest : most;
    llmk_planes planes = take_packed(w, e->strip, col, n_cols, e->keep ? NULL : slot->packed[0]), next = planes;
    if (done && !last)
        next = llmk_layout_planes(w->layout, w->packing->copy + (size_t)(e->strip + 1) * w->strip_bytes, w->cols, 0);
    llmk_tile t = {.acc = slot->acc[0][0], .acc_stride = GROUP * LLMK_STRIP, .packed = &planes, .next = &next};
    t.n_cols = n_cols;
    t.n_rows = (int32_t)e->n_rows;
    t.is_first = col == 0;
    take_x(&t, j, e->row, col);
    e->k->multiply_packed(&t);
    return n_cols;
}

/* Any rows: the next columns from col on, by panels. Returns how many. */
static int64_t multiply_panels(const job *j, space *slot, const piece *e, int64_t col) {
    const llm_weight *w = e->p->w;
    int64_t rest = w->cols - col, most = llmk_linear_chunk(&j->k->blocking, e->k, w->layout),
            n_cols = rest < most ? rest : most;
    int32_t stride = e->k->panel == LLMK_PANEL_F32 && most > 64 ? WIDE_BYTES : PANEL_BYTES;
    const uint8_t *panels[GROUP], *next = slot->panel;
    for (int32_t i = 0; i < e->n_strips; i++)
        panels[i] = llmk_linear_panel(e->k, w, e->strip + i, col, n_cols, slot->panel + i * stride,
                                      e->keep ? NULL : slot->packed[i], &next);
    llmk_tile t = {.acc_stride = GROUP * LLMK_STRIP, .n_cols = n_cols, .is_first = col == 0};
    t.ahead = next + LLMK_AHEAD;
    t.n_ahead = e->n_rows > j->k->blocking.few_rows ? 0 : j->k->blocking.ahead_lines;
    for (int64_t r = 0; r < e->n_rows; r += LLMK_TILE_ROWS) {
        t.n_rows = e->n_rows - r < LLMK_TILE_ROWS ? (int32_t)(e->n_rows - r) : LLMK_TILE_ROWS;
        take_x(&t, j, e->row + r, col);
        for (int32_t i = 0; i < e->n_strips; i++) {
            t.panel = panels[i];
            t.acc = slot->acc[r][i];
            e->k->multiply(&t);
            t.ahead += t.n_ahead * (n_cols / LLMK_BLOCK) * 64;
        }
    }
    return n_cols;
}

static void store(const space *slot, const piece *e, int64_t ahead) {
    const llmk_linear_product *p = e->p;
    int64_t o = e->strip * LLMK_STRIP, rest = p->w->rows - o, most = e->n_strips * LLMK_STRIP;
    int32_t n = (int32_t)(rest < most ? rest : most);
    float bias[GROUP * LLMK_STRIP] = {0};
    if (p->bias) memcpy(bias, llmk_weight_vector(p->bias) + o, (size_t)n * sizeof *bias);
    for (int64_t r = 0; r < e->n_rows; r++) {
        float *out = llm_view_row(p->out, e->row + r) + o;
        const float *acc = slot->acc[r][0];
        const float *later = llm_view_row(p->out, e->row + (r + ahead < e->n_rows ? r + ahead : r)) + o;
        for (int32_t i = 0; i < n; i += 16) __builtin_prefetch(later + i, 1);
        if (p->accumulate)
            for (int32_t i = 0; i < n; i++) out[i] = acc[i] + bias[i] + out[i];
        else
            for (int32_t i = 0; i < n; i++) out[i] = acc[i] + bias[i];
    }
}

static void multiply_item(void *arg, int64_t index, int32_t slot_index) {
    const job *j = arg;
    space *slot = &j->slots[slot_index];
    int64_t row = index / j->n_parts * j->block_rows, part = index % j->n_parts;
    const llmk_linear_product *p = j->products;
    for (; part >= parts_of(j, p); p++) part -= parts_of(j, p);
    const llm_weight *w = p->w;
    piece e = {.p = p, .k = kernels_of(j, p), .row = row};
    e.n_rows = j->x.rows - row < j->block_rows ? j->x.rows - row : j->block_rows;
    int32_t group = e.n_rows > j->k->blocking.few_rows ? GROUP : 1;
    int64_t end = llmk_weight_part_end(w, part);
    if (!llmk_packing_has(w->packing, part)) {
        e.keep = llmk_packing_try_begin(w->packing, part, j->pass);
        llmk_packing_want(w, part);
    }
    for (e.strip = part * w->part_strips; e.strip < end; e.strip += group) {
        e.n_strips = end - e.strip < group ? (int32_t)(end - e.strip) : group;
        if (!w->cols) memset(slot->acc, 0, sizeof slot->acc);
        bool packed = e.n_rows <= LLMK_TILE_ROWS && e.k->multiply_packed;
        for (int64_t col = 0; col < w->cols;)
            col += packed ? multiply_packed(j, slot, &e, col) : multiply_panels(j, slot, &e, col);
        store(slot, &e, j->k->blocking.store_ahead);
    }
    if (e.keep) llmk_packing_finish(w, part);
}

static void multiply_kind(llmk_cpu_stream *s, job *j, int32_t kind) {
    j->kind = kind;
    j->n_parts = 0;
    double n_weights = 0;
    for (int32_t i = 0; i < j->n_products; i++) {
        const llmk_linear_product *p = &j->products[i];
        if (!parts_of(j, p)) continue;
        j->n_parts += parts_of(j, p);
        n_weights += (double)p->w->rows * (double)p->w->cols;
    }
    if (!j->n_parts || !j->x.rows) return;
    j->x_row_bytes = x_row_bytes(kind, j->x.cols);
    pack_all_x(s, j);
    int64_t rows = j->k->blocking.block_rows, most = rows;
    if (kind != LLMK_X_F32) most = j->k->blocking.block_bytes / (int64_t)(j->x_row_bytes + 1);
    most = most < rows / 4 ? rows / 4 : most > rows ? rows : most;
    int64_t n_blocks = (j->x.rows + most - 1) / most;
    j->block_rows = round_up((j->x.rows + n_blocks - 1) / n_blocks, LLMK_TILE_ROWS);
    llmk_cpu_share(s, n_weights * (double)j->x.rows, n_blocks * j->n_parts, multiply_item, j);
}

void llmk_linear_products(llmk_linear_product *products, const llm_op *op, const llm_step *step) {
    for (int32_t i = 0; i < op->u.linear.n; i++)
        products[i] = (llmk_linear_product){
            .w = op->w[2 * i],
            .bias = op->w[2 * i + 1],
            .out = llm_step_view(step, op->out[i]),
            .accumulate = op->u.linear.accumulate >> i & 1,
        };
}

void llmk_linear_multiply(llmk_cpu_stream *s, llm_view x, const llmk_linear_product *products, int32_t n) {
    size_t before = x_bytes(s->k, &s->limits);
    job j = {
        .k = &s->k->linear,
        .products = products,
        .n_products = n,
        .x = x,
        .x_packed = s->linear_scratch,
        .slots = (space *)(void *)((uint8_t *)s->linear_scratch + before),
        .pass = atomic_load_explicit(&llmk_cpu_device_of(s->base.device)->n_passes, memory_order_relaxed),
    };
    if (!llmk_cpu_go_on(s)) return;
    for (int32_t kind = 0; kind < LLMK_N_X; kind++) multiply_kind(s, &j, kind);
}

void llmk_linear(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_linear_product products[LLM_MAX_PRODUCTS];
    llmk_linear_products(products, op, step);
    llmk_linear_multiply(llmk_cpu_stream_of(stream), llm_step_view(step, op->in[0]), products, op->u.linear.n);
}
