#include "grammar/schema_values.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "grammar/compile.h"

typedef struct waiting {
    const llmi_json *schema;
    int32_t rule;
} waiting;

/* ---- faults and budgets ---- */

int32_t llmi_schema_fault(llmi_schema *s, llm_status status, const char *format, ...) {
    if (s->ir.status != LLM_OK) return -1;
    char what[256];
    va_list args;
    va_start(args, format);
    llmi_vformat(what, sizeof what, format, args);
    va_end(args);
    return llmi_ir_fail(&s->ir, llmi_error(status, "#%s: %s", LLMI_QUOTE(s->path.ptr, s->path.len), what));
}

int32_t llmi_schema_no_memory(llmi_schema *s) {
    if (s->ir.status != LLM_OK) return -1;
    return llmi_ir_fail(&s->ir, llmi_error(LLM_E_MEMORY, "out of memory while reading a schema"));
}

bool llmi_schema_pay(llmi_schema *s, size_t n) {
    if (llmi_schema_failed(s)) return false;
    if (n <= (size_t)s->steps) {
        s->steps -= (int64_t)n;
        return true;
    }
    s->steps = 0;
    llmi_schema_fault(s, LLM_E_LIMIT,
                      "parts that hold at once or exclude each other take more than %d steps to combine",
                      LLMI_SCHEMA_MAX_STEPS);
    return false;
}

bool llmi_schema_took(llmi_schema *s, llm_status status) {
    if (s->steps < 0) s->steps = 0;
    if (status != LLM_OK && !llmi_schema_failed(s)) {
        if (status != LLM_E_MEMORY) llmi_error_in(status, "#%s", LLMI_QUOTE(s->path.ptr, s->path.len));
        llmi_ir_fail(&s->ir, status);
    }
    return !llmi_schema_failed(s);
}

int32_t llmi_schema_write(llmi_schema *s, const llmi_dfa *dfa, int32_t min, int32_t max, llm_span end,
                          llmi_chars_fn chars) {
    if (llmi_schema_failed(s)) return -1;
    int32_t node = llmi_dfa_write(&s->ir, dfa, min, max, end, chars, &s->steps);
    llm_status status = s->ir.status;
    s->ir.status = LLM_OK;
    return llmi_schema_took(s, status) ? node : -1;
}

bool llmi_schema_same(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    bool same = llmi_json_same(a, b, &s->steps);
    if (s->steps >= 0) return same;
    s->steps = 0;
    return llmi_schema_pay(s, 1);
}

/* ---- what is remembered ---- */

/* Values are distinguished by the address of their content, which a copy into another list keeps. */
typedef struct identity {
    const void *content;
    uint32_t type, n;
} identity;

typedef struct memo {
    identity a, b;
    const void *value;
    int kind; /* LLMI_MEMO_FREE: a free slot */
} memo;

static identity identity_of(const llmi_json *v) {
    if (!v) return (identity){NULL, 0, 0};
    bool has = v->type >= LLMI_JSON_NUMBER && v->n;
    return (identity){has ? v->text : NULL, v->type + 1, has ? v->n : 0};
}

static uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static bool same_identity(identity a, identity b) {
    return a.content == b.content && a.type == b.type && a.n == b.n;
}

static memo *find_memo(const llmi_schema *s, int kind, identity a, identity b) {
    size_t mask = llmi_buf_count(&s->memos, memo) - 1;
    uint64_t h = mix(mix((uint64_t)kind, (uint64_t)(uintptr_t)a.content ^ a.type), a.n);
    for (size_t i = (size_t)mix(mix(h, (uint64_t)(uintptr_t)b.content ^ b.type), b.n) & mask;; i = (i + 1) & mask) {
        memo *m = &llmi_buf_at(&s->memos, memo, i);
        if (m->kind == LLMI_MEMO_FREE || (m->kind == kind && same_identity(m->a, a) && same_identity(m->b, b)))
            return m;
    }
}

const void *llmi_schema_known(llmi_schema *s, llmi_schema_memo kind, const llmi_json *a, const llmi_json *b) {
    return s->memos.len ? find_memo(s, kind, identity_of(a), identity_of(b))->value : NULL;
}

