/* Which instruction sets the kernels' tests run with on this machine, and which not: the head of tests/run.sh. */
#include <stdio.h>

#include <llm/types.h>

#include "cpu/features.h"

enum { X86, ARM };

static const struct {
    int architecture;
    int32_t mask;
} sets[] = {
    {X86, LLM_CPU_AVX2},
    {X86, LLM_CPU_AVX2 | LLM_CPU_AVX512},
    {X86, LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI},
    {X86, LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_BF16},
    {ARM, LLM_CPU_NEON},
    {ARM, LLM_CPU_NEON | LLM_CPU_DOTPROD},
    {ARM, LLM_CPU_NEON | LLM_CPU_DOTPROD | LLM_CPU_I8MM},
};

int main(void) {
#ifdef __aarch64__
    const int here = ARM;
#else
    const int here = X86;
#endif
    const char *const architectures[] = {"x86-64", "64-bit ARM"};
    printf(
        "Instruction sets of the kernels, each forced by cpu_mask where the processor has it:\n  tested: portable C");
    char text[80];
    int32_t found = llmk_features_detect();
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        llmk_features_describe(text, sizeof text, sets[i].mask);
        if ((found & sets[i].mask) == sets[i].mask) printf(", %s", text);
    }
    printf("\n");
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        llmk_features_describe(text, sizeof text, sets[i].mask);
        if (sets[i].architecture != here)
            printf("  not by this build: %s (%s)\n", text, architectures[sets[i].architecture]);
        else if ((found & sets[i].mask) != sets[i].mask)
            printf("  not tested: %s (this processor or its system lacks it)\n", text);
    }
    return 0;
}
