#define _GNU_SOURCE /* O_TMPFILE, O_PATH */

#include "base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"

enum { NAME_TRIES = 100, MAX_WRITE_BYTES = 1 << 30, PROC_PATH = 40 };

/* ---- where it goes ---- */

static llm_status not_regular(const char *path, mode_t mode) {
    return llmi_error(LLM_E_IO, "%s: is %s, expected a regular file or a new name", LLMI_QUOTE(path, strlen(path)),
                      llmi_file_kind(mode));
}

/* The path with symbolic links resolved, if there is something; else as it is. */
static llm_status resolve(char *out, const char *path) {
    struct stat st;
    if (realpath(path, out)) return LLM_OK;
    int error = errno;
    if (error != ENOENT) return llmi_file_error(error, "created", path);
    if (stat(path, &st) == 0) /* such as /dev/stdout into a pipe */
        return not_regular(path, st.st_mode);
    if (lstat(path, &st) == 0)
        return llmi_error(LLM_E_IO, "%s: is a symbolic link to nothing", LLMI_QUOTE(path, strlen(path)));
    size_t n = strlen(path);
    if (n >= PATH_MAX) return llmi_file_error(ENAMETOOLONG, "created", path);
    memcpy(out, path, n + 1);
    return LLM_OK;
}

/* Cuts the path into folder and name and opens the folder: nothing that happens to the process's working directory or
 * to links on the way can move the file afterwards. */
static llm_status open_folder(llmi_writer *w, char *resolved) {
    char *slash = strrchr(resolved, '/');
    const char *name = slash ? slash + 1 : resolved, *folder = slash ? resolved : ".";
    if (!*name) return llmi_file_error(slash ? EISDIR : ENOENT, "created", w->path);
    w->name = llmi_strndup(w->a, name, strlen(name));
    if (!w->name) return LLM_E_MEMORY;
    if (slash == resolved) folder = "/";
    if (slash) *slash = 0;
    w->dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return w->dir_fd >= 0 ? LLM_OK : llmi_file_error(errno, "created", w->path);
}

