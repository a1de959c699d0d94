#include "text/schema.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/old_json.h"
#include "base/text.h"
#include "text/grammar_make.h"

typedef struct waiting {
    const json_t *schema;
    int32_t rule;
} waiting;

typedef struct known {
    const json_t *schema; /* NULL: free */
    int32_t rule;
} known;

int32_t llmi_schema_fault(llmi_schema *s, llm_status status, const char *format, ...) {
    if (s->ir.status != LLM_OK) return -1;
    char what[256];
    va_list args;
    va_start(args, format);
    llmi_vformat(what, sizeof what, format, args);
    va_end(args);
    return llmi_ir_fail(&s->ir, llmi_error(status, "#%s: %s", LLMI_QUOTE(s->path.ptr, s->path.len), what));
}

json_t *llmi_schema_own(llmi_schema *s, json_t *value) {
    if (value && json_array_append_new(s->owned, value) == 0) return value;
    llmi_ir_fail(&s->ir, llmi_error(LLM_E_MEMORY, "out of memory while reading a schema"));
    return NULL;
}

int32_t llmi_schema_count(llmi_schema *s, const json_t *schema, const char *key, int32_t fallback) {
    const json_t *v = json_object_get(schema, key);
    if (!v) return fallback;
    double n = json_is_number(v) ? json_number_value(v) : -1;
    if (!(n >= 0) || n != (double)(int64_t)(n < 1e15 ? n : 0))
        return llmi_schema_fault(s, LLM_E_FORMAT, "\"%s\" is no whole number above or equal to 0", key);
    if (n > LLMI_GRAMMAR_MAX_ELEMENTS)
        return llmi_schema_fault(s, LLM_E_LIMIT, "\"%s\" is %.0f, at most %d is possible", key, n,
                                 LLMI_GRAMMAR_MAX_ELEMENTS);
    return (int32_t)n;
}

int32_t llmi_schema_blank(llmi_schema *s) {
    return llmi_ir_repeat(&s->ir, llmi_ir_word(&s->ir, " "), 0, 1);
}

int32_t llmi_schema_literal(llmi_schema *s, const json_t *value) {
    char digits[LLMI_NUMBER_BYTES];
    if (llmi_schema_failed(s)) return -1;
    if (json_is_real(value)) {
        llmi_number(digits, json_real_value(value));
        return llmi_ir_text(&s->ir, digits, strlen(digits));
    }
    llmi_buf text;
    llmi_buf_init(&text, s->ir.a);
    int32_t node = llmi_old_json_write(&text, value, JSON_COMPACT | JSON_ENCODE_ANY)
                       ? llmi_ir_text(&s->ir, text.data, text.len)
                       : llmi_ir_fail(&s->ir, llmi_error(LLM_E_MEMORY, "out of memory while reading a schema"));
    llmi_buf_free(&text);
    return node;
}

/* ---- rules ---- */

static known *find(const llmi_schema *s, const json_t *schema) {
    size_t mask = llmi_buf_count(&s->known, known) - 1;
    size_t i = (size_t)(((uintptr_t)schema >> 4) * 0x9e3779b97f4a7c15u >> 20) & mask;
    for (;; i = (i + 1) & mask) {
        known *k = &llmi_buf_at(&s->known, known, i);
        if (!k->schema || k->schema == schema) return k;
    }
}

static bool grow(llmi_schema *s) {
    llmi_buf old = s->known;
    size_t n = llmi_buf_count(&old, known);
    if (2 * s->n_known < n) return true;
    size_t n_bytes = (n ? 2 * n : 64) * sizeof(known);
    llmi_buf_init(&s->known, s->ir.a);
    if (!llmi_buf_reserve(&s->known, n_bytes)) {
        s->known = old;
        return false;
    }
    memset(s->known.data, 0, s->known.len = n_bytes);
    for (size_t i = 0; i < n; i++) {
        known k = llmi_buf_at(&old, known, i);
        if (k.schema) *find(s, k.schema) = k;
    }
    llmi_buf_free(&old);
    return true;
}

