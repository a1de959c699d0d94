#include "model/bind.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "dtype.h"
#include "model/hparams.h"

typedef char name_text[160];

static bool is_layer_row(const llmi_weight_row *row) {
    return strstr(row->gguf, "%d") != NULL;
}

/* Puts the layer's number in place of %d. */
static void expand(name_text out, const char *name, int32_t layer) {
    const char *mark = strstr(name, "%d");
    if (mark)
        snprintf(out, sizeof(name_text), "%.*s%d%s", (int)(mark - name), name, layer, mark + 2);
    else
        snprintf(out, sizeof(name_text), "%s", name);
}

static const llmi_tensor *find_tensor(name_text name, const llm_model *m, const llmi_weight_row *row, int32_t layer) {
    bool gguf = llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF;
    expand(name, gguf ? row->gguf : row->hf, layer);
    const llmi_tensor *t = llmi_weights_tensor(m->weights, name);
    if (t || gguf || strncmp(name, "model.", 6) != 0) return t;
    return llmi_weights_tensor(m->weights, name + 6);
}

static int64_t dimension(const llmi_hparams *hp, char letter) {
    const struct {
        char letter;
        int64_t value;
    } table[] = {
        {'1', 1},
        {'E', hp->n_embd},
        {'V', hp->n_vocab},
        {'F', hp->n_ff},
        {'D', hp->head_dim},
        {'Q', (int64_t)hp->n_heads * hp->head_dim},
        {'K', (int64_t)hp->n_kv_heads * hp->head_dim},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].letter == letter) return table[i].value;
    return -1;
}

static llm_status check_shape(const llmi_tensor *t, const char *name, int64_t rows, int64_t cols) {
    if (t->shape[0] == cols && t->shape[1] == rows && t->shape[2] == 1 && t->shape[3] == 1) return LLM_OK;
    return llmi_error(LLM_E_FORMAT, "tensor \"%s\" has shape [%lld, %lld, %lld, %lld], expected [%lld, %lld]", name,
                      (long long)t->shape[0], (long long)t->shape[1], (long long)t->shape[2], (long long)t->shape[3],
                      (long long)cols, (long long)rows);
}

/* Reads every element once, a piece at a time. */
static llm_status check_finite(const llmi_tensor *t, const char *name) {
    const llmk_dtype *dtype = llmk_dtype_get(t->dtype);
    if (!dtype) return LLM_OK; /* the device will refuse it */
    float piece[1024];
    int64_t n = t->shape[0] * t->shape[1];
    int64_t step = 1024 / dtype->block_elems * dtype->block_elems;
    for (int64_t i = 0; i < n; i += step) {
        int64_t count = n - i < step ? n - i : step;
        dtype->dequantize(piece, (const char *)t->data + i / dtype->block_elems * dtype->block_bytes, count);
        for (int64_t k = 0; k < count; k++)
            if (!isfinite(piece[k]))
                return llmi_error(LLM_E_FORMAT, "tensor \"%s\": element %lld is %f, expected a finite number", name,
                                  (long long)(i + k), (double)piece[k]);
    }
    return LLM_OK;
}

static llm_status put(const llm_weight **slot, llm_model *m, const llmi_tensor *t, const char *name, int64_t rows,
                      int64_t cols, bool in_place, const llm_model_options *options) {
    llm_status status = check_shape(t, name, rows, cols);
    if (status == LLM_OK && options->check_tensors) status = check_finite(t, name);
    if (status != LLM_OK) return status;
    llm_tensor tensor = {
        .name = name,
        .data = t->data,
        .n_bytes = t->n_bytes,
        .rows = rows,
        .cols = cols,
        .dtype = t->dtype,
        .in_place = in_place,
    };
    llm_weight *weight = NULL;
    size_t private_bytes = 0;
    status = m->device->ops->weight_put(&weight, &private_bytes, m->device, &tensor);
    if (status != LLM_OK) return llmi_error_in(status, "tensor \"%s\"", name);
    m->owned[m->n_owned++] = weight;
    m->private_bytes += private_bytes;
    *slot = weight;
    return LLM_OK;
}

static llm_status bind_row(llm_model *m, const llmi_weight_row *row, int32_t layer, bool in_place,
                           const llm_model_options *options) {
    name_text name;
    const llmi_tensor *t = find_tensor(name, m, row, layer);
    if (!t) return row->optional ? LLM_OK : llmi_error(LLM_E_FORMAT, "tensor \"%s\" is missing", name);
    char *base = is_layer_row(row) ? (char *)&m->layers[layer] : (char *)m;
    const llm_weight **slot = (const llm_weight **)(void *)(base + row->offset);
    return put(slot, m, t, name, dimension(&m->hp, row->rows), dimension(&m->hp, row->cols), in_place, options);
}

/* ---- the whole model ---- */

static llm_status report(const llm_model_options *options, double done) {
    if (!options->progress || options->progress(options->progress_user, done) >= 0) return LLM_OK;
    return llmi_error(LLM_E_CALLBACK, "the progress callback stopped the load at %.0f %%", done * 100);
}

/* Whether a row's pattern gives `name` for one of the layers. */
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

