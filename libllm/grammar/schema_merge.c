/* Two schemas that both hold, as one. */
#include <string.h>

#include "grammar/schema.h"
#include "grammar/schema_values.h"

/* ---- keywords ---- */

typedef enum how {
    EITHER, /* they must be equal */
    UNION,  /* of two lists */
    COMMON, /* elements of two lists */
    LOWEST, /* of two numbers */
    HIGHEST,
    BOTH,     /* schemas that both hold */
    ALL,      /* a list of all that hold */
    BRANCHES, /* a list of branches, each with the other list */
    REFUSED,  /* schemas neither of which holds */
    TRUE,     /* true wins */
    TYPES,
    APART, /* objects and tuples: merged by themselves */
    PART   /* none of a flat schema */
} how;

/* Every keyword that is not an annotation. */
static const struct {
    const char *key;
    how how;
    int types; /* that it is about; 0: all */
} rules[] = {{"type", TYPES, 0},
             {"enum", COMMON, 0},
             {"const", PART, 0},
             {"anyOf", BRANCHES, 0},
             {"oneOf", PART, 0},
             {"allOf", PART, 0},
             {"$ref", PART, 0},
             {"not", REFUSED, 0},
             {"if", PART, 0},
             {"then", PART, 0},
             {"else", PART, 0},
             {"properties", APART, LLMI_TYPE_OBJECT},
             {"patternProperties", APART, LLMI_TYPE_OBJECT},
             {"additionalProperties", APART, LLMI_TYPE_OBJECT},
             {"required", UNION, LLMI_TYPE_OBJECT},
             {"propertyNames", BOTH, LLMI_TYPE_OBJECT},
             {"minProperties", HIGHEST, LLMI_TYPE_OBJECT},
             {"maxProperties", LOWEST, LLMI_TYPE_OBJECT},
             {"dependentRequired", PART, LLMI_TYPE_OBJECT},
             {"dependentSchemas", PART, LLMI_TYPE_OBJECT},
             {"dependencies", PART, LLMI_TYPE_OBJECT},
             {"unevaluatedProperties", EITHER, LLMI_TYPE_OBJECT},
             {"items", APART, LLMI_TYPE_ARRAY},
             {"prefixItems", APART, LLMI_TYPE_ARRAY},
             {"minItems", HIGHEST, LLMI_TYPE_ARRAY},
             {"maxItems", LOWEST, LLMI_TYPE_ARRAY},
             {"uniqueItems", TRUE, LLMI_TYPE_ARRAY},
             {"contains", EITHER, LLMI_TYPE_ARRAY},
             {"minContains", EITHER, LLMI_TYPE_ARRAY},
             {"maxContains", EITHER, LLMI_TYPE_ARRAY},
             {"unevaluatedItems", EITHER, LLMI_TYPE_ARRAY},
             {"minLength", HIGHEST, LLMI_TYPE_STRING},
             {"maxLength", LOWEST, LLMI_TYPE_STRING},
             {"pattern", ALL, LLMI_TYPE_STRING},
             {"format", ALL, LLMI_TYPE_STRING},
             {"minimum", HIGHEST, LLMI_TYPE_NUMBER},
             {"exclusiveMinimum", HIGHEST, LLMI_TYPE_NUMBER},
             {"maximum", LOWEST, LLMI_TYPE_NUMBER},
             {"exclusiveMaximum", LOWEST, LLMI_TYPE_NUMBER},
             {"multipleOf", ALL, LLMI_TYPE_NUMBER},
             {"$dynamicRef", EITHER, 0},
             {"$recursiveRef", EITHER, 0},
             {"extends", EITHER, 0},
             {"disallow", EITHER, 0},
             {"divisibleBy", EITHER, 0}};

enum { N_RULES = sizeof rules / sizeof rules[0] };

static size_t find_rule(llm_span key) {
    size_t i = 0;
    while (i < N_RULES && (strlen(rules[i].key) != key.len || memcmp(rules[i].key, key.ptr, key.len) != 0)) i++;
    return i;
}

bool llmi_schema_is_assertion(llm_span key) {
    return find_rule(key) < N_RULES;
}

