/* The merges of a byte-pair vocabulary: a pair of ids -> its rank and the id it becomes. */
#ifndef LLMI_TOKENIZER_BPE_MERGES_H
#define LLMI_TOKENIZER_BPE_MERGES_H

#include "base/buf.h"
#include "tokenizer/vocab.h"

#define LLMI_NO_MERGE UINT32_MAX

typedef struct llmi_bpe_merge {
    int32_t left, right; /* left -1: free */
    int32_t into;
    uint32_t rank;
} llmi_bpe_merge;

typedef struct llmi_bpe_merges {
    const llm_allocator *a;
    llmi_bpe_merge *slots;
    size_t mask;
} llmi_bpe_merges;

llm_status llmi_bpe_merges_init(llmi_bpe_merges *m, const llm_allocator *a, size_t n);
void llmi_bpe_merges_free(llmi_bpe_merges *m);
/* Of equal pairs the first counts, or with `replace` the last. At most n of init may be added. */
void llmi_bpe_merges_add(llmi_bpe_merges *m, llmi_bpe_merge merge, bool replace);

/* Reads a GGUF array of n times "left right"; pairs that the vocabulary cannot spell are left out. */
llm_status llmi_bpe_merges_read(llmi_bpe_merges *m, const llm_allocator *a, const llmi_vocab *x, const char *bytes,
                                size_t n_bytes, int32_t n);

static inline size_t llmi_bpe_merges_slot(const llmi_bpe_merges *m, int32_t left, int32_t right) {
    uint64_t key = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
    return (key ^ key >> 29) * 0xbf58476d1ce4e5b9u >> 20 & m->mask;
}

/* The rank of a pair, LLMI_NO_MERGE if it does not merge. */
static inline uint32_t llmi_bpe_merges_find(const llmi_bpe_merges *m, int32_t left, int32_t right, int32_t *into) {
    for (size_t i = llmi_bpe_merges_slot(m, left, right);; i = (i + 1) & m->mask) {
        const llmi_bpe_merge *s = &m->slots[i];
        if (s->left == left && s->right == right) {
            *into = s->into;
            return s->rank;
        }
        if (s->left < 0) return LLMI_NO_MERGE;
    }
}

#endif