static bool grow_memos(llmi_schema *s) {
    llmi_buf old = s->memos;
    size_t n = llmi_buf_count(&old, memo);
    if (2 * s->n_memos < n) return true;
    size_t n_bytes = (n ? 2 * n : 64) * sizeof(memo);
    llmi_buf_init(&s->memos, s->ir.a);
    if (!llmi_buf_reserve(&s->memos, n_bytes)) {
        s->memos = old;
        return false;
    }
    memset(s->memos.data, 0, s->memos.len = n_bytes);
    for (size_t i = 0; i < n; i++) {
        memo m = llmi_buf_at(&old, memo, i);
        if (m.kind != LLMI_MEMO_FREE) *find_memo(s, m.kind, m.a, m.b) = m;
    }
    llmi_buf_free(&old);
    return true;
}

void llmi_schema_remember(llmi_schema *s, llmi_schema_memo kind, const llmi_json *a, const llmi_json *b,
                          const void *value) {
    if (llmi_schema_failed(s)) return;
    if (s->n_memos >= LLMI_SCHEMA_MAX_MEMOS) {
        llmi_schema_fault(s, LLM_E_LIMIT, "more than %d schemas, with those that are combined from others",
                          LLMI_SCHEMA_MAX_MEMOS);
        return;
    }
    if (!grow_memos(s)) {
        llmi_schema_no_memory(s);
        return;
    }
    memo *m = find_memo(s, kind, identity_of(a), identity_of(b));
    s->n_memos += m->kind == LLMI_MEMO_FREE;
    *m = (memo){identity_of(a), identity_of(b), value, kind};
}

/* ---- values that are made ---- */

const llmi_json *llmi_schema_made(llmi_schema *s, const llmi_json *value) {
    if (value || llmi_schema_failed(s)) return value;
    llm_status status = s->doc.status;
    if (status == LLM_E_LIMIT)
        llmi_schema_fault(s, status, "schemas that are combined from others take more than %d bytes",
                          LLMI_SCHEMA_MAX_MEMORY);
    else
        llmi_schema_no_memory(s);
    return NULL;
}

const llmi_json *llmi_schema_text(llmi_schema *s, const char *text) {
    if (llmi_schema_failed(s)) return NULL;
    return llmi_schema_made(s, llmi_json_new_string(&s->doc, (llm_span){text, strlen(text)}));
}

const llmi_json *llmi_schema_object_of(llmi_schema *s, const llmi_schema_pair *pairs, size_t n) {
    llmi_json_member members[4];
    for (size_t i = 0; i < n && i < 4; i++) {
        const llmi_json *key = llmi_schema_text(s, pairs[i].key);
        if (!key || !pairs[i].value) return NULL;
        members[i] = (llmi_json_member){*key, *pairs[i].value};
    }
    return llmi_schema_made(s, llmi_json_new_object(&s->doc, members, n));
}

const llmi_json *llmi_schema_array_of(llmi_schema *s, const llmi_json *const *items, size_t n) {
    llmi_json copies[4];
    for (size_t i = 0; i < n && i < 4; i++) {
        if (!items[i] || llmi_schema_failed(s)) return NULL;
        copies[i] = *items[i];
    }
    return llmi_schema_made(s, llmi_json_new_array(&s->doc, copies, n));
}

const llmi_json *llmi_schema_with(llmi_schema *s, const llmi_json *object, const char *key, const llmi_json *value) {
    if (!object || !value || !llmi_schema_pay(s, 2 + object->n)) return NULL;
    const llmi_json *made = llmi_schema_made(s, llmi_json_with(&s->doc, object, key, value));
    llmi_schema_remember(s, LLMI_MEMO_CHECKED, made, NULL, s);
    return made;
}

const llmi_json *llmi_schema_without(llmi_schema *s, const llmi_json *object, const char *key) {
    if (!object || !llmi_schema_pay(s, 1 + object->n)) return NULL;
    if (!llmi_json_get(object, key)) return object;
    const llmi_json *made = llmi_schema_made(s, llmi_json_without(&s->doc, object, key));
    llmi_schema_remember(s, LLMI_MEMO_CHECKED, made, NULL, s);
    return made;
}

int32_t llmi_schema_number_of(llmi_schema *s, const llmi_json *schema, const char *key, int32_t fallback) {
    const llmi_json *v = llmi_json_get(schema, key);
    uint64_t n;
    if (!v) return fallback;
    if (!llmi_json_uint64(&n, v)) {
        double x = llmi_json_double(v);
        if (!llmi_json_is(v, LLMI_JSON_NUMBER) || !(x > 0 && x == (double)(x >= 1e19 ? x : 0)))
            return llmi_schema_fault(s, LLM_E_FORMAT, "\"%s\" is %s, expected a whole number above or equal to 0", key,
                                     llmi_json_is(v, LLMI_JSON_NUMBER) ? LLMI_QUOTE(v->text, v->n)
                                                                       : llmi_json_type_name(v));
        n = UINT64_MAX;
    }
    if (n > LLMI_GRAMMAR_MAX_ELEMENTS)
        return llmi_schema_fault(s, LLM_E_LIMIT, "\"%s\" is %s, at most %d is possible", key, LLMI_QUOTE(v->text, v->n),
                                 LLMI_GRAMMAR_MAX_ELEMENTS);
    return (int32_t)n;
}

