#include "tokenizer/word_cache.h"

#include "base/alloc.h"

enum { MIN_SLOTS = 64, MAX_SLOTS = 1 << 14, BYTES_PER_SLOT = 16 };

llmi_word_cache *llmi_word_cache_create(const llm_allocator *a, size_t n_bytes) {
    size_t n_slots = MIN_SLOTS;
    while (n_slots < MAX_SLOTS && n_slots < n_bytes / BYTES_PER_SLOT) n_slots *= 2;
    llmi_word_cache *c = llmi_alloc(a, sizeof *c);
    if (!c) return NULL;
    c->n_slots = n_slots;
    c->slots = llmi_alloc_array(a, n_slots, sizeof *c->slots);
    if (!c->slots) {
        llmi_free(a, c, sizeof *c);
        return NULL;
    }
    memset(c->slots, 0, n_slots * sizeof *c->slots);
    return c;
}

void llmi_word_cache_destroy(llmi_word_cache *c, const llm_allocator *a) {
    if (!c) return;
    llmi_free(a, c->slots, c->n_slots * sizeof *c->slots);
    llmi_free(a, c, sizeof *c);
}
