/* libllm: the back-end interface. A back end brings a device: it stores weights, holds KV
 * caches and runs about a dozen coarse operations. This is for those who write one; the promise
 * is weaker than for the other headers: LLM_BACKEND_ABI changes when it breaks, and the loader
 * refuses another number.
 *
 * Rules for every back end:
 * - Operations are enqueued on a stream and return nothing. A stream keeps the first failure and
 *   reports it once, from sync(); after a failure its operations do nothing.
 * - The value of an output element does not depend on the number of rows in the call, on the
 *   number of threads, or on how a sequence was cut into steps: reductions run in one fixed order.
 * - No operation allocates.
 * - Activations are F32, row-major, contiguous unless a stride is given. llm_host.activations says how
 *   exactly products take them. */
#ifndef LLM_SYS_BACKEND_H
#define LLM_SYS_BACKEND_H

#include <llm/status.h>

LLM_BEGIN_DECLS

#define LLM_BACKEND_ABI 1

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

/* A matrix of F32 activations on the device: element (r, c) is data[r * stride + c]. */
typedef struct llm_view {
    float *data;
    int64_t rows, cols;
    int64_t stride; /* in elements */
} llm_view;

/* A tensor as the file stores it: rows of `cols` elements. A vector has rows = 1. */
typedef struct llm_tensor {
    const char *name; /* for error texts */
    const void *data; /* host memory, valid and unchanged while the weight lives */
    size_t n_bytes;
    int64_t rows, cols;
    llm_dtype dtype;
    int32_t in_place; /* 1: compute from `data` as it lies, keep no copy in another layout */
} llm_tensor;

typedef struct llm_device llm_device;
typedef struct llm_stream llm_stream;
typedef struct llm_weight llm_weight; /* a tensor on the device, in the device's own layout */
typedef struct llm_kv llm_kv;         /* a paged KV cache on the device */

typedef struct llm_kv_desc {
    int32_t n_layers, n_kv_heads, head_dim;
    int32_t page_tokens; /* tokens of a page */
    int32_t n_pages;
    llm_dtype dtype; /* F32 or F16 */
} llm_kv_desc;

/* The rows of one step. Rows of one sequence are neighbours, in order of position. The arrays
 * lie in device memory. */
typedef struct llm_batch {
    int32_t n_rows, n_seqs;
    int32_t max_pages;         /* row length of page_table */
    const int32_t *tokens;     /* [n_rows] */
    const int32_t *positions;  /* [n_rows] position of the row's token in its sequence */
    const int32_t *row_seq;    /* [n_rows] index of the row's sequence, 0..n_seqs-1 */
    const int32_t *seq_rows;   /* [n_seqs + 1] first row of each sequence; the last entry is n_rows */
    const int32_t *page_table; /* [n_seqs, max_pages] page of tokens [i * page_tokens, ...) */
} llm_batch;

/* One product of a linear operation: out = x W^T + bias (+ out). */
typedef struct llm_linear {
    const llm_weight *w;    /* [n_out, n_in] */
    const llm_weight *bias; /* [n_out] or NULL */
    llm_view out;           /* [n_rows, n_out] */
    int32_t accumulate;     /* 1: add to what out holds */
} llm_linear;

/* Rotary embedding (Su et al., 2021). */
enum {
    LLM_ROPE_HALF = 0,    /* element i turns with i + n_rot/2 (Hugging Face, "neox") */
    LLM_ROPE_ADJACENT = 1 /* element 2i turns with 2i + 1 (original, GGUF's "llama") */
};

enum { LLM_ACT_SILU = 0, LLM_ACT_GELU_TANH = 1, LLM_ACT_GELU = 2 };

typedef struct llm_attention {
    llm_view q;   /* [n_rows, n_heads * head_dim] */
    llm_view out; /* the same shape; may be q */
    int32_t layer;
    int32_t n_heads;
    int32_t window; /* a row sees itself and the window - 1 tokens before it; 0: all before it */
    float scale;    /* of q k^T, usually 1 / sqrt(head_dim) */
} llm_attention;

typedef struct llm_stream_options {
    const llm_pool *pool; /* for devices that compute on the host's threads */
    const int32_t *stop;  /* set to non-zero (atomically, by any thread) when the step's results are no
                             longer wanted: the device looks at it between pieces of work of at most a
                             few milliseconds, skips the rest, and sync answers LLM_E_CANCELLED. The
                             owner of the stream clears it between steps. NULL: never */
    int32_t max_rows;     /* most rows of any later operation */
    int64_t max_cols;     /* widest input of any later linear operation */
    int32_t max_seqs;
    int32_t max_heads;
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

    /* Bytes that kv_create would take, and the cache itself. */
    llm_status (*kv_bytes)(size_t *out, llm_device *device, const llm_kv_desc *desc);
    llm_status (*kv_create)(llm_kv **out, llm_device *device, const llm_kv_desc *desc);
    void (*kv_free)(llm_device *device, llm_kv *kv);

    /* Bytes of scratch memory of a stream, and the stream. */
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

    /* out[r] = row ids[r] of w. out [n, cols]; ids [n] on the device, each 0..rows-1. */
    void (*embed)(llm_stream *s, llm_view out, const llm_weight *w, const int32_t *ids);
    /* out[r] = x[r] / sqrt(mean(x[r]^2) + eps) * w (Zhang and Sennrich, 2019). out may be x.
     * w [cols]; NULL: no scale. */
    void (*rms_norm)(llm_stream *s, llm_view out, llm_view x, const llm_weight *w, float eps);
    /* n products that share the input x [n_rows, n_in]. */
    void (*linear)(llm_stream *s, llm_view x, const llm_linear *products, int32_t n);
    /* angles[r] = cos then sin of position r times inv_freq: [n_rows, 2 * n_freq], each
     * multiplied by scale. inv_freq [n_freq] on the device. */
    void (*rope_angles)(llm_stream *s, llm_view angles, const int32_t *positions, const float *inv_freq, float scale);
    /* Turns the first 2 * n_freq elements of each head of x [n_rows, n_heads * head_dim] in place. */
    void (*rope)(llm_stream *s, llm_view x, llm_view angles, int32_t head_dim, int32_t style);
    /* Stores k and v [n_rows, n_kv_heads * head_dim] at the rows' positions in layer `layer`. */
    void (*kv_write)(llm_stream *s, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch);
    /* Copies the first n_tokens of page src to page dst, all layers. */
    void (*kv_copy)(llm_stream *s, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens);
    /* Causal attention of each row over its sequence's cache, its own position included. */
    void (*attention)(llm_stream *s, const llm_attention *a, const llm_kv *kv, const llm_batch *batch);
    /* out = act(gate) * up, element-wise. out may be gate or up. */
    void (*glu)(llm_stream *s, llm_view out, llm_view gate, llm_view up, int32_t act);
    /* out = a + b, element-wise. */
    void (*add)(llm_stream *s, llm_view out, llm_view a, llm_view b);
    /* out[i] = x[rows[i]]; rows [n] on the device. */
    void (*gather)(llm_stream *s, llm_view out, llm_view x, const int32_t *rows);
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
