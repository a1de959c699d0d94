/* What every back end of this folder needs: memory and error texts of the host, sizes that do not
 * overflow, and the checks of what an operation is given. */
#ifndef LLMK_COMMON_H
#define LLMK_COMMON_H

#include <stdbool.h>

#include <llm/sys/backend.h>

#include "dtype.h"

LLM_BEGIN_DECLS

/* Stores a formatted error text and returns `status`. */
llm_status llmk_error(const llm_host *host, llm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 64-byte aligned memory of any size, 0 included; NULL with an error text when there is none. */
void *llmk_take(const llm_host *host, size_t n_bytes);
/* Hints that large pages suit it, if it is so large that a search for them pays. */
void *llmk_take_large(const llm_host *host, size_t n_bytes);
void llmk_give(const llm_host *host, void *ptr, size_t n_bytes);

/* LLM_ACTIVATIONS_* that the host asks for; an older host does not know the member. */
int32_t llmk_activations(const llm_host *host);

/* *a *= b and *a += b; false, with *a undefined, for a negative b or a result beyond size_t. */
bool llmk_multiply(size_t *a, int64_t b);
bool llmk_add_size(size_t *a, size_t b);

/* Whether a tensor is what it claims to be: finds its type and the bytes of a row. */
llm_status llmk_tensor_check(const llm_host *host, const llm_tensor *t, const llmk_dtype **type, size_t *row_bytes);
/* Whether a cache can be: F32 or F16, all sizes positive. */
llm_status llmk_kv_check(const llm_host *host, const llm_kv_desc *desc);

/* ---- arguments of operations ---- */

static inline float *llmk_row(llm_view v, int64_t r) {
    return v.data + r * v.stride;
}

static inline bool llmk_same_shape(llm_view a, llm_view b) {
    return a.rows == b.rows && a.cols == b.cols;
}

bool llmk_rope_fits(llm_view x, llm_view angles, int32_t head_dim);
bool llmk_kv_write_fits(const llm_kv_desc *desc, int32_t layer, llm_view k, llm_view v, const llm_batch *batch);
bool llmk_kv_copy_fits(const llm_kv_desc *desc, int32_t dst, int32_t src, int32_t n_tokens);
bool llmk_attention_fits(const llm_kv_desc *desc, const llm_attention *a, const llm_batch *batch);

/* First position that a row at `position` sees. */
static inline int32_t llmk_attention_first(int32_t window, int32_t position) {
    return window > 0 && position >= window ? position - window + 1 : 0;
}

/* The page that holds tokens [index * page_tokens, ...) of a sequence; -1 if the batch names none that
 * the cache has. */
int32_t llmk_kv_page(const llm_kv_desc *desc, const llm_batch *batch, int32_t seq, int32_t index);

LLM_END_DECLS

#endif
