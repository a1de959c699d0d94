/* What this machine can do at best: read bandwidth and arithmetic peaks, for one thread or several. */
#ifndef LLM_BENCH_LIMITS_H
#define LLM_BENCH_LIMITS_H

#include <llm/types.h>

LLM_BEGIN_DECLS

enum { LLMB_READ, LLMB_F32_AVX2, LLMB_F32, LLMB_BF16, LLMB_INT8_AVX2, LLMB_INT8, LLMB_N_LIMITS };

/* "GB/s" or "GFLOP/s" and what is measured. */
const char *llmb_limit_name(int32_t limit);

/* All threads together, in units of 1e9 per second of processor time; the best of n_rounds, 0 where the
 * CPU lacks the instruction or memory is short. */
double llmb_limit_measure(int32_t limit, int32_t n_threads, int32_t n_rounds);

/* Processor time of the calling thread, in seconds: what others take of the machine does not count. */
double llmb_cpu_now(void);

LLM_END_DECLS

#endif
