/* Schemas that hold at once are merged into one; references are followed on the way. */
#include <string.h>

#include "base/text.h"
#include "text/schema.h"

/* ---- types ---- */

static const struct {
    const char *name;
    int types;
} type_names[] = {{"null", LLMI_TYPE_NULL},     {"boolean", LLMI_TYPE_BOOLEAN}, {"integer", LLMI_TYPE_INTEGER},
                  {"number", LLMI_TYPE_NUMBER}, {"string", LLMI_TYPE_STRING},   {"array", LLMI_TYPE_ARRAY},
                  {"object", LLMI_TYPE_OBJECT}};

static int type_named(llmi_schema *s, const json_t *name) {
    const char *text = json_string_value(name);
    for (size_t i = 0; text && i < sizeof type_names / sizeof type_names[0]; i++)
        if (strcmp(type_names[i].name, text) == 0) return type_names[i].types;
    return llmi_schema_fault(s, LLM_E_FORMAT, "\"type\" is \"%s\", expected one of the seven types",
                             text ? LLMI_QUOTE(text, strlen(text)) : "no string");
}

int llmi_schema_types(llmi_schema *s, const json_t *schema) {
    const json_t *type = json_object_get(schema, "type");
    if (!type) return LLMI_TYPE_ALL;
    if (!json_is_array(type)) return type_named(s, type);
    int types = 0;
    for (size_t i = 0; i < json_array_size(type); i++) {
        int one = type_named(s, json_array_get(type, i));
        if (one < 0) return -1;
        types |= one;
    }
    return types;
}

int llmi_schema_type_of(const json_t *value) {
    static const int types[] = {LLMI_TYPE_OBJECT,   LLMI_TYPE_ARRAY,   LLMI_TYPE_STRING,  LLMI_TYPE_INTEGER,
                                LLMI_TYPE_FRACTION, LLMI_TYPE_BOOLEAN, LLMI_TYPE_BOOLEAN, LLMI_TYPE_NULL};
    if (json_is_real(value)) {
        double x = json_real_value(value);
        return x > -1e15 && x < 1e15 && x == (double)(int64_t)x ? LLMI_TYPE_INTEGER : LLMI_TYPE_FRACTION;
    }
    return types[json_typeof(value)];
}

static json_t *names_of(int types) {
    json_t *list = json_array();
    int left = types;
    for (size_t i = sizeof type_names / sizeof type_names[0]; i-- && list;) {
        /* "number" before "integer", which is a part of it */
        if ((left & type_names[i].types) != type_names[i].types) continue;
        left &= ~type_names[i].types;
        json_array_append_new(list, json_string(type_names[i].name));
    }
    return list;
}

/* ---- keywords ---- */

static const char *const asserting[] = {"type",
                                        "enum",
                                        "const",
                                        "properties",
                                        "required",
                                        "additionalProperties",
                                        "minProperties",
                                        "maxProperties",
                                        "items",
                                        "prefixItems",
                                        "minItems",
                                        "maxItems",
                                        "minLength",
                                        "maxLength",
                                        "pattern",
                                        "format",
                                        "minimum",
                                        "maximum",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "anyOf",
                                        "oneOf",
                                        "allOf",
                                        "$ref",
                                        "not",
                                        "if",
                                        "then",
                                        "else",
                                        "dependentRequired",
                                        "dependentSchemas",
                                        "dependencies",
                                        "patternProperties",
                                        "propertyNames",
                                        "contains",
                                        "minContains",
                                        "maxContains",
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

static bool asserts(const char *key) {
    for (size_t i = 0; i < sizeof asserting / sizeof asserting[0]; i++)
        if (strcmp(asserting[i], key) == 0) return true;
    return false;
}

bool llmi_schema_asserts(const json_t *schema) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value) if (asserts(key)) return true;
    return json_is_false(schema);
}

static json_t *both(const json_t *a, const json_t *b) {
    return json_pack("{s:[O,O]}", "allOf", a, b);
}

typedef enum rule { EITHER, UNION, COMMON, LOWEST, HIGHEST, BOTH, BRANCHES } rule;

