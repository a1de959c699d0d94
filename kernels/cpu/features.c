#include "cpu/features.h"

#include <stdbool.h>
#include <stdio.h>

#include <llm/types.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* Not every compiler's builtin knows these by name. */
static bool has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool has_avx512_bf16(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
}

/* The builtins look at xgetbv too: a set whose registers the system does not save does not count. */
static int32_t raw(void) {
    __builtin_cpu_init();
    int32_t bits = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()) bits |= LLM_CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        bits |= LLM_CPU_AVX512;
    if (__builtin_cpu_supports("avx512vnni")) bits |= LLM_CPU_AVX512_VNNI;
    if (bits & LLM_CPU_AVX512 && has_avx512_bf16()) bits |= LLM_CPU_AVX512_BF16;
    return bits;
}
#else
static int32_t raw(void) {
    return 0;
}
#endif

int32_t llmk_features_limit(int32_t features, int32_t mask) {
    int32_t bits = features & mask;
    if (!(bits & LLM_CPU_AVX2)) bits &= ~LLM_CPU_AVX512;
    if (!(bits & LLM_CPU_AVX512)) bits &= ~(LLM_CPU_AVX512_VNNI | LLM_CPU_AVX512_BF16);
    return bits;
}

int32_t llmk_features_detect(void) {
    return llmk_features_limit(raw(), LLM_CPU_ALL);
}

void llmk_features_describe(char *text, size_t capacity, int32_t features) {
    bool vnni = features & LLM_CPU_AVX512_VNNI, bf16 = features & LLM_CPU_AVX512_BF16;
    const char *base = features & LLM_CPU_AVX512 ? "AVX-512" : features & LLM_CPU_AVX2 ? "AVX2" : "portable C";
    snprintf(text, capacity, "%s%s%s%s", base, vnni || bf16 ? " with " : "", vnni ? "VNNI" : "",
             vnni && bf16 ? " and BF16"
             : bf16       ? "BF16"
                          : "");
}
