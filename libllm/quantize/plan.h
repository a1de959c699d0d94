/* What llm_quantize will write: the tensors of the new file, each with its source and its type. */
#ifndef LLMI_QUANTIZE_PLAN_H
#define LLMI_QUANTIZE_PLAN_H

#include "base/buf.h"
#include "format/gguf_write.h"
#include "model/model.h"

typedef struct llmi_plan_tensor {
    char *name; /* of GGUF */
    llmi_tensor source;
    llm_dtype dtype;
    size_t n_bytes;  /* as it will be written */
    int32_t n_heads; /* above 0: the rows of each head go from half to adjacent order (LLM_ROPE_*) */
} llmi_plan_tensor;

typedef struct llmi_plan {
    const llm_allocator *a;
    llm_dtype dtype, output_dtype;
    llmi_buf tensors; /* llmi_plan_tensor */
    float *factors;   /* rope_freqs.weight, which a Hugging Face directory states by formula */
    int32_t n_factors;
    llmi_buf copies; /* of tensors that GGUF holds in another form (model/adapt.h) */
    size_t n_bytes;  /* of all tensors */
} llmi_plan;

void llmi_plan_init(llmi_plan *p, const llm_allocator *a, llm_dtype dtype, llm_dtype output_dtype);
void llmi_plan_free(llmi_plan *p);

/* Tensors and metadata of a GGUF file of any architecture. */
llm_status llmi_plan_gguf(llmi_plan *p, llmi_gguf_writer *w, const llmi_weights *in);

/* The same of a model loaded from a Hugging Face directory. */
llm_status llmi_plan_hf(llmi_plan *p, llmi_gguf_writer *w, const llm_model *m);

/* Appends one tensor; the name is copied. */
llm_status llmi_plan_add(llmi_plan *p, llm_span name, const llmi_tensor *source, bool is_output, int32_t n_heads);

/* gguf_tokenizer.c: tokenizer.ggml.* */
llm_status llmi_quantize_put_tokenizer(llmi_gguf_writer *w, const llm_model *m);

#endif
