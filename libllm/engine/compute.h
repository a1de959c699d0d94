/* The device's side of an engine: what a step needs there, and running one. */
#ifndef LLMI_ENGINE_COMPUTE_H
#define LLMI_ENGINE_COMPUTE_H

#include "base/workers.h"
#include "engine/batch.h"
#include "model/model.h"

typedef struct llmi_compute {
    const llm_model *model;
    const llm_pool *pool;
    int32_t stop; /* atomic: the running step shall end early */
    llm_stream *stream;
    llm_state *states[LLMI_MAX_GROUPS];
    llm_program program;
    void *program_memory; /* its operations and states */
    void *workspace;      /* its values */
    void *tables;
    size_t table_bytes;
    float *logits; /* [max_logits, n_vocab] of the last step */
    float *hidden; /* [n_batch, n_embd] */
} llmi_compute;

typedef struct llmi_compute_size {
    size_t kv, workspace, tables, stream;
} llmi_compute_size;

llm_status llmi_compute_measure(llmi_compute_size *out, const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype,
                                const llm_pool *pool);

/* The host's arrays. */
void llmi_compute_place(llmi_compute *c, llmi_arena *arena, const llm_model *m, const llmi_dims *dims);

/* The device's; after llmi_compute_place. What was made before a failure is freed by destroy. */
llm_status llmi_compute_create(llmi_compute *c, const llm_model *m, const llmi_dims *dims, llm_dtype kv_dtype,
                               const llm_pool *pool);
void llmi_compute_destroy(llmi_compute *c);

/* Copies, one upload, the pass, one download of what is read. LLM_E_CANCELLED if stop was set: then it
 * counts as not done. */
llm_status llmi_compute_run(llmi_compute *c, llmi_batch *batch);

#endif
