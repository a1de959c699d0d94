#include "api/end_tokens.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/status.h"

#define KEY        "eos_token_id"
#define LIST       "libllm.eog_token_ids"
#define GENERATION "generation_config.json"

typedef struct adding {
    llm_tokenizer *t;
    const llmi_log *log;
    const char *file;
} adding;

/* -1 means "none". */
static llm_status add_id(const adding *a, int64_t id) {
    int32_t n = llmi_tokenizer_size(a->t);
    if (id == -1) return LLM_OK;
    if (id < 0 || id >= n) {
        llmi_log_write(a->log, LLM_LOG_WARNING, "%s: " KEY " is %" PRId64 ", expected 0..%d: it is ignored", a->file,
                       id, n - 1);
        return LLM_OK;
    }
    if (llmi_tokenizer_add_end(a->t, (llm_token)id)) return LLM_OK;
    return llmi_error(LLM_E_LIMIT, "%s: more ids end a generation than are kept (at %" PRId64 ")", a->file, id);
}

static llm_status add_json(const adding *a, const llmi_json *value) {
    int64_t id;
    if (llmi_json_int64(&id, value)) return add_id(a, id);
    if (llmi_json_is(value, LLMI_JSON_NUMBER)) return add_id(a, INT64_MAX);
    return llmi_error(LLM_E_FORMAT, "%s: " KEY " is %s, expected an id or a list of ids", a->file,
                      llmi_json_type_name(value));
}

static llm_status add_member(const adding *a, const llmi_json *object) {
    const llmi_json *value = llmi_json_get(object, KEY);
    llm_status status = LLM_OK;
    if (!value || llmi_json_is(value, LLMI_JSON_NULL)) return LLM_OK;
    if (!llmi_json_is(value, LLMI_JSON_ARRAY)) return add_json(a, value);
    for (size_t i = 0; i < value->n && status == LLM_OK; i++) status = add_json(a, llmi_json_item(value, i));
    return status;
}

static llm_status add_generation(adding *a, llmi_weights *w) {
    llmi_json_doc doc;
    const llmi_json *object;
    a->file = GENERATION;
    llmi_json_doc_init(&doc, llmi_weights_allocator(w), 0);
    llm_status status = llmi_weights_side_json(&object, &doc, w, GENERATION);
    if (status == LLM_OK)
        status = add_member(a, object);
    else if (status == LLM_E_NOT_FOUND)
        status = LLM_OK;
    llmi_json_doc_free(&doc);
    return status;
}

static llm_status add_list(adding *a, const llmi_weights *w) {
    llmi_meta_array list;
    llm_status status = LLM_OK;
    a->file = LIST;
    if (!llmi_weights_has(w, LIST)) return LLM_OK;
    status = llmi_weights_get_array(&list, w, LIST);
    for (size_t i = 0; i < list.n && status == LLM_OK; i++) {
        int64_t id;
        bool is_id = llmi_meta_array_integer(&id, &list, i);
        status = is_id ? add_id(a, id) : llmi_error(LLM_E_FORMAT, "key \"" LIST "\" is not an array of ids");
    }
    return status;
}

llm_status llmi_end_tokens_add(llm_tokenizer *t, llmi_weights *w, const llmi_log *log) {
    adding a = {t, log, "config.json"};
    if (llmi_weights_format(w) == LLMI_FORMAT_GGUF) return add_list(&a, w);
    llm_status status = add_member(&a, llmi_weights_config(w));
    return status == LLM_OK ? add_generation(&a, w) : status;
}

llm_status llmi_end_tokens_put(llmi_gguf_writer *w, const llm_tokenizer *t) {
    llmi_buf ids;
    llmi_buf_init(&ids, w->a);
    llm_status status = LLM_OK;
    for (llm_token id = 0; id < llmi_tokenizer_size(t) && status == LLM_OK; id++)
        if (llmi_tokenizer_is_eog(t, id) && !llmi_buf_push(&ids, id)) status = LLM_E_MEMORY;
    llmi_meta_array list = {
        .type = LLMI_META_I32, .n = llmi_buf_count(&ids, llm_token), .data = ids.data, .n_bytes = ids.len};
    if (status == LLM_OK && list.n) status = llmi_gguf_put_array(w, LIST, &list);
    llmi_buf_free(&ids);
    return status;
}
