/* Read-only files as bytes: mapped, or read into memory. Only regular files; O_CLOEXEC. */
#ifndef LLMI_BASE_FILE_H
#define LLMI_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include <llm/status.h>

/* The same for all names of one file. */
typedef struct llmi_file_id {
    dev_t device;
    ino_t inode;
} llmi_file_id;

typedef struct llmi_file {
    const llm_allocator *a;
    char *path;       /* for error texts */
    const char *data; /* NULL when size is 0 */
    size_t size;
    bool mapped;
    llmi_file_id id; /* of a file that is not empty */
} llmi_file;

llm_status llmi_file_open(llmi_file *out, const llm_allocator *a, const char *path, bool use_mmap);
/* The same, relative to the open directory dir_fd; `name` must be a plain file name: no '/', no NUL,
 * not "." or "..", not empty. dir_path is for error texts. */
llm_status llmi_file_open_at(llmi_file *out, const llm_allocator *a, int dir_fd, const char *dir_path, const char *name,
                             bool use_mmap);
void llmi_file_close(llmi_file *f);

/* 1 if path is a directory, 0 if not, negative status if that cannot be determined. */
int llmi_file_is_dir(const char *path);

/* Copies n bytes of a file's data; false, not SIGBUS, if the file is mapped and was truncated. A plain copy where the
 * system has no process_vm_readv or forbids it. */
bool llmi_file_copy(void *dst, const void *src, size_t n);

/* The system's error (errno), as a status and a text "PATH: cannot be VERB: reason". */
llm_status llmi_file_error(int error, const char *verb, const char *path);
/* "a directory", "a pipe", ...: what was found instead of a regular file. */
const char *llmi_file_kind(mode_t mode);

#endif