/* A JSON pointer below the current one, "~" and "/" of the name escaped. */
static bool join(llmi_buf *path, llm_span parent, const char *keyword, const char *name) {
    bool ok = llmi_buf_append(path, parent.ptr, parent.len) && llmi_buf_printf(path, "/%s", keyword);
    if (!name) return ok;
    ok = ok && llmi_buf_append(path, "/", 1);
    for (; *name && ok; name++)
        ok = llmi_buf_append(path,
                             *name == '~'   ? "~0"
                             : *name == '/' ? "~1"
                                            : name,
                             *name == '~' || *name == '/' ? 2 : 1);
    return ok;
}

static int32_t add_rule(llmi_schema *s, const json_t *schema, llm_span path) {
    if (llmi_schema_failed(s)) return -1;
    if (!grow(s)) return llmi_ir_fail(&s->ir, LLM_E_MEMORY);
    known *k = find(s, schema);
    if (k->schema) return k->rule;
    waiting w = {schema, llmi_ir_rule_new(&s->ir, path.ptr, path.len)};
    if (w.rule < 0) return -1;
    if (!llmi_buf_push(&s->waiting, w)) return llmi_ir_fail(&s->ir, LLM_E_MEMORY);
    *k = (known){schema, w.rule};
    s->n_known++;
    return w.rule;
}

int32_t llmi_schema_child(llmi_schema *s, const json_t *schema, const char *keyword, const char *name) {
    if (llmi_schema_failed(s)) return -1;
    llmi_buf path;
    llmi_buf_init(&path, s->ir.a);
    bool ok = join(&path, s->path, keyword, name);
    int32_t rule = ok ? add_rule(s, schema, (llm_span){path.data, path.len}) : llmi_ir_fail(&s->ir, LLM_E_MEMORY);
    llmi_buf_free(&path);
    return llmi_ir_ref(&s->ir, rule);
}

/* ---- what any value looks like ---- */

static int32_t digits(llmi_schema *s, int32_t min, int32_t max) {
    llmi_ir_range r = {'0', '9'};
    return llmi_ir_repeat(&s->ir, llmi_ir_chars(&s->ir, &r, 1), min, max);
}

static int32_t any_integer(llmi_schema *s, int32_t n_digits) {
    llmi_ir *ir = &s->ir;
    llmi_ir_range r = {'1', '9'};
    int32_t first = llmi_ir_chars(ir, &r, 1);
    int32_t sign = llmi_ir_repeat(ir, llmi_ir_word(ir, "-"), 0, 1);
    int32_t rest = digits(s, 0, n_digits - 1);
    int32_t zero = llmi_ir_word(ir, "0");
    return llmi_ir_alt(ir, zero, llmi_ir_seq(ir, sign, first, rest));
}

static int32_t any_number(llmi_schema *s) {
    llmi_ir *ir = &s->ir;
    llmi_ir_range e[] = {{'E', 'E'}, {'e', 'e'}}, signs[] = {{'+', '+'}, {'-', '-'}};
    int32_t whole = any_integer(s, 15), minus_zero = llmi_ir_word(ir, "-0.");
    int32_t fraction = llmi_ir_seq(ir, llmi_ir_word(ir, "."), digits(s, 1, 15));
    int32_t plain = llmi_ir_seq(ir, whole, llmi_ir_repeat(ir, fraction, 0, 1));
    int32_t number = llmi_ir_alt(ir, plain, llmi_ir_seq(ir, minus_zero, digits(s, 1, 15)));
    int32_t sign = llmi_ir_repeat(ir, llmi_ir_chars(ir, signs, 2), 0, 1);
    int32_t exponent = llmi_ir_seq(ir, llmi_ir_chars(ir, e, 2), sign, digits(s, 1, 2));
    return llmi_ir_seq(ir, number, llmi_ir_repeat(ir, exponent, 0, 1));
}

static int32_t any_value(llmi_schema *s) {
    llmi_ir *ir = &s->ir;
    json_t *anything = llmi_schema_own(s, json_object());
    int32_t null = llmi_ir_word(ir, "null"), yes = llmi_ir_word(ir, "true"), no = llmi_ir_word(ir, "false");
    int32_t number = llmi_schema_shared(s, LLMI_SHARED_NUMBER), string = llmi_schema_shared(s, LLMI_SHARED_STRING);
    int32_t array = llmi_schema_array(s, anything), object = llmi_schema_object(s, anything);
    return llmi_ir_alt(ir, null, yes, no, number, string, array, object);
}

