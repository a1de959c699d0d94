/* Tokenizers: the public calls of llm/tokenizer.h. */
#include "api/tokenizer.h"

#include <string.h>

#include "api/check.h"
#include "api/load_model.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tokenizer/internal.h"

const llm_allocator *llmi_api_tokenizer_memory(const llm_tokenizer *tokenizer) {
    return tokenizer->a;
}

llm_status llmi_api_check_token(const llm_tokenizer *tokenizer, llm_token token) {
    int32_t n = llmi_tokenizer_size(tokenizer);
    if (token >= 0 && token < n) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "token is %d, expected 0..%d, an id of the vocabulary", token, n - 1);
}

static llm_status check_flags(uint32_t flags, uint32_t known, const char *names) {
    if (!(flags & ~known)) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "flags are 0x%x, expected bits of %s", flags, names);
}

llm_status llmi_api_check_encode_flags(uint32_t flags) {
    return check_flags(flags, LLM_ENCODE_ADD_SPECIAL | LLM_ENCODE_PARSE_SPECIAL, "LLM_ENCODE_*");
}

llm_status llmi_api_check_decode_flags(uint32_t flags) {
    return check_flags(flags, LLM_DECODE_SKIP_SPECIAL | LLM_DECODE_KEEP_PREFIX, "LLM_DECODE_*");
}

/* ---- loading ---- */

#define JSON_NAME "tokenizer.json"

/* A file beside the one at `path`, whose folder is the first n_folder bytes. */
static llm_status open_beside(llmi_file *out, const llm_allocator *a, const char *path, size_t n_folder,
                              const char *name) {
    llmi_buf full;
    llmi_buf_init(&full, a);
    llm_status status = LLM_E_MEMORY;
    if (llmi_buf_append(&full, path, n_folder) && llmi_buf_append(&full, name, strlen(name) + 1))
        status = llmi_file_open(out, a, full.data, false);
    llmi_buf_free(&full);
    return status;
}

/* The bytes of the folder's name in the path of a tokenizer.json; -1: it has another name, and stands alone. */
static ptrdiff_t folder_of(const char *path) {
    size_t n = strlen(path), n_name = sizeof JSON_NAME - 1;
    bool named = n >= n_name && strcmp(path + n - n_name, JSON_NAME) == 0;
    return named && (n == n_name || path[n - n_name - 1] == '/') ? (ptrdiff_t)(n - n_name) : -1;
}

static llm_status load_json(llm_tokenizer **out, llm_runtime *rt, const llmi_file *file) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    llmi_tokenizer_files texts = {.json = {file->data, file->size}};
    llmi_file beside[LLMI_API_TOKENIZER_FILES];
    ptrdiff_t n_folder = folder_of(file->path);
    llm_status status = LLM_OK;
    for (int i = 0; i < LLMI_API_TOKENIZER_FILES; i++) beside[i] = (llmi_file){.a = a};
    for (int i = 1; n_folder >= 0 && i < LLMI_API_TOKENIZER_FILES && status == LLM_OK; i++) {
        status = open_beside(&beside[i], a, file->path, (size_t)n_folder, llmi_api_tokenizer_file_names[i]);
        if (status == LLM_OK) *llmi_api_tokenizer_file(&texts, i) = (llm_span){beside[i].data, beside[i].size};
        if (status == LLM_E_NOT_FOUND) status = LLM_OK;
    }
    if (status == LLM_OK) status = llmi_api_load_tokenizer_json(out, rt, &texts);
    for (int i = 0; i < LLMI_API_TOKENIZER_FILES; i++) llmi_file_close(&beside[i]);
    return status == LLM_OK ? status : llmi_error_in(status, "%s", LLMI_QUOTE(file->path, strlen(file->path)));
}

static llm_status load_gguf(llm_tokenizer **out, llm_runtime *rt, const char *path) {
    llmi_weights *w;
    llmi_weights_options options = {.use_mmap = true, .metadata_only = true};
    llm_status status = llmi_weights_open(&w, llmi_runtime_allocator(rt), path, &options);
    if (status != LLM_OK) return status;
    status = llmi_api_load_tokenizer(out, w, rt);
    if (status == LLM_OK && !*out) status = llmi_api_no_tokenizer(LLM_E_NOT_FOUND, w);
    llmi_weights_unref(w);
    return status;
}

