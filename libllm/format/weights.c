#include "format/weights.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"
#include "format/names.h"

/* A file of the directory beside the weights. */
typedef struct side {
    struct side *next;
    llmi_file file;
    char *name;
} side;

struct llmi_weights {
    _Atomic int32_t n_refs;
    llm_allocator allocator;
    llmi_contents c;
    llmi_names tensors, metas;
    pthread_mutex_t lock; /* of sides */
    side *sides;
};

/* ---- contents ---- */

void llmi_weights_contents_init(llmi_contents *c, const llm_allocator *a) {
    *c = (llmi_contents){.a = a, .dir_fd = -1};
    llmi_buf *bufs[] = {&c->files, &c->metas, &c->tensors, &c->keys, &c->texts};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], a);
    llmi_json_doc_init(&c->doc, a, 0);
}

void llmi_weights_contents_free(llmi_contents *c) {
    size_t n = llmi_buf_count(&c->files, llmi_file);
    for (size_t i = 0; i < n; i++) llmi_file_close(&llmi_buf_at(&c->files, llmi_file, i));
    llmi_buf *bufs[] = {&c->files, &c->metas, &c->tensors, &c->keys, &c->texts};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
    llmi_json_doc_free(&c->doc);
    if (c->dir_fd >= 0) close(c->dir_fd);
    if (c->path) llmi_free(c->a, c->path, strlen(c->path) + 1);
    *c = (llmi_contents){.a = c->a, .dir_fd = -1};
}

/* The buffers keep their allocator by pointer: it moves into the object that owns them. */
static void contents_move(llmi_contents *dst, llmi_contents *src, const llm_allocator *a) {
    *dst = *src;
    dst->a = a;
    llmi_buf *bufs[] = {&dst->files, &dst->metas, &dst->tensors, &dst->keys, &dst->texts};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) bufs[i]->a = a;
    dst->doc.a = a;
    size_t n = llmi_buf_count(&dst->files, llmi_file);
    for (size_t i = 0; i < n; i++) llmi_buf_at(&dst->files, llmi_file, i).a = a;
    const llm_allocator *before = src->a;
    llmi_weights_contents_init(src, before);
}

/* Where names were collected in the pool of keys, in order: config paths, then tensors. */
static void point_names(llmi_contents *c) {
    size_t at = 0, n_metas = llmi_buf_count(&c->metas, llmi_meta), n = llmi_buf_count(&c->tensors, llmi_tensor);
    if (c->format != LLMI_FORMAT_SAFETENSORS) return;
    for (size_t i = 0; i < n_metas; i++) {
        llm_span *key = &llmi_buf_at(&c->metas, llmi_meta, i).key;
        key->ptr = c->keys.data + at;
        at += key->len;
    }
    for (size_t i = 0; i < n; i++) {
        llm_span *name = &llmi_buf_at(&c->tensors, llmi_tensor, i).name;
        name->ptr = c->keys.data + at;
        at += name->len;
    }
}

static llm_status index_tensors(llmi_weights *w) {
    size_t n = llmi_buf_count(&w->c.tensors, llmi_tensor);
    if (n > INT32_MAX) return llmi_error(LLM_E_LIMIT, "%zu tensors are too many", n);
    llm_status status = llmi_names_init(&w->tensors, &w->allocator, n);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        llm_span name = llmi_buf_at(&w->c.tensors, llmi_tensor, i).name;
        if (!llmi_names_add(&w->tensors, name, (int32_t)i))
            status = llmi_error(LLM_E_FORMAT, "tensor \"%s\" occurs twice", LLMI_QUOTE(name.ptr, name.len));
    }
    return status;
}

static llm_status index_metas(llmi_weights *w) {
    size_t n = llmi_buf_count(&w->c.metas, llmi_meta);
    if (n > INT32_MAX) return llmi_error(LLM_E_LIMIT, "%zu metadata entries are too many", n);
    llm_status status = llmi_names_init(&w->metas, &w->allocator, n);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        llm_span key = llmi_buf_at(&w->c.metas, llmi_meta, i).key;
        if (!llmi_names_add(&w->metas, key, (int32_t)i))
            status = llmi_error(LLM_E_FORMAT, "key \"%s\" occurs twice", LLMI_QUOTE(key.ptr, key.len));
    }
    return status;
}

/* ---- life ---- */

