#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"
#include "base/text.h"

enum { QUOTED = 256, MAX_IO_BYTES = 1 << 30 };

/* What the system answered, as a status and a text that names the file. */
static llm_status system_error(int error, const char *verb, const char *path) {
    char why[96], why_quoted[96], path_quoted[QUOTED];
    if (strerror_r(error, why, sizeof why) != 0) llmi_format(why, sizeof why, "error %d", error);
    llm_status status = LLM_E_IO;
    if (error == ENOENT || error == ENOTDIR) status = LLM_E_NOT_FOUND;
    if (error == ENOMEM) status = LLM_E_MEMORY;
    return llmi_error(status, "%s: cannot be %s: %s", llmi_quote(path_quoted, sizeof path_quoted, path, strlen(path)),
                      verb, llmi_quote(why_quoted, sizeof why_quoted, why, strlen(why)));
}

/* ---- reading ---- */

static const char *kind_name(mode_t mode) {
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

/* pread, because the position of an open file may be shared. */
static llm_status read_whole(llmi_file *f, int fd) {
    char *data = llmi_alloc(f->a, f->size);
    if (!data) return LLM_E_MEMORY;
    f->data = data;
    for (size_t at = 0; at < f->size;) {
        size_t left = f->size - at;
        ssize_t n = pread(fd, data + at, left < MAX_IO_BYTES ? left : MAX_IO_BYTES, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(errno, "read", f->path);
        if (n == 0) {
            char path[QUOTED];
            return llmi_error(LLM_E_IO, "%s: ended at byte %zu of %zu while it was read",
                              llmi_quote(path, sizeof path, f->path, strlen(f->path)), at, f->size);
        }
        at += (size_t)n;
    }
    return LLM_OK;
}

/* fd is closed in any case, f in case of failure. */
static llm_status take(llmi_file *f, int fd, bool use_mmap) {
    struct stat st;
    llm_status status = LLM_OK;
    if (fstat(fd, &st) != 0) {
        status = system_error(errno, "examined", f->path);
    } else if (!S_ISREG(st.st_mode)) {
        char path[QUOTED];
        status = llmi_error(LLM_E_IO, "%s: is %s, expected a regular file",
                            llmi_quote(path, sizeof path, f->path, strlen(f->path)), kind_name(st.st_mode));
    } else if (st.st_size > 0) {
        f->size = (size_t)st.st_size;
        if (use_mmap) {
            void *data = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
            f->mapped = data != MAP_FAILED;
            if (f->mapped)
                f->data = data;
            else
                status = system_error(errno, "mapped", f->path);
        } else {
            status = read_whole(f, fd);
        }
    }
    close(fd);
    if (status != LLM_OK) llmi_file_close(f);
    return status;
}

/* O_NONBLOCK: opening a pipe would wait for its other end. */
static llm_status open_file(llmi_file *f, int dir_fd, const char *name, bool use_mmap) {
    int fd;
    do fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd >= 0) return take(f, fd, use_mmap);
    llm_status status = system_error(errno, "opened", f->path);
    llmi_file_close(f);
    return status;
}

llm_status llmi_file_open(llmi_file *out, const llm_allocator *a, const char *path, bool use_mmap) {
    *out = (llmi_file){.a = a};
    out->path = llmi_strndup(a, path, strlen(path));
    return out->path ? open_file(out, AT_FDCWD, path, use_mmap) : LLM_E_MEMORY;
}

static bool is_plain_name(const char *name) {
    return *name && !strpbrk(name, "/\\") && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

llm_status llmi_file_open_at(llmi_file *out, const llm_allocator *a, int dir_fd, const char *dir_path, const char *name,
                             bool use_mmap) {
    *out = (llmi_file){.a = a};
    if (!is_plain_name(name))
        return llmi_error(LLM_E_FORMAT, "\"%s\" is not a plain file name", LLMI_QUOTE(name, strlen(name)));
    size_t n_dir = strlen(dir_path), n_name = strlen(name);
    out->path = llmi_alloc(a, n_dir + n_name + 2);
    if (!out->path) return LLM_E_MEMORY;
    llmi_format(out->path, n_dir + n_name + 2, "%s/%s", dir_path, name);
    return open_file(out, dir_fd, name, use_mmap);
}

void llmi_file_close(llmi_file *f) {
    if (f->mapped)
        munmap((void *)f->data, f->size);
    else if (f->data)
        llmi_free(f->a, (void *)f->data, f->size);
    if (f->path) llmi_free(f->a, f->path, strlen(f->path) + 1);
    *f = (llmi_file){.a = f->a};
}

int llmi_path_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? S_ISDIR(st.st_mode) : system_error(errno, "examined", path);
}

/* ---- writing ---- */

enum { TEMP_SUFFIX = 40, TEMP_TRIES = 100 };

llm_status llmi_writer_open(llmi_writer *out, const llm_allocator *a, const char *path) {
    size_t n = strlen(path), n_temp = n + TEMP_SUFFIX;
    *out = (llmi_writer){.a = a, .temp_bytes = n_temp, .fd = -1};
    out->path = llmi_strndup(a, path, n);
    out->temp = llmi_alloc_zero(a, n_temp);
    llm_status status = out->path && out->temp ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) {
        for (int i = 0; i < TEMP_TRIES && out->fd < 0; i++) {
            llmi_format(out->temp, n_temp, "%s.%ld-%d.tmp", path, (long)getpid(), i);
            out->fd = open(out->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (out->fd < 0 && errno != EEXIST && errno != EINTR) break;
        }
        if (out->fd < 0) {
            status = system_error(errno, "created", out->temp);
            out->temp[0] = 0; /* not ours to remove */
        }
    }
    if (status != LLM_OK) llmi_writer_discard(out);
    return status;
}

llm_status llmi_writer_put(llmi_writer *w, const void *bytes, size_t n) {
    for (size_t at = 0; at < n;) {
        size_t left = n - at;
        ssize_t done = write(w->fd, (const char *)bytes + at, left < MAX_IO_BYTES ? left : MAX_IO_BYTES);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return system_error(errno, "written", w->temp);
        at += (size_t)done;
    }
    w->written += n;
    return LLM_OK;
}

/* The folder holds the name; that it cannot be flushed everywhere is no failure of the file. */
static void flush_folder(const llmi_writer *w) {
    char *slash = strrchr(w->temp, '/');
    if (slash) slash[slash == w->temp] = 0;
    int fd = open(slash ? w->temp : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

llm_status llmi_writer_commit(llmi_writer *w) {
    llm_status status = LLM_OK;
    if (fsync(w->fd) != 0) status = system_error(errno, "flushed", w->temp);
    if (close(w->fd) != 0 && status == LLM_OK) status = system_error(errno, "closed", w->temp);
    w->fd = -1;
    if (status == LLM_OK && rename(w->temp, w->path) != 0) status = system_error(errno, "renamed into place", w->path);
    if (status == LLM_OK) {
        flush_folder(w);
        w->temp[0] = 0; /* nothing to remove */
    }
    llmi_writer_discard(w);
    return status;
}

void llmi_writer_discard(llmi_writer *w) {
    if (w->fd >= 0) close(w->fd);
    if (w->temp) {
        if (w->temp[0]) unlink(w->temp);
        llmi_free(w->a, w->temp, w->temp_bytes);
    }
    if (w->path) llmi_free(w->a, w->path, strlen(w->path) + 1);
    *w = (llmi_writer){.a = w->a, .fd = -1};
}