static const struct {
    const char *key;
    rule rule;
} rules[] = {{"required", UNION},
             {"enum", COMMON},
             {"minimum", HIGHEST},
             {"exclusiveMinimum", HIGHEST},
             {"minLength", HIGHEST},
             {"minItems", HIGHEST},
             {"minProperties", HIGHEST},
             {"maximum", LOWEST},
             {"exclusiveMaximum", LOWEST},
             {"maxLength", LOWEST},
             {"maxItems", LOWEST},
             {"maxProperties", LOWEST},
             {"items", BOTH},
             {"additionalProperties", BOTH},
             {"anyOf", BRANCHES}};

static json_t *list_union(const json_t *a, const json_t *b, bool common) {
    json_t *out = common ? json_array() : json_copy((json_t *)a);
    for (size_t i = 0; i < json_array_size(b) && out; i++) {
        json_t *one = json_array_get(b, i);
        bool found = false;
        for (size_t k = 0; k < json_array_size(a) && !found; k++) found = json_equal(one, json_array_get(a, k));
        if (found == common) json_array_append(out, one);
    }
    return out;
}

/* Both of two lists of branches: one list, of which each branch takes the other list along. */
static json_t *cross(const json_t *a, const json_t *b) {
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(a) && out; i++)
        json_array_append_new(out, json_pack("{s:[O,{s:O}]}", "allOf", json_array_get(a, i), "anyOf", b));
    return out;
}

static json_t *merge_value(llmi_schema *s, const char *key, const json_t *a, const json_t *b) {
    rule how = EITHER;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i].key, key) == 0) how = rules[i].rule;
    switch (how) {
    case UNION:
    case COMMON:
        return list_union(a, b, how == COMMON);
    case LOWEST:
    case HIGHEST:
        return json_incref((json_t *)((json_number_value(a) > json_number_value(b)) == (how == HIGHEST) ? a : b));
    case BOTH:
        return both(a, b);
    case BRANCHES:
        return cross(a, b);
    default:
        llmi_schema_fault(s, LLM_E_UNSUPPORTED, "two different \"%s\" cannot hold at once in a grammar", key);
        return NULL;
    }
}

static json_t *merge_types(llmi_schema *s, const json_t *a, const json_t *b) {
    int x = llmi_schema_types(s, a), y = llmi_schema_types(s, b);
    return x < 0 || y < 0 ? NULL : names_of(x & y);
}

/* Properties of `from` that `other` does not list come under the latter's additionalProperties. */
static void add_properties(json_t *out, const json_t *from, const json_t *other) {
    const json_t *theirs = json_object_get(other, "properties"), *rest = json_object_get(other, "additionalProperties");
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(from, "properties"), name, value) {
        const json_t *found = json_object_get(theirs, name);
        if (!found && json_object_get(out, name)) continue;
        if (!found && (!rest || json_is_true(rest)))
            json_object_set(out, name, value);
        else if (!found || !json_equal(found, value))
            json_object_set_new(out, name, both(value, found ? found : rest));
        else
            json_object_set(out, name, value);
    }
}

/* An open list of properties beside a closed one stays what it says. */
static json_t *merge_properties(const json_t *a, const json_t *b) {
    json_t *out = json_object();
    if (!out) return NULL;
    add_properties(out, a, b);
    add_properties(out, b, a);
    return out;
}

