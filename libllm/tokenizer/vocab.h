/* A vocabulary's spellings: id -> spelling in the bytes where they lie, spelling -> id through an
 * open-addressing table of ids. */
#ifndef LLMI_TOKENIZER_VOCAB_H
#define LLMI_TOKENIZER_VOCAB_H

#include <stdbool.h>
#include <string.h>

#include <llm/status.h>

/* Longest spelling that is believed. */
#define LLMI_SPELLING_MAX (1u << 16)

typedef struct llmi_vocab_slot {
    uint32_t tag; /* upper half of the hash */
    int32_t id;   /* -1: free */
} llmi_vocab_slot;

typedef struct llmi_vocab {
    const llm_allocator *a;
    const char *bytes; /* n times { u64 length, bytes }, borrowed */
    size_t n_bytes;
    size_t *at; /* [n] where each spelling begins; its length lies before it */
    int32_t n;
    llmi_vocab_slot *slots;
    size_t mask;
} llmi_vocab;

/* Walks and checks the array; `what` names it in errors. Empty spellings have an id but are not
 * found; of equal spellings the last is. */
llm_status llmi_vocab_init(llmi_vocab *out, const llm_allocator *a, const void *bytes, size_t n_bytes, int32_t n,
                           const char *what);
void llmi_vocab_free(llmi_vocab *x);

uint64_t llmi_vocab_hash(const char *text, size_t n);
int32_t llmi_vocab_find_hashed(const llmi_vocab *x, uint64_t hash, const char *text, size_t n);

static inline int32_t llmi_vocab_find(const llmi_vocab *x, const char *text, size_t n) {
    return llmi_vocab_find_hashed(x, llmi_vocab_hash(text, n), text, n);
}

/* Brings the slot of a hash near, for lookups in bulk. */
static inline void llmi_vocab_prefetch(const llmi_vocab *x, uint64_t hash) {
    __builtin_prefetch(&x->slots[hash & x->mask]);
}

static inline llm_span llmi_vocab_get(const llmi_vocab *x, int32_t id) {
    uint64_t n;
    memcpy(&n, x->bytes + x->at[id] - sizeof n, sizeof n);
    return (llm_span){x->bytes + x->at[id], (size_t)n};
}

/* Reads one { u64 length, bytes } at *pos of an array of n_bytes and moves on; false if it leaves
 * the array. */
static inline bool llmi_spelling_next(llm_span *out, const char *bytes, size_t n_bytes, size_t *pos) {
    uint64_t n;
    if (n_bytes - *pos < sizeof n) return false;
    memcpy(&n, bytes + *pos, sizeof n);
    if (n > n_bytes - *pos - sizeof n) return false;
    *out = (llm_span){bytes + *pos + sizeof n, (size_t)n};
    *pos += sizeof n + (size_t)n;
    return true;
}

#endif
