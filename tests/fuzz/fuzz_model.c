/* A GGUF file loaded as a model with the reference back end, and three tokens computed when it loads. */
#define _GNU_SOURCE /* memfd_create */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/status.h"
#include "engine/engine.h"
#include "fuzz/fuzz.h"
#include "model/model.h"

enum { HOST_BYTES = 64 << 20, N_TOKENS = 3, N_CTX = 8 };

/* Like a host of little memory: it says no. */
static void *small_alloc(void *user, size_t n_bytes, size_t alignment) {
    fuzz_memory *m = user;
    return n_bytes > m->limit - m->alive ? NULL : fuzz_alloc(user, n_bytes, alignment);
}

static llm_status load(llm_model **out, llm_runtime *rt, const char *path) {
    llm_model_options options = llmi_model_defaults;
    options.backend = "reference";
    options.use_mmap = 0;
    return llmi_model_load(out, rt, path, &options);
}

static llm_status compute(llm_model *m) {
    llm_engine_options options = {.struct_size = sizeof options,
                                  .n_ctx = N_CTX,
                                  .n_seqs = 1,
                                  .n_batch = N_CTX,
                                  .kv_dtype = LLM_DTYPE_AUTO,
                                  .n_threads = 1};
    llm_engine_options resolved;
    llmi_engine *e = NULL;
    llm_sequence *seq = NULL;
    const llm_token tokens[N_TOKENS] = {0, m->hp.n_vocab - 1, 0};
    float *logits = malloc((size_t)m->hp.n_vocab * sizeof *logits);
    llm_status status = llmi_engine_resolve(&resolved, m, &options);
    if (status == LLM_OK) status = llmi_engine_create(&e, m, &resolved);
    if (status == LLM_OK) status = llmi_sequence_create(&seq, e);
    if (status == LLM_OK) status = llmi_sequence_eval(seq, tokens, N_TOKENS, logits, 1);
    llmi_sequence_destroy(seq);
    llmi_engine_unref(e);
    free(logits);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_memory m;
    char path[64];
    llm_runtime *rt;
    llm_model *model = NULL;
    llm_runtime_options options = llmi_runtime_defaults;
    fuzz_memory_init(&m, 0);
    m.limit = HOST_BYTES;
    m.allocator.alloc = small_alloc;
    options.allocator = &m.allocator;
    options.n_threads = 1;
    int fd = memfd_create("model", 0);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (llm_runtime_create(&rt, &options) != LLM_OK) abort();
    llmi_error_clear();
    llm_status status = load(&model, rt, path);
    if ((status == LLM_OK) != (model != NULL)) abort();
    if (model) status = compute(model);
    if (status != LLM_OK && !llm_last_error()[0]) abort();
    llmi_model_unref(model);
    llm_runtime_unref(rt);
    close(fd);
    fuzz_memory_check(&m);
    return 0;
}
