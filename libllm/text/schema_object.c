/* Objects: the properties in the schema's order, then others with any name that is not one of theirs.
 *
 * What may come from property i on is a rule: rest(i) behind another property, some(i) where one must come. */
#include <string.h>

#include "base/alloc.h"
#include "text/schema.h"
#include "text/utf8.h"

typedef struct property {
    const char *name;
    size_t n_name;
    const json_t *schema;
    bool required;
    int32_t some, rest; /* rules */
} property;

typedef struct object {
    llmi_schema *s;
    llmi_buf properties;
    const json_t *others; /* schema of further properties; NULL: there are none */
    bool any_other;       /* with any value */
    int32_t more;         /* rule: one or more others; -1: none */
    int32_t min, max;
} object;

static property *at(const object *o, size_t i) {
    return &llmi_buf_at(&o->properties, property, i);
}

static size_t count(const object *o) {
    return llmi_buf_count(&o->properties, property);
}

/* ---- what the schema says ---- */

static bool is_required(const json_t *schema, const char *name) {
    const json_t *list = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && strcmp(one, name) == 0) return true;
    }
    return false;
}

static void add(object *o, const char *name, const json_t *schema, bool required) {
    property p = {.name = name, .n_name = strlen(name), .schema = schema, .required = required, .some = -1, .rest = -1};
    if (!llmi_schema_failed(o->s) && !llmi_buf_push(&o->properties, p)) llmi_ir_fail(&o->s->ir, LLM_E_MEMORY);
}

static void read_properties(object *o, const json_t *schema) {
    const json_t *properties = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
    const char *name;
    json_t *value;
    if (properties && !json_is_object(properties)) llmi_schema_fault(o->s, LLM_E_FORMAT, "\"properties\" is no object");
    if (required && !json_is_array(required)) llmi_schema_fault(o->s, LLM_E_FORMAT, "\"required\" is no array");
    json_object_foreach((json_t *)properties, name, value) add(o, name, value, is_required(schema, name));
    const json_t *others = json_object_get(schema, "additionalProperties");
    json_t *anything = others ? NULL : llmi_schema_own(o->s, json_true());
    for (size_t i = 0; i < json_array_size(required) && !llmi_schema_failed(o->s); i++) {
        name = json_string_value(json_array_get(required, i));
        if (!name || strlen(name) != json_string_length(json_array_get(required, i)))
            llmi_schema_fault(o->s, LLM_E_FORMAT, "\"required\" holds what is no name");
        else if (!json_object_get(properties, name))
            add(o, name, others ? others : anything, true);
    }
    bool open = others ? !json_is_false(others) : !properties || !json_object_size(properties);
    o->others = open ? others : NULL;
    o->any_other = open && (!others || json_is_true(others));
}

/* Bounds on the number of properties, as far as the list of properties decides. */
static void read_counts(object *o, const json_t *schema) {
    int32_t n_required = 0, n = (int32_t)count(o);
    for (int32_t i = 0; i < n; i++) n_required += at(o, (size_t)i)->required;
    o->min = llmi_schema_count(o->s, schema, "minProperties", 0);
    o->max = llmi_schema_count(o->s, schema, "maxProperties", LLMI_IR_UNLIMITED);
    bool open = o->others || o->any_other, map = open && n == 0;
    /* A name may come twice, which readers count once. */
    if (o->min > n_required && !(map && o->min == 1))
        llmi_schema_fault(o->s, LLM_E_UNSUPPORTED, "\"minProperties\" above the number of required properties");
    if (!map && o->max >= 0 && (open || o->max < n))
        llmi_schema_fault(o->s, LLM_E_UNSUPPORTED, "\"maxProperties\" below the number of properties");
}

/* ---- names that are none of the properties' ---- */

/* Names [begin, end) of the sorted list agree in their first n bytes; rule: what may follow those. */
typedef struct branch {
    size_t begin, end, n;
    int32_t rule;
} branch;

static void sort_names(llm_span *names, size_t n) {
    for (size_t gap = n / 2; gap; gap /= 2)
        for (size_t i = gap; i < n; i++) {
            llm_span one = names[i];
            size_t k = i;
            for (; k >= gap && strcmp(names[k - gap].ptr, one.ptr) > 0; k -= gap) names[k] = names[k - gap];
            names[k] = one;
        }
}