/* What the new file would replace. Only a regular file that may be written. */
static llm_status look_at_old(llmi_writer *w) {
    struct stat st;
    if (fstatat(w->dir_fd, w->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? LLM_OK : llmi_file_error(errno, "examined", w->path);
    if (!S_ISREG(st.st_mode)) return not_regular(w->path, st.st_mode);
    if (faccessat(w->dir_fd, w->name, W_OK, 0) != 0) return llmi_file_error(errno, "replaced", w->path);
    w->replaces = true;
    w->id = (llmi_file_id){st.st_dev, st.st_ino};
    w->mode = st.st_mode & 0777;
    w->uid = st.st_uid;
    w->gid = st.st_gid;
    return LLM_OK;
}

/* ---- the file before it has its name ---- */

static bool make_name(char out[32]) {
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits) return false;
    llmi_format(out, 32, ".libllm-%016llx.tmp", (unsigned long long)bits);
    return true;
}

/* Its link in /proc, which linkat follows to name it. */
static void proc_path(char out[PROC_PATH], int fd) {
    llmi_format(out, PROC_PATH, "/proc/self/fd/%d", fd);
}

static int open_nameless(const llmi_writer *w, mode_t mode) {
    char link[PROC_PATH];
    int fd = openat(w->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    if (fd < 0) return -1;
    proc_path(link, fd);
    if (access(link, F_OK) == 0) return fd;
    close(fd);
    return -1;
}

/* Of a file that is replaced, nobody else may read the new content before it has the old one's mode. */
static llm_status open_new(llmi_writer *w) {
    mode_t mode = w->replaces ? 0600 : 0666;
    w->fd = open_nameless(w, mode);
    for (int i = 0; i < NAME_TRIES && w->fd < 0; i++) {
        if (!make_name(w->temp)) break;
        w->fd = openat(w->dir_fd, w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (w->fd < 0 && errno != EEXIST && errno != EINTR) break;
    }
    if (w->fd >= 0) return LLM_OK;
    w->temp[0] = 0; /* not ours to remove */
    return llmi_file_error(errno, "created", w->path);
}

llm_status llmi_writer_open(llmi_writer *out, const llm_allocator *a, const char *path) {
    char resolved[PATH_MAX];
    *out = (llmi_writer){.a = a, .dir_fd = -1, .fd = -1};
    out->path = llmi_strndup(a, path, strlen(path));
    llm_status status = out->path ? resolve(resolved, path) : LLM_E_MEMORY;
    if (status == LLM_OK) status = open_folder(out, resolved);
    if (status == LLM_OK) status = look_at_old(out);
    if (status == LLM_OK) status = open_new(out);
    if (status != LLM_OK) llmi_writer_discard(out);
    return status;
}

/* ---- its bytes ---- */

/* Beyond the limit the system would raise SIGXFSZ, which kills a host that does not expect it. */
static bool passes_limit(const llmi_writer *w, size_t n) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           (w->written > limit.rlim_cur || n > limit.rlim_cur - w->written);
}

llm_status llmi_writer_put(llmi_writer *w, const void *bytes, size_t n) {
    if (passes_limit(w, n)) return llmi_file_error(EFBIG, "written", w->path);
    for (size_t at = 0; at < n;) {
        size_t left = n - at;
        ssize_t done = write(w->fd, (const char *)bytes + at, left < MAX_WRITE_BYTES ? left : MAX_WRITE_BYTES);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return llmi_file_error(done ? errno : ENOSPC, "written", w->path);
        at += (size_t)done;
    }
    w->written += n;
    return LLM_OK;
}

/* ---- its name ---- */

/* Owner first, since a change of owner may take bits of the mode away. A group that cannot be kept gets no more than
 * everybody has. */
static llm_status take_over(const llmi_writer *w) {
    if (!w->replaces) return LLM_OK;
    mode_t mode = w->mode;
    if (fchown(w->fd, w->uid, w->gid) != 0 && fchown(w->fd, (uid_t)-1, w->gid) != 0)
        mode = (mode & ~(mode_t)070) | (mode & 07) << 3;
    return fchmod(w->fd, mode) == 0 ? LLM_OK : llmi_file_error(errno, "given the mode of the old file", w->path);
}

static llm_status name_nameless(llmi_writer *w) {
    char link[PROC_PATH];
    if (w->temp[0]) return LLM_OK;
    proc_path(link, w->fd);
    for (int i = 0; i < NAME_TRIES && make_name(w->temp); i++) {
        if (linkat(AT_FDCWD, link, w->dir_fd, w->temp, AT_SYMLINK_FOLLOW) == 0) return LLM_OK;
        if (errno != EEXIST && errno != EINTR) break;
    }
    w->temp[0] = 0;
    return llmi_file_error(errno, "given a name", w->path);
}

/* The folder contains the name; not every system can flush it, and that does not make the write fail. */
static void flush_folder(const llmi_writer *w) {
    int fd = openat(w->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

llm_status llmi_writer_commit(llmi_writer *w) {
    llm_status status = take_over(w);
    if (status == LLM_OK && fsync(w->fd) != 0) status = llmi_file_error(errno, "flushed", w->path);
    if (status == LLM_OK) status = look_at_old(w);
    if (status == LLM_OK) status = name_nameless(w);
    if (close(w->fd) != 0 && status == LLM_OK) status = llmi_file_error(errno, "closed", w->path);
    w->fd = -1;
    if (status == LLM_OK && renameat(w->dir_fd, w->temp, w->dir_fd, w->name) != 0)
        status = llmi_file_error(errno, "renamed into place", w->path);
    if (status == LLM_OK) {
        flush_folder(w);
        w->temp[0] = 0; /* nothing to remove */
    }
    llmi_writer_discard(w);
    return status;
}

void llmi_writer_discard(llmi_writer *w) {
    if (w->fd >= 0) close(w->fd);
    if (w->temp[0]) unlinkat(w->dir_fd, w->temp, 0);
    if (w->dir_fd >= 0) close(w->dir_fd);
    if (w->name) llmi_free(w->a, w->name, strlen(w->name) + 1);
    if (w->path) llmi_free(w->a, w->path, strlen(w->path) + 1);
    *w = (llmi_writer){.a = w->a, .dir_fd = -1, .fd = -1};
}
