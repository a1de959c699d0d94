/* A Hugging Face directory under GGUF's names and conventions. */
#include <string.h>

#include "api/pooling.h"
#include "base/alloc.h"
#include "base/status.h"
#include "model/adapt.h"
#include "model/arch.h"
#include "model/head.h"
#include "model/rope.h"
#include "quantize/plan.h"

/* The family's GGUF convention may rotate adjacent elements where Hugging Face's rotates halves: then the rows of
 * queries and keys are permuted. */
static int32_t heads_to_reorder(const llm_model *m, const llmi_weight_row *row) {
    if (m->arch->gguf_rope_style == m->arch->hf_rope_style || !row->rotary_heads.at) return 0;
    return (int32_t)llmi_rows_dim(m->hparams, row->rotary_heads);
}

/* Whether an earlier row has written the tensor, of which this one is another slice. */
static bool is_written(const llm_model *m, const llmi_weight_row *row) {
    for (const llmi_weight_row *other = m->arch->weights; other < row; other++)
        if (other->gguf && other->hf && strcmp(other->gguf, row->gguf) == 0 && strcmp(other->hf, row->hf) == 0)
            return true;
    return false;
}

static llm_status add(llmi_plan *p, const llm_model *m, const llmi_weight_row *row, int32_t layer, const llmi_tensor *t,
                      bool is_output) {
    llmi_row_name name;
    llmi_tensor whole;
    if (!llmi_rows_name(name, m->arch, row, LLMI_FORMAT_GGUF, layer) || is_written(m, row)) return LLM_OK;
    int32_t n_heads = heads_to_reorder(m, row);
    if (n_heads && row->slice.period.at && !(row->flags & LLMI_GGUF_APART))
        return llmi_error(
            LLM_E_UNSUPPORTED,
            "tensor \"%s\": GGUF keeps its heads in another rotary order, and merged ones are not reordered", name);
    llm_status status = llmi_adapt_to_gguf(&whole, &p->copies, m, row, t, name);
    if (status != LLM_OK) return status;
    return llmi_plan_add(p, (llm_span){name, strlen(name)}, &whole, is_output, n_heads);
}

static llm_status add_row(llmi_plan *p, const llm_model *m, const llmi_weight_row *row, int32_t layer) {
    llmi_row_name name;
    bool wanted;
    llm_status status = llmi_rows_is_wanted(&wanted, m->weights, row);
    if (status != LLM_OK || !wanted) return status;
    const llmi_tensor *t = llmi_rows_find(name, m, row, layer);
    return t ? add(p, m, row, layer, t, false) : LLM_OK; /* loading has refused a model that lacks what it needs */
}

/* The embedding and the head, which GGUF ties by leaving the head out. */
static llm_status add_end(llmi_plan *p, const llm_model *m, const llmi_head *head, const llmi_weight_row *row) {
    bool is_embed = row->role == LLMI_ROLE_EMBED;
    const llmi_tensor *t = is_embed ? head->embed : head->output;
    return t ? add(p, m, row, 0, t, !is_embed || head->tied) : LLM_OK;
}

/* Llama 3's rule for frequencies, as the divisors by which GGUF states it. */
static llm_status add_factors(llmi_plan *p, const llmi_rope_hparams *hp) {
    int32_t n = hp->n_rot / 2;
    if (hp->scaling != LLMI_ROPE_SCALING_LLAMA3) return LLM_OK;
    llmi_rope_hparams plain = *hp;
    plain.scaling = LLMI_ROPE_SCALING_NONE;
    size_t n_bytes = (size_t)n * sizeof(float);
    float *scaled = llmi_alloc(p->a, n_bytes), scale;
    p->factors = llmi_alloc(p->a, n_bytes);
    p->n_factors = n;
    llm_status status = scaled && p->factors ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) {
        llmi_rope_frequencies(p->factors, &scale, &plain, NULL, false);
        llmi_rope_frequencies(scaled, &scale, hp, NULL, false);
        for (int32_t i = 0; i < n; i++) p->factors[i] /= scaled[i];
        llmi_tensor t = {
            .data = p->factors, .n_bytes = n_bytes, .n_dims = 1, .shape = {n, 1, 1, 1}, .dtype = LLM_DTYPE_F32};
        static const char name[] = "rope_freqs.weight";
        status = llmi_plan_add(p, (llm_span){name, sizeof name - 1}, &t, false, 0);
    }
    llmi_free(p->a, scaled, n_bytes);
    return status;
}

static llm_status put_hparams(llmi_gguf_writer *w, const llm_model *m) {
    llm_status status = llmi_hparams_write(w, m);
    if (status == LLM_OK && !m->output) status = llmi_gguf_put_bool(w, LLMI_ARCH_HEADLESS_KEY, true);
    return status == LLM_OK ? llmi_pooling_put(w, m, llmi_arch_gguf_name(m->arch)) : status;
}

llm_status llmi_plan_hf(llmi_plan *p, llmi_gguf_writer *w, const llm_model *m) {
    llmi_head head;
    llm_status status = llmi_head_find(&head, m);
    if (status == LLM_OK) status = put_hparams(w, m);
    if (status == LLM_OK && m->tokenizer) status = llmi_quantize_put_tokenizer(w, m);
    if (status == LLM_OK && m->arch->n_ropes) /* GGUF has one such tensor */
        status = add_factors(p, (const void *)((const char *)m->hparams + m->arch->ropes[0].hparams));
    for (int32_t i = 0; i < m->arch->n_weights && status == LLM_OK; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        int32_t n = row->role == LLMI_ROLE_LAYER ? m->hp.n_layers : 1;
        if (llmi_head_is_end(row))
            status = add_end(p, m, &head, row);
        else
            for (int32_t layer = 0; layer < n && status == LLM_OK; layer++) status = add_row(p, m, row, layer);
    }
    return status;
}
