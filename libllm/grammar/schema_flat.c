/* One schema without references and without lists of schemas that all hold. */
#include <string.h>

#include "base/text.h"
#include "grammar/schema.h"
#include "grammar/schema_values.h"

/* ---- shapes of keywords ---- */

enum {
    IS_NUMBER = 1 << LLMI_JSON_NUMBER,
    IS_STRING = 1 << LLMI_JSON_STRING,
    IS_LIST = 1 << LLMI_JSON_ARRAY,
    IS_OBJECT = 1 << LLMI_JSON_OBJECT,
    IS_BOOLEAN = 1 << LLMI_JSON_TRUE | 1 << LLMI_JSON_FALSE,
    IS_SCHEMA = IS_OBJECT | IS_BOOLEAN
};

static const struct {
    const char *key, *expected;
    int kinds;
} shapes[] = {{"$ref", "a string", IS_STRING},
              {"enum", "an array", IS_LIST},
              {"properties", "an object", IS_OBJECT},
              {"patternProperties", "an object", IS_OBJECT},
              {"required", "an array of names", IS_LIST},
              {"additionalProperties", "a schema", IS_SCHEMA},
              {"propertyNames", "a schema", IS_SCHEMA},
              {"prefixItems", "an array", IS_LIST},
              {"contains", "a schema", IS_SCHEMA},
              {"uniqueItems", "true or false", IS_BOOLEAN},
              {"pattern", "a string", IS_STRING},
              {"format", "a string", IS_STRING},
              {"minimum", "a number", IS_NUMBER},
              {"maximum", "a number", IS_NUMBER},
              {"multipleOf", "a number", IS_NUMBER},
              {"allOf", "an array of schemas", IS_LIST},
              {"anyOf", "an array of schemas", IS_LIST},
              {"oneOf", "an array of schemas", IS_LIST},
              {"not", "a schema", IS_SCHEMA},
              {"if", "a schema", IS_SCHEMA},
              {"dependentRequired", "an object", IS_OBJECT},
              {"dependentSchemas", "an object", IS_OBJECT},
              {"dependencies", "an object", IS_OBJECT}};

static void check_required(llmi_schema *s, const llmi_json *schema) {
    const llmi_json *list = llmi_json_get(schema, "required");
    for (size_t i = 0; i < llmi_json_count(list); i++)
        if (!llmi_json_is(llmi_json_item(list, i), LLMI_JSON_STRING))
            llmi_schema_fault(s, LLM_E_FORMAT, "\"required\" holds %s, expected names",
                              llmi_json_type_name(llmi_json_item(list, i)));
}

static void check_exclusive(llmi_schema *s, const llmi_json *schema, const char *key, const char *plain) {
    const llmi_json *v = llmi_json_get(schema, key);
    if (llmi_json_is_bool(v))
        llmi_schema_fault(s, LLM_E_FORMAT,
                          "\"%s\" is %s, as in draft 4; expected a number: \"%s\": N in the place of \"%s\": N", key,
                          llmi_json_type_name(v), key, plain);
    else if (v && !llmi_json_is(v, LLMI_JSON_NUMBER))
        llmi_schema_fault(s, LLM_E_FORMAT, "\"%s\" is %s, expected a number", key, llmi_json_type_name(v));
}

static void check_items(llmi_schema *s, const llmi_json *schema) {
    const llmi_json *items = llmi_json_get(schema, "items");
    bool list = llmi_json_is(items, LLMI_JSON_ARRAY);
    if (list && !s->old_tuples)
        llmi_schema_fault(s, LLM_E_FORMAT,
                          "\"items\" is an array, as in draft 7: use prefixItems, or name the draft by \"$schema\"");
    else if (items && !list && !(1 << items->type & IS_SCHEMA))
        llmi_schema_fault(s, LLM_E_FORMAT, "\"items\" is %s, expected a schema", llmi_json_type_name(items));
}

