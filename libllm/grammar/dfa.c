/* Building automata: Thompson's construction from a grammar's nodes, the sets of its states that a text can lead to
 * (subset construction), and pairs of states of two automata (product). */
#include "grammar/dfa.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

enum { MAX_LINKS = 1 << 19 };

static llmi_dfa_state *state_at(const llmi_dfa *d, size_t i) {
    return &llmi_buf_at(&d->states, llmi_dfa_state, i);
}

static llmi_dfa_edge *edge_at(const llmi_dfa *d, int32_t i) {
    return &llmi_buf_at(&d->edges, llmi_dfa_edge, i);
}

static size_t n_states(const llmi_dfa *d) {
    return llmi_buf_count(&d->states, llmi_dfa_state);
}

void llmi_dfa_init(llmi_dfa *d, const llm_allocator *a) {
    llmi_buf_init(&d->states, a);
    llmi_buf_init(&d->edges, a);
}

void llmi_dfa_free(llmi_dfa *d) {
    llmi_buf_free(&d->states);
    llmi_buf_free(&d->edges);
}

static llm_status pay(int64_t *steps, size_t n) {
    if ((*steps -= (int64_t)n) >= 0) return LLM_OK;
    return llmi_error(LLM_E_LIMIT, "patterns, lengths and names that hold at once take too many steps to combine");
}

llm_status llmi_dfa_add_state(llmi_dfa *d, bool accepts) {
    llmi_dfa_state s = {(int32_t)llmi_buf_count(&d->edges, llmi_dfa_edge), 0, accepts};
    if (n_states(d) >= LLMI_DFA_MAX_STATES)
        return llmi_error(LLM_E_LIMIT, "patterns, lengths and names that hold at once need more than %d states",
                          LLMI_DFA_MAX_STATES);
    return llmi_buf_push(&d->states, s) ? LLM_OK : LLM_E_MEMORY;
}

/* The next edge of the last state; neighbours that lead to one state become one edge. */
llm_status llmi_dfa_add_edge(llmi_dfa *d, uint32_t first, uint32_t last, int32_t to) {
    llmi_dfa_state *s = state_at(d, n_states(d) - 1);
    llmi_dfa_edge edge = {first, last, to};
    if (s->n) {
        llmi_dfa_edge *before = edge_at(d, s->first + s->n - 1);
        if (before->to == to && before->last + 1 == first) {
            before->last = last;
            return LLM_OK;
        }
    }
    if (!llmi_buf_push(&d->edges, edge)) return LLM_E_MEMORY;
    s->n++;
    return LLM_OK;
}

/* ---- trimming ---- */

/* alive[i] becomes 1 for states from which an accepting one is reached: backwards over the edges. */
static bool mark_alive(const llmi_dfa *d, uint8_t *alive, int32_t *todo, int32_t *first, int32_t *next) {
    size_t n = n_states(d), n_todo = 0, n_alive = 0;
    for (size_t i = 0; i < n; i++) first[i] = -1;
    for (size_t i = 0; i < n; i++) {
        const llmi_dfa_state *s = state_at(d, i);
        for (int32_t k = s->first; k < s->first + s->n; k++) {
            int32_t to = edge_at(d, k)->to;
            next[2 * k] = first[to];
            next[2 * k + 1] = (int32_t)i;
            first[to] = k;
        }
        if (s->accepts) {
            alive[i] = 1;
            todo[n_todo++] = (int32_t)i;
        }
    }
    while (n_todo) {
        int32_t at = todo[--n_todo];
        n_alive++;
        for (int32_t k = first[at]; k >= 0; k = next[2 * k]) {
            int32_t from = next[2 * k + 1];
            if (alive[from]) continue;
            alive[from] = 1;
            todo[n_todo++] = from;
        }
    }
    return n_alive < n;
}