/* ---- small nodes ---- */

int32_t llmi_schema_space(llmi_schema *s) {
    return llmi_ir_repeat(&s->ir, llmi_ir_word(&s->ir, " "), 0, 1);
}

/* Whether a value's text contains NaN or Infinity, which Python writes and reads. */
static bool has_no_json(llm_span text) {
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (quoted && text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text.ptr[i] == 'N' || text.ptr[i] == 'I'))
            return true;
    }
    return false;
}

int32_t llmi_schema_literal(llmi_schema *s, const llmi_json *value) {
    if (llmi_schema_failed(s)) return -1;
    llmi_buf text;
    llmi_buf_init(&text, s->ir.a);
    if (!llmi_json_write(&text, value, LLMI_JSON_COMPACT)) llmi_schema_no_memory(s);
    if (has_no_json((llm_span){text.data, text.len}))
        llmi_schema_fault(s, LLM_E_FORMAT, "%s cannot be written in JSON", LLMI_QUOTE(text.data, text.len));
    int32_t node = llmi_schema_failed(s) ? -1 : llmi_ir_text(&s->ir, text.data, text.len);
    llmi_buf_free(&text);
    return node;
}

int32_t llmi_schema_either(llmi_schema *s, llmi_buf *kids) {
    if (llmi_schema_failed(s)) return -1;
    return llmi_ir_list(&s->ir, LLMI_IR_ALT, (const int32_t *)(const void *)kids->data, llmi_buf_count(kids, int32_t));
}

void llmi_schema_add(llmi_schema *s, llmi_buf *kids, int32_t kid) {
    if (!llmi_schema_failed(s) && !llmi_buf_push(kids, kid)) llmi_schema_no_memory(s);
}

/* ---- rules ---- */

/* A JSON pointer below the current one, "~" and "/" of the name escaped. */
static bool join(llmi_buf *path, llm_span parent, const char *keyword, llm_span name) {
    bool ok = llmi_buf_append(path, parent.ptr, parent.len) && llmi_buf_printf(path, "/%s", keyword);
    if (!name.ptr) return ok;
    ok = ok && llmi_buf_append(path, "/", 1);
    for (size_t i = 0; i < name.len && ok; i++) {
        const char *c = name.ptr + i;
        bool escaped = *c == '~' || *c == '/';
        ok = llmi_buf_append(path, !escaped ? c : *c == '~' ? "~0" : "~1", escaped ? 2 : 1);
    }
    return ok;
}

static int32_t add_rule(llmi_schema *s, const llmi_json *schema, llm_span path) {
    const char *known = llmi_schema_known(s, LLMI_MEMO_RULE, schema, NULL);
    if (known) return (int32_t)((intptr_t)known - 1);
    if (!llmi_schema_pay(s, 1 + path.len)) return -1;
    waiting w = {schema, llmi_ir_rule_new(&s->ir, path.ptr, path.len)};
    if (w.rule < 0) return -1;
    if (!llmi_buf_push(&s->waiting, w)) return llmi_schema_no_memory(s);
    llmi_schema_remember(s, LLMI_MEMO_RULE, schema, NULL, (const void *)((intptr_t)w.rule + 1));
    return w.rule;
}

int32_t llmi_schema_child(llmi_schema *s, const llmi_json *schema, const char *keyword, llm_span name) {
    schema = llmi_schema_target(s, schema);
    if (llmi_schema_failed(s) || !schema) return -1;
    llmi_buf path;
    llmi_buf_init(&path, s->ir.a);
    bool ok = join(&path, s->path, keyword, name);
    int32_t rule = ok ? add_rule(s, schema, (llm_span){path.data, path.len}) : llmi_schema_no_memory(s);
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
    int32_t whole = any_integer(s, LLMI_SCHEMA_DIGITS), minus_zero = llmi_ir_word(ir, "-0.");
    int32_t fraction = llmi_ir_seq(ir, llmi_ir_word(ir, "."), digits(s, 1, 15));
    int32_t plain = llmi_ir_seq(ir, whole, llmi_ir_repeat(ir, fraction, 0, 1));
    int32_t number = llmi_ir_alt(ir, plain, llmi_ir_seq(ir, minus_zero, digits(s, 1, 15)));
    int32_t sign = llmi_ir_repeat(ir, llmi_ir_chars(ir, signs, 2), 0, 1);
    int32_t exponent = llmi_ir_seq(ir, llmi_ir_chars(ir, e, 2), sign, digits(s, 1, 2));
    return llmi_ir_seq(ir, number, llmi_ir_repeat(ir, exponent, 0, 1));
}