static void check_shapes(llmi_schema *s, const llmi_json *schema) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const llmi_json *v = llmi_json_get(schema, shapes[i].key);
        if (v && !(1 << v->type & shapes[i].kinds))
            llmi_schema_fault(s, LLM_E_FORMAT, "\"%s\" is %s, expected %s", shapes[i].key, llmi_json_type_name(v),
                              shapes[i].expected);
    }
    check_required(s, schema);
    check_exclusive(s, schema, "exclusiveMinimum", "minimum");
    check_exclusive(s, schema, "exclusiveMaximum", "maximum");
    check_items(s, schema);
}

/* ---- references ---- */

/* One step of a JSON pointer, in percent and tilde escapes. */
static bool read_step(llmi_buf *step, llm_span *at) {
    static const char hex[] = "0123456789abcdef";
    step->len = 0;
    size_t i = 0;
    for (; i < at->len && at->ptr[i] != '/'; i++) {
        const char *p = at->ptr + i;
        char c = *p;
        size_t left = at->len - i;
        if (c == '~' && left > 1 && (p[1] == '0' || p[1] == '1')) {
            c = p[1] == '0' ? '~' : '/';
            i++;
        } else if (c == '%' && left > 2 && p[1] && p[2]) {
            const char *x = strchr(hex, p[1] | 0x20), *y = strchr(hex, p[2] | 0x20);
            if (x && y) c = (char)((x - hex) << 4 | (y - hex));
            i += x && y ? 2 : 0;
        }
        if (!llmi_buf_push(step, c)) return false;
    }
    *at = (llm_span){at->ptr + i, at->len - i};
    return true;
}

static const llmi_json *item_named(const llmi_json *list, llm_span name) {
    size_t index = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < '0' || name.ptr[i] > '9' || index > UINT32_MAX) return NULL;
        index = index * 10 + (size_t)(name.ptr[i] - '0');
    }
    return name.len ? llmi_json_item(list, index) : NULL;
}

static const llmi_json *resolve(llmi_schema *s, const llmi_json *ref) {
    llm_span at = llmi_json_text(ref);
    const llmi_json *found = at.len && at.ptr[0] == '#' ? s->document : NULL;
    llmi_buf step;
    llmi_buf_init(&step, s->ir.a);
    if (found) at = (llm_span){at.ptr + 1, at.len - 1};
    while (found && at.len && at.ptr[0] == '/' && llmi_schema_pay(s, at.len)) {
        at = (llm_span){at.ptr + 1, at.len - 1};
        if (!read_step(&step, &at)) llmi_schema_no_memory(s);
        llm_span name = {step.len ? step.data : "", step.len};
        found = llmi_json_is(found, LLMI_JSON_ARRAY) ? item_named(found, name) : llmi_json_find(found, name);
    }
    llmi_buf_free(&step);
    if (found && !at.len) return found;
    llmi_schema_fault(s, LLM_E_UNSUPPORTED, "there is no \"$ref\" \"%s\" in this document",
                      LLMI_QUOTE(ref->text, ref->n));
    return NULL;
}

static bool has_other_assertions(const llmi_json *schema, const char *but) {
    for (size_t i = 0; i < schema->n; i++)
        if (!llmi_json_equals(&schema->members[i].key, but) &&
            llmi_schema_is_assertion(llmi_schema_key(&schema->members[i])))
            return true;
    return false;
}

const llmi_json *llmi_schema_target(llmi_schema *s, const llmi_json *schema) {
    for (int depth = 0; schema && !llmi_schema_failed(s); depth++) {
        const llmi_json *ref = llmi_json_get(schema, "$ref");
        if (!llmi_json_is(ref, LLMI_JSON_STRING) || has_other_assertions(schema, "$ref")) return schema;
        if (depth > LLMI_SCHEMA_MAX_DEPTH)
            llmi_schema_fault(s, LLM_E_LIMIT, "more than %d references or \"allOf\" in a row", LLMI_SCHEMA_MAX_DEPTH);
        schema = resolve(s, ref);
    }
    return NULL;
}

/* ---- parts that are merged into the rest ---- */

