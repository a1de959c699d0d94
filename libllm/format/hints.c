/* The files that people give by mistake. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"

typedef struct hint {
    const char *begin; /* how such a file begins */
    size_t n;
    const char *text;
} hint;

#define HINT(begin, text)                                                                                              \
    { begin, sizeof begin - 1, text }
#define DOWNLOAD_FAILED                                                                                                \
    "this is an error page of a download, not the file: a gated model needs an account and its token"
static const hint hints[] = {
    HINT("version https://git-lfs", "this is a Git LFS pointer, not the file itself: fetch it with \"git lfs pull\""),
    HINT("<!DOCTYPE", "this is an HTML page, probably an error page of a download"),
    HINT("<!doctype", "this is an HTML page, probably an error page of a download"),
    HINT("<html", "this is an HTML page, probably an error page of a download"),
    HINT("<HTML", "this is an HTML page, probably an error page of a download"),
    HINT("<?xml", "this is an XML page, probably an error page of a download"),
    HINT("Access to ", DOWNLOAD_FAILED),
    HINT("Cannot access gated", DOWNLOAD_FAILED),
    HINT("Repository not found", DOWNLOAD_FAILED),
    HINT("Entry not found", DOWNLOAD_FAILED),
    HINT("Not Found", DOWNLOAD_FAILED),
    HINT("Invalid username", DOWNLOAD_FAILED),
    HINT("Invalid credentials", DOWNLOAD_FAILED),
    HINT("\0\0\0\0\0\0\0\0", "the file begins with zeros: probably its download is not complete"),
    HINT("lmgg", "this is a file of the old ggml format: convert the model to GGUF"),
    HINT("fmgg", "this is a file of the old ggmf format: convert the model to GGUF"),
    HINT("tjgg", "this is a file of the old ggjt format: convert the model to GGUF"),
    HINT("algg", "this is an adapter of the old ggla format: convert it to GGUF"),
    HINT("FUGG", "this is a GGUF file with its bytes swapped"),
    HINT("PK\x03\x04", "this is a zip archive, perhaps PyTorch weights (.bin, .pt): save them as safetensors"),
    HINT("\x80\x02", "these are pickled PyTorch weights: save them as safetensors"),
    HINT("\x80\x04", "these are pickled PyTorch weights: save them as safetensors"),
    HINT("\x89HDF", "these are weights of Keras: save them as safetensors"),
    HINT("\x1f\x8b", "this is a gzip archive: unpack it first"),
    HINT("\x28\xb5\x2f\xfd", "this is a zstd archive: unpack it first"),
    HINT("GGUF", "this is a GGUF file: give the path of the file, not of its directory"),
    HINT("{", "this is JSON text: give the directory that contains it, or a GGUF file"),
};

enum { N_HINTS = sizeof hints / sizeof hints[0], HINT_BYTES = 8 };

llm_status llmi_hints_refuse(const char *data, size_t n, const char *expected) {
    if (n == 0) return llmi_error(LLM_E_FORMAT, "expected %s, but the file is empty", expected);
    for (int i = 0; i < N_HINTS; i++)
        if (n >= hints[i].n && memcmp(data, hints[i].begin, hints[i].n) == 0)
            return llmi_error(LLM_E_FORMAT, "expected %s: %s", expected, hints[i].text);
    if (n > 8 && data[8] == '{' && !data[7] && !data[6] && !data[5] && !data[4])
        return llmi_error(LLM_E_FORMAT,
                          "expected %s: this is a safetensors file: give the directory that holds it and its "
                          "config.json",
                          expected);
    return llmi_error(LLM_E_FORMAT, "expected %s, but it begins with \"%s\"", expected,
                      LLMI_QUOTE(data, n < HINT_BYTES ? n : HINT_BYTES));
}

llm_status llmi_hints_look(int dir_fd, const char *name, bool gguf) {
    char bytes[32];
    struct stat st;
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t n = regular ? pread(fd, bytes, sizeof bytes, 0) : -1;
    if (fd >= 0) close(fd);
    if (n < 0) return LLM_OK;
    bool looks_right = gguf ? n >= 4 && memcmp(bytes, "GGUF", 4) == 0 : n > 8 && bytes[8] == '{';
    return looks_right ? LLM_OK : llmi_hints_refuse(bytes, (size_t)n, gguf ? "a GGUF file" : "a safetensors file");
}
