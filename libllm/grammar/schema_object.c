/* Objects: the properties in the schema's order, then others with any name that is not one of theirs.
 *
 * What may come from property i on is a rule: `some` where one must come, `rest` after another one, which begins with
 * its comma. Bounds on the number of properties make a pair of rules for each number that is still needed, and for
 * each that is still possible. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "grammar/schema.h"

typedef struct property {
    llm_span name;
    const llmi_json *schema;
    bool required;
    int32_t n_required; /* of those from here on */
} property;

/* Others whose names match the same patterns, and so come under one schema. */
typedef struct other {
    llmi_dfa names;
    const llmi_json *schema;
} other;

typedef struct object {
    llmi_schema *s;
    const llmi_json *schema;
    llmi_buf properties, others;
    int32_t min, max; /* of properties; max _UNLIMITED: none */
    int32_t min_name, max_name;
    int32_t other;  /* rule: one of the others; -1: there are none */
    int32_t *rules; /* `some`, then `rest`, of each state; -1: not asked for */
    size_t n_needs, n_lefts, n_rules;
    llmi_buf todo; /* int32_t: states whose rules have no body */
} object;

static property *at(const object *o, size_t i) {
    return &llmi_buf_at(&o->properties, property, i);
}

static size_t count(const object *o) {
    return llmi_buf_count(&o->properties, property);
}

static size_t n_others(const object *o) {
    return llmi_buf_count(&o->others, other);
}

/* ---- what the schema says ---- */

bool llmi_schema_requires(const llmi_json *schema, llm_span name) {
    const llmi_json *list = llmi_json_get(schema, "required");
    for (size_t i = 0; i < llmi_json_count(list); i++)
        if (list->items[i].n == name.len && (!name.len || memcmp(list->items[i].text, name.ptr, name.len) == 0))
            return true;
    return false;
}

bool llmi_schema_is_open(const llmi_json *schema) {
    const llmi_json *rest = llmi_json_get(schema, "additionalProperties"), *list = llmi_json_get(schema, "properties");
    if (rest) return !llmi_json_is(rest, LLMI_JSON_FALSE);
    for (size_t i = 0; i < llmi_json_count(list); i++)
        if (!llmi_json_is(&list->members[i].value, LLMI_JSON_FALSE)) return false;
    return !llmi_json_get(schema, "patternProperties");
}

const llmi_json *llmi_schema_property(llmi_schema *s, const llmi_json *schema, llm_span name, bool *listed) {
    const llmi_json *out = llmi_json_find(llmi_json_get(schema, "properties"), name),
                    *patterns = llmi_json_get(schema, "patternProperties");
    *listed = out && !llmi_json_is(out, LLMI_JSON_FALSE);
    for (size_t i = 0; i < llmi_json_count(patterns) && llmi_schema_pay(s, 1 + name.len); i++) {
        const llmi_json_member *m = &patterns->members[i];
        const llmi_dfa *pattern = llmi_schema_pattern(s, &m->key);
        if (!pattern || !llmi_dfa_accepts(pattern, name)) continue;
        out = out ? llmi_schema_both(s, out, &m->value) : &m->value;
        *listed = true;
    }
    return out ? out : llmi_json_get(schema, "additionalProperties");
}

static void add(object *o, llm_span name, bool required) {
    bool listed;
    const llmi_json *names = llmi_json_get(o->schema, "propertyNames");
    const llmi_json *value = llmi_schema_property(o->s, o->schema, name, &listed);
    llmi_json key = {.type = LLMI_JSON_STRING, .n = (uint32_t)name.len, .text = name.ptr};
    if (names && !llmi_schema_valid(o->s, names, &key, 0)) value = &llmi_json_false;
    if (!required && llmi_json_is(value, LLMI_JSON_FALSE)) return;
    property p = {name, value ? value : &llmi_json_true, required, 0};
    if (!llmi_schema_failed(o->s) && !llmi_buf_push(&o->properties, p)) llmi_schema_no_memory(o->s);
}

/* Whether an earlier item is equal. */
static bool is_repeated(llmi_schema *s, const llmi_json *list, size_t i) {
    for (size_t k = 0; k < i && llmi_schema_pay(s, 1); k++)
        if (list->items[k].n == list->items[i].n && llmi_schema_same(s, &list->items[k], &list->items[i])) return true;
    return false;
}

