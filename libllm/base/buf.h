/* A growing byte buffer, and the same as an array of any element. After a failed append the
 * buffer holds what it held before. */
#ifndef LLMI_BASE_BUF_H
#define LLMI_BASE_BUF_H

#include <stdbool.h>

#include <llm/types.h>

typedef struct llmi_buf {
    const llm_allocator *a;
    char *data;
    size_t len, cap; /* bytes */
} llmi_buf;

void llmi_buf_init(llmi_buf *b, const llm_allocator *a);
void llmi_buf_free(llmi_buf *b);
/* Room for n more bytes; the new bytes are the caller's to fill and count. */
bool llmi_buf_reserve(llmi_buf *b, size_t n);
bool llmi_buf_append(llmi_buf *b, const void *bytes, size_t n);
bool llmi_buf_printf(llmi_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define llmi_buf_push(b, value) llmi_buf_append((b), &(value), sizeof(value))
#define llmi_buf_at(b, type, i) (((type *)(void *)(b)->data)[i])
#define llmi_buf_count(b, type) ((b)->len / sizeof(type))

#endif
