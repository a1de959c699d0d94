/* libllm: the back-end interface. A back end brings a device: it stores weights, keeps the states of
 * sequences and runs programs (llm/sys/program.h) step by step. This header is for those who write one; its
 * promise is weaker than that of the others: LLM_BACKEND_ABI changes when it breaks, and the
 * loader refuses any other number. A back end that has one function for each operation needs little
 * more than these: llm/sys/interpret.h does the rest.
 *
 * Rules for every back end:
 * - A stream is bound to a program when it is created; what the device cannot compute is refused then,
 *   naming operation and layer.
 * - Operations are enqueued on a stream and return nothing. A stream keeps the first failure and
 *   reports it once, from sync(); after a failure its operations do nothing.
 * - The value of an output element does not depend on the number of rows in the call, on the
 *   number of threads, or on how a sequence was cut into steps: reductions run in one fixed order.
 * - No operation allocates.
 * - Activations are F32, row-major, contiguous unless a stride is given. llm_host.activations says how
 *   exactly products take them. */
#ifndef LLM_SYS_BACKEND_H
#define LLM_SYS_BACKEND_H

#include <llm/sys/program.h>

LLM_BEGIN_DECLS

#define LLM_BACKEND_ABI 2

/* What products may do to their F32 activations before they multiply them
 * (llm_model_options.activation_dtype). */
enum {
    LLM_ACTIVATIONS_AUTO = 0, /* weights stored as F32, F16 or BF16: nothing; quantized weights: what is
                                 fastest, e.g. 8-bit integers in blocks with a scale */
    LLM_ACTIVATIONS_F32 = 1,  /* nothing, whatever the type of the weights */
    LLM_ACTIVATIONS_BF16 = 2  /* as AUTO; where that is faster they may be rounded to BF16 for BF16 weights */
};

/* ---- what the library lends to a back end ---- */

typedef struct llm_host {
    uint32_t struct_size;
    int32_t cpu_mask; /* LLM_CPU_* bits that may be used */
    void *user;       /* first argument of each function */
    void *(*alloc)(void *user, size_t n_bytes, size_t alignment);
    void (*free)(void *user, void *ptr, size_t n_bytes);
    void (*log)(void *user, int32_t level, const char *text);
    /* Stores the detail text of the failure that the caller is about to return. */
    void (*set_error)(void *user, llm_status status, const char *text);
    int32_t activations; /* LLM_ACTIVATIONS_*, for all products of the device that open() makes */
} llm_host;

/* A worker pool. run() calls task(arg, i) once for each i in 0..n_tasks-1, on any of its
 * n_threads threads, and returns when all are done. */
typedef struct llm_pool {
    void *user;
    int32_t n_threads;
    void (*run)(void *user, int32_t n_tasks, void (*task)(void *arg, int32_t index), void *arg);
} llm_pool;

/* ---- data ---- */

/* A tensor as the file stores it: rows of `cols` elements. A vector has rows = 1. */
typedef struct llm_tensor {
    const char *name; /* for error texts */
    const void *data; /* host memory, valid and unchanged while the weight lives */
    size_t n_bytes;
    int64_t rows, cols;
    llm_dtype dtype;
    int32_t in_place; /* 1: compute from `data` in place, keep no copy in another layout */
} llm_tensor;

typedef struct llm_device llm_device;
typedef struct llm_stream llm_stream;

typedef struct llm_stream_options {
    uint32_t struct_size;
    const llm_program *program; /* what the stream runs; lives longer than the stream */
    const llm_pool *pool;       /* for devices that compute on the host's threads; NULL: the calling thread alone */
    const int32_t *stop;        /* set to non-zero (atomically, by any thread) when the step's results are no
                                   longer wanted: the device looks at it between pieces of work of at most a
                                   few milliseconds, skips the rest, and sync answers LLM_E_CANCELLED. The
                                   owner of the stream clears it between steps. NULL: never */
} llm_stream_options;

