#include "serve/result.h"

#include <string.h>

#include "api/check.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "runtime/runtime.h"

static size_t bytes_of(size_t n_items) {
    return sizeof(llm_result) + n_items * sizeof(llmi_result_item);
}

llm_status llmi_result_create(llm_result **out, llm_runtime *rt, size_t n_items) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    if (n_items > INT32_MAX) return llmi_error(LLM_E_ARGUMENT, "%zu items, expected at most %d", n_items, INT32_MAX);
    llm_result *r = llmi_alloc_zero(a, bytes_of(n_items));
    if (!r) return LLM_E_MEMORY;
    atomic_init(&r->n_refs, 1);
    r->runtime = llm_runtime_ref(rt);
    r->n_items = (int32_t)n_items;
    llmi_buf_init(&r->warning, a);
    for (size_t i = 0; i < n_items; i++) {
        llmi_buf_init(&r->items[i].text, a);
        llmi_buf_init(&r->items[i].tokens, a);
        llmi_buf_init(&r->items[i].logprobs, a);
        llmi_buf_init(&r->items[i].top, a);
    }
    *out = r;
    return LLM_OK;
}

static void result_free(llm_result *r) {
    llm_runtime *rt = r->runtime;
    llmi_buf_free(&r->warning);
    for (int32_t i = 0; i < r->n_items; i++) {
        llmi_buf_free(&r->items[i].text);
        llmi_buf_free(&r->items[i].tokens);
        llmi_buf_free(&r->items[i].logprobs);
        llmi_buf_free(&r->items[i].top);
    }
    llmi_free(llmi_runtime_allocator(rt), r, bytes_of((size_t)r->n_items));
    llm_runtime_unref(rt);
}

llm_status llmi_result_add(llmi_result_item *item, llm_token token, int32_t n_logprobs, float logprob,
                           const llm_token_logprob *top, int32_t n_top) {
    size_t n_tokens = item->tokens.len, n_numbers = item->logprobs.len;
    bool ok = llmi_buf_push(&item->tokens, token);
    if (ok && n_logprobs >= 0) ok = llmi_buf_push(&item->logprobs, logprob);
    if (ok && n_logprobs > 0) ok = llmi_buf_append(&item->top, top, (size_t)n_top * sizeof *top);
    if (ok) return LLM_OK;
    item->tokens.len = n_tokens;
    item->logprobs.len = n_numbers;
    return LLM_E_MEMORY;
}

LLM_API llm_result *llm_result_ref(llm_result *result) {
    if (result) atomic_fetch_add_explicit(&result->n_refs, 1, memory_order_relaxed);
    return result;
}

LLM_API void llm_result_unref(llm_result *result) {
    if (result && atomic_fetch_sub_explicit(&result->n_refs, 1, memory_order_acq_rel) == 1) result_free(result);
}

/* ---- reading ---- */

static llm_status find_item(const llmi_result_item **out, const llm_result *r, int32_t index, const char *call) {
    if (!r) return llmi_error(LLM_E_ARGUMENT, "%s: result is NULL", call);
    if (index < 0 || index >= r->n_items)
        return llmi_error(LLM_E_ARGUMENT, "%s: index is %d, expected 0..%d", call, index, r->n_items - 1);
    *out = &r->items[index];
    return LLM_OK;
}

LLM_API int32_t llm_result_count(const llm_result *result) {
    llmi_error_clear();
    return result ? result->n_items : 0;
}

LLM_API llm_status llm_result_text(llm_span *out, const llm_result *result, int32_t index) {
    const llmi_result_item *item = NULL;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    llm_status status = find_item(&item, result, index, __func__);
    if (status == LLM_OK) *out = (llm_span){item->text.len ? item->text.data : "", item->text.len};
    return status;
}

/* A list of the result: NULL when it is empty. */
static const void *list(size_t *n, const llmi_buf *b, size_t size) {
    *n = b->len / size;
    return b->len ? b->data : NULL;
}

LLM_API llm_status llm_result_tokens(const llm_token **out, size_t *n_tokens, const llm_result *result, int32_t index) {
    const llmi_result_item *item = NULL;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(n_tokens);
    llm_status status = find_item(&item, result, index, __func__);
    if (status == LLM_OK) *out = list(n_tokens, &item->tokens, sizeof **out);
    return status;
}

LLM_API llm_status llm_result_finish(int32_t *out, const llm_result *result, int32_t index) {
    const llmi_result_item *item = NULL;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    llm_status status = find_item(&item, result, index, __func__);
    if (status == LLM_OK) *out = item->finish;
    return status;
}

LLM_API llm_status llm_result_logprobs(const float **out, size_t *n_tokens, const llm_result *result, int32_t index) {
    const llmi_result_item *item = NULL;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(n_tokens);
    llm_status status = find_item(&item, result, index, __func__);
    if (status == LLM_OK) *out = list(n_tokens, &item->logprobs, sizeof **out);
    return status;
}

LLM_API llm_status llm_result_top(const llm_token_logprob **out, size_t *n_tokens, size_t *n_top,
                                  const llm_result *result, int32_t index) {
    const llmi_result_item *item = NULL;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(n_tokens);
    LLMI_NOT_NULL(n_top);
    llm_status status = find_item(&item, result, index, __func__);
    if (status != LLM_OK) return status;
    *out = list(n_tokens, &item->top, sizeof **out);
    *n_top = *n_tokens ? result->n_top : 0;
    if (*n_top) *n_tokens /= *n_top;
    return LLM_OK;
}

LLM_API llm_status llm_result_warning(llm_span *out, const llm_result *result) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(result);
    *out = (llm_span){result->warning.len ? result->warning.data : "", result->warning.len};
    return LLM_OK;
}

LLM_API llm_status llm_result_get_stats(llm_result_stats *out, const llm_result *result) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(result);
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_result_stats, decode_ms), "llm_result_stats");
    if (status == LLM_OK) llmi_api_write_out(out, &result->stats, sizeof result->stats);
    return status;
}