/* Leaves out dead states and the edges to them; `numbers` gets the new numbers. */
static void drop_dead(llmi_dfa *d, const uint8_t *alive, int32_t *numbers) {
    int32_t n_kept = 0, n_edges = 0;
    for (size_t i = 0; i < n_states(d); i++) numbers[i] = alive[i] || !i ? n_kept++ : -1;
    for (size_t i = 0; i < n_states(d); i++) {
        if (numbers[i] < 0) continue;
        llmi_dfa_state s = *state_at(d, i);
        int32_t begin = n_edges;
        for (int32_t k = s.first; k < s.first + s.n; k++) {
            llmi_dfa_edge edge = *edge_at(d, k);
            if (!alive[edge.to]) continue;
            edge.to = numbers[edge.to];
            *edge_at(d, n_edges++) = edge;
        }
        *state_at(d, (size_t)numbers[i]) = (llmi_dfa_state){begin, n_edges - begin, s.accepts};
    }
    d->states.len = (size_t)n_kept * sizeof(llmi_dfa_state);
    d->edges.len = (size_t)n_edges * sizeof(llmi_dfa_edge);
}

static llm_status trim(llmi_dfa *d) {
    size_t n = n_states(d), n_edges = llmi_buf_count(&d->edges, llmi_dfa_edge);
    const llm_allocator *a = d->states.a;
    size_t n_bytes = n + (2 * n + 2 * n_edges) * sizeof(int32_t);
    int32_t *memory = llmi_alloc_zero(a, n_bytes);
    if (!memory) return LLM_E_MEMORY;
    int32_t *todo = memory, *first = todo + n, *next = first + n;
    uint8_t *alive = (uint8_t *)(next + 2 * n_edges);
    if (mark_alive(d, alive, todo, first, next)) drop_dead(d, alive, todo);
    llmi_free(a, memory, n_bytes);
    return LLM_OK;
}

/* ---- numbers for keys of int32_t ---- */

/* Keys one after the other in `keys`, each with its length before it; the table holds where they begin. */
typedef struct numbering {
    llmi_buf keys, starts, slots;
} numbering;

static void numbering_init(numbering *t, const llm_allocator *a) {
    llmi_buf_init(&t->keys, a);
    llmi_buf_init(&t->starts, a);
    llmi_buf_init(&t->slots, a);
}

static void numbering_free(numbering *t) {
    llmi_buf_free(&t->keys);
    llmi_buf_free(&t->starts);
    llmi_buf_free(&t->slots);
}

static const int32_t *key_of(const numbering *t, int32_t number, size_t *n) {
    const int32_t *key = &llmi_buf_at(&t->keys, int32_t, llmi_buf_at(&t->starts, size_t, number));
    *n = (size_t)key[0];
    return key + 1;
}

static size_t hash_of(const int32_t *key, size_t n) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint32_t)key[i]) * 0xff51afd7ed558ccdu ^ h >> 29;
    return (size_t)(h ^ h >> 32);
}

static int32_t *find_slot(numbering *t, const int32_t *key, size_t n) {
    size_t mask = llmi_buf_count(&t->slots, int32_t) - 1, i = hash_of(key, n) & mask;
    for (;; i = (i + 1) & mask) {
        int32_t *slot = &llmi_buf_at(&t->slots, int32_t, i);
        size_t n_other;
        const int32_t *other = *slot < 0 ? NULL : key_of(t, *slot, &n_other);
        if (!other || (n_other == n && memcmp(other, key, n * sizeof *key) == 0)) return slot;
    }
}

static bool grow_slots(numbering *t) {
    size_t n = llmi_buf_count(&t->starts, size_t), n_slots = llmi_buf_count(&t->slots, int32_t);
    if (2 * (n + 1) < n_slots) return true;
    n_slots = n_slots ? 2 * n_slots : 64;
    t->slots.len = 0;
    if (!llmi_buf_reserve(&t->slots, n_slots * sizeof(int32_t))) return false;
    memset(t->slots.data, 0xff, t->slots.len = n_slots * sizeof(int32_t));
    for (size_t i = 0; i < n; i++) {
        size_t n_key;
        const int32_t *key = key_of(t, (int32_t)i, &n_key);
        *find_slot(t, key, n_key) = (int32_t)i;
    }
    return true;
}

