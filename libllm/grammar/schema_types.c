/* The seven types; integers are a part of the numbers, and so are all others, here called fractions. */
#include <string.h>

#include "base/json_doc.h"
#include "base/text.h"
#include "grammar/schema.h"

static const struct {
    const char *name;
    int types;
} type_names[] = {{"null", LLMI_TYPE_NULL},     {"boolean", LLMI_TYPE_BOOLEAN}, {"number", LLMI_TYPE_NUMBER},
                  {"string", LLMI_TYPE_STRING}, {"integer", LLMI_TYPE_INTEGER}, {"array", LLMI_TYPE_ARRAY},
                  {"object", LLMI_TYPE_OBJECT}};

enum { N_TYPES = sizeof type_names / sizeof type_names[0] };

static int type_named(llmi_schema *s, const llmi_json *name) {
    for (size_t i = 0; i < N_TYPES; i++)
        if (llmi_json_equals(name, type_names[i].name)) return type_names[i].types;
    bool text = llmi_json_is(name, LLMI_JSON_STRING);
    llmi_schema_fault(s, LLM_E_FORMAT, "\"type\" is %s%s%s, expected one of the seven types", text ? "\"" : "",
                      text ? LLMI_QUOTE(name->text, name->n) : llmi_json_type_name(name), text ? "\"" : "");
    return 0;
}

static int types_named(llmi_schema *s, const llmi_json *schema) {
    const llmi_json *type = llmi_json_get(schema, "type");
    if (!type) return LLMI_TYPE_ALL;
    if (!llmi_json_is(type, LLMI_JSON_ARRAY)) return type_named(s, type);
    int types = 0;
    for (size_t i = 0; i < type->n && !llmi_schema_failed(s); i++) types |= type_named(s, &type->items[i]);
    return types;
}

int llmi_schema_types(llmi_schema *s, const llmi_json *schema) {
    int types = types_named(s, schema);
    const llmi_json *refused;
    for (size_t i = 0; (refused = llmi_schema_simple_not(schema, i)); i++) {
        if (llmi_json_get(refused, "pattern")) types &= LLMI_TYPE_STRING;
        if (llmi_json_get(refused, "multipleOf")) types &= LLMI_TYPE_NUMBER;
    }
    return llmi_schema_failed(s) ? 0 : types;
}

int llmi_schema_types_written(llmi_schema *s, const llmi_json *schema) {
    int types = llmi_schema_types(s, schema), meant = 0;
    if (llmi_json_get(schema, "type")) return types;
    for (size_t i = 0; i < llmi_json_count(schema); i++)
        meant |= llmi_schema_types_meant(llmi_schema_key(&schema->members[i]));
    return types & meant ? types & meant : types;
}

int llmi_schema_type_of(const llmi_json *value) {
    static const int types[] = {[LLMI_JSON_NULL] = LLMI_TYPE_NULL,     [LLMI_JSON_FALSE] = LLMI_TYPE_BOOLEAN,
                                [LLMI_JSON_TRUE] = LLMI_TYPE_BOOLEAN,  [LLMI_JSON_NUMBER] = LLMI_TYPE_FRACTION,
                                [LLMI_JSON_STRING] = LLMI_TYPE_STRING, [LLMI_JSON_ARRAY] = LLMI_TYPE_ARRAY,
                                [LLMI_JSON_OBJECT] = LLMI_TYPE_OBJECT};
    llmi_json_decimal d;
    bool whole = value->type == LLMI_JSON_NUMBER && llmi_json_decimal_of(&d, value) && (!d.n_digits || d.exponent >= 0);
    return whole ? LLMI_TYPE_INTEGER : types[value->type];
}

const llmi_json *llmi_schema_of_types(llmi_schema *s, int types) {
    llmi_json names[N_TYPES];
    size_t n = 0;
    for (size_t i = 0; i < N_TYPES; i++) {
        if (!type_names[i].types || (types & type_names[i].types) != type_names[i].types) continue;
        types &= ~type_names[i].types;
        const llmi_json *name = llmi_schema_text(s, type_names[i].name);
        if (!name) return NULL;
        names[n++] = *name;
    }
    const llmi_json *list = llmi_schema_made(s, llmi_json_new_array(&s->doc, names, n));
    return llmi_schema_object_of(s, LLMI_PAIRS({"type", list}));
}
