#include "api/load_model.h"

#include <string.h>

#include "api/end_tokens.h"
#include "api/options.h"
#include "api/pooling.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"

/* ---- what a tokenizer keeps alive ---- */

typedef struct keeper {
    llm_runtime *runtime;
} keeper;

static void release(void *user) {
    keeper *k = user;
    llm_runtime *rt = k->runtime;
    llmi_free(llmi_runtime_allocator(rt), k, sizeof *k);
    llm_runtime_unref(rt);
}

static keeper *keep(llm_runtime *rt) {
    keeper *k = llmi_alloc(llmi_runtime_allocator(rt), sizeof *k);
    if (k) *k = (keeper){llm_runtime_ref(rt)};
    return k;
}

static llm_status attach(llm_tokenizer **out, llm_tokenizer *t, keeper *k, llm_status status) {
    if (status != LLM_OK) {
        release(k);
        return status;
    }
    llmi_tokenizer_on_free(t, release, k);
    *out = t;
    return LLM_OK;
}

/* ---- GGUF ---- */

#define KEY(name) "tokenizer.ggml." name

/* An array of the file if it is there. */
static llm_status get_array(llmi_meta_array *out, const llmi_weights *w, const char *key, int32_t type) {
    *out = (llmi_meta_array){0};
    if (!llmi_weights_has(w, key)) return LLM_OK;
    llm_status status = llmi_weights_get_array(out, w, key);
    if (status != LLM_OK) return status;
    if (out->type == type || (type == LLMI_META_U8 && out->type == LLMI_META_I8)) return LLM_OK;
    return llmi_error(LLM_E_FORMAT, "key \"%s\" is an array of type %d, expected type %d", key, out->type, type);
}

/* An array with an element for each token, of any type of numbers; *has: whether it is there. What is beyond the last
 * token counts for nothing. */
static llm_status get_numbers(llmi_meta_array *out, bool *has, const llmi_weights *w, const char *key,
                              size_t n_tokens) {
    *has = llmi_weights_has(w, key);
    if (!*has) return LLM_OK;
    llm_status status = llmi_weights_get_array(out, w, key);
    if (status == LLM_OK && out->n < n_tokens)
        status = llmi_error(LLM_E_FORMAT, "key \"%s\" has %zu elements, expected %zu, one for each token", key, out->n,
                            n_tokens);
    return status;
}

/* Absent scores are 0. */
static llm_status get_scores(llmi_buf *scores, const llmi_weights *w, size_t n_tokens) {
    llmi_meta_array list;
    bool has;
    llm_status status = get_numbers(&list, &has, w, KEY("scores"), n_tokens);
    for (size_t i = 0; i < n_tokens && status == LLM_OK; i++) {
        double value = 0;
        if (has && !llmi_meta_array_number(&value, &list, i))
            return llmi_error(LLM_E_FORMAT, "key \"" KEY("scores") "\" is an array of type %d, expected numbers",
                              list.type);
        float score = (float)value;
        if (!llmi_buf_push(scores, score)) return LLM_E_MEMORY;
    }
    return status;
}

/* Type 0, "undefined" to other readers, is a normal token. */
static llm_status get_types(llmi_buf *types, const llmi_weights *w, size_t n_tokens) {
    llmi_meta_array list;
    bool has;
    llm_status status = get_numbers(&list, &has, w, KEY("token_type"), n_tokens);
    for (size_t i = 0; has && i < n_tokens && status == LLM_OK; i++) {
        int64_t value = 0;
        if (!llmi_meta_array_integer(&value, &list, i) || value < 0 || value > INT32_MAX)
            return llmi_error(LLM_E_FORMAT, "key \"" KEY("token_type") "\": element %zu is not a type, expected %d..%d",
                              i, LLM_TOKEN_NORMAL, LLM_TOKEN_BYTE);
        int32_t type = value ? (int32_t)value : LLM_TOKEN_NORMAL;
        if (!llmi_buf_push(types, type)) return LLM_E_MEMORY;
    }
    return status;
}