/* ---- operations ---- */

typedef struct llm_device_ops {
    uint32_t struct_size;

    /* Device memory, 64-byte aligned, uninitialised. */
    llm_status (*mem_alloc)(void **out, llm_device *device, size_t n_bytes);
    void (*mem_free)(llm_device *device, void *ptr, size_t n_bytes);

    /* Takes a weight. The device may keep a pointer into tensor->data or a copy;
     * *private_bytes receives the size of its copy, made now or later (weights_prepare). Answers
     * LLM_E_UNSUPPORTED for a data type it has no kernels for. */
    llm_status (*weight_put)(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *tensor);
    void (*weight_free)(llm_device *device, llm_weight *weight);

    /* Bytes that state_create would take, and the states of one group of the program, uninitialised.
     * n_items: pages. */
    llm_status (*state_bytes)(size_t *out, llm_device *device, const llm_program *program, int32_t group,
                              int32_t n_items);
    llm_status (*state_create)(llm_state **out, llm_device *device, const llm_program *program, int32_t group,
                               int32_t n_items);
    void (*state_free)(llm_device *device, llm_state *state);

    /* Bytes that stream_create would take, and a stream. Checks every operation of the program once:
     * LLM_E_UNSUPPORTED, with operation and layer, for what the device cannot compute. */
    llm_status (*stream_bytes)(size_t *out, llm_device *device, const llm_stream_options *options);
    llm_status (*stream_create)(llm_stream **out, llm_device *device, const llm_stream_options *options);
    void (*stream_destroy)(llm_stream *stream);

    void (*close)(llm_device *device);

    /* Takes the memory of all copies and makes them, on the pool's threads, or lets the operations that
     * follow make them; called before a stream computes with the weights, possibly again and from several
     * threads. The values of all operations are the same before and after. NULL: nothing to do. */
    llm_status (*weights_prepare)(llm_device *device, const llm_pool *pool);
} llm_device_ops;

typedef struct llm_stream_ops {
    uint32_t struct_size;

    void (*upload)(llm_stream *s, void *dst, const void *src, size_t n_bytes);
    void (*download)(llm_stream *s, void *dst, const void *src, size_t n_bytes);
    /* Waits for all operations; returns the first failure since the last sync and clears it. */
    llm_status (*sync)(llm_stream *s);

    /* Operations [first, first + n) of the program on the rows of the step. A value without rows in this step
     * costs nothing. */
    void (*run)(llm_stream *s, const llm_step *step, int32_t first, int32_t n);
    /* Copies the first n_tokens of page src to page dst, in all states of the group. */
    void (*state_copy)(llm_stream *s, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens);
} llm_stream_ops;

/* A device and a stream begin with these members; the rest is the back end's own. */
struct llm_device {
    const llm_device_ops *ops;
    const llm_host *host; /* lives longer than the device */
};

struct llm_stream {
    const llm_stream_ops *ops;
    llm_device *device;
};

/* ---- entry ---- */

/* open() does what llm_host.activations asks for. Without it the library refuses to open the back end
 * with LLM_ACTIVATIONS_F32. */
enum { LLM_BACKEND_ACTIVATIONS = 1 };

typedef struct llm_backend {
    uint32_t struct_size;
    int32_t abi; /* LLM_BACKEND_ABI */
    const char *name;
    /* Whether it can be used here: LLM_OK and a one-line description, or LLM_E_DEVICE and the
     * reason; both into text, NUL-terminated, at most capacity bytes. */
    llm_status (*probe)(const llm_host *host, char *text, size_t capacity);
    llm_status (*open)(llm_device **out, const llm_host *host);
    uint32_t flags; /* LLM_BACKEND_* */
} llm_backend;

/* A plug-in libllm-NAME.so exports one function of this type under this name. */
typedef const llm_backend *(*llm_backend_entry_fn)(void);
#define LLM_BACKEND_ENTRY "llm_backend_entry"

LLM_END_DECLS

#endif
