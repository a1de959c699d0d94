#include "model/rows.h"

#include <stdio.h>
#include <string.h>

/* Some files of Hugging Face leave it out. */
static const char PREFIX[] = "model.";
enum { N_PREFIX = sizeof PREFIX - 1 };

bool llmi_rows_is_layer(const llmi_weight_row *row) {
    return strstr(row->gguf, "%d") != NULL;
}

void llmi_rows_expand(llmi_row_name out, const char *pattern, int32_t layer) {
    const char *mark = strstr(pattern, "%d");
    if (mark)
        snprintf(out, sizeof(llmi_row_name), "%.*s%d%s", (int)(mark - pattern), pattern, layer, mark + 2);
    else
        snprintf(out, sizeof(llmi_row_name), "%s", pattern);
}

static const char *pattern_of(const llmi_weight_row *row, int format) {
    return format == LLMI_FORMAT_GGUF ? row->gguf : row->hf;
}

static bool has_prefix(const char *pattern, int format) {
    return format != LLMI_FORMAT_GGUF && strncmp(pattern, PREFIX, N_PREFIX) == 0;
}

const llmi_tensor *llmi_rows_find(llmi_row_name name, const llmi_weights *w, const llmi_weight_row *row,
                                  int32_t layer) {
    int format = llmi_weights_format(w);
    llmi_rows_expand(name, pattern_of(row, format), layer);
    const llmi_tensor *t = llmi_weights_tensor(w, name);
    return t || !has_prefix(name, format) ? t : llmi_weights_tensor(w, name + N_PREFIX);
}

/* Whether a pattern gives `name` for one of the layers. */
static bool matches(const char *pattern, llm_span name, int32_t n_layers) {
    const char *mark = strstr(pattern, "%d");
    size_t before = mark ? (size_t)(mark - pattern) : strlen(pattern);
    if (name.len < before || memcmp(name.ptr, pattern, before) != 0) return false;
    if (!mark) return name.len == before;
    int32_t layer = 0;
    size_t i = before;
    for (; i < name.len && name.ptr[i] >= '0' && name.ptr[i] <= '9' && layer < n_layers; i++)
        layer = layer * 10 + (name.ptr[i] - '0');
    size_t after = strlen(mark + 2);
    return i > before && layer < n_layers && name.len - i == after && memcmp(name.ptr + i, mark + 2, after) == 0;
}

bool llmi_rows_matches(const llmi_weight_row *row, int format, llm_span name, int32_t n_layers) {
    const char *pattern = pattern_of(row, format);
    if (matches(pattern, name, n_layers)) return true;
    return has_prefix(pattern, format) && matches(pattern + N_PREFIX, name, n_layers);
}

llm_status llmi_rows_is_wanted(bool *out, const llmi_weights *w, const llmi_weight_row *row) {
    *out = !row->flag || llmi_weights_format(w) == LLMI_FORMAT_GGUF;
    if (*out || !llmi_weights_has(w, row->flag)) return LLM_OK;
    return llmi_weights_get_bool(out, w, row->flag);
}
