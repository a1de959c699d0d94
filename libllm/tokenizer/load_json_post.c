/* Post-processors of a tokenizer.json: what they put around a single text. */
#include "base/status.h"
#include "base/text.h"
#include "tokenizer/load_json_read.h"

static llm_status put(llmi_buf *ids, llm_token id) {
    return llmi_buf_push(ids, id) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status put_first(llmi_buf *ids, llm_token id) {
    if (!llmi_buf_push(ids, id)) return LLM_E_MEMORY;
    memmove(ids->data + sizeof id, ids->data, ids->len - sizeof id);
    memcpy(ids->data, &id, sizeof id);
    return LLM_OK;
}

static llm_status read_id(llm_token *out, const llm_tokenizer *t, const llmi_json *v, const char *where) {
    int64_t id = -1;
    if (!llmi_json_is_integer(v) || !llmi_json_int64(&id, v) || id < 0 || id >= t->vocab.n)
        return llmi_error(LLM_E_FORMAT, "%s: an id is %s %lld, expected an integer 0..%d", where,
                          llmi_json_type_name(v), (long long)id, t->vocab.n - 1);
    *out = (llm_token)id;
    return LLM_OK;
}

static llm_status do_nothing(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    return LLM_OK;
}

/* ["[SEP]", 102] */
static llm_status read_pair(llm_token *out, llmi_load_json_maker *m, const llmi_json *o, const char *key,
                            const char *where) {
    const llmi_json *pair;
    llm_status status = llmi_load_json_array(&pair, o, key, where);
    return status == LLM_OK ? read_id(out, m->t, llmi_json_item(pair, 1), where) : status;
}

static llm_status make_pair(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llm_token cls = LLM_TOKEN_NONE, sep = LLM_TOKEN_NONE;
    llm_status status = read_pair(&cls, m, o, "cls", where);
    if (status == LLM_OK) status = read_pair(&sep, m, o, "sep", where);
    if (status == LLM_OK) status = put_first(&m->t->before, cls);
    return status == LLM_OK ? put(&m->t->after, sep) : status;
}

/* ---- templates ---- */

/* Appends the ids of {"SpecialToken": {"id": name}}. */
static llm_status put_special(llmi_load_json_maker *m, llmi_buf *ids, const llmi_json *special, const llmi_json *table,
                              const char *where) {
    llm_span name;
    llm_status status = llmi_json_get_string(&name, special, "id", where);
    if (status != LLM_OK) return status;
    const llmi_json *list = llmi_json_get(llmi_json_find(table, name), "ids");
    if (!llmi_json_is(list, LLMI_JSON_ARRAY))
        return llmi_error(LLM_E_FORMAT, "%s: special token \"%s\" has no \"ids\" in \"special_tokens\"", where,
                          LLMI_QUOTE(name.ptr, name.len));
    for (size_t i = 0; i < list->n; i++) {
        llm_token id = LLM_TOKEN_NONE;
        status = read_id(&id, m->t, list->items + i, where);
        if (status == LLM_OK) status = put(ids, id);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status read_template(llmi_load_json_maker *m, llmi_buf around[2], const llmi_json *o, const char *where) {
    const llmi_json *items, *table = llmi_json_get(o, "special_tokens");
    llm_status status = llmi_load_json_array(&items, o, "single", where);
    if (status != LLM_OK) return status;
    bool seen = false;
    for (size_t i = 0; i < items->n; i++) {
        const llmi_json *item = items->items + i;
        const llmi_json *special = llmi_json_get(item, "SpecialToken"), *text = llmi_json_get(item, "Sequence");
        if (!special && (!text || seen))
            return llmi_error(LLM_E_UNSUPPORTED, "%s: item %zu of \"single\" is no special token and no single text",
                              where, i);
        if (text) seen = true;
        if (special) status = put_special(m, &around[seen], special, table, where);
        if (status != LLM_OK) return status;
    }
    return seen ? LLM_OK : llmi_error(LLM_E_UNSUPPORTED, "%s: \"single\" holds no text", where);
}

static llm_status make_template(llmi_load_json_maker *m, const llmi_json *o, const char *where) {
    llmi_buf around[2];
    llm_tokenizer *t = m->t;
    llmi_buf_init(&around[0], t->a);
    llmi_buf_init(&around[1], t->a);
    llm_status status = read_template(m, around, o, where);
    for (size_t n = llmi_buf_count(&around[0], llm_token); n > 0 && status == LLM_OK; n--)
        status = put_first(&t->before, llmi_buf_at(&around[0], llm_token, n - 1));
    if (status == LLM_OK && !llmi_buf_append(&t->after, around[1].data, around[1].len)) status = LLM_E_MEMORY;
    llmi_buf_free(&around[0]);
    llmi_buf_free(&around[1]);
    return status;
}

static const llmi_load_json_component POST_PROCESSORS[] = {
    {"TemplateProcessing", make_template},
    {"RobertaProcessing", make_pair},
    {"BertProcessing", make_pair},
    {"ByteLevel", do_nothing},
};

llm_status llmi_load_json_post_processors(llmi_load_json_maker *m, const llmi_json *root) {
    return llmi_load_json_chain(m, llmi_json_get(root, "post_processor"), POST_PROCESSORS,
                                sizeof POST_PROCESSORS / sizeof POST_PROCESSORS[0], "processors",
                                "tokenizer.json: post_processor");
}
