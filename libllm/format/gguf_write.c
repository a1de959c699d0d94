#include "format/gguf_write.h"

#include <string.h>

#include "base/checked.h"
#include "base/status.h"
#include "base/writer.h"
#include "format/contents.h"

enum { ALIGNMENT = 32 };

void llmi_gguf_writer_init(llmi_gguf_writer *w, const llm_allocator *a) {
    *w = (llmi_gguf_writer){.a = a};
    llmi_buf_init(&w->meta, a);
    llmi_buf_init(&w->infos, a);
}

void llmi_gguf_writer_free(llmi_gguf_writer *w) {
    llmi_buf_free(&w->meta);
    llmi_buf_free(&w->infos);
}

static bool put_u32(llmi_buf *b, uint32_t value) {
    return llmi_buf_push(b, value);
}

static bool put_u64(llmi_buf *b, uint64_t value) {
    return llmi_buf_push(b, value);
}

static bool put_text(llmi_buf *b, const char *text, size_t n) {
    return put_u64(b, n) && llmi_buf_append(b, text, n);
}

/* A key, its type, and the value in up to two pieces. After a failure nothing of it stays. */
static llm_status put_meta(llmi_gguf_writer *w, const char *key, size_t key_len, int32_t type, const void *head,
                           size_t n_head, const void *data, size_t n_data) {
    size_t before = w->meta.len;
    if (put_text(&w->meta, key, key_len) && put_u32(&w->meta, (uint32_t)type) &&
        llmi_buf_append(&w->meta, head, n_head) && llmi_buf_append(&w->meta, data, n_data)) {
        w->n_meta++;
        return LLM_OK;
    }
    w->meta.len = before;
    return LLM_E_MEMORY;
}

llm_status llmi_gguf_put_string(llmi_gguf_writer *w, const char *key, const char *text, size_t n) {
    uint64_t len = n;
    return put_meta(w, key, strlen(key), LLMI_META_STRING, &len, sizeof len, text, n);
}

llm_status llmi_gguf_put_u32(llmi_gguf_writer *w, const char *key, uint32_t value) {
    return put_meta(w, key, strlen(key), LLMI_META_U32, &value, sizeof value, NULL, 0);
}

llm_status llmi_gguf_put_f32(llmi_gguf_writer *w, const char *key, float value) {
    return put_meta(w, key, strlen(key), LLMI_META_F32, &value, sizeof value, NULL, 0);
}

llm_status llmi_gguf_put_bool(llmi_gguf_writer *w, const char *key, bool value) {
    uint8_t byte = value;
    return put_meta(w, key, strlen(key), LLMI_META_BOOL, &byte, 1, NULL, 0);
}

llm_status llmi_gguf_put_raw(llmi_gguf_writer *w, const char *key, size_t key_len, int32_t type, const void *data,
                             size_t n_bytes) {
    return put_meta(w, key, key_len, type, data, n_bytes, NULL, 0);
}

llm_status llmi_gguf_put_array(llmi_gguf_writer *w, const char *key, const llmi_meta_array *array) {
    char head[12];
    uint32_t type = (uint32_t)array->type;
    uint64_t n = array->n;
    memcpy(head, &type, 4);
    memcpy(head + 4, &n, 8);
    return put_meta(w, key, strlen(key), LLMI_META_ARRAY, head, sizeof head, array->data, array->n_bytes);
}

static bool put_info(llmi_buf *b, const char *name, int32_t n_dims, const int64_t *shape, llm_dtype dtype,
                     uint64_t offset) {
    return put_text(b, name, strlen(name)) && put_u32(b, (uint32_t)n_dims) &&
           llmi_buf_append(b, shape, (size_t)n_dims * sizeof *shape) && put_u32(b, (uint32_t)dtype) &&
           put_u64(b, offset);
}

llm_status llmi_gguf_put_tensor(llmi_gguf_writer *w, const char *name, int32_t n_dims, const int64_t *shape,
                                llm_dtype dtype, size_t n_bytes) {
    size_t end, before = w->infos.len;
    if (!llmi_add(&end, w->data_bytes, n_bytes) || !llmi_align_up(&end, end, ALIGNMENT))
        return llmi_error(LLM_E_LIMIT, "tensor \"%s\": the file would be too large", name);
    if (!put_info(&w->infos, name, n_dims, shape, dtype, w->data_bytes)) {
        w->infos.len = before;
        return LLM_E_MEMORY;
    }
    w->data_bytes = end;
    w->n_tensors++;
    return LLM_OK;
}

llm_status llmi_gguf_write_header(const llmi_gguf_writer *w, struct llmi_writer *out) {
    char head[24] = "GGUF";
    uint32_t version = 3;
    memcpy(head + 4, &version, 4);
    memcpy(head + 8, &w->n_tensors, 8);
    memcpy(head + 16, &w->n_meta, 8);
    llm_status status = llmi_writer_put(out, head, sizeof head);
    if (status == LLM_OK) status = llmi_writer_put(out, w->meta.data, w->meta.len);
    if (status == LLM_OK) status = llmi_writer_put(out, w->infos.data, w->infos.len);
    return status == LLM_OK ? llmi_gguf_pad(out) : status;
}

llm_status llmi_gguf_pad(struct llmi_writer *out) {
    static const char zeros[ALIGNMENT];
    size_t over = out->written % ALIGNMENT;
    return over ? llmi_writer_put(out, zeros, ALIGNMENT - over) : LLM_OK;
}
