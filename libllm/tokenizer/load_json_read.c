#include "tokenizer/load_json_read.h"

#include "base/status.h"
#include "base/text.h"

static llm_status mismatch(const llmi_json *value, const char *key, const char *expected, const char *where) {
    return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected %s", where, key, llmi_json_type_name(value), expected);
}

static const llmi_json *member(const llmi_json *object, const char *key) {
    const llmi_json *v = llmi_json_get(object, key);
    return v && !llmi_json_is(v, LLMI_JSON_NULL) ? v : NULL;
}

llm_status llmi_load_json_bool(bool *value, const llmi_json *object, const char *key, const char *where) {
    const llmi_json *v = member(object, key);
    if (!v) return LLM_OK;
    if (!llmi_json_is_bool(v)) return mismatch(v, key, "true or false", where);
    *value = llmi_json_is(v, LLMI_JSON_TRUE);
    return LLM_OK;
}

llm_status llmi_load_json_string(llm_span *value, const llmi_json *object, const char *key, const char *where) {
    const llmi_json *v = member(object, key);
    if (!v) return LLM_OK;
    if (!llmi_json_is(v, LLMI_JSON_STRING)) return mismatch(v, key, "a string", where);
    *value = llmi_json_text(v);
    return LLM_OK;
}

llm_status llmi_load_json_id(int32_t *value, const llmi_json *object, const char *key, int32_t n, const char *where) {
    const llmi_json *v = member(object, key);
    *value = LLM_TOKEN_NONE;
    if (!v) return LLM_OK;
    int64_t id = 0;
    llm_status status = llmi_json_get_int(&id, object, key, 0, n - 1, where);
    if (status == LLM_OK) *value = (int32_t)id;
    return status;
}

llm_status llmi_load_json_array(const llmi_json **value, const llmi_json *object, const char *key, const char *where) {
    *value = llmi_json_get(object, key);
    return llmi_json_is(*value, LLMI_JSON_ARRAY) ? LLM_OK : mismatch(*value, key, "an array", where);
}

static llm_status make_one(llmi_load_json_maker *m, const llmi_json *object, const llmi_load_json_component *table,
                           size_t n, llm_span type, const char *where) {
    for (size_t i = 0; i < n; i++)
        if (strlen(table[i].type) == type.len && memcmp(table[i].type, type.ptr, type.len) == 0)
            return table[i].make(m, object, where);
    return llmi_error(LLM_E_UNSUPPORTED, "%s: type \"%s\" is not supported", where, LLMI_QUOTE(type.ptr, type.len));
}

llm_status llmi_load_json_chain(llmi_load_json_maker *m, const llmi_json *object, const llmi_load_json_component *table,
                                size_t n, const char *list, const char *where) {
    if (!object || llmi_json_is(object, LLMI_JSON_NULL)) return LLM_OK;
    if (!llmi_json_is(object, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object", where, llmi_json_type_name(object));
    llm_span type;
    llm_status status = llmi_json_get_string(&type, object, "type", where);
    if (status != LLM_OK) return status == LLM_E_NOT_FOUND ? LLM_E_FORMAT : status;
    if (type.len != 8 || memcmp(type.ptr, "Sequence", 8) != 0) return make_one(m, object, table, n, type, where);
    const llmi_json *items;
    status = llmi_load_json_array(&items, object, list, where);
    if (status != LLM_OK) return status;
    /* As deep as the JSON may be nested. */
    for (size_t i = 0; i < items->n; i++) {
        status = llmi_load_json_chain(m, items->items + i, table, n, list, where);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}
