#include "text/fewshot.h"

#include <string.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"
#include "text/utf8.h"

static llm_status no_memory(void) {
    return llmi_error(LLM_E_MEMORY, "out of memory while reading examples");
}

/* Takes the reference. */
static llm_status add(json_t *examples, json_t *example) {
    llm_status status = LLM_OK;
    if (!json_is_object(example))
        status = llmi_error(LLM_E_FORMAT, "expected an object that holds the example's fields");
    else if (json_array_size(examples) >= LLMI_FEWSHOT_MAX_EXAMPLES)
        status = llmi_error(LLM_E_LIMIT, "more than %d examples", LLMI_FEWSHOT_MAX_EXAMPLES);
    else if (json_array_append(examples, example))
        status = no_memory();
    json_decref(example);
    return status;
}

/* ---- JSON ---- */

static llm_status read_json(json_t *examples, const char *text, size_t n) {
    json_t *list;
    llm_status status = llmi_old_json_parse(&list, text, n, "examples");
    if (status == LLM_OK && !json_is_array(list))
        status = llmi_error(LLM_E_FORMAT, "examples: expected an array of objects");
    for (size_t i = 0; status == LLM_OK && i < json_array_size(list); i++) {
        status = add(examples, json_incref(json_array_get(list, i)));
        if (status != LLM_OK) llmi_error_in(status, "example %zu", i);
    }
    json_decref(list);
    return status;
}

static bool is_blank(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r", text[i]) || !text[i]) return false;
    return true;
}

static llm_status read_lines(json_t *examples, const char *text, size_t n) {
    size_t line = 1;
    for (size_t at = 0, len; at < n; at += len + 1, line++) {
        const char *end = memchr(text + at, '\n', n - at);
        len = end ? (size_t)(end - text) - at : n - at;
        if (is_blank(text + at, len)) continue;
        json_t *example;
        llm_status status = llmi_old_json_parse(&example, text + at, len, "JSON");
        if (status == LLM_OK) status = add(examples, example);
        if (status != LLM_OK) return llmi_error_in(status, "examples: line %zu", line);
    }
    return LLM_OK;
}

/* ---- CSV ---- */

typedef struct csv {
    const char *text;
    size_t n, at, line; /* line: of `at`, from 1 */
    llmi_buf field;
    bool ends_record;
} csv;

/* What follows a field: a comma, the end of a line, or the end of all. */
static llm_status end_field(csv *c) {
    c->ends_record = true;
    if (c->at == c->n) return LLM_OK;
    char ch = c->text[c->at];
    if (ch == ',') {
        c->at++;
        c->ends_record = false;
        return LLM_OK;
    }
    if (ch == '\r' && c->at + 1 < c->n && c->text[c->at + 1] == '\n') c->at++;
    if (ch != '\r' && ch != '\n')
        return llmi_error(LLM_E_FORMAT, "line %zu: expected a comma or the end of the line after a closing quote",
                          c->line);
    c->at++;
    c->line++;
    return LLM_OK;
}

static llm_status quoted_field(csv *c) {
    size_t begin = ++c->at, first = c->line;
    while (c->at < c->n) {
        char ch = c->text[c->at++];
        if (ch == '\n') c->line++;
        if (ch != '"') continue;
        if (!llmi_buf_append(&c->field, c->text + begin, c->at - 1 - begin)) return LLM_E_MEMORY;
        if (c->at == c->n || c->text[c->at] != '"') return end_field(c);
        begin = c->at++; /* the second quote is part of the text */
    }
    return llmi_error(LLM_E_FORMAT, "line %zu: a quoted field has no end", first);
}

static llm_status next_field(csv *c) {
    c->field.len = 0;
    if (c->at < c->n && c->text[c->at] == '"') return quoted_field(c);
    size_t begin = c->at;
    while (c->at < c->n && !(c->text[c->at] == ',' || c->text[c->at] == '\r' || c->text[c->at] == '\n')) {
        if (c->text[c->at] == '"')
            return llmi_error(LLM_E_FORMAT, "line %zu: a quote inside a field that does not begin with one", c->line);
        c->at++;
    }
    return llmi_buf_append(&c->field, c->text + begin, c->at - begin) ? end_field(c) : LLM_E_MEMORY;
}

/* Takes the reference. */
static llm_status add_field(json_t *object, json_t *names, size_t index, json_t *value, size_t line) {
    const char *name = json_string_value(json_array_get(names, index));
    llm_status status = LLM_OK;
    if (!value)
        status = no_memory();
    else if (!name)
        status = llmi_error(LLM_E_FORMAT, "line %zu: more fields than the %zu that the first line names", line,
                            json_array_size(names));
    else if (json_object_set(object, name, value))
        status = no_memory();
    json_decref(value);
    return status;
}

