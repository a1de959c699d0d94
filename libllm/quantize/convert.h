/* One tensor from its stored type to another, a piece at a time, the rows of a piece in parallel. */
#ifndef LLMI_QUANTIZE_CONVERT_H
#define LLMI_QUANTIZE_CONVERT_H

#include "base/workers.h"
#include "base/writer.h"
#include "quantize/plan.h"

typedef struct llmi_converter {
    const llm_allocator *a;
    const llm_pool *pool;
    llmi_writer *out;
    const char *path; /* of the source, for error texts */
    /* Called after each piece with the bytes that it has written; a failure ends the conversion. */
    llm_status (*written)(void *user, size_t n_bytes);
    void *user;
} llmi_converter;

llm_status llmi_convert(const llmi_converter *c, const llmi_plan_tensor *t);

#endif