/* scores and types are made here, in the types that the tokenizer reads; the rest is borrowed from the file. */
static llm_status get_arrays(llmi_vocab_desc *v, llmi_buf *scores, llmi_buf *types, const llmi_weights *w) {
    llmi_meta_array tokens, merges, charsmap;
    llm_status status = get_array(&tokens, w, KEY("tokens"), LLMI_META_STRING);
    if (status != LLM_OK) return status;
    if (tokens.n < 1 || tokens.n > 1 << 24)
        return llmi_error(LLM_E_FORMAT, "key \"" KEY("tokens") "\" has %zu elements, expected 1..%d", tokens.n,
                          1 << 24);
    status = get_scores(scores, w, tokens.n);
    if (status == LLM_OK) status = get_types(types, w, tokens.n);
    if (status == LLM_OK) status = get_array(&merges, w, KEY("merges"), LLMI_META_STRING);
    if (status == LLM_OK) status = get_array(&charsmap, w, KEY("precompiled_charsmap"), LLMI_META_U8);
    if (status == LLM_OK && merges.n > INT32_MAX)
        status = llmi_error(LLM_E_FORMAT, "key \"" KEY("merges") "\" has %zu elements", merges.n);
    if (status != LLM_OK) return status;
    v->n_tokens = (int32_t)tokens.n;
    v->tokens = tokens.data;
    v->tokens_bytes = tokens.n_bytes;
    v->scores = (const float *)(const void *)scores->data;
    v->types = (const int32_t *)(const void *)types->data;
    v->n_merges = (int32_t)merges.n;
    v->merges = merges.data;
    v->merges_bytes = merges.n_bytes;
    v->charsmap = charsmap.data;
    v->charsmap_bytes = charsmap.n_bytes;
    return LLM_OK;
}

/* -1 means "none"; what does not fit, such as 2^32 - 1, is beyond every vocabulary. */
static llm_token token_of(int64_t id) {
    if (id == -1) return LLM_TOKEN_NONE;
    return id >= 0 && id < INT32_MAX ? (llm_token)id : INT32_MAX;
}

static llm_status get_special(llmi_vocab_desc *v, const llmi_weights *w) {
    static const struct {
        int32_t role;
        const char *key;
    } keys[] = {
        {LLM_SPECIAL_BOS, KEY("bos_token_id")},       {LLM_SPECIAL_EOS, KEY("eos_token_id")},
        {LLM_SPECIAL_EOT, KEY("eot_token_id")},       {LLM_SPECIAL_UNK, KEY("unknown_token_id")},
        {LLM_SPECIAL_PAD, KEY("padding_token_id")},   {LLM_SPECIAL_SEP, KEY("separator_token_id")},
        {LLM_SPECIAL_SEP, KEY("seperator_token_id")}, /* as most files spell it */
        {LLM_SPECIAL_CLS, KEY("cls_token_id")},       {LLM_SPECIAL_MASK, KEY("mask_token_id")},
    };
    for (size_t i = 0; i < 8; i++) v->special[i] = LLM_TOKEN_NONE;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t id;
        if (!llmi_weights_has(w, keys[i].key)) continue;
        llm_status status = llmi_weights_get_int(&id, w, keys[i].key, INT64_MIN, INT64_MAX);
        if (status != LLM_OK) return status;
        v->special[keys[i].role] = token_of(id);
    }
    return LLM_OK;
}

/* Further ends: of a message, and of texts with a gap. */
static llm_status get_ends(llmi_vocab_desc *v, const llmi_weights *w) {
    static const char *const keys[] = {KEY("eom_token_id"), KEY("fim_pad_token_id"), KEY("fim_rep_token_id"),
                                       KEY("fim_sep_token_id")};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t id;
        if (!llmi_weights_has(w, keys[i])) continue;
        llm_status status = llmi_weights_get_int(&id, w, keys[i], INT64_MIN, INT64_MAX);
        if (status != LLM_OK) return status;
        v->ends[v->n_ends++] = token_of(id);
    }
    return LLM_OK;
}

static llm_status get_flags(llmi_vocab_desc *v, const llmi_weights *w) {
    const struct {
        int8_t *flag;
        const char *key;
    } keys[] = {
        {&v->add_bos, KEY("add_bos_token")},
        {&v->add_eos, KEY("add_eos_token")},
        {&v->add_space_prefix, KEY("add_space_prefix")},
        {&v->remove_extra_whitespaces, KEY("remove_extra_whitespaces")},
        {&v->escape_whitespaces, KEY("escape_whitespaces")},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        bool on = false;
        *keys[i].flag = -1;
        if (!llmi_weights_has(w, keys[i].key)) continue;
        llm_status status = llmi_weights_get_bool(&on, w, keys[i].key);
        if (status != LLM_OK) return status;
        *keys[i].flag = on;
    }
    return LLM_OK;
}

typedef char name_text[64];

