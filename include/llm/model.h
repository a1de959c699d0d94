/* libllm: models. A model is a file's weights bound to an architecture and placed on a
 * back end, with its tokenizer. It never changes after loading: any number of engines and
 * threads may share it. */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include <llm/runtime.h>

LLM_BEGIN_DECLS

/* Called while a model loads, with done 0.0 .. 1.0 not decreasing, on the loading thread.
 * A negative return stops the load, which then answers LLM_E_CALLBACK. */
typedef int32_t (*llm_progress_fn)(void *user, double done);

typedef struct llm_model_options {
    uint32_t struct_size;     /* set by llm_model_options_init() */
    int32_t use_mmap;         /* 1: map the file (default). Truncating it while the model lives ends the
                                 process with SIGBUS, as with any mapping; replace a model by renaming a
                                 new file over it. 0: read it into memory, which is safe from that */
    const char *backend;      /* name of a back end; default NULL: "cpu" */
    llm_progress_fn progress; /* default NULL */
    void *progress_user;
    int32_t check_tensors;    /* 1: refuse weights that hold NaN or infinity (reads all); default 0 */
    int32_t tokenizer_only;   /* 1: load metadata and tokenizer, no weights; default 0 */
    int32_t pack_weights;     /* 1 (default): the back end may keep copies of the weights in the layout it
                                 computes fastest with; their memory is allocated when the first engine is
                                 created and filled during its first steps. 0: it computes from the file's
                                 bytes, slower and with the same results */
    int32_t activation_dtype; /* how matrix products may round their F32 activations:
                               LLM_DTYPE_AUTO (default): not at all for weights stored as F32, F16 or
                                 BF16; for quantized weights to 8-bit integers with one scale per block of
                                 32 (the error is at most 1/254 of the largest magnitude in the block)
                               LLM_DTYPE_F32: not at all for any type, so that results differ from those
                                 of the dequantized weights by F32 rounding alone; slower for quantized
                                 weights, with the same memory
                               LLM_DTYPE_BF16: as AUTO, but for BF16 weights they may be rounded to BF16
                                 (relative error up to 2^-9) where the processor multiplies that faster:
                                 at present, AMD processors with AVX512_BF16
                               Sums are accumulated in F32 in every case; the back end "reference"
                               accumulates in double and never rounds an activation. Since 0.1 */
} llm_model_options;

LLM_API void llm_model_options_init_sized(llm_model_options *options, size_t n_bytes);
static inline void llm_model_options_init(llm_model_options *options) {
    llm_model_options_init_sized(options, sizeof *options);
}

/* Loads a model. path (NUL-terminated, the system's encoding): a GGUF file of version 2 or 3
 * (of a split set, any part), or a Hugging Face directory with config.json, tokenizer.json and
 * *.safetensors. Nothing of it is converted; the files must stay unchanged while the model
 * lives. runtime: NULL for a private one. options: NULL for the defaults.
 * On success *out holds one reference; on failure it is NULL and nothing is left behind.
 * Errors: LLM_E_IO, LLM_E_FORMAT (the text names the tensor or key, what was found and what
 * was expected), LLM_E_UNSUPPORTED, LLM_E_NOT_FOUND, LLM_E_DEVICE, LLM_E_MEMORY,
 * LLM_E_CALLBACK. Any thread. Since 0.1. */
LLM_API llm_status llm_model_load(llm_model **out, llm_runtime *runtime, const char *path,
                                  const llm_model_options *options);

/* Adds or drops a reference; NULL is ignored. Any thread. Since 0.1. */
LLM_API llm_model *llm_model_ref(llm_model *model);
LLM_API void llm_model_unref(llm_model *model);

typedef struct llm_model_info {
    uint32_t struct_size; /* set by the caller: sizeof(llm_model_info) */
    int32_t n_layers;
    const char *arch;    /* e.g. "llama", "qwen3"; NUL-terminated, owned by the model */
    const char *format;  /* "gguf" or "safetensors" */
    const char *backend; /* name of the back end that holds the weights */
    int32_t n_embd;      /* width of the residual stream */
    int32_t n_heads;     /* query heads */
    int32_t n_kv_heads;  /* key/value heads; divides n_heads */
    int32_t head_dim;
    int32_t n_ff;        /* width of the feed-forward layer */
    int32_t n_vocab;     /* rows of the output: size of a logits row */
    int32_t n_ctx_train; /* context length the model was trained for, in tokens */
    int32_t n_window;    /* sliding attention window in tokens; 0: none */
    int32_t n_tensors;
    int32_t dtype;    /* llm_dtype that holds most of the bytes */
    int64_t n_params; /* number of weights */
    int64_t n_bytes;  /* bytes of tensor data in the file(s) */
} llm_model_info;

/* Fills *out. With tokenizer_only the numbers that need weights are 0. Any thread. Since 0.1. */
LLM_API llm_status llm_model_get_info(llm_model_info *out, const llm_model *model);

/* One stored tensor. shape[0] is the number of contiguous elements of a row; a matrix that
 * maps n_in to n_out values is stored as shape {n_in, n_out}. */
typedef struct llm_tensor_info {
    uint32_t struct_size; /* set by the caller: sizeof(llm_tensor_info) */
    int32_t dtype;
    llm_span name;    /* owned by the model */
    int32_t n_dims;   /* 0..4 */
    int64_t shape[4]; /* 1 beyond n_dims */
    int64_t n_bytes;
} llm_tensor_info;

/* Tensor `index`, 0..n_tensors-1, in file order. Any thread. Since 0.1. */
LLM_API llm_status llm_model_get_tensor(llm_tensor_info *out, const llm_model *model, int32_t index);

/* Metadata: GGUF key-value pairs, or the members of config.json as dotted paths. The value
 * is given as text: strings as they are, numbers and booleans in JSON's notation, arrays as
 * "[n values of type]". Spans are owned by the model. Any thread. Since 0.1.
 * llm_model_find_meta errors: LLM_E_NOT_FOUND. */
LLM_API int32_t llm_model_meta_count(const llm_model *model);
LLM_API llm_status llm_model_get_meta(llm_span *key, llm_span *value, const llm_model *model, int32_t index);
LLM_API llm_status llm_model_find_meta(llm_span *value, const llm_model *model, const char *key);

/* The model's tokenizer, borrowed: valid as long as the model (llm_tokenizer_ref() keeps it longer).
 * NULL if the files contain none. Any thread. Since 0.1. */
LLM_API const llm_tokenizer *llm_model_get_tokenizer(const llm_model *model);

/* Name of a data type as users write it, e.g. "Q4_K"; NULL if unknown. Static. Any thread. */
LLM_API const char *llm_dtype_name(llm_dtype dtype);

/* The reverse, upper or lower case. Errors: LLM_E_NOT_FOUND lists the known names. */
LLM_API llm_status llm_dtype_parse(llm_dtype *out, const char *name);

LLM_END_DECLS

#endif
