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

enum { QUOTED = 256, MAX_IO_BYTES = 1 << 30, HUB_NAME = 200 };

llm_status llmi_file_error(int error, const char *verb, const char *path) {
    char why[96], why_quoted[96], path_quoted[QUOTED];
    if (strerror_r(error, why, sizeof why) != 0) llmi_format(why, sizeof why, "error %d", error);
    llm_status status = LLM_E_IO;
    if (error == ENOENT || error == ENOTDIR) status = LLM_E_NOT_FOUND;
    if (error == ENOMEM) status = LLM_E_MEMORY;
    return llmi_error(status, "%s: cannot be %s: %s", llmi_quote(path_quoted, sizeof path_quoted, path, strlen(path)),
                      verb, llmi_quote(why_quoted, sizeof why_quoted, why, strlen(why)));
}

/* ---- reading ---- */

const char *llmi_file_kind(mode_t mode) {
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
        if (n < 0) return llmi_file_error(errno, "read", f->path);
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
        status = llmi_file_error(errno, "examined", f->path);
    } else if (!S_ISREG(st.st_mode)) {
        char path[QUOTED];
        status = llmi_error(LLM_E_IO, "%s: is %s, expected a regular file",
                            llmi_quote(path, sizeof path, f->path, strlen(f->path)), llmi_file_kind(st.st_mode));
    } else if (st.st_size > 0) {
        f->size = (size_t)st.st_size;
        f->id = (llmi_file_id){st.st_dev, st.st_ino};
        if (use_mmap) {
            void *data = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);
            f->mapped = data != MAP_FAILED;
            if (f->mapped)
                f->data = data;
            else
                status = llmi_file_error(errno, "mapped", f->path);
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
    llm_status status = llmi_file_error(errno, "opened", f->path);
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

/* "owner/name", where there is no folder "owner" and no file is meant: how the Hugging Face Hub names repositories. */
static bool looks_like_hub_name(const char *path) {
    static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    char owner[HUB_NAME];
    struct stat st;
    size_t n_owner = strspn(path, name_bytes), n = strlen(path);
    if (n_owner == 0 || path[n_owner] != '/' || path[0] == '.' || n >= sizeof owner) return false;
    if (n_owner + 1 + strspn(path + n_owner + 1, name_bytes) != n || n_owner + 1 == n) return false;
    if (n > 5 && (strcmp(path + n - 5, ".gguf") == 0 || strcmp(path + n - 5, ".json") == 0)) return false;
    memcpy(owner, path, n_owner);
    owner[n_owner] = 0;
    return stat(owner, &st) != 0;
}

int llmi_file_is_dir(const char *path) {
    struct stat st;
    if (stat(path, &st) == 0) return S_ISDIR(st.st_mode);
    llm_status status = llmi_file_error(errno, "examined", path);
    if (status != LLM_E_NOT_FOUND || !looks_like_hub_name(path)) return status;
    return llmi_error(status,
                      "%s: no such file or folder; if it is a repository of the Hugging Face Hub: libllm downloads "
                      "nothing, but 'hf download %s --local-dir %s' does, then load the folder %s",
                      path, path, strchr(path, '/') + 1, strchr(path, '/') + 1);
}