static json_t *field_text(const csv *c) {
    return json_stringn(c->field.len ? c->field.data : "", c->field.len);
}

/* The first record. */
static llm_status read_names(csv *c, json_t *names) {
    do {
        llm_status status = next_field(c);
        if (status != LLM_OK) return status;
        if (!c->field.len || memchr(c->field.data, 0, c->field.len))
            return llmi_error(LLM_E_FORMAT, "line 1: field %zu has no name", json_array_size(names) + 1);
        for (size_t i = 0; i < json_array_size(names); i++)
            if (strlen(json_string_value(json_array_get(names, i))) == c->field.len &&
                memcmp(json_string_value(json_array_get(names, i)), c->field.data, c->field.len) == 0)
                return llmi_error(LLM_E_FORMAT, "line 1: two fields are called \"%s\"",
                                  LLMI_QUOTE(c->field.data, c->field.len));
        if (json_array_size(names) == LLMI_FEWSHOT_MAX_COLUMNS)
            return llmi_error(LLM_E_LIMIT, "line 1: more than %d fields", LLMI_FEWSHOT_MAX_COLUMNS);
        if (json_array_append_new(names, field_text(c))) return no_memory();
    } while (!c->ends_record);
    return LLM_OK;
}

static llm_status read_record(csv *c, json_t *names, json_t *example) {
    size_t n = 0, line = c->line;
    llm_status status;
    do {
        status = next_field(c);
        if (status == LLM_OK) status = add_field(example, names, n++, field_text(c), line);
    } while (status == LLM_OK && !c->ends_record);
    if (status == LLM_OK && n < json_array_size(names))
        return llmi_error(LLM_E_FORMAT, "line %zu: found %zu fields, expected the %zu that the first line names", line,
                          n, json_array_size(names));
    return status;
}

static bool at_empty_line(const csv *c) {
    return c->text[c->at] == '\n' || c->text[c->at] == '\r';
}

static llm_status read_csv(json_t *examples, const llm_allocator *a, const char *text, size_t n) {
    csv c = {.text = text, .n = n, .line = 1};
    llmi_buf_init(&c.field, a);
    json_t *names = json_array();
    llm_status status = names ? LLM_OK : no_memory();
    if (status == LLM_OK && n) status = read_names(&c, names);
    while (status == LLM_OK && c.at < n) {
        if (at_empty_line(&c)) {
            status = end_field(&c);
            continue;
        }
        json_t *example = json_object();
        status = example ? read_record(&c, names, example) : no_memory();
        if (status == LLM_OK)
            status = add(examples, example);
        else
            json_decref(example);
    }
    json_decref(names);
    llmi_buf_free(&c.field);
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "examples: CSV");
}

/* ---- any of them ---- */

static int32_t guess(const char *text, size_t n) {
    size_t at = 0;
    while (at < n && text[at] && strchr(" \t\r\n", text[at])) at++;
    if (at == n) return LLMI_FEWSHOT_JSONL;
    return text[at] == '[' ? LLMI_FEWSHOT_JSON : text[at] == '{' ? LLMI_FEWSHOT_JSONL : LLMI_FEWSHOT_CSV;
}

static llm_status read(json_t *examples, const llm_allocator *a, const char *text, size_t n, int32_t format) {
    switch (format == LLMI_FEWSHOT_AUTO ? guess(text, n) : format) {
    case LLMI_FEWSHOT_JSONL:
        return read_lines(examples, text, n);
    case LLMI_FEWSHOT_JSON:
        return read_json(examples, text, n);
    case LLMI_FEWSHOT_CSV:
        return read_csv(examples, a, text, n);
    default:
        return llmi_error(LLM_E_ARGUMENT, "the format of examples is %d, expected %d..%d", format, LLMI_FEWSHOT_AUTO,
                          LLMI_FEWSHOT_CSV);
    }
}

llm_status llmi_fewshot_read(json_t *examples, const llm_allocator *a, const char *text, size_t n, int32_t format) {
    size_t before = json_array_size(examples);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, n -= 3;
    if (n > LLMI_OLD_JSON_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "examples: %zu bytes, at most %d are read", n, LLMI_OLD_JSON_MAX_BYTES);
    size_t valid = llmi_utf8_valid(text, n);
    if (valid < n) return llmi_error(LLM_E_FORMAT, "examples: byte %zu is not UTF-8", valid);
    llm_status status = read(examples, a, text, n, format);
    while (status != LLM_OK && json_array_size(examples) > before)
        json_array_remove(examples, json_array_size(examples) - 1);
    return status;
}
