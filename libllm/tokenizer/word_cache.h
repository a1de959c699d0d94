/* Words met before in a call, with their ids: most of a text is words met before. */
#ifndef LLMI_TOKENIZER_WORD_CACHE_H
#define LLMI_TOKENIZER_WORD_CACHE_H

#include <string.h>

#include "base/buf.h"

#define LLMI_CACHE_WORD 24 /* bytes of the longest word that is kept */
#define LLMI_CACHE_IDS  8

typedef struct llmi_word_cache_entry {
    uint64_t word[3];
    uint8_t n_bytes, n_ids; /* n_bytes 0: free */
    int32_t ids[LLMI_CACHE_IDS];
} llmi_word_cache_entry;

typedef struct llmi_word_cache {
    llmi_word_cache_entry *slots;
    size_t n_slots; /* a power of two */
} llmi_word_cache;

/* For a text of n_bytes. */
llmi_word_cache *llmi_word_cache_create(const llm_allocator *a, size_t n_bytes);
void llmi_word_cache_destroy(llmi_word_cache *c, const llm_allocator *a);

static inline uint64_t llmi_word_cache_load(const char *p, size_t n) {
    uint64_t x = 0;
    memcpy(&x, p, n);
    return x;
}

/* The word as three numbers that, with its length, say all of it; n is 1..LLMI_CACHE_WORD. */
static inline void llmi_word_cache_key(uint64_t key[3], const char *p, size_t n) {
    key[1] = key[2] = 0;
    if (n >= 8) {
        key[0] = llmi_word_cache_load(p, 8);
        key[1] = llmi_word_cache_load(p + n - 8, 8);
        if (n > 16) key[2] = llmi_word_cache_load(p + 8, 8);
    } else if (n >= 4) {
        key[0] = llmi_word_cache_load(p, 4) | llmi_word_cache_load(p + n - 4, 4) << 32;
    } else {
        key[0] = (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint64_t)(uint8_t)p[n - 1] << 16;
    }
}

/* The one slot where a word may be. */
static inline llmi_word_cache_entry *llmi_word_cache_slot(const llmi_word_cache *c, const uint64_t key[3], size_t n) {
    uint64_t h = (key[0] ^ n) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 32 ^ key[1]) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 29 ^ key[2]) * 0x94d049bb133111ebu;
    return &c->slots[h >> 32 & (c->n_slots - 1)];
}

static inline bool llmi_word_cache_is(const llmi_word_cache_entry *s, const uint64_t key[3], size_t n) {
    return s->n_bytes == n && s->word[0] == key[0] && s->word[1] == key[1] && s->word[2] == key[2];
}

#endif
