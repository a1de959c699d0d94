#include "grammar/automaton.h"

#include <string.h>

/* Maximum number of places that one step may visit, and of states and frames of one automaton. */
enum { MAX_VISITED = 1 << 15, MAX_STATES = 1 << 13, MAX_FRAMES = 1 << 20, FIRST_SLOTS = 64 };

typedef struct visit {
    llmi_automaton_place place;
    uint32_t stamp;
} visit;

static uint32_t mix(uint32_t h, uint32_t x) {
    h = (h ^ x) * 0x9e3779b1u;
    return h ^ h >> 15;
}

/* ---- life ---- */

void llmi_automaton_free(llmi_automaton *r) {
    llmi_buf *const bufs[] = {&r->frames, &r->frame_slots, &r->places, &r->states, &r->state_slots,
                              &r->next,   &r->seeds,       &r->found,  &r->visited};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
}

/* Replaces a table by one of n slots filled with `byte`. */
static bool make_slots(llmi_buf *slots, size_t n, size_t size, int byte) {
    llmi_buf made;
    llmi_buf_init(&made, slots->a);
    if (!llmi_buf_reserve(&made, n * size)) return false;
    memset(made.data, byte, made.len = n * size);
    llmi_buf_free(slots);
    *slots = made;
    return true;
}

llm_status llmi_automaton_init(llmi_automaton *r, const llm_allocator *a, const llmi_grammar_program *program) {
    *r = (llmi_automaton){.program = program};
    llmi_buf *const bufs[] = {&r->frames, &r->frame_slots, &r->places, &r->states, &r->state_slots,
                              &r->next,   &r->seeds,       &r->found,  &r->visited};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], a);
    llmi_automaton_frame bottom = {-1, 0, LLMI_CALL};
    bool ok = make_slots(&r->frame_slots, FIRST_SLOTS, sizeof(int32_t), 0xff) &&
              make_slots(&r->state_slots, FIRST_SLOTS, sizeof(int32_t), 0xff) &&
              make_slots(&r->visited, FIRST_SLOTS, sizeof(visit), 0) && llmi_buf_push(&r->frames, bottom) &&
              llmi_automaton_find_state(r, NULL, 0) == LLMI_AUTOMATON_DEAD;
    if (ok) return LLM_OK;
    llmi_automaton_free(r);
    return LLM_E_MEMORY;
}

llm_status llmi_automaton_pay(size_t *spent, size_t n) {
    if ((*spent += n) <= LLMI_AUTOMATON_MAX_WORK) return LLM_OK;
    return llmi_error(LLM_E_LIMIT, "the grammar is too ambiguous: more than %d readings for one token",
                      LLMI_AUTOMATON_MAX_WORK);
}

/* ---- frames ---- */

static uint32_t frame_hash(const llmi_automaton_frame *f) {
    return mix(mix(mix(1, (uint32_t)f->parent), (uint32_t)f->pc), (uint32_t)f->count);
}

/* Puts number n into a table of int32_t, whose elements' hashes are given by the caller. */
static void put(llmi_buf *slots, uint32_t hash, int32_t n) {
    size_t mask = llmi_buf_count(slots, int32_t) - 1, i = hash & mask;
    while (llmi_buf_at(slots, int32_t, i) >= 0) i = (i + 1) & mask;
    llmi_buf_at(slots, int32_t, i) = n;
}

static bool grow_frames(llmi_automaton *r, size_t n) {
    if (2 * n < llmi_buf_count(&r->frame_slots, int32_t)) return true;
    if (!make_slots(&r->frame_slots, 4 * n, sizeof(int32_t), 0xff)) return false;
    for (size_t i = 1; i < n; i++) put(&r->frame_slots, frame_hash(llmi_automaton_frame_at(r, (int32_t)i)), (int32_t)i);
    return true;
}