static void weights_free(llmi_weights *w) {
    llm_allocator a = w->allocator;
    for (side *s = w->sides, *next; s; s = next) {
        next = s->next;
        llmi_file_close(&s->file);
        llmi_free(&a, s->name, strlen(s->name) + 1);
        llmi_free(&a, s, sizeof *s);
    }
    llmi_names_free(&w->tensors);
    llmi_names_free(&w->metas);
    llmi_weights_contents_free(&w->c);
    pthread_mutex_destroy(&w->lock);
    llmi_free(&a, w, sizeof *w);
}

llm_status llmi_weights_from_contents(llmi_weights **out, llmi_contents *c) {
    *out = NULL;
    llmi_weights *w = llmi_alloc_zero(c->a, sizeof *w);
    if (!w) {
        llmi_weights_contents_free(c);
        return LLM_E_MEMORY;
    }
    atomic_init(&w->n_refs, 1);
    pthread_mutex_init(&w->lock, NULL);
    w->allocator = *c->a;
    contents_move(&w->c, c, &w->allocator);
    point_names(&w->c);
    llm_status status = index_tensors(w);
    if (status == LLM_OK) status = index_metas(w);
    if (status == LLM_OK) status = llmi_meta_render(&w->c);
    if (status == LLM_OK) {
        *out = w;
        return LLM_OK;
    }
    if (status != LLM_E_MEMORY && w->c.path) llmi_error_in(status, "%s", LLMI_QUOTE(w->c.path, strlen(w->c.path)));
    weights_free(w);
    return status;
}

llm_status llmi_weights_open(llmi_weights **out, const llm_allocator *a, const char *path,
                             const llmi_weights_options *options) {
    llmi_contents c;
    *out = NULL;
    int is_dir = llmi_file_is_dir(path);
    if (is_dir < 0) return is_dir;
    llmi_weights_contents_init(&c, a);
    c.path = llmi_strndup(a, path, strlen(path));
    llm_status status = LLM_E_MEMORY;
    if (c.path) status = is_dir ? llmi_hf_open(&c, options) : llmi_gguf_open(&c, options);
    if (status == LLM_OK) return llmi_weights_from_contents(out, &c);
    llmi_weights_contents_free(&c);
    return status;
}

llmi_weights *llmi_weights_ref(llmi_weights *w) {
    if (w) atomic_fetch_add_explicit(&w->n_refs, 1, memory_order_relaxed);
    return w;
}

void llmi_weights_unref(llmi_weights *w) {
    if (w && atomic_fetch_sub_explicit(&w->n_refs, 1, memory_order_acq_rel) == 1) weights_free(w);
}

int llmi_weights_format(const llmi_weights *w) {
    return w->c.format;
}

const char *llmi_weights_path(const llmi_weights *w) {
    return w->c.path ? w->c.path : "";
}

const char *llmi_weights_note(const llmi_weights *w) {
    return w->c.note;
}

const llm_allocator *llmi_weights_allocator(const llmi_weights *w) {
    return &w->allocator;
}

/* ---- tensors ---- */

int32_t llmi_weights_tensor_count(const llmi_weights *w) {
    return (int32_t)llmi_buf_count(&w->c.tensors, llmi_tensor);
}

const llmi_tensor *llmi_weights_tensor_at(const llmi_weights *w, int32_t index) {
    return index >= 0 && index < llmi_weights_tensor_count(w) ? &llmi_buf_at(&w->c.tensors, llmi_tensor, index) : NULL;
}

const llmi_tensor *llmi_weights_tensor(const llmi_weights *w, const char *name) {
    return llmi_weights_tensor_at(w, llmi_names_find(&w->tensors, name, strlen(name)));
}

/* ---- metadata ---- */

static const llmi_meta *meta_at(const llmi_weights *w, int32_t index) {
    return index >= 0 && index < llmi_weights_meta_count(w) ? &llmi_buf_at(&w->c.metas, llmi_meta, index) : NULL;
}

/* null in config.json means absent. */
static const llmi_meta *find_meta(const llmi_weights *w, const char *key) {
    const llmi_meta *m = meta_at(w, llmi_names_find(&w->metas, key, strlen(key)));
    return m && m->type >= 0 ? m : NULL;
}

static llm_status no_key(const char *key) {
    return llmi_error(LLM_E_NOT_FOUND, "key \"%s\" is missing", LLMI_QUOTE(key, strlen(key)));
}

