/* Whether one value, of an enum or a constant, is valid under a schema. */
#include <string.h>

#include "grammar/schema.h"
#include "grammar/schema_values.h"

static bool has_equal(llmi_schema *s, const llmi_json *list, const llmi_json *value) {
    for (size_t i = 0; i < llmi_json_count(list) && llmi_schema_pay(s, 1); i++)
        if (llmi_schema_same(s, &list->items[i], value)) return true;
    return false;
}

static bool count_fits(llmi_schema *s, const llmi_json *schema, const char *least, const char *most, size_t n) {
    int32_t min = llmi_schema_number_of(s, schema, least, 0), max = llmi_schema_number_of(s, schema, most, -1);
    return !llmi_schema_failed(s) && n >= (size_t)min && (max < 0 || n <= (size_t)max);
}

static bool valid_array(llmi_schema *s, const llmi_json *schema, const llmi_json *value, int depth) {
    const llmi_json *list = llmi_json_get(schema, "prefixItems"), *items = llmi_json_get(schema, "items"),
                    *wanted = llmi_json_get(schema, "contains");
    int32_t n_found = 0;
    if (!count_fits(s, schema, "minItems", "maxItems", value->n)) return false;
    for (size_t i = 0; i < value->n; i++) {
        const llmi_json *one = i < llmi_json_count(list) ? &list->items[i] : items;
        if (one && !llmi_schema_valid(s, one, &value->items[i], depth + 1)) return false;
        n_found += wanted && llmi_schema_valid(s, wanted, &value->items[i], depth + 1);
    }
    int32_t least = llmi_schema_number_of(s, schema, "minContains", 1),
            most = llmi_schema_number_of(s, schema, "maxContains", INT32_MAX);
    if (wanted && (n_found < least || n_found > most)) return false;
    if (!llmi_json_is(llmi_json_get(schema, "uniqueItems"), LLMI_JSON_TRUE)) return true;
    llmi_schema_values seen;
    llmi_schema_values_init(&seen, s);
    bool unique = true;
    for (size_t i = 0; i < value->n && unique; i++) {
        llmi_schema_value *v = llmi_schema_values_add(&seen, &value->items[i], 0);
        unique = v && !v->mark++;
    }
    llmi_schema_values_free(&seen);
    return unique;
}

static bool valid_object(llmi_schema *s, const llmi_json *schema, const llmi_json *value, int depth) {
    const llmi_json *required = llmi_json_get(schema, "required"), *names = llmi_json_get(schema, "propertyNames");
    if (!count_fits(s, schema, "minProperties", "maxProperties", value->n)) return false;
    for (size_t i = 0; i < llmi_json_count(required); i++)
        if (!llmi_schema_pay(s, 8) || !llmi_json_find(value, llmi_json_text(&required->items[i]))) return false;
    for (size_t i = 0; i < value->n; i++) {
        const llmi_json_member *m = &value->members[i];
        bool listed;
        const llmi_json *one = llmi_schema_property(s, schema, llmi_schema_key(m), &listed);
        if (one && !llmi_schema_valid(s, one, &m->value, depth + 1)) return false;
        if (names && !llmi_schema_valid(s, names, &m->key, depth + 1)) return false;
    }
    return true;
}

static bool is_refused(llmi_schema *s, const llmi_json *schema, const llmi_json *value) {
    const llmi_json *one;
    for (size_t i = 0; (one = llmi_schema_simple_not(schema, i)) && llmi_schema_pay(s, 1); i++) {
        const llmi_json *list = llmi_json_get(one, "enum"), *step = llmi_json_get(one, "multipleOf");
        if (list && has_equal(s, list, value)) return true;
        if (step && llmi_json_is(value, LLMI_JSON_NUMBER) && llmi_schema_is_multiple(s, value, step)) return true;
        const llmi_dfa *pattern = list || step ? NULL : llmi_schema_pattern(s, llmi_json_get(one, "pattern"));
        if (pattern && llmi_json_is(value, LLMI_JSON_STRING) && llmi_dfa_accepts(pattern, llmi_json_text(value)))
            return true;
    }
    return false;
}

static bool valid_branch(llmi_schema *s, const llmi_json *branches, const llmi_json *value, int depth) {
    for (size_t i = 0; i < llmi_json_count(branches); i++)
        if (llmi_schema_valid(s, &branches->items[i], value, depth + 1)) return true;
    return !branches;
}

bool llmi_schema_valid(llmi_schema *s, const llmi_json *schema, const llmi_json *value, int depth) {
    schema = llmi_schema_flat(s, schema, depth); /* which stops what is too deep */
    if (!schema || !llmi_schema_pay(s, 8)) return false;
    if (llmi_json_is_bool(schema)) return llmi_json_is(schema, LLMI_JSON_TRUE);
    const llmi_json *list = llmi_json_get(schema, "enum");
    int type = llmi_schema_type_of(value);
    if (!(type & llmi_schema_types(s, schema)) || (list && !has_equal(s, list, value)) || is_refused(s, schema, value))
        return false;
    if (!valid_branch(s, llmi_json_get(schema, "anyOf"), value, depth)) return false;
    if (type == LLMI_TYPE_STRING) return llmi_schema_valid_string(s, schema, value);
    if (type & LLMI_TYPE_NUMBER) return llmi_schema_valid_number(s, schema, value);
    if (type == LLMI_TYPE_ARRAY) return valid_array(s, schema, value, depth);
    return type != LLMI_TYPE_OBJECT || valid_object(s, schema, value, depth);
}