static bool is_known(const llm_model *m, llm_span name) {
    static const char old_table[] = ".rotary_emb.inv_freq"; /* stored by early Hugging Face files */
    size_t n = sizeof old_table - 1;
    if (matches("rope_freqs.weight", name, 0)) return true;
    if (name.len > n && memcmp(name.ptr + name.len - n, old_table, n) == 0) return true;
    bool gguf = llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF;
    for (int32_t i = 0; i < m->arch->n_weights; i++) {
        const char *pattern = gguf ? m->arch->weights[i].gguf : m->arch->weights[i].hf;
        if (matches(pattern, name, m->hp.n_layers)) return true;
        if (!gguf && strncmp(pattern, "model.", 6) == 0 && matches(pattern + 6, name, m->hp.n_layers)) return true;
    }
    return false;
}

/* A tensor that nothing reads may mean that the file is of a variant which this family does not compute. */
static void warn_of_rest(const llm_model *m) {
    int32_t n = 0;
    llm_span first = {0};
    for (int32_t i = 0; i < llmi_weights_tensor_count(m->weights); i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(m->weights, i);
        if (is_known(m, t->name)) continue;
        if (n++ == 0) first = t->name;
    }
    if (n)
        llmi_log_write(llmi_runtime_log(m->runtime), LLM_LOG_WARNING,
                       "%s: family %s does not use %d tensors, such as %.*s", llmi_weights_path(m->weights),
                       m->arch->name, n, first.len < 128 ? (int)first.len : 128, first.ptr);
}

/* A file need not say how many tokens it knows: the embedding does. */
static llm_status resolve_vocabulary(llm_model *m) {
    if (m->hp.n_vocab) return LLM_OK;
    for (int32_t i = 0; i < m->arch->n_weights; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        if (row->rows != 'V' || row->optional) continue;
        name_text name;
        const llmi_tensor *t = find_tensor(name, m, row, 0);
        if (!t) return llmi_error(LLM_E_FORMAT, "tensor \"%s\" is missing", name);
        if (t->shape[1] < 1 || t->shape[1] > 1 << 24)
            return llmi_error(LLM_E_FORMAT, "tensor \"%s\" has %lld rows, expected 1..%d", name, (long long)t->shape[1],
                              1 << 24);
        m->hp.n_vocab = (int32_t)t->shape[1];
        return LLM_OK;
    }
    return llmi_error(LLM_E_INTERNAL, "family %s has no embedding", m->arch->name);
}

/* transformers ties by flag, whatever the file holds; GGUF by leaving the head out. */
static llm_status is_tied(bool *out, const llm_model *m) {
    *out = false;
    if (llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF || !llmi_weights_has(m->weights, "tie_word_embeddings"))
        return LLM_OK;
    return llmi_weights_get_bool(out, m->weights, "tie_word_embeddings");
}

static bool is_embedding(const llmi_weight_row *row) {
    return row->offset == offsetof(llm_model, embed) && !is_layer_row(row);
}

static bool is_head(const llmi_weight_row *row) {
    return row->offset == offsetof(llm_model, output) && !is_layer_row(row);
}

static bool has_head(const llm_model *m) {
    name_text name;
    for (int32_t i = 0; i < m->arch->n_weights; i++)
        if (is_head(&m->arch->weights[i])) return find_tensor(name, m, &m->arch->weights[i], 0) != NULL;
    return false;
}

/* An embedding that is no head too is only gathered from: a packed copy would be of no use. */
static llm_status bind_rows(llm_model *m, const llm_model_options *options, bool tied) {
    llm_status status = report(options, 0);
    bool in_place = !options->pack_weights, gathered = in_place || (!tied && has_head(m));
    for (int32_t i = 0; i < m->arch->n_weights && status == LLM_OK; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        if (is_layer_row(row) || (tied && is_head(row))) continue;
        status = bind_row(m, row, 0, is_embedding(row) ? gathered : in_place, options);
    }
    for (int32_t layer = 0; layer < m->hp.n_layers && status == LLM_OK; layer++) {
        for (int32_t i = 0; i < m->arch->n_weights && status == LLM_OK; i++)
            if (is_layer_row(&m->arch->weights[i]))
                status = bind_row(m, &m->arch->weights[i], layer, in_place, options);
        if (status == LLM_OK) status = report(options, (layer + 1.0) / (m->hp.n_layers + 1.0));
    }
    return status;
}

static llm_status set_windows(llm_model *m) {
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    size_t n_bytes = (size_t)m->hp.n_layers * sizeof(int32_t);
    int32_t *windows = llmi_alloc(a, n_bytes);
    if (!windows) return LLM_E_MEMORY;
    llm_status status = llmi_hparams_windows(windows, &m->hp, m->weights);
    for (int32_t i = 0; i < m->hp.n_layers && status == LLM_OK; i++) m->layers[i].window = windows[i];
    llmi_free(a, windows, n_bytes);
    return status;
}

llm_status llmi_bind(llm_model *m, const llm_model_options *options) {
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    llm_status status = resolve_vocabulary(m);
    if (status != LLM_OK) return status;

    m->owned_capacity = (size_t)m->arch->n_weights * (size_t)m->hp.n_layers;
    m->owned = llmi_alloc_array(a, m->owned_capacity, sizeof *m->owned);
    if (!m->owned) return LLM_E_MEMORY;
    m->layers = llmi_alloc_zero(a, (size_t)m->hp.n_layers * sizeof *m->layers);
    if (!m->layers) return LLM_E_MEMORY;

    bool tied;
    status = set_windows(m);
    if (status == LLM_OK) status = is_tied(&tied, m);
    if (status == LLM_OK) status = bind_rows(m, options, tied);
    if (status != LLM_OK) return status;
    if (!m->output) m->output = m->embed;
    warn_of_rest(m);
    return LLM_OK;
}
