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
#elif defined(__aarch64__)

#ifdef __linux__
#include <sys/auxv.h>

/* The kernel's bits, which not every C library's headers know by name. */
enum { HAS_DOTPROD = 1 << 20, HAS_I8MM = 1 << 13 };

static int32_t beyond_neon(void) {
    int32_t bits = getauxval(AT_HWCAP) & HAS_DOTPROD ? LLM_CPU_DOTPROD : 0;
    return bits | (getauxval(AT_HWCAP2) & HAS_I8MM ? LLM_CPU_I8MM : 0);
}
#else
static int32_t beyond_neon(void) {
    return 0;
}
#endif

static int32_t raw(void) {
    return LLM_CPU_NEON | beyond_neon(); /* every 64-bit ARM has NEON */
}
#else
static int32_t raw(void) {
    return 0;
}
#endif

/* A row comes after the rows it builds on. */
static const struct {
    int32_t bit, needs;
    const char *base, *extra; /* which of two words of the description it is */
} names[] = {
    {LLM_CPU_AVX2, 0, "AVX2", NULL},
    {LLM_CPU_AVX512, LLM_CPU_AVX2, "AVX-512", NULL},
    {LLM_CPU_AVX512_VNNI, LLM_CPU_AVX512, NULL, "VNNI"},
    {LLM_CPU_AVX512_BF16, LLM_CPU_AVX512, NULL, "BF16"},
    {LLM_CPU_NEON, 0, "NEON", NULL},
    {LLM_CPU_DOTPROD, LLM_CPU_NEON, NULL, "DOTPROD"},
    {LLM_CPU_I8MM, LLM_CPU_DOTPROD, NULL, "I8MM"},
};

enum { N_NAMES = sizeof names / sizeof names[0] };

int32_t llmk_features_limit(int32_t features, int32_t mask) {
    int32_t bits = features & mask;
    for (int i = 0; i < N_NAMES; i++)
        if ((bits & names[i].needs) != names[i].needs) bits &= ~names[i].bit;
    return bits;
}

int32_t llmk_features_detect(void) {
    return llmk_features_limit(raw(), LLM_CPU_ALL);
}

void llmk_features_describe(char *text, size_t capacity, int32_t features) {
    const char *base = "portable C", *extra[2] = {"", ""};
    int n_extra = 0;
    for (int i = 0; i < N_NAMES; i++) {
        if (!(features & names[i].bit)) continue;
        if (names[i].base) base = names[i].base;
        if (names[i].extra && n_extra < 2) extra[n_extra++] = names[i].extra;
    }
    snprintf(text, capacity, "%s%s%s%s%s", base, n_extra ? " with " : "", extra[0], n_extra > 1 ? " and " : "",
             extra[1]);
}
