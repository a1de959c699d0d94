/* Read-only files as bytes: mapped, or read into memory. Only regular files; O_CLOEXEC. */
#ifndef LLMI_BASE_FILE_H
#define LLMI_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include <llm/status.h>

typedef struct llmi_file {
    const llm_allocator *a;
    char *path;       /* for error texts */
    const char *data; /* NULL when size is 0 */
    size_t size;
    bool mapped;
} llmi_file;

llm_status llmi_file_open(llmi_file *out, const llm_allocator *a, const char *path, bool use_mmap);
/* The same, relative to the open directory dir_fd; `name` must be a plain file name: no '/', no NUL,
 * not "." or "..", not empty. dir_path is for error texts. */
llm_status llmi_file_open_at(llmi_file *out, const llm_allocator *a, int dir_fd, const char *dir_path, const char *name,
                             bool use_mmap);
void llmi_file_close(llmi_file *f);

/* 1 if path is a directory, 0 if not, negative status if it cannot be told. */
int llmi_path_is_dir(const char *path);

/* Writes a file that appears whole or not at all: temporary file beside `path` (O_EXCL), write,
 * fsync, rename. After any failure the temporary file is gone. */
typedef struct llmi_writer {
    const llm_allocator *a;
    char *path, *temp;
    size_t temp_bytes;
    int fd;
    size_t written;
} llmi_writer;

llm_status llmi_writer_open(llmi_writer *out, const llm_allocator *a, const char *path);
llm_status llmi_writer_put(llmi_writer *w, const void *bytes, size_t n);
llm_status llmi_writer_commit(llmi_writer *w); /* closes in any case */
void llmi_writer_discard(llmi_writer *w);      /* harmless after commit */

#endif
