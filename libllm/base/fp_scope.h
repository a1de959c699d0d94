/* The floating-point state that everything is computed in: rounding to nearest, denormal numbers kept, no traps. A
 * host's threads may be in another one, and results would depend on which thread computed them. */
#ifndef LLMI_BASE_FP_SCOPE_H
#define LLMI_BASE_FP_SCOPE_H

#include <stdint.h>

typedef struct llmi_fp_state {
    uint64_t control;
    uint16_t x87; /* the C library rounds by it when it reads or writes numbers */
} llmi_fp_state;

#if defined(__x86_64__)

#define LLMI_FP_DEFAULT                                                                                                \
    (llmi_fp_state) {                                                                                                  \
        .control = 0x1f80, .x87 = 0x037f                                                                               \
    }
enum { LLMI_FP_FLAGS = 0x3f }; /* of exceptions that happened */

static inline llmi_fp_state llmi_fp_get(void) {
    uint32_t mxcsr;
    llmi_fp_state s;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(s.x87) : : "memory");
    s.control = mxcsr;
    return s;
}

static inline void llmi_fp_set(llmi_fp_state s) {
    uint32_t mxcsr = (uint32_t)s.control;
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(s.x87) : "memory");
}

#elif defined(__aarch64__)

#define LLMI_FP_DEFAULT                                                                                                \
    (llmi_fp_state) {                                                                                                  \
        0                                                                                                              \
    }
enum { LLMI_FP_FLAGS = 0 }; /* they are in FPSR */

static inline llmi_fp_state llmi_fp_get(void) {
    llmi_fp_state s = {0};
    __asm__ volatile("mrs %0, fpcr" : "=r"(s.control) : : "memory");
    return s;
}

static inline void llmi_fp_set(llmi_fp_state s) {
    __asm__ volatile("msr fpcr, %0" : : "r"(s.control) : "memory");
}

#else /* left to the host */

#define LLMI_FP_DEFAULT                                                                                                \
    (llmi_fp_state) {                                                                                                  \
        0                                                                                                              \
    }
enum { LLMI_FP_FLAGS = 0 };

static inline llmi_fp_state llmi_fp_get(void) {
    return LLMI_FP_DEFAULT;
}

static inline void llmi_fp_set(llmi_fp_state s) {
    (void)s;
}

#endif

static inline int llmi_fp_same(llmi_fp_state a, llmi_fp_state b) {
    return ((a.control ^ b.control) & ~(uint64_t)LLMI_FP_FLAGS) == 0 && a.x87 == b.x87;
}

/* Enters the default state; what it was before. */
static inline llmi_fp_state llmi_fp_enter(void) {
    llmi_fp_state before = llmi_fp_get();
    if (!llmi_fp_same(before, LLMI_FP_DEFAULT)) llmi_fp_set(LLMI_FP_DEFAULT);
    return before;
}

static inline void llmi_fp_leave(const llmi_fp_state *before) {
    if (!llmi_fp_same(*before, LLMI_FP_DEFAULT)) llmi_fp_set(*before);
}

/* First in a public function that computes, reads or writes numbers: the default state until it returns. */
#define LLMI_FP_SCOPE()                                                                                                \
    llmi_fp_state fp_before __attribute__((cleanup(llmi_fp_leave))) = llmi_fp_enter();                                 \
    (void)fp_before

#endif
