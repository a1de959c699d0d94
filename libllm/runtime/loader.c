#include "runtime/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "base/alloc.h"
#include "base/options.h"
#include "base/text.h"

static const struct {
    const char *name;
    llm_backend_entry_fn entry;
} table[] = {
#define BACKEND(name, entry) {name, entry},
#include "runtime/backends.def"
#undef BACKEND
};

enum { N_TABLE = sizeof table / sizeof table[0] };

const char *llmi_loader_name(int32_t index) {
    return index >= 0 && index < N_TABLE ? table[index].name : NULL;
}

static int32_t table_find(const char *name) {
    for (int32_t i = 0; i < N_TABLE; i++)
        if (strcmp(table[i].name, name) == 0) return i;
    return -1;
}

bool llmi_loader_is_listed(const char *name) {
    return table_find(name) >= 0;
}

/* The name becomes part of a path: nothing that could leave the folder. */
static llm_status check_name(const char *name) {
    size_t n = strnlen(name, LLMI_BACKEND_NAME_MAX + 1);
    if (n == 0 || n > LLMI_BACKEND_NAME_MAX)
        return llmi_error(LLM_E_ARGUMENT, "back end name: expected 1..%d characters", LLMI_BACKEND_NAME_MAX);
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n)
        return llmi_error(LLM_E_ARGUMENT, "back end name \"%s\": expected only a-z, 0-9, '_' and '-'",
                          LLMI_QUOTE(name, n));
    return LLM_OK;
}

/* Reads a file in /proc, which has no size, by lines. */
typedef struct lines {
    int fd;
    size_t at, n;
    char bytes[4096];
} lines;

/* False at the end. A line that does not fit loses its end. */
static bool next_line(lines *in, char *out, size_t capacity) {
    size_t len = 0;
    for (;;) {
        if (in->at == in->n) {
            ssize_t n;
            do n = read(in->fd, in->bytes, sizeof in->bytes);
            while (n < 0 && errno == EINTR);
            if (n <= 0) return false;
            in->at = 0;
            in->n = (size_t)n;
        }
        char c = in->bytes[in->at++];
        if (c == '\n') break;
        if (len + 1 < capacity) out[len++] = c;
    }
    out[len] = 0;
    return true;
}

/* The file that a line of /proc/self/maps ("from-to mode offset device inode  path") names, if it holds `address`. */
static const char *file_at(const char *line, uintptr_t address) {
    char *end;
    uintptr_t from = strtoull(line, &end, 16);
    if (*end != '-') return NULL;
    uintptr_t to = strtoull(end + 1, &end, 16);
    return from <= address && address < to ? strchr(end, '/') : NULL;
}

/* The folder of the file that holds this very function, by what the system mapped: the path that the loader remembers
 * may be relative (LD_LIBRARY_PATH=lib), and after chdir() that is another folder. */
static bool own_folder(char *out, size_t capacity) {
    lines maps = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    char line[PATH_MAX + 128];
    const char *path = NULL;
    if (maps.fd < 0) return false;
    while (!path && next_line(&maps, line, sizeof line)) path = file_at(line, (uintptr_t)llmi_loader_open);
    close(maps.fd);
    if (!path) return false;
    size_t n = (size_t)(strrchr(path, '/') - path);
    if (n >= capacity) return false;
    memcpy(out, path, n);
    out[n] = 0;
    return true;
}

/* Nothing beyond `abi` is read before the number is known to be ours. */
static llm_status check_backend(const llm_backend *b, const char *where) {
    if (!b) return llmi_error(LLM_E_DEVICE, "%s: " LLM_BACKEND_ENTRY "() returned nothing", where);
    if (b->abi != LLM_BACKEND_ABI)
        return llmi_error(LLM_E_VERSION, "%s: back-end interface %d, expected %d: it belongs to another libllm", where,
                          b->abi, LLM_BACKEND_ABI);
    if (b->struct_size < LLMI_UPTO(llm_backend, open))
        return llmi_error(LLM_E_VERSION, "%s: llm_backend has %u bytes, expected at least %zu", where, b->struct_size,
                          LLMI_UPTO(llm_backend, open));
    if (!b->probe || !b->open) return llmi_error(LLM_E_DEVICE, "%s: probe or open is missing", where);
    return LLM_OK;
}

static llm_status open_plugin(llmi_backend *b, const char *plugin_dir) {
    char folder[PATH_MAX], path[PATH_MAX + LLMI_BACKEND_NAME_MAX + 16];
    if (plugin_dir) {
        if (snprintf(folder, sizeof folder, "%s", plugin_dir) >= (int)sizeof folder)
            return llmi_error(LLM_E_ARGUMENT, "plugin_dir is longer than %d bytes", PATH_MAX - 1);
    } else if (!own_folder(folder, sizeof folder)) {
        return llmi_error(LLM_E_DEVICE, "the folder of libllm is unknown: set plugin_dir");
    }
    snprintf(path, sizeof path, "%s/libllm-%s.so", folder, b->name);
    if (access(path, F_OK) != 0) return llmi_error(LLM_E_NOT_FOUND, "%s: no such file", path);

    b->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!b->handle) {
        const char *why = dlerror();
        return llmi_error(LLM_E_DEVICE, "%s: cannot be opened: %s", path, why ? why : "no reason given");
    }
    void *symbol = dlsym(b->handle, LLM_BACKEND_ENTRY);
    if (!symbol) return llmi_error(LLM_E_DEVICE, "%s: has no " LLM_BACKEND_ENTRY "()", path);
    llm_backend_entry_fn entry;
    memcpy(&entry, &symbol, sizeof entry);
    const llm_backend *backend = entry();
    llm_status status = check_backend(backend, path);
    if (status == LLM_OK) b->backend = backend;
    return status;
}

static llm_status probe(llmi_backend *b, const llm_host *host) {
    char text[sizeof b->description] = "";
    llm_status status = b->backend->probe(host, text, sizeof text);
    text[sizeof text - 1] = 0;
    if (status != LLM_OK) return llmi_error(status < 0 ? status : LLM_E_DEVICE, "%s", text);
    llmi_clean(text, sizeof text);
    memcpy(b->description, text, sizeof text);
    return LLM_OK;
}

llm_status llmi_loader_open(llmi_backend **out, const llm_host *host, const llm_allocator *a, const char *plugin_dir,
                            const char *name) {
    *out = NULL;
    llm_status status = check_name(name);
    if (status != LLM_OK) return status;
    llmi_backend *b = llmi_alloc_zero(a, sizeof *b);
    if (!b) return LLM_E_MEMORY;
    memcpy(b->name, name, strlen(name));

    int32_t row = table_find(name);
    if (row >= 0 && table[row].entry) {
        status = check_backend(table[row].entry(), name);
        if (status == LLM_OK) b->backend = table[row].entry();
    } else {
        status = open_plugin(b, plugin_dir);
    }
    if (status == LLM_OK) status = probe(b, host);
    llmi_error_save(&b->failure, status);
    llmi_error_clear();
    *out = b;
    return LLM_OK;
}

void llmi_loader_close(llmi_backend *b, const llm_allocator *a) {
    if (!b) return;
    if (b->handle) dlclose(b->handle);
    llmi_free(a, b, sizeof *b);
}
