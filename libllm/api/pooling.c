#include "api/pooling.h"

#include <llm/engine.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "model/arch.h"

#define NORMALIZE "libllm.normalize_embeddings"
#define REFUSED   "libllm.pooling_refused" /* of a directory whose pooling GGUF has no number for */

/* Ways to pool, under GGUF's numbers, the flags of sentence-transformers, and its newer names. */
static const struct {
    int32_t pooling; /* LLM_POOL_FILE: not computed */
    int64_t gguf;    /* -1: no number */
    const char *flag, *name;
} ways[] = {
    {LLM_POOL_MEAN, 1, "pooling_mode_mean_tokens", "mean"},
    {LLM_POOL_FIRST, 2, "pooling_mode_cls_token", "cls"},
    {LLM_POOL_LAST, 3, "pooling_mode_lasttoken", "lasttoken"},
    {LLM_POOL_FILE, 4, "", "rank"},
    {LLM_POOL_FILE, -1, "pooling_mode_max_tokens", "max"},
    {LLM_POOL_FILE, -1, "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
    {LLM_POOL_FILE, -1, "pooling_mode_weightedmean_tokens", "weightedmean"},
};

enum { N_WAYS = sizeof ways / sizeof ways[0] };

static void refuse(llmi_pooling *p, const char *what) {
    p->how = LLM_POOL_FILE;
    p->refused = what;
}

static void take_way(llmi_pooling *p, int i) {
    if (p->stated) {
        refuse(p, "more than one pooling");
        return;
    }
    p->stated = true;
    p->how = ways[i].pooling;
    if (p->how == LLM_POOL_FILE) p->refused = ways[i].name;
}

/* ---- GGUF ---- */

static llm_status read_gguf(llmi_pooling *p, const llmi_weights *w) {
    char key[128];
    llm_span arch;
    int64_t type = 0;
    if (llmi_weights_has(w, NORMALIZE)) {
        llm_status status = llmi_weights_get_bool(&p->normalize, w, NORMALIZE);
        if (status != LLM_OK) return status;
    }
    if (llmi_weights_has(w, REFUSED)) refuse(p, "a pooling that GGUF has no number for");
    if (llmi_weights_get_string(&arch, w, "general.architecture") != LLM_OK || arch.len > 64) return LLM_OK;
    llmi_format(key, sizeof key, "%.*s.pooling_type", (int)arch.len, arch.ptr);
    if (!llmi_weights_has(w, key)) return LLM_OK;
    llm_status status = llmi_weights_get_int(&type, w, key, -1, INT32_MAX);
    if (status != LLM_OK || type <= 0) return status; /* -1 and 0: the file leaves it open */
    for (int i = 0; i < N_WAYS; i++)
        if (ways[i].gguf == type) {
            take_way(p, i);
            return LLM_OK;
        }
    refuse(p, "a pooling that is not known");
    return LLM_OK;
}

/* ---- sentence-transformers ---- */

/* Modes are flags, or since version 5 a name or a list of names. */
static bool is_way(const llmi_json *config, int i) {
    const llmi_json *mode = llmi_json_get(config, "pooling_mode");
    if (llmi_json_equals(mode, ways[i].name)) return true;
    for (size_t k = 0; llmi_json_item(mode, k); k++)
        if (llmi_json_equals(llmi_json_item(mode, k), ways[i].name)) return true;
    return llmi_json_is(llmi_json_get(config, ways[i].flag), LLMI_JSON_TRUE);
}

static llm_status read_config(llmi_pooling *p, llmi_json_doc *doc, llmi_weights *w, llm_span folder) {
    char name[300];
    const llmi_json *config;
    llmi_format(name, sizeof name, "%.*s/config.json", folder.len < 256 ? (int)folder.len : 256, folder.ptr);
    llm_status status = llmi_weights_side_json(&config, doc, w, name);
    for (int i = 0; i < N_WAYS && status == LLM_OK; i++)
        if (is_way(config, i)) take_way(p, i);
    return status;
}

/* "sentence_transformers.models.Pooling": what follows the last dot. */
static bool is_module(const llmi_json *type, const char *class) {
    size_t n = strlen(class);
    llm_span text = llmi_json_text(type);
    return text.len > n && memcmp(text.ptr + text.len - n, class, n) == 0 && text.ptr[text.len - n - 1] == '.';
}

static llm_status read_module(llmi_pooling *p, llmi_json_doc *doc, llmi_weights *w, const llmi_json *module) {
    const llmi_json *type = llmi_json_get(module, "type");
    llm_span folder = llmi_json_text(llmi_json_get(module, "path"));
    if (is_module(type, "Transformer")) return LLM_OK;
    if (is_module(type, "Pooling")) return read_config(p, doc, w, folder);
    if (is_module(type, "Normalize"))
        p->normalize = true;
    else
        refuse(p, is_module(type, "Dense") ? "a Dense module" : "a module that is not known");
    return LLM_OK;
}

static llm_status read_modules(llmi_pooling *p, llmi_json_doc *doc, llmi_weights *w) {
    static const llm_span usual = {"1_Pooling", 9};
    const llmi_json *modules;
    llm_status status = llmi_weights_side_json(&modules, doc, w, "modules.json");
    if (status == LLM_E_NOT_FOUND) {
        status = read_config(p, doc, w, usual);
        return status == LLM_E_NOT_FOUND ? LLM_OK : status;
    }
    if (status == LLM_OK && !llmi_json_is(modules, LLMI_JSON_ARRAY))
        return llmi_error(LLM_E_FORMAT, "modules.json is %s, expected an array", llmi_json_type_name(modules));
    for (size_t i = 0; i < llmi_json_count(modules) && status == LLM_OK; i++)
        status = read_module(p, doc, w, llmi_json_item(modules, i));
    return status;
}

llm_status llmi_pooling_read(llm_model *m) {
    llmi_json_doc doc;
    llmi_pooling p = {.how = LLM_POOL_MEAN};
    llmi_json_doc_init(&doc, llmi_weights_allocator(m->weights), 0);
    bool gguf = llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF;
    llm_status status = gguf ? read_gguf(&p, m->weights) : read_modules(&p, &doc, m->weights);
    llmi_json_doc_free(&doc);
    m->pooling = p;
    if (status == LLM_OK) return LLM_OK;
    const char *path = llmi_weights_path(m->weights);
    return llmi_error_in(status, "%s", LLMI_QUOTE(path, strlen(path)));
}

llm_status llmi_pooling_put(llmi_gguf_writer *w, const llm_model *m, const char *arch) {
    char key[128];
    llm_status status = LLM_OK;
    llmi_format(key, sizeof key, "%s.pooling_type", arch);
    for (int i = 0; i < N_WAYS && status == LLM_OK; i++)
        if (m->pooling.stated && !m->pooling.refused && ways[i].pooling == m->pooling.how)
            status = llmi_gguf_put_u32(w, key, (uint32_t)ways[i].gguf);
    if (m->pooling.refused) return llmi_gguf_put_string(w, REFUSED, m->pooling.refused, strlen(m->pooling.refused));
    if (status == LLM_OK && m->pooling.normalize) status = llmi_gguf_put_bool(w, NORMALIZE, true);
    return status;
}
