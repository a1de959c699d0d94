/* Arrays: first the items of prefixItems, then any number of others. Arrays that must contain something, or whose
 * elements must differ, are automata of their own: a rule for each of their states. */
#include "base/text.h"
#include "grammar/schema.h"
#include "grammar/schema_values.h"

/* Between min and max (or no bound) elements, the first of which is `first` of the array. */
static int32_t rest(llmi_schema *s, const llmi_json *items, bool first, int32_t min, int32_t max) {
    llmi_ir *ir = &s->ir;
    if (max == 0) return llmi_ir_word(ir, "");
    int32_t more = max == LLMI_IR_UNLIMITED ? max : max - first;
    int32_t comma = llmi_ir_word(ir, ","), space = llmi_schema_space(s);
    int32_t one =
        items ? llmi_schema_child(s, items, "items", (llm_span){NULL, 0}) : llmi_schema_shared(s, LLMI_SHARED_ANY);
    int32_t tail = llmi_ir_repeat(ir, llmi_ir_seq(ir, comma, space, one), min > first ? min - first : 0, more);
    if (!first) return tail;
    int32_t head =
        items ? llmi_schema_child(s, items, "items", (llm_span){NULL, 0}) : llmi_schema_shared(s, LLMI_SHARED_ANY);
    int32_t all = llmi_ir_seq(ir, head, tail);
    return min > 0 ? all : llmi_ir_repeat(ir, all, 0, 1);
}

/* From element i of prefixItems on, last first: each with its comma, and what may follow it. */
static int32_t prefix(llmi_schema *s, const llmi_json *list, int32_t tail, size_t n, int32_t min) {
    llmi_ir *ir = &s->ir;
    for (size_t i = n; i-- && !llmi_schema_failed(s);) {
        char index[24];
        size_t n_index = llmi_format(index, sizeof index, "%zu", i);
        int32_t rule = llmi_ir_rule_new(ir, "items", 5);
        int32_t one = llmi_schema_child(s, llmi_json_item(list, i), "prefixItems", (llm_span){index, n_index});
        if (i) one = llmi_ir_seq(ir, llmi_ir_word(ir, ","), llmi_schema_space(s), one);
        int32_t all = llmi_ir_seq(ir, one, tail);
        llmi_ir_define(ir, rule, (int32_t)i >= min ? llmi_ir_repeat(ir, all, 0, 1) : all);
        tail = llmi_ir_ref(ir, rule);
    }
    return tail;
}

/* ---- elements that must differ ---- */

/* Up to this many values come in any order, more in the order of their list. */
enum { ANY_ORDER = 8 };

typedef struct unique {
    llmi_schema *s;
    const llmi_json *values; /* array */
    size_t n;
    int32_t min, max;
    int32_t first; /* rule of state 0 */
    bool in_order;
} unique;

/* The values that an element may have; NULL: they are not a few, or after a fault. */
static const llmi_json *few_values(llmi_schema *s, const llmi_json *items) {
    static const llmi_json words[] = {{.type = LLMI_JSON_NULL}, {.type = LLMI_JSON_TRUE}, {.type = LLMI_JSON_FALSE}};
    const llmi_json *flat = llmi_schema_flat(s, items, 0), *list = llmi_json_get(flat, "enum"), *out = NULL;
    if (!flat) return NULL;
    if (!list && (llmi_schema_types(s, flat) & ~(LLMI_TYPE_NULL | LLMI_TYPE_BOOLEAN))) return NULL;
    llmi_schema_values seen;
    llmi_buf kept;
    llmi_schema_values_init(&seen, s);
    llmi_buf_init(&kept, s->ir.a);
    for (size_t i = 0; i < (list ? list->n : 3) && !llmi_schema_failed(s); i++) {
        const llmi_json *one = list ? &list->items[i] : &words[i];
        llmi_schema_value *v = llmi_schema_valid(s, flat, one, 0) ? llmi_schema_values_add(&seen, one, 0) : NULL;
        if (v && !v->mark++ && !llmi_buf_push(&kept, *one)) llmi_schema_no_memory(s);
    }
    if (!llmi_schema_failed(s))
        out = llmi_schema_made(s, llmi_json_new_array(&s->doc, (const llmi_json *)(const void *)kept.data,
                                                      llmi_buf_count(&kept, llmi_json)));
    llmi_schema_values_free(&seen);
    llmi_buf_free(&kept);
    return out;
}

/* A state is the set of values that are there (one bit each), or, in order, the next value that may come and how many
 * are there: next * (n + 1) + count. */
