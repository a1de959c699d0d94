#include "serve/stop_strings.h"

#include <string.h>

#include "api/check.h"
#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"

typedef struct llmi_stop_string {
    char *bytes;
    size_t n;
    size_t *shorter; /* [n] after i + 1 matched bytes: the next shorter beginning that also matches */
} llmi_stop_string;

static llm_status check(llm_span *s, size_t index) {
    llm_status status = llmi_api_check_span(s);
    if (status != LLM_OK) return llmi_error_in(status, "stop string %zu", index);
    if (!s->len) return llmi_error(LLM_E_ARGUMENT, "stop string %zu is empty", index);
    size_t valid = llmi_utf8_valid(s->ptr, s->len);
    if (valid == s->len) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "stop string %zu, \"%s\", is not UTF-8 at byte %zu", index,
                      LLMI_QUOTE(s->ptr, s->len), valid);
}

static void find_shorter(llmi_stop_string *s) {
    s->shorter[0] = 0;
    for (size_t i = 1, k = 0; i < s->n; i++) {
        while (k && s->bytes[i] != s->bytes[k]) k = s->shorter[k - 1];
        if (s->bytes[i] == s->bytes[k]) k++;
        s->shorter[i] = k;
    }
}

llm_status llmi_stop_strings_init(llmi_stop_strings *s, const llm_allocator *a, const llm_span *strings, size_t n) {
    *s = (llmi_stop_strings){.a = a};
    for (size_t i = 0; i < n; i++) {
        llm_status status = check(&(llm_span){strings[i].ptr, strings[i].len}, i);
        if (status != LLM_OK) return status;
    }
    if (!n) return LLM_OK;
    s->strings = llmi_alloc_array(a, n, sizeof *s->strings);
    if (!s->strings) return LLM_E_MEMORY;
    memset(s->strings, 0, n * sizeof *s->strings);
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        llmi_stop_string *one = &s->strings[i];
        one->n = llmi_text_length(strings[i].ptr, strings[i].len);
        one->bytes = llmi_strndup(a, strings[i].ptr, one->n);
        one->shorter = llmi_alloc_array(a, one->n, sizeof *one->shorter);
        if (!one->bytes || !one->shorter) {
            llmi_stop_strings_free(s);
            return LLM_E_MEMORY;
        }
        find_shorter(one);
    }
    return LLM_OK;
}

void llmi_stop_strings_free(llmi_stop_strings *s) {
    for (size_t i = 0; i < s->n; i++) {
        llmi_stop_string *one = &s->strings[i];
        if (one->bytes) llmi_free(s->a, one->bytes, one->n + 1);
        if (one->shorter) llmi_free(s->a, one->shorter, one->n * sizeof *one->shorter);
    }
    if (s->strings) llmi_free(s->a, s->strings, s->n * sizeof *s->strings);
    *s = (llmi_stop_strings){.a = s->a};
}

bool llmi_stop_strings_read(size_t *n_read, size_t *n_string, const llmi_stop_strings *s, size_t *matched,
                            const char *text, size_t n) {
    *n_string = 0;
    for (size_t at = 0; at < n && s->n; at++) {
        for (size_t i = 0; i < s->n; i++) {
            const llmi_stop_string *one = &s->strings[i];
            size_t k = matched[i];
            while (k && one->bytes[k] != text[at]) k = one->shorter[k - 1];
            if (one->bytes[k] == text[at]) k++;
            matched[i] = k;
            if (k < one->n) continue;
            if (k > *n_string) *n_string = k;
            matched[i] = one->shorter[k - 1];
        }
        *n_read = at + 1;
        if (*n_string) return true;
    }
    *n_read = n;
    return false;
}

size_t llmi_stop_strings_pending(const llmi_stop_strings *s, const size_t *matched) {
    size_t most = 0;
    for (size_t i = 0; i < s->n; i++)
        if (matched[i] > most) most = matched[i];
    return most;
}
