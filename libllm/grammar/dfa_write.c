/* An automaton as rules of a grammar: one rule per state, each of which ends with a reference to the next (a tail
 * call). Bounds on the number of characters are kept by a counter beside it, so that an automaton of few states and a
 * bound of thousands stay small: a step is taken only if the text can still end within the bounds. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "grammar/dfa.h"

enum { MAX_CELLS = 1 << 22 };

/* Counts of characters, read so far, from which a state can still be accepted within the bounds. */
typedef struct count_window {
    int32_t lo, hi;
} count_window;

typedef struct writer {
    llmi_ir *ir;
    const llmi_dfa *dfa;
    size_t n;
    int32_t min, max;
    llm_span end;
    llmi_chars_fn chars;
    int64_t *steps;
    count_window *windows; /* [n]; NULL: no counter */
    int32_t counter;
    llmi_buf ranges, kids; /* of one state */
} writer;

static const llmi_dfa_state *state_at(const llmi_dfa *d, size_t i) {
    return &llmi_buf_at(&d->states, llmi_dfa_state, i);
}

static const llmi_dfa_edge *edge_at(const llmi_dfa *d, int32_t i) {
    return &llmi_buf_at(&d->edges, llmi_dfa_edge, i);
}

/* ---- lengths ---- */

/* row[j]: a state is accepted after one character more than in `before`. NULL: after none. */
static void fill_row(const llmi_dfa *d, uint8_t *row, const uint8_t *before, size_t n) {
    for (size_t j = 0; j < n; j++) {
        const llmi_dfa_state *s = state_at(d, j);
        row[j] = before == NULL && s->accepts;
        for (int32_t k = s->first; before && k < s->first + s->n && !row[j]; k++) row[j] = before[edge_at(d, k)->to];
    }
}

/* Paths of at most k steps from each state, k <= limit: how long the longest is. */
static void find_longest(const llmi_dfa *d, int32_t *longest, uint8_t *rows, size_t n, int32_t limit) {
    memset(rows, 1, n);
    memset(longest, 0, n * sizeof *longest);
    for (int32_t k = 1; k <= limit; k++) {
        uint8_t *row = rows + (k & 1 ? n : 0);
        bool any = false;
        fill_row(d, row, rows + (k & 1 ? 0 : n), n);
        for (size_t j = 0; j < n; j++)
            if (row[j]) {
                longest[j] = k;
                any = true;
            }
        if (!any) return;
    }
}

/* Counts c for which some length of [min - c, max - c] is accepted. False: they are not contiguous. */
static bool find_window(count_window *out, const uint8_t *cells, size_t n, size_t j, int32_t min, int32_t max) {
    int32_t n_inside = 0;
    bool seen = false, over = false;
    *out = (count_window){1, 0};
    /* From the largest count down: the lengths that remain are [min - c, max - c]. */
    for (int32_t c = max; c >= 0; c--) {
        n_inside += cells[(size_t)(max - c) * n + j];
        if (min - c - 1 >= 0) n_inside -= cells[(size_t)(min - c - 1) * n + j];
        if (n_inside && over) return false;
        if (n_inside && !seen) out->hi = c;
        if (n_inside) out->lo = c;
        seen = seen || n_inside;
        over = seen && !n_inside;
    }
    return true;
}

/* With a largest length: *pieces is false if some state's counts are not contiguous. */
static bool bounded_windows(writer *w, uint8_t *cells, bool *pieces) {
    for (int32_t k = 0; k <= w->max; k++)
        fill_row(w->dfa, cells + (size_t)k * w->n, k ? cells + (size_t)(k - 1) * w->n : NULL, w->n);
    *pieces = true;
    for (size_t j = 0; j < w->n && *pieces; j++) *pieces = find_window(&w->windows[j], cells, w->n, j, w->min, w->max);
    return true;
}

/* Whether the automaton's own texts keep the bounds: none is shorter than min or longer than max. */
static bool is_within(const writer *w, uint8_t *rows, int32_t *longest) {
    int32_t limit = w->max == LLMI_IR_UNLIMITED ? 0 : w->max + 1;
    if (limit) find_longest(w->dfa, longest, rows, w->n, limit);
    if (limit && longest[0] >= limit) return false;
    for (int32_t k = 0; k < w->min; k++) {
        uint8_t *row = rows + (k & 1 ? w->n : 0);
        fill_row(w->dfa, row, k ? rows + (k & 1 ? 0 : w->n) : NULL, w->n);
        if (row[0]) return false;
    }
    return true;
}

