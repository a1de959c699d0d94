/* Hugging Face directories: config.json, and safetensors files either by an index of shards or alone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"
#include "format/names.h"

/* Deep paths of long names would add up to the square of the file's size. */
enum { MAX_PATH_BYTES = 4096, MAX_KEYS_BYTES = 64 << 20 };

#define INDEX_NAME "model.safetensors.index.json"

/* ---- config.json ---- */

typedef struct level {
    json_t *object;
    void *iter;
    size_t n_prefix; /* bytes of the path of this object, with its dot */
} level;

static int type_of(const json_t *v) {
    static const int types[] = {
        [JSON_ARRAY] = LLMI_META_ARRAY, [JSON_STRING] = LLMI_META_STRING, [JSON_REAL] = LLMI_META_F64,
        [JSON_TRUE] = LLMI_META_BOOL,   [JSON_FALSE] = LLMI_META_BOOL,    [JSON_NULL] = -1};
    return json_is_integer(v) ? LLMI_META_I64 : types[json_typeof(v)];
}

static llm_status add_leaf(llmi_contents *c, const llmi_buf *path, const json_t *value) {
    llmi_meta m = {.key.len = path->len, .json = value, .type = type_of(value)};
    return llmi_buf_append(&c->keys, path->data, path->len) && llmi_buf_push(&c->metas, m) ? LLM_OK : LLM_E_MEMORY;
}

/* Walks the tree with a stack of its own; path holds the path of the member at hand. */
static llm_status flatten(llmi_contents *c, json_t *root, llmi_buf *path) {
    level stack[LLMI_OLD_JSON_MAX_DEPTH + 1];
    int depth = 0;
    stack[0] = (level){root, json_object_iter(root), 0};
    while (depth >= 0) {
        level *l = &stack[depth];
        if (!l->iter) {
            depth--;
            continue;
        }
        json_t *value = json_object_iter_value(l->iter);
        path->len = l->n_prefix;
        if (!llmi_buf_append(path, json_object_iter_key(l->iter), json_object_iter_key_len(l->iter)))
            return LLM_E_MEMORY;
        l->iter = json_object_iter_next(l->object, l->iter);
        if (!json_is_object(value)) {
            llm_status status = add_leaf(c, path, value);
            if (status != LLM_OK) return status;
        } else if (depth == LLMI_OLD_JSON_MAX_DEPTH) {
            return llmi_error(LLM_E_LIMIT, "objects nested deeper than %d", LLMI_OLD_JSON_MAX_DEPTH);
        } else {
            if (!llmi_buf_append(path, ".", 1)) return LLM_E_MEMORY;
            stack[++depth] = (level){value, json_object_iter(value), path->len};
        }
        if (path->len > MAX_PATH_BYTES || c->keys.len > MAX_KEYS_BYTES)
            return llmi_error(LLM_E_LIMIT, "member names are longer than %d bytes in all", MAX_KEYS_BYTES);
    }
    return LLM_OK;
}

llm_status llmi_hf_take_config(llmi_contents *c, json_t *config) {
    llmi_buf path;
    c->config = config;
    if (!json_is_object(config)) return llmi_error(LLM_E_FORMAT, "config.json is no JSON object");
    if (!llmi_buf_reserve(&c->keys, 1)) return LLM_E_MEMORY; /* an empty name has an address, too */
    llmi_buf_init(&path, c->a);
    llm_status status = flatten(c, config, &path);
    llmi_buf_free(&path);
    return status;
}

/* ---- the directory ---- */

/* Counts the directory's names that end in `suffix`; *name receives one of them if it fits. */
static int find_suffix(int dir_fd, const char *suffix, char *name, size_t capacity) {
    int count = 0, fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) close(fd);
        return 0;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        size_t n = strlen(e->d_name), n_suffix = strlen(suffix);
        if (n < n_suffix || strcmp(e->d_name + n - n_suffix, suffix) != 0) continue;
        llmi_format(name, capacity, "%s", e->d_name);
        count++;
    }
    closedir(dir);
    return count;
}

static llm_status parse_json_file(json_t **out, llmi_contents *c, const char *name) {
    llmi_file f;
    /* Read, not mapped: small, and cut short while it is read it must stay an error. */
    llm_status status = llmi_file_open_at(&f, c->a, c->dir_fd, c->path, name, false);
    if (status != LLM_OK) return status;
    const char *end = f.size ? memchr(f.data, '{', f.size < 16 ? f.size : 16) : NULL;
    if (end)
        status = llmi_old_json_parse(out, f.data, f.size, name);
    else
        status = llmi_error_in(llmi_hints_refuse(f.data, f.size, "a JSON object"), "%s", name);
    llmi_file_close(&f);
    return status;
}

static llm_status read_config(llmi_contents *c) {
    json_t *config;
    char name[256];
    llm_status status = parse_json_file(&config, c, "config.json");
    if (status == LLM_OK) return llmi_hf_take_config(c, config);
    if (status == LLM_E_NOT_FOUND && find_suffix(c->dir_fd, ".gguf", name, sizeof name))
        return llmi_error_in(status, "no model directory, but it holds \"%s\": give the path of that file",
                             LLMI_QUOTE(name, strlen(name)));
    if (status == LLM_E_NOT_FOUND)
        return llmi_error_in(status, "no model directory: it needs config.json beside its *.safetensors");
    return status;
}

