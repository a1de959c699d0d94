/* How much room a data type takes in a file: the only thing this layer knows of data types. */
#ifndef LLMI_FORMAT_DTYPE_SIZE_H
#define LLMI_FORMAT_DTYPE_SIZE_H

#include <llm/types.h>

typedef struct llmi_dtype_size {
    llm_dtype dtype;
    const char *name;
    int32_t block_elems, block_bytes;
} llmi_dtype_size;

/* NULL if the number is not a supported type. */
const llmi_dtype_size *llmi_dtype_size_get(int64_t dtype);
/* In the order of dtype_size.def; NULL beyond the last. */
const llmi_dtype_size *llmi_dtype_size_at(int32_t index);

#endif
