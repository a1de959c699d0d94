/* Whether two branches of oneOf exclude each other: no text that is written for one is valid under the other. */
#include <string.h>

#include "grammar/schema.h"

/* Only the first elements of tuples are compared. */
enum { MAX_ELEMENTS = 8 };

static bool objects_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth) {
    const llmi_json *lists[] = {llmi_json_get(a, "required"), llmi_json_get(b, "required")};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < llmi_json_count(lists[k]) && llmi_schema_pay(s, 8); i++) {
            llm_span name = llmi_json_text(&lists[k]->items[i]);
            bool mine, theirs;
            const llmi_json *x = llmi_schema_property(s, a, name, &mine),
                            *y = llmi_schema_property(s, b, name, &theirs);
            bool written = mine || llmi_schema_is_open(a) || llmi_schema_requires(a, name);
            if (k && !written) return true; /* b requires what is never written for a */
            x = x ? x : &llmi_json_true;
            y = y ? y : &llmi_json_true;
            if (llmi_schema_apart(s, x, y, depth + 1)) return true;
        }
    return false;
}

static const llmi_json *element(const llmi_json *schema, size_t i) {
    const llmi_json *list = llmi_json_get(schema, "prefixItems"), *items = llmi_json_get(schema, "items");
    if (i < llmi_json_count(list)) return &list->items[i];
    return items ? items : &llmi_json_true;
}

static bool counts_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, const char *least, const char *most) {
    int32_t min_a = llmi_schema_number_of(s, a, least, 0), min_b = llmi_schema_number_of(s, b, least, 0);
    int32_t max_a = llmi_schema_number_of(s, a, most, INT32_MAX), max_b = llmi_schema_number_of(s, b, most, INT32_MAX);
    return !llmi_schema_failed(s) && (max_a < min_b || max_b < min_a);
}

static bool arrays_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth) {
    if (counts_apart(s, a, b, "minItems", "maxItems")) return true;
    int32_t n = llmi_schema_number_of(s, a, "minItems", 0), m = llmi_schema_number_of(s, b, "minItems", 0);
    n = n > m ? n : m; /* so many elements are there if the text is valid under both */
    for (int32_t i = 0; i < n && i < MAX_ELEMENTS && !llmi_schema_failed(s); i++)
        if (llmi_schema_apart(s, element(a, (size_t)i), element(b, (size_t)i), depth + 1)) return true;
    return false;
}

static bool strings_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    if (counts_apart(s, a, b, "minLength", "maxLength")) return true;
    bool has_both = (llmi_json_get(a, "pattern") || llmi_json_get(a, "not") || llmi_json_get(a, "format")) &&
                    (llmi_json_get(b, "pattern") || llmi_json_get(b, "not"));
    llmi_dfa x, y, both;
    if (!has_both || !llmi_schema_string_dfa(s, &x, a, true)) return false;
    bool apart = false;
    if (llmi_schema_string_dfa(s, &y, b, false)) {
        if (llmi_schema_took(s, llmi_dfa_combine(&both, &x, &y, false, &s->steps))) {
            apart = llmi_dfa_is_empty(&both);
            llmi_dfa_free(&both);
        }
        llmi_dfa_free(&y);
    }
    llmi_dfa_free(&x);
    return apart;
}

/* No value of a list is valid under the other schema. */
static bool values_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth) {
    const llmi_json *list = llmi_json_get(a, "enum");
    for (size_t i = 0; i < list->n && llmi_schema_pay(s, 1); i++)
        if (llmi_schema_valid(s, b, &list->items[i], depth) && llmi_schema_valid(s, a, &list->items[i], depth))
            return false;
    return !llmi_schema_failed(s);
}

static bool branches_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, bool of_b, int depth) {
    size_t n = llmi_json_count(llmi_json_get(of_b ? b : a, "anyOf"));
    for (size_t i = 0; i < n && !llmi_schema_failed(s); i++) {
        const llmi_json *branch = llmi_schema_branch(s, of_b ? b : a, i, depth);
        if (!llmi_schema_apart(s, of_b ? a : branch, of_b ? branch : b, depth + 1)) return false;
    }
    return true;
}

static bool types_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth) {
    int types = llmi_schema_types_written(s, a) & llmi_schema_types(s, b);
    if (types & (LLMI_TYPE_NULL | LLMI_TYPE_BOOLEAN)) return false;
    if (types & LLMI_TYPE_NUMBER && !llmi_schema_bounds_apart(a, b)) return false;
    if (types & LLMI_TYPE_STRING && !strings_apart(s, a, b)) return false;
    if (types & LLMI_TYPE_ARRAY && !arrays_apart(s, a, b, depth)) return false;
    return !(types & LLMI_TYPE_OBJECT) || objects_apart(s, a, b, depth);
}

/* Recursive, as deep as schemas are compared with each other; what is asked for again on the way may meet. */
bool llmi_schema_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth) {
    static const char may_meet, never_meet;
    if (depth > LLMI_SCHEMA_MAX_DEPTH / 2) return false;
    a = llmi_schema_flat(s, a, depth);
    b = llmi_schema_flat(s, b, depth);
    if (!a || !b || !llmi_schema_pay(s, 16)) return false;
    if (llmi_json_is(a, LLMI_JSON_FALSE) || llmi_json_is(b, LLMI_JSON_FALSE)) return true;
    const void *known = llmi_schema_known(s, LLMI_MEMO_APART, a, b);
    if (known) return known == &never_meet;
    llmi_schema_remember(s, LLMI_MEMO_APART, a, b, &may_meet);
    bool apart;
    if (llmi_json_get(a, "enum"))
        apart = values_apart(s, a, b, depth);
    else if (llmi_json_get(b, "enum"))
        apart = values_apart(s, b, a, depth);
    else if (llmi_json_get(a, "anyOf"))
        apart = branches_apart(s, a, b, false, depth);
    else if (llmi_json_get(b, "anyOf"))
        apart = branches_apart(s, a, b, true, depth);
    else
        apart = types_apart(s, a, b, depth);
    if (apart) llmi_schema_remember(s, LLMI_MEMO_APART, a, b, &never_meet);
    return apart;
}
