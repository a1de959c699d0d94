/* Deterministic automata over characters, for what alternatives alone cannot express: a text that matches two patterns,
 * one that is none of some names, one of a given length. An automaton is built from a part of a grammar, combined with
 * others, and written back as rules.
 *
 *   state 0 is the start; an edge {first, last, to} reads one character; what no edge reads is refused
 *
 * Every state leads to an accepting one, except state 0 of an automaton that accepts nothing. */
#ifndef LLMI_GRAMMAR_DFA_H
#define LLMI_GRAMMAR_DFA_H

#include "grammar/ir.h"

enum { LLMI_DFA_MAX_STATES = 50000 };

typedef struct llmi_dfa_edge {
    uint32_t first, last; /* characters */
    int32_t to;
} llmi_dfa_edge;

typedef struct llmi_dfa_state {
    int32_t first, n; /* edges, in order, which do not overlap */
    bool accepts;
} llmi_dfa_state;

typedef struct llmi_dfa {
    llmi_buf states, edges;
} llmi_dfa;

/* Each takes its work from *steps and fails with LLM_E_LIMIT once that is spent, or if there are more than
 * LLMI_DFA_MAX_STATES; LLM_E_MEMORY. *out is to be freed after LLM_OK only. */

/* The texts of a node without references, whose ranges are characters as they are. */
llm_status llmi_dfa_from_ir(llmi_dfa *out, const llmi_ir *ir, int32_t node, int64_t *steps);
/* Texts of both, or of `a` and not of `b`. */
llm_status llmi_dfa_combine(llmi_dfa *out, const llmi_dfa *a, const llmi_dfa *b, bool not_b, int64_t *steps);
/* All texts of min to max characters (LLMI_IR_UNLIMITED: no bound). */
llm_status llmi_dfa_lengths(llmi_dfa *out, const llm_allocator *a, int32_t min, int32_t max, int64_t *steps);
/* Building by hand: states in the order of their numbers, each followed by its edges in order. Some may lead nowhere:
 * such an automaton may only be combined with others. */
void llmi_dfa_init(llmi_dfa *dfa, const llm_allocator *a);
llm_status llmi_dfa_add_state(llmi_dfa *dfa, bool accepts);
llm_status llmi_dfa_add_edge(llmi_dfa *dfa, uint32_t first, uint32_t last, int32_t to);
void llmi_dfa_free(llmi_dfa *dfa);

bool llmi_dfa_is_empty(const llmi_dfa *dfa);
/* `text` is UTF-8. */
bool llmi_dfa_accepts(const llmi_dfa *dfa, llm_span text);

/* How a class of characters is spelled in the grammar. */
typedef int32_t (*llmi_chars_fn)(llmi_ir *ir, llmi_ir_range *ranges, size_t n);

/* A node for the automaton's texts of min to max characters, and `end` after each. -1 after a failure, which the
 * grammar keeps. */
int32_t llmi_dfa_write(llmi_ir *ir, const llmi_dfa *dfa, int32_t min, int32_t max, llm_span end, llmi_chars_fn chars,
                       int64_t *steps);

#endif