/* The number of a key, a new one for a new key; -1: no memory. */
static int32_t number_of(numbering *t, const int32_t *key, size_t n) {
    if (!grow_slots(t)) return -1;
    int32_t *slot = find_slot(t, key, n), length = (int32_t)n;
    if (*slot >= 0) return *slot;
    size_t start = llmi_buf_count(&t->keys, int32_t);
    int32_t number = (int32_t)llmi_buf_count(&t->starts, size_t);
    if (!llmi_buf_push(&t->keys, length) || (n && !llmi_buf_append(&t->keys, key, n * sizeof *key)) ||
        !llmi_buf_push(&t->starts, start))
        return -1;
    return *slot = number;
}

/* ---- from a grammar: states that several characters or none may lead on from ---- */

/* Reads one character of the ranges, or nothing (n == 0 and `empty`). */
typedef struct link {
    int32_t from, to;
    int32_t first, n; /* ranges */
    bool empty;
} link;

typedef struct part {
    int32_t node, from, to;
} part;

typedef struct nfa {
    const llmi_ir *ir;
    llmi_buf ranges; /* llmi_ir_range */
    llmi_buf links;  /* link, by `from` after they are sorted */
    llmi_buf begins; /* int32_t[n_states + 1]: where the links of a state begin */
    llmi_buf todo;   /* part */
    int32_t n_states;
    int64_t *steps;
    llm_status status;
} nfa;

static int32_t nfa_fail(nfa *m, llm_status status) {
    if (m->status == LLM_OK) m->status = status;
    return 0;
}

static void add_link(nfa *m, link l) {
    if (m->status == LLM_OK) m->status = pay(m->steps, 1);
    if (m->status != LLM_OK) return;
    if (llmi_buf_count(&m->links, link) >= MAX_LINKS)
        nfa_fail(m, llmi_error(LLM_E_LIMIT, "a pattern with repetitions is too large to be combined with others"));
    else if (!llmi_buf_push(&m->links, l))
        nfa_fail(m, LLM_E_MEMORY);
}

static void add_empty(nfa *m, int32_t from, int32_t to) {
    add_link(m, (link){.from = from, .to = to, .empty = true});
}

static void add_part(nfa *m, int32_t node, int32_t from, int32_t to) {
    part p = {node, from, to};
    if (m->status == LLM_OK && !llmi_buf_push(&m->todo, p)) nfa_fail(m, LLM_E_MEMORY);
}

static void add_text(nfa *m, const llmi_ir_node *node, int32_t from, int32_t to) {
    const char *text = m->ir->bytes.data + node->first;
    size_t n = (size_t)node->n, used;
    if (!n) add_empty(m, from, to);
    for (size_t i = 0; i < n && m->status == LLM_OK; i += used) {
        uint32_t c = llmi_utf8_decode(text + i, n - i, &used);
        llmi_ir_range r = {c, c};
        int32_t next = i + used < n ? m->n_states++ : to;
        link l = {from, next, (int32_t)llmi_buf_count(&m->ranges, llmi_ir_range), 1, false};
        if (!llmi_buf_push(&m->ranges, r)) nfa_fail(m, LLM_E_MEMORY);
        add_link(m, l);
        from = next;
    }
}

static void add_class(nfa *m, const llmi_ir_node *node, int32_t from, int32_t to) {
    link l = {from, to, (int32_t)llmi_buf_count(&m->ranges, llmi_ir_range), node->n, false};
    const llmi_ir_range *ranges = &llmi_buf_at(&m->ir->ranges, llmi_ir_range, node->first);
    if (node->n && !llmi_buf_append(&m->ranges, ranges, (size_t)node->n * sizeof *ranges)) nfa_fail(m, LLM_E_MEMORY);
    add_link(m, l);
}

