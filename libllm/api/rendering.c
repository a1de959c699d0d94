#include "api/rendering.h"

#include "api/check.h"
#include "base/alloc.h"
#include "runtime/runtime.h"
#include "tokenizer/tokenizer.h"

llm_status llmi_rendering_create(llm_rendering **out, llm_runtime *rt) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    llm_rendering *r = llmi_alloc_zero(a, sizeof *r);
    if (!r) return LLM_E_MEMORY;
    r->runtime = llm_runtime_ref(rt);
    llmi_buf_init(&r->text, a);
    llmi_buf_init(&r->pieces, a);
    llmi_buf_init(&r->tokens, a);
    llmi_buf_init(&r->spans, a);
    *out = r;
    return LLM_OK;
}

LLM_API void llm_rendering_destroy(llm_rendering *rendering) {
    if (!rendering) return;
    llm_runtime *rt = rendering->runtime;
    llmi_buf_free(&rendering->text);
    llmi_buf_free(&rendering->pieces);
    llmi_buf_free(&rendering->tokens);
    llmi_buf_free(&rendering->spans);
    llmi_free(llmi_runtime_allocator(rt), rendering, sizeof *rendering);
    llm_runtime_unref(rt);
}

LLM_API llm_status llm_rendering_text(llm_span *out, const llm_rendering *rendering) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(rendering);
    *out = (llm_span){rendering->text.data ? rendering->text.data : "", rendering->text.len};
    return LLM_OK;
}

LLM_API llm_status llm_rendering_tokens(const llm_token **out, size_t *n_tokens, const llm_rendering *rendering) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(n_tokens);
    LLMI_NOT_NULL(rendering);
    *out = (const llm_token *)(const void *)rendering->tokens.data;
    *n_tokens = llmi_buf_count(&rendering->tokens, llm_token);
    return LLM_OK;
}

static llm_origin origin_of(const llmi_jinja_piece *p) {
    return (llm_origin){p->begin, p->end, p->line, p->message, p->given, p->generation};
}

LLM_API int32_t llm_rendering_origin_count(const llm_rendering *rendering) {
    return rendering ? (int32_t)llmi_buf_count(&rendering->pieces, llmi_jinja_piece) : 0;
}

LLM_API llm_status llm_rendering_origin(llm_origin *out, const llm_rendering *rendering, int32_t index) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(rendering);
    int32_t n = llm_rendering_origin_count(rendering);
    if (index < 0 || index >= n)
        return llmi_error(LLM_E_ARGUMENT, "llm_rendering_origin: index is %d, expected 0..%d", index, n - 1);
    *out = origin_of(&llmi_buf_at(&rendering->pieces, llmi_jinja_piece, index));
    return LLM_OK;
}

/* The piece that holds byte `at`; NULL at the end of the text. */
static const llmi_jinja_piece *piece_at(const llm_rendering *r, size_t at) {
    size_t low = 0, high = llmi_buf_count(&r->pieces, llmi_jinja_piece), n = high;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (llmi_buf_at(&r->pieces, llmi_jinja_piece, mid).end > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low < n ? &llmi_buf_at(&r->pieces, llmi_jinja_piece, low) : NULL;
}

LLM_API llm_status llm_rendering_token_origin(llm_origin *out, const llm_rendering *rendering, size_t index) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(rendering);
    size_t n = llmi_buf_count(&rendering->tokens, llm_token);
    if (index >= n)
        return llmi_error(LLM_E_ARGUMENT, "llm_rendering_token_origin: index is %zu, the rendering has %zu tokens",
                          index, n);
    llmi_text_range span = llmi_buf_at(&rendering->spans, llmi_text_range, index);
    const llmi_jinja_piece *piece = span.begin < span.end ? piece_at(rendering, span.begin) : NULL;
    *out = piece ? origin_of(piece) : (llm_origin){.message = -1};
    out->begin = span.begin;
    out->end = span.end;
    return LLM_OK;
}
