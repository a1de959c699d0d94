/* How the CPU device keeps keys and values: in panels of 16 tokens as the kernels of attention read them
 * (attention_kernels.h). A page consists of whole panels; if page_tokens is not a multiple of 16, the last panel of
 * each page is partly unused. */
#ifndef LLMK_CPU_KV_H
#define LLMK_CPU_KV_H

#include "common.h"
#include "cpu/attention_kernels.h"

/* One layer's, [n_pages][n_heads]: n_panels panels of keys [head_dim][16], then as many of values
 * [16][values_stride]. */
typedef struct llmk_kv {
    int32_t n_heads, head_dim, page_tokens, n_pages;
    bool f16;
    int32_t n_panels;                            /* of one head of a page */
    int32_t values_stride;                       /* head_dim rounded up to whole vectors; the rest is 0 */
    size_t elem_bytes, keys_bytes, values_bytes; /* the last two of a panel */
    size_t head_bytes, page_bytes, n_bytes;
    uint8_t *data; /* NULL: a state of another group */
} llmk_kv;

struct llm_state {
    uint8_t *data; /* of all layers */
    size_t n_bytes;
    int32_t n_states;
    llmk_kv kv[]; /* [n_states] by the program's index */
};

/* The state of an operation, and its pages in the step. */
static inline const llm_state_table *llmk_kv_table(const llm_program *p, const llm_step *step, int32_t state) {
    return &step->tables[p->states[state].group];
}

static inline uint8_t *llmk_kv_head(const llmk_kv *kv, int32_t page, int32_t head) {
    return kv->data + (size_t)page * kv->page_bytes + (size_t)head * kv->head_bytes;
}

static inline uint8_t *llmk_kv_keys(const llmk_kv *kv, int32_t page, int32_t head, int32_t panel) {
    return llmk_kv_head(kv, page, head) + (size_t)panel * kv->keys_bytes;
}

static inline uint8_t *llmk_kv_values(const llmk_kv *kv, int32_t page, int32_t head, int32_t panel) {
    return llmk_kv_head(kv, page, head) + (size_t)kv->n_panels * kv->keys_bytes + (size_t)panel * kv->values_bytes;
}

#endif
