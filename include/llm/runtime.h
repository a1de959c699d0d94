/* libllm: the root object. It carries what other libraries keep in globals: the host's
 * allocator, the log sink, the number of threads, the CPU features that kernels may use,
 * and the back ends. Where a call takes a runtime, NULL means a private one with the
 * defaults below. A process may hold any number of runtimes.
 *
 * Floating-point state: every call that computes, or that reads or writes numbers as text, does so with
 * rounding to nearest, denormal numbers and no traps, whatever the calling thread has set, and restores the
 * thread's own state before it returns. Callbacks run in the library's state. */
#ifndef LLM_RUNTIME_H
#define LLM_RUNTIME_H

#include <llm/status.h>

LLM_BEGIN_DECLS

enum {
    LLM_LOG_NONE = 0,
    LLM_LOG_ERROR = 1,
    LLM_LOG_WARNING = 2, /* likely mistakes in a model's files or in a request */
    LLM_LOG_INFO = 3,
    LLM_LOG_DEBUG = 4 /* a line for each back end opened (its kernels), each model (family, sizes, types, head, time),
                         its tokenizer (end tokens, pooling), each engine (sizes, memory, threads) and each step
                         (rows, time) */
};

/* Receives one line without a newline, NUL-terminated UTF-8. Called from any thread that
 * is inside a libllm call, never while the library holds a lock. */
typedef void (*llm_log_fn)(void *user, int32_t level, const char *text);

typedef struct llm_runtime_options {
    uint32_t struct_size;           /* set by llm_runtime_options_init() */
    int32_t log_level;              /* highest LLM_LOG_* delivered; default LLM_LOG_WARNING */
    llm_log_fn log;                 /* default NULL: nothing is logged */
    void *log_user;                 /* first argument of log */
    const llm_allocator *allocator; /* copied; default NULL: the C library's aligned allocation */
    int32_t n_threads;              /* threads of an engine, 1..1024; default 0: one per usable core */
    int32_t cpu_mask;               /* LLM_CPU_* bits that kernels may use; default LLM_CPU_ALL */
    const char *plugin_dir; /* directory of the plug-ins, libllm-NAME.so; a relative path is resolved against the
                               working directory of llm_runtime_create(). Default NULL: the directory of libllm
                               itself, found in /proc/self/maps; without /proc, plug-ins need this option */
    int32_t use_jit;        /* 1 (default): patterns of tokenizers may be compiled to machine code, in memory that
                               is writable and executable for the life of the tokenizer; 0: they are
                               interpreted, with the same ids, for hosts that forbid such memory. Since 0.1 */
} llm_runtime_options;

/* Sets every member to its default. An option structure may grow at its end from release to release, so the
 * caller passes how much of it the program knows: n_bytes is the program's sizeof. C and C++ call the short
 * form. All option structures work this way. Any thread. Since 0.1. */
LLM_API void llm_runtime_options_init_sized(llm_runtime_options *options, size_t n_bytes);
static inline void llm_runtime_options_init(llm_runtime_options *options) {
    llm_runtime_options_init_sized(options, sizeof *options);
}

/* Makes a runtime. options: NULL for the defaults; strings in it are copied. On success
 * *out holds one reference; on failure *out is NULL. Any thread. Since 0.1. */
LLM_API llm_status llm_runtime_create(llm_runtime **out, const llm_runtime_options *options);

/* Adds or drops a reference; the last one frees. Every object made from a runtime holds
 * one. NULL is ignored. Any thread. Since 0.1. */
LLM_API llm_runtime *llm_runtime_ref(llm_runtime *runtime);
LLM_API void llm_runtime_unref(llm_runtime *runtime);

/* What a back end is and whether it can be used here. The strings live as long as the
 * runtime; reason is "" for a usable one and otherwise says what is missing. */
typedef struct llm_device_info {
    uint32_t struct_size;    /* set by the caller: sizeof(llm_device_info) */
    int32_t usable;          /* 1 or 0 */
    const char *name;        /* what llm_model_options.backend takes, e.g. "cpu" */
    const char *description; /* e.g. "AVX-512 with VNNI and BF16, 2 threads" */
    const char *reason;
} llm_device_info;

/* Number of back ends known to the runtime, usable or not: the built-in ones and every
 * plug-in that libllm may be shipped with. Any thread. Since 0.1. */
LLM_API int32_t llm_runtime_device_count(const llm_runtime *runtime);

/* Describes back end `index`, 0..count-1. Errors: LLM_E_ARGUMENT. Any thread. Since 0.1. */
LLM_API llm_status llm_runtime_device_get(llm_device_info *out, const llm_runtime *runtime, int32_t index);

LLM_END_DECLS

#endif
