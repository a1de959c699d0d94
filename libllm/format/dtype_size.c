#include "format/dtype_size.h"

static const llmi_dtype_size table[] = {
#define DTYPE(name, elems, bytes) {LLM_DTYPE_##name, #name, elems, bytes},
#include "format/dtype_size.def"
#undef DTYPE
};

enum { N_SIZES = sizeof table / sizeof table[0] };

const llmi_dtype_size *llmi_dtype_size_get(int64_t dtype) {
    for (int i = 0; i < N_SIZES; i++)
        if (table[i].dtype == dtype) return &table[i];
    return NULL;
}

const llmi_dtype_size *llmi_dtype_size_at(int32_t index) {
    return index >= 0 && index < N_SIZES ? &table[index] : NULL;
}