static int32_t any_value(llmi_schema *s) {
    llmi_ir *ir = &s->ir;
    int32_t null = llmi_ir_word(ir, "null"), yes = llmi_ir_word(ir, "true"), no = llmi_ir_word(ir, "false");
    int32_t number = llmi_schema_shared(s, LLMI_SHARED_NUMBER), string = llmi_schema_shared(s, LLMI_SHARED_STRING);
    int32_t array = llmi_schema_array(s, &llmi_json_true), object = llmi_schema_object(s, &llmi_json_true);
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
        return any_integer(s, LLMI_SCHEMA_DIGITS);
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

static const char *const unsupported[] = {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef",
                                          "$recursiveRef",         "extends",          "disallow",
                                          "divisibleBy",           "contentSchema"};

static void check_keywords(llmi_schema *s, const llmi_json *schema) {
    for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0]; i++) {
        const llmi_json *v = llmi_json_get(schema, unsupported[i]);
        bool idle = llmi_json_is(v, LLMI_JSON_TRUE) || (llmi_json_is(v, LLMI_JSON_OBJECT) && !v->n);
        if (v && !idle && llmi_schema_is_assertion((llm_span){unsupported[i], strlen(unsupported[i])}))
            llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"%s\" cannot be part of a grammar", unsupported[i]);
    }
}

/* The values of an enum that everything else in the schema allows. */
static void read_values(llmi_schema *s, llmi_buf *kids, const llmi_json *schema) {
    const llmi_json *list = llmi_json_get(schema, "enum"), *rest = llmi_schema_without(s, schema, "enum");
    bool alone = rest && !llmi_schema_asserts(rest);
    for (size_t i = 0; i < llmi_json_count(list) && !llmi_schema_failed(s); i++) {
        const llmi_json *value = llmi_json_item(list, i);
        if (alone || llmi_schema_valid(s, rest, value, 0)) llmi_schema_add(s, kids, llmi_schema_literal(s, value));
    }
}

