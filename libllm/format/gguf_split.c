/* Opening GGUF files. A split set is NAME-00001-of-0000N.gguf and so on in one directory; each part
 * states split.no (from 0), split.count and split.tensors.count, the first holds the metadata. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"

enum { DIGITS = 5, SUFFIX = sizeof "-00001-of-00001.gguf" - 1 };

/* Opens one file alone and appends its contents. */
static llm_status take_file(llmi_contents *c, llmi_file *f, bool metadata_only) {
    llm_status status = llmi_gguf_parse(c, f->data, f->size, metadata_only);
    if (status != LLM_OK) {
        status = llmi_error_in(status, "%s", LLMI_QUOTE(f->path, strlen(f->path)));
    } else if (llmi_buf_push(&c->files, *f)) {
        return LLM_OK;
    } else {
        status = LLM_E_MEMORY;
    }
    llmi_file_close(f);
    return status;
}

/* A key of the split convention in entries first.. of the metadata; absent: the fallback. */
static llm_status split_key(int64_t *out, const llmi_contents *c, size_t first, const char *key, int64_t min,
                            int64_t max, int64_t fallback) {
    size_t n = llmi_buf_count(&c->metas, llmi_meta);
    *out = fallback;
    for (size_t i = first; i < n; i++) {
        const llmi_meta *m = &llmi_buf_at(&c->metas, llmi_meta, i);
        if (m->key.len != strlen(key) || memcmp(m->key.ptr, key, m->key.len) != 0) continue;
        if (!llmi_meta_integer(out, m) || *out < min || *out > max)
            return llmi_error(LLM_E_FORMAT, "key \"%s\": expected an integer in %" PRId64 "..%" PRId64, key, min, max);
    }
    return LLM_OK;
}

/* ---- the other parts ---- */

typedef struct split {
    int64_t n_parts, n_tensors; /* n_tensors -1: not stated */
    char *name;                 /* of a part; the number is changed in place */
    size_t n_name;
    char *dir;
    size_t n_dir;
    int dir_fd;
} split;

static int read_digits(const char *text) {
    int n = 0;
    for (int i = 0; i < DIGITS; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        n = n * 10 + (text[i] - '0');
    }
    return n;
}

/* "-00001-of-00003.gguf" at the end of a name: the number of parts, or -1. */
static int parts_by_name(const char *name) {
    size_t n = strlen(name);
    if (n < SUFFIX) return -1;
    const char *s = name + n - SUFFIX;
    bool fits = s[0] == '-' && read_digits(s + 1) > 0 && memcmp(s + 6, "-of-", 4) == 0 && strcmp(s + 15, ".gguf") == 0;
    return fits ? read_digits(s + 10) : -1;
}

static void split_free(split *s, const llm_allocator *a) {
    if (s->dir_fd >= 0) close(s->dir_fd);
    if (s->name) llmi_free(a, s->name, s->n_name + 1);
    if (s->dir) llmi_free(a, s->dir, s->n_dir + 1);
}

static llm_status split_init(split *s, const llmi_contents *c) {
    const char *slash = strrchr(c->path, '/');
    const char *name = slash ? slash + 1 : c->path;
    int by_name = parts_by_name(name);
    if (by_name != s->n_parts)
        return llmi_error(LLM_E_FORMAT,
                          "%s: key \"split.count\" is %" PRId64 ": expected a file name that ends in "
                          "\"-00001-of-%05" PRId64 ".gguf\"",
                          LLMI_QUOTE(c->path, strlen(c->path)), s->n_parts, s->n_parts);
    s->n_name = strlen(name);
    s->name = llmi_strndup(c->a, name, s->n_name);
    s->n_dir = slash ? (size_t)(slash - c->path) + (slash == c->path) : 1;
    s->dir = llmi_strndup(c->a, slash ? c->path : ".", s->n_dir);
    if (!s->name || !s->dir) return LLM_E_MEMORY;
    s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0) return llmi_error(LLM_E_IO, "%s: cannot be opened", LLMI_QUOTE(s->dir, s->n_dir));
    return LLM_OK;
}

