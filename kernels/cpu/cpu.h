/* The CPU back end: operations on the threads of a pool, each built of micro-kernels that are chosen by
 * CPU features (kernels.h). Files: device.c the device and its streams; weight.c and linear.c stored
 * matrices and products with them; rows.c operations on rows of activations; kv.c and attention.c the
 * cache and its reader. */
#ifndef LLMK_CPU_CPU_H
#define LLMK_CPU_CPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <llm/sys/backend.h>

#include "cpu/kernels.h"

typedef struct llmk_cpu_device {
    llm_device base;
    llmk_kernels k;             /* resolved for host->cpu_mask and this CPU */
    struct llm_weight *weights; /* list of all, for weights_prepare */
    pthread_mutex_t lock;       /* guards the list and the preparing */
} llmk_cpu_device;

typedef struct llmk_cpu_stream {
    llm_stream base;
    const llmk_kernels *k;
    const llm_pool *pool;
    const int32_t *stop;
    atomic_int failure; /* llm_status, the first one since the last sync */
    _Atomic(const char *) text;
    llm_stream_options limits;
    void *linear_scratch;    /* llmk_linear_scratch_bytes(limits) */
    void *attention_scratch; /* llmk_attention_scratch_bytes(limits) */
    size_t n_bytes;          /* of the whole block */
} llmk_cpu_stream;

/* Keeps the first failure; text is static. Any task may call it. */
void llmk_cpu_fail(llmk_cpu_stream *s, llm_status status, const char *text);

/* Whether to go on: nothing failed and nobody asked to stop. Long tasks ask every few milliseconds. */
bool llmk_cpu_go_on(llmk_cpu_stream *s);

/* Runs task(arg, i) for i in 0..n_tasks-1 on the stream's pool. Tasks must cut the work by its shape
 * alone, never by the number of threads, or write disjoint elements whose values do not depend on the cut. */
void llmk_cpu_run(llmk_cpu_stream *s, int32_t n_tasks, void (*task)(void *arg, int32_t index), void *arg);

/* ---- operations (struct llm_stream_ops) and what device.c needs of them ---- */

llm_status llmk_weight_put(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *tensor);
void llmk_weight_free(llm_device *device, llm_weight *weight);
llm_status llmk_weights_prepare(llm_device *device, const llm_pool *pool);
size_t llmk_linear_scratch_bytes(const llmk_kernels *k, const llm_stream_options *limits);
void llmk_linear(llm_stream *s, llm_view x, const llm_linear *products, int32_t n);
void llmk_embed(llm_stream *s, llm_view out, const llm_weight *w, const int32_t *ids);

/* F32 elements of a stored vector (a norm's scale, a bias): [cols], made by llmk_weight_put. */
const float *llmk_weight_vector(const llm_weight *w);

#endif