static int32_t new_rule(object *o, const char *name) {
    return llmi_ir_rule_new(&o->s->ir, name, strlen(name));
}

/* One character of a name, and what follows it. */
static int32_t step(object *o, uint32_t c, int32_t next) {
    llmi_ir_range r = {c, c};
    int32_t one = llmi_schema_chars(&o->s->ir, &r, 1);
    return llmi_ir_seq(&o->s->ir, one, next);
}

static void define_branch(object *o, llmi_buf *todo, const llm_span *names, branch b) {
    llmi_ir *ir = &o->s->ir;
    llmi_buf kids, others;
    llmi_buf_init(&kids, ir->a);
    llmi_buf_init(&others, ir->a);
    bool is_name = names[b.begin].len == b.n;
    for (size_t i = b.begin + is_name, k; i < b.end && ir->status == LLM_OK; i = k) {
        size_t used;
        uint32_t c = llmi_utf8_decode(names[i].ptr + b.n, names[i].len - b.n, &used);
        for (k = i + 1; k < b.end && memcmp(names[k].ptr + b.n, names[i].ptr + b.n, used) == 0;) k++;
        branch below = {i, k, b.n + used, new_rule(o, "key")};
        llmi_ir_range r = {c, c};
        int32_t kid = step(o, c, llmi_ir_ref(ir, below.rule));
        if (ir->status == LLM_OK &&
            (!llmi_buf_push(todo, below) || !llmi_buf_push(&kids, kid) || !llmi_buf_push(&others, r)))
            llmi_ir_fail(ir, LLM_E_MEMORY);
    }
    if (ir->status == LLM_OK && !llmi_ranges_complement(&others)) llmi_ir_fail(ir, LLM_E_MEMORY);
    if (ir->status == LLM_OK) {
        int32_t other =
            llmi_schema_chars(ir, (llmi_ir_range *)(void *)others.data, llmi_buf_count(&others, llmi_ir_range));
        int32_t more[] = {llmi_ir_seq(ir, other, llmi_schema_shared(o->s, LLMI_SHARED_REST)),
                          is_name ? llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0) : llmi_ir_word(ir, "\"")};
        if (!llmi_buf_append(&kids, more, sizeof more)) llmi_ir_fail(ir, LLM_E_MEMORY);
    }
    if (ir->status == LLM_OK)
        llmi_ir_define(
            ir, b.rule,
            llmi_ir_list(ir, LLMI_IR_ALT, (const int32_t *)(const void *)kids.data, llmi_buf_count(&kids, int32_t)));
    llmi_buf_free(&kids);
    llmi_buf_free(&others);
}

/* A string that is no property's name, with its quotes. */
static int32_t other_name(object *o) {
    llmi_ir *ir = &o->s->ir;
    size_t n = count(o);
    int32_t quote = llmi_ir_word(ir, "\"");
    if (!n) return llmi_ir_seq(ir, quote, llmi_schema_shared(o->s, LLMI_SHARED_REST));
    llmi_buf todo;
    llmi_buf_init(&todo, ir->a);
    llm_span *names = llmi_alloc_array(ir->a, n, sizeof *names);
    if (!names) return llmi_ir_fail(ir, LLM_E_MEMORY);
    for (size_t i = 0; i < n; i++) names[i] = (llm_span){at(o, i)->name, at(o, i)->n_name};
    sort_names(names, n);
    branch b = {0, n, 0, new_rule(o, "key")};
    int32_t first = b.rule;
    define_branch(o, &todo, names, b);
    while (ir->status == LLM_OK && todo.len) {
        todo.len -= sizeof b;
        b = llmi_buf_at(&todo, branch, todo.len / sizeof b);
        define_branch(o, &todo, names, b);
    }
    llmi_free(ir->a, names, n * sizeof *names);
    llmi_buf_free(&todo);
    return llmi_ir_seq(ir, quote, llmi_ir_ref(ir, first));
}

/* ---- the text ---- */

