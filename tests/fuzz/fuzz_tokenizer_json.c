/* tokenizer.json and a text, parted by a NUL byte: the tokenizer is made, the text goes there and back. */
#include <string.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "tokenizer/tokenizer.h"

/* Incremental decoding must give what decoding of the whole gives. */
static void compare(const llm_tokenizer *t, const llmi_buf *ids, const llmi_buf *whole, uint32_t flags) {
    llmi_buf pieces;
    llmi_buf_init(&pieces, &llmi_default_allocator);
    for (size_t i = 0; i < llmi_buf_count(ids, llm_token); i++)
        if (llmi_tokenizer_decode(&pieces, t, &llmi_buf_at(ids, llm_token, i), 1, flags, i == 0) != LLM_OK) abort();
    if (pieces.len != whole->len || (whole->len && memcmp(pieces.data, whole->data, whole->len) != 0)) abort();
    llmi_buf_free(&pieces);
}

static void try_text(const llm_tokenizer *t, const char *text, size_t n) {
    for (uint32_t flags = 0; flags < 4; flags++) {
        llmi_buf ids, bytes;
        llmi_buf_init(&ids, &llmi_default_allocator);
        llmi_buf_init(&bytes, &llmi_default_allocator);
        llm_status status = llmi_tokenizer_encode(&ids, t, text, n, flags);
        if (status != LLM_OK && status != LLM_E_LIMIT) abort(); /* of patterns and normalizers */
        size_t n_ids = llmi_buf_count(&ids, llm_token);
        for (size_t i = 0; i < n_ids; i++) {
            llm_token id = llmi_buf_at(&ids, llm_token, i);
            if (id < 0 || id >= llmi_tokenizer_size(t)) abort();
        }
        const llm_token *first = (const llm_token *)(const void *)ids.data;
        if (llmi_tokenizer_decode(&bytes, t, first, n_ids, LLM_DECODE_KEEP_PREFIX, true) != LLM_OK) abort();
        compare(t, &ids, &bytes, LLM_DECODE_KEEP_PREFIX);
        llmi_buf_free(&ids);
        llmi_buf_free(&bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const char *json = (const char *)data, *end = n ? memchr(json, 0, n) : NULL;
    size_t json_bytes = end ? (size_t)(end - json) : n, text_bytes = end ? n - json_bytes - 1 : 0;
    llm_tokenizer *t = NULL;
    llmi_tokenizer_files files = {.json = {json, json_bytes}};
    if (llmi_tokenizer_from_json(&t, &llmi_default_allocator, &files) != LLM_OK) return 0;
    try_text(t, end ? end + 1 : "", text_bytes < 256 ? text_bytes : 256);
    llmi_tokenizer_unref(t);
    return 0;
}
