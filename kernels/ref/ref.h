/* The reference back end: every operation exactly as it is defined, one thread, sums in double in the order of the
 * elements. It is slow on purpose: the other back ends are checked against it. */
#ifndef LLMK_REF_REF_H
#define LLMK_REF_REF_H

#include "dtype.h"

#include <llm/sys/interpret.h>

struct llm_weight {
    const uint8_t *data; /* borrowed from the tensor */
    const llmk_dtype *type;
    int64_t rows, cols;
    size_t row_bytes;
};

/* A layer's keys, then its values, each [n_pages, page_tokens, n_heads * dim]. */
typedef struct llmk_ref_kv {
    llm_state_desc desc;
    size_t token_bytes, page_bytes, half_bytes;
    uint8_t *keys, *values;
} llmk_ref_kv;

/* One block: this structure, the layers' data. */
struct llm_state {
    int32_t page_tokens, n_pages, group, n_states;
    size_t n_bytes;   /* of the whole block */
    llmk_ref_kv kv[]; /* [n_states] by the program's index; empty for states of other groups */
};

typedef struct llmk_ref_stream {
    llm_stream base;
    const llm_program *program;
    llm_status failure; /* the first one since the last sync */
    const char *text;   /* its static text */
    const int32_t *stop;
    int64_t max_cols;
    float *row;  /* [max_cols] a dequantized row of a weight */
    double *sum; /* [max_cols] a head's weighted sum of values */
} llmk_ref_stream;

/* ops.c */
extern const llm_stream_ops llmk_ref_stream_ops;
extern const llm_op_fn llmk_ref_ops[LLM_N_OPS];

#endif