int llmi_schema_types_meant(llm_span key) {
    size_t i = find_rule(key);
    return i < N_RULES ? rules[i].types : 0;
}

bool llmi_schema_asserts(const llmi_json *schema) {
    for (size_t i = 0; i < llmi_json_count(schema); i++)
        if (llmi_schema_is_assertion(llmi_schema_key(&schema->members[i]))) return true;
    return llmi_json_is(schema, LLMI_JSON_FALSE);
}

/* ---- lists ---- */

static bool push(llmi_schema *s, llmi_buf *list, const llmi_json *value) {
    if (llmi_schema_failed(s) || !value) return false;
    if (llmi_buf_push(list, *value)) return true;
    llmi_schema_no_memory(s);
    return false;
}

static const llmi_json *array_from(llmi_schema *s, llmi_buf *list) {
    const llmi_json *out = NULL;
    if (!llmi_schema_failed(s))
        out = llmi_schema_made(s, llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)list->data,
                                                      llmi_buf_count(list, llmi_json)));
    llmi_buf_free(list);
    return out;
}

/* Elements of a and those of b that are not there yet, or those of a that b has. Bare values are lists of one. */
static const llmi_json *combine(llmi_schema *s, const llmi_json *a, const llmi_json *b, bool common) {
    const llmi_json *lists[] = {a, b};
    llmi_schema_values seen;
    llmi_buf out;
    llmi_schema_values_init(&seen, s);
    llmi_buf_init(&out, s->ir.a);
    for (int k = common ? 1 : 0; k < 2; k++) {
        size_t n = llmi_json_is(lists[k], LLMI_JSON_ARRAY) ? lists[k]->n : 1;
        for (size_t i = 0; i < n && !llmi_schema_failed(s); i++) {
            const llmi_json *one = llmi_json_is(lists[k], LLMI_JSON_ARRAY) ? &lists[k]->items[i] : lists[k];
            llmi_schema_value *v = llmi_schema_values_add(&seen, one, 0);
            if (v && !v->mark++ && !common) push(s, &out, one);
        }
    }
    for (size_t i = 0; common && i < llmi_json_count(a) && !llmi_schema_failed(s); i++)
        if (llmi_schema_values_find(&seen, &a->items[i])) push(s, &out, &a->items[i]);
    llmi_schema_values_free(&seen);
    return array_from(s, &out);
}

/* Both of two lists of branches: one list, of which each branch takes the other list along. */
static const llmi_json *cross(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    llmi_buf out;
    llmi_buf_init(&out, s->ir.a);
    const llmi_json *others = llmi_schema_object_of(s, LLMI_PAIRS({"anyOf", b}));
    for (size_t i = 0; i < llmi_json_count(a) && !llmi_schema_failed(s); i++)
        push(s, &out, llmi_schema_both(s, &a->items[i], others));
    return array_from(s, &out);
}

/* Types that both allow; "number" before "integer", which is a part of it. */
static const llmi_json *common_types(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    int x = llmi_schema_types(s, a), y = llmi_schema_types(s, b);
    return llmi_json_get(llmi_schema_of_types(s, x & y), "type");
}

static const llmi_json *merge_value(llmi_schema *s, size_t i, const llmi_json *a, const llmi_json *b) {
    switch (rules[i].how) {
    case UNION:
    case ALL:
        return combine(s, a, b, false);
    case COMMON:
        return combine(s, a, b, true);
    case LOWEST:
    case HIGHEST:
        if (!llmi_json_is(a, LLMI_JSON_NUMBER)) return a; /* refused where it is read */
        if (!llmi_json_is(b, LLMI_JSON_NUMBER)) return b;
        return (llmi_schema_compare(a, b) > 0) == (rules[i].how == HIGHEST) ? a : b;
    case BOTH:
        return llmi_schema_both(s, a, b);
    case BRANCHES:
        return cross(s, a, b);
    case REFUSED:
        if (llmi_json_get(a, "anyOf")) a = llmi_json_get(a, "anyOf");
        if (llmi_json_get(b, "anyOf")) b = llmi_json_get(b, "anyOf");
        return llmi_schema_object_of(s, LLMI_PAIRS({"anyOf", combine(s, a, b, false)}));
    case TRUE:
        return llmi_json_is(a, LLMI_JSON_TRUE) ? a : b;
    default:
        llmi_schema_fault(s, LLM_E_UNSUPPORTED, "two different \"%s\" cannot hold at once in a grammar", rules[i].key);
        return NULL;
    }
}