const json_t *llmi_schema_merge(llmi_schema *s, const json_t *a, const json_t *b) {
    if (json_is_false(a) || json_is_true(b)) return a;
    if (json_is_false(b) || json_is_true(a)) return b;
    if (json_is_object(a) && json_is_object(b) && ++s->n_merges > LLMI_SCHEMA_MAX_MERGES)
        llmi_schema_fault(s, LLM_E_LIMIT, "more than %d schemas to be merged", LLMI_SCHEMA_MAX_MERGES);
    if (!json_is_object(a) || !json_is_object(b)) llmi_schema_fault(s, LLM_E_FORMAT, "found what is no schema");
    a = llmi_schema_flatten(s, a, 1);
    b = llmi_schema_flatten(s, b, 1);
    if (llmi_schema_failed(s)) return NULL;
    if (!json_is_object(a) || !json_is_object(b)) return llmi_schema_merge(s, a, b);
    json_t *out = llmi_schema_own(s, json_copy((json_t *)a));
    const char *key;
    json_t *value;
    if (!out) return NULL;
    json_object_foreach((json_t *)b, key, value) {
        const json_t *mine = json_object_get(a, key);
        json_t *merged;
        if (!asserts(key) && mine) continue;
        if (strcmp(key, "properties") == 0)
            merged = merge_properties(a, b);
        else if (!mine || json_equal(mine, value))
            merged = json_incref(value);
        else
            merged = strcmp(key, "type") == 0 ? merge_types(s, a, b) : merge_value(s, key, mine, value);
        if (llmi_schema_failed(s) || json_object_set_new(out, key, merged)) {
            llmi_schema_fault(s, LLM_E_MEMORY, "out of memory while merging schemas");
            return NULL;
        }
    }
    if (json_object_get(a, "properties") && !json_object_get(b, "properties"))
        json_object_set_new(out, "properties", merge_properties(a, b));
    return out;
}

/* ---- references ---- */

/* One step of a JSON pointer, in percent and tilde escapes. */
static bool read_step(llmi_buf *step, const char **at) {
    const char *p = *at;
    step->len = 0;
    for (; *p && *p != '/'; p++) {
        char c = *p;
        if (c == '~' && (p[1] == '0' || p[1] == '1')) c = *++p == '0' ? '~' : '/';
        if (c == '%' && p[1] && p[2]) {
            static const char hex[] = "0123456789abcdef";
            const char *x = strchr(hex, p[1] | 0x20), *y = strchr(hex, p[2] | 0x20);
            if (x && y) {
                c = (char)((x - hex) << 4 | (y - hex));
                p += 2;
            }
        }
        if (!llmi_buf_push(step, c)) return false;
    }
    *at = p;
    char end = 0;
    return llmi_buf_push(step, end);
}

static const json_t *resolve(llmi_schema *s, const json_t *ref) {
    const char *text = json_string_value(ref), *at = text;
    const json_t *found = text && *at == '#' ? s->document : NULL;
    llmi_buf step;
    llmi_buf_init(&step, s->ir.a);
    if (found) at++;
    while (found && *at == '/') {
        at++;
        if (!read_step(&step, &at)) llmi_ir_fail(&s->ir, LLM_E_MEMORY);
        if (llmi_schema_failed(s)) break;
        size_t index = 0;
        for (const char *c = step.data; *c >= '0' && *c <= '9' && index < 1000000; c++)
            index = index * 10 + (size_t)(*c - '0');
        found = json_is_array(found) ? json_array_get(found, index) : json_object_get(found, step.data);
    }
    llmi_buf_free(&step);
    if (found && !*at) return found;
    llmi_schema_fault(s, LLM_E_UNSUPPORTED, "there is no \"$ref\" \"%s\" in this document",
                      text ? LLMI_QUOTE(text, strlen(text)) : "");
    return NULL;
}

static bool has_other_assertions(const json_t *schema, const char *but) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)schema, key, value) if (strcmp(key, but) != 0 && asserts(key)) return true;
    return false;
}

static json_t *without(llmi_schema *s, const json_t *schema, const char *key) {
    json_t *rest = llmi_schema_own(s, json_copy((json_t *)schema));
    if (rest) json_object_del(rest, key);
    return rest;
}

