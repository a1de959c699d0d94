/* Hugging Face directories: config.json, and safetensors files either by an index of shards or alone. */
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
    const llmi_json *object;
    size_t next;     /* member */
    size_t n_prefix; /* bytes of the path of this object, with its dot */
} level;

static int type_of(const llmi_json *v) {
    static const int types[] = {
        [LLMI_JSON_NULL] = -1,
        [LLMI_JSON_FALSE] = LLMI_META_BOOL,
        [LLMI_JSON_TRUE] = LLMI_META_BOOL,
        [LLMI_JSON_NUMBER] = LLMI_META_F64,
        [LLMI_JSON_STRING] = LLMI_META_STRING,
        [LLMI_JSON_ARRAY] = LLMI_META_ARRAY,
    };
    return llmi_json_is_integer(v) ? LLMI_META_I64 : types[v->type];
}

static llm_status add_leaf(llmi_contents *c, const llmi_buf *path, const llmi_json *value) {
    llmi_meta m = {.key.len = path->len, .json = value, .type = type_of(value)};
    return llmi_buf_append(&c->keys, path->data, path->len) && llmi_buf_push(&c->metas, m) ? LLM_OK : LLM_E_MEMORY;
}

/* Walks the tree with a stack of its own; path holds the path of the member at hand. */
static llm_status flatten(llmi_contents *c, llmi_buf *path) {
    level stack[LLMI_JSON_MAX_DEPTH + 1];
    int depth = 0;
    stack[0] = (level){c->config, 0, 0};
    while (depth >= 0) {
        level *l = &stack[depth];
        if (l->next == l->object->n) {
            depth--;
            continue;
        }
        const llmi_json_member *member = &l->object->members[l->next++];
        path->len = l->n_prefix;
        if (!llmi_buf_append(path, member->key.text, member->key.n)) return LLM_E_MEMORY;
        if (!llmi_json_is(&member->value, LLMI_JSON_OBJECT)) {
            llm_status status = add_leaf(c, path, &member->value);
            if (status != LLM_OK) return status;
        } else { /* the parser limits the depth */
            if (!llmi_buf_append(path, ".", 1)) return LLM_E_MEMORY;
            stack[++depth] = (level){&member->value, 0, path->len};
        }
        if (path->len > MAX_PATH_BYTES || c->keys.len > MAX_KEYS_BYTES)
            return llmi_error(LLM_E_LIMIT, "member names are longer than %d bytes in all", MAX_KEYS_BYTES);
    }
    return LLM_OK;
}

