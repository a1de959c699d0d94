#include "serve/decoder.h"

#include <string.h>

#include "api/check.h"
#include "api/tokenizer.h"
#include "base/alloc.h"
#include "base/utf8.h"

void llmi_serve_decoder_init(llmi_serve_decoder *d, const llm_allocator *a, const llm_tokenizer *tokenizer,
                             uint32_t flags) {
    *d = (llmi_serve_decoder){.tokenizer = tokenizer, .flags = flags, .at_start = !(flags & LLM_DECODE_KEEP_PREFIX)};
    llmi_buf_init(&d->bytes, a);
}

void llmi_serve_decoder_free(llmi_serve_decoder *d) {
    llmi_buf_free(&d->bytes);
}

/* Moves the first n waiting bytes to text. */
static llm_status hand_out(llmi_buf *text, llmi_serve_decoder *d, size_t n) {
    size_t before = text->len;
    if (llmi_utf8_repair(text, d->bytes.data, n) != 0) {
        text->len = before;
        return LLM_E_MEMORY;
    }
    d->bytes.len -= n;
    if (d->bytes.len) memmove(d->bytes.data, d->bytes.data + n, d->bytes.len);
    return LLM_OK;
}

llm_status llmi_serve_decoder_take(llmi_buf *text, llmi_serve_decoder *d, llm_token token) {
    size_t before = d->bytes.len;
    llm_status status = llmi_tokenizer_decode(&d->bytes, d->tokenizer, &token, 1, d->flags, d->at_start);
    size_t n_new = d->bytes.len - before;
    if (status == LLM_OK && n_new) status = hand_out(text, d, llmi_utf8_whole(d->bytes.data, d->bytes.len));
    if (status != LLM_OK) {
        d->bytes.len = before;
        return status;
    }
    if (!llmi_tokenizer_skips(d->tokenizer, token, d->flags)) d->at_start = false;
    return LLM_OK;
}

llm_status llmi_serve_decoder_rest(llmi_buf *text, llmi_serve_decoder *d) {
    llm_status status = d->bytes.len ? hand_out(text, d, d->bytes.len) : LLM_OK;
    if (status == LLM_OK) d->at_start = !(d->flags & LLM_DECODE_KEEP_PREFIX);
    return status;
}

/* ---- the public decoder ---- */

struct llm_decoder {
    llmi_serve_decoder inner;
    llm_tokenizer *tokenizer; /* reference */
    llmi_buf text;            /* what was handed out last */
};

LLM_API llm_status llm_decoder_create(llm_decoder **out, const llm_tokenizer *tokenizer, uint32_t flags) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(tokenizer);
    llm_status status = llmi_api_check_decode_flags(flags);
    if (status != LLM_OK) return status;
    const llm_allocator *a = llmi_api_tokenizer_memory(tokenizer);
    llm_decoder *d = llmi_alloc_zero(a, sizeof *d);
    if (!d) return LLM_E_MEMORY;
    /* Only the count of references changes. */
    d->tokenizer = llmi_tokenizer_ref((llm_tokenizer *)tokenizer);
    llmi_serve_decoder_init(&d->inner, a, tokenizer, flags);
    llmi_buf_init(&d->text, a);
    *out = d;
    return LLM_OK;
}

static llm_span handed_out(const llm_decoder *d) {
    return (llm_span){d->text.len ? d->text.data : "", d->text.len};
}

LLM_API llm_status llm_decoder_push(llm_span *out, llm_decoder *decoder, llm_token token) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = (llm_span){"", 0};
    LLMI_NOT_NULL(decoder);
    llm_status status = llmi_api_check_token(decoder->tokenizer, token);
    if (status != LLM_OK) return status;
    decoder->text.len = 0;
    status = llmi_serve_decoder_take(&decoder->text, &decoder->inner, token);
    if (status == LLM_OK) *out = handed_out(decoder);
    return status;
}

LLM_API llm_status llm_decoder_finish(llm_span *out, llm_decoder *decoder) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = (llm_span){"", 0};
    LLMI_NOT_NULL(decoder);
    decoder->text.len = 0;
    llm_status status = llmi_serve_decoder_rest(&decoder->text, &decoder->inner);
    if (status == LLM_OK) *out = handed_out(decoder);
    return status;
}

LLM_API void llm_decoder_destroy(llm_decoder *decoder) {
    if (!decoder) return;
    llm_tokenizer *tokenizer = decoder->tokenizer;
    llmi_serve_decoder_free(&decoder->inner);
    llmi_buf_free(&decoder->text);
    llmi_free(llmi_api_tokenizer_memory(tokenizer), decoder, sizeof *decoder);
    llmi_tokenizer_unref(tokenizer);
}