/* Keywords that flat schemas do not have; `not` if it is not simple. */
static bool is_part(const llmi_json_member *m) {
    static const char *const parts[] = {
        "$ref",        "allOf", "oneOf", "const", "if", "then", "else", "dependentRequired", "dependentSchemas",
        "dependencies"};
    if (llmi_json_equals(&m->key, "not")) return !llmi_schema_is_simple_not(&m->value);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (llmi_json_equals(&m->key, parts[i])) return true;
    return false;
}

/* The keywords that are not lists of schemas; a tuple of an old draft becomes one of the current one. */
static const llmi_json *base_of(llmi_schema *s, const llmi_json *schema) {
    size_t n = 0;
    for (size_t i = 0; i < schema->n; i++) n += !is_part(&schema->members[i]);
    const llmi_json *out = schema;
    if (n < schema->n) {
        llmi_buf kept;
        llmi_buf_init(&kept, s->ir.a);
        for (size_t i = 0; i < schema->n && !llmi_schema_failed(s); i++)
            if (!is_part(&schema->members[i]) && !llmi_buf_push(&kept, schema->members[i])) llmi_schema_no_memory(s);
        if (!llmi_schema_failed(s))
            out = llmi_schema_made(s,
                                   llmi_json_new_object(&s->doc, (const llmi_json_member *)(const void *)kept.data, n));
        llmi_buf_free(&kept);
        if (!out || llmi_schema_failed(s)) return NULL;
        llmi_schema_remember(s, LLMI_MEMO_CHECKED, out, NULL, s);
    }
    const llmi_json *items = llmi_json_get(schema, "items"), *more = llmi_json_get(schema, "additionalItems");
    if (!llmi_json_is(items, LLMI_JSON_ARRAY)) return out;
    out = llmi_schema_without(s, llmi_schema_with(s, out, "prefixItems", items), "items");
    return more ? llmi_schema_with(s, out, "items", more) : out;
}

/* {"anyOf": [{"allOf": [if, then]}, {"allOf": [{"not": if}, else]}]} */
static const llmi_json *condition(llmi_schema *s, const llmi_json *schema) {
    const llmi_json *test = llmi_json_get(schema, "if"), *then = llmi_json_get(schema, "then"),
                    *other = llmi_json_get(schema, "else");
    if (!test || (!then && !other)) return &llmi_json_true;
    const llmi_json *refused = llmi_schema_object_of(s, LLMI_PAIRS({"not", test}));
    const llmi_json *both[] = {then ? llmi_schema_both(s, test, then) : test,
                               other ? llmi_schema_both(s, refused, other) : refused};
    return llmi_schema_object_of(s, LLMI_PAIRS({"anyOf", llmi_schema_array_of(s, both, 2)}));
}

/* A property is missing, or it is there and the names, or the schema, that depend on it. */
static const llmi_json *dependency(llmi_schema *s, const llmi_json_member *m) {
    llmi_json_member missing = {m->key, llmi_json_false};
    const llmi_json *none = llmi_schema_made(s, llmi_json_new_object(&s->doc, &missing, 1));
    const llmi_json *name = &m->key, *there = llmi_schema_array_of(s, &name, 1);
    there = llmi_schema_object_of(s, LLMI_PAIRS({"required", there}));
    const llmi_json *asked = &m->value;
    if (llmi_json_is(asked, LLMI_JSON_ARRAY)) asked = llmi_schema_object_of(s, LLMI_PAIRS({"required", asked}));
    const llmi_json *either[] = {llmi_schema_object_of(s, LLMI_PAIRS({"properties", none})),
                                 llmi_schema_both(s, there, asked)};
    return llmi_schema_object_of(s, LLMI_PAIRS({"anyOf", llmi_schema_array_of(s, either, 2)}));
}

static const llmi_json *add_dependencies(llmi_schema *s, const llmi_json *out, const llmi_json *schema, int depth) {
    static const char *const keys[] = {"dependentRequired", "dependentSchemas", "dependencies"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        const llmi_json *all = llmi_json_get(schema, keys[k]);
        for (size_t i = 0; i < llmi_json_count(all) && out; i++)
            out = llmi_schema_merge(s, out, dependency(s, &all->members[i]), depth + 1);
    }
    return out;
}

/* ---- oneOf ---- */