static void read_types(llmi_schema *s, llmi_buf *kids, const llmi_json *schema, int types) {
    llmi_ir *ir = &s->ir;
    static const struct {
        int type;
        const char *text;
        const llmi_json *value;
    } words[] = {{LLMI_TYPE_NULL, "null", &llmi_json_null},
                 {LLMI_TYPE_BOOLEAN, "true", &llmi_json_true},
                 {LLMI_TYPE_BOOLEAN, "false", &llmi_json_false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (types & words[i].type && (!llmi_json_get(schema, "not") || llmi_schema_valid(s, schema, words[i].value, 0)))
            llmi_schema_add(s, kids, llmi_ir_text(ir, words[i].text, strlen(words[i].text)));
    if (types & LLMI_TYPE_NUMBER) llmi_schema_add(s, kids, llmi_schema_numbers(s, schema, types));
    if (types & LLMI_TYPE_STRING) llmi_schema_add(s, kids, llmi_schema_string(s, schema));
    if (types & LLMI_TYPE_ARRAY) llmi_schema_add(s, kids, llmi_schema_array(s, schema));
    if (types & LLMI_TYPE_OBJECT) llmi_schema_add(s, kids, llmi_schema_object(s, schema));
}

/* Each branch combined with the keywords beside the list. `key`: what the schema calls the list. */
static void read_branches(llmi_schema *s, llmi_buf *kids, const llmi_json *schema, const char *key) {
    size_t n = llmi_json_count(llmi_json_get(schema, "anyOf"));
    for (size_t i = 0; i < n && !llmi_schema_failed(s); i++) {
        char index[24];
        size_t n_index = llmi_format(index, sizeof index, "%zu", i);
        const llmi_json *branch = llmi_schema_branch(s, schema, i, 0);
        if (branch && !llmi_json_is(branch, LLMI_JSON_FALSE))
            llmi_schema_add(s, kids, llmi_schema_child(s, branch, key, (llm_span){index, n_index}));
    }
}

static void read_schema(llmi_schema *s, llmi_buf *kids, const llmi_json *schema) {
    const char *key = llmi_json_get(schema, "oneOf") && !llmi_json_get(schema, "anyOf") ? "oneOf" : "anyOf";
    schema = llmi_schema_flat(s, schema, 0);
    if (!schema || llmi_schema_failed(s) || llmi_json_is(schema, LLMI_JSON_FALSE)) return;
    check_keywords(s, schema);
    if (llmi_json_is(schema, LLMI_JSON_TRUE) || !llmi_schema_asserts(schema))
        llmi_schema_add(s, kids, llmi_schema_shared(s, LLMI_SHARED_ANY));
    else if (llmi_json_get(schema, "anyOf"))
        read_branches(s, kids, schema, key);
    else if (llmi_json_get(schema, "enum"))
        read_values(s, kids, schema);
    else
        read_types(s, kids, schema, llmi_schema_types_written(s, schema));
}

static void define_next(llmi_schema *s) {
    llmi_buf kids;
    llmi_buf_init(&kids, s->ir.a);
    s->waiting.len -= sizeof(waiting);
    waiting w = llmi_buf_at(&s->waiting, waiting, llmi_buf_count(&s->waiting, waiting));
    llm_span name = llmi_ir_name(&s->ir, w.rule);
    llmi_buf path; /* the rules' names move */
    llmi_buf_init(&path, s->ir.a);
    if (name.len && !llmi_buf_append(&path, name.ptr, name.len)) llmi_schema_no_memory(s);
    s->path = (llm_span){path.len ? path.data : "", path.len};
    if (!llmi_schema_failed(s)) read_schema(s, &kids, w.schema);
    llmi_ir_define(&s->ir, w.rule, llmi_schema_either(s, &kids));
    s->path = (llm_span){"", 0};
    llmi_buf_free(&path);
    llmi_buf_free(&kids);
}

/* ---- all ---- */

static bool names_old_draft(const llmi_json *document) {
    static const char *const names[] = {"draft-03", "draft-04", "draft-06", "draft-07", "2019-09"};
    llm_span text = llmi_json_text(llmi_json_get(document, "$schema"));
    for (size_t i = 0; text.ptr && i < sizeof names / sizeof names[0]; i++)
        if (strstr(text.ptr, names[i])) return true;
    return false;
}

static llm_status make(llmi_grammar **out, llmi_schema *s, llm_tokenizer *t) {
    int32_t root = add_rule(s, s->document, (llm_span){"", 0});
    while (!llmi_schema_failed(s) && s->waiting.len) define_next(s);
    return llmi_schema_failed(s) ? s->ir.status : llmi_grammar_make(out, &s->ir, root, t);
}

static void schema_init(llmi_schema *s, const llm_allocator *a) {
    *s = (llmi_schema){.path = {"", 0}, .steps = LLMI_SCHEMA_MAX_STEPS};
    llmi_json_doc_init(&s->doc, a, LLMI_SCHEMA_MAX_MEMORY);
    llmi_ir_init(&s->ir, a);
    llmi_buf_init(&s->waiting, a);
    llmi_buf_init(&s->memos, a);
    llmi_buf_init(&s->dfas, a);
    llmi_schema_values_init(&s->strings, s);
    for (int i = 0; i < LLMI_N_SHARED; i++) s->shared[i] = -1;
}

static void schema_free(llmi_schema *s) {
    llmi_schema_forget_patterns(s);
    llmi_schema_values_free(&s->strings);
    llmi_json_doc_free(&s->doc);
    llmi_buf_free(&s->waiting);
    llmi_buf_free(&s->memos);
    llmi_ir_free(&s->ir);
}

llm_status llmi_grammar_from_schema(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                    size_t n) {
    llmi_schema s;
    *out = NULL;
    if (n > LLMI_SCHEMA_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "schema: %zu bytes, at most %d are read", n, LLMI_SCHEMA_MAX_BYTES);
    schema_init(&s, a);
    llm_status status = llmi_json_parse(&s.document, &s.doc, (llm_span){text, n}, "schema", LLMI_JSON_PYTHON);
    if (status == LLM_OK) {
        s.old_tuples = names_old_draft(s.document);
        status = make(out, &s, t);
        if (status != LLM_OK) llmi_error_in(status, "schema");
    }
    schema_free(&s);
    return status;
}
