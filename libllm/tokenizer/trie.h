/* A set of byte strings with a number each, walked a byte at a time. Nodes are numbers; the edges
 * lie in one open-addressing table. */
#ifndef LLMI_TOKENIZER_TRIE_H
#define LLMI_TOKENIZER_TRIE_H

#include <stdbool.h>

#include <llm/status.h>

typedef struct llmi_trie_edge {
    uint32_t from; /* node * 256 + byte would overflow: kept apart */
    uint32_t to;   /* 0: free */
    int32_t value; /* of node `to`; -1: none */
    uint8_t byte;
} llmi_trie_edge;

typedef struct llmi_trie {
    const llm_allocator *a;
    llmi_trie_edge *edges;
    size_t n_slots, mask;
    uint32_t n_nodes;  /* node 0 is the root */
    uint8_t first[32]; /* bytes that begin a string */
} llmi_trie;

void llmi_trie_init(llmi_trie *t, const llm_allocator *a);
void llmi_trie_free(llmi_trie *t);
/* A string that is already there takes the new value. */
llm_status llmi_trie_add(llmi_trie *t, const char *text, size_t n, int32_t value);

/* The edge from `node` by `byte`, or NULL. */
static inline const llmi_trie_edge *llmi_trie_step(const llmi_trie *t, uint32_t node, uint8_t byte) {
    if (!t->edges) return NULL;
    size_t i = (((uint64_t)node << 8 | byte) * 0x9e3779b97f4a7c15u) >> 24 & t->mask;
    for (;; i = (i + 1) & t->mask) {
        const llmi_trie_edge *e = &t->edges[i];
        if (!e->to) return NULL;
        if (e->from == node && e->byte == byte) return e;
    }
}

static inline bool llmi_trie_begins(const llmi_trie *t, uint8_t byte) {
    return t->first[byte >> 3] >> (byte & 7) & 1;
}

#endif