/* An integer that int64 cannot hold. */
static bool is_large(const llmi_meta *m) {
    return m->json ? llmi_json_is_integer(m->json) : m->type == LLMI_META_U64;
}

static llm_status wrong_type(const llmi_meta *m, const char *expected) {
    return llmi_error(LLM_E_FORMAT, "key \"%s\" is \"%s\" of type %s, expected %s", LLMI_QUOTE(m->key.ptr, m->key.len),
                      LLMI_QUOTE(m->text.ptr, m->text.len), llmi_meta_type_name(m->type), expected);
}

llm_status llmi_weights_get_int(int64_t *out, const llmi_weights *w, const char *key, int64_t min, int64_t max) {
    const llmi_meta *m = find_meta(w, key);
    int64_t value;
    if (!m) return no_key(key);
    if (!llmi_meta_integer(&value, m) && is_large(m))
        return llmi_error(LLM_E_FORMAT, "key \"%s\" is %s, expected %" PRId64 "..%" PRId64,
                          LLMI_QUOTE(key, strlen(key)), LLMI_QUOTE(m->text.ptr, m->text.len), min, max);
    if (!llmi_meta_integer(&value, m)) return wrong_type(m, "an integer");
    if (value < min || value > max)
        return llmi_error(LLM_E_FORMAT, "key \"%s\" is %" PRId64 ", expected %" PRId64 "..%" PRId64,
                          LLMI_QUOTE(key, strlen(key)), value, min, max);
    *out = value;
    return LLM_OK;
}

llm_status llmi_weights_get_float(double *out, const llmi_weights *w, const char *key) {
    const llmi_meta *m = find_meta(w, key);
    if (!m) return no_key(key);
    return llmi_meta_number(out, m) ? LLM_OK : wrong_type(m, "a number");
}

llm_status llmi_weights_get_bool(bool *out, const llmi_weights *w, const char *key) {
    const llmi_meta *m = find_meta(w, key);
    if (!m) return no_key(key);
    return llmi_meta_bool(out, m) ? LLM_OK : wrong_type(m, "true or false");
}

llm_status llmi_weights_get_string(llm_span *out, const llmi_weights *w, const char *key) {
    const llmi_meta *m = find_meta(w, key);
    if (!m) return no_key(key);
    return llmi_meta_string(out, m) ? LLM_OK : wrong_type(m, "a string");
}

llm_status llmi_weights_get_array(llmi_meta_array *out, const llmi_weights *w, const char *key) {
    const llmi_meta *m = find_meta(w, key);
    if (!m) return no_key(key);
    return llmi_meta_array_of(out, m) ? LLM_OK : wrong_type(m, "an array of a GGUF file");
}

bool llmi_weights_is_null(const llmi_weights *w, const char *key) {
    const llmi_meta *m = meta_at(w, llmi_names_find(&w->metas, key, strlen(key)));
    return m && m->type < 0;
}

bool llmi_weights_has(const llmi_weights *w, const char *key) {
    return find_meta(w, key) != NULL;
}

int32_t llmi_weights_meta_count(const llmi_weights *w) {
    return (int32_t)llmi_buf_count(&w->c.metas, llmi_meta);
}

void llmi_weights_meta_at(llm_span *key, llm_span *value, const llmi_weights *w, int32_t index) {
    const llmi_meta *m = meta_at(w, index);
    *key = m ? m->key : (llm_span){"", 0};
    *value = m ? m->text : (llm_span){"", 0};
}

void llmi_weights_meta_raw(int32_t *type, const void **data, size_t *n_bytes, const llmi_weights *w, int32_t index) {
    const llmi_meta *m = meta_at(w, index);
    *type = m ? m->type : -1;
    *data = m ? m->data : NULL;
    *n_bytes = m ? m->n_bytes : 0;
}

/* ---- files beside ---- */

static bool is_same(llmi_file_id a, llmi_file_id b) {
    return a.device == b.device && a.inode == b.inode;
}

/* Files of a directory that are closed again after they were read. */
static bool was_read(const llmi_weights *w, llmi_file_id id) {
    static const char *const names[] = {"config.json", "model.safetensors.index.json"};
    struct stat st;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && w->c.dir_fd >= 0; i++)
        if (fstatat(w->c.dir_fd, names[i], &st, 0) == 0 && is_same((llmi_file_id){st.st_dev, st.st_ino}, id))
            return true;
    return false;
}

