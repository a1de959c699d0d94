/* The CPU back end: operations on the threads of a pool, each built of micro-kernels that are chosen by
 * CPU features (kernels.h). Files: stream.c failures and threads; weight.c, packing.c and linear.c stored
 * matrices and products with them; rows.c operations on rows of activations; kv.c and attention.c the
 * cache and its reader; device.c the device and its tables, above all others. */
#ifndef LLMK_CPU_CPU_H
#define LLMK_CPU_CPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cpu/kernels.h"
#include "program_check.h"

/* Maximum sizes, for which scratch memory is allocated. */
typedef struct llmk_limits {
    int64_t max_rows, max_cols; /* of any input of a product */
    int32_t n_threads;
} llmk_limits;

/* The tables are members, so that a back end which differs in one operation opens this device and
 * overwrites that one (see llmk_cpu_open). */
typedef struct llmk_cpu_device {
    llm_device base; /* base.ops is &device_ops */
    llm_device_ops device_ops;
    llm_op_fn ops[LLM_N_OPS];
    size_t (*linear_scratch_bytes)(const llmk_kernels *k, const llmk_limits *limits);
    llmk_kernels k;             /* resolved for host->cpu_mask and this CPU */
    struct llm_weight *weights; /* list of all, for weights_prepare */
    pthread_mutex_t lock;       /* guards the list and the preparation */
    atomic_llong n_passes;      /* begun by any stream: when weights are packed (packing.h) */
} llmk_cpu_device;

/* A device with this folder's operations. Members may be overwritten before its first use. */
llm_status llmk_cpu_open(llm_device **out, const llm_host *host);

/* Of one block: this structure, the scratch of linear operations, the scratch of attention. */
typedef struct llmk_cpu_stream {
    llm_stream base;
    const llm_program *program;
    const llmk_kernels *k;
    const llm_pool *pool; /* NULL: the calling thread alone */
    const int32_t *stop;
    atomic_int failure; /* llm_status, the first one since the last sync */
    _Atomic(const char *) text;
    llmk_limits limits;
    void *linear_scratch;    /* device->linear_scratch_bytes(limits) */
    void *attention_scratch; /* llmk_attention_scratch_bytes(limits) */
    size_t n_bytes;          /* of the whole block */
} llmk_cpu_stream;

static inline llmk_cpu_device *llmk_cpu_device_of(llm_device *device) {
    return (llmk_cpu_device *)(void *)device;
}

static inline llmk_cpu_stream *llmk_cpu_stream_of(llm_stream *stream) {
    return (llmk_cpu_stream *)(void *)stream;
}

/* Keeps the first failure; text is static. Any task may call it. */
void llmk_cpu_fail(llmk_cpu_stream *s, llm_status status, const char *text);

/* Whether to continue: nothing failed and nobody asked to stop. Long tasks check every few milliseconds. */
bool llmk_cpu_go_on(llmk_cpu_stream *s);

/* The same at the start of an operation, with a check that its arguments fit each other. */
bool llmk_cpu_start(llmk_cpu_stream *s, bool fits, const char *text);

/* Returns the first failure since the last call and clears it. */
llm_status llmk_cpu_sync(llm_stream *stream);

/* Threads that run() uses, the caller included. */
int32_t llmk_cpu_threads(const llm_pool *pool);

/* Runs task(arg, i) for i in 0..n_tasks-1 on the stream's pool. Tasks must cut the work by its shape
 * alone, never by the number of threads, or write disjoint elements whose values do not depend on the cut. */
void llmk_cpu_run(llmk_cpu_stream *s, int32_t n_tasks, void (*task)(void *arg, int32_t index), void *arg);

/* Runs item(arg, i, slot) for i in 0..n_items-1: each thread takes a contiguous range in ascending order, then helps
 * with the ranges of the others. Items that run at the same time have different slots, 0..llmk_cpu_threads()-1: for
 * scratch memory. Stops taking items when llmk_cpu_go_on() says so. n_steps is the work of all items, in multiply-adds:
 * little is done by the calling thread alone. */
void llmk_cpu_share(llmk_cpu_stream *s, double n_steps, int64_t n_items,
                    void (*item)(void *arg, int64_t index, int32_t slot), void *arg);

/* ---- what device.c makes its tables of ---- */

/* weight.c, linear.c */
llm_status llmk_weight_put(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *tensor);
void llmk_weight_free(llm_device *device, llm_weight *weight);
llm_status llmk_weights_prepare(llm_device *device, const llm_pool *pool);
size_t llmk_linear_scratch_bytes(const llmk_kernels *k, const llmk_limits *limits);
void llmk_linear(llm_stream *s, const llm_op *op, const llm_step *step);
void llmk_embed(llm_stream *s, const llm_op *op, const llm_step *step);

llmk_shape llmk_weight_shape(const llm_weight *w);
/* F32 elements of a stored vector (a norm's scale, a bias): [cols], made by llmk_weight_put. */
const float *llmk_weight_vector(const llm_weight *w);

/* rows.c */
void llmk_norm(llm_stream *s, const llm_op *op, const llm_step *step);
void llmk_angles(llm_stream *s, const llm_op *op, const llm_step *step);
void llmk_rope(llm_stream *s, const llm_op *op, const llm_step *step);
void llmk_act(llm_stream *s, const llm_op *op, const llm_step *step);
void llmk_gather(llm_stream *s, const llm_op *op, const llm_step *step);

/* kv.c */
llm_status llmk_state_bytes(size_t *out, llm_device *device, const llm_program *program, int32_t group, int32_t n);
llm_status llmk_state_create(llm_state **out, llm_device *device, const llm_program *program, int32_t group, int32_t n);
void llmk_state_free(llm_device *device, llm_state *state);
void llmk_state_copy(llm_stream *s, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens);
void llmk_kv_write(llm_stream *s, const llm_op *op, const llm_step *step);

/* attention.c; returns SIZE_MAX if the size overflows */
size_t llmk_attention_scratch_bytes(const llmk_kernels *k, const llmk_limits *limits);
void llmk_attend(llm_stream *s, const llm_op *op, const llm_step *step);

#endif