static int32_t shared_body(llmi_schema *s, int which) {
    llmi_ir *ir = &s->ir;
    int32_t quote;
    switch (which) {
    case LLMI_SHARED_ANY:
        return any_value(s);
    case LLMI_SHARED_STRING:
        quote = llmi_ir_word(ir, "\"");
        return llmi_ir_seq(ir, quote, llmi_ir_repeat(ir, llmi_schema_any_char(ir), 0, LLMI_IR_UNLIMITED),
                           llmi_ir_word(ir, "\""));
    case LLMI_SHARED_INTEGER:
        return any_integer(s, 18);
    case LLMI_SHARED_NUMBER:
        return any_number(s);
    default: { /* of a key that is already none of the known ones */
        llmi_ir_range all = {0, 0x10ffff};
        int32_t rest = llmi_ir_repeat(ir, llmi_schema_chars(ir, &all, 1), 0, LLMI_IR_UNLIMITED);
        return llmi_ir_seq(ir, rest, llmi_ir_word(ir, "\""));
    }
    }
}

int32_t llmi_schema_shared(llmi_schema *s, int which) {
    static const char *const names[] = {"any value", "string", "integer", "number", "key"};
    if (llmi_schema_failed(s)) return -1;
    if (s->shared[which] < 0) {
        int32_t rule = s->shared[which] = llmi_ir_rule_new(&s->ir, names[which], strlen(names[which]));
        llmi_ir_define(&s->ir, rule, shared_body(s, which));
    }
    return llmi_ir_ref(&s->ir, s->shared[which]);
}

/* ---- one schema ---- */

static const char *const unsupported[] = {"not",
                                          "if",
                                          "dependentRequired",
                                          "dependentSchemas",
                                          "dependencies",
                                          "patternProperties",
                                          "propertyNames",
                                          "contains",
                                          "uniqueItems",
                                          "multipleOf",
                                          "unevaluatedProperties",
                                          "unevaluatedItems",
                                          "$dynamicRef",
                                          "$recursiveRef",
                                          "additionalItems",
                                          "extends",
                                          "disallow",
                                          "divisibleBy"};

/* A keyword of this list may be there if it asks for nothing. */
static bool is_idle(const json_t *schema, const char *key, const json_t *value) {
    if (strcmp(key, "multipleOf") == 0)
        return json_is_number(value) && json_number_value(value) == 1.0 &&
               json_is_string(json_object_get(schema, "type")) &&
               strcmp(json_string_value(json_object_get(schema, "type")), "integer") == 0;
    if (strcmp(key, "not") == 0) return json_is_false(value);
    if (strcmp(key, "if") == 0) return !json_object_get(schema, "then") && !json_object_get(schema, "else");
    if (json_is_object(value)) return json_object_size(value) == 0;
    return strcmp(key, "uniqueItems") == 0 ? json_is_false(value) : json_is_true(value);
}

static void check_keywords(llmi_schema *s, const json_t *schema) {
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        const json_t *v = json_object_get(schema, unsupported[i]);
        if (v && !is_idle(schema, unsupported[i], v))
            llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"%s\" cannot be part of a grammar", unsupported[i]);
    }
}

static int32_t list_of(llmi_schema *s, llmi_buf *kids) {
    if (llmi_schema_failed(s)) return -1;
    return llmi_ir_list(&s->ir, LLMI_IR_ALT, (const int32_t *)(const void *)kids->data, llmi_buf_count(kids, int32_t));
}

static void add_kid(llmi_schema *s, llmi_buf *kids, int32_t kid) {
    if (!llmi_schema_failed(s) && !llmi_buf_push(kids, kid)) llmi_ir_fail(&s->ir, LLM_E_MEMORY);
}