static int32_t comma(object *o) {
    int32_t text = llmi_ir_word(&o->s->ir, ",");
    return llmi_ir_seq(&o->s->ir, text, llmi_schema_blank(o->s));
}

static int32_t pair(object *o, int32_t name, int32_t value) {
    int32_t colon = llmi_ir_word(&o->s->ir, ":");
    return llmi_ir_seq(&o->s->ir, name, colon, llmi_schema_blank(o->s), value);
}

static int32_t other_pair(object *o) {
    int32_t value = o->any_other ? llmi_schema_shared(o->s, LLMI_SHARED_ANY)
                                 : llmi_schema_child(o->s, o->others, "additionalProperties", NULL);
    return pair(o, other_name(o), value);
}

/* One or more others. */
static void define_more(object *o) {
    llmi_ir *ir = &o->s->ir;
    if (!o->others && !o->any_other) return;
    int32_t one = new_rule(o, "other property");
    o->more = new_rule(o, "other properties");
    llmi_ir_define(ir, one, other_pair(o));
    int32_t max = o->max > 0 && !count(o) ? o->max - 1 : LLMI_IR_UNLIMITED;
    int32_t head = llmi_ir_ref(ir, one), next = llmi_ir_seq(ir, comma(o), llmi_ir_ref(ir, one));
    llmi_ir_define(ir, o->more, llmi_ir_seq(ir, head, llmi_ir_repeat(ir, next, 0, max)));
}

/* some(i), or `more` behind the last. */
static int32_t some(object *o, size_t i) {
    if (i < count(o)) return llmi_ir_ref(&o->s->ir, at(o, i)->some);
    return o->more < 0 ? llmi_ir_list(&o->s->ir, LLMI_IR_ALT, NULL, 0) : llmi_ir_ref(&o->s->ir, o->more);
}

/* Comma and some(i), or nothing if no property from i on is required. */
static int32_t rest(object *o, size_t i, bool required) {
    int32_t mark = comma(o), more = llmi_ir_seq(&o->s->ir, mark, some(o, i));
    return required ? more : llmi_ir_repeat(&o->s->ir, more, 0, 1);
}

static void define_property(object *o, size_t i, bool later) {
    llmi_ir *ir = &o->s->ir;
    property *p = at(o, i);
    json_t *key = llmi_schema_own(o->s, json_stringn(p->name, p->n_name));
    if (!key) return;
    int32_t value = llmi_schema_child(o->s, p->schema, "properties", p->name);
    int32_t here = pair(o, llmi_schema_literal(o->s, key), value);
    int32_t behind = i + 1 < count(o) ? llmi_ir_ref(ir, at(o, i + 1)->rest) : rest(o, i + 1, false);
    here = llmi_ir_seq(ir, here, behind);
    llmi_ir_define(ir, p->some, p->required ? here : llmi_ir_alt(ir, here, some(o, i + 1)));
    llmi_ir_define(ir, p->rest, rest(o, i, p->required || later));
}

static int32_t body(object *o) {
    llmi_ir *ir = &o->s->ir;
    define_more(o);
    for (size_t i = 0; i < count(o); i++) {
        at(o, i)->some = new_rule(o, "properties");
        at(o, i)->rest = new_rule(o, "properties");
    }
    bool later = false;
    for (size_t i = count(o); i-- && !llmi_schema_failed(o->s);) {
        define_property(o, i, later);
        later = later || at(o, i)->required;
    }
    int32_t begin = llmi_ir_word(ir, "{"), end = llmi_ir_word(ir, "}");
    if (o->max == 0) return llmi_ir_seq(ir, begin, end);
    int32_t inside = some(o, 0);
    if (!later && o->min == 0) inside = llmi_ir_repeat(ir, inside, 0, 1);
    return llmi_ir_seq(ir, begin, inside, end);
}

int32_t llmi_schema_object(llmi_schema *s, const json_t *schema) {
    object o = {.s = s, .more = -1};
    llmi_buf_init(&o.properties, s->ir.a);
    read_properties(&o, schema);
    read_counts(&o, schema);
    int32_t node = llmi_schema_failed(s) ? -1 : body(&o);
    llmi_buf_free(&o.properties);
    return node;
}
