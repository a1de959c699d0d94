#include "tokenizer/bpe_merges.h"

#include "base/alloc.h"
#include "base/status.h"

#define BATCH 16

llm_status llmi_bpe_merges_init(llmi_bpe_merges *m, const llm_allocator *a, size_t n) {
    size_t n_slots = 4;
    while (n_slots < n + n / 2) n_slots *= 2;
    *m = (llmi_bpe_merges){.a = a, .mask = n_slots - 1};
    m->slots = llmi_alloc_array(a, n_slots, sizeof *m->slots);
    if (!m->slots) return LLM_E_MEMORY;
    memset(m->slots, 0xff, n_slots * sizeof *m->slots);
    return LLM_OK;
}

void llmi_bpe_merges_free(llmi_bpe_merges *m) {
    if (m->slots) llmi_free(m->a, m->slots, (m->mask + 1) * sizeof *m->slots);
    m->slots = NULL;
}

void llmi_bpe_merges_add(llmi_bpe_merges *m, llmi_bpe_merge merge, bool replace) {
    for (size_t i = llmi_bpe_merges_slot(m, merge.left, merge.right);; i = (i + 1) & m->mask) {
        llmi_bpe_merge *s = &m->slots[i];
        if (s->left == merge.left && s->right == merge.right && !replace) return;
        if (s->left >= 0 && (s->left != merge.left || s->right != merge.right)) continue;
        *s = merge;
        return;
    }
}

/* A few merges on their way through the table: hashing them all before looking the first up hides
 * most of the memory's latency. */
typedef struct batch {
    llm_span part[BATCH][3]; /* left, right, both; the last lies in `joined` */
    uint64_t hash[BATCH][3];
    uint32_t rank[BATCH];
    int32_t into[BATCH]; /* -1: to be looked up */
    int32_t count;
    int32_t last; /* what the last merge became */
    llmi_buf joined;
} batch;

static bool spells_both(const llmi_vocab *x, int32_t id, llm_span left, llm_span right) {
    if (id < 0 || id >= x->n) return false;
    llm_span s = llmi_vocab_get(x, id);
    return s.len == left.len + right.len && memcmp(s.ptr, left.ptr, left.len) == 0 &&
           memcmp(s.ptr + left.len, right.ptr, right.len) == 0;
}

/* Vocabularies list tokens in the order of their merges: a merge mostly becomes what the last one
 * did, or the token after it. -1 if not. */
static int32_t guess(const batch *b, const llmi_vocab *x, llm_span left, llm_span right) {
    if (spells_both(x, b->last + 1, left, right)) return b->last + 1;
    return spells_both(x, b->last, left, right) ? b->last : -1;
}

static llm_status batch_put(batch *b, const llmi_vocab *x, llm_span text, uint32_t rank) {
    /* The blank that parts them is not the first byte: a spelling may begin with one. */
    const char *blank = text.len > 1 ? memchr(text.ptr + 1, ' ', text.len - 1) : NULL;
    if (!blank || blank + 1 == text.ptr + text.len)
        return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.merges: merge %u is not two spellings with a blank between",
                          rank);
    size_t left = (size_t)(blank - text.ptr), right = text.len - left - 1;
    if (left + right > LLMI_SPELLING_MAX) return LLM_OK; /* longer than any spelling */
    llm_span *part = b->part[b->count];
    part[0] = (llm_span){text.ptr, left};
    part[1] = (llm_span){blank + 1, right};
    part[2] = (llm_span){NULL, 0};
    int32_t into = guess(b, x, part[0], part[1]);
    if (into >= 0) {
        b->last = into;
    } else {
        if (!llmi_buf_reserve(&b->joined, left + right)) return LLM_E_MEMORY;
        char *to = b->joined.data + b->joined.len;
        memcpy(to, text.ptr, left);
        memcpy(to + left, blank + 1, right);
        part[2].len = left + right;
        b->joined.len += left + right;
        b->hash[b->count][2] = llmi_vocab_hash(to, left + right);
        llmi_vocab_prefetch(x, b->hash[b->count][2]);
    }
    for (int k = 0; k < 2; k++) {
        b->hash[b->count][k] = llmi_vocab_hash(part[k].ptr, part[k].len);
        llmi_vocab_prefetch(x, b->hash[b->count][k]);
    }
    b->into[b->count] = into;
    b->rank[b->count++] = rank;
    return LLM_OK;
}

static int32_t find_part(const batch *b, const llmi_vocab *x, int32_t i, int k) {
    return llmi_vocab_find_hashed(x, b->hash[i][k], b->part[i][k].ptr, b->part[i][k].len);
}

static void batch_flush(batch *b, llmi_bpe_merges *m, const llmi_vocab *x) {
    llmi_bpe_merge found[BATCH];
    size_t at = 0;
    for (int32_t i = 0; i < b->count; i++) {
        if (b->into[i] < 0) {
            b->part[i][2].ptr = b->joined.data + at;
            at += b->part[i][2].len;
            b->into[i] = find_part(b, x, i, 2);
            if (b->into[i] >= 0) b->last = b->into[i];
        }
        found[i] = (llmi_bpe_merge){find_part(b, x, i, 0), find_part(b, x, i, 1), b->into[i], b->rank[i]};
        if (found[i].left >= 0 && found[i].right >= 0)
            __builtin_prefetch(&m->slots[llmi_bpe_merges_slot(m, found[i].left, found[i].right)], 1);
    }
    for (int32_t i = 0; i < b->count; i++)
        if (found[i].left >= 0 && found[i].right >= 0 && found[i].into >= 0) llmi_bpe_merges_add(m, found[i], false);
    b->count = 0;
    b->joined.len = 0;
}

llm_status llmi_bpe_merges_read(llmi_bpe_merges *m, const llm_allocator *a, const llmi_vocab *x, const char *bytes,
                                size_t n_bytes, int32_t n) {
    if (n < 0 || (size_t)n > n_bytes / sizeof(uint64_t))
        return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.merges: %d merges in %zu bytes", n, n_bytes);
    llm_status status = llmi_bpe_merges_init(m, a, (size_t)n);
    if (status) return status;
    batch b = {.last = -1};
    llmi_buf_init(&b.joined, a);
    size_t pos = 0;
    for (int32_t i = 0; i < n && !status; i++) {
        llm_span text;
        if (!llmi_spelling_next(&text, bytes, n_bytes, &pos))
            status = llmi_error(LLM_E_FORMAT, "tokenizer.ggml.merges: merge %d ends beyond the array", i);
        else
            status = batch_put(&b, x, text, (uint32_t)i);
        if (!status && b.count == BATCH) batch_flush(&b, m, x);
    }
    if (!status) batch_flush(&b, m, x);
    llmi_buf_free(&b.joined);
    if (status) llmi_bpe_merges_free(m);
    return status;
}