/* NUL-terminated copy of a short name. *found is false if the key is absent. */
static llm_status get_name(name_text out, bool *found, const llmi_weights *w, const char *key) {
    llm_span name;
    *found = llmi_weights_has(w, key);
    if (!*found) return LLM_OK;
    llm_status status = llmi_weights_get_string(&name, w, key);
    if (status != LLM_OK) return status;
    if (name.len >= sizeof(name_text) || memchr(name.ptr, 0, name.len))
        return llmi_error(LLM_E_UNSUPPORTED, "key \"%s\" is \"%s\", expected a name of at most %zu bytes", key,
                          LLMI_QUOTE(name.ptr, name.len), sizeof(name_text) - 1);
    memcpy(out, name.ptr, name.len);
    out[name.len] = 0;
    return LLM_OK;
}

/* A template of another type would be rendered as the text of its value. */
static llm_status check_templates(const llmi_weights *w) {
    static const char key[] = "tokenizer.chat_template", list[] = "tokenizer.chat_templates";
    for (int32_t i = 0; i < llmi_weights_meta_count(w); i++) {
        llm_span name, text;
        int32_t type;
        const void *data;
        size_t n_bytes;
        llmi_weights_meta_at(&name, &text, w, i);
        llmi_weights_meta_raw(&type, &data, &n_bytes, w, i);
        bool is_template = name.len >= sizeof key - 1 && memcmp(name.ptr, key, sizeof key - 1) == 0;
        bool is_list = name.len == sizeof list - 1 && memcmp(name.ptr, list, sizeof list - 1) == 0;
        if (is_template && !is_list && type != LLMI_META_STRING)
            return llmi_error(LLM_E_FORMAT, "key \"%s\" is \"%s\", expected a string", LLMI_QUOTE(name.ptr, name.len),
                              LLMI_QUOTE(text.ptr, text.len));
    }
    return LLM_OK;
}

static llm_status make_from_gguf(llm_tokenizer **out, llmi_vocab_desc *v, llmi_buf *scores, llmi_buf *types,
                                 const llmi_weights *w, llm_runtime *rt) {
    llm_status status = get_arrays(v, scores, types, w);
    if (status == LLM_OK) status = get_special(v, w);
    if (status == LLM_OK) status = get_ends(v, w);
    if (status == LLM_OK) status = get_flags(v, w);
    if (status != LLM_OK) return status;
    v->log = llmi_runtime_log(rt);
    v->no_jit = !llmi_runtime_use_jit(rt);
    llm_tokenizer *t = NULL;
    keeper *k = keep(rt);
    if (!k) return LLM_E_MEMORY;
    status = llmi_tokenizer_from_vocab(&t, llmi_runtime_allocator(rt), v);
    return attach(out, t, k, status);
}

static llm_status from_gguf(llm_tokenizer **out, const llmi_weights *w, llm_runtime *rt) {
    name_text model, pre;
    bool has_model, has_pre;
    llmi_vocab_desc v = {0};
    llm_status status = check_templates(w);
    if (status == LLM_OK) status = get_name(model, &has_model, w, KEY("model"));
    if (status != LLM_OK) return status;
    bool none = !has_model || strcmp(model, "none") == 0 || strcmp(model, "no_vocab") == 0;
    if (none || !llmi_weights_has(w, KEY("tokens"))) return LLM_OK;
    status = get_name(pre, &has_pre, w, KEY("pre"));
    if (status != LLM_OK) return status;
    v.model = model;
    v.pre = has_pre ? pre : NULL;
    llmi_buf scores, types;
    llmi_buf_init(&scores, llmi_runtime_allocator(rt));
    llmi_buf_init(&types, llmi_runtime_allocator(rt));
    status = make_from_gguf(out, &v, &scores, &types, w, rt);
    llmi_buf_free(&scores);
    llmi_buf_free(&types);
    return status;
}

/* ---- tokenizer.json ---- */

llm_status llmi_api_load_tokenizer_json(llm_tokenizer **out, llm_runtime *rt, const llmi_tokenizer_files *files) {
    llm_tokenizer *t = NULL;
    *out = NULL;
    keeper *k = keep(rt);
    if (!k) return LLM_E_MEMORY;
    llmi_tokenizer_files f = *files;
    f.log = llmi_runtime_log(rt);
    f.no_jit = !llmi_runtime_use_jit(rt);
    llm_status status = llmi_tokenizer_from_json(&t, llmi_runtime_allocator(rt), &f);
    return attach(out, t, k, status);
}