/* ---- objects ---- */

static bool holds_for_all(const llmi_json *schema) {
    return !schema || llmi_json_is(schema, LLMI_JSON_TRUE);
}

static const llmi_json *both_or_one(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    if (holds_for_all(a) || !b) return a && !b ? a : b;
    if (holds_for_all(b)) return a;
    return llmi_schema_both(s, a, b);
}

static const llmi_json *object_from(llmi_schema *s, llmi_buf *members) {
    const llmi_json *out = NULL;
    if (!llmi_schema_failed(s))
        out = llmi_schema_made(s, llmi_json_new_object(&s->doc, (const llmi_json_member *)(const void *)members->data,
                                                       llmi_buf_count(members, llmi_json_member)));
    llmi_buf_free(members);
    return out;
}

static void add_member(llmi_schema *s, llmi_buf *members, const llmi_json *key, const llmi_json *value) {
    if (llmi_schema_failed(s) || !value) return;
    llmi_json_member m = {*key, *value};
    if (!llmi_buf_push(members, m)) llmi_schema_no_memory(s);
}

/* Names of either; what one does not list comes under its patterns or additionalProperties. */
static const llmi_json *merge_properties(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    const llmi_json *lists[] = {llmi_json_get(a, "properties"), llmi_json_get(b, "properties")};
    if (!lists[0] && !lists[1]) return NULL;
    llmi_buf out;
    llmi_buf_init(&out, s->ir.a);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < llmi_json_count(lists[k]) && llmi_schema_pay(s, 8); i++) {
            const llmi_json_member *m = &lists[k]->members[i];
            bool listed;
            if (k && llmi_json_find(lists[0], llmi_schema_key(m))) continue;
            const llmi_json *x = llmi_schema_property(s, a, llmi_schema_key(m), &listed),
                            *y = llmi_schema_property(s, b, llmi_schema_key(m), &listed);
            x = both_or_one(s, x, y);
            add_member(s, &out, &m->key, x ? x : &llmi_json_true);
        }
    return object_from(s, &out);
}

/* A name that matches a pattern of one only must come under the other's additionalProperties. */
static const llmi_json *merge_patterns(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    const llmi_json *mine = llmi_json_get(a, "patternProperties"), *theirs = llmi_json_get(b, "patternProperties");
    const llmi_json *my_rest = llmi_json_get(a, "additionalProperties"),
                    *their_rest = llmi_json_get(b, "additionalProperties");
    if (!mine && !theirs) return NULL;
    if (!theirs && llmi_json_is(their_rest, LLMI_JSON_FALSE)) return NULL;
    if (!mine && llmi_json_is(my_rest, LLMI_JSON_FALSE)) return NULL;
    bool same = mine && theirs && llmi_schema_same(s, mine, theirs);
    if (same || (!theirs && holds_for_all(their_rest))) return mine;
    if (!mine && holds_for_all(my_rest)) return theirs;
    if (!holds_for_all(my_rest) || !holds_for_all(their_rest))
        llmi_schema_fault(
            s, LLM_E_UNSUPPORTED,
            "\"patternProperties\" and another schema's \"additionalProperties\" cannot hold at once in a "
            "grammar");
    llmi_buf out;
    llmi_buf_init(&out, s->ir.a);
    for (size_t i = 0; i < llmi_json_count(mine) && llmi_schema_pay(s, 8); i++) {
        const llmi_json *other = llmi_json_find(theirs, llmi_schema_key(&mine->members[i]));
        add_member(s, &out, &mine->members[i].key, both_or_one(s, &mine->members[i].value, other));
    }
    for (size_t i = 0; i < llmi_json_count(theirs) && llmi_schema_pay(s, 8); i++)
        if (!llmi_json_find(mine, llmi_schema_key(&theirs->members[i])))
            add_member(s, &out, &theirs->members[i].key, &theirs->members[i].value);
    return object_from(s, &out);
}

