#include "base/old_json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

/* The parser behind recurses, so the depth is measured before. */
static int depth_of(const char *text, size_t n) {
    int depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest) deepest = depth;
            if (deepest > LLMI_OLD_JSON_MAX_DEPTH) break;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return deepest;
}

llm_status llmi_old_json_parse(json_t **out, const char *text, size_t n, const char *what) {
    *out = NULL;
    if (n > LLMI_OLD_JSON_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "%s: %zu bytes of JSON, at most %d are read", what, n, LLMI_OLD_JSON_MAX_BYTES);
    if (depth_of(text, n) > LLMI_OLD_JSON_MAX_DEPTH)
        return llmi_error(LLM_E_LIMIT, "%s: JSON nested deeper than %d", what, LLMI_OLD_JSON_MAX_DEPTH);
    json_error_t fault = {0};
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
    if (*out) return LLM_OK;
    if (json_error_code(&fault) == json_error_out_of_memory || !fault.text[0])
        return llmi_error(LLM_E_MEMORY, "%s: out of memory while reading JSON", what);
    char text_quoted[sizeof fault.text];
    for (char *c = fault.text; *c; c++)
        if (*c == '"') *c = '\''; /* quotes are the message's own */
    return llmi_error(LLM_E_FORMAT, "%s: line %d, column %d: %s", what, fault.line, fault.column,
                      llmi_quote(text_quoted, sizeof text_quoted, fault.text, strlen(fault.text)));
}

typedef struct sink {
    llmi_buf *out;
    bool failed; /* kept here: jansson forgets what the writing of a key answered */
} sink;

static int write_piece(const char *bytes, size_t n, void *user) {
    sink *s = user;
    s->failed = s->failed || !llmi_buf_append(s->out, bytes, n);
    return s->failed ? -1 : 0;
}

bool llmi_old_json_write(llmi_buf *out, const json_t *value, size_t flags) {
    sink s = {out, false};
    size_t before = out->len;
    if (json_dump_callback(value, write_piece, &s, flags) == 0 && !s.failed) return true;
    out->len = before;
    return false;
}

static const char *type_name(const json_t *v) {
    static const char *const names[] = {"an object", "an array", "a string", "an integer",
                                        "a number",  "true",     "false",    "null"};
    return v ? names[json_typeof(v)] : "nothing";
}

static llm_status get(const json_t **out, const json_t *object, const char *key, const char *what) {
    *out = json_object_get(object, key);
    return *out ? LLM_OK : llmi_error(LLM_E_NOT_FOUND, "%s: \"%s\" is missing", what, key);
}

llm_status llmi_old_json_get_int(int64_t *out, const json_t *object, const char *key, int64_t min, int64_t max,
                             const char *what) {
    const json_t *v;
    llm_status status = get(&v, object, key, what);
    if (status != LLM_OK) return status;
    if (!json_is_integer(v))
        return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected an integer", what, key, type_name(v));
    int64_t n = json_integer_value(v);
    if (n < min || n > max)
        return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %" PRId64 ", expected %" PRId64 "..%" PRId64, what, key, n, min,
                          max);
    *out = n;
    return LLM_OK;
}

llm_status llmi_old_json_get_number(double *out, const json_t *object, const char *key, const char *what) {
    const json_t *v;
    llm_status status = get(&v, object, key, what);
    if (status != LLM_OK) return status;
    if (!json_is_number(v))
        return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected a number", what, key, type_name(v));
    *out = json_number_value(v);
    return LLM_OK;
}

llm_status llmi_old_json_get_string(llm_span *out, const json_t *object, const char *key, const char *what) {
    const json_t *v;
    llm_status status = get(&v, object, key, what);
    if (status != LLM_OK) return status;
    if (!json_is_string(v))
        return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected a string", what, key, type_name(v));
    *out = (llm_span){json_string_value(v), json_string_length(v)};
    return LLM_OK;
}
