/* libllm: versions. The ABI generation is the soname's number; inside one generation
 * functions are only added and option structures only grow at their end. */
#ifndef LLM_VERSION_H
#define LLM_VERSION_H

#include <llm/types.h>

#define LLM_VERSION_MAJOR  0
#define LLM_VERSION_MINOR  1
#define LLM_VERSION_PATCH  0
#define LLM_ABI_GENERATION 0

LLM_BEGIN_DECLS

/* Version of the library that runs (not of the header): major * 1000000 + minor * 1000
 * + patch. Any thread. Since 0.1. */
LLM_API int32_t llm_version(void);

/* The same as text, e.g. "0.1.0". Static. Any thread. Since 0.1. */
LLM_API const char *llm_version_text(void);

LLM_END_DECLS

#endif