bool llmi_weights_reads(const llmi_weights *w, llmi_file_id id) {
    for (size_t i = 0; i < llmi_buf_count(&w->c.files, llmi_file); i++)
        if (is_same(llmi_buf_at(&w->c.files, llmi_file, i).id, id)) return true;
    for (const side *s = w->sides; s; s = s->next)
        if (is_same(s->file.id, id)) return true;
    return was_read(w, id);
}

/* Opens NAME or FOLDER/NAME. Read, not mapped: tokenizer files are small, and are written anew more often than weights.
 */
static llm_status open_beside(llmi_file *f, const llmi_weights *w, const char *name) {
    char folder[256], path[512];
    const char *slash = strchr(name, '/');
    if (!slash) return llmi_file_open_at(f, &w->allocator, w->c.dir_fd, w->c.path, name, false);
    llmi_format(folder, sizeof folder, "%.*s", (int)(slash - name), name);
    llmi_format(path, sizeof path, "%s/%s", w->c.path, folder);
    bool plain = folder[0] && folder[0] != '.' && strlen(folder) == (size_t)(slash - name);
    if (!plain) return llmi_error(LLM_E_FORMAT, "\"%s\" is not a plain file name", LLMI_QUOTE(name, strlen(name)));
    int fd = openat(w->c.dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return llmi_error(LLM_E_NOT_FOUND, "%s: cannot be opened", LLMI_QUOTE(path, strlen(path)));
    llm_status status = llmi_file_open_at(f, &w->allocator, fd, path, slash + 1, false);
    close(fd);
    return status;
}

/* What people have in place of a JSON file is easier to recognize by its first bytes than by a parser. */
static llm_status check_json(const llmi_file *f, const char *name) {
    size_t n = strlen(name), at = 0;
    if (n < 5 || strcmp(name + n - 5, ".json") != 0) return LLM_OK;
    while (at < f->size && f->data[at] && strchr(" \t\r\n\xEF\xBB\xBF", f->data[at])) at++;
    if (at < f->size && (f->data[at] == '{' || f->data[at] == '[')) return LLM_OK;
    return llmi_error_in(llmi_hints_refuse(f->data, f->size, "JSON"), "%s", name);
}

static llm_status open_side(side **out, const llmi_weights *w, const char *name) {
    const llm_allocator *a = &w->allocator;
    side *s = llmi_alloc_zero(a, sizeof *s);
    if (!s) return LLM_E_MEMORY;
    s->name = llmi_strndup(a, name, strlen(name));
    llm_status status = s->name ? open_beside(&s->file, w, name) : LLM_E_MEMORY;
    if (status == LLM_OK) {
        status = check_json(&s->file, name);
        if (status != LLM_OK) llmi_file_close(&s->file);
    }
    if (status == LLM_OK) {
        *out = s;
        return LLM_OK;
    }
    if (s->name) llmi_free(a, s->name, strlen(name) + 1);
    llmi_free(a, s, sizeof *s);
    return status;
}

llm_status llmi_weights_side_file(llm_span *out, llmi_weights *w, const char *name) {
    llm_status status = LLM_OK;
    if (w->c.dir_fd < 0) return llmi_error(LLM_E_NOT_FOUND, "%s: a GGUF file has no files beside it", name);
    pthread_mutex_lock(&w->lock);
    side *s = w->sides;
    while (s && strcmp(s->name, name) != 0) s = s->next;
    if (!s) {
        status = open_side(&s, w, name);
        if (status == LLM_OK) {
            s->next = w->sides;
            w->sides = s;
        }
    }
    pthread_mutex_unlock(&w->lock);
    if (status == LLM_OK) *out = (llm_span){s->file.data ? s->file.data : "", s->file.size};
    return status;
}

llm_status llmi_weights_side_json(const llmi_json **out, llmi_json_doc *doc, llmi_weights *w, const char *name) {
    llm_span text;
    *out = NULL;
    llm_status status = llmi_weights_side_file(&text, w, name);
    return status == LLM_OK ? llmi_json_parse(out, doc, text, name, LLMI_JSON_PYTHON) : status;
}

const char *llmi_weights_other_tokenizer(const llmi_weights *w) {
    return w->c.dir_fd >= 0 ? llmi_folder_tokenizer(w->c.dir_fd) : NULL;
}

const llmi_json *llmi_weights_config(const llmi_weights *w) {
    return w->c.config;
}