llm_status llmi_hf_parse_config(llmi_contents *c, llm_span text) {
    llmi_buf path;
    llm_status status = llmi_json_parse(&c->config, &c->doc, text, "config.json", LLMI_JSON_PYTHON);
    if (status != LLM_OK) return status;
    if (!llmi_json_is(c->config, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "config.json is %s, expected an object", llmi_json_type_name(c->config));
    if (!llmi_buf_reserve(&c->keys, 1)) return LLM_E_MEMORY; /* an empty name has an address, too */
    llmi_buf_init(&path, c->a);
    status = flatten(c, &path);
    llmi_buf_free(&path);
    return status;
}

/* ---- the directory ---- */

/* A file that should be a JSON object. Read, not mapped: small, and if it is cut short while it is read that must stay
 * an error. */
static llm_status read_object(llmi_file *f, llmi_contents *c, const char *name) {
    llm_status status = llmi_file_open_at(f, c->a, c->dir_fd, c->path, name, false);
    if (status != LLM_OK) return status;
    size_t at = 0;
    while (at < f->size && strchr(" \t\r\n\xEF\xBB\xBF", f->data[at]) && f->data[at]) at++;
    if (at < f->size && f->data[at] == '{') return LLM_OK;
    status = llmi_error_in(llmi_hints_refuse(f->data, f->size, "a JSON object"), "%s", name);
    llmi_file_close(f);
    return status;
}

static llm_status read_config(llmi_contents *c) {
    llmi_file f;
    llm_status status = read_object(&f, c, "config.json");
    if (status == LLM_E_NOT_FOUND) return llmi_folder_no_config(c, status);
    if (status != LLM_OK) return status;
    status = llmi_hf_parse_config(c, (llm_span){f.data, f.size});
    llmi_file_close(&f);
    return status;
}

static llm_status open_shard(llmi_contents *c, const char *name, bool use_mmap) {
    llmi_file f;
    llm_status status = use_mmap || strchr(name, '/') ? LLM_OK : llmi_hints_look(c->dir_fd, name, false);
    if (status != LLM_OK) return llmi_error_in(status, "%s", LLMI_QUOTE(name, strlen(name)));
    status = llmi_file_open_at(&f, c->a, c->dir_fd, c->path, name, use_mmap);
    if (status != LLM_OK) return status;
    status = llmi_safetensors_parse(c, f.data, f.size);
    if (status != LLM_OK) status = llmi_error_in(status, "%s", LLMI_QUOTE(f.path, strlen(f.path)));
    if (status == LLM_OK && llmi_buf_push(&c->files, f)) return LLM_OK;
    llmi_file_close(&f);
    return status != LLM_OK ? status : LLM_E_MEMORY;
}

/* ---- the index of shards ---- */

/* Opens each file that weight_map names, once, in order of first mention. */
static llm_status open_shards(llmi_contents *c, const llmi_json *map, llmi_names *opened, bool use_mmap) {
    for (size_t i = 0; i < map->n; i++) {
        const llmi_json *key = &map->members[i].key, *file = &map->members[i].value;
        if (!llmi_json_is(file, LLMI_JSON_STRING) || memchr(file->text, 0, file->n))
            return llmi_error(LLM_E_FORMAT, "\"weight_map\": the file of \"%s\" is not a file name",
                              LLMI_QUOTE(key->text, key->n));
        if (!llmi_names_add(opened, llmi_json_text(file), 0)) continue;
        llm_status status = open_shard(c, file->text, use_mmap);
        if (status == LLM_E_NOT_FOUND) status = llmi_error_in(status, "the download is not complete");
        if (status != LLM_OK)
            return llmi_error_in(status, "\"weight_map\": the file of \"%s\"", LLMI_QUOTE(key->text, key->n));
    }
    return LLM_OK;
}

/* The index may name more than there is; a weight of the model that is missing is found when it is looked for. */
static llm_status note_unmapped(llmi_contents *c, const llmi_json *map) {
    size_t n = llmi_buf_count(&c->tensors, llmi_tensor), at = c->keys.len, n_missing = 0;
    llmi_names names;
    llm_status status = llmi_names_init(&names, c->a, n);
    if (status != LLM_OK) return status;
    for (size_t i = n; i-- > 0;) { /* the pool of keys ends with the tensors' names */
        llm_span name = llmi_buf_at(&c->tensors, llmi_tensor, i).name;
        at -= name.len;
        llmi_names_add(&names, (llm_span){c->keys.data + at, name.len}, (int32_t)i);
    }
    for (size_t i = map->n; i-- > 0;) {
        const llmi_json *key = &map->members[i].key;
        if (llmi_names_find(&names, key->text, key->n) < 0)
            llmi_format(c->note, sizeof c->note, INDEX_NAME " names %zu tensors that are in no file, such as %s",
                        ++n_missing, LLMI_QUOTE(key->text, key->n));
    }
    llmi_names_free(&names);
    return status;
}

static llm_status open_by_index(llmi_contents *c, const llmi_json *index, bool use_mmap) {
    const llmi_json *map = llmi_json_get(index, "weight_map");
    llmi_names opened;
    if (!llmi_json_is(map, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "\"weight_map\" is %s, expected an object", llmi_json_type_name(map));
    llm_status status = llmi_names_init(&opened, c->a, map->n);
    if (status == LLM_OK) status = open_shards(c, map, &opened, use_mmap);
    if (status == LLM_OK) status = note_unmapped(c, map);
    llmi_names_free(&opened);
    return status;
}

/* Neither the usual name nor an index is there. */
static llm_status open_other(llmi_contents *c, bool use_mmap) {
    static const char *const others[] = {"adapter_model.safetensors", "consolidated.safetensors"};
    char name[256];
    int n = llmi_folder_find(c->dir_fd, ".safetensors", name, sizeof name);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) n -= llmi_folder_has(c->dir_fd, others[i]);
    if (n < 1) return llmi_folder_no_weights(c);
    if (n > 1 || strcmp(name, others[0]) == 0 || strcmp(name, others[1]) == 0)
        return llmi_error(LLM_E_NOT_FOUND, "%d files *.safetensors, but no " INDEX_NAME " says which belong together",
                          n);
    return open_shard(c, name, use_mmap);
}

static llm_status open_indexed(llmi_contents *c, llm_span text, bool use_mmap) {
    llmi_json_doc doc;
    const llmi_json *index;
    llmi_json_doc_init(&doc, c->a, 0);
    llm_status status = llmi_json_parse(&index, &doc, text, INDEX_NAME, LLMI_JSON_PYTHON);
    if (status == LLM_OK) {
        status = open_by_index(c, index, use_mmap);
        if (status != LLM_OK) status = llmi_error_in(status, INDEX_NAME);
    }
    llmi_json_doc_free(&doc);
    return status;
}

static llm_status open_weights(llmi_contents *c, bool use_mmap) {
    llmi_file f;
    llm_status status = open_shard(c, "model.safetensors", use_mmap);
    if (status != LLM_E_NOT_FOUND) return status;
    status = read_object(&f, c, INDEX_NAME);
    if (status == LLM_E_NOT_FOUND) return open_other(c, use_mmap);
    if (status != LLM_OK) return status;
    status = open_indexed(c, (llm_span){f.data, f.size}, use_mmap);
    llmi_file_close(&f);
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