int32_t llmi_automaton_push(llmi_automaton *r, llmi_automaton_frame frame) {
    uint32_t hash = frame_hash(&frame);
    size_t mask = llmi_buf_count(&r->frame_slots, int32_t) - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        int32_t n = llmi_buf_at(&r->frame_slots, int32_t, i);
        if (n < 0) break;
        const llmi_automaton_frame *f = llmi_automaton_frame_at(r, n);
        if (f->parent == frame.parent && f->pc == frame.pc && f->count == frame.count) return n;
    }
    size_t n = llmi_buf_count(&r->frames, llmi_automaton_frame);
    if (n >= MAX_FRAMES) return llmi_error(LLM_E_LIMIT, "the grammar needs more than %d stacks", MAX_FRAMES);
    if (!grow_frames(r, n) || !llmi_buf_push(&r->frames, frame)) return LLM_E_MEMORY;
    put(&r->frame_slots, hash, (int32_t)n);
    return (int32_t)n;
}

/* ---- what reads no byte ---- */

static visit *find_visit(llmi_automaton *r, llmi_automaton_place place) {
    size_t mask = llmi_buf_count(&r->visited, visit) - 1;
    size_t i = mix(mix(7, (uint32_t)place.pc), (uint32_t)place.frame) & mask;
    for (;; i = (i + 1) & mask) {
        visit *v = &llmi_buf_at(&r->visited, visit, i);
        if (v->stamp != r->stamp || (v->place.pc == place.pc && v->place.frame == place.frame)) return v;
    }
}

static bool grow_visited(llmi_automaton *r) {
    size_t n = llmi_buf_count(&r->visited, visit);
    if (2 * r->n_visited < n) return true;
    llmi_buf old = r->visited;
    llmi_buf_init(&r->visited, old.a);
    if (!make_slots(&r->visited, 2 * n, sizeof(visit), 0)) {
        r->visited = old;
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        visit v = llmi_buf_at(&old, visit, i);
        if (v.stamp == r->stamp) *find_visit(r, v.place) = v;
    }
    llmi_buf_free(&old);
    return true;
}

