/* Answers: an extractor, a NUL, the text. Normal forms, and numbers in their one form, stay what they
 * are. */
#include "base/status.h"
#include "fuzz/fuzz.h"
#include "prompt/extract.h"

static void check_normal(const char *text, size_t n) {
    llmi_buf once, twice;
    llmi_buf_init(&once, &llmi_default_allocator);
    llmi_buf_init(&twice, &llmi_default_allocator);
    if (!llmi_extract_normalize(&once, text, n)) abort();
    if (!llmi_extract_normalize(&twice, once.len ? once.data : "", once.len)) abort();
    if (once.len != twice.len || (once.len && memcmp(once.data, twice.data, once.len) != 0)) abort();
    llmi_buf_free(&once);
    llmi_buf_free(&twice);
}

static void check_number(const llmi_extract *x, const llmi_buf *number) {
    llmi_buf again;
    bool found;
    llmi_buf_init(&again, &llmi_default_allocator);
    if (llmi_extract_run(&again, &found, x, number->data, number->len) != LLM_OK || !found) abort();
    if (again.len != number->len || memcmp(again.data, number->data, again.len) != 0) abort();
    llmi_buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const uint8_t *end = n ? memchr(data, 0, n) : NULL;
    if (!end || n > 1 << 14) return 0;
    const char *text = (const char *)end + 1;
    size_t n_text = n - (size_t)(end - data) - 1;
    llmi_extract *x;
    llmi_error_clear();
    llm_status status = llmi_extract_create(&x, &llmi_default_allocator, (const char *)data, (size_t)(end - data));
    if ((status == LLM_OK) != (x != NULL) || (status != LLM_OK && !llm_last_error()[0])) abort();
    if (x) {
        llmi_buf out;
        bool found;
        llmi_buf_init(&out, &llmi_default_allocator);
        status = llmi_extract_run(&out, &found, x, text, n_text);
        if (status != LLM_OK && (found || !llm_last_error()[0])) abort();
        if (!found && out.len) abort();
        if (found) check_normal(out.len ? out.data : "", out.len);
        if (found && strcmp((const char *)data, "number") == 0) check_number(x, &out);
        llmi_buf_free(&out);
    }
    llmi_extract_destroy(x);
    check_normal(text, n_text);
    return 0;
}
