/* A device around another one, which looks at what is computed: check.c and trace.c. What such a device does not do
 * itself it hands on. */
#ifndef LLMI_RUNTIME_WRAPPER_H
#define LLMI_RUNTIME_WRAPPER_H

#include <llm/sys/interpret.h>

#include "base/status.h"

/* Both begin with these members. */
typedef struct llmi_wrapper {
    llm_device base;
    llm_device *inner;
} llmi_wrapper;

typedef struct llmi_wrapper_stream {
    llm_stream base;
    llm_stream *inner;
    llmi_error_copy failure; /* the first one since the last sync */
} llmi_wrapper_stream;

/* Members of llm_device_ops. */
llm_status llmi_wrapper_mem_alloc(void **out, llm_device *d, size_t n_bytes);
void llmi_wrapper_mem_free(llm_device *d, void *ptr, size_t n_bytes);
llm_status llmi_wrapper_weights_prepare(llm_device *d, const llm_pool *pool);
llm_status llmi_wrapper_state_bytes(size_t *out, llm_device *d, const llm_program *p, int32_t group, int32_t n_items);

/* Members of llm_stream_ops. */
void llmi_wrapper_upload(llm_stream *s, void *dst, const void *src, size_t n_bytes);
void llmi_wrapper_download(llm_stream *s, void *dst, const void *src, size_t n_bytes);
llm_status llmi_wrapper_sync(llm_stream *s);

/* Keeps the first failure, whose text is the thread's. */
void llmi_wrapper_fail(llmi_wrapper_stream *s, llm_status status);
/* Waits for another stream, whose failure becomes that of s. */
void llmi_wrapper_wait(llmi_wrapper_stream *s, llm_stream *other);

/* The host's memory, of any size; NULL with an error text. */
void *llmi_wrapper_alloc(const llm_host *host, size_t n_bytes);
void llmi_wrapper_free(const llm_host *host, void *ptr, size_t n_bytes);

#endif
