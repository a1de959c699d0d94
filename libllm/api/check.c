#include "api/check.h"

#include <string.h>

#include "base/options.h"

llm_status llmi_api_check_bytes(llm_span text) {
    if (!text.ptr && text.len) return llmi_error(LLM_E_ARGUMENT, "it is NULL, its length is not 0");
    if (text.len <= LLMI_MOST_BYTES) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "its length is %zu, expected its number of bytes", text.len);
}

llm_status llmi_api_check_span(llm_span *span) {
    if (span->ptr && span->len == LLM_NTS) span->len = strlen(span->ptr);
    return llmi_api_check_bytes(*span);
}

llm_status llmi_api_check_out(const void *out, size_t first_bytes, const char *what) {
    uint32_t n_bytes;
    memcpy(&n_bytes, out, sizeof n_bytes);
    if (n_bytes >= first_bytes && n_bytes <= LLMI_OPTIONS_MAX_BYTES) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "%s: struct_size is %u, expected sizeof(%s), here %zu", what, n_bytes, what,
                      first_bytes);
}

void llmi_api_write_out(void *out, const void *full, size_t n_bytes) {
    uint32_t n_out;
    memcpy(&n_out, out, sizeof n_out);
    memset((char *)out + sizeof n_out, 0, n_out - sizeof n_out);
    if (n_out < n_bytes) n_bytes = n_out;
    memcpy((char *)out + sizeof n_out, (const char *)full + sizeof n_out, n_bytes - sizeof n_out);
}

enum { MAX_NAME = 63 };

/* Edits (insert, delete, replace) that turn a into b (Levenshtein, 1966); b is cut at MAX_NAME bytes. */
static size_t distance(const char *a, const char *b) {
    size_t line[MAX_NAME + 1], n = strnlen(b, MAX_NAME);
    for (size_t j = 0; j <= n; j++) line[j] = j;
    for (size_t i = 0; a[i] && i < MAX_NAME; i++) {
        size_t diagonal = line[0];
        line[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            if (line[j] + 1 < best) best = line[j] + 1;
            if (line[j + 1] + 1 < best) best = line[j + 1] + 1;
            diagonal = line[j + 1];
            line[j + 1] = best;
        }
    }
    return line[n];
}

const char *llmi_api_nearest(const char *word, const char *const *names, size_t n_names) {
    const char *nearest = NULL;
    size_t least = strnlen(word, MAX_NAME) / 3 + 2;
    for (size_t i = 0; i < n_names; i++) {
        size_t d = distance(word, names[i]);
        if (d >= least) continue;
        least = d;
        nearest = names[i];
    }
    return nearest;
}
