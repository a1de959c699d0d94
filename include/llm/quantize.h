/* libllm: writing a model in another data type. */
#ifndef LLM_QUANTIZE_H
#define LLM_QUANTIZE_H

#include <llm/model.h>

LLM_BEGIN_DECLS

typedef struct llm_quantize_options {
    uint32_t struct_size;     /* set by llm_quantize_options_init() */
    int32_t output_dtype;     /* type of the output head and a tied embedding; default LLM_DTYPE_AUTO:
                                 Q6_K when dtype has fewer bits than that, otherwise dtype */
    llm_progress_fn progress; /* as for llm_model_load; default NULL */
    void *progress_user;
} llm_quantize_options;

LLM_API void llm_quantize_options_init_sized(llm_quantize_options *options, size_t n_bytes);
static inline void llm_quantize_options_init(llm_quantize_options *options) {
    llm_quantize_options_init_sized(options, sizeof *options);
}

/* Writes the model at `in` (GGUF or Hugging Face directory) as a GGUF file at `out_path`, its
 * matrices stored as `dtype`. Vectors stay F32; a matrix whose rows do not divide into the type's
 * blocks is stored in a type of 32-element blocks or F16. The file appears whole or not at
 * all: it has no name in the folder of `out_path` until it is complete (where the file system cannot do that,
 * .libllm-*.tmp, removed after every failure). An existing file is replaced only if it is a regular file that
 * may be written and that is not, under any name, part of the input (LLM_E_IO, LLM_E_ARGUMENT); a symbolic link is
 * followed; the new file keeps the mode and, where the system allows it, the owner of the old one. A file beyond
 * RLIMIT_FSIZE or a full disk is LLM_E_IO, without SIGXFSZ; an input that is truncated meanwhile is LLM_E_IO, without
 * SIGBUS (where the system has process_vm_readv). From a directory, names, hyper-parameters, order of rows, tokenizer
 * and chat template are converted to GGUF's; what GGUF cannot express (a tokenizer other than BPE, windows that
 * differ from layer to layer) is LLM_E_UNSUPPORTED. Errors: as llm_model_load, LLM_E_IO. Any thread. Since 0.1. */
LLM_API llm_status llm_quantize(llm_runtime *runtime, const char *in, const char *out_path, llm_dtype dtype,
                                const llm_quantize_options *options);

LLM_END_DECLS

#endif
