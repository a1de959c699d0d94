#include "grammar/grammar.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "grammar/compile.h"
#include "grammar/mask.h"

struct llmi_grammar {
    llm_allocator alloc;
    const llm_allocator *a; /* &alloc */
    atomic_int refs;
    llm_tokenizer *tokenizer; /* reference */
    llmi_grammar_program program;
    const llmi_token_trie *tree; /* the tokenizer's */
    llmi_mask_store store;
};

/* ---- life ---- */

llmi_grammar *llmi_grammar_ref(llmi_grammar *g) {
    if (g) atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void llmi_grammar_unref(llmi_grammar *g) {
    if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) > 1) return;
    llmi_mask_store_free(&g->store);
    llmi_grammar_program_free(&g->program);
    llmi_tokenizer_unref(g->tokenizer);
    llm_allocator alloc = g->alloc;
    llmi_free(&alloc, g, sizeof *g);
}

const llm_tokenizer *llmi_grammar_tokenizer(const llmi_grammar *g) {
    return g->tokenizer;
}

/* What would exceed a limit at the start of a rule is refused here, and not when a text gets there. The work is
 * limited: rules that it does not reach are checked when they run. */
static llm_status try_rules(const llmi_grammar_program *p, const llm_allocator *a) {
    enum { MAX_WORK = LLMI_AUTOMATON_MAX_WORK / 4 };
    llmi_automaton run;
    llm_status status = llmi_automaton_init(&run, a, p);
    if (status != LLM_OK) return status;
    int32_t state = llmi_automaton_reach(&run, p->start);
    for (size_t i = 0; i < llmi_buf_count(&p->entries, int32_t) && state >= 0 && run.n_work < MAX_WORK; i++) {
        int32_t entry = llmi_buf_at(&p->entries, int32_t, i);
        if (entry > 0) state = llmi_automaton_reach(&run, entry);
    }
    llmi_automaton_free(&run);
    return state < 0 ? state : LLM_OK;
}

llm_status llmi_grammar_make(llmi_grammar **out, const llmi_ir *ir, int32_t root, llm_tokenizer *t) {
    llmi_grammar *g = llmi_alloc_zero(ir->a, sizeof *g);
    if (!g) return LLM_E_MEMORY;
    g->alloc = *ir->a;
    g->a = &g->alloc;
    atomic_init(&g->refs, 1);
    llm_status status = llmi_grammar_program_make(&g->program, ir, root);
    if (status == LLM_OK) {
        status = try_rules(&g->program, g->a);
        if (status == LLM_OK) status = llmi_token_trie_get(&g->tree, t);
        if (status != LLM_OK) llmi_grammar_program_free(&g->program);
    }
    if (status != LLM_OK) {
        llmi_free(ir->a, g, sizeof *g);
        return status;
    }
    g->tokenizer = llmi_tokenizer_ref(t);
    llmi_mask_store_init(&g->store, g->a, &g->program, g->tree);
    *out = g;
    return LLM_OK;
}

llm_status llmi_grammar_from_choices(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t,
                                     const llm_span *choices, size_t n) {
    llmi_ir ir;
    llmi_buf kids;
    llmi_ir_init(&ir, a);
    llmi_buf_init(&kids, a);
    int32_t root = llmi_ir_rule_new(&ir, "choices", 7);
    for (size_t i = 0; i < n && ir.status == LLM_OK; i++) {
        int32_t kid = llmi_ir_text(&ir, choices[i].ptr, llmi_text_length(choices[i].ptr, choices[i].len));
        if (!llmi_buf_push(&kids, kid)) llmi_ir_fail(&ir, LLM_E_MEMORY);
    }
    if (ir.status == LLM_OK)
        llmi_ir_define(&ir, root, llmi_ir_list(&ir, LLMI_IR_ALT, (const int32_t *)(const void *)kids.data, n));
    llm_status status = ir.status == LLM_OK ? llmi_grammar_make(out, &ir, root, t) : ir.status;
    llmi_buf_free(&kids);
    llmi_ir_free(&ir);
    return status;
}

/* ---- matchers ---- */

/* Complete masks of the most recent states are cached. */
enum { N_KEPT = 4, MANY_STATES = 512, MANY_FRAMES = 1 << 15 };

struct llmi_grammar_matcher {
    llm_allocator alloc;
    llmi_grammar *g; /* reference */
    llmi_automaton run;
    int32_t state;
    bool at_start, ended;
    struct {
        int32_t state; /* LLMI_AUTOMATON_DEAD: none */
        uint64_t used;
        llmi_buf allowed;
    } kept[N_KEPT];
    uint64_t clock;
};

void llmi_grammar_matcher_destroy(llmi_grammar_matcher *m) {
    if (!m) return;
    llmi_grammar *g = m->g;
    llmi_automaton_free(&m->run);
    for (int i = 0; i < N_KEPT; i++) llmi_buf_free(&m->kept[i].allowed);
    llm_allocator alloc = m->alloc;
    llmi_free(&alloc, m, sizeof *m);
    llmi_grammar_unref(g);
}

