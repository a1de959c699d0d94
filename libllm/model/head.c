#include "model/head.h"

#include <string.h>

#include "base/status.h"
#include "model/arch.h"

static const llmi_weight_row *row_of(const llm_model *m, llmi_role role) {
    for (int32_t i = 0; i < m->arch->n_weights; i++)
        if (m->arch->weights[i].role == role) return &m->arch->weights[i];
    return NULL;
}

static const llmi_tensor *find(llmi_row_name name, const llm_model *m, const llmi_weight_row *row) {
    name[0] = 0;
    return row ? llmi_rows_find(name, m, row, 0) : NULL;
}

bool llmi_head_is_end(const llmi_weight_row *row) {
    return row->role == LLMI_ROLE_EMBED || row->role == LLMI_ROLE_HEAD;
}

static bool is_gguf(const llm_model *m) {
    return llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF;
}

static llm_status get_flag(bool *out, const llm_model *m, const char *key, bool fallback) {
    *out = fallback;
    return llmi_weights_has(m->weights, key) ? llmi_weights_get_bool(out, m->weights, key) : LLM_OK;
}

static bool same_bytes(const llmi_tensor *x, const llmi_tensor *y) {
    return x->dtype == y->dtype && memcmp(x->shape, y->shape, sizeof x->shape) == 0 && x->n_bytes == y->n_bytes &&
           (x->n_bytes == 0 || memcmp(x->data, y->data, x->n_bytes) == 0);
}

/* A tied pair may be stored under either name, or twice. */
static void tie(llmi_head *h) {
    if (!h->embed && h->output) {
        h->embed = h->output;
        memcpy(h->embed_name, h->output_name, sizeof h->embed_name);
    }
    h->differ = h->output && h->output != h->embed && !same_bytes(h->output, h->embed);
    h->tied = !h->differ;
    if (h->tied) h->output = NULL;
}

static llm_status check_headless(const llmi_head *h, const llm_model *m) {
    if (llmi_arch_is_headless(m->arch, m->weights)) return LLM_OK;
    return llmi_error(LLM_E_UNSUPPORTED,
                      "tensor \"%s\" is missing and tie_word_embeddings is not true: the model has no head to generate "
                      "with (a reward or classification model, or a file that is not complete)",
                      h->output_name);
}

llm_status llmi_head_find(llmi_head *h, const llm_model *m) {
    h->differ = false;
    h->embed_row = row_of(m, LLMI_ROLE_EMBED);
    h->output_row = row_of(m, LLMI_ROLE_HEAD);
    h->embed = find(h->embed_name, m, h->embed_row);
    h->output = find(h->output_name, m, h->output_row);
    llm_status status = LLM_OK;
    if (is_gguf(m))
        h->tied = !h->output && !llmi_arch_is_headless(m->arch, m->weights);
    else
        status = get_flag(&h->tied, m, "tie_word_embeddings", m->arch->hf_tied);
    if (status != LLM_OK) return status;
    if (h->tied) tie(h);
    if (!h->embed) return llmi_error(LLM_E_FORMAT, "tensor \"%s\" is missing", h->embed_name);
    return h->tied || h->output ? LLM_OK : check_headless(h, m);
}
