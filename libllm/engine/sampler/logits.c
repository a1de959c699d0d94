#include "engine/sampler/logits.h"

#include <stddef.h>

#include "engine/sampler/logits_tables.h"

#ifdef LLMI_LOGITS_X86
static const llmi_logits_kernels *const all[] = {&llmi_logits_avx512, &llmi_logits_avx2, &llmi_logits_portable, NULL};

/* The builtins look too whether the system saves the registers. */
const llmi_logits_kernels *const *llmi_logits_list(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return all;
    return __builtin_cpu_supports("avx2") ? all + 1 : all + 2;
}
#else
static const llmi_logits_kernels *const all[] = {&llmi_logits_portable, NULL};

const llmi_logits_kernels *const *llmi_logits_list(void) {
    return all;
}
#endif