llm_status llmi_grammar_matcher_create(llmi_grammar_matcher **out, llmi_grammar *g, const llm_allocator *a,
                                       bool at_start) {
    llmi_grammar_matcher *m = llmi_alloc_zero(a, sizeof *m);
    if (!m) return LLM_E_MEMORY;
    m->alloc = *a;
    m->at_start = at_start;
    for (int i = 0; i < N_KEPT; i++) llmi_buf_init(&m->kept[i].allowed, &m->alloc);
    llm_status status = llmi_automaton_init(&m->run, &m->alloc, &g->program);
    if (status != LLM_OK) {
        llmi_free(a, m, sizeof *m);
        return status;
    }
    m->g = llmi_grammar_ref(g);
    m->state = llmi_automaton_find_state(&m->run, &(llmi_automaton_place){0, g->program.start}, 1);
    if (m->state >= 0) {
        *out = m;
        return LLM_OK;
    }
    status = m->state;
    llmi_grammar_matcher_destroy(m);
    return status;
}

bool llmi_grammar_matcher_is_complete(const llmi_grammar_matcher *m) {
    return m->ended || llmi_automaton_at(&m->run, m->state)->complete;
}

bool llmi_grammar_matcher_is_over(const llmi_grammar_matcher *m) {
    return m->ended || (llmi_automaton_at(&m->run, m->state)->complete && !llmi_automaton_at(&m->run, m->state)->n);
}

/* ---- masks ---- */

/* Adds what the places [first, first + n), which share a stack, allow. A cached mask is charged to the budget as if it
 * were computed, so that what is refused does not depend on the state of the cache. */
static llm_status add_group(llmi_buf *allowed, llmi_grammar_matcher *m, int32_t first, int32_t n, size_t *spent) {
    llmi_mask_store *store = &m->g->store;
    llmi_mask *mask;
    int32_t below;
    llm_status status = llmi_mask_get(&mask, &below, store, &m->run, first, n);
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < m->g->tree->n_words; i++)
        llmi_buf_at(allowed, uint64_t, i) |= llmi_buf_at(&mask->allowed, uint64_t, i);
    status = llmi_automaton_pay(spent, mask->n_work);
    size_t n_escapes = llmi_buf_count(&mask->escapes, int32_t);
    if (status == LLM_OK && below && n_escapes) {
        llmi_automaton_frame f = *llmi_automaton_frame_at(&m->run, below);
        int32_t state = llmi_automaton_find_state(&m->run, &(llmi_automaton_place){f.parent, f.pc}, 1);
        status = state < 0 ? state : LLM_OK;
        for (size_t i = 0; i < n_escapes && status == LLM_OK; i++)
            status = llmi_mask_walk(allowed, NULL, &m->run, state, m->g->tree, llmi_buf_at(&mask->escapes, int32_t, i));
    }
    llmi_mask_give_back(store, mask);
    return status;
}

static llm_status compute(llmi_buf *allowed, llmi_grammar_matcher *m) {
    const llmi_token_trie *tree = m->g->tree;
    size_t n_bytes = tree->n_words * sizeof(uint64_t);
    if (!allowed->data && !llmi_buf_reserve(allowed, n_bytes + 1)) return LLM_E_MEMORY;
    memset(allowed->data, 0, allowed->len = n_bytes);
    llmi_automaton_state s = *llmi_automaton_at(&m->run, m->state);
    llm_status status = LLM_OK;
    size_t spent = 0;
    for (int32_t i = 0, k; i < s.n && status == LLM_OK; i = k) {
        int32_t frame = llmi_buf_at(&m->run.places, llmi_automaton_place, s.first + i).frame;
        for (k = i + 1; k < s.n && llmi_buf_at(&m->run.places, llmi_automaton_place, s.first + k).frame == frame;) k++;
        status = add_group(allowed, m, s.first + i, k - i, &spent);
    }
    for (size_t i = 0; i < tree->n_words; i++) {
        if (m->at_start) llmi_buf_at(allowed, uint64_t, i) &= ~llmi_buf_at(&tree->shorn, uint64_t, i);
        if (s.complete) llmi_buf_at(allowed, uint64_t, i) |= llmi_buf_at(&tree->ends, uint64_t, i);
    }
    return status;
}

static llm_status find_mask(const llmi_buf **out, llmi_grammar_matcher *m) {
    int at = 0;
    for (int i = 0; i < N_KEPT; i++) {
        if (m->kept[i].state == m->state) at = i;
        if (m->kept[i].state == m->state) break;
        if (m->kept[i].used < m->kept[at].used) at = i;
    }
    *out = &m->kept[at].allowed;
    m->kept[at].used = ++m->clock;
    if (m->kept[at].state == m->state) return LLM_OK;
    m->kept[at].state = LLMI_AUTOMATON_DEAD;
    llm_status status = compute(&m->kept[at].allowed, m);
    if (status == LLM_OK && !m->at_start) m->kept[at].state = m->state;
    return status;
}

