#include "tokenizer/vocab.h"

#include "base/alloc.h"
#include "base/status.h"

#define BATCH 16

static uint64_t mix(uint64_t h, uint64_t word) {
    __uint128_t product = (__uint128_t)(h ^ word) * 0x9e3779b97f4a7c15u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t llmi_vocab_hash(const char *text, size_t n) {
    uint64_t h = n + 0x243f6a8885a308d3u, word;
    for (; n >= 8; n -= 8, text += 8) {
        memcpy(&word, text, 8);
        h = mix(h, word);
    }
    word = 0;
    for (size_t i = 0; i < n; i++) word |= (uint64_t)(uint8_t)text[i] << 8 * i;
    return mix(h, word ^ 0x452821e638d01377u);
}

static bool spells(const llmi_vocab *x, int32_t id, const char *text, size_t n) {
    llm_span s = llmi_vocab_get(x, id);
    return s.len == n && memcmp(s.ptr, text, n) == 0;
}

/* The slot that holds text, or the free one where it belongs. */
static llmi_vocab_slot *slot_of(const llmi_vocab *x, uint64_t hash, const char *text, size_t n) {
    for (size_t i = hash & x->mask;; i = (i + 1) & x->mask) {
        llmi_vocab_slot *s = &x->slots[i];
        if (s->id < 0 || (s->tag == hash >> 32 && spells(x, s->id, text, n))) return s;
    }
}

int32_t llmi_vocab_find_hashed(const llmi_vocab *x, uint64_t hash, const char *text, size_t n) {
    return slot_of(x, hash, text, n)->id;
}

static void fill(llmi_vocab *x) {
    uint64_t hash[BATCH];
    for (int32_t first = 0; first < x->n; first += BATCH) {
        int32_t count = x->n - first < BATCH ? x->n - first : BATCH;
        for (int32_t i = 0; i < count; i++) {
            llm_span s = llmi_vocab_get(x, first + i);
            hash[i] = llmi_vocab_hash(s.ptr, s.len);
            llmi_vocab_prefetch(x, hash[i]);
        }
        for (int32_t i = 0; i < count; i++) {
            llm_span s = llmi_vocab_get(x, first + i);
            if (!s.len) continue;
            llmi_vocab_slot *slot = slot_of(x, hash[i], s.ptr, s.len);
            *slot = (llmi_vocab_slot){(uint32_t)(hash[i] >> 32), first + i};
        }
    }
}

llm_status llmi_vocab_init(llmi_vocab *out, const llm_allocator *a, const void *bytes, size_t n_bytes, int32_t n,
                           const char *what) {
    *out = (llmi_vocab){.a = a, .bytes = bytes, .n_bytes = n_bytes, .n = n};
    if (n < 1 || (size_t)n > n_bytes / sizeof(uint64_t))
        return llmi_error(LLM_E_FORMAT, "%s: %d spellings in %zu bytes, expected at least 1 of 8 bytes each", what, n,
                          n_bytes);
    size_t n_slots = 4;
    while (n_slots < (size_t)n * 2) n_slots *= 2;
    out->mask = n_slots - 1;
    out->at = llmi_alloc_array(a, (size_t)n, sizeof *out->at);
    out->slots = llmi_alloc_array(a, n_slots, sizeof *out->slots);
    if (!out->at || !out->slots) {
        llmi_vocab_free(out);
        return LLM_E_MEMORY;
    }
    memset(out->slots, 0xff, n_slots * sizeof *out->slots);
    size_t pos = 0;
    for (int32_t i = 0; i < n; i++) {
        llm_span s;
        bool whole = llmi_spelling_next(&s, bytes, n_bytes, &pos);
        if (!whole || s.len > LLMI_SPELLING_MAX) {
            llmi_vocab_free(out);
            return llmi_error(LLM_E_FORMAT, "%s: spelling %d %s", what, i,
                              whole ? "is longer than 65536 bytes" : "ends beyond the array");
        }
        out->at[i] = pos - s.len;
    }
    fill(out);
    return LLM_OK;
}

void llmi_vocab_free(llmi_vocab *x) {
    if (x->at) llmi_free(x->a, x->at, (size_t)x->n * sizeof *x->at);
    if (x->slots) llmi_free(x->a, x->slots, (x->mask + 1) * sizeof *x->slots);
    x->at = NULL;
    x->slots = NULL;
}
