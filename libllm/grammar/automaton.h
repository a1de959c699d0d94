/* The automaton that runs a grammar's program: a pushdown automaton over bytes that follows all parses in parallel. A
 * stack is a number (equal stacks are one), a state is a set of places with their stacks, and also a number; the
 * transition from a state by a byte is computed once and cached. Nothing is ever evicted: a matcher that runs for long
 * moves to a fresh automaton now and then. */
#ifndef LLMI_GRAMMAR_AUTOMATON_H
#define LLMI_GRAMMAR_AUTOMATON_H

#include "grammar/program.h"

/* A place in the program, which reads a byte, and the stack that its rule was called with. */
typedef struct llmi_automaton_place {
    int32_t frame, pc;
} llmi_automaton_place;

/* The top of a stack. Frame 0 is the bottom. */
typedef struct llmi_automaton_frame {
    int32_t parent;
    int32_t pc;    /* where a rule returns to, or the loop */
    int32_t count; /* completed rounds of the loop; LLMI_CALL: a rule */
} llmi_automaton_frame;

enum { LLMI_CALL = -1 };

typedef struct llmi_automaton_state {
    int32_t first, n; /* places, in order */
    uint32_t hash;
    bool complete; /* the outermost rule may have ended here */
} llmi_automaton_state;

typedef struct llmi_automaton {
    const llmi_grammar_program *program;
    llmi_buf frames, frame_slots;         /* llmi_automaton_frame; int32_t hash table */
    llmi_buf places, states, state_slots; /* llmi_automaton_place; llmi_automaton_state; int32_t hash table */
    llmi_buf next;                        /* int32_t[256] per state; LLMI_AUTOMATON_UNKNOWN: not computed */
    llmi_buf seeds, found, visited;       /* of one step */
    uint32_t stamp;
    size_t n_visited, n_work; /* places visited: in one step, in all */
    bool complete;
} llmi_automaton;

enum { LLMI_AUTOMATON_UNKNOWN = -1, LLMI_AUTOMATON_DEAD = 0 };

/* Maximum number of places that an automaton, or the masks of one token, may visit: a quarter of a second. */
enum { LLMI_AUTOMATON_MAX_WORK = 1 << 21 };

/* Adds n visits; LLM_E_LIMIT if they are too many. */
llm_status llmi_automaton_pay(size_t *spent, size_t n);

llm_status llmi_automaton_init(llmi_automaton *r, const llm_allocator *a, const llmi_grammar_program *program);
void llmi_automaton_free(llmi_automaton *r);

/* Each gives a number, or a negative status: LLM_E_MEMORY, LLM_E_LIMIT. */
int32_t llmi_automaton_push(llmi_automaton *r, llmi_automaton_frame frame);
/* The state of these places, once everything that reads no byte is done. */
int32_t llmi_automaton_find_state(llmi_automaton *r, const llmi_automaton_place *places, size_t n);
/* How many places can be reached from operation `pc` without reading; the same errors. No state is made. */
int32_t llmi_automaton_reach(llmi_automaton *r, int32_t pc);
int32_t llmi_automaton_step(llmi_automaton *r, int32_t state,
                            uint8_t byte); /* computes what llmi_automaton_next does not find */

static inline int32_t llmi_automaton_next(llmi_automaton *r, int32_t state, uint8_t byte) {
    int32_t next = llmi_buf_at(&r->next, int32_t, (size_t)state * 256 + byte);
    return next != LLMI_AUTOMATON_UNKNOWN ? next : llmi_automaton_step(r, state, byte);
}

static inline const llmi_automaton_state *llmi_automaton_at(const llmi_automaton *r, int32_t state) {
    return &llmi_buf_at(&r->states, llmi_automaton_state, state);
}

static inline const llmi_automaton_frame *llmi_automaton_frame_at(const llmi_automaton *r, int32_t frame) {
    return &llmi_buf_at(&r->frames, llmi_automaton_frame, frame);
}

#endif