llm_status llmi_grammar_matcher_mask(llmi_grammar_matcher *m, uint64_t *allowed, int32_t n_vocab) {
    const llmi_buf *mask;
    if (m->state == LLMI_AUTOMATON_DEAD || m->ended)
        return llmi_error(LLM_E_STATE, "the text that follows the grammar has ended");
    llm_status status = find_mask(&mask, m);
    if (status != LLM_OK) return status;
    uint64_t any = 0;
    size_t n_words = ((size_t)n_vocab + 63) / 64, n_known = m->g->tree->n_words;
    for (size_t i = 0; i < n_words; i++) {
        allowed[i] &= i < n_known ? llmi_buf_at(mask, uint64_t, i) : 0;
        any |= allowed[i];
    }
    if (any) return LLM_OK;
    return llmi_error(LLM_E_UNSUPPORTED, "no token of the vocabulary continues the text as the grammar asks%s",
                      llmi_grammar_matcher_is_complete(m) ? ", and none ends it" : "");
}

/* ---- going on ---- */

/* The stack `frame` of one automaton in another. */
static int32_t move_frame(llmi_automaton *to, const llmi_automaton *from, int32_t frame, llmi_buf *path) {
    path->len = 0;
    for (; frame; frame = llmi_automaton_frame_at(from, frame)->parent)
        if (!llmi_buf_push(path, frame)) return LLM_E_MEMORY;
    int32_t made = 0;
    for (size_t i = llmi_buf_count(path, int32_t); i-- && made >= 0;) {
        llmi_automaton_frame f = *llmi_automaton_frame_at(from, llmi_buf_at(path, int32_t, i));
        made = llmi_automaton_push(to, (llmi_automaton_frame){made, f.pc, f.count});
    }
    return made;
}

static int32_t move_state(llmi_automaton *to, const llmi_automaton *from, int32_t state, const llm_allocator *a) {
    llmi_buf path, places;
    llmi_buf_init(&path, a);
    llmi_buf_init(&places, a);
    llmi_automaton_state s = *llmi_automaton_at(from, state);
    int32_t moved = 0;
    for (int32_t i = 0; i < s.n && moved >= 0; i++) {
        llmi_automaton_place place = llmi_buf_at(&from->places, llmi_automaton_place, s.first + i);
        moved = place.frame = move_frame(to, from, place.frame, &path);
        if (moved >= 0 && !llmi_buf_push(&places, place)) moved = LLM_E_MEMORY;
    }
    if (s.complete && moved >= 0) {
        llmi_automaton_place end = {0, 0};
        if (!llmi_buf_push(&places, end)) moved = LLM_E_MEMORY;
    }
    if (moved >= 0)
        moved = llmi_automaton_find_state(to, (const llmi_automaton_place *)(const void *)places.data,
                                          llmi_buf_count(&places, llmi_automaton_place));
    llmi_buf_free(&path);
    llmi_buf_free(&places);
    return moved;
}

/* Drops the states and stacks of the past once there are many. */
static llm_status forget(llmi_grammar_matcher *m) {
    if (llmi_buf_count(&m->run.states, llmi_automaton_state) < MANY_STATES &&
        llmi_buf_count(&m->run.frames, llmi_automaton_frame) < MANY_FRAMES)
        return LLM_OK;
    llmi_automaton fresh;
    llm_status status = llmi_automaton_init(&fresh, &m->alloc, &m->g->program);
    if (status != LLM_OK) return status;
    int32_t state = move_state(&fresh, &m->run, m->state, &m->alloc);
    if (state < 0) {
        llmi_automaton_free(&fresh);
        return state;
    }
    llmi_automaton_free(&m->run);
    m->run = fresh;
    m->state = state;
    for (int i = 0; i < N_KEPT; i++) m->kept[i].state = LLMI_AUTOMATON_DEAD;
    return LLM_OK;
}

llm_status llmi_grammar_matcher_accept(llmi_grammar_matcher *m, llm_token token) {
    const llmi_token_trie *tree = m->g->tree;
    bool known = token >= 0 && token < tree->n_tokens;
    if (known && llmi_buf_at(&tree->ends, uint64_t, token / 64) >> (token & 63) & 1 &&
        llmi_grammar_matcher_is_complete(m)) {
        m->ended = true;
        return LLM_OK;
    }
    llm_span text = known ? llmi_token_trie_text(tree, token) : (llm_span){"", 0};
    int32_t state = text.len && !m->ended ? m->state : LLMI_AUTOMATON_DEAD;
    for (size_t i = 0; i < text.len && state > LLMI_AUTOMATON_DEAD; i++)
        state = llmi_automaton_next(&m->run, state, (uint8_t)text.ptr[i]);
    if (state < 0) return state;
    if (state == LLMI_AUTOMATON_DEAD) return llmi_error(LLM_E_ARGUMENT, "token %d does not follow the grammar", token);
    m->state = state;
    m->at_start = false;
    return forget(m);
}