/* A text that begins with a brace is JSON; all else is for the reader of model files to judge. */
static bool looks_like_json(const llmi_file *file) {
    size_t i = 0;
    while (i < file->size && i < 64 && strchr(" \t\r\n", file->data[i]) && file->data[i]) i++;
    return i < file->size && file->data[i] == '{';
}

static llm_status load_file(llm_tokenizer **out, llm_runtime *rt, const char *path) {
    llmi_file file;
    llm_status status = llmi_file_open(&file, llmi_runtime_allocator(rt), path, true);
    if (status != LLM_OK) return status;
    bool json = looks_like_json(&file);
    llmi_file_close(&file);
    if (!json) return load_gguf(out, rt, path);
    /* Read, not mapped: written anew while it is read it must stay an error. */
    status = llmi_file_open(&file, llmi_runtime_allocator(rt), path, false);
    if (status == LLM_OK) status = load_json(out, rt, &file);
    llmi_file_close(&file);
    return status;
}

static llm_status load_folder(llm_tokenizer **out, llm_runtime *rt, const char *path) {
    llmi_buf name;
    llmi_buf_init(&name, llmi_runtime_allocator(rt));
    llm_status status = LLM_E_MEMORY;
    size_t n = strlen(path);
    bool slash = n && path[n - 1] == '/';
    if (llmi_buf_append(&name, path, n) && llmi_buf_append(&name, "/", !slash) &&
        llmi_buf_append(&name, JSON_NAME, sizeof JSON_NAME))
        status = load_file(out, rt, name.data);
    llmi_buf_free(&name);
    return status;
}

LLM_API llm_status llm_tokenizer_load(llm_tokenizer **out, llm_runtime *runtime, const char *path) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(path);
    llm_runtime *rt;
    llm_status status = llmi_runtime_acquire(&rt, runtime);
    if (status != LLM_OK) return status;
    int is_dir = llmi_file_is_dir(path);
    if (is_dir < 0)
        status = is_dir;
    else
        status = is_dir ? load_folder(out, rt, path) : load_file(out, rt, path);
    llm_runtime_unref(rt);
    if (status == LLM_OK) llmi_error_clear();
    return status;
}

LLM_API llm_tokenizer *llm_tokenizer_ref(llm_tokenizer *tokenizer) {
    return tokenizer ? llmi_tokenizer_ref(tokenizer) : NULL;
}

LLM_API void llm_tokenizer_unref(llm_tokenizer *tokenizer) {
    if (tokenizer) llmi_tokenizer_unref(tokenizer);
}

/* ---- encoding and decoding ---- */

/* Writes as much of a result as fits; *n_out receives all it has. */
static llm_status give(size_t *n_out, void *dst, size_t capacity, const llmi_buf *result, size_t size) {
    size_t n = result->len / size, fits = n < capacity ? n : capacity;
    if (fits) memcpy(dst, result->data, fits * size);
    *n_out = n;
    if (n <= capacity) return LLM_OK;
    return llmi_error(LLM_E_CAPACITY, "the result has %zu elements, there is room for %zu", n, capacity);
}

LLM_API llm_status llm_tokenizer_encode(size_t *n_tokens, const llm_tokenizer *tokenizer, const char *text,
                                        size_t n_bytes, uint32_t flags, llm_token *tokens, size_t capacity) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(n_tokens);
    *n_tokens = 0;
    LLMI_NOT_NULL(tokenizer);
    LLMI_TEXT(text, n_bytes);
    LLMI_ROOM(tokens, capacity);
    llm_status status = llmi_api_check_encode_flags(flags);
    if (status != LLM_OK) return status;
    llmi_buf ids;
    llmi_buf_init(&ids, llmi_api_tokenizer_memory(tokenizer));
    status = llmi_tokenizer_encode(&ids, tokenizer, text ? text : "", n_bytes, flags);
    if (status == LLM_OK) status = give(n_tokens, tokens, capacity, &ids, sizeof *tokens);
    llmi_buf_free(&ids);
    return status;
}

