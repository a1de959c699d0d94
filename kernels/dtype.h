/* Data types of stored matrices: one row of dtypes.def and one header of quant/ each. */
#ifndef LLMK_DTYPE_H
#define LLMK_DTYPE_H

#include <llm/types.h>

LLM_BEGIN_DECLS

typedef struct llmk_dtype {
    const char *name; /* "Q4_K" */
    llm_dtype dtype;
    int32_t block_elems; /* elements of a block; 1 for plain types */
    int32_t block_bytes;
    /* n elements, a multiple of block_elems */
    void (*dequantize)(float *dst, const void *src, int64_t n);
    void (*quantize)(void *dst, const float *src, int64_t n);
} llmk_dtype;

/* NULL if the number is not a supported type. */
const llmk_dtype *llmk_dtype_get(llm_dtype dtype);
/* In the order of dtypes.def; NULL beyond the last. */
const llmk_dtype *llmk_dtype_at(int32_t index);

LLM_END_DECLS

#endif
