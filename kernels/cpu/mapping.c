#define _GNU_SOURCE /* madvise */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/weight.h"

bool llmk_mapping_holds(const llmk_mapping *m, const void *ptr, size_t n_bytes) {
    uintptr_t at = (uintptr_t)ptr;
    return m->end && at >= m->begin && at < m->end && n_bytes <= m->end - at;
}

#ifdef __linux__

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* since Linux 5.14 */
#endif

/* Lines of /proc/self/maps: begin-end perms offset device inode path */
typedef struct reader {
    int fd;
    char buffer[4096];
    size_t at, end;
    bool done;
} reader;

/* Next character, -1 at the end. */
static int next(reader *r) {
    if (r->at == r->end) {
        ssize_t n = read(r->fd, r->buffer, sizeof r->buffer);
        r->done = n <= 0;
        if (r->done) return -1;
        r->at = 0;
        r->end = (size_t)n;
    }
    return (unsigned char)r->buffer[r->at++];
}

static uintptr_t hex(reader *r) {
    uintptr_t value = 0;
    for (;;) {
        int c = next(r);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return value; /* the separator is taken too */
        value = value << 4 | (uintptr_t)digit;
    }
}

/* Takes a line; false after the last. */
static bool line(reader *r, llmk_mapping *m, bool *wanted) {
    char permissions[4] = "";
    m->begin = hex(r);
    m->end = hex(r);
    for (int i = 0; i < 4; i++) permissions[i] = (char)next(r);
    for (int field = 0; field < 3 && !r->done;) /* what follows the permissions, offset, device */
        if (next(r) == ' ') field++;
    int c = next(r);
    *wanted = memcmp(permissions, "r--", 3) == 0 && c != '0'; /* the inode number starts with a later digit */
    while (c >= 0 && c != '\n') c = next(r);
    return c == '\n';
}

llmk_mapping llmk_mapping_find(const void *ptr, size_t n_bytes) {
    reader r = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    llmk_mapping m, found = {0, 0};
    bool wanted = false;
    if (r.fd < 0) return found;
    while (line(&r, &m, &wanted))
        if (llmk_mapping_holds(&m, ptr, n_bytes)) {
            if (wanted) found = m;
            break;
        }
    close(r.fd);
    return found;
}

void llmk_mapping_release(const llmk_mapping *m, const void *ptr, size_t n_bytes) {
    if (!llmk_mapping_holds(m, ptr, n_bytes)) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)ptr + page - 1) / page * page, end = ((uintptr_t)ptr + n_bytes) / page * page;
    if (begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

void llmk_mapping_want(const llmk_mapping *m, const void *ptr, size_t n_bytes) {
    if (!llmk_mapping_holds(m, ptr, n_bytes)) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)ptr / page * page;
    madvise((void *)begin, (uintptr_t)ptr + n_bytes - begin, MADV_POPULATE_READ); /* of older systems, no harm */
}

void llmk_mapping_want_large(void *ptr, size_t n_bytes) {
    madvise(ptr, n_bytes, MADV_HUGEPAGE); /* no harm if it fails */
}

#else

llmk_mapping llmk_mapping_find(const void *ptr, size_t n_bytes) {
    return (llmk_mapping){0, 0};
}

void llmk_mapping_release(const llmk_mapping *m, const void *ptr, size_t n_bytes) {}

void llmk_mapping_want(const llmk_mapping *m, const void *ptr, size_t n_bytes) {}

void llmk_mapping_want_large(void *ptr, size_t n_bytes) {}

#endif