const char *const llmi_api_tokenizer_file_names[LLMI_API_TOKENIZER_FILES] = {
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"};

llm_span *llmi_api_tokenizer_file(llmi_tokenizer_files *files, int i) {
    llm_span *const spans[LLMI_API_TOKENIZER_FILES] = {&files->json, &files->config, &files->special_tokens_map,
                                                       &files->added_tokens};
    return spans[i];
}

static llm_status from_directory(llm_tokenizer **out, llmi_weights *w, llm_runtime *rt) {
    llmi_tokenizer_files files = {0};
    for (int i = 0; i < LLMI_API_TOKENIZER_FILES; i++) {
        llm_status status =
            llmi_weights_side_file(llmi_api_tokenizer_file(&files, i), w, llmi_api_tokenizer_file_names[i]);
        if (status == LLM_E_NOT_FOUND && i == 0) return LLM_OK;
        if (status != LLM_OK && status != LLM_E_NOT_FOUND) return status;
    }
    return llmi_api_load_tokenizer_json(out, rt, &files);
}

llm_status llmi_api_load_tokenizer(llm_tokenizer **out, llmi_weights *w, llm_runtime *rt) {
    *out = NULL;
    bool gguf = llmi_weights_format(w) == LLMI_FORMAT_GGUF;
    llm_status status = gguf ? from_gguf(out, w, rt) : from_directory(out, w, rt);
    if (status == LLM_OK && *out) {
        status = llmi_end_tokens_add(*out, w, llmi_runtime_log(rt));
        if (status != LLM_OK) {
            llmi_tokenizer_unref(*out);
            *out = NULL;
        }
    }
    if (status != LLM_OK) {
        const char *path = llmi_weights_path(w);
        return llmi_error_in(status, "%s: tokenizer", LLMI_QUOTE(path, strlen(path)));
    }
    llmi_error_clear();
    return LLM_OK;
}

llm_status llmi_api_no_tokenizer(llm_status status, const llmi_weights *w) {
    const char *path = llmi_weights_path(w), *other = llmi_weights_other_tokenizer(w);
    if (!other)
        return llmi_error(status, "%s holds no tokenizer: text is not possible, token ids are",
                          LLMI_QUOTE(path, strlen(path)));
    return llmi_error(status,
                      "%s holds no tokenizer.json, and %s, which it holds, is not read: make tokenizer.json with "
                      "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) of transformers",
                      LLMI_QUOTE(path, strlen(path)), other);
}

/* ---- a model with its tokenizer ---- */

/* Holds back the last report until the tokenizer is there. */
static int32_t report_before_end(void *user, double done) {
    const llm_model_options *o = user;
    return done < 1 ? o->progress(o->progress_user, done) : 0;
}

/* What a model does with text, for whoever wonders where a generation ends or what an embedding is. */
static void log_text(const llm_model *m) {
    const llmi_log *log = llmi_runtime_log(m->runtime);
    char ends[256] = "";
    size_t n = 0;
    if (!llmi_log_wants(log, LLM_LOG_DEBUG) || !m->tokenizer) return;
    for (llm_token id = 0; id < llmi_tokenizer_size(m->tokenizer) && n < sizeof ends; id++)
        if (llmi_tokenizer_is_eog(m->tokenizer, id))
            n += (size_t)llmi_format(ends + n, sizeof ends - n, "%s%d", n ? ", " : "", id);
    llmi_log_write(log, LLM_LOG_DEBUG, "tokenizer %s: %d tokens, generations end at %s; pooling %d%s, normalize %d",
                   llmi_tokenizer_kind(m->tokenizer), llmi_tokenizer_size(m->tokenizer), n ? ends : "none",
                   m->pooling.how, m->pooling.stated ? " (by the file)" : "", m->pooling.normalize);
}

llm_status llmi_api_load_model(llm_model **out, llm_runtime *rt, const char *path, const llm_model_options *options) {
    llm_model *m = NULL;
    llm_model_options o;
    *out = NULL;
    llm_status status = llmi_options_get(&o, "model", options);
    if (status != LLM_OK) return status;
    llm_model_options inner = o;
    if (o.progress) {
        inner.progress = report_before_end;
        inner.progress_user = &o;
    }
    status = llmi_model_load(&m, rt, path, &inner);
    if (status != LLM_OK) return status;
    status = llmi_api_load_tokenizer(&m->tokenizer, m->weights, m->runtime);
    m->tokenizer_destroy = llmi_tokenizer_unref;
    if (status == LLM_OK) status = llmi_pooling_read(m);
    if (status == LLM_OK) log_text(m);
    if (status == LLM_OK && o.progress && o.progress(o.progress_user, 1.0) < 0)
        status = llmi_error(LLM_E_CALLBACK, "the progress callback stopped the load at 100 %%");
    if (status != LLM_OK) {
        llmi_model_unref(m);
        return status;
    }
    *out = m;
    return LLM_OK;
}