/* min copies in a row, then those that may be missing, or a circle. */
static void add_repeat(nfa *m, const llmi_ir_node *node, int32_t from, int32_t to) {
    int32_t n = node->max == LLMI_IR_UNLIMITED ? node->min : node->max;
    for (int32_t i = 0; i < n && m->status == LLM_OK; i++) {
        int32_t next = m->n_states++;
        if (i >= node->min) add_empty(m, from, to);
        add_part(m, node->first, from, next);
        m->status = m->status == LLM_OK ? pay(m->steps, 1) : m->status;
        from = next;
    }
    if (node->max == LLMI_IR_UNLIMITED) {
        int32_t begin = m->n_states++, end = m->n_states++;
        add_empty(m, from, begin);
        add_part(m, node->first, begin, end);
        add_empty(m, end, begin);
        from = begin;
    }
    add_empty(m, from, to);
}

static void add_node(nfa *m, part p) {
    const llmi_ir_node *node = llmi_ir_at(m->ir, p.node);
    int32_t from = p.from;
    switch (node->kind) {
    case LLMI_IR_TEXT:
        add_text(m, node, p.from, p.to);
        break;
    case LLMI_IR_CHARS:
        add_class(m, node, p.from, p.to);
        break;
    case LLMI_IR_REPEAT:
        add_repeat(m, node, p.from, p.to);
        break;
    case LLMI_IR_ALT:
        for (int32_t i = 0; i < node->n; i++)
            add_part(m, llmi_buf_at(&m->ir->kids, int32_t, node->first + i), p.from, p.to);
        break;
    default:
        if (!node->n) add_empty(m, p.from, p.to);
        for (int32_t i = 0; i < node->n; i++) {
            int32_t next = i + 1 < node->n ? m->n_states++ : p.to;
            add_part(m, llmi_buf_at(&m->ir->kids, int32_t, node->first + i), from, next);
            from = next;
        }
    }
}

/* Links in the order of the states that they leave (counting sort). */
static void sort_links(nfa *m) {
    size_t n = llmi_buf_count(&m->links, link), n_begins = (size_t)m->n_states + 1;
    llmi_buf sorted;
    llmi_buf_init(&sorted, m->ir->a);
    if (!llmi_buf_reserve(&m->begins, n_begins * sizeof(int32_t)) || !llmi_buf_reserve(&sorted, n * sizeof(link) + 1)) {
        llmi_buf_free(&sorted);
        nfa_fail(m, LLM_E_MEMORY);
        return;
    }
    memset(m->begins.data, 0, m->begins.len = n_begins * sizeof(int32_t));
    int32_t *begins = (int32_t *)(void *)m->begins.data;
    for (size_t i = 0; i < n; i++) begins[llmi_buf_at(&m->links, link, i).from]++;
    for (int32_t i = 0, sum = 0; i <= m->n_states; i++) {
        sum += begins[i];
        begins[i] = sum;
    }
    for (size_t i = n; i--;) {
        link l = llmi_buf_at(&m->links, link, i);
        llmi_buf_at(&sorted, link, --begins[l.from]) = l;
    }
    sorted.len = n * sizeof(link);
    llmi_buf_free(&m->links);
    m->links = sorted;
}

/* State 0 is the start, 1 the end. */
static void build_nfa(nfa *m, int32_t root) {
    m->n_states = 2;
    add_part(m, root, 0, 1);
    while (m->status == LLM_OK && m->todo.len) {
        m->todo.len -= sizeof(part);
        add_node(m, llmi_buf_at(&m->todo, part, llmi_buf_count(&m->todo, part)));
        if (m->n_states > MAX_LINKS)
            nfa_fail(m, llmi_error(LLM_E_LIMIT, "a pattern with repetitions is too large to be combined with others"));
    }
    if (m->status == LLM_OK) sort_links(m);
}

/* ---- sets of those states ---- */

