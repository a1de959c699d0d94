#include "quantize/plan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "dtype.h"
#include "model/adapt.h"
#include "model/arch.h"

void llmi_plan_init(llmi_plan *p, const llm_allocator *a, llm_dtype dtype, llm_dtype output_dtype) {
    *p = (llmi_plan){.a = a, .dtype = dtype, .output_dtype = output_dtype};
    llmi_buf_init(&p->tensors, a);
    llmi_buf_init(&p->copies, a);
}

void llmi_plan_free(llmi_plan *p) {
    for (size_t i = 0; i < llmi_buf_count(&p->tensors, llmi_plan_tensor); i++) {
        char *name = llmi_buf_at(&p->tensors, llmi_plan_tensor, i).name;
        llmi_free(p->a, name, strlen(name) + 1);
    }
    llmi_buf_free(&p->tensors);
    llmi_adapt_free(&p->copies);
    if (p->factors) llmi_free(p->a, p->factors, (size_t)p->n_factors * sizeof *p->factors);
}

/* The type for rows that do not divide into the wanted type's blocks: not fewer bits, blocks of 32, or F16. */
static llm_dtype fallback(llm_dtype wanted, int64_t cols) {
    static const struct {
        llm_dtype wanted, instead;
    } table[] = {
        {LLM_DTYPE_Q2_K, LLM_DTYPE_Q4_0}, {LLM_DTYPE_Q3_K, LLM_DTYPE_Q4_0}, {LLM_DTYPE_Q4_K, LLM_DTYPE_Q5_0},
        {LLM_DTYPE_Q5_K, LLM_DTYPE_Q5_1}, {LLM_DTYPE_Q6_K, LLM_DTYPE_Q8_0},
    };
    if (cols % llmk_dtype_get(wanted)->block_elems == 0) return wanted;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].wanted == wanted && cols % llmk_dtype_get(table[i].instead)->block_elems == 0)
            return table[i].instead;
    return LLM_DTYPE_F16;
}

static double bits(llm_dtype dtype) {
    const llmk_dtype *d = llmk_dtype_get(dtype);
    return 8.0 * d->block_bytes / d->block_elems;
}

static llm_dtype choose(const llmi_plan *p, const llmi_tensor *t, bool is_output) {
    if (t->n_dims < 2) return LLM_DTYPE_F32;
    llm_dtype dtype = p->dtype;
    if (is_output && p->output_dtype != LLM_DTYPE_AUTO) dtype = p->output_dtype;
    if (is_output && p->output_dtype == LLM_DTYPE_AUTO && bits(dtype) < bits(LLM_DTYPE_Q6_K)) dtype = LLM_DTYPE_Q6_K;
    return fallback(dtype, t->shape[0]);
}

llm_status llmi_plan_add(llmi_plan *p, llm_span name, const llmi_tensor *source, bool is_output, int32_t n_heads) {
    const llmk_dtype *from = llmk_dtype_get(source->dtype);
    if (!from)
        return llmi_error(LLM_E_UNSUPPORTED, "tensor \"%.*s\" has type %d, which cannot be read", (int)name.len,
                          name.ptr, source->dtype);
    llmi_plan_tensor t = {.source = *source, .dtype = choose(p, source, is_output), .n_heads = n_heads};
    const llmk_dtype *to = llmk_dtype_get(t.dtype);
    /* The source's size is checked, and no type takes more than 16 times another's room. */
    size_t n_elems = source->n_bytes / (size_t)from->block_bytes * (size_t)from->block_elems;
    t.n_bytes = n_elems / (size_t)to->block_elems * (size_t)to->block_bytes;
    t.name = llmi_strndup(p->a, name.ptr, name.len);
    if (!t.name) return LLM_E_MEMORY;
    if (llmi_buf_push(&p->tensors, t)) {
        p->n_bytes += t.n_bytes;
        return LLM_OK;
    }
    llmi_free(p->a, t.name, name.len + 1);
    return LLM_E_MEMORY;
}

/* ---- from GGUF ---- */

static bool begins(llm_span name, const char *known) {
    return name.len >= strlen(known) && memcmp(name.ptr, known, strlen(known)) == 0;
}

/* Keys that speak of the old file's form, not of the model. */
static bool is_of_file(llm_span key) {
    return begins(key, "split.") || llmi_span_is(key, "general.alignment") || llmi_span_is(key, "general.file_type") ||
           llmi_span_is(key, "general.quantization_version");
}

llm_status llmi_plan_gguf(llmi_plan *p, llmi_gguf_writer *w, const llmi_weights *in) {
    llm_status status = LLM_OK;
    for (int32_t i = 0; i < llmi_weights_meta_count(in) && status == LLM_OK; i++) {
        llm_span key, text;
        int32_t type;
        const void *data;
        size_t n_bytes;
        llmi_weights_meta_at(&key, &text, in, i);
        llmi_weights_meta_raw(&type, &data, &n_bytes, in, i);
        if (!is_of_file(key)) status = llmi_gguf_put_raw(w, key.ptr, key.len, type, data, n_bytes);
    }
    bool headless = llmi_arch_is_headless(NULL, in);
    bool tied = !headless && !llmi_weights_tensor(in, "output.weight");
    for (int32_t i = 0; i < llmi_weights_tensor_count(in) && status == LLM_OK; i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(in, i);
        bool is_output = llmi_span_is(t->name, tied ? "token_embd.weight" : "output.weight");
        status = llmi_plan_add(p, t->name, t, is_output, 0);
    }
    return status;
}