/* Names of the list that are not among the properties; required, or only possible. */
static void add_names(object *o, const llmi_json *list, bool required) {
    const llmi_json *properties = llmi_json_get(o->schema, "properties");
    for (size_t i = 0; i < llmi_json_count(list) && llmi_schema_pay(o->s, 4); i++) {
        llm_span name = llmi_json_text(&list->items[i]);
        if (!llmi_json_is(&list->items[i], LLMI_JSON_STRING) || llmi_json_find(properties, name)) continue;
        if ((required || !llmi_schema_requires(o->schema, name)) && !is_repeated(o->s, list, i)) add(o, name, required);
    }
}

static void read_properties(object *o) {
    llmi_schema *s = o->s;
    const llmi_json *properties = llmi_json_get(o->schema, "properties"),
                    *required = llmi_json_get(o->schema, "required");
    size_t n_required = llmi_json_count(required);
    for (size_t i = 0; i < llmi_json_count(properties) && llmi_schema_pay(s, 2 + n_required); i++) {
        llm_span name = llmi_schema_key(&properties->members[i]);
        add(o, name, llmi_schema_requires(o->schema, name));
    }
    add_names(o, required, true);
}

/* ---- names of others ---- */

static const llmi_json *name_schema(object *o) {
    const llmi_json *names = llmi_json_get(o->schema, "propertyNames");
    return names ? llmi_schema_flat(o->s, names, 0) : &llmi_json_true;
}

/* All names but those of properties, also of those that are refused. */
static bool begin_names(object *o, llmi_dfa *out, const llmi_json *names) {
    llmi_schema *s = o->s;
    const llmi_json *properties = llmi_json_get(o->schema, "properties");
    llmi_buf list;
    llmi_buf_init(&list, s->ir.a);
    for (size_t i = 0; i < llmi_json_count(properties) && !llmi_schema_failed(s); i++)
        if (!llmi_buf_push(&list, properties->members[i].key)) llmi_schema_no_memory(s);
    for (size_t i = 0; i < count(o) && !llmi_schema_failed(s); i++) {
        llmi_json key = {.type = LLMI_JSON_STRING, .n = (uint32_t)at(o, i)->name.len, .text = at(o, i)->name.ptr};
        if (!llmi_buf_push(&list, key)) llmi_schema_no_memory(s);
    }
    llmi_json all = {.type = LLMI_JSON_ARRAY, .n = (uint32_t)llmi_buf_count(&list, llmi_json)};
    all.items = (const llmi_json *)(const void *)list.data;
    bool ok = !llmi_schema_failed(s) && llmi_schema_string_dfa(s, out, names, true);
    if (ok && all.n && !llmi_schema_narrow_names(s, out, &all)) {
        llmi_dfa_free(out);
        ok = false;
    }
    llmi_buf_free(&list);
    return ok;
}

static void add_other(object *o, const llmi_dfa *names, uint64_t matched) {
    llmi_schema *s = o->s;
    const llmi_json *patterns = llmi_json_get(o->schema, "patternProperties");
    other one = {.schema = matched ? &llmi_json_true : llmi_json_get(o->schema, "additionalProperties")};
    if (!one.schema) one.schema = &llmi_json_true;
    for (size_t i = 0; i < llmi_json_count(patterns); i++)
        if (matched >> i & 1 && one.schema)
            one.schema = llmi_json_is(one.schema, LLMI_JSON_TRUE)
                             ? &patterns->members[i].value
                             : llmi_schema_both(s, one.schema, &patterns->members[i].value);
    if (llmi_schema_failed(s) || !one.schema || llmi_json_is(one.schema, LLMI_JSON_FALSE)) return;
    if (!matched && !llmi_schema_is_open(o->schema)) return;
    llm_status status = llmi_dfa_combine(&one.names, names, names, false, &s->steps); /* a copy */
    if (!llmi_schema_took(s, status)) return;
    if (!llmi_buf_push(&o->others, one)) {
        llmi_dfa_free(&one.names);
        llmi_schema_no_memory(s);
    }
}

