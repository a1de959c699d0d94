/* What every back end of this folder needs: memory and error texts of the host, sizes that do not
 * overflow, and the pages of a step. */
#ifndef LLMK_COMMON_H
#define LLMK_COMMON_H

#include <stdbool.h>

#include <llm/sys/interpret.h>

#include "dtype.h"

LLM_BEGIN_DECLS

/* Stores a formatted error text and returns `status`. */
llm_status llmk_error(const llm_host *host, llm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 64-byte aligned memory of any size, 0 included; NULL with an error text when there is none. */
void *llmk_take(const llm_host *host, size_t n_bytes);
/* Hints that it should use huge pages, if it is large enough for the search for them to pay off. */
void *llmk_take_large(const llm_host *host, size_t n_bytes);
void llmk_give(const llm_host *host, void *ptr, size_t n_bytes);

/* LLM_ACTIVATIONS_* that the host asks for; an older host lacks the member. */
int32_t llmk_activations(const llm_host *host);

/* *a *= b and *a += b; false, with *a undefined, for a negative b or a result beyond size_t. */
bool llmk_multiply(size_t *a, int64_t b);
bool llmk_add_size(size_t *a, size_t b);

/* Whether a tensor is what it claims to be: finds its type and the bytes of a row. */
llm_status llmk_tensor_check(const llm_host *host, const llm_tensor *t, const llmk_dtype **type, size_t *row_bytes);

/* ---- steps ---- */

/* First position that a row at `position` sees. */
static inline int32_t llmk_attention_first(int32_t window, int32_t position) {
    return window > 0 && position >= window ? position - window + 1 : 0;
}

/* The page that holds tokens [index * page_tokens, ...) of a sequence; -1 if the step names none of the n_pages. */
int32_t llmk_step_page(const llm_step *step, const llm_state_table *table, int32_t n_pages, int32_t seq, int32_t index);

LLM_END_DECLS

#endif
