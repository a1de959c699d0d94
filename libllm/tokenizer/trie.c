#include "tokenizer/trie.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

void llmi_trie_init(llmi_trie *t, const llm_allocator *a) {
    *t = (llmi_trie){.a = a, .n_nodes = 1};
}

void llmi_trie_free(llmi_trie *t) {
    if (t->edges) llmi_free(t->a, t->edges, t->n_slots * sizeof *t->edges);
    t->edges = NULL;
}

static void insert(llmi_trie *t, llmi_trie_edge edge) {
    size_t i = (((uint64_t)edge.from << 8 | edge.byte) * 0x9e3779b97f4a7c15u) >> 24 & t->mask;
    while (t->edges[i].to) i = (i + 1) & t->mask;
    t->edges[i] = edge;
}

static llm_status grow(llmi_trie *t) {
    size_t n_old = t->n_slots, n_slots = n_old ? n_old * 4 : 64;
    llmi_trie_edge *old = t->edges, *edges = llmi_alloc_array(t->a, n_slots, sizeof *edges);
    if (!edges) return LLM_E_MEMORY;
    memset(edges, 0, n_slots * sizeof *edges);
    t->edges = edges;
    t->n_slots = n_slots;
    t->mask = n_slots - 1;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].to) insert(t, old[i]);
    if (old) llmi_free(t->a, old, n_old * sizeof *old);
    return LLM_OK;
}

llm_status llmi_trie_add(llmi_trie *t, const char *text, size_t n, int32_t value) {
    uint32_t node = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)text[i];
        llmi_trie_edge *e = (llmi_trie_edge *)llmi_trie_step(t, node, byte);
        if (!e) {
            if (t->n_nodes >= UINT32_MAX / 2) return llmi_error(LLM_E_LIMIT, "vocabulary: more than 2^31 trie nodes");
            if (t->n_nodes + 1 > t->n_slots / 2 && grow(t)) return LLM_E_MEMORY;
            insert(t, (llmi_trie_edge){.from = node, .to = t->n_nodes++, .value = -1, .byte = byte});
            e = (llmi_trie_edge *)llmi_trie_step(t, node, byte);
        }
        if (i + 1 == n) e->value = value;
        node = e->to;
    }
    if (n) t->first[(uint8_t)text[0] >> 3] |= (uint8_t)(1u << ((uint8_t)text[0] & 7));
    return LLM_OK;
}
