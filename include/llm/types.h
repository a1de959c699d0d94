/* libllm: types shared by every header. */
#ifndef LLM_TYPES_H
#define LLM_TYPES_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define LLM_API __attribute__((visibility("default")))
#else
#define LLM_API
#endif

#ifdef __cplusplus
#define LLM_BEGIN_DECLS extern "C" {
#define LLM_END_DECLS   }
#else
#define LLM_BEGIN_DECLS
#define LLM_END_DECLS
#endif

LLM_BEGIN_DECLS

/* Index of a token in a vocabulary, 0..n_vocab-1; LLM_TOKEN_NONE where there is none. */
typedef int32_t llm_token;
#define LLM_TOKEN_NONE (-1)

/* For a length argument: "the string ends at its NUL". */
#define LLM_NTS ((size_t)-1)

/* Bytes that belong to somebody else. Not NUL-terminated unless stated. Frozen layout. */
typedef struct llm_span {
    const char *ptr;
    size_t len;
} llm_span;

/* Element type of a stored matrix. The numbers are those of the GGUF file format
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) and never change. */
typedef int32_t llm_dtype;
enum {
    LLM_DTYPE_AUTO = -1, /* options only: let the library choose */
    LLM_DTYPE_F32 = 0,
    LLM_DTYPE_F16 = 1,
    LLM_DTYPE_Q4_0 = 2,
    LLM_DTYPE_Q4_1 = 3,
    LLM_DTYPE_Q5_0 = 6,
    LLM_DTYPE_Q5_1 = 7,
    LLM_DTYPE_Q8_0 = 8,
    LLM_DTYPE_Q2_K = 10,
    LLM_DTYPE_Q3_K = 11,
    LLM_DTYPE_Q4_K = 12,
    LLM_DTYPE_Q5_K = 13,
    LLM_DTYPE_Q6_K = 14,
    LLM_DTYPE_BF16 = 30
};

/* Instruction sets that kernels may use, as bits of llm_runtime_options.cpu_mask. */
enum {
    LLM_CPU_REFERENCE = 0,        /* no bit: portable C only */
    LLM_CPU_AVX2 = 1 << 0,        /* AVX2 with FMA and F16C */
    LLM_CPU_AVX512 = 1 << 1,      /* AVX-512 F, BW, DQ, VL */
    LLM_CPU_AVX512_VNNI = 1 << 2, /* int8 dot products */
    LLM_CPU_AVX512_BF16 = 1 << 3, /* bfloat16 dot products */
    LLM_CPU_AMX = 1 << 4,         /* reserved */
    LLM_CPU_NEON = 1 << 8,        /* ARM: 128-bit vectors, which every aarch64 has */
    LLM_CPU_DOTPROD = 1 << 9,     /* ARM: int8 dot products */
    LLM_CPU_I8MM = 1 << 10,       /* ARM: int8 matrix products, also of mixed signs */
    LLM_CPU_ALL = 0x7fffffff
};

/* The host's memory functions. Both must be thread-safe: they are called from any thread
 * that calls the library. alloc returns NULL when there is no memory. n_bytes is never 0
 * and alignment is a power of two up to 4096; free receives the n_bytes of alloc. */
typedef struct llm_allocator {
    void *user;
    void *(*alloc)(void *user, size_t n_bytes, size_t alignment);
    void (*free)(void *user, void *ptr, size_t n_bytes);
} llm_allocator;

typedef struct llm_runtime llm_runtime;     /* runtime.h */
typedef struct llm_model llm_model;         /* model.h */
typedef struct llm_tokenizer llm_tokenizer; /* tokenizer.h */
typedef struct llm_decoder llm_decoder;     /* tokenizer.h */
typedef struct llm_engine llm_engine;       /* engine.h */
typedef struct llm_request llm_request;     /* engine.h */
typedef struct llm_result llm_result;       /* engine.h */
typedef struct llm_sequence llm_sequence;   /* engine.h */

LLM_END_DECLS

#endif
