#include "dtype.h"

/* First reading of the table: pulls in the headers and has nothing else to do at file scope. */
#define LLMK_DTYPE(NAME, name, elems, bytes)
#include "dtypes.def"
#undef LLMK_DTYPE

static const llmk_dtype table[] = {
#define LLMK_DTYPE(NAME, name, elems, bytes)                                                                           \
    {#NAME, LLM_DTYPE_##NAME, elems, bytes, llmk_dequantize_##name, llmk_quantize_##name},
#include "dtypes.def"
#undef LLMK_DTYPE
};

enum { N_DTYPES = sizeof table / sizeof table[0] };

const llmk_dtype *llmk_dtype_get(llm_dtype dtype) {
    for (int32_t i = 0; i < N_DTYPES; i++)
        if (table[i].dtype == dtype) return &table[i];
    return NULL;
}

const llmk_dtype *llmk_dtype_at(int32_t index) {
    return index >= 0 && index < N_DTYPES ? &table[index] : NULL;
}