typedef struct subsets {
    nfa *m;
    llmi_dfa *out;
    numbering sets;
    llmi_buf set;   /* int32_t: the set that is being collected */
    llmi_buf marks; /* int32_t per state: the collection in which it was seen last */
    llmi_buf cuts;  /* uint32_t: where ranges of the set begin, or have ended */
    int32_t stamp;
} subsets;

static void sort_numbers(uint32_t *x, size_t n) {
    for (size_t gap = n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (size_t i = gap; i < n; i++) {
            uint32_t one = x[i];
            size_t k = i;
            for (; k >= gap && x[k - gap] > one; k -= gap) x[k] = x[k - gap];
            x[k] = one;
        }
}

/* A state and what follows it without a character. Only states that read something, and the end, count. */
static void collect(subsets *b, int32_t from) {
    nfa *m = b->m;
    m->todo.len = 0;
    add_part(m, from, 0, 0);
    while (m->status == LLM_OK && m->todo.len) {
        m->todo.len -= sizeof(part);
        int32_t at = llmi_buf_at(&m->todo, part, llmi_buf_count(&m->todo, part)).node;
        int32_t *mark = &llmi_buf_at(&b->marks, int32_t, at);
        if (*mark == b->stamp) continue;
        *mark = b->stamp;
        bool counts = at == 1;
        int32_t begin = llmi_buf_at(&m->begins, int32_t, at), end = llmi_buf_at(&m->begins, int32_t, at + 1);
        m->status = pay(m->steps, (size_t)(end - begin) + 1);
        for (int32_t i = begin; i < end; i++) {
            const link *l = &llmi_buf_at(&m->links, link, i);
            if (l->empty) add_part(m, l->to, 0, 0);
            counts = counts || !l->empty;
        }
        if (counts && !llmi_buf_push(&b->set, at)) nfa_fail(m, LLM_E_MEMORY);
    }
}

static int32_t number_set(subsets *b) {
    size_t n = llmi_buf_count(&b->set, int32_t);
    if (b->m->status != LLM_OK || !n) return -1;
    sort_numbers((uint32_t *)(void *)b->set.data, n);
    int32_t number = number_of(&b->sets, (const int32_t *)(const void *)b->set.data, n);
    if (number < 0) nfa_fail(b->m, LLM_E_MEMORY);
    return number;
}

static void find_cuts(subsets *b, const int32_t *set, size_t n) {
    nfa *m = b->m;
    b->cuts.len = 0;
    for (size_t i = 0; i < n; i++)
        for (int32_t k = llmi_buf_at(&m->begins, int32_t, set[i]); k < llmi_buf_at(&m->begins, int32_t, set[i] + 1);
             k++) {
            const link *l = &llmi_buf_at(&m->links, link, k);
            for (int32_t r = l->first; r < l->first + l->n && m->status == LLM_OK; r++) {
                llmi_ir_range range = llmi_buf_at(&m->ranges, llmi_ir_range, r);
                uint32_t both[] = {range.first, range.last + 1};
                if (!llmi_buf_append(&b->cuts, both, sizeof both)) nfa_fail(m, LLM_E_MEMORY);
            }
        }
    sort_numbers((uint32_t *)(void *)b->cuts.data, llmi_buf_count(&b->cuts, uint32_t));
}

static bool reads(const nfa *m, const link *l, uint32_t c) {
    for (int32_t r = l->first; r < l->first + l->n; r++) {
        llmi_ir_range range = llmi_buf_at(&m->ranges, llmi_ir_range, r);
        if (c >= range.first && c <= range.last) return true;
    }
    return false;
}

/* The set that a character leads to from a set. */
static int32_t next_set(subsets *b, int32_t number, uint32_t c) {
    nfa *m = b->m;
    size_t n;
    const int32_t *set = key_of(&b->sets, number, &n);
    b->set.len = 0;
    b->stamp++;
    for (size_t i = 0; i < n && m->status == LLM_OK; i++) {
        int32_t begin = llmi_buf_at(&m->begins, int32_t, set[i]), end = llmi_buf_at(&m->begins, int32_t, set[i] + 1);
        for (int32_t k = begin; k < end && m->status == LLM_OK; k++) {
            const link *l = &llmi_buf_at(&m->links, link, k);
            m->status = pay(m->steps, 1 + (size_t)l->n);
            if (!l->empty && reads(m, l, c)) collect(b, l->to);
        }
    }
    return number_set(b);
}

static void add_subset(subsets *b, int32_t number) {
    nfa *m = b->m;
    size_t n;
    const int32_t *set = key_of(&b->sets, number, &n);
    find_cuts(b, set, n);
    if (m->status == LLM_OK)
        m->status = llmi_dfa_add_state(b->out, set[0] == 1 || (n > 1 && set[0] == 0 && set[1] == 1));
    size_t n_cuts = llmi_buf_count(&b->cuts, uint32_t);
    for (size_t i = 0; i + 1 < n_cuts && m->status == LLM_OK; i++) {
        uint32_t first = llmi_buf_at(&b->cuts, uint32_t, i), end = llmi_buf_at(&b->cuts, uint32_t, i + 1);
        if (first == end) continue;
        int32_t to = next_set(b, number, first);
        if (to >= 0 && m->status == LLM_OK) m->status = llmi_dfa_add_edge(b->out, first, end - 1, to);
    }
}

static void build_subsets(subsets *b) {
    nfa *m = b->m;
    size_t n_bytes = (size_t)m->n_states * sizeof(int32_t);
    if (!llmi_buf_reserve(&b->marks, n_bytes)) {
        nfa_fail(m, LLM_E_MEMORY);
        return;
    }
    memset(b->marks.data, 0, b->marks.len = n_bytes);
    b->stamp = 1;
    collect(b, 0);
    if (number_set(b) < 0) {
        if (m->status == LLM_OK) m->status = llmi_dfa_add_state(b->out, false);
        return;
    }
    for (size_t i = 0; i < llmi_buf_count(&b->sets.starts, size_t) && m->status == LLM_OK; i++)
        add_subset(b, (int32_t)i);
}

llm_status llmi_dfa_from_ir(llmi_dfa *out, const llmi_ir *ir, int32_t node, int64_t *steps) {
    nfa m = {.ir = ir, .steps = steps};
    subsets b = {.m = &m, .out = out};
    llmi_buf *const bufs[] = {&m.ranges, &m.links, &m.begins, &m.todo, &b.set, &b.marks, &b.cuts};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], ir->a);
    llmi_dfa_init(out, ir->a);
    numbering_init(&b.sets, ir->a);
    build_nfa(&m, node);
    if (m.status == LLM_OK) build_subsets(&b);
    if (m.status == LLM_OK) m.status = trim(out);
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
    numbering_free(&b.sets);
    if (m.status != LLM_OK) llmi_dfa_free(out);
    return m.status;
}