/* Recursive, as deep as references and lists of allOf follow each other. */
const json_t *llmi_schema_flatten(llmi_schema *s, const json_t *schema, int depth) {
    for (; schema && !llmi_schema_failed(s); depth++) {
        if (depth > LLMI_SCHEMA_MAX_DEPTH) {
            llmi_schema_fault(s, LLM_E_LIMIT, "more than %d references or \"allOf\" in a row", LLMI_SCHEMA_MAX_DEPTH);
            return NULL;
        }
        const json_t *ref = json_object_get(schema, "$ref"), *all = json_object_get(schema, "allOf");
        if (!json_is_object(schema) && !json_is_boolean(schema)) {
            llmi_schema_fault(s, LLM_E_FORMAT, "found what is no schema: neither an object nor true or false");
        } else if (ref) {
            const json_t *target = resolve(s, ref);
            if (!has_other_assertions(schema, "$ref")) {
                schema = target;
                continue;
            }
            const json_t *rest = without(s, schema, "$ref");
            target = llmi_schema_flatten(s, target, depth + 1);
            rest = rest && target ? llmi_schema_flatten(s, rest, depth + 1) : NULL;
            return rest ? llmi_schema_merge(s, target, rest) : NULL;
        } else if (all) {
            const json_t *merged = without(s, schema, "allOf");
            for (size_t i = 0; i < json_array_size(all) && merged && !llmi_schema_failed(s); i++) {
                const json_t *one = llmi_schema_flatten(s, json_array_get(all, i), depth + 1);
                merged = one ? llmi_schema_merge(s, merged, one) : NULL;
            }
            return merged;
        } else {
            return schema;
        }
    }
    return NULL;
}

/* ---- disjoint ---- */

static const json_t *only_values(const json_t *schema) {
    return json_object_get(schema, "const") ? json_object_get(schema, "const") : json_object_get(schema, "enum");
}

/* 1 and 1.0 are one value, though not the same JSON. */
static bool is_same(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static bool holds(const json_t *schema, const json_t *value) {
    const json_t *list = json_object_get(schema, "enum"), *one = json_object_get(schema, "const");
    bool found = !list;
    for (size_t i = 0; i < json_array_size(list) && !found; i++) found = is_same(value, json_array_get(list, i));
    return found && (!one || is_same(value, one));
}

static bool values_disjoint(llmi_schema *s, const json_t *a, const json_t *b) {
    const json_t *list = json_object_get(a, "enum"), *one = json_object_get(a, "const");
    int types = llmi_schema_types(s, b);
    size_t n = one ? 1 : json_array_size(list);
    for (size_t i = 0; i < n; i++) {
        const json_t *value = one ? one : json_array_get(list, i);
        if (holds(b, value) && llmi_schema_type_of(value) & types) return false;
    }
    return true;
}

static bool requires(const json_t *schema, const char *name) {
    const json_t *list = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && strcmp(one, name) == 0) return true;
    }
    return false;
}

/* A requires a property that B does not allow, or both require one with values that differ. */
static bool objects_disjoint(llmi_schema *s, const json_t *a, const json_t *b, int depth) {
    const json_t *required = json_object_get(a, "required");
    const json_t *mine = json_object_get(a, "properties"), *theirs = json_object_get(b, "properties");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        const json_t *x = name ? json_object_get(mine, name) : NULL, *y = name ? json_object_get(theirs, name) : NULL;
        if (!name) continue;
        if (json_is_false(y) || (!y && json_is_false(json_object_get(b, "additionalProperties")))) return true;
        if (x && y && requires(b, name) && llmi_schema_disjoint(s, x, y, depth + 1)) return true;
    }
    return false;
}

bool llmi_schema_disjoint(llmi_schema *s, const json_t *a, const json_t *b, int depth) {
    if (depth > 8) return false;
    a = llmi_schema_flatten(s, a, 0);
    b = llmi_schema_flatten(s, b, 0);
    if (!a || !b || llmi_schema_failed(s)) return false;
    if (json_is_false(a) || json_is_false(b)) return true;
    int types = llmi_schema_types(s, a) & llmi_schema_types(s, b);
    if (types == 0) return true;
    if (only_values(a)) return values_disjoint(s, a, b);
    if (only_values(b)) return values_disjoint(s, b, a);
    if (types != LLMI_TYPE_OBJECT) return false;
    return objects_disjoint(s, a, b, depth) || objects_disjoint(s, b, a, depth);
}