/* Separates names that match pattern i from those that do not: there is one kind for each set of patterns that a name
 * can match together. Recursion is as deep as there are patterns. */
static void split_names(object *o, const llmi_dfa *names, size_t i, uint64_t matched) {
    llmi_schema *s = o->s;
    const llmi_json *patterns = llmi_json_get(o->schema, "patternProperties");
    if (llmi_schema_failed(s) || llmi_dfa_is_empty(names)) return;
    if (i == llmi_json_count(patterns)) {
        add_other(o, names, matched);
        return;
    }
    for (int refused = 0; refused < 2; refused++) {
        llmi_dfa part;
        const llmi_dfa *pattern = llmi_schema_pattern(s, &patterns->members[i].key);
        if (!pattern || !llmi_schema_took(s, llmi_dfa_combine(&part, names, pattern, refused, &s->steps))) return;
        split_names(o, &part, i + 1, refused ? matched : matched | (uint64_t)1 << i);
        llmi_dfa_free(&part);
    }
}

static void read_others(object *o) {
    llmi_schema *s = o->s;
    const llmi_json *names = name_schema(o), *patterns = llmi_json_get(o->schema, "patternProperties");
    if (!names || llmi_schema_failed(s) || llmi_json_is(names, LLMI_JSON_FALSE)) return;
    if (!(llmi_schema_types(s, names) & LLMI_TYPE_STRING)) return;
    if (!patterns && !llmi_schema_is_open(o->schema)) return;
    if (llmi_json_get(names, "enum")) {
        add_names(o, llmi_json_get(names, "enum"), false);
        return;
    }
    if (llmi_json_get(names, "anyOf"))
        llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"propertyNames\" with branches cannot be part of a grammar");
    if (llmi_json_count(patterns) > 16)
        llmi_schema_fault(s, LLM_E_LIMIT, "%zu \"patternProperties\", at most 16 are possible",
                          llmi_json_count(patterns));
    o->min_name = llmi_schema_number_of(s, names, "minLength", 0);
    o->max_name = llmi_schema_number_of(s, names, "maxLength", LLMI_IR_UNLIMITED);
    llmi_dfa all;
    if (llmi_schema_failed(s) || !begin_names(o, &all, names)) return;
    split_names(o, &all, 0, 0);
    llmi_dfa_free(&all);
}

/* ---- pieces of text ---- */

static int32_t new_rule(object *o, const char *name) {
    return llmi_ir_rule_new(&o->s->ir, name, strlen(name));
}

static int32_t comma(object *o) {
    int32_t text = llmi_ir_word(&o->s->ir, ",");
    return llmi_ir_seq(&o->s->ir, text, llmi_schema_space(o->s));
}

static int32_t pair(object *o, int32_t name, int32_t value) {
    int32_t colon = llmi_ir_word(&o->s->ir, ":");
    return llmi_ir_seq(&o->s->ir, name, colon, llmi_schema_space(o->s), value);
}

static int32_t other_name(object *o, const llmi_dfa *names) {
    llmi_ir *ir = &o->s->ir;
    int32_t quote = llmi_ir_word(ir, "\"");
    bool any = !count(o) && !llmi_json_get(o->schema, "properties") && !llmi_json_get(o->schema, "propertyNames") &&
               !llmi_json_get(o->schema, "patternProperties");
    if (any) return llmi_ir_seq(ir, quote, llmi_schema_shared(o->s, LLMI_SHARED_REST));
    int32_t rest = llmi_schema_write(o->s, names, o->min_name, o->max_name, (llm_span){"\"", 1}, llmi_schema_chars);
    return llmi_ir_seq(ir, quote, rest);
}

static void define_other(object *o) {
    llmi_buf kids;
    if (!n_others(o) || llmi_schema_failed(o->s)) return;
    llmi_buf_init(&kids, o->s->ir.a);
    for (size_t i = 0; i < n_others(o) && !llmi_schema_failed(o->s); i++) {
        const other *one = &llmi_buf_at(&o->others, other, i);
        int32_t value = llmi_json_is(one->schema, LLMI_JSON_TRUE)
                            ? llmi_schema_shared(o->s, LLMI_SHARED_ANY)
                            : llmi_schema_child(o->s, one->schema, "additionalProperties", (llm_span){NULL, 0});
        llmi_schema_add(o->s, &kids, pair(o, other_name(o, &one->names), value));
    }
    o->other = new_rule(o, "other property");
    llmi_ir_define(&o->s->ir, o->other, llmi_schema_either(o->s, &kids));
    llmi_buf_free(&kids);
}