static llm_status check_part(const split *s, const llmi_contents *c, size_t first_meta, int64_t part) {
    int64_t no, count;
    llm_status status = split_key(&no, c, first_meta, "split.no", 0, UINT16_MAX, -1);
    if (status == LLM_OK) status = split_key(&count, c, first_meta, "split.count", 0, UINT16_MAX, 0);
    if (status != LLM_OK) return status;
    if (no != part) return llmi_error(LLM_E_FORMAT, "key \"split.no\" is %" PRId64 ", expected %" PRId64, no, part);
    if (count != s->n_parts)
        return llmi_error(LLM_E_FORMAT, "key \"split.count\" is %" PRId64 ", expected %" PRId64, count, s->n_parts);
    return LLM_OK;
}

static llm_status open_part(split *s, llmi_contents *c, int64_t part, const llmi_weights_options *options) {
    char digits[DIGITS + 1];
    llmi_file f;
    size_t first_meta = llmi_buf_count(&c->metas, llmi_meta);
    llmi_format(digits, sizeof digits, "%05" PRId64, part + 1);
    memcpy(s->name + s->n_name - SUFFIX + 1, digits, DIGITS);
    llm_status status = options->use_mmap ? LLM_OK : llmi_hints_look(s->dir_fd, s->name, true);
    if (status != LLM_OK) return llmi_error_in(status, "%s", LLMI_QUOTE(s->name, s->n_name));
    status = llmi_file_open_at(&f, c->a, s->dir_fd, s->dir, s->name, options->use_mmap);
    if (status == LLM_E_NOT_FOUND)
        return llmi_error_in(status, "part %" PRId64 " of %" PRId64 " is missing (all must be in one directory)",
                             part + 1, s->n_parts);
    if (status == LLM_OK) status = take_file(c, &f, options->metadata_only);
    if (status != LLM_OK) return status;
    status = check_part(s, c, first_meta, part);
    if (status != LLM_OK) return llmi_error_in(status, "%s", LLMI_QUOTE(s->name, s->n_name));
    if (part == 0) return split_key(&s->n_tensors, c, 0, "split.tensors.count", 0, INT32_MAX, -1);
    c->metas.len = first_meta * sizeof(llmi_meta); /* only the first part's metadata counts */
    return LLM_OK;
}

static llm_status open_parts(llmi_contents *c, int64_t n_parts, const llmi_weights_options *options) {
    split s = {.n_parts = n_parts, .n_tensors = -1, .dir_fd = -1};
    llm_status status = split_init(&s, c);
    for (int64_t i = 0; i < n_parts && status == LLM_OK; i++) {
        status = open_part(&s, c, i, options);
        if (options->metadata_only) break;
    }
    size_t n_tensors = llmi_buf_count(&c->tensors, llmi_tensor);
    if (status == LLM_OK && !options->metadata_only && s.n_tensors >= 0 && (uint64_t)s.n_tensors != n_tensors)
        status = llmi_error(LLM_E_FORMAT, "%s: key \"split.tensors.count\" is %" PRId64 ", but the parts hold %zu",
                            LLMI_QUOTE(c->path, strlen(c->path)), s.n_tensors, n_tensors);
    split_free(&s, c->a);
    return status;
}

llm_status llmi_gguf_open(llmi_contents *c, const llmi_weights_options *options) {
    llmi_file f;
    int64_t n_parts;
    c->format = LLMI_FORMAT_GGUF;
    llm_status status = options->use_mmap ? LLM_OK : llmi_hints_look(AT_FDCWD, c->path, true);
    if (status != LLM_OK) return llmi_error_in(status, "%s", LLMI_QUOTE(c->path, strlen(c->path)));
    status = llmi_file_open(&f, c->a, c->path, options->use_mmap);
    if (status == LLM_OK) status = take_file(c, &f, options->metadata_only);
    if (status == LLM_OK) status = split_key(&n_parts, c, 0, "split.count", 0, UINT16_MAX, 0);
    if (status != LLM_OK || n_parts <= 1) return status;

    /* Any part may have been named: start again with the first. */
    llmi_file_close(&llmi_buf_at(&c->files, llmi_file, 0));
    c->files.len = c->metas.len = c->tensors.len = 0;
    return open_parts(c, n_parts, options);
}