/* ---- tuples ---- */

static const llmi_json *element(const llmi_json *schema, size_t i) {
    const llmi_json *list = llmi_json_get(schema, "prefixItems");
    return i < llmi_json_count(list) ? &list->items[i] : llmi_json_get(schema, "items");
}

static const llmi_json *merge_prefix(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    size_t n = llmi_json_count(llmi_json_get(a, "prefixItems")), m = llmi_json_count(llmi_json_get(b, "prefixItems"));
    llmi_buf out;
    if (n < m) n = m;
    if (!n) return NULL;
    llmi_buf_init(&out, s->ir.a);
    for (size_t i = 0; i < n && llmi_schema_pay(s, 2); i++) {
        const llmi_json *one = both_or_one(s, element(a, i), element(b, i));
        push(s, &out, one ? one : &llmi_json_true);
    }
    return array_from(s, &out);
}

/* ---- all ---- */

static void add_key(llmi_schema *s, llmi_buf *out, const char *key, const llmi_json *value) {
    const llmi_json *name = value ? llmi_schema_text(s, key) : NULL;
    if (name) add_member(s, out, name, value);
}

static void add_apart(llmi_schema *s, llmi_buf *out, const llmi_json *a, const llmi_json *b) {
    static const char *const rests[] = {"additionalProperties", "items"};
    add_key(s, out, "properties", merge_properties(s, a, b));
    add_key(s, out, "patternProperties", merge_patterns(s, a, b));
    add_key(s, out, "prefixItems", merge_prefix(s, a, b));
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++)
        add_key(s, out, rests[i], both_or_one(s, llmi_json_get(a, rests[i]), llmi_json_get(b, rests[i])));
}

/* What a has, with b's values for the same keywords; then what only b has. */
static const llmi_json *merge_flat(llmi_schema *s, const llmi_json *a, const llmi_json *b) {
    llmi_buf out;
    llmi_buf_init(&out, s->ir.a);
    bool empty = false;
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < (k ? b : a)->n && llmi_schema_pay(s, 4); i++) {
            const llmi_json_member *m = &(k ? b : a)->members[i];
            const llmi_json *other = llmi_json_find(k ? a : b, llmi_schema_key(m)), *value = &m->value;
            size_t rule = find_rule(llmi_schema_key(m));
            if ((k && other) || (rule < N_RULES && rules[rule].how == APART)) continue;
            if (other && rule < N_RULES && rules[rule].how == TYPES)
                value = common_types(s, a, b);
            else if (other && rule < N_RULES && !llmi_schema_same(s, value, other))
                value = merge_value(s, rule, value, other);
            if (llmi_json_is(value, LLMI_JSON_ARRAY) && !value->n && rule < N_RULES)
                empty = empty || rules[rule].how == TYPES || rules[rule].how == COMMON;
            add_member(s, &out, &m->key, value);
        }
    add_apart(s, &out, a, b);
    if (!empty) return object_from(s, &out);
    llmi_buf_free(&out);
    return &llmi_json_false;
}

const llmi_json *llmi_schema_merge(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth) {
    a = llmi_schema_flat(s, a, depth);
    b = llmi_schema_flat(s, b, depth);
    if (!a || !b || llmi_schema_failed(s)) return NULL;
    if (llmi_json_is(a, LLMI_JSON_FALSE) || llmi_json_is(b, LLMI_JSON_TRUE)) return a;
    if (llmi_json_is(b, LLMI_JSON_FALSE) || llmi_json_is(a, LLMI_JSON_TRUE)) return b;
    const llmi_json *out = llmi_schema_known(s, LLMI_MEMO_MERGE, a, b);
    if (out || !llmi_schema_pay(s, 4)) return out;
    out = merge_flat(s, a, b);
    if (!out || llmi_schema_failed(s)) return NULL;
    llmi_schema_remember(s, LLMI_MEMO_MERGE, a, b, out);
    if (!llmi_json_is_bool(out)) llmi_schema_remember(s, LLMI_MEMO_FLAT, out, NULL, out);
    return out;
}
