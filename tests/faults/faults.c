#define _GNU_SOURCE
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- when to fail ---- */

static atomic_long n_calls, fail_at = -1;
static atomic_bool fail_all, tracking;
static _Atomic(const char *) failed;
static atomic_uint failed_statuses; /* bit -status */
/* Inside the C library's own functions, which allocate for themselves and keep what they have. */
static _Thread_local int inside __attribute__((tls_model("initial-exec")));

static bool fails(const char *name, llm_status status) {
    const char *none = NULL;
    if (!tracking || inside) return false;
    long n = n_calls++, at = fail_at;
    if (at < 0 || (n != at && !(fail_all && n > at))) return false;
    atomic_compare_exchange_strong(&failed, &none, name);
    failed_statuses |= 1u << -status;
    return true;
}

long faults_calls(void) {
    return n_calls;
}

const char *faults_failed(void) {
    return failed;
}

bool faults_explain(llm_status status) {
    return failed_statuses >> -status & 1;
}

/* ---- what is not freed ---- */

enum { N_SLOTS = 1 << 20 };

static uintptr_t slots[N_SLOTS]; /* open addressing; 1: a place that was left */
static atomic_flag slots_lock = ATOMIC_FLAG_INIT;
static long n_live;

static size_t start_of(uintptr_t p) {
    return (p >> 4) * 0x9e3779b97f4a7c15u % N_SLOTS;
}

static void lock_slots(void) {
    while (atomic_flag_test_and_set(&slots_lock)) {
    }
}

static void *track(void *ptr) {
    if (!ptr || !tracking || inside) return ptr;
    lock_slots();
    size_t i = start_of((uintptr_t)ptr);
    while (slots[i] > 1) i = (i + 1) % N_SLOTS;
    slots[i] = (uintptr_t)ptr;
    n_live++;
    atomic_flag_clear(&slots_lock);
    return ptr;
}

static void untrack(void *ptr) {
    if (!ptr) return;
    lock_slots();
    size_t i = start_of((uintptr_t)ptr);
    while (slots[i] && slots[i] != (uintptr_t)ptr) i = (i + 1) % N_SLOTS;
    if (slots[i]) {
        slots[i] = 1;
        n_live--;
    }
    atomic_flag_clear(&slots_lock);
}

long faults_unfreed(void) {
    return n_live;
}

void faults_disarm(void) {
    tracking = false;
    fail_at = -1;
}

void faults_arm(long n, bool all) {
    faults_disarm();
    memset(slots, 0, sizeof slots);
    n_live = 0;
    n_calls = 0;
    failed = NULL;
    failed_statuses = 0;
    fail_all = all;
    fail_at = n;
    tracking = true;
}

/* ---- memory ---- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t), __libc_free(void *);

static bool no_memory(const char *name) {
    bool is = fails(name, LLM_E_MEMORY);
    if (is) errno = ENOMEM;
    return is;
}

void *malloc(size_t n) {
    return no_memory("malloc") ? NULL : track(__libc_malloc(n));
}

void *calloc(size_t n, size_t size) {
    return no_memory("calloc") ? NULL : track(__libc_calloc(n, size));
}

void *realloc(void *ptr, size_t n) {
    if (no_memory("realloc")) return NULL;
    untrack(ptr);
    return track(__libc_realloc(ptr, n));
}

void *memalign(size_t alignment, size_t n) {
    return no_memory("memalign") ? NULL : track(__libc_memalign(alignment, n));
}

void *aligned_alloc(size_t alignment, size_t n) {
    return no_memory("aligned_alloc") ? NULL : track(__libc_memalign(alignment, n));
}

int posix_memalign(void **out, size_t alignment, size_t n) {
    if (no_memory("posix_memalign")) return ENOMEM;
    *out = track(__libc_memalign(alignment, n));
    return *out ? 0 : ENOMEM;
}

void free(void *ptr) {
    untrack(ptr);
    __libc_free(ptr);
}

/* ---- the rest ---- */

static void *next(const char *name) {
    inside++;
    void *symbol = dlsym(RTLD_NEXT, name);
    inside--;
    if (!symbol) abort();
    return symbol;
}

/* CALL(type, function, parameters, arguments, value of a failure, errno, status that it should lead to). What the C
 * library allocates inside is its own business: dlopen and pthread_create keep some of it. */
