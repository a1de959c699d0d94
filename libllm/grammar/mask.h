/* Which tokens may follow, computed from the top of a stack without what is below. That part is the same at many places
 * of a text, so it is cached; tokens that end the rule on top are checked again with the whole stack. */
#ifndef LLMI_GRAMMAR_MASK_H
#define LLMI_GRAMMAR_MASK_H

#include <pthread.h>

#include "grammar/automaton.h"
#include "tokenizer/token_trie.h"

/* What is known of places that share a stack. */
typedef struct llmi_mask {
    const llm_allocator *a;
    int32_t refs; /* under the lock of the store */
    uint32_t hash;
    size_t n_work;    /* places visited in computing it */
    uint64_t used;    /* when, for dropping the oldest */
    llmi_buf key;     /* int32_t: what it was computed for */
    llmi_buf allowed; /* uint64_t per 64 tokens */
    llmi_buf escapes; /* int32_t: nodes of the tree of tokens where the rule may have ended */
} llmi_mask;

enum { LLMI_MASKS = 256 };

/* Masks of one grammar; used from any thread. */
typedef struct llmi_mask_store {
    const llm_allocator *a;
    const llmi_grammar_program *program;
    const llmi_token_trie *tree;
    pthread_mutex_t lock;
    llmi_mask *masks[LLMI_MASKS];
    int32_t n;
    uint64_t clock;
} llmi_mask_store;

void llmi_mask_store_init(llmi_mask_store *s, const llm_allocator *a, const llmi_grammar_program *p,
                          const llmi_token_trie *tree);
void llmi_mask_store_free(llmi_mask_store *s);

/* The mask of places [first, first + n) of `run`, which have one stack; *below: its first frame of a call, or 0. *out
 * must be given back. */
llm_status llmi_mask_get(llmi_mask **out, int32_t *below, llmi_mask_store *s, const llmi_automaton *run, int32_t first,
                         int32_t n);
void llmi_mask_give_back(llmi_mask_store *s, llmi_mask *mask);

/* Sets the bits of the tokens below `node` of the tree that can be read from `state`; nodes at which the outermost
 * rule may end and that have children go to `escapes` (unless NULL). */
llm_status llmi_mask_walk(llmi_buf *allowed, llmi_buf *escapes, llmi_automaton *run, int32_t state,
                          const llmi_token_trie *tree, int32_t node);

#endif