/* enum and const; what else the schema says but the type would have to be checked against each value. */
static void read_values(llmi_schema *s, llmi_buf *kids, const json_t *schema, int types) {
    static const char *const others[] = {
        "minimum",  "maximum",       "exclusiveMinimum", "exclusiveMaximum",     "minLength", "maxLength",   "pattern",
        "format",   "properties",    "required",         "additionalProperties", "items",     "prefixItems", "minItems",
        "maxItems", "minProperties", "maxProperties"};
    const json_t *list = json_object_get(schema, "enum"), *one = json_object_get(schema, "const");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (json_object_get(schema, others[i]))
            llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"%s\" beside \"%s\"", others[i], list ? "enum" : "const");
    if (list && !json_is_array(list)) llmi_schema_fault(s, LLM_E_FORMAT, "\"enum\" is no array");
    size_t n = list ? json_array_size(list) : 1;
    for (size_t i = 0; i < n && !llmi_schema_failed(s); i++) {
        const json_t *value = list ? json_array_get(list, i) : one;
        bool fits = llmi_schema_type_of(value) & types && (!list || !one || json_equal(value, one));
        if (fits) add_kid(s, kids, llmi_schema_literal(s, value));
    }
}

/* Types of which a schema that names none says something. */
static int types_meant(const json_t *schema) {
    static const struct {
        const char *key;
        int types;
    } rows[] = {{"properties", LLMI_TYPE_OBJECT},
                {"required", LLMI_TYPE_OBJECT},
                {"additionalProperties", LLMI_TYPE_OBJECT},
                {"minProperties", LLMI_TYPE_OBJECT},
                {"maxProperties", LLMI_TYPE_OBJECT},
                {"items", LLMI_TYPE_ARRAY},
                {"prefixItems", LLMI_TYPE_ARRAY},
                {"minItems", LLMI_TYPE_ARRAY},
                {"maxItems", LLMI_TYPE_ARRAY},
                {"minLength", LLMI_TYPE_STRING},
                {"maxLength", LLMI_TYPE_STRING},
                {"pattern", LLMI_TYPE_STRING},
                {"format", LLMI_TYPE_STRING},
                {"minimum", LLMI_TYPE_NUMBER},
                {"maximum", LLMI_TYPE_NUMBER},
                {"exclusiveMinimum", LLMI_TYPE_NUMBER},
                {"exclusiveMaximum", LLMI_TYPE_NUMBER}};
    int types = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (json_object_get(schema, rows[i].key)) types |= rows[i].types;
    return types;
}

static void read_types(llmi_schema *s, llmi_buf *kids, const json_t *schema, int types) {
    llmi_ir *ir = &s->ir;
    if (types & LLMI_TYPE_NULL) add_kid(s, kids, llmi_ir_word(ir, "null"));
    if (types & LLMI_TYPE_BOOLEAN) add_kid(s, kids, llmi_ir_word(ir, "true"));
    if (types & LLMI_TYPE_BOOLEAN) add_kid(s, kids, llmi_ir_word(ir, "false"));
    if (types & LLMI_TYPE_NUMBER) add_kid(s, kids, llmi_schema_number(s, schema, !(types & LLMI_TYPE_FRACTION)));
    if (types & LLMI_TYPE_STRING) add_kid(s, kids, llmi_schema_string(s, schema));
    if (types & LLMI_TYPE_ARRAY) add_kid(s, kids, llmi_schema_array(s, schema));
    if (types & LLMI_TYPE_OBJECT) add_kid(s, kids, llmi_schema_object(s, schema));
}

/* anyOf and oneOf: each branch with what stands beside them. */
static void read_branches(llmi_schema *s, llmi_buf *kids, const json_t *schema, const char *key) {
    const json_t *branches = json_object_get(schema, key);
    size_t n = json_array_size(branches);
    json_t *rest = llmi_schema_own(s, json_copy((json_t *)schema));
    if (!n) llmi_schema_fault(s, LLM_E_FORMAT, "\"%s\" is no list of schemas", key);
    if (!rest || llmi_schema_failed(s)) return;
    json_object_del(rest, key);
    bool plain = !llmi_schema_asserts(rest), one = strcmp(key, "oneOf") == 0;
    for (size_t i = 0; i < n && !llmi_schema_failed(s); i++) {
        const json_t *branch = json_array_get(branches, i);
        for (size_t k = 0; one && k < i; k++)
            if (!llmi_schema_disjoint(s, branch, json_array_get(branches, k), 0))
                llmi_schema_fault(s, LLM_E_UNSUPPORTED,
                                  "\"oneOf\": branches %zu and %zu may both match; use \"anyOf\" if either may", k, i);
        char index[24];
        llmi_format(index, sizeof index, "%zu", i);
        if (!plain) branch = llmi_schema_merge(s, rest, branch);
        if (branch) add_kid(s, kids, llmi_schema_child(s, branch, key, index));
    }
}

