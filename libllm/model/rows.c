#include "model/rows.h"

#include <stdio.h>
#include <string.h>

#include "model/arch.h"

int64_t llmi_rows_dim(const void *hparams, llmi_dim dim) {
    int32_t value = 1;
    if (dim.at) memcpy(&value, (const char *)hparams + dim.at, sizeof value);
    return value;
}

/* ---- names: a prefix for the layer, and the rest, each one of several ---- */

static const char *names_of(const llmi_weight_row *row, int format) {
    return format == LLMI_FORMAT_GGUF ? row->gguf : row->hf;
}

static const char *prefixes_of(const llmi_arch *arch, const llmi_weight_row *row, int format) {
    if (row->role != LLMI_ROLE_LAYER) return "";
    return format == LLMI_FORMAT_GGUF ? arch->gguf_layer : arch->hf_layer;
}

/* Alternative number i, or false. */
static bool alternative(llm_span *out, const char *names, int32_t i) {
    for (; i > 0; i--) {
        names = strchr(names, '|');
        if (!names) return false;
        names++;
    }
    *out = (llm_span){names, strcspn(names, "|")};
    return true;
}

static const char *find_mark(llm_span prefix) {
    for (size_t i = 0; i + 1 < prefix.len; i++)
        if (prefix.ptr[i] == '%') return prefix.ptr + i;
    return NULL;
}

static void expand(llmi_row_name out, llm_span prefix, llm_span rest, int32_t layer) {
    const char *mark = find_mark(prefix);
    size_t before = mark ? (size_t)(mark - prefix.ptr) : 0;
    if (mark)
        snprintf(out, sizeof(llmi_row_name), "%.*s%d%.*s%.*s", (int)before, prefix.ptr, layer,
                 (int)(prefix.len - before - 2), mark + 2, (int)rest.len, rest.ptr);
    else
        snprintf(out, sizeof(llmi_row_name), "%.*s", (int)rest.len, rest.ptr);
}

bool llmi_rows_name(llmi_row_name out, const llmi_arch *arch, const llmi_weight_row *row, int format, int32_t layer) {
    llm_span prefix, rest;
    out[0] = 0;
    if (!names_of(row, format)) return false;
    alternative(&prefix, prefixes_of(arch, row, format), 0);
    alternative(&rest, names_of(row, format), 0);
    expand(out, prefix, rest, layer);
    return true;
}

const llmi_tensor *llmi_rows_find(llmi_row_name name, const llm_model *m, const llmi_weight_row *row, int32_t layer) {
    int format = llmi_weights_format(m->weights);
    if (!llmi_rows_name(name, m->arch, row, format, layer)) return NULL;
    llm_span prefix, rest;
    for (int32_t i = 0; alternative(&prefix, prefixes_of(m->arch, row, format), i); i++)
        for (int32_t k = 0; alternative(&rest, names_of(row, format), k); k++) {
            llmi_row_name one;
            expand(one, prefix, rest, layer);
            const llmi_tensor *t = llmi_weights_tensor(m->weights, one);
            if (t) memcpy(name, one, sizeof one);
            if (t) return t;
        }
    return NULL;
}

/* ---- the other way: from a name to its row ---- */

static bool take(llm_span *text, llm_span start) {
    if (text->len < start.len || memcmp(text->ptr, start.ptr, start.len) != 0) return false;
    *text = (llm_span){text->ptr + start.len, text->len - start.len};
    return true;
}

/* Takes the digits of a number; -1: there are none. INT32_MAX for all that are larger. */
static int32_t take_number(llm_span *text) {
    int32_t n = -1;
    for (; text->len && *text->ptr >= '0' && *text->ptr <= '9'; text->ptr++, text->len--)
        n = n >= 1 << 24 ? INT32_MAX : (n < 0 ? 0 : n) * 10 + (*text->ptr - '0');
    return n;
}

/* Takes a layer's prefix; -1: the text begins otherwise. A prefix that is empty is of layer 0. */
static int32_t take_prefix(llm_span *text, llm_span prefix) {
    const char *mark = find_mark(prefix);
    if (!mark) return 0;
    size_t before = (size_t)(mark - prefix.ptr);
    if (!take(text, (llm_span){prefix.ptr, before})) return -1;
    int32_t layer = take_number(text);
    return layer >= 0 && take(text, (llm_span){mark + 2, prefix.len - before - 2}) ? layer : -1;
}

bool llmi_rows_matches(const llm_model *m, const llmi_weight_row *row, llm_span name) {
    int format = llmi_weights_format(m->weights);
    llm_span prefix, rest;
    if (!names_of(row, format)) return false;
    for (int32_t i = 0; alternative(&prefix, prefixes_of(m->arch, row, format), i); i++) {
        llm_span after = name;
        int32_t layer = take_prefix(&after, prefix);
        if (layer < 0 || layer >= m->hp.n_layers) continue;
        for (int32_t k = 0; alternative(&rest, names_of(row, format), k); k++)
            if (after.len == rest.len && memcmp(after.ptr, rest.ptr, rest.len) == 0) return true;
    }
    return false;
}

int32_t llmi_rows_layer_of(const llm_model *m, llm_span name) {
    bool gguf = llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF;
    llm_span prefix;
    for (int32_t i = 0; alternative(&prefix, gguf ? m->arch->gguf_layer : m->arch->hf_layer, i); i++) {
        llm_span after = name;
        int32_t layer = take_prefix(&after, prefix);
        if (layer >= 0) return layer;
    }
    return -1;
}

llm_status llmi_rows_is_wanted(bool *out, const llmi_weights *w, const llmi_weight_row *row) {
    int format = llmi_weights_format(w);
    *out = names_of(row, format) && (!row->only_if || format == LLMI_FORMAT_GGUF);
    if (*out || !names_of(row, format) || !llmi_weights_has(w, row->only_if)) return LLM_OK;
    return llmi_weights_get_bool(out, w, row->only_if);
}
