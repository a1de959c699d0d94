#include "text/json_read.h"

#include "base/status.h"
#include "base/text.h"

const char *llmi_json_type(const json_t *value) {
    static const char *const names[] = {"an object", "an array", "a string", "an integer",
                                        "a number",  "true",     "false",    "null"};
    return value ? names[json_typeof(value)] : "nothing";
}

static llm_status mismatch(const json_t *value, const char *key, const char *expected, const char *where) {
    return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected %s", where, key, llmi_json_type(value), expected);
}

static const json_t *member(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return v && !json_is_null(v) ? v : NULL;
}

llm_status llmi_read_bool(bool *value, const json_t *object, const char *key, const char *where) {
    const json_t *v = member(object, key);
    if (!v) return LLM_OK;
    if (!json_is_boolean(v)) return mismatch(v, key, "true or false", where);
    *value = json_is_true(v);
    return LLM_OK;
}

llm_status llmi_read_string(llm_span *value, const json_t *object, const char *key, const char *where) {
    const json_t *v = member(object, key);
    if (!v) return LLM_OK;
    if (!json_is_string(v)) return mismatch(v, key, "a string", where);
    *value = (llm_span){json_string_value(v), json_string_length(v)};
    return LLM_OK;
}

llm_status llmi_read_id(int32_t *value, const json_t *object, const char *key, int32_t n, const char *where) {
    const json_t *v = member(object, key);
    *value = LLM_TOKEN_NONE;
    if (!v) return LLM_OK;
    int64_t id = 0;
    llm_status status = llmi_old_json_get_int(&id, object, key, 0, n - 1, where);
    if (status == LLM_OK) *value = (int32_t)id;
    return status;
}

llm_status llmi_read_array(const json_t **value, const json_t *object, const char *key, const char *where) {
    *value = json_object_get(object, key);
    return json_is_array(*value) ? LLM_OK : mismatch(*value, key, "an array", where);
}

static llm_status make_one(llmi_maker *m, const json_t *object, const llmi_component *table, size_t n, llm_span type,
                           const char *where) {
    for (size_t i = 0; i < n; i++)
        if (strlen(table[i].type) == type.len && memcmp(table[i].type, type.ptr, type.len) == 0)
            return table[i].make(m, object, where);
    return llmi_error(LLM_E_UNSUPPORTED, "%s: type \"%s\" is not supported", where, LLMI_QUOTE(type.ptr, type.len));
}

llm_status llmi_read_chain(llmi_maker *m, const json_t *object, const llmi_component *table, size_t n, const char *list,
                           const char *where) {
    if (!object || json_is_null(object)) return LLM_OK;
    if (!json_is_object(object))
        return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object", where, llmi_json_type(object));
    llm_span type;
    llm_status status = llmi_old_json_get_string(&type, object, "type", where);
    if (status != LLM_OK) return status == LLM_E_NOT_FOUND ? LLM_E_FORMAT : status;
    if (type.len != 8 || memcmp(type.ptr, "Sequence", 8) != 0) return make_one(m, object, table, n, type, where);
    const json_t *items, *item;
    size_t i;
    status = llmi_read_array(&items, object, list, where);
    if (status != LLM_OK) return status;
    /* As deep as the JSON may be nested. */
    json_array_foreach((json_t *)items, i, item) {
        status = llmi_read_chain(m, item, table, n, list, where);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}
