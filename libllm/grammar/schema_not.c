/* What a schema refuses, as a schema: one of its keywords does not hold. */
#include <string.h>

#include "grammar/schema.h"

/* ---- what stays as it is ---- */

static bool is_simple(const llmi_json *v) {
    if (!llmi_json_is(v, LLMI_JSON_OBJECT) || v->n != 1) return false;
    return llmi_json_is(llmi_json_get(v, "enum"), LLMI_JSON_ARRAY) ||
           llmi_json_is(llmi_json_get(v, "pattern"), LLMI_JSON_STRING) ||
           llmi_json_is(llmi_json_get(v, "multipleOf"), LLMI_JSON_NUMBER);
}

bool llmi_schema_is_simple_not(const llmi_json *v) {
    const llmi_json *either = llmi_json_get(v, "anyOf");
    if (!llmi_json_is(either, LLMI_JSON_ARRAY) || v->n != 1) return is_simple(v);
    for (size_t i = 0; i < either->n; i++)
        if (!is_simple(&either->items[i])) return false;
    return either->n > 0;
}

const llmi_json *llmi_schema_simple_not(const llmi_json *schema, size_t i) {
    const llmi_json *v = llmi_json_get(schema, "not"), *either = llmi_json_get(v, "anyOf");
    if (either) return llmi_json_item(either, i);
    return i ? NULL : v;
}

/* ---- one keyword ---- */

typedef struct negation {
    llmi_schema *s;
    llmi_buf branches; /* llmi_json */
    bool dropped;      /* a keyword that cannot be negated: its branch is missing */
} negation;

static void branch(negation *n, const llmi_json *schema) {
    if (schema && !llmi_schema_failed(n->s) && !llmi_buf_push(&n->branches, *schema)) llmi_schema_no_memory(n->s);
}

/* {"type": type, key: value} */
static void typed(negation *n, const char *type, const char *key, const llmi_json *value) {
    branch(n, llmi_schema_object_of(n->s, LLMI_PAIRS({"type", llmi_schema_text(n->s, type)}, {key, value})));
}

static const llmi_json *not_of(llmi_schema *s, const char *key, const llmi_json *value) {
    return llmi_schema_object_of(s, LLMI_PAIRS({"not", llmi_schema_object_of(s, LLMI_PAIRS({key, value}))}));
}

static void other_types(negation *n, const llmi_json *schema) {
    llmi_schema *s = n->s;
    const llmi_json *type = llmi_json_get(schema, "type");
    int types = LLMI_TYPE_ALL & ~llmi_schema_types(s, llmi_schema_object_of(s, LLMI_PAIRS({"type", type})));
    if ((types & LLMI_TYPE_NUMBER) == LLMI_TYPE_FRACTION) {
        types &= ~LLMI_TYPE_FRACTION;
        const llmi_json *whole =
            llmi_schema_object_of(s, LLMI_PAIRS({"multipleOf", llmi_schema_made(s, llmi_json_new_int(&s->doc, 1))}));
        typed(n, "number", "not", whole);
    }
    if (types) branch(n, llmi_schema_of_types(s, types));
}

/* Bounds are reversed; a bound on a count moves by one. */
static bool turn_bound(negation *n, const llmi_json_member *m) {
    static const struct {
        const char *key, *other, *type;
        int by;
    } rows[] = {{"minimum", "exclusiveMaximum", "number", 0},
                {"maximum", "exclusiveMinimum", "number", 0},
                {"exclusiveMinimum", "maximum", "number", 0},
                {"exclusiveMaximum", "minimum", "number", 0},
                {"minLength", "maxLength", "string", -1},
                {"maxLength", "minLength", "string", 1},
                {"minItems", "maxItems", "array", -1},
                {"maxItems", "minItems", "array", 1},
                {"minProperties", "maxProperties", "object", -1},
                {"maxProperties", "minProperties", "object", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!llmi_json_equals(&m->key, rows[i].key)) continue;
        const llmi_json *value = &m->value;
        uint64_t count;
        if (rows[i].by) {
            if (!llmi_json_uint64(&count, value) || count >= INT32_MAX) return false;
            if (!count && rows[i].by < 0) return true; /* holds for all */
            value = llmi_schema_made(n->s, llmi_json_new_int(&n->s->doc, (int64_t)count + rows[i].by));
        }
        typed(n, rows[i].type, rows[i].other, value);
        return true;
    }
    return false;
}

/* The object has the property, and it is not valid; or it lacks the property. */
static void turn_property(negation *n, const llmi_json *name, const llmi_json *schema) {
    llmi_schema *s = n->s;
    llmi_json_member m = {*name, llmi_json_false};
    if (schema) {
        const llmi_json *refused = llmi_schema_object_of(s, LLMI_PAIRS({"not", schema}));
        if (!refused) return;
        m.value = *refused;
    }
    const llmi_json *properties = llmi_schema_made(s, llmi_json_new_object(&s->doc, &m, 1));
    const llmi_json *object = llmi_schema_text(s, "object"), *names = llmi_schema_array_of(s, &name, 1);
    branch(n, schema ? llmi_schema_object_of(
                           s, LLMI_PAIRS({"type", object}, {"properties", properties}, {"required", names}))
                     : llmi_schema_object_of(s, LLMI_PAIRS({"type", object}, {"properties", properties})));
}

