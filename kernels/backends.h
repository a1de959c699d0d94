/* The back ends that are part of libllm itself. */
#ifndef LLMK_BACKENDS_H
#define LLMK_BACKENDS_H

#include <llm/sys/backend.h>

LLM_BEGIN_DECLS

/* kernels/ref: every operation in its shortest correct form, one thread. What the others are
 * checked against. */
const llm_backend *llmk_ref_backend(void);

/* kernels/cpu: the same with micro-kernels chosen by CPU features, on the pool's threads. */
const llm_backend *llmk_cpu_backend(void);

LLM_END_DECLS

#endif
