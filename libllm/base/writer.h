/* Writes a file that appears whole or not at all: into a nameless file of the same folder, which gets its name when all
 * is written and flushed. Where a file system has no nameless files, into one called .libllm-*.tmp, which is removed
 * after any failure (but stays when the process is killed).
 *
 * What is there already is replaced only if it is a regular file that may be written; its mode and, where the system
 * allows it, its owner are kept. A symbolic link is followed. */
#ifndef LLMI_BASE_WRITER_H
#define LLMI_BASE_WRITER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/file.h"

typedef struct llmi_writer {
    const llm_allocator *a;
    char *path;      /* as the caller spelled it, for error texts */
    char *name;      /* in the folder */
    int dir_fd, fd;  /* of the folder, of the new file */
    char temp[32];   /* its name until it is committed; "" while it has none */
    bool replaces;   /* a file that is there */
    llmi_file_id id; /* of that file, as are the three below */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    size_t written;
} llmi_writer;

/* Errors: LLM_E_NOT_FOUND (no such folder), LLM_E_IO (not a regular file, not writable), LLM_E_MEMORY. */
llm_status llmi_writer_open(llmi_writer *out, const llm_allocator *a, const char *path);
/* A file that would pass the process's RLIMIT_FSIZE is LLM_E_IO; no SIGXFSZ is raised. */
llm_status llmi_writer_put(llmi_writer *w, const void *bytes, size_t n);
llm_status llmi_writer_commit(llmi_writer *w); /* closes in any case */
void llmi_writer_discard(llmi_writer *w);      /* harmless after commit */

#endif
