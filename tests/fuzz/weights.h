/* Opens contents that a reader filled, and looks at everything that the format layer hands out. */
#ifndef TEST_FUZZ_WEIGHTS_H
#define TEST_FUZZ_WEIGHTS_H

#include <string.h>

#include "base/status.h"
#include "format/contents.h"
#include "fuzz/fuzz.h"

/* Volatile: the bytes are read, so that a sanitizer sees where they lie. */
static inline void fuzz_read(const void *data, size_t n) {
    const volatile unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) (void)bytes[i];
}

static inline void fuzz_look_at_metas(const llmi_weights *w) {
    char key[256];
    for (int32_t i = 0; i < llmi_weights_meta_count(w); i++) {
        llm_span k, v, text;
        int64_t n;
        double x;
        bool truth;
        llmi_meta_array array;
        int32_t type;
        const void *raw;
        size_t n_raw;
        llmi_weights_meta_at(&k, &v, w, i);
        fuzz_read(k.ptr, k.len);
        fuzz_read(v.ptr, v.len);
        llmi_weights_meta_raw(&type, &raw, &n_raw, w, i);
        if (raw) fuzz_read(raw, n_raw);
        if (k.len >= sizeof key) continue;
        memcpy(key, k.ptr, k.len);
        key[k.len] = 0;
        llmi_weights_get_int(&n, w, key, 0, 100);
        llmi_weights_get_float(&x, w, key);
        llmi_weights_get_bool(&truth, w, key);
        if (llmi_weights_get_string(&text, w, key) == LLM_OK) fuzz_read(text.ptr, text.len);
        if (llmi_weights_get_array(&array, w, key) == LLM_OK) fuzz_read(array.data, array.n_bytes);
    }
}

static inline void fuzz_look_at_tensors(const llmi_weights *w) {
    for (int32_t i = 0; i < llmi_weights_tensor_count(w); i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(w, i);
        fuzz_read(t->name.ptr, t->name.len);
        fuzz_read(t->data, t->n_bytes);
    }
}

/* c was filled with this status; both are given back. A failure has a text. */
static inline void fuzz_contents(llmi_contents *c, llm_status status) {
    llmi_weights *w = NULL;
    if (status == LLM_OK)
        status = llmi_weights_from_contents(&w, c);
    else
        llmi_weights_contents_free(c);
    if (status != LLM_OK && !llm_last_error()[0]) abort();
    if (!w) return;
    fuzz_look_at_metas(w);
    fuzz_look_at_tensors(w);
    llmi_weights_unref(w);
}

#endif