/* ---- states ---- */

/* From property i on: so many more are needed, and so many possible (the last of n_lefts: any number). */
typedef struct state {
    size_t i;
    int32_t need, left;
} state;

static int32_t n_required(const object *o, size_t i) {
    return i < count(o) ? at(o, i)->n_required : 0;
}

static bool may_end(const object *o, state st) {
    return !n_required(o, st.i) && st.need == 0;
}

/* Whether the needed ones can still come. Others count once: a name may come twice. */
static bool is_possible(const object *o, state from) {
    size_t possible = count(o) - (from.i < count(o) ? from.i : count(o)) + (n_others(o) > 0);
    int32_t left = from.left == LLMI_IR_UNLIMITED ? INT32_MAX : from.left;
    return (size_t)from.need <= possible && from.need <= left && n_required(o, from.i) <= left;
}

/* The rule of a state; the second of the two begins with a comma, or ends the object. */
static int32_t rule_of(object *o, state st, bool rest) {
    size_t left = st.left == LLMI_IR_UNLIMITED ? o->n_lefts - 1 : (size_t)st.left;
    size_t index = ((st.i * o->n_needs + (size_t)st.need) * o->n_lefts + left) * 2 + rest;
    if (llmi_schema_failed(o->s)) return -1;
    if (o->rules[index] < 0) {
        int32_t number = (int32_t)index;
        o->rules[index] = new_rule(o, "properties");
        if (!llmi_buf_push(&o->todo, number)) llmi_schema_no_memory(o->s);
    }
    return llmi_ir_ref(&o->s->ir, o->rules[index]);
}

static state after(state st, size_t i) {
    state out = {i, st.need > 0 ? st.need - 1 : 0, st.left > 0 ? st.left - 1 : st.left};
    return out;
}

/* One of the others, and what may follow it: others. */
static int32_t others_from(object *o, state st) {
    llmi_ir *ir = &o->s->ir;
    int32_t one = llmi_ir_ref(ir, o->other);
    if (st.left != LLMI_IR_UNLIMITED) return llmi_ir_seq(ir, one, rule_of(o, after(st, st.i), true));
    int32_t next = llmi_ir_seq(ir, comma(o), llmi_ir_ref(ir, o->other));
    return llmi_ir_seq(ir, one, llmi_ir_repeat(ir, next, 0, LLMI_IR_UNLIMITED));
}

/* Of a state: property i and what may follow it, or what may come in its place. */
static int32_t define_some(object *o, state st) {
    llmi_ir *ir = &o->s->ir;
    if (st.i == count(o)) return o->other < 0 || !st.left ? llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0) : others_from(o, st);
    const property *p = at(o, st.i);
    state taken = after(st, st.i + 1), skipped = {st.i + 1, st.need, st.left};
    int32_t here = llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    if (st.left && is_possible(o, taken)) {
        llmi_json key = {.type = LLMI_JSON_STRING, .n = (uint32_t)p->name.len, .text = p->name.ptr};
        int32_t value = llmi_schema_child(o->s, p->schema, "properties", p->name);
        here = llmi_ir_seq(ir, pair(o, llmi_schema_literal(o->s, &key), value), rule_of(o, taken, true));
    }
    if (p->required || !is_possible(o, skipped)) return here;
    return llmi_ir_alt(ir, here, rule_of(o, skipped, false));
}

static int32_t define_rest(object *o, state st) {
    llmi_ir *ir = &o->s->ir;
    int32_t mark = comma(o), more = llmi_ir_seq(ir, mark, rule_of(o, st, false));
    return may_end(o, st) ? llmi_ir_repeat(ir, more, 0, 1) : more;
}