static void read_schema(llmi_schema *s, llmi_buf *kids, const json_t *schema) {
    schema = llmi_schema_flatten(s, schema, 0);
    if (!schema || llmi_schema_failed(s) || json_is_false(schema)) return;
    check_keywords(s, schema);
    if (json_is_true(schema) || !llmi_schema_asserts(schema)) {
        add_kid(s, kids, llmi_schema_shared(s, LLMI_SHARED_ANY));
    } else if (json_object_get(schema, "anyOf")) {
        read_branches(s, kids, schema, "anyOf");
    } else if (json_object_get(schema, "oneOf")) {
        read_branches(s, kids, schema, "oneOf");
    } else {
        int types = llmi_schema_types(s, schema);
        bool values = json_object_get(schema, "enum") || json_object_get(schema, "const");
        if (types == LLMI_TYPE_ALL && !values) types = types_meant(schema);
        if (types < 0 || llmi_schema_failed(s)) return;
        if (values)
            read_values(s, kids, schema, types);
        else
            read_types(s, kids, schema, types);
    }
}

static void define_next(llmi_schema *s) {
    llmi_buf kids;
    llmi_buf_init(&kids, s->ir.a);
    s->waiting.len -= sizeof(waiting);
    waiting w = llmi_buf_at(&s->waiting, waiting, llmi_buf_count(&s->waiting, waiting));
    llm_span name = llmi_ir_name(&s->ir, w.rule);
    llmi_buf path; /* the rules' names move */
    llmi_buf_init(&path, s->ir.a);
    if (name.len && !llmi_buf_append(&path, name.ptr, name.len)) llmi_ir_fail(&s->ir, LLM_E_MEMORY);
    s->path = (llm_span){path.len ? path.data : "", path.len};
    if (!llmi_schema_failed(s)) read_schema(s, &kids, w.schema);
    llmi_ir_define(&s->ir, w.rule, list_of(s, &kids));
    s->path = (llm_span){"", 0};
    llmi_buf_free(&path);
    llmi_buf_free(&kids);
}

/* ---- all ---- */

static llm_status make(llmi_grammar **out, llmi_schema *s, llm_tokenizer *t) {
    int32_t root = add_rule(s, s->document, (llm_span){"", 0});
    while (!llmi_schema_failed(s) && s->waiting.len) define_next(s);
    return llmi_schema_failed(s) ? s->ir.status : llmi_grammar_make(out, &s->ir, root, t);
}

llm_status llmi_grammar_from_schema(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                    size_t n) {
    llmi_schema s = {.path = {"", 0}};
    *out = NULL;
    if (n > LLMI_SCHEMA_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "schema: %zu bytes, at most %d are read", n, LLMI_SCHEMA_MAX_BYTES);
    llm_status status = llmi_old_json_parse(&s.document, text, n, "schema");
    if (status != LLM_OK) return status;
    llmi_ir_init(&s.ir, a);
    llmi_buf_init(&s.waiting, a);
    llmi_buf_init(&s.known, a);
    for (int i = 0; i < LLMI_N_SHARED; i++) s.shared[i] = -1;
    s.owned = json_array();
    status = s.owned ? make(out, &s, t) : llmi_error(LLM_E_MEMORY, "out of memory while reading a schema");
    json_decref(s.owned);
    json_decref(s.document);
    llmi_buf_free(&s.waiting);
    llmi_buf_free(&s.known);
    llmi_ir_free(&s.ir);
    return status == LLM_OK ? status : llmi_error_in(status, "schema");
}