/* Whether all branches are lists of values and nothing else. */
static bool are_values(llmi_schema *s, const llmi_json *branches, int depth) {
    for (size_t i = 0; i < llmi_json_count(branches); i++) {
        const llmi_json *flat = llmi_schema_flat(s, llmi_json_item(branches, i), depth + 1);
        if (!llmi_json_get(flat, "enum") || has_other_assertions(flat, "enum")) return false;
    }
    return true;
}

/* Of branches that are values: those that occur in one branch only. */
static const llmi_json *one_of_values(llmi_schema *s, const llmi_json *branches, int depth) {
    llmi_schema_values seen;
    llmi_buf kept;
    llmi_schema_values_init(&seen, s);
    llmi_buf_init(&kept, s->ir.a);
    for (size_t i = 0; i < llmi_json_count(branches) && !llmi_schema_failed(s); i++) {
        const llmi_json *list = llmi_json_get(llmi_schema_flat(s, llmi_json_item(branches, i), depth + 1), "enum");
        for (size_t k = 0; k < llmi_json_count(list) && !llmi_schema_failed(s); k++) {
            llmi_schema_value *v = llmi_schema_values_add(&seen, llmi_json_item(list, k), (int32_t)i);
            if (v && v->mark != (int32_t)i) v->mark = -1;
        }
    }
    for (size_t i = 0; i < llmi_buf_count(&seen.items, llmi_schema_value) && !llmi_schema_failed(s); i++) {
        const llmi_schema_value *v = &llmi_buf_at(&seen.items, llmi_schema_value, i);
        if (v->mark >= 0 && !llmi_buf_push(&kept, *v->value)) llmi_schema_no_memory(s);
    }
    size_t n = llmi_buf_count(&kept, llmi_json);
    const llmi_json *list = NULL;
    if (!llmi_schema_failed(s))
        list = llmi_schema_made(s, llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)kept.data, n));
    llmi_schema_values_free(&seen);
    llmi_buf_free(&kept);
    return n ? llmi_schema_object_of(s, LLMI_PAIRS({"enum", list})) : &llmi_json_false;
}

/* Branch i with the rest, without what another branch takes. */
static const llmi_json *only_branch(llmi_schema *s, const llmi_json *rest, const llmi_json *branches, size_t i,
                                    int depth) {
    const llmi_json *out = llmi_schema_merge(s, rest, llmi_json_item(branches, i), depth + 1);
    for (size_t k = 0; k < llmi_json_count(branches) && out; k++) {
        const llmi_json *other = llmi_json_item(branches, k);
        if (k == i || !llmi_schema_pay(s, 1) || llmi_schema_apart(s, out, other, depth + 1)) continue;
        out = llmi_schema_merge(s, out, llmi_schema_not(s, other, depth + 1), depth + 1);
    }
    return out;
}

static const llmi_json *one_of(llmi_schema *s, const llmi_json *rest, const llmi_json *branches, int depth) {
    size_t n = llmi_json_count(branches);
    if (!n) llmi_schema_fault(s, LLM_E_FORMAT, "\"oneOf\" is empty, expected an array of schemas");
    if (llmi_schema_failed(s)) return NULL;
    if (are_values(s, branches, depth)) return llmi_schema_merge(s, rest, one_of_values(s, branches, depth), depth + 1);
    llmi_buf list;
    llmi_buf_init(&list, s->ir.a);
    for (size_t i = 0; i < n && !llmi_schema_failed(s); i++) {
        const llmi_json *one = only_branch(s, rest, branches, i, depth);
        if (one && !llmi_buf_push(&list, *one)) llmi_schema_no_memory(s);
    }
    const llmi_json *out = NULL;
    if (!llmi_schema_failed(s))
        out = llmi_schema_made(s, llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)list.data, n));
    llmi_buf_free(&list);
    return llmi_schema_object_of(s, LLMI_PAIRS({"anyOf", out}));
}

/* ---- all ---- */