typedef enum write_plan { WITHIN, COUNTED, SPREAD, FAILED } write_plan;

static write_plan make_plan(writer *w, size_t n_cells) {
    const llm_allocator *a = w->ir->a;
    size_t n_bytes = w->n * sizeof(int32_t) + n_cells;
    int32_t *longest = llmi_alloc(a, n_bytes);
    if (!longest) {
        llmi_ir_fail(w->ir, LLM_E_MEMORY);
        return FAILED;
    }
    uint8_t *cells = (uint8_t *)(longest + w->n);
    bool pieces = true;
    write_plan p = is_within(w, cells, longest) ? WITHIN : COUNTED;
    if (p == COUNTED && w->max == LLMI_IR_UNLIMITED) {
        find_longest(w->dfa, longest, cells, w->n, w->min);
        for (size_t j = 0; j < w->n; j++) w->windows[j] = (count_window){w->min - longest[j], INT32_MAX};
    } else if (p == COUNTED) {
        bounded_windows(w, cells, &pieces);
    }
    llmi_free(a, longest, n_bytes);
    return pieces ? p : SPREAD;
}

/* ---- rules ---- */

/* All edges to the state that edge i leads to; -1: they are written with an earlier one. */
static int32_t write_edges(writer *w, int32_t first_rule, int32_t first, int32_t end, int32_t i) {
    llmi_ir *ir = w->ir;
    int32_t to = edge_at(w->dfa, i)->to;
    for (int32_t k = first; k < i; k++)
        if (edge_at(w->dfa, k)->to == to) return -1;
    w->ranges.len = 0;
    for (int32_t k = i; k < end && ir->status == LLM_OK; k++) {
        llmi_ir_range r = {edge_at(w->dfa, k)->first, edge_at(w->dfa, k)->last};
        if (edge_at(w->dfa, k)->to == to && !llmi_buf_push(&w->ranges, r)) llmi_ir_fail(ir, LLM_E_MEMORY);
    }
    if (ir->status != LLM_OK) return -1;
    int32_t node = w->chars(ir, (llmi_ir_range *)(void *)w->ranges.data, llmi_buf_count(&w->ranges, llmi_ir_range));
    int32_t next = llmi_ir_ref(ir, first_rule + to);
    if (!w->windows) return llmi_ir_seq(ir, node, next);
    /* Checked before the character, so that none is begun that would be one too many. */
    return llmi_ir_seq(ir, llmi_ir_tick(ir, w->counter, w->windows[to].lo, w->windows[to].hi), node, next);
}

static void write_state(writer *w, int32_t first_rule, size_t j) {
    llmi_ir *ir = w->ir;
    const llmi_dfa_state *s = state_at(w->dfa, j);
    w->kids.len = 0;
    *w->steps -= (int64_t)s->n * s->n;
    if (*w->steps < 0) llmi_ir_fail(ir, llmi_error(LLM_E_LIMIT, "patterns take too many steps to combine"));
    for (int32_t i = s->first; i < s->first + s->n && ir->status == LLM_OK; i++) {
        const count_window *to = w->windows ? &w->windows[edge_at(w->dfa, i)->to] : NULL;
        if (to && to->lo > to->hi) continue;
        int32_t kid = write_edges(w, first_rule, s->first, s->first + s->n, i);
        if (kid >= 0 && !llmi_buf_push(&w->kids, kid)) llmi_ir_fail(ir, LLM_E_MEMORY);
    }
    if (s->accepts && ir->status == LLM_OK) {
        int32_t kid = w->windows ? llmi_ir_leave(ir, w->counter) : llmi_ir_text(ir, w->end.ptr, w->end.len);
        if (kid >= 0 && !llmi_buf_push(&w->kids, kid)) llmi_ir_fail(ir, LLM_E_MEMORY);
    }
    const int32_t *kids = (const int32_t *)(const void *)w->kids.data;
    if (ir->status == LLM_OK)
        llmi_ir_define(ir, first_rule + (int32_t)j,
                       llmi_ir_list(ir, LLMI_IR_ALT, kids, llmi_buf_count(&w->kids, int32_t)));
}

