/* What this CPU and its operating system can do. */
#ifndef LLMK_CPU_FEATURES_H
#define LLMK_CPU_FEATURES_H

#include <stddef.h>
#include <stdint.h>

/* LLM_CPU_* bits. A bit never occurs without those it builds on: no AVX-512 without AVX2, no VNNI without AVX-512. */
int32_t llmk_features_detect(void);
/* The bits of `mask` that are in `features`, without those that lack what they build on. */
int32_t llmk_features_limit(int32_t features, int32_t mask);
/* "AVX-512 with VNNI and BF16", "AVX2", "portable C". */
void llmk_features_describe(char *text, size_t capacity, int32_t features);

#endif
