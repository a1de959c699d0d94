/* A model's files as validated descriptors: metadata with typed getters, and tensors whose bytes are proved to be
 * inside the files. Nothing else in the library reads a model file. */
#ifndef LLMI_FORMAT_WEIGHTS_H
#define LLMI_FORMAT_WEIGHTS_H

#include <stdbool.h>

#include <llm/model.h>

#include "base/file.h"
#include "base/json.h"

enum { LLMI_FORMAT_GGUF = 1, LLMI_FORMAT_SAFETENSORS = 2 };

typedef struct llmi_weights llmi_weights;

typedef struct llmi_tensor {
    llm_span name;
    const void *data; /* checked: data[0..n_bytes-1] is inside a mapped or read file */
    size_t n_bytes;   /* checked: equals shape x dtype */
    int32_t n_dims;
    int64_t shape[4]; /* shape[0] contiguous; 1 beyond n_dims; safetensors' order is reversed to this */
    llm_dtype dtype;
    const char *other; /* the name of a type that nothing reads; NULL for all others. dtype is LLMI_DTYPE_OTHER then */
} llmi_tensor;

enum { LLMI_DTYPE_OTHER = -2 };

typedef struct llmi_weights_options {
    bool use_mmap;
    bool metadata_only; /* tensors are not required and not bound */
} llmi_weights_options;

/* path: a GGUF file (of a split set, any part: the others are opened too) or a Hugging Face
 * directory. Each failure names file, key or tensor, found and expected. */
llm_status llmi_weights_open(llmi_weights **out, const llm_allocator *a, const char *path,
                             const llmi_weights_options *options);
llmi_weights *llmi_weights_ref(llmi_weights *w);
void llmi_weights_unref(llmi_weights *w);

/* Whether this is one of the model's files, by whatever name. */
bool llmi_weights_reads(const llmi_weights *w, llmi_file_id id);

int llmi_weights_format(const llmi_weights *w);
const char *llmi_weights_path(const llmi_weights *w);
const char *llmi_weights_note(const llmi_weights *w); /* a warning about the files, not an error; or "" */
const llm_allocator *llmi_weights_allocator(const llmi_weights *w);

/* ---- tensors, in file order; the lookup is by name, O(1) ---- */
int32_t llmi_weights_tensor_count(const llmi_weights *w);
const llmi_tensor *llmi_weights_tensor_at(const llmi_weights *w, int32_t index);
const llmi_tensor *llmi_weights_tensor(const llmi_weights *w, const char *name); /* NULL if absent */

/* ---- metadata ---- */

/* GGUF value types (docs/gguf.md). config.json values appear as U64/I64, F64, BOOL, STRING or ARRAY. */
enum {
    LLMI_META_U8 = 0,
    LLMI_META_I8,
    LLMI_META_U16,
    LLMI_META_I16,
    LLMI_META_U32,
    LLMI_META_I32,
    LLMI_META_F32,
    LLMI_META_BOOL,
    LLMI_META_STRING,
    LLMI_META_ARRAY,
    LLMI_META_U64,
    LLMI_META_I64,
    LLMI_META_F64
};

/* Typed getters. LLM_E_NOT_FOUND if the key is absent, LLM_E_FORMAT if the type does not fit or the
 * value is outside min..max (the text names key, found, expected). Any integer type fits an integer
 * getter, any number a float getter, 0 and 1 of a GGUF file a boolean one. HF: key is a dotted path into config.json.
 */
llm_status llmi_weights_get_int(int64_t *out, const llmi_weights *w, const char *key, int64_t min, int64_t max);
llm_status llmi_weights_get_float(double *out, const llmi_weights *w, const char *key);
llm_status llmi_weights_get_bool(bool *out, const llmi_weights *w, const char *key);
llm_status llmi_weights_get_string(llm_span *out, const llmi_weights *w, const char *key);

/* An array as stored in the file: n elements of one LLMI_META_* scalar type, or of strings ({ u64 length, bytes } each;
 * every length is checked). Numbers may be unaligned. GGUF only. */
typedef struct llmi_meta_array {
    int32_t type;
    size_t n;
    const void *data;
    size_t n_bytes;
} llmi_meta_array;

llm_status llmi_weights_get_array(llmi_meta_array *out, const llmi_weights *w, const char *key);
bool llmi_meta_array_integer(int64_t *out, const llmi_meta_array *array, size_t index); /* false: not an integer */
bool llmi_meta_array_number(double *out, const llmi_meta_array *array, size_t index);
bool llmi_weights_has(const llmi_weights *w, const char *key);     /* and is not null */
bool llmi_weights_is_null(const llmi_weights *w, const char *key); /* null of config.json */

/* Listing, as llm_model_get_meta gives it. */
int32_t llmi_weights_meta_count(const llmi_weights *w);
void llmi_weights_meta_at(llm_span *key, llm_span *value, const llmi_weights *w, int32_t index);

/* Raw access for copying a GGUF file's metadata into another: type and encoded bytes of entry `index`. */
void llmi_weights_meta_raw(int32_t *type, const void **data, size_t *n_bytes, const llmi_weights *w, int32_t index);

/* A further file of a Hugging Face directory ("tokenizer.json", or "FOLDER/NAME"), opened on first use and kept.
 * LLM_E_NOT_FOUND if there is none; LLM_E_FORMAT for a *.json that is something else, such as a Git LFS pointer. */
llm_status llmi_weights_side_file(llm_span *out, llmi_weights *w, const char *name);
/* The same, parsed as Python does into `doc`. */
llm_status llmi_weights_side_json(const llmi_json **out, llmi_json_doc *doc, llmi_weights *w, const char *name);
/* The name of a tokenizer's file in the directory that is not read, such as "tokenizer.model"; NULL if there is none.
 */
const char *llmi_weights_other_tokenizer(const llmi_weights *w);
const llmi_json *llmi_weights_config(const llmi_weights *w); /* config.json; NULL for GGUF */

#endif
