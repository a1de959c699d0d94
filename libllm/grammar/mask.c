/* Which tokens can be read from a state: a walk over the tree of tokens, in step with the automaton.
 *
 *     tree of tokens   root -+- a --- ab --- abc     nodes in preorder; nodes[i].skip: the first node after
 *                            +- " --- ",             the subtree of node i
 *     states[depth]    the automaton's state after the bytes of the path; a dead one skips the subtree
 *
 *     allowed          a bit for each token whose path is alive
 *     escapes          nodes at which the outermost rule may end; tokens below these need the rest of the stack
 *
 * A mask is cached under a key of int32_t that describes the top of the stack, up to the first call:
 *
 *     n places | their operations | (loop, count) of each open loop, innermost first */
#include "grammar/mask.h"

#include <string.h>

#include "base/alloc.h"

/* ---- walking the tokens ---- */

static void allow_tokens(uint64_t *bits, const llmi_token_trie *tree, const llmi_token_trie_node *node) {
    const llm_token *ids = (const llm_token *)(const void *)tree->ids.data;
    for (int32_t i = node->first; i < node[1].first; i++) bits[ids[i] / 64] |= (uint64_t)1 << (ids[i] & 63);
}

llm_status llmi_mask_walk(llmi_buf *allowed, llmi_buf *escapes, llmi_automaton *run, int32_t state,
                          const llmi_token_trie *tree, int32_t node) {
    const llmi_token_trie_node *nodes = (const llmi_token_trie_node *)(const void *)tree->nodes.data;
    uint64_t *bits = (uint64_t *)(void *)allowed->data;
    int32_t states[LLMI_TOKEN_TRIE_MAX_BYTES + 1], end = nodes[node].skip;
    states[nodes[node].depth] = state;
    for (int32_t i = node + 1; i < end;) {
        const llmi_token_trie_node *n = &nodes[i];
        int32_t next = llmi_automaton_next(run, states[n->depth - 1], n->byte);
        if (next < 0) return next;
        if (next == LLMI_AUTOMATON_DEAD) {
            i = n->skip;
            continue;
        }
        states[n->depth] = next;
        allow_tokens(bits, tree, n);
        const llmi_automaton_state *s = llmi_automaton_at(run, next);
        if (escapes && s->complete && n->skip > i + 1 && !llmi_buf_push(escapes, i)) return LLM_E_MEMORY;
        i = s->n ? i + 1 : n->skip;
    }
    return LLM_OK;
}

/* ---- what a mask is computed for ---- */

/* The representative of all counts that no token can distinguish: their bounds are further away than the longest
 * token. */
static int32_t same_count(const llmi_grammar_loop *loop, int32_t count, int32_t reach) {
    if (count < loop->low_first && loop->low_first - count > reach) return 0;
    return count >= loop->low_last && loop->high_first - count > reach ? loop->low_last : count;
}

/* Appends the number of places, their operations, and the loops above the first call, innermost first, as pairs. */
static llm_status make_key(llmi_buf *key, int32_t *below, const llmi_mask_store *s, const llmi_automaton *run,
                           int32_t first, int32_t n) {
    if (!llmi_buf_push(key, n)) return LLM_E_MEMORY;
    const llmi_automaton_place *places = &llmi_buf_at(&run->places, llmi_automaton_place, first);
    for (int32_t i = 0; i < n; i++)
        if (!llmi_buf_push(key, places[i].pc)) return LLM_E_MEMORY;
    int32_t frame = places[0].frame;
    for (;;) {
        const llmi_automaton_frame *f = llmi_automaton_frame_at(run, frame);
        if (f->count == LLMI_CALL) break;
        const llmi_grammar_loop *loop =
            &llmi_buf_at(&s->program->loops, llmi_grammar_loop, llmi_grammar_program_op(s->program, f->pc)->arg);
        int32_t pair[] = {f->pc, same_count(loop, f->count, s->tree->longest)};
        if (!llmi_buf_append(key, pair, sizeof pair)) return LLM_E_MEMORY;
        frame = f->parent;
    }
    *below = frame;
    return LLM_OK;
}

static uint32_t hash_of(const llmi_buf *key) {
    uint32_t h = 1;
    for (size_t i = 0; i < llmi_buf_count(key, int32_t); i++) {
        h = (h ^ (uint32_t)llmi_buf_at(key, int32_t, i)) * 0x9e3779b1u;
        h ^= h >> 15;
    }
    return h;
}

/* The state that a key describes, on an empty stack. */
static int32_t state_of(llmi_automaton *run, const llmi_buf *key, const llm_allocator *a) {
    int32_t n = llmi_buf_at(key, int32_t, 0), frame = 0;
    for (int32_t i = (int32_t)llmi_buf_count(key, int32_t) - 2; i > n && frame >= 0; i -= 2)
        frame = llmi_automaton_push(
            run, (llmi_automaton_frame){frame, llmi_buf_at(key, int32_t, i), llmi_buf_at(key, int32_t, i + 1)});
    if (frame < 0) return frame;
    llmi_buf places;
    llmi_buf_init(&places, a);
    int32_t state = LLM_OK;
    for (int32_t i = 0; i < n && state == LLM_OK; i++) {
        llmi_automaton_place place = {frame, llmi_buf_at(key, int32_t, i + 1)};
        if (!llmi_buf_push(&places, place)) state = LLM_E_MEMORY;
    }
    if (state == LLM_OK)
        state = llmi_automaton_find_state(run, (const llmi_automaton_place *)(const void *)places.data, (size_t)n);
    llmi_buf_free(&places);
    return state;
}