static void define_set(unique *u, size_t state) {
    llmi_schema *s = u->s;
    llmi_buf kids;
    llmi_buf_init(&kids, s->ir.a);
    size_t next = u->in_order ? state / (u->n + 1) : 0;
    int32_t count = u->in_order ? (int32_t)(state % (u->n + 1)) : __builtin_popcountll(state);
    for (size_t i = next; i < u->n && count < u->max && llmi_schema_pay(s, 1); i++) {
        if (!u->in_order && state >> i & 1) continue;
        if (u->in_order && (int32_t)(u->n - i) < u->min - count) break; /* too few are left */
        size_t to = u->in_order ? (i + 1) * (u->n + 1) + (size_t)count + 1 : state | (size_t)1 << i;
        int32_t comma =
            count ? llmi_ir_seq(&s->ir, llmi_ir_word(&s->ir, ","), llmi_schema_space(s)) : llmi_ir_word(&s->ir, "");
        int32_t value = llmi_schema_literal(s, &u->values->items[i]);
        llmi_schema_add(s, &kids, llmi_ir_seq(&s->ir, comma, value, llmi_ir_ref(&s->ir, u->first + (int32_t)to)));
    }
    if (count >= u->min) llmi_schema_add(s, &kids, llmi_ir_word(&s->ir, "]"));
    llmi_ir_define(&s->ir, u->first + (int32_t)state, llmi_schema_either(s, &kids));
    llmi_buf_free(&kids);
}

static int32_t different(llmi_schema *s, const llmi_json *schema, int32_t min, int32_t max) {
    unique u = {.s = s, .values = few_values(s, llmi_json_get(schema, "items")), .min = min, .max = max};
    if (!u.values || llmi_json_get(schema, "prefixItems") || llmi_json_get(schema, "contains"))
        return llmi_schema_fault(s, LLM_E_UNSUPPORTED,
                                 "\"uniqueItems\" cannot be part of a grammar but for items of an \"enum\"");
    u.n = u.values->n;
    u.in_order = u.n > ANY_ORDER;
    if (max < 0 || (size_t)max > u.n) u.max = (int32_t)u.n;
    if ((size_t)min > u.n || u.max < min) return llmi_ir_list(&s->ir, LLMI_IR_ALT, NULL, 0);
    size_t n_states = u.in_order ? (u.n + 1) * (u.n + 1) : (size_t)1 << u.n;
    if (n_states > LLMI_GRAMMAR_MAX_ELEMENTS || !llmi_schema_pay(s, n_states))
        return llmi_schema_fault(s, LLM_E_LIMIT, "\"uniqueItems\" of %zu values, at most 999 are possible", u.n);
    for (size_t i = 0; i < n_states && !llmi_schema_failed(s); i++) {
        int32_t rule = llmi_ir_rule_new(&s->ir, "items", 5);
        if (!i) u.first = rule;
    }
    for (size_t i = 0; i < n_states && !llmi_schema_failed(s); i++) define_set(&u, i);
    int32_t begin = llmi_ir_word(&s->ir, "[");
    return llmi_ir_seq(&s->ir, begin, llmi_ir_ref(&s->ir, u.first));
}

/* ---- elements of which some must match ---- */

typedef struct containing {
    llmi_schema *s;
    const llmi_json *wanted, *other;
    int32_t min, max, least, most; /* elements; those that match. max, most: no bound is _UNLIMITED */
    int32_t n_columns, n_rows;     /* states: elements, matches; beyond the last nothing changes */
    int32_t first;
} containing;

static int32_t up(int32_t n, int32_t n_states) {
    return n + 1 < n_states ? n + 1 : n;
}

static void add_element(containing *c, llmi_buf *kids, const llmi_json *schema, int32_t n, int32_t to) {
    llmi_schema *s = c->s;
    int32_t comma = n ? llmi_ir_seq(&s->ir, llmi_ir_word(&s->ir, ","), llmi_schema_space(s)) : llmi_ir_word(&s->ir, "");
    int32_t one = llmi_schema_child(s, schema, "contains", (llm_span){NULL, 0});
    llmi_schema_add(s, kids, llmi_ir_seq(&s->ir, comma, one, llmi_ir_ref(&s->ir, c->first + to)));
}