static const llmi_json *gather(llmi_schema *s, const llmi_json *schema, int depth) {
    const llmi_json *ref = llmi_json_get(schema, "$ref"), *all = llmi_json_get(schema, "allOf"),
                    *value = llmi_json_get(schema, "const"), *refused = llmi_json_get(schema, "not"),
                    *branches = llmi_json_get(schema, "oneOf"), *out = base_of(s, schema);
    llmi_schema_remember(s, LLMI_MEMO_FLAT, out, NULL, out);
    if (ref) out = llmi_schema_merge(s, out, resolve(s, ref), depth + 1);
    for (size_t i = 0; i < llmi_json_count(all) && out; i++)
        out = llmi_schema_merge(s, out, llmi_json_item(all, i), depth + 1);
    if (value) {
        value = llmi_schema_array_of(s, &value, 1);
        out = llmi_schema_merge(s, out, llmi_schema_object_of(s, LLMI_PAIRS({"enum", value})), depth + 1);
    }
    if (refused && !llmi_schema_is_simple_not(refused))
        out = llmi_schema_merge(s, out, llmi_schema_not(s, refused, depth + 1), depth + 1);
    if (llmi_json_get(schema, "if")) out = llmi_schema_merge(s, out, condition(s, schema), depth + 1);
    out = add_dependencies(s, out, schema, depth);
    return branches && out ? one_of(s, out, branches, depth) : out;
}

const llmi_json *llmi_schema_flat(llmi_schema *s, const llmi_json *schema, int depth) {
    if (!schema || llmi_schema_failed(s)) return NULL;
    if (llmi_json_is_bool(schema)) return schema;
    if (depth > LLMI_SCHEMA_MAX_DEPTH)
        llmi_schema_fault(s, LLM_E_LIMIT, "more than %d references or \"allOf\" in a row", LLMI_SCHEMA_MAX_DEPTH);
    if (!llmi_json_is(schema, LLMI_JSON_OBJECT))
        llmi_schema_fault(s, LLM_E_FORMAT, "found %s, expected a schema: an object, true or false",
                          llmi_json_type_name(schema));
    const llmi_json *out = llmi_schema_failed(s) ? NULL : llmi_schema_known(s, LLMI_MEMO_FLAT, schema, NULL);
    if (out || !llmi_schema_pay(s, 8 + schema->n)) return out;
    if (!llmi_schema_known(s, LLMI_MEMO_CHECKED, schema, NULL)) check_shapes(s, schema);
    if (llmi_json_get(schema, "$ref") && !has_other_assertions(schema, "$ref"))
        out = llmi_schema_flat(s, resolve(s, llmi_json_get(schema, "$ref")), depth + 1);
    else if (!llmi_schema_failed(s))
        out = gather(s, schema, depth);
    if (llmi_schema_failed(s)) return NULL;
    llmi_schema_remember(s, LLMI_MEMO_FLAT, schema, NULL, out);
    if (!llmi_json_is_bool(out)) llmi_schema_remember(s, LLMI_MEMO_FLAT, out, NULL, out);
    return out;
}

const llmi_json *llmi_schema_both(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    if (!a || !b || llmi_schema_failed(s)) return NULL;
    const llmi_json *out = llmi_schema_known(s, LLMI_MEMO_BOTH, a, b), *const pair[] = {a, b};
    if (out) return out;
    out = llmi_schema_object_of(s, LLMI_PAIRS({"allOf", llmi_schema_array_of(s, pair, 2)}));
    llmi_schema_remember(s, LLMI_MEMO_BOTH, a, b, out);
    return out;
}

const llmi_json *llmi_schema_branch(llmi_schema *s, const llmi_json *schema, size_t i, int depth) {
    const llmi_json *branch = llmi_json_item(llmi_json_get(schema, "anyOf"), i);
    const llmi_json *rest = llmi_schema_known(s, LLMI_MEMO_REST, schema, NULL);
    if (!rest) {
        rest = llmi_schema_without(s, schema, "anyOf");
        if (!rest) return NULL;
        llmi_schema_remember(s, LLMI_MEMO_REST, schema, NULL, rest);
        llmi_schema_remember(s, LLMI_MEMO_FLAT, rest, NULL, rest);
    }
    return llmi_schema_asserts(rest) ? llmi_schema_merge(s, rest, branch, depth + 1) : branch;
}
