/* How the CPU device keeps keys and values: in panels of 16 tokens as the kernels of attention read them
 * (attention_kernels.h). A page holds whole panels; if page_tokens is no multiple of 16, the last panel of each
 * page is partly unused. */
#ifndef LLMK_CPU_KV_H
#define LLMK_CPU_KV_H

#include "common.h"
#include "cpu/attention_kernels.h"

/* [n_layers][n_pages][n_kv_heads]: n_panels of keys [head_dim][16], then as many of values [16][values_stride]. */
struct llm_kv {
    llm_kv_desc desc;
    int32_t n_panels;                            /* of one head of a page */
    int32_t values_stride;                       /* head_dim rounded up to whole vectors; the rest is 0 */
    size_t elem_bytes, keys_bytes, values_bytes; /* the last two of a panel */
    size_t head_bytes, page_bytes, layer_bytes, n_bytes;
    uint8_t *data;
};

static inline uint8_t *llmk_kv_head(const llm_kv *kv, int32_t layer, int32_t page, int32_t head) {
    return kv->data + (size_t)layer * kv->layer_bytes + (size_t)page * kv->page_bytes + (size_t)head * kv->head_bytes;
}

static inline uint8_t *llmk_kv_keys(const llm_kv *kv, int32_t layer, int32_t page, int32_t head, int32_t panel) {
    return llmk_kv_head(kv, layer, page, head) + (size_t)panel * kv->keys_bytes;
}

static inline uint8_t *llmk_kv_values(const llm_kv *kv, int32_t layer, int32_t page, int32_t head, int32_t panel) {
    return llmk_kv_head(kv, layer, page, head) + (size_t)kv->n_panels * kv->keys_bytes +
           (size_t)panel * kv->values_bytes;
}

#endif