static void define_count(containing *c, int32_t n, int32_t m) {
    llmi_schema *s = c->s;
    llmi_buf kids;
    llmi_buf_init(&kids, s->ir.a);
    int32_t left = c->max == LLMI_IR_UNLIMITED ? INT32_MAX : c->max - n, missing = c->least - m,
            next = up(n, c->n_columns);
    bool may_match = c->most == LLMI_IR_UNLIMITED || m < c->most;
    if (left > 0 && may_match) add_element(c, &kids, c->wanted, n, next * c->n_rows + up(m, c->n_rows));
    if (left > missing && left > 0) add_element(c, &kids, c->other, n, next * c->n_rows + m);
    if (n >= c->min && missing <= 0) llmi_schema_add(s, &kids, llmi_ir_word(&s->ir, "]"));
    llmi_ir_define(&s->ir, c->first + n * c->n_rows + m, llmi_schema_either(s, &kids));
    llmi_buf_free(&kids);
}

static int32_t contains(llmi_schema *s, const llmi_json *schema, int32_t min, int32_t max) {
    const llmi_json *items = llmi_json_get(schema, "items"), *wanted = llmi_json_get(schema, "contains");
    containing c = {.s = s, .other = items ? items : &llmi_json_true, .min = min, .max = max};
    c.least = llmi_schema_number_of(s, schema, "minContains", 1);
    c.most = llmi_schema_number_of(s, schema, "maxContains", LLMI_IR_UNLIMITED);
    if (llmi_json_get(schema, "prefixItems"))
        llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"contains\" beside \"prefixItems\" cannot be part of a grammar");
    c.wanted = llmi_schema_merge(s, c.other, wanted, 0);
    if (c.most != LLMI_IR_UNLIMITED) c.other = llmi_schema_merge(s, c.other, llmi_schema_not(s, wanted, 0), 0);
    if (llmi_schema_failed(s)) return -1;
    if ((max >= 0 && max < c.least) || (c.most >= 0 && c.most < c.least))
        return llmi_ir_list(&s->ir, LLMI_IR_ALT, NULL, 0);
    c.n_columns = (max >= 0 ? max : min > 1 ? min : 1) + 1;
    c.n_rows = (c.most >= 0 ? c.most : c.least) + 1;
    size_t n_states = (size_t)c.n_columns * (size_t)c.n_rows;
    if (n_states > LLMI_GRAMMAR_MAX_ELEMENTS)
        return llmi_schema_fault(s, LLM_E_LIMIT, "\"contains\" with bounds of %d elements, %d of which match",
                                 c.n_columns, c.n_rows);
    for (size_t i = 0; i < n_states && !llmi_schema_failed(s); i++) {
        int32_t rule = llmi_ir_rule_new(&s->ir, "items", 5);
        if (!i) c.first = rule;
    }
    for (int32_t n = 0; n < c.n_columns && !llmi_schema_failed(s); n++)
        for (int32_t m = 0; m < c.n_rows && !llmi_schema_failed(s); m++) define_count(&c, n, m);
    int32_t begin = llmi_ir_word(&s->ir, "[");
    return llmi_ir_seq(&s->ir, begin, llmi_ir_ref(&s->ir, c.first));
}

/* ---- all ---- */

int32_t llmi_schema_array(llmi_schema *s, const llmi_json *schema) {
    llmi_ir *ir = &s->ir;
    const llmi_json *items = llmi_json_get(schema, "items"), *list = llmi_json_get(schema, "prefixItems");
    int32_t min = llmi_schema_number_of(s, schema, "minItems", 0);
    int32_t max = llmi_schema_number_of(s, schema, "maxItems", LLMI_IR_UNLIMITED);
    if (llmi_schema_failed(s)) return -1;
    if (max >= 0 && max < min) return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    if (llmi_json_is(llmi_json_get(schema, "uniqueItems"), LLMI_JSON_TRUE) && (max < 0 || max > 1))
        return different(s, schema, min, max);
    int32_t least = llmi_schema_number_of(s, schema, "minContains", 1);
    if (llmi_json_get(schema, "contains") && (least || llmi_json_get(schema, "maxContains")))
        return contains(s, schema, min, max);
    size_t n = llmi_json_count(list);
    if (max >= 0 && n > (size_t)max) n = (size_t)max;
    int32_t n_first = (int32_t)n, n_more = max >= 0 ? max - n_first : LLMI_IR_UNLIMITED;
    /* A list that says nothing about other items gets none, unless it needs them. */
    if (llmi_json_is(items, LLMI_JSON_FALSE) || (n && !items && min <= n_first)) n_more = 0;
    if (n_more == 0 && min > n_first) return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    int32_t begin = llmi_ir_word(ir, "["), end = llmi_ir_word(ir, "]");
    int32_t inside = rest(s, items, n == 0, min > n_first ? min - n_first : 0, n_more);
    return llmi_ir_seq(ir, begin, prefix(s, list, inside, n, min), end);
}