#define CALL(type, name, parameters, arguments, failure, error, status)                                                \
    type name parameters {                                                                                             \
        static type(*real) parameters;                                                                                 \
        if (fails(#name, status)) {                                                                                    \
            errno = error;                                                                                             \
            return failure;                                                                                            \
        }                                                                                                              \
        if (!real) {                                                                                                   \
            void *symbol = next(#name);                                                                                \
            memcpy(&real, &symbol, sizeof real);                                                                       \
        }                                                                                                              \
        inside++;                                                                                                      \
        type value = real arguments;                                                                                   \
        inside--;                                                                                                      \
        return value;                                                                                                  \
    }

CALL(void *, mmap, (void *at, size_t n, int prot, int flags, int fd, off_t offset), (at, n, prot, flags, fd, offset),
     MAP_FAILED, ENOMEM, LLM_E_MEMORY)
CALL(int, mprotect, (void *at, size_t n, int prot), (at, n, prot), -1, ENOMEM, LLM_E_MEMORY)
CALL(int, pthread_create,
     (pthread_t *restrict out, const pthread_attr_t *restrict attr, void *(*run)(void *), void *restrict arg),
     (out, attr, run, arg), EAGAIN, EAGAIN, LLM_E_MEMORY)
CALL(ssize_t, read, (int fd, void *out, size_t n), (fd, out, n), -1, EIO, LLM_E_IO)
CALL(ssize_t, pread, (int fd, void *out, size_t n, off_t at), (fd, out, n, at), -1, EIO, LLM_E_IO)
CALL(ssize_t, write, (int fd, const void *bytes, size_t n), (fd, bytes, n), -1, ENOSPC, LLM_E_IO)
CALL(ssize_t, process_vm_readv,
     (pid_t pid, const struct iovec *to, unsigned long n_to, const struct iovec *from, unsigned long n_from,
      unsigned long flags),
     (pid, to, n_to, from, n_from, flags), -1, EFAULT, LLM_E_IO)
CALL(int, fsync, (int fd), (fd), -1, EIO, LLM_E_IO)
CALL(int, ftruncate, (int fd, off_t n), (fd, n), -1, EIO, LLM_E_IO)
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EIO, LLM_E_IO)
CALL(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), -1, EPERM, LLM_E_IO)
CALL(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO, LLM_E_IO)
CALL(int, stat, (const char *restrict path, struct stat *restrict st), (path, st), -1, EIO, LLM_E_IO)
CALL(int, lstat, (const char *restrict path, struct stat *restrict st), (path, st), -1, EIO, LLM_E_IO)
CALL(int, fstatat, (int fd, const char *restrict name, struct stat *restrict st, int flags), (fd, name, st, flags), -1,
     EIO, LLM_E_IO)
CALL(int, access, (const char *path, int mode), (path, mode), -1, EIO, LLM_E_IO)
CALL(int, faccessat, (int fd, const char *name, int mode, int flags), (fd, name, mode, flags), -1, EIO, LLM_E_IO)
CALL(int, renameat, (int from, const char *old, int to, const char *name), (from, old, to, name), -1, EIO, LLM_E_IO)
CALL(int, linkat, (int from, const char *old, int to, const char *name, int flags), (from, old, to, name, flags), -1,
     EIO, LLM_E_IO)
CALL(char *, realpath, (const char *restrict path, char *restrict out), (path, out), NULL, EIO, LLM_E_IO)
CALL(char *, getcwd, (char *out, size_t n), (out, n), NULL, EIO, LLM_E_IO)
CALL(ssize_t, getrandom, (void *out, size_t n, unsigned flags), (out, n, flags), -1, EAGAIN, LLM_E_IO)
CALL(DIR *, fdopendir, (int fd), (fd), NULL, ENOMEM, LLM_E_MEMORY)
CALL(struct dirent *, readdir, (DIR * dir), (dir), NULL, EIO, LLM_E_IO)
CALL(void *, dlopen, (const char *path, int flags), (path, flags), NULL, EIO, LLM_E_DEVICE)

/* Those with a mode that is not always there. */
#define OPEN(name, parameters, arguments)                                                                              \
    int name parameters {                                                                                              \
        static int(*real) parameters;                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                                        \
        va_end(list);                                                                                                  \
        if (fails(#name, LLM_E_IO)) {                                                                                  \
            errno = EMFILE;                                                                                            \
            return -1;                                                                                                 \
        }                                                                                                              \
        if (!real) {                                                                                                   \
            void *symbol = next(#name);                                                                                \
            memcpy(&real, &symbol, sizeof real);                                                                       \
        }                                                                                                              \
        return real arguments;                                                                                         \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int fd, const char *path, int flags, ...), (fd, path, flags, mode))
