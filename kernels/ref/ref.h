/* The reference back end: every operation as its definition reads, one thread, sums in double and
 * in the order of the elements. Slow on purpose: the other back ends are checked against it. */
#ifndef LLMK_REF_REF_H
#define LLMK_REF_REF_H

#include "dtype.h"

#include <llm/sys/backend.h>

struct llm_weight {
    const uint8_t *data; /* borrowed from the tensor */
    const llmk_dtype *type;
    int64_t rows, cols;
    size_t row_bytes;
};

/* Keys and values apart, each [n_layers, n_pages, page_tokens, n_kv_heads * head_dim]. */
struct llm_kv {
    llm_kv_desc desc;
    size_t token_bytes, page_bytes, layer_bytes, half_bytes;
    uint8_t *keys, *values; /* one allocation of 2 * half_bytes */
};

typedef struct llmk_ref_stream {
    llm_stream base;
    llm_status failure; /* the first one since the last sync */
    const char *text;   /* its static text */
    const int32_t *stop;
    int64_t max_cols;
    float *row;  /* [max_cols] a dequantized row of a weight */
    double *sum; /* [max_cols] a head's weighted sum of values */
} llmk_ref_stream;

extern const llm_stream_ops llmk_ref_stream_ops; /* ops.c */

#endif
