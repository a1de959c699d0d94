#define _GNU_SOURCE /* madvise */

#include "limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

double llmb_cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- work: each returns how much it did ---- */

enum { READ_BYTES = 256 << 20, N_STREAMS = 4, N_LOOPS = 5000000 };

#if defined(__x86_64__)

__attribute__((target("avx2"))) static double read_memory(const char *data) {
    const size_t part = READ_BYTES / N_STREAMS;
    __m256i sum = _mm256_setzero_si256();
    for (size_t at = 0; at < part; at += 64)
        for (int s = 0; s < N_STREAMS; s++) {
            const char *p = data + (size_t)s * part + at;
            _mm_prefetch(p + 1024, _MM_HINT_T0);
            sum = _mm256_xor_si256(sum, _mm256_load_si256((const __m256i *)(const void *)p));
            sum = _mm256_xor_si256(sum, _mm256_load_si256((const __m256i *)(const void *)(p + 32)));
        }
    __asm__ volatile("" : : "x"(sum));
    return READ_BYTES;
}

/* Twelve chains of one instruction, enough for any latency. */
#define CHAINS(op, r)                                                                                                  \
    op " %%" r "0, %%" r "1, %%" r "2\n" op " %%" r "0, %%" r "1, %%" r "3\n" op " %%" r "0, %%" r "1, %%" r "4\n" op  \
       " %%" r "0, %%" r "1, %%" r "5\n" op " %%" r "0, %%" r "1, %%" r "6\n" op " %%" r "0, %%" r "1, %%" r "7\n" op  \
       " %%" r "0, %%" r "1, %%" r "8\n" op " %%" r "0, %%" r "1, %%" r "9\n" op " %%" r "0, %%" r "1, %%" r "10\n" op \
       " %%" r "0, %%" r "1, %%" r "11\n" op " %%" r "0, %%" r "1, %%" r "12\n" op " %%" r "0, %%" r "1, %%" r "13\n"
#define CLOBBERS                                                                                                       \
    "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",   \
        "xmm13"
#define PEAK(name, zero, op, r, per_instruction)                                                                       \
    static double name(const char *data) {                                                                             \
        long n = N_LOOPS;                                                                                              \
        __asm__ volatile(zero "1:\n" CHAINS(op, r) "dec %0\njnz 1b" : "+r"(n) : : CLOBBERS);                           \
        return 12.0 * N_LOOPS * (per_instruction);                                                                     \
    }
#define ZERO_Y(i) "vpxor %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n"
#define ZERO                                                                                                           \
    ZERO_Y(0)                                                                                                          \
    ZERO_Y(1)                                                                                                          \
    ZERO_Y(2)                                                                                                          \
    ZERO_Y(3) ZERO_Y(4) ZERO_Y(5) ZERO_Y(6) ZERO_Y(7) ZERO_Y(8) ZERO_Y(9) ZERO_Y(10) ZERO_Y(11) ZERO_Y(12) ZERO_Y(13)

PEAK(peak_f32_avx2, ZERO, "vfmadd231ps", "ymm", 16)
PEAK(peak_f32, ZERO, "vfmadd231ps", "zmm", 32)
PEAK(peak_bf16, ZERO, "vdpbf16ps", "zmm", 64)
PEAK(peak_int8_avx2, ZERO, "vpmaddubsw", "ymm", 64)
PEAK(peak_int8, ZERO, "vpdpbusd", "zmm", 128)

#define HAS(feature) __builtin_cpu_supports(feature)
#else
static double read_memory(const char *data) {
    return 0;
}
#define peak_f32_avx2  read_memory
#define peak_f32       read_memory
#define peak_bf16      read_memory
#define peak_int8_avx2 read_memory
#define peak_int8      read_memory
#define HAS(feature)   0
#endif

static const struct {
    const char *name;
    double (*work)(const char *data);
} table[LLMB_N_LIMITS] = {
    [LLMB_READ] = {"GB/s, reading memory", read_memory},
    [LLMB_F32_AVX2] = {"GFLOP/s, F32, 256-bit FMA", peak_f32_avx2},
    [LLMB_F32] = {"GFLOP/s, F32, 512-bit FMA", peak_f32},
    [LLMB_BF16] = {"GFLOP/s, BF16, vdpbf16ps", peak_bf16},
    [LLMB_INT8_AVX2] = {"GOP/s, int8, 256-bit vpmaddubsw", peak_int8_avx2},
    [LLMB_INT8] = {"GOP/s, int8, 512-bit vpdpbusd", peak_int8},
};

static int is_here(int32_t limit) {
    switch (limit) {
    case LLMB_F32:
        return HAS("avx512f");
    case LLMB_BF16:
        return HAS("avx512bf16");
    case LLMB_INT8:
        return HAS("avx512vnni");
    default:
        return HAS("avx2");
    }
}

const char *llmb_limit_name(int32_t limit) {
    return table[limit].name;
}

/* ---- threads ---- */

typedef struct runner {
    int32_t limit;
    const char *data;
    atomic_int *waiting;
    double rate;
} runner;

static void *run(void *arg) {
    runner *r = arg;
    atomic_fetch_sub(r->waiting, 1);
    while (atomic_load(r->waiting) > 0) {
    }
    double begin = llmb_cpu_now(), done = table[r->limit].work(r->data);
    r->rate = done / (llmb_cpu_now() - begin) / 1e9;
    return NULL;
}

static double measure_once(int32_t limit, int32_t n_threads, char *const *data) {
    runner runners[64];
    pthread_t threads[64];
    atomic_int waiting = n_threads;
    double rate = 0;
    for (int32_t i = 0; i < n_threads; i++) {
        runners[i] = (runner){.limit = limit, .data = data[i], .waiting = &waiting};
        if (pthread_create(&threads[i], NULL, run, &runners[i]) != 0) exit(1);
    }
    for (int32_t i = 0; i < n_threads; i++) {
        pthread_join(threads[i], NULL);
        rate += runners[i].rate;
    }
    return rate;
}

double llmb_limit_measure(int32_t limit, int32_t n_threads, int32_t n_rounds) {
    double best = 0;
    char *data[64] = {NULL};
    int ok = is_here(limit) && n_threads >= 1 && n_threads <= 64;
    for (int32_t i = 0; i < n_threads && ok && limit == LLMB_READ; i++) {
        data[i] = aligned_alloc(2 << 20, READ_BYTES);
        ok = data[i] != NULL;
        if (!ok) break;
        madvise(data[i], READ_BYTES, MADV_HUGEPAGE);
        memset(data[i], 1, READ_BYTES);
    }
    for (int32_t round = 0; round < n_rounds && ok; round++) {
        double rate = measure_once(limit, n_threads, data);
        best = rate > best ? rate : best;
    }
    for (int32_t i = 0; i < 64; i++) free(data[i]);
    return best;
}