/* ---- one mask ---- */

static void mask_free(llmi_mask *mask) {
    llmi_buf_free(&mask->key);
    llmi_buf_free(&mask->allowed);
    llmi_buf_free(&mask->escapes);
    llmi_free(mask->a, mask, sizeof *mask);
}

static llm_status compute(llmi_mask *mask, const llmi_mask_store *s) {
    size_t n_bytes = s->tree->n_words * sizeof(uint64_t);
    if (!llmi_buf_reserve(&mask->allowed, n_bytes + 1)) return LLM_E_MEMORY;
    memset(mask->allowed.data, 0, mask->allowed.len = n_bytes);
    llmi_automaton run;
    llm_status status = llmi_automaton_init(&run, s->a, s->program);
    if (status != LLM_OK) return status;
    int32_t state = state_of(&run, &mask->key, s->a);
    status = state < 0 ? state : llmi_mask_walk(&mask->allowed, &mask->escapes, &run, state, s->tree, 0);
    mask->n_work = run.n_work;
    llmi_automaton_free(&run);
    return status;
}

/* Takes over the key. */
static llm_status mask_make(llmi_mask **out, const llmi_mask_store *s, llmi_buf *key, uint32_t hash) {
    llmi_mask *mask = llmi_alloc_zero(s->a, sizeof *mask);
    if (!mask) return LLM_E_MEMORY;
    *mask = (llmi_mask){.a = s->a, .refs = 1, .hash = hash, .key = *key};
    llmi_buf_init(key, s->a);
    llmi_buf_init(&mask->allowed, s->a);
    llmi_buf_init(&mask->escapes, s->a);
    llm_status status = compute(mask, s);
    if (status != LLM_OK) {
        mask_free(mask);
        return status;
    }
    *out = mask;
    return LLM_OK;
}

/* ---- the store ---- */

void llmi_mask_store_init(llmi_mask_store *s, const llm_allocator *a, const llmi_grammar_program *p,
                          const llmi_token_trie *tree) {
    *s = (llmi_mask_store){.a = a, .program = p, .tree = tree};
    pthread_mutex_init(&s->lock, NULL);
}

void llmi_mask_store_free(llmi_mask_store *s) {
    for (int32_t i = 0; i < s->n; i++) mask_free(s->masks[i]);
    pthread_mutex_destroy(&s->lock);
}

static llmi_mask *find(llmi_mask_store *s, const llmi_buf *key, uint32_t hash) {
    for (int32_t i = 0; i < s->n; i++) {
        llmi_mask *m = s->masks[i];
        if (m->hash != hash || m->key.len != key->len || memcmp(m->key.data, key->data, key->len) != 0) continue;
        m->refs++;
        m->used = ++s->clock;
        return m;
    }
    return NULL;
}

static bool drop(llmi_mask *mask) {
    return --mask->refs == 0;
}

/* Caches a mask in place of the least recently used one; returns the mask to free, which nobody references any more. */
static llmi_mask *keep(llmi_mask_store *s, llmi_mask *mask) {
    int32_t oldest = 0;
    mask->refs++;
    mask->used = ++s->clock;
    if (s->n < LLMI_MASKS) {
        s->masks[s->n++] = mask;
        return NULL;
    }
    for (int32_t i = 1; i < s->n; i++)
        if (s->masks[i]->used < s->masks[oldest]->used) oldest = i;
    llmi_mask *old = s->masks[oldest];
    s->masks[oldest] = mask;
    return drop(old) ? old : NULL;
}

void llmi_mask_give_back(llmi_mask_store *s, llmi_mask *mask) {
    pthread_mutex_lock(&s->lock);
    bool last = drop(mask);
    pthread_mutex_unlock(&s->lock);
    if (last) mask_free(mask);
}

/* Computed outside the lock: two threads that need it at the same time both compute it, and one result is kept. */
static llm_status get(llmi_mask **out, llmi_mask_store *s, llmi_buf *key) {
    uint32_t hash = hash_of(key);
    pthread_mutex_lock(&s->lock);
    *out = find(s, key, hash);
    pthread_mutex_unlock(&s->lock);
    if (*out) return LLM_OK;
    llmi_mask *made, *unused;
    llm_status status = mask_make(&made, s, key, hash);
    if (status != LLM_OK) return status;
    pthread_mutex_lock(&s->lock);
    *out = find(s, &made->key, hash);
    unused = *out ? made : keep(s, made);
    if (!*out) *out = made;
    pthread_mutex_unlock(&s->lock);
    if (unused) mask_free(unused);
    return LLM_OK;
}

llm_status llmi_mask_get(llmi_mask **out, int32_t *below, llmi_mask_store *s, const llmi_automaton *run, int32_t first,
                         int32_t n) {
    llmi_buf key;
    llmi_buf_init(&key, s->a);
    llm_status status = make_key(&key, below, s, run, first, n);
    if (status == LLM_OK) status = get(out, s, &key);
    llmi_buf_free(&key);
    return status;
}