static llm_status decode(llmi_buf *text, const llm_tokenizer *t, const llm_token *tokens, size_t n, uint32_t flags) {
    llmi_buf raw;
    llmi_buf_init(&raw, llmi_api_tokenizer_memory(t));
    llm_status status = llmi_tokenizer_decode(&raw, t, tokens, n, flags, !(flags & LLM_DECODE_KEEP_PREFIX));
    if (status == LLM_OK && raw.len) status = llmi_utf8_repair(text, raw.data, raw.len) ? LLM_E_MEMORY : LLM_OK;
    llmi_buf_free(&raw);
    return status;
}

LLM_API llm_status llm_tokenizer_decode(size_t *n_bytes, const llm_tokenizer *tokenizer, const llm_token *tokens,
                                        size_t n_tokens, uint32_t flags, char *text, size_t capacity) {
    llmi_error_clear();
    LLMI_NOT_NULL(n_bytes);
    *n_bytes = 0;
    LLMI_NOT_NULL(tokenizer);
    LLMI_ARRAY(tokens, n_tokens);
    LLMI_ROOM(text, capacity);
    llm_status status = llmi_api_check_decode_flags(flags);
    for (size_t i = 0; i < n_tokens && status == LLM_OK; i++) {
        status = llmi_api_check_token(tokenizer, tokens[i]);
        if (status != LLM_OK) return llmi_error_in(status, "id %zu of %zu", i, n_tokens);
    }
    if (status != LLM_OK) return status;
    llmi_buf bytes;
    llmi_buf_init(&bytes, llmi_api_tokenizer_memory(tokenizer));
    status = decode(&bytes, tokenizer, tokens, n_tokens, flags);
    if (status == LLM_OK) status = give(n_bytes, text, capacity, &bytes, 1);
    llmi_buf_free(&bytes);
    return status;
}

/* ---- the vocabulary ---- */

LLM_API int32_t llm_tokenizer_size(const llm_tokenizer *tokenizer) {
    llmi_error_clear();
    return tokenizer ? llmi_tokenizer_size(tokenizer) : 0;
}

LLM_API const char *llm_tokenizer_kind(const llm_tokenizer *tokenizer) {
    llmi_error_clear();
    return tokenizer ? llmi_tokenizer_kind(tokenizer) : "";
}

LLM_API llm_token llm_tokenizer_special(const llm_tokenizer *tokenizer, int32_t role) {
    llmi_error_clear();
    bool known = tokenizer && role >= LLM_SPECIAL_BOS && role <= LLM_SPECIAL_MASK;
    return known ? llmi_tokenizer_special(tokenizer, role) : LLM_TOKEN_NONE;
}

LLM_API int32_t llm_tokenizer_is_eog(const llm_tokenizer *tokenizer, llm_token token) {
    llmi_error_clear();
    return tokenizer && token >= 0 && token < llmi_tokenizer_size(tokenizer) && llmi_tokenizer_is_eog(tokenizer, token);
}

LLM_API llm_status llm_tokenizer_get_token(llm_token_info *out, const llm_tokenizer *tokenizer, llm_token token) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(tokenizer);
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_token_info, score), "llm_token_info");
    if (status == LLM_OK) status = llmi_api_check_token(tokenizer, token);
    if (status != LLM_OK) return status;
    llm_token_info info = {0};
    llmi_tokenizer_token(tokenizer, token, &info.text, &info.type, &info.score);
    llmi_api_write_out(out, &info, sizeof info);
    return LLM_OK;
}

LLM_API llm_token llm_tokenizer_find(const llm_tokenizer *tokenizer, const char *text, size_t n_bytes) {
    llmi_error_clear();
    if (!tokenizer || !text) return LLM_TOKEN_NONE;
    if (n_bytes == LLM_NTS) n_bytes = strlen(text);
    if (n_bytes > LLMI_MOST_BYTES) return LLM_TOKEN_NONE;
    return llmi_tokenizer_find(tokenizer, text, n_bytes);
}
