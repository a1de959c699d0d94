/* Writing a GGUF v3 file (docs/gguf.md): metadata and tensor list first, then the data in the same order. */
#ifndef LLMI_FORMAT_GGUF_WRITE_H
#define LLMI_FORMAT_GGUF_WRITE_H

#include "base/buf.h"
#include "format/weights.h"

typedef struct llmi_gguf_writer {
    const llm_allocator *a;
    llmi_buf meta, infos;
    uint64_t n_meta, n_tensors;
    size_t data_bytes; /* aligned sum so far */
} llmi_gguf_writer;

void llmi_gguf_writer_init(llmi_gguf_writer *w, const llm_allocator *a);
void llmi_gguf_writer_free(llmi_gguf_writer *w);

llm_status llmi_gguf_put_string(llmi_gguf_writer *w, const char *key, const char *text, size_t n);
llm_status llmi_gguf_put_u32(llmi_gguf_writer *w, const char *key, uint32_t value);
llm_status llmi_gguf_put_f32(llmi_gguf_writer *w, const char *key, float value);
llm_status llmi_gguf_put_bool(llmi_gguf_writer *w, const char *key, bool value);
/* type and bytes as llmi_weights_meta_raw gives them. */
llm_status llmi_gguf_put_raw(llmi_gguf_writer *w, const char *key, size_t key_len, int32_t type, const void *data,
                             size_t n_bytes);
/* data: strings encoded as { u64 length, bytes }, or scalars. */
llm_status llmi_gguf_put_array(llmi_gguf_writer *w, const char *key, const llmi_meta_array *array);
/* Declares the next tensor; n_bytes is what will be written for it. */
llm_status llmi_gguf_put_tensor(llmi_gguf_writer *w, const char *name, int32_t n_dims, const int64_t *shape,
                                llm_dtype dtype, size_t n_bytes);

/* Writes everything up to the tensor data; then the caller puts each tensor's bytes in order,
 * each followed by llmi_gguf_pad. */
struct llmi_writer;
llm_status llmi_gguf_write_header(const llmi_gguf_writer *w, struct llmi_writer *out);
llm_status llmi_gguf_pad(struct llmi_writer *out);

#endif
