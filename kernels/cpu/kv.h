/* How the CPU device keeps keys and values. */
#ifndef LLMK_CPU_KV_H
#define LLMK_CPU_KV_H

#include <llm/sys/backend.h>

/* [n_layers, n_pages, n_kv_heads]: the keys, then the values of a page's tokens, token by token. */
struct llm_kv {
    llm_kv_desc desc;
    size_t row_bytes;  /* one head of one token */
    size_t half_bytes; /* the keys of one head of one page */
    size_t page_bytes, layer_bytes, n_bytes;
    uint8_t *data;
};

#endif