static void define_next(object *o) {
    o->todo.len -= sizeof(int32_t);
    size_t index = (size_t)llmi_buf_at(&o->todo, int32_t, llmi_buf_count(&o->todo, int32_t)), n = index / 2;
    int32_t left = (int32_t)(n % o->n_lefts), rule = o->rules[index];
    state st = {n / o->n_lefts / o->n_needs, (int32_t)(n / o->n_lefts % o->n_needs), left};
    if (o->max == LLMI_IR_UNLIMITED) st.left = LLMI_IR_UNLIMITED;
    if (!llmi_schema_pay(o->s, 8)) return;
    llmi_ir_define(&o->s->ir, rule, index % 2 ? define_rest(o, st) : define_some(o, st));
}

/* ---- all ---- */

static int32_t body(object *o) {
    llmi_ir *ir = &o->s->ir;
    state start = {0, o->min, o->max};
    if (!is_possible(o, start)) {
        if (o->min > 1 && n_others(o))
            return llmi_schema_fault(o->s, LLM_E_UNSUPPORTED,
                                     "\"minProperties\" above the number of named properties and one: a name may come "
                                     "twice");
        return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    }
    int32_t begin = llmi_ir_word(ir, "{"), end = llmi_ir_word(ir, "}");
    bool empty = o->max == 0 || (!count(o) && !n_others(o));
    int32_t inside = empty ? llmi_ir_word(ir, "") : rule_of(o, start, false);
    if (!empty && may_end(o, start)) inside = llmi_ir_repeat(ir, inside, 0, 1);
    while (o->todo.len && !llmi_schema_failed(o->s)) define_next(o);
    return llmi_ir_seq(ir, begin, inside, end);
}

static bool make_rules(object *o) {
    for (size_t i = count(o); i--;) at(o, i)->n_required = n_required(o, i + 1) + at(o, i)->required;
    int32_t most = (int32_t)count(o) + 1; /* more are never needed, nor counted before others come */
    o->min = llmi_schema_number_of(o->s, o->schema, "minProperties", 0);
    o->max = llmi_schema_number_of(o->s, o->schema, "maxProperties", LLMI_IR_UNLIMITED);
    if (llmi_schema_failed(o->s)) return false;
    if (o->max >= (int32_t)count(o) && !n_others(o)) o->max = LLMI_IR_UNLIMITED;
    if (o->min > most) o->min = most + 1; /* not possible */
    o->n_needs = (size_t)o->min + 1;
    o->n_lefts = o->max == LLMI_IR_UNLIMITED ? 1 : (size_t)o->max + 1;
    bool fits = llmi_mul(&o->n_rules, count(o) + 1, o->n_needs) && llmi_mul(&o->n_rules, o->n_rules, 2 * o->n_lefts);
    if (!fits || o->n_rules > 2 * LLMI_GRAMMAR_MAX_ELEMENTS) {
        llmi_schema_fault(o->s, LLM_E_LIMIT, "%zu properties with bounds on their number are too many", count(o));
        return false;
    }
    if (!llmi_schema_pay(o->s, o->n_rules / 8)) return false;
    o->rules = llmi_alloc_array(o->s->ir.a, o->n_rules, sizeof *o->rules);
    if (!o->rules) {
        llmi_schema_no_memory(o->s);
        return false;
    }
    memset(o->rules, 0xff, o->n_rules * sizeof *o->rules);
    return true;
}

int32_t llmi_schema_object(llmi_schema *s, const llmi_json *schema) {
    object o = {.s = s, .schema = schema, .other = -1, .max_name = LLMI_IR_UNLIMITED};
    llmi_buf_init(&o.properties, s->ir.a);
    llmi_buf_init(&o.others, s->ir.a);
    llmi_buf_init(&o.todo, s->ir.a);
    read_properties(&o);
    if (!llmi_schema_failed(s)) read_others(&o);
    int32_t node = -1;
    if (!llmi_schema_failed(s) && make_rules(&o)) {
        define_other(&o);
        node = llmi_schema_failed(s) ? -1 : body(&o);
        llmi_free(s->ir.a, o.rules, o.n_rules * sizeof *o.rules);
    }
    for (size_t i = 0; i < n_others(&o); i++) llmi_dfa_free(&llmi_buf_at(&o.others, other, i).names);
    llmi_buf_free(&o.properties);
    llmi_buf_free(&o.others);
    llmi_buf_free(&o.todo);
    return node;
}