/* ---- two automata ---- */

typedef struct product {
    const llmi_dfa *a, *b;
    bool not_b;
    llmi_dfa *out;
    numbering pairs; /* states of a and b; -1: b has refused */
    int64_t *steps;
} product;

static llm_status add_pair_edge(product *p, uint32_t first, uint32_t last, int32_t a, int32_t b) {
    if (b < 0 && !p->not_b) return LLM_OK;
    int32_t pair[] = {a, b}, to = number_of(&p->pairs, pair, 2);
    if (to < 0) return LLM_E_MEMORY;
    llm_status status = pay(p->steps, 1);
    return status == LLM_OK ? llmi_dfa_add_edge(p->out, first, last, to) : status;
}

/* One edge of a, cut where b's edges begin and end. */
static llm_status cut_edge(product *p, llmi_dfa_edge edge, const llmi_dfa_state *b) {
    llm_status status = LLM_OK;
    uint32_t first = edge.first;
    for (int32_t k = b ? b->first : 0; b && k < b->first + b->n && status == LLM_OK; k++) {
        llmi_dfa_edge other = *edge_at(p->b, k);
        if (other.last < first) continue;
        if (other.first > edge.last) break;
        if (other.first > first) status = add_pair_edge(p, first, other.first - 1, edge.to, -1);
        if (other.first > first) first = other.first;
        uint32_t last = other.last < edge.last ? other.last : edge.last;
        if (status == LLM_OK) status = add_pair_edge(p, first, last, edge.to, other.to);
        if (last == edge.last) return status;
        first = last + 1;
    }
    return status == LLM_OK ? add_pair_edge(p, first, edge.last, edge.to, -1) : status;
}

