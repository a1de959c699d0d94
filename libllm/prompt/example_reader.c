#include "prompt/example_reader.h"

#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"

static llm_status add(llmi_buf *examples, const llmi_json *example) {
    if (!llmi_json_is(example, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "found %s, expected an object that holds the example's fields",
                          llmi_json_type_name(example));
    if (llmi_buf_count(examples, llmi_json) >= LLMI_FEWSHOT_MAX_EXAMPLES)
        return llmi_error(LLM_E_LIMIT, "more than %d examples", LLMI_FEWSHOT_MAX_EXAMPLES);
    return llmi_buf_push(examples, *example) ? LLM_OK : LLM_E_MEMORY;
}

/* ---- JSON ---- */

static llm_status read_json(llmi_buf *examples, llmi_json_doc *doc, llm_span text) {
    const llmi_json *list;
    llm_status status = llmi_json_parse(&list, doc, text, "examples", 0);
    if (status != LLM_OK) return status;
    if (!llmi_json_is(list, LLMI_JSON_ARRAY))
        return llmi_error(LLM_E_FORMAT, "examples: found %s, expected an array of objects", llmi_json_type_name(list));
    for (size_t i = 0; status == LLM_OK && i < list->n; i++) {
        status = add(examples, &list->items[i]);
        if (status != LLM_OK) llmi_error_in(status, "example %zu", i);
    }
    return status;
}

static bool is_space(llm_span text) {
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r", text.ptr[i]) || !text.ptr[i]) return false;
    return true;
}

static llm_status read_lines(llmi_buf *examples, llmi_json_doc *doc, llm_span text) {
    size_t number = 1;
    for (size_t at = 0; at < text.len; number++) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        llm_span line = {text.ptr + at, end ? (size_t)(end - text.ptr) - at : text.len - at};
        at += line.len + 1;
        if (is_space(line)) continue;
        const llmi_json *example;
        llm_status status = llmi_json_parse(&example, doc, line, "JSON", 0);
        if (status == LLM_OK) status = add(examples, example);
        if (status != LLM_OK) return llmi_error_in(status, "examples: line %zu", number);
    }
    return LLM_OK;
}

/* ---- CSV and TSV ---- */

/* With tabs a quote is one of the text unless it begins the field: that is how tables are copied and exported. */
typedef struct table {
    const char *text;
    size_t n, at, line; /* line: of `at`, from 1 */
    char separator;     /* ',' or '\t' */
    llmi_buf field;
    llmi_buf names;   /* llmi_json strings */
    llmi_buf members; /* llmi_json_member of the record that is read */
    bool ends_record;
} table;

static size_t n_names(const table *t) {
    return llmi_buf_count(&t->names, llmi_json);
}

static bool at_line_end(const table *t) {
    return t->text[t->at] == '\n' || t->text[t->at] == '\r';
}

/* What follows a field: a separator, the end of a line, or the end of all. */
static llm_status end_field(table *t) {
    t->ends_record = true;
    if (t->at == t->n) return LLM_OK;
    char ch = t->text[t->at];
    if (ch == t->separator) {
        t->at++;
        t->ends_record = false;
        return LLM_OK;
    }
    if (!at_line_end(t))
        return llmi_error(LLM_E_FORMAT, "line %zu: expected a %s or the end of the line after a closing quote", t->line,
                          t->separator == ',' ? "comma" : "tab");
    if (ch == '\r' && t->at + 1 < t->n && t->text[t->at + 1] == '\n') t->at++;
    t->at++;
    t->line++;
    return LLM_OK;
}

static llm_status quoted_field(table *t) {
    size_t begin = ++t->at, first = t->line;
    while (t->at < t->n) {
        char ch = t->text[t->at++];
        if (ch == '\n') t->line++;
        if (ch != '"') continue;
        if (!llmi_buf_append(&t->field, t->text + begin, t->at - 1 - begin)) return LLM_E_MEMORY;
        if (t->at == t->n || t->text[t->at] != '"') return end_field(t);
        begin = t->at++; /* the second quote is part of the text */
    }
    return llmi_error(LLM_E_FORMAT, "line %zu: a quoted field has no end", first);
}

static llm_status next_field(table *t) {
    t->field.len = 0;
    if (t->at < t->n && t->text[t->at] == '"') return quoted_field(t);
    size_t begin = t->at;
    for (; t->at < t->n && t->text[t->at] != t->separator && !at_line_end(t); t->at++)
        if (t->text[t->at] == '"' && t->separator == ',')
            return llmi_error(LLM_E_FORMAT, "line %zu: a quote inside a field that does not begin with one", t->line);
    return llmi_buf_append(&t->field, t->text + begin, t->at - begin) ? end_field(t) : LLM_E_MEMORY;
}

static llm_span field_of(const table *t) {
    return (llm_span){t->field.len ? t->field.data : "", t->field.len};
}