static llm_status visit_place(llmi_automaton *r, int32_t pc, int32_t frame) {
    if (frame < 0) return frame; /* a failure to make it */
    llmi_automaton_place place = {frame, pc};
    visit *v = find_visit(r, place);
    if (v->stamp == r->stamp) return LLM_OK;
    *v = (visit){place, r->stamp};
    if (++r->n_visited > MAX_VISITED)
        return llmi_error(LLM_E_LIMIT, "the grammar is too ambiguous: more than %d readings at once", MAX_VISITED);
    llm_status status = llmi_automaton_pay(&r->n_work, 1);
    if (status != LLM_OK) return status;
    return grow_visited(r) && llmi_buf_push(&r->seeds, place) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status decide(llmi_automaton *r, const llmi_grammar_loop *loop, int32_t parent, int32_t count) {
    if (loop->max == LLMI_IR_UNLIMITED && count > loop->min) count = loop->min;
    llm_status status = LLM_OK;
    if (loop->max == LLMI_IR_UNLIMITED || count < loop->max)
        status = visit_place(r, loop->body, llmi_automaton_push(r, (llmi_automaton_frame){parent, loop->at, count}));
    if (status == LLM_OK && count >= loop->min) status = visit_place(r, loop->next, parent);
    return status;
}

/* A round that has read nothing in a loop whose body may be empty: the missing rounds may be empty, too. */
static llm_status end_round(llmi_automaton *r, const llmi_grammar_loop *loop, int32_t frame) {
    llmi_automaton_frame f = *llmi_automaton_frame_at(r, frame);
    bool began_here = find_visit(r, (llmi_automaton_place){frame, loop->body})->stamp == r->stamp;
    if (loop->nullable && began_here) return visit_place(r, loop->next, f.parent);
    return decide(r, loop, f.parent, f.count + 1);
}

/* The count saturates beyond what any bound asks for. */
static llm_status tick(llmi_automaton *r, const llmi_grammar_op *op, int32_t frame) {
    const llmi_grammar_tick *tick = &llmi_buf_at(&r->program->ticks, llmi_grammar_tick, op->arg);
    const llmi_grammar_loop *loop = &llmi_buf_at(&r->program->loops, llmi_grammar_loop, tick->loop);
    llmi_automaton_frame f = *llmi_automaton_frame_at(r, frame);
    if (loop->max != LLMI_IR_UNLIMITED || f.count < loop->min) f.count++;
    return f.count < tick->lo || f.count > tick->hi ? LLM_OK : visit_place(r, op->next, llmi_automaton_push(r, f));
}

static llm_status leave(llmi_automaton *r, const llmi_grammar_loop *loop, int32_t frame) {
    const llmi_automaton_frame *f = llmi_automaton_frame_at(r, frame);
    return f->count < loop->min ? LLM_OK : visit_place(r, loop->next, f->parent);
}

static llm_status follow(llmi_automaton *r, llmi_automaton_place at) {
    const llmi_grammar_program *p = r->program;
    const llmi_grammar_op *op = llmi_grammar_program_op(p, at.pc);
    llm_status status = LLM_OK;
    switch (op->kind) {
    case LLMI_GRAMMAR_OP_RANGE:
    case LLMI_GRAMMAR_OP_SET:
        return llmi_buf_push(&r->found, at) ? LLM_OK : LLM_E_MEMORY;
    case LLMI_GRAMMAR_OP_RETURN:
        if (at.frame)
            return visit_place(r, llmi_automaton_frame_at(r, at.frame)->pc,
                               llmi_automaton_frame_at(r, at.frame)->parent);
        r->complete = true;
        return LLM_OK;
    case LLMI_GRAMMAR_OP_SPLIT:
        for (int32_t i = 0; i < op->next && status == LLM_OK; i++)
            status = visit_place(r, llmi_buf_at(&p->targets, int32_t, op->arg + i), at.frame);
        return status;
    case LLMI_GRAMMAR_OP_CALL:
        return visit_place(r, llmi_buf_at(&p->entries, int32_t, op->arg),
                           llmi_automaton_push(r, (llmi_automaton_frame){at.frame, op->next, LLMI_CALL}));
    case LLMI_GRAMMAR_OP_JUMP:
        return visit_place(r, llmi_buf_at(&p->entries, int32_t, op->arg), at.frame);
    case LLMI_GRAMMAR_OP_LOOP:
        return decide(r, &llmi_buf_at(&p->loops, llmi_grammar_loop, op->arg), at.frame, 0);
    case LLMI_GRAMMAR_OP_COUNT:
        return visit_place(r, llmi_buf_at(&p->loops, llmi_grammar_loop, op->arg).body,
                           llmi_automaton_push(r, (llmi_automaton_frame){at.frame, at.pc, 0}));
    case LLMI_GRAMMAR_OP_TICK:
        return tick(r, op, at.frame);
    case LLMI_GRAMMAR_OP_LEAVE:
        return leave(r, &llmi_buf_at(&p->loops, llmi_grammar_loop, op->arg), at.frame);
    default:
        return end_round(r, &llmi_buf_at(&p->loops, llmi_grammar_loop, op->arg), at.frame);
    }
}

static void begin_step(llmi_automaton *r) {
    r->seeds.len = r->found.len = 0;
    r->n_visited = 0;
    r->complete = false;
    if (++r->stamp) return;
    memset(r->visited.data, 0, r->visited.len);
    r->stamp = 1;
}

/* ---- states ---- */

static uint64_t key_of(llmi_automaton_place p) {
    return (uint64_t)(uint32_t)p.frame << 32 | (uint32_t)p.pc;
}

static void sort(llmi_automaton_place *p, size_t n) {
    for (size_t gap = n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (size_t i = gap; i < n; i++) {
            llmi_automaton_place one = p[i];
            size_t k = i;
            for (; k >= gap && key_of(p[k - gap]) > key_of(one); k -= gap) p[k] = p[k - gap];
            p[k] = one;
        }
    }
}

static bool grow_states(llmi_automaton *r, size_t n) {
    if (2 * n < llmi_buf_count(&r->state_slots, int32_t)) return true;
    if (!make_slots(&r->state_slots, 4 * n, sizeof(int32_t), 0xff)) return false;
    for (size_t i = 0; i < n; i++) put(&r->state_slots, llmi_automaton_at(r, (int32_t)i)->hash, (int32_t)i);
    return true;
}

static int32_t add_state(llmi_automaton *r, llmi_automaton_state s) {
    size_t n = llmi_buf_count(&r->states, llmi_automaton_state), places = r->places.len;
    if (n >= MAX_STATES)
        return llmi_error(LLM_E_LIMIT, "the grammar needs more than %d states for one token", MAX_STATES);
    s.first = (int32_t)llmi_buf_count(&r->places, llmi_automaton_place);
    if (!llmi_buf_reserve(&r->next, 256 * sizeof(int32_t)) || !grow_states(r, n) ||
        (s.n && !llmi_buf_append(&r->places, r->found.data, r->found.len)))
        return LLM_E_MEMORY;
    if (!llmi_buf_push(&r->states, s)) {
        r->places.len = places;
        return LLM_E_MEMORY;
    }
    memset(r->next.data + r->next.len, s.n ? 0xff : 0, 256 * sizeof(int32_t));
    r->next.len += 256 * sizeof(int32_t);
    put(&r->state_slots, s.hash, (int32_t)n);
    return (int32_t)n;
}

/* The state that a step has found. */
static int32_t intern(llmi_automaton *r) {
    llmi_automaton_state s = {
        .n = (int32_t)llmi_buf_count(&r->found, llmi_automaton_place), .hash = r->complete, .complete = r->complete};
    llmi_automaton_place *places = (llmi_automaton_place *)(void *)r->found.data;
    if (s.n) sort(places, (size_t)s.n);
    for (int32_t i = 0; i < s.n; i++) s.hash = mix(mix(s.hash, (uint32_t)places[i].pc), (uint32_t)places[i].frame);
    size_t mask = llmi_buf_count(&r->state_slots, int32_t) - 1;
    for (size_t i = s.hash & mask;; i = (i + 1) & mask) {
        int32_t n = llmi_buf_at(&r->state_slots, int32_t, i);
        if (n < 0) return add_state(r, s);
        const llmi_automaton_state *other = llmi_automaton_at(r, n);
        if (other->hash == s.hash && other->n == s.n && other->complete == s.complete &&
            (!s.n || memcmp(&llmi_buf_at(&r->places, llmi_automaton_place, other->first), places, r->found.len) == 0))
            return n;
    }
}

static llm_status follow_all(llmi_automaton *r) {
    llm_status status = LLM_OK;
    while (r->seeds.len && status == LLM_OK) {
        r->seeds.len -= sizeof(llmi_automaton_place);
        status =
            follow(r, llmi_buf_at(&r->seeds, llmi_automaton_place, llmi_buf_count(&r->seeds, llmi_automaton_place)));
    }
    return status;
}

static int32_t finish_step(llmi_automaton *r) {
    llm_status status = follow_all(r);
    return status == LLM_OK ? intern(r) : status;
}

int32_t llmi_automaton_reach(llmi_automaton *r, int32_t pc) {
    begin_step(r);
    llm_status status = visit_place(r, pc, 0);
    if (status == LLM_OK) status = follow_all(r);
    return status == LLM_OK ? (int32_t)llmi_buf_count(&r->found, llmi_automaton_place) : status;
}

int32_t llmi_automaton_find_state(llmi_automaton *r, const llmi_automaton_place *places, size_t n) {
    begin_step(r);
    for (size_t i = 0; i < n; i++) {
        llm_status status = visit_place(r, places[i].pc, places[i].frame);
        if (status != LLM_OK) return status;
    }
    return finish_step(r);
}

int32_t llmi_automaton_step(llmi_automaton *r, int32_t state, uint8_t byte) {
    llmi_automaton_state s = *llmi_automaton_at(r, state);
    begin_step(r);
    for (int32_t i = 0; i < s.n; i++) {
        llmi_automaton_place at = llmi_buf_at(&r->places, llmi_automaton_place, s.first + i);
        if (!llmi_grammar_program_reads(r->program, at.pc, byte)) continue;
        llm_status status = visit_place(r, llmi_grammar_program_op(r->program, at.pc)->next, at.frame);
        if (status != LLM_OK) return status;
    }
    int32_t next = finish_step(r);
    if (next >= 0) llmi_buf_at(&r->next, int32_t, (size_t)state * 256 + byte) = next;
    return next;
}