static llm_status add_pair(product *p, int32_t number) {
    size_t n;
    const int32_t *pair = key_of(&p->pairs, number, &n);
    const llmi_dfa_state *a = state_at(p->a, (size_t)pair[0]),
                         *b = pair[1] < 0 ? NULL : state_at(p->b, (size_t)pair[1]);
    llm_status status = llmi_dfa_add_state(p->out, a->accepts && (b && b->accepts) != p->not_b);
    for (int32_t k = a->first; k < a->first + a->n && status == LLM_OK; k++) {
        status = pay(p->steps, 1 + (b ? (size_t)b->n : 0));
        if (status == LLM_OK) status = cut_edge(p, *edge_at(p->a, k), b);
    }
    return status;
}

llm_status llmi_dfa_combine(llmi_dfa *out, const llmi_dfa *a, const llmi_dfa *b, bool not_b, int64_t *steps) {
    product p = {.a = a, .b = b, .not_b = not_b, .out = out, .steps = steps};
    const int32_t start[] = {0, 0};
    llmi_dfa_init(out, a->states.a);
    numbering_init(&p.pairs, a->states.a);
    llm_status status = number_of(&p.pairs, start, 2) < 0 ? LLM_E_MEMORY : LLM_OK;
    for (size_t i = 0; i < llmi_buf_count(&p.pairs.starts, size_t) && status == LLM_OK; i++)
        status = add_pair(&p, (int32_t)i);
    if (status == LLM_OK) status = trim(out);
    numbering_free(&p.pairs);
    if (status != LLM_OK) llmi_dfa_free(out);
    return status;
}

llm_status llmi_dfa_lengths(llmi_dfa *out, const llm_allocator *a, int32_t min, int32_t max, int64_t *steps) {
    int32_t last = max == LLMI_IR_UNLIMITED ? min : max;
    llmi_dfa_init(out, a);
    llm_status status = LLM_OK;
    for (int32_t i = 0; i <= last && status == LLM_OK; i++) {
        status = pay(steps, 1);
        if (status == LLM_OK) status = llmi_dfa_add_state(out, i >= min);
        if (status == LLM_OK && (i < last || max == LLMI_IR_UNLIMITED))
            status = llmi_dfa_add_edge(out, 0, 0x10ffff, i < last ? i + 1 : i);
    }
    if (status != LLM_OK) llmi_dfa_free(out);
    return status;
}

/* ---- questions ---- */

bool llmi_dfa_is_empty(const llmi_dfa *d) {
    return !state_at(d, 0)->accepts && !state_at(d, 0)->n;
}

bool llmi_dfa_accepts(const llmi_dfa *d, llm_span text) {
    int32_t at = 0;
    size_t used;
    for (size_t i = 0; i < text.len; i += used) {
        uint32_t c = llmi_utf8_decode(text.ptr + i, text.len - i, &used);
        const llmi_dfa_state *s = state_at(d, (size_t)at);
        at = -1;
        for (int32_t k = s->first; k < s->first + s->n && at < 0; k++)
            if (c >= edge_at(d, k)->first && c <= edge_at(d, k)->last) at = edge_at(d, k)->to;
        if (at < 0) return false;
    }
    return state_at(d, (size_t)at)->accepts;
}
