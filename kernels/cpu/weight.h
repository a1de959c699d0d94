/* A stored matrix. A stand-in. */
#ifndef LLMK_CPU_WEIGHT_H
#define LLMK_CPU_WEIGHT_H

#include "dtype.h"

#include <llm/sys/backend.h>

struct llm_weight {
    const uint8_t *data;
    const llmk_dtype *type;
    int64_t rows, cols;
    size_t row_bytes, n_bytes; /* of a stored row; of this structure */
    float vector[];            /* [cols] if rows is 1 */
};

#endif