static llm_status check_name(const table *t) {
    llm_span name = field_of(t);
    if (!name.len || memchr(name.ptr, 0, name.len))
        return llmi_error(LLM_E_FORMAT, "line 1: field %zu has no name", n_names(t) + 1);
    for (size_t i = 0; i < n_names(t); i++) {
        llm_span known = llmi_json_text(&llmi_buf_at(&t->names, llmi_json, i));
        if (known.len == name.len && memcmp(known.ptr, name.ptr, name.len) == 0)
            return llmi_error(LLM_E_FORMAT, "line 1: two fields are called \"%s\"", LLMI_QUOTE(name.ptr, name.len));
    }
    if (n_names(t) == LLMI_FEWSHOT_MAX_COLUMNS)
        return llmi_error(LLM_E_LIMIT, "line 1: more than %d fields", LLMI_FEWSHOT_MAX_COLUMNS);
    return LLM_OK;
}

/* The first record. */
static llm_status read_names(table *t, llmi_json_doc *doc) {
    do {
        llm_status status = next_field(t);
        if (status == LLM_OK) status = check_name(t);
        if (status != LLM_OK) return status;
        const llmi_json *name = llmi_json_new_string(doc, field_of(t));
        if (!name) return doc->status;
        if (!llmi_buf_push(&t->names, *name)) return LLM_E_MEMORY;
    } while (!t->ends_record);
    return LLM_OK;
}

static llm_status read_record(llmi_buf *examples, table *t, llmi_json_doc *doc) {
    size_t line = t->line, n = 0;
    t->members.len = 0;
    do {
        llm_status status = next_field(t);
        if (status != LLM_OK) return status;
        if (n == n_names(t))
            return llmi_error(LLM_E_FORMAT, "line %zu: more fields than the %zu that the first line names", line, n);
        const llmi_json *value = llmi_json_new_string(doc, field_of(t));
        if (!value) return doc->status;
        llmi_json_member member = {llmi_buf_at(&t->names, llmi_json, n++), *value};
        if (!llmi_buf_push(&t->members, member)) return LLM_E_MEMORY;
    } while (!t->ends_record);
    if (n < n_names(t))
        return llmi_error(LLM_E_FORMAT, "line %zu: found %zu fields, expected the %zu that the first line names", line,
                          n, n_names(t));
    const llmi_json *example = llmi_json_new_object(doc, (const llmi_json_member *)(void *)t->members.data, n);
    return example ? add(examples, example) : doc->status;
}

static llm_status read_records(llmi_buf *examples, table *t, llmi_json_doc *doc) {
    llm_status status = t->n ? read_names(t, doc) : LLM_OK;
    while (status == LLM_OK && t->at < t->n) status = at_line_end(t) ? end_field(t) : read_record(examples, t, doc);
    return status;
}

static llm_status read_table(llmi_buf *examples, llmi_json_doc *doc, llm_span text, char separator) {
    table t = {.text = text.ptr, .n = text.len, .line = 1, .separator = separator};
    llmi_buf *const bufs[] = {&t.field, &t.names, &t.members};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], doc->a);
    llm_status status = read_records(examples, &t, doc);
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "examples: %s", separator == ',' ? "CSV" : "TSV");
}

/* ---- any of them ---- */

static int32_t guess(llm_span text) {
    size_t at = 0;
    while (at < text.len && text.ptr[at] && strchr(" \t\r\n", text.ptr[at])) at++;
    if (at == text.len) return LLMI_FEWSHOT_JSONL;
    if (text.ptr[at] == '[') return LLMI_FEWSHOT_JSON;
    if (text.ptr[at] == '{') return LLMI_FEWSHOT_JSONL;
    for (at = 0; at < text.len && text.ptr[at] != '\n' && text.ptr[at] != '\r'; at++)
        if (text.ptr[at] == '\t') return LLMI_FEWSHOT_TSV;
    return LLMI_FEWSHOT_CSV;
}

static llm_status read(llmi_buf *examples, llmi_json_doc *doc, llm_span text, int32_t format) {
    switch (format == LLMI_FEWSHOT_AUTO ? guess(text) : format) {
    case LLMI_FEWSHOT_JSONL:
        return read_lines(examples, doc, text);
    case LLMI_FEWSHOT_JSON:
        return read_json(examples, doc, text);
    case LLMI_FEWSHOT_CSV:
        return read_table(examples, doc, text, ',');
    case LLMI_FEWSHOT_TSV:
        return read_table(examples, doc, text, '\t');
    default:
        return llmi_error(LLM_E_ARGUMENT, "the format of examples is %d, expected %d..%d", format, LLMI_FEWSHOT_AUTO,
                          LLMI_FEWSHOT_TSV);
    }
}

llm_status llmi_prompt_read_examples(llmi_buf *examples, llmi_json_doc *doc, const char *text, size_t n,
                                     int32_t format) {
    size_t before = examples->len;
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, n -= 3;
    if (n > LLMI_JSON_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "examples: %zu bytes, at most %d are read", n, LLMI_JSON_MAX_BYTES);
    size_t valid = llmi_utf8_valid(text, n);
    if (valid < n) return llmi_error(LLM_E_FORMAT, "examples: byte %zu is not UTF-8", valid);
    llm_status status = read(examples, doc, (llm_span){text, n}, format);
    if (status != LLM_OK) examples->len = before;
    return status;
}
