#include "model/bind.h"

#include <math.h>

#include "base/alloc.h"
#include "base/status.h"
#include "dtype.h"
#include "model/adapt.h"
#include "model/arch.h"
#include "model/head.h"
#include "model/rest.h"

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

static llm_status put(const llm_weight **slot, llm_model *m, const llmi_weight_row *row, const llmi_tensor *t,
                      const char *name, bool in_place, const llm_model_options *options) {
    if (t->other)
        return llmi_error(LLM_E_UNSUPPORTED, "tensor \"%s\" is of type %s, expected F32, F16 or BF16", name, t->other);
    llmi_tensor bound;
    llm_status status = llmi_adapt_to_bind(&bound, &m->copies, m, row, t, name);
    if (status == LLM_OK && options->check_tensors) status = check_finite(&bound, name);
    if (status != LLM_OK) return status;
    llm_tensor tensor = {
        .name = name,
        .data = bound.data,
        .n_bytes = bound.n_bytes,
        .rows = row->rows.at ? bound.shape[1] : 1,
        .cols = bound.shape[0],
        .dtype = bound.dtype,
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

static const llm_weight **slot_of(llm_model *m, const llmi_weight_row *row, int32_t layer) {
    char *base = row->role == LLMI_ROLE_LAYER ? (char *)m->layers + (size_t)layer * m->arch->layer_bytes : m->family;
    return (const llm_weight **)(void *)(base + row->offset);
}

static llm_status bind_row(llm_model *m, const llmi_weight_row *row, int32_t layer, bool in_place,
                           const llm_model_options *options) {
    llmi_row_name name;
    bool wanted;
    llm_status status = llmi_rows_is_wanted(&wanted, m->weights, row);
    if (status != LLM_OK || !wanted) return status;
    const llmi_tensor *t = llmi_rows_find(name, m, row, layer);
    bool stated = row->only_if && llmi_weights_format(m->weights) != LLMI_FORMAT_GGUF;
    bool required = !(row->flags & LLMI_OPTIONAL) || stated;
    if (!t) return required ? llmi_error(LLM_E_FORMAT, "tensor \"%s\" is missing", name) : LLM_OK;
    return put(slot_of(m, row, layer), m, row, t, name, in_place, options);
}

/* ---- the whole model ---- */

static llm_status report(const llm_model_options *options, double done) {
    if (!options->progress || options->progress(options->progress_user, done) >= 0) return LLM_OK;
    return llmi_error(LLM_E_CALLBACK, "the progress callback stopped the load at %.0f %%", done * 100);
}

/* A file need not say how many tokens it knows: the embedding does. */
static llm_status resolve_vocabulary(llm_model *m, const llmi_head *head) {
    int64_t n = head->embed->shape[1];
    if (m->hp.n_vocab) return LLM_OK;
    if (n < 1 || n > 1 << 24)
        return llmi_error(LLM_E_FORMAT, "tensor \"%s\" has %lld rows, expected 1..%d", head->embed_name, (long long)n,
                          1 << 24);
    m->hp.n_vocab = (int32_t)n;
    ((llmi_hparams *)m->hparams)->n_vocab = (int32_t)n;
    return LLM_OK;
}

/* An embedding that is not also the head is only gathered from: a packed copy of it would be wasted. */
static llm_status bind_ends(llm_model *m, const llmi_head *head, const llm_model_options *options) {
    bool in_place = !options->pack_weights;
    if (head->differ)
        llmi_log_write(llmi_runtime_log(m->runtime), LLM_LOG_WARNING,
                       "%s: tie_word_embeddings is true, but %s and %s differ: each is used as it is",
                       llmi_weights_path(m->weights), head->output_name, head->embed_name);
    llm_status status =
        put(&m->embed, m, head->embed_row, head->embed, head->embed_name, in_place || !head->tied, options);
    if (status == LLM_OK && head->output)
        status = put(&m->output, m, head->output_row, head->output, head->output_name, in_place, options);
    if (head->tied) m->output = m->embed;
    return status;
}

static llm_status bind_rows(llm_model *m, const llm_model_options *options) {
    llm_status status = LLM_OK;
    bool in_place = !options->pack_weights;
    for (int32_t i = 0; i < m->arch->n_weights && status == LLM_OK; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        if (row->role == LLMI_ROLE_MODEL) status = bind_row(m, row, 0, in_place, options);
    }
    for (int32_t layer = 0; layer < m->hp.n_layers && status == LLM_OK; layer++) {
        for (int32_t i = 0; i < m->arch->n_weights && status == LLM_OK; i++)
            if (m->arch->weights[i].role == LLMI_ROLE_LAYER)
                status = bind_row(m, &m->arch->weights[i], layer, in_place, options);
        if (status == LLM_OK) status = report(options, (layer + 1.0) / (m->hp.n_layers + 1.0));
    }
    return status;
}

/* The family's structures, still without weights. */
static llm_status make_structures(llm_model *m) {
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    const llmi_arch *arch = m->arch;
    m->owned_capacity = (size_t)arch->n_weights * (size_t)m->hp.n_layers;
    m->owned = llmi_alloc_array(a, m->owned_capacity, sizeof *m->owned);
    m->family = llmi_alloc_zero(a, arch->model_bytes);
    m->layers = llmi_alloc_zero(a, (size_t)m->hp.n_layers * arch->layer_bytes);
    if (!m->owned || !m->family || !m->layers) return LLM_E_MEMORY;
    llm_status status = LLM_OK;
    for (int32_t i = 0; i < m->hp.n_layers && arch->set_layer && status == LLM_OK; i++)
        status = arch->set_layer((char *)m->layers + (size_t)i * arch->layer_bytes, m->hparams, i, m->weights);
    return status;
}

llm_status llmi_bind(llm_model *m, const llm_model_options *options) {
    llmi_head head;
    llm_status status = llmi_head_find(&head, m);
    if (status == LLM_OK) status = llmi_rest_check(m);
    if (status == LLM_OK) status = resolve_vocabulary(m, &head);
    if (status == LLM_OK) status = make_structures(m);
    if (status == LLM_OK) status = report(options, 0);
    if (status == LLM_OK) status = bind_ends(m, &head, options);
    if (status == LLM_OK) status = bind_rows(m, options);
    m->private_bytes += llmi_adapt_bytes(&m->copies);
    return status;
}
