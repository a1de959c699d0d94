#include "serve/delivery.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"

llm_status llmi_delivery_init(llmi_delivery *d, const llm_allocator *a, const llm_tokenizer *tokenizer, uint32_t flags,
                              const llmi_stop_strings *stops, llmi_buf *text) {
    *d = (llmi_delivery){.stops = stops, .text = text};
    llmi_serve_decoder_init(&d->decoder, a, tokenizer, flags | LLM_DECODE_SKIP_SPECIAL);
    if (!stops->n) return LLM_OK;
    d->matched = llmi_alloc_array(a, stops->n, sizeof *d->matched);
    if (!d->matched) return LLM_E_MEMORY;
    memset(d->matched, 0, stops->n * sizeof *d->matched);
    return LLM_OK;
}

void llmi_delivery_free(llmi_delivery *d) {
    if (d->matched) llmi_free(d->decoder.bytes.a, d->matched, d->stops->n * sizeof *d->matched);
    llmi_serve_decoder_free(&d->decoder);
    d->matched = NULL;
}

/* Looks for stop strings in what was appended after the first `before` bytes. */
static void find_stop(llmi_delivery *d, size_t before) {
    size_t n_read, n_string;
    size_t n_new = d->text->len - before;
    if (n_new && llmi_stop_strings_read(&n_read, &n_string, d->stops, d->matched, d->text->data + before, n_new)) {
        d->text->len = before + n_read - n_string;
        d->stopped = true;
        d->n_ready = d->text->len;
    } else {
        d->n_ready = d->text->len - llmi_stop_strings_pending(d->stops, d->matched);
    }
}

/* An id beyond the vocabulary is one of the rows by which a model's matrix is padded: it spells nothing. */
static bool has_text(const llmi_delivery *d, llm_token token) {
    const llm_tokenizer *t = d->decoder.tokenizer;
    return t && token >= 0 && token < llmi_tokenizer_size(t);
}

llm_status llmi_delivery_token(llmi_delivery *d, llm_token token) {
    if (d->stopped || !has_text(d, token)) return LLM_OK;
    size_t before = d->text->len;
    llm_status status = llmi_serve_decoder_take(d->text, &d->decoder, token);
    if (status == LLM_OK) find_stop(d, before);
    return status;
}

llm_status llmi_delivery_end(llmi_delivery *d) {
    if (d->stopped || !d->decoder.tokenizer) return LLM_OK;
    size_t before = d->text->len;
    llm_status status = llmi_serve_decoder_rest(d->text, &d->decoder);
    if (status != LLM_OK) return status;
    find_stop(d, before);
    d->n_ready = d->text->len;
    return LLM_OK;
}
