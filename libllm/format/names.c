#include "format/names.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"

typedef struct llmi_name {
    llm_span name; /* ptr NULL: free */
    uint32_t hash;
    int32_t index;
} name_slot;

static uint64_t mix(uint64_t h) {
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 29;
}

static uint64_t hash_of(uint64_t seed, const char *text, size_t n) {
    uint64_t h = mix(seed ^ n), word;
    for (; n >= 8; text += 8, n -= 8) {
        memcpy(&word, text, 8);
        h = mix(h ^ word) + seed;
    }
    word = 0;
    memcpy(&word, text, n);
    return mix(mix(h ^ word) + seed);
}

llm_status llmi_names_init(llmi_names *t, const llm_allocator *a, size_t n) {
    struct timespec now;
    size_t n_slots = 8, need;
    if (!llmi_mul(&need, n, 2)) return llmi_error(LLM_E_LIMIT, "%zu names are too many", n);
    while (n_slots < need && n_slots <= SIZE_MAX / 4) n_slots *= 2;
    *t = (llmi_names){.a = a};
    t->slots = llmi_alloc_array(a, n_slots, sizeof *t->slots);
    if (!t->slots) return LLM_E_MEMORY;
    memset(t->slots, 0, n_slots * sizeof *t->slots);
    t->n_slots = n_slots;
    clock_gettime(CLOCK_MONOTONIC, &now);
    t->seed = mix((uint64_t)(uintptr_t)t->slots ^ mix((uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec));
    return LLM_OK;
}

void llmi_names_free(llmi_names *t) {
    if (t->slots) llmi_free(t->a, t->slots, t->n_slots * sizeof *t->slots);
    *t = (llmi_names){0};
}

/* The slot that holds the name, or the free one where it belongs. At least half are free. */
static name_slot *look(const llmi_names *t, const char *name, size_t n, uint32_t hash) {
    size_t i = hash & (t->n_slots - 1);
    for (;; i = (i + 1) & (t->n_slots - 1)) {
        name_slot *s = &t->slots[i];
        if (!s->name.ptr) return s;
        if (s->hash == hash && s->name.len == n && memcmp(s->name.ptr, name, n) == 0) return s;
    }
}

bool llmi_names_add(llmi_names *t, llm_span name, int32_t index) {
    uint32_t hash = (uint32_t)hash_of(t->seed, name.ptr, name.len);
    name_slot *s = look(t, name.ptr, name.len, hash);
    if (s->name.ptr) return false;
    *s = (name_slot){name, hash, index};
    return true;
}

int32_t llmi_names_find(const llmi_names *t, const char *name, size_t n) {
    if (!t->slots) return -1;
    const name_slot *s = look(t, name, n, (uint32_t)hash_of(t->seed, name, n));
    return s->name.ptr ? s->index : -1;
}