static llm_status open_shard(llmi_contents *c, const char *name, bool use_mmap) {
    llmi_file f;
    llm_status status = llmi_file_open_at(&f, c->a, c->dir_fd, c->path, name, use_mmap);
    if (status != LLM_OK) return status;
    status = llmi_safetensors_parse(c, f.data, f.size);
    if (status != LLM_OK) status = llmi_error_in(status, "%s", LLMI_QUOTE(f.path, strlen(f.path)));
    if (status == LLM_OK && llmi_buf_push(&c->files, f)) return LLM_OK;
    llmi_file_close(&f);
    return status != LLM_OK ? status : LLM_E_MEMORY;
}

/* ---- the index of shards ---- */

/* Opens each file that weight_map names, once, in order of first mention. */
static llm_status open_shards(llmi_contents *c, json_t *map, llmi_names *opened, bool use_mmap) {
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it)) {
        const json_t *file = json_object_iter_value(it);
        const char *name = json_string_value(file), *key = json_object_iter_key(it);
        if (!name || strlen(name) != json_string_length(file))
            return llmi_error(LLM_E_FORMAT, "\"weight_map\": the file of \"%s\" is no file name",
                              LLMI_QUOTE(key, strlen(key)));
        if (!llmi_names_add(opened, (llm_span){name, strlen(name)}, 0)) continue;
        llm_status status = open_shard(c, name, use_mmap);
        if (status != LLM_OK)
            return llmi_error_in(status, "\"weight_map\": the file of \"%s\"", LLMI_QUOTE(key, strlen(key)));
    }
    return LLM_OK;
}

static llm_status check_mapped(const llmi_contents *c, json_t *map) {
    size_t n = llmi_buf_count(&c->tensors, llmi_tensor), at = c->keys.len;
    llmi_names names;
    llm_status status = llmi_names_init(&names, c->a, n);
    if (status != LLM_OK) return status;
    for (size_t i = n; i-- > 0;) { /* the pool of keys ends with the tensors' names */
        llm_span name = llmi_buf_at(&c->tensors, llmi_tensor, i).name;
        at -= name.len;
        llmi_names_add(&names, (llm_span){c->keys.data + at, name.len}, (int32_t)i);
    }
    for (void *it = json_object_iter(map); it && status == LLM_OK; it = json_object_iter_next(map, it)) {
        const char *key = json_object_iter_key(it);
        if (llmi_names_find(&names, key, json_object_iter_key_len(it)) < 0)
            status = llmi_error(LLM_E_FORMAT, "\"weight_map\" names tensor \"%s\", which is in no file",
                                LLMI_QUOTE(key, strlen(key)));
    }
    llmi_names_free(&names);
    return status;
}

static llm_status open_by_index(llmi_contents *c, const json_t *index, bool use_mmap) {
    json_t *map = json_object_get(index, "weight_map");
    llmi_names opened;
    if (!json_is_object(map)) return llmi_error(LLM_E_FORMAT, "\"weight_map\" is missing or no JSON object");
    llm_status status = llmi_names_init(&opened, c->a, json_object_size(map));
    if (status == LLM_OK) status = open_shards(c, map, &opened, use_mmap);
    if (status == LLM_OK) status = check_mapped(c, map);
    llmi_names_free(&opened);
    return status;
}

/* Neither the usual name nor an index is there. */
static llm_status open_other(llmi_contents *c, bool use_mmap) {
    char name[256];
    int n = find_suffix(c->dir_fd, ".safetensors", name, sizeof name);
    if (n == 1) return open_shard(c, name, use_mmap);
    if (n > 1)
        return llmi_error(LLM_E_NOT_FOUND, "%d files *.safetensors, but no " INDEX_NAME " says which belong together",
                          n);
    if (find_suffix(c->dir_fd, ".bin", name, sizeof name))
        return llmi_error(LLM_E_UNSUPPORTED, "the weights are pickled (\"%s\"): save them as safetensors",
                          LLMI_QUOTE(name, strlen(name)));
    return llmi_error(LLM_E_NOT_FOUND, "no *.safetensors beside config.json");
}

static llm_status open_weights(llmi_contents *c, bool use_mmap) {
    json_t *index;
    llm_status status = open_shard(c, "model.safetensors", use_mmap);
    if (status != LLM_E_NOT_FOUND) return status;
    status = parse_json_file(&index, c, INDEX_NAME);
    if (status == LLM_E_NOT_FOUND) return open_other(c, use_mmap);
    if (status != LLM_OK) return status;
    status = open_by_index(c, index, use_mmap);
    if (status != LLM_OK) status = llmi_error_in(status, INDEX_NAME);
    json_decref(index);
    return status;
}

llm_status llmi_hf_open(llmi_contents *c, const llmi_weights_options *options) {
    c->format = LLMI_FORMAT_SAFETENSORS;
    c->dir_fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    llm_status status = LLM_OK;
    if (c->dir_fd < 0) return llmi_error(LLM_E_IO, "%s: cannot be opened", LLMI_QUOTE(c->path, strlen(c->path)));
    status = read_config(c);
    if (status == LLM_OK && !options->metadata_only) status = open_weights(c, options->use_mmap);
    if (status != LLM_OK) return llmi_error_in(status, "%s", LLMI_QUOTE(c->path, strlen(c->path)));
    llmi_error_clear(); /* of files that need not be there */
    return LLM_OK;
}