static int32_t write_rules(writer *w) {
    llmi_ir *ir = w->ir;
    int32_t first = -1;
    if (w->windows) w->counter = llmi_ir_counter_new(ir, w->min, w->max);
    for (size_t j = 0; j < w->n && ir->status == LLM_OK; j++) {
        int32_t rule = llmi_ir_rule_new(ir, "", 0);
        if (!j) first = rule;
    }
    for (size_t j = 0; j < w->n && ir->status == LLM_OK; j++) write_state(w, first, j);
    if (!w->windows) return llmi_ir_ref(ir, first);
    int32_t node = llmi_ir_count(ir, w->counter, first);
    return llmi_ir_seq(ir, node, llmi_ir_text(ir, w->end.ptr, w->end.len));
}

static int32_t write_spread(writer *w) {
    llmi_dfa lengths, both;
    llm_status status = llmi_dfa_lengths(&lengths, w->ir->a, w->min, w->max, w->steps);
    if (status != LLM_OK) return llmi_ir_fail(w->ir, status);
    status = llmi_dfa_combine(&both, w->dfa, &lengths, false, w->steps);
    llmi_dfa_free(&lengths);
    if (status != LLM_OK) return llmi_ir_fail(w->ir, status);
    int32_t node = llmi_dfa_write(w->ir, &both, 0, LLMI_IR_UNLIMITED, w->end, w->chars, w->steps);
    llmi_dfa_free(&both);
    return node;
}

static int32_t write_bounded(writer *w) {
    llmi_ir *ir = w->ir;
    size_t rows = (size_t)(w->max == LLMI_IR_UNLIMITED ? w->min : w->max) + 2, n_cells;
    if (rows < 2) rows = 2;
    if (!llmi_mul(&n_cells, rows, w->n) || n_cells > MAX_CELLS)
        return llmi_ir_fail(ir, llmi_error(LLM_E_LIMIT,
                                           "a pattern of %zu states cannot be bounded to %zu characters: at most %d "
                                           "states times characters",
                                           w->n, rows - 2, MAX_CELLS));
    /* Each of these steps is a byte: sixteen are as much as one elsewhere. */
    *w->steps -= (int64_t)(rows * llmi_buf_count(&w->dfa->edges, llmi_dfa_edge) / 16 + n_cells / 4);
    if (*w->steps < 0)
        return llmi_ir_fail(ir, llmi_error(LLM_E_LIMIT, "patterns and lengths take too many steps to combine"));
    w->windows = llmi_alloc_array(ir->a, w->n, sizeof *w->windows);
    if (!w->windows) return llmi_ir_fail(ir, LLM_E_MEMORY);
    count_window *windows = w->windows;
    int32_t node = -1;
    switch (make_plan(w, n_cells)) {
    case WITHIN:
        w->windows = NULL;
        node = write_rules(w);
        break;
    case COUNTED:
        node = windows[0].lo > 0 || windows[0].hi < 0 ? llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0) : write_rules(w);
        break;
    case SPREAD:
        node = write_spread(w);
        break;
    default:
        break;
    }
    llmi_free(ir->a, windows, w->n * sizeof *windows);
    return node;
}

int32_t llmi_dfa_write(llmi_ir *ir, const llmi_dfa *dfa, int32_t min, int32_t max, llm_span end, llmi_chars_fn chars,
                       int64_t *steps) {
    writer w = {ir, dfa, llmi_buf_count(&dfa->states, llmi_dfa_state), min, max, end, chars, steps, .counter = -1};
    if (ir->status != LLM_OK) return -1;
    if (llmi_dfa_is_empty(dfa) || (max >= 0 && max < min)) return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    llmi_buf_init(&w.ranges, ir->a);
    llmi_buf_init(&w.kids, ir->a);
    int32_t node = min > 0 || max != LLMI_IR_UNLIMITED ? write_bounded(&w) : write_rules(&w);
    llmi_buf_free(&w.ranges);
    llmi_buf_free(&w.kids);
    return node;
}