/* Each of a list, or of one value: {"type": type, "not": {key: one}}. */
static void turn_list(negation *n, const char *type, const llmi_json_member *m, const char *key) {
    size_t count = llmi_json_is(&m->value, LLMI_JSON_ARRAY) ? m->value.n : 1;
    for (size_t i = 0; i < count; i++) {
        const llmi_json *one = llmi_json_is(&m->value, LLMI_JSON_ARRAY) ? &m->value.items[i] : &m->value;
        typed(n, type, "not", llmi_schema_object_of(n->s, LLMI_PAIRS({key, one})));
    }
}

/* None of the branches. */
static void turn_branches(negation *n, const llmi_json *branches) {
    llmi_schema *s = n->s;
    llmi_buf all;
    llmi_buf_init(&all, s->ir.a);
    for (size_t i = 0; i < branches->n && !llmi_schema_failed(s); i++) {
        const llmi_json *refused = llmi_schema_object_of(s, LLMI_PAIRS({"not", &branches->items[i]}));
        if (refused && !llmi_buf_push(&all, *refused)) llmi_schema_no_memory(s);
    }
    if (!llmi_schema_failed(s)) {
        const llmi_json *list = llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)all.data, branches->n);
        branch(n, llmi_schema_object_of(s, LLMI_PAIRS({"allOf", llmi_schema_made(s, list)})));
    }
    llmi_buf_free(&all);
}

static void turn(negation *n, const llmi_json *schema, const llmi_json_member *m) {
    llm_span key = llmi_schema_key(m);
    const llmi_json *refused;
    if (!llmi_schema_is_assertion(key) || !llmi_schema_pay(n->s, 4)) return;
    if (llmi_json_equals(&m->key, "type")) {
        other_types(n, schema);
    } else if (llmi_json_equals(&m->key, "not")) {
        for (size_t i = 0; (refused = llmi_schema_simple_not(schema, i)); i++) branch(n, refused);
    } else if (llmi_json_equals(&m->key, "anyOf")) {
        turn_branches(n, &m->value);
    } else if (llmi_json_equals(&m->key, "required")) {
        for (size_t i = 0; i < m->value.n; i++) turn_property(n, &m->value.items[i], NULL);
    } else if (llmi_json_equals(&m->key, "properties")) {
        for (size_t i = 0; i < m->value.n; i++)
            if (!llmi_json_is(&m->value.members[i].value, LLMI_JSON_TRUE))
                turn_property(n, &m->value.members[i].key, &m->value.members[i].value);
    } else if (llmi_json_equals(&m->key, "pattern")) {
        turn_list(n, "string", m, "pattern");
    } else if (llmi_json_equals(&m->key, "multipleOf")) {
        turn_list(n, "number", m, "multipleOf");
    } else if (!turn_bound(n, m)) {
        n->dropped = true;
    }
}

/* ---- all ---- */

/* The values of a list that the rest allows. */
static const llmi_json *values_allowed(llmi_schema *s, const llmi_json *schema, int depth) {
    const llmi_json *list = llmi_json_get(schema, "enum"), *rest = llmi_schema_without(s, schema, "enum");
    if (!rest || !llmi_schema_asserts(rest)) return list;
    llmi_schema_remember(s, LLMI_MEMO_FLAT, rest, NULL, rest);
    llmi_buf kept;
    llmi_buf_init(&kept, s->ir.a);
    for (size_t i = 0; i < list->n && !llmi_schema_failed(s); i++)
        if (llmi_schema_valid(s, rest, &list->items[i], depth + 1) && !llmi_buf_push(&kept, list->items[i]))
            llmi_schema_no_memory(s);
    const llmi_json *out = NULL;
    if (!llmi_schema_failed(s))
        out = llmi_schema_made(s, llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)kept.data,
                                                      llmi_buf_count(&kept, llmi_json)));
    llmi_buf_free(&kept);
    return out;
}

static const llmi_json *negate(llmi_schema *s, const llmi_json *flat, int depth) {
    negation n = {.s = s};
    if (llmi_json_get(flat, "enum")) {
        const llmi_json *values = values_allowed(s, flat, depth);
        return values && !values->n ? &llmi_json_true : not_of(s, "enum", values);
    }
    llmi_buf_init(&n.branches, s->ir.a);
    for (size_t i = 0; i < flat->n && !llmi_schema_failed(s); i++) turn(&n, flat, &flat->members[i]);
    size_t count = llmi_buf_count(&n.branches, llmi_json);
    if (!count && n.dropped)
        llmi_schema_fault(s, LLM_E_UNSUPPORTED,
                          "a schema of arrays, formats or additional properties cannot be excluded by a grammar");
    const llmi_json *out = NULL;
    if (!llmi_schema_failed(s))
        out =
            llmi_schema_made(s, llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)n.branches.data, count));
    llmi_buf_free(&n.branches);
    if (!out) return NULL;
    if (!count) return &llmi_json_false;
    return count == 1 ? llmi_json_item(out, 0) : llmi_schema_object_of(s, LLMI_PAIRS({"anyOf", out}));
}

const llmi_json *llmi_schema_not(llmi_schema *s, const llmi_json *schema, int depth) {
    const llmi_json *flat = llmi_schema_flat(s, schema, depth);
    if (!flat || llmi_schema_failed(s)) return NULL;
    if (llmi_json_is_bool(flat)) return llmi_json_is(flat, LLMI_JSON_TRUE) ? &llmi_json_false : &llmi_json_true;
    const llmi_json *out = llmi_schema_known(s, LLMI_MEMO_NOT, flat, NULL);
    if (out || !llmi_schema_pay(s, 8)) return out;
    out = negate(s, flat, depth);
    if (out) llmi_schema_remember(s, LLMI_MEMO_NOT, flat, NULL, out);
    return out;
}
