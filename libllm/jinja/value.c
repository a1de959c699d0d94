#include "jinja/value.h"

#include <math.h>

#include "base/text.h"
#include "jinja/code.h"

const llmi_jinja_value llmi_jinja_undefined = {.kind = LLMI_V_UNDEFINED};
const llmi_jinja_value llmi_jinja_none = {.kind = LLMI_V_NONE};
const llmi_jinja_value llmi_jinja_absent = {.kind = LLMI_V_ABSENT};

/* ---- making ---- */

llmi_jinja_value llmi_jinja_undefined_named(llmi_jinja_run *r, const char *name, size_t n) {
    return (llmi_jinja_value){.kind = LLMI_V_UNDEFINED, .s = llmi_jinja_str_over(r, name, n)};
}

/* The array, grown by one element; the old one stays in the arena. */
static llmi_jinja_value *grow(llmi_jinja_run *r, llmi_jinja_value *old, uint32_t n, uint32_t cap) {
    llmi_jinja_value *p = llmi_jinja_run_take(r, (size_t)cap * sizeof *p);
    if (p && n) memcpy(p, old, n * sizeof *p);
    return p;
}

static uint32_t grown(uint32_t cap) {
    return cap ? cap * 2 : 4;
}

llmi_jinja_list *llmi_jinja_list_new(llmi_jinja_run *r, uint32_t cap) {
    llmi_jinja_list *l = llmi_jinja_run_take(r, sizeof *l);
    if (!l) return NULL;
    *l = (llmi_jinja_list){.cap = cap};
    if (cap) l->v = llmi_jinja_run_take(r, cap * sizeof *l->v);
    return l->v || !cap ? l : NULL;
}

bool llmi_jinja_list_add(llmi_jinja_run *r, llmi_jinja_list *l, llmi_jinja_value v) {
    if (!l || !LLMI_JINJA_OK(r)) return false;
    if (l->n == l->cap) {
        llmi_jinja_value *more = grow(r, l->v, l->n, grown(l->cap));
        if (!more) return false;
        l->v = more;
        l->cap = grown(l->cap);
    }
    l->v[l->n++] = v;
    return true;
}

llmi_jinja_dict *llmi_jinja_dict_new(llmi_jinja_run *r, uint32_t cap) {
    llmi_jinja_dict *d = llmi_jinja_run_take(r, sizeof *d);
    if (!d) return NULL;
    *d = (llmi_jinja_dict){.cap = cap};
    if (!cap) return d;
    d->keys = llmi_jinja_run_take(r, cap * sizeof *d->keys);
    d->values = llmi_jinja_run_take(r, cap * sizeof *d->values);
    return d->keys && d->values ? d : NULL;
}

bool llmi_jinja_dict_append(llmi_jinja_run *r, llmi_jinja_dict *d, llmi_jinja_value key, llmi_jinja_value value) {
    if (!d || !LLMI_JINJA_OK(r)) return false;
    if (d->n == d->cap) {
        llmi_jinja_value *keys = grow(r, d->keys, d->n, grown(d->cap));
        llmi_jinja_value *values = grow(r, d->values, d->n, grown(d->cap));
        if (!keys || !values) return false;
        d->keys = keys;
        d->values = values;
        d->cap = grown(d->cap);
    }
    d->keys[d->n] = key;
    d->values[d->n++] = value;
    return true;
}

bool llmi_jinja_is_hashable(llmi_jinja_run *r, llmi_jinja_value v) {
    bool is = v.kind != LLMI_V_LIST && v.kind != LLMI_V_DICT && (v.kind != LLMI_V_VIEW || v.aux == LLMI_VALUES);
    if (v.kind == LLMI_V_TUPLE && llmi_jinja_run_enter(r)) {
        for (uint32_t i = 0; is && i < v.list->n && llmi_jinja_run_spend(r, 1); i++)
            is = llmi_jinja_is_hashable(r, v.list->v[i]);
        llmi_jinja_run_leave(r);
    }
    if (!is) llmi_jinja_run_fail(r, LLM_E_FORMAT, "a %s cannot be a key", llmi_jinja_kind_name(v));
    return is && LLMI_JINJA_OK(r);
}

bool llmi_jinja_dict_put(llmi_jinja_run *r, llmi_jinja_dict *d, llmi_jinja_value key, llmi_jinja_value value) {
    if (!d || !LLMI_JINJA_OK(r) || !llmi_jinja_is_hashable(r, key)) return false;
    llmi_jinja_value *there = (llmi_jinja_value *)(uintptr_t)llmi_jinja_dict_find(r, d, key);
    if (!there) return llmi_jinja_dict_append(r, d, key, value);
    *there = value;
    return true;
}

const llmi_jinja_value *llmi_jinja_dict_find(llmi_jinja_run *r, const llmi_jinja_dict *d, llmi_jinja_value key) {
    if (key.kind == LLMI_V_STR) {
        if (!llmi_jinja_run_spend(r, d->n / 16) || !llmi_jinja_run_copy(r, key.s->n)) return NULL;
        return llmi_jinja_dict_get(d, key.s->p, key.s->n);
    }
    for (uint32_t i = 0; i < d->n && LLMI_JINJA_OK(r); i++)
        if (d->keys[i].kind != LLMI_V_STR && llmi_jinja_equal(r, d->keys[i], key)) return &d->values[i];
    return NULL;
}

const llmi_jinja_value *llmi_jinja_dict_get(const llmi_jinja_dict *d, const char *key, size_t n) {
    for (uint32_t i = 0; i < d->n; i++)
        if (d->keys[i].kind == LLMI_V_STR && d->keys[i].s->n == n && memcmp(d->keys[i].s->p, key, n) == 0)
            return &d->values[i];
    return NULL;
}

llmi_jinja_value llmi_jinja_of_generator(llmi_jinja_run *r, llmi_jinja_list *l) {
    llmi_jinja_cycler *c = llmi_jinja_run_take(r, sizeof *c);
    if (!c || !l) return llmi_jinja_undefined;
    *c = (llmi_jinja_cycler){.items = l};
    return (llmi_jinja_value){.kind = LLMI_V_GENERATOR, .cycler = c};
}

enum { MAX_RANGE = 100000 }; /* as in Jinja's sandbox */

llmi_jinja_value llmi_jinja_of_range(llmi_jinja_run *r, int64_t from, int64_t to, int64_t step) {
    llmi_jinja_range *range = llmi_jinja_run_take(r, sizeof *range);
    if (!range) return llmi_jinja_undefined;
    *range = (llmi_jinja_range){.from = from, .to = to, .step = step};
    for (int64_t i = from; step > 0 ? i < to : i > to;) {
        if (range->list.n == MAX_RANGE)
            llmi_jinja_run_fail(r, LLM_E_LIMIT, "a range of more than %d numbers", MAX_RANGE);
        if (!llmi_jinja_list_add(r, &range->list, llmi_jinja_of_int(i)) || __builtin_add_overflow(i, step, &i)) break;
    }
    return LLMI_JINJA_OK(r) ? (llmi_jinja_value){.kind = LLMI_V_RANGE, .range = range} : llmi_jinja_undefined;
}

/* ---- meaning ---- */

const char *llmi_jinja_kind_name(llmi_jinja_value v) {
    static const char *const names[] = {
        [LLMI_V_UNDEFINED] = "undefined value",
        [LLMI_V_NONE] = "NoneType",
        [LLMI_V_BOOL] = "bool",
        [LLMI_V_INT] = "int",
        [LLMI_V_BIG] = "int beyond 64 bits",
        [LLMI_V_FLOAT] = "float",
        [LLMI_V_STR] = "str",
        [LLMI_V_LIST] = "list",
        [LLMI_V_TUPLE] = "tuple",
        [LLMI_V_RANGE] = "range",
        [LLMI_V_DICT] = "dict",
        [LLMI_V_GENERATOR] = "generator",
        [LLMI_V_NAMESPACE] = "namespace",
        [LLMI_V_LOOP] = "loop",
        [LLMI_V_CYCLER] = "cycler",
        [LLMI_V_JOINER] = "joiner",
        [LLMI_V_MACRO] = "macro",
        [LLMI_V_FUNCTION] = "function",
        [LLMI_V_METHOD] = "method",
        [LLMI_V_ABSENT] = "nothing",
    };
    static const char *const views[] = {"dict_keys", "dict_values", "dict_items"};
    return v.kind == LLMI_V_VIEW ? views[v.aux] : names[v.kind];
}

/* Kinds whose values are in v.list. */
static bool has_list(llmi_jinja_value v) {
    return v.kind == LLMI_V_LIST || v.kind == LLMI_V_TUPLE || v.kind == LLMI_V_RANGE || v.kind == LLMI_V_VIEW;
}

bool llmi_jinja_truth(llmi_jinja_value v) {
    switch (v.kind) {
    case LLMI_V_UNDEFINED:
    case LLMI_V_NONE:
    case LLMI_V_ABSENT:
        return false;
    case LLMI_V_BOOL:
    case LLMI_V_INT:
        return v.i != 0;
    case LLMI_V_FLOAT:
        return v.f != 0;
    case LLMI_V_STR:
        return v.s->n != 0;
    case LLMI_V_DICT:
        return v.dict->n != 0;
    default:
        return !has_list(v) || v.list->n != 0;
    }
}

bool llmi_jinja_is_int(llmi_jinja_value v) {
    return v.kind == LLMI_V_BOOL || v.kind == LLMI_V_INT;
}

bool llmi_jinja_is_number(llmi_jinja_value v) {
    return llmi_jinja_is_int(v) || v.kind == LLMI_V_FLOAT || v.kind == LLMI_V_BIG;
}

bool llmi_jinja_is_sequence(llmi_jinja_value v) {
    return v.kind == LLMI_V_STR || v.kind == LLMI_V_LIST || v.kind == LLMI_V_TUPLE || v.kind == LLMI_V_RANGE;
}

double llmi_jinja_as_float(llmi_jinja_value v) {
    if (v.kind == LLMI_V_BIG) {
        llmi_json j = {.type = LLMI_JSON_NUMBER, .n = v.s->n, .text = v.s->p};
        return llmi_json_double(&j);
    }
    return v.kind == LLMI_V_FLOAT ? v.f : (double)v.i;
}

/* ---- order ---- */

static int order(double a, double b) {
    return a < b ? LLMI_LESS : a > b ? LLMI_MORE : a == b ? LLMI_SAME : LLMI_NO_ORDER;
}

static int order_ints(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int order_digits(llmi_jinja_run *r, const llmi_jinja_str *a, const llmi_jinja_str *b) {
    bool minus = a->p[0] == '-';
    if (minus != (b->p[0] == '-')) return minus ? LLMI_LESS : LLMI_MORE;
    llmi_jinja_run_copy(r, a->n);
    int c = a->n != b->n ? (a->n > b->n) - (a->n < b->n) : memcmp(a->p, b->p, a->n);
    c = (c > 0) - (c < 0);
    return minus ? -c : c;
}

/* Exactly, where an integer meets a float too. */
static int order_numbers(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b) {
    if (a.kind == LLMI_V_FLOAT && b.kind == LLMI_V_FLOAT) return order(a.f, b.f);
    if (llmi_jinja_is_int(a) && llmi_jinja_is_int(b)) return order_ints(a.i, b.i);
    if (a.kind == LLMI_V_BIG && b.kind == LLMI_V_BIG) return order_digits(r, a.s, b.s);
    if (a.kind == LLMI_V_BIG && llmi_jinja_is_int(b)) return a.s->p[0] == '-' ? LLMI_LESS : LLMI_MORE;
    if (b.kind == LLMI_V_BIG && llmi_jinja_is_int(a)) return b.s->p[0] == '-' ? LLMI_MORE : LLMI_LESS;
    int by_value = order(llmi_jinja_as_float(a), llmi_jinja_as_float(b));
    if (by_value != LLMI_SAME) return by_value;
    double f = a.kind == LLMI_V_FLOAT ? a.f : b.f;
    if (!isfinite(f)) return b.kind == LLMI_V_FLOAT ? (f > 0 ? LLMI_LESS : LLMI_MORE) : f > 0 ? LLMI_MORE : LLMI_LESS;
    llmi_jinja_value whole = llmi_jinja_of_whole(r, f);
    return a.kind == LLMI_V_FLOAT ? order_numbers(r, whole, b) : order_numbers(r, a, whole);
}

static bool equal_dicts(llmi_jinja_run *r, const llmi_jinja_dict *a, const llmi_jinja_dict *b) {
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n && LLMI_JINJA_OK(r); i++) {
        const llmi_jinja_value *other = llmi_jinja_dict_find(r, b, a->keys[i]);
        if (!other || !llmi_jinja_equal(r, a->values[i], *other)) return false;
    }
    return true;
}

static bool equal_lists(llmi_jinja_run *r, const llmi_jinja_list *a, const llmi_jinja_list *b) {
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n && LLMI_JINJA_OK(r); i++)
        if (!llmi_jinja_equal(r, a->v[i], b->v[i])) return false;
    return true;
}

/* Keys and items compare as sets. */
static bool equal_views(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b) {
    if (a.aux == LLMI_VALUES || b.aux == LLMI_VALUES) return a.list == b.list;
    if (a.list->n != b.list->n) return false;
    for (uint32_t i = 0; i < a.list->n && LLMI_JINJA_OK(r); i++)
        if (!llmi_jinja_contains(r, b, a.list->v[i])) return false;
    return true;
}

bool llmi_jinja_equal(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b) {
    if (!llmi_jinja_run_spend(r, 1)) return false;
    if (llmi_jinja_is_number(a) && llmi_jinja_is_number(b)) return order_numbers(r, a, b) == LLMI_SAME;
    if (a.kind != b.kind) return false;
    if (a.kind == LLMI_V_STR) return llmi_jinja_str_same(r, a.s, b.s);
    if (a.kind == LLMI_V_NONE || a.kind == LLMI_V_UNDEFINED) return true;
    if (!has_list(a) && a.kind != LLMI_V_DICT) return a.i == b.i;
    if (!llmi_jinja_run_enter(r)) return false;
    bool same = a.kind == LLMI_V_DICT   ? equal_dicts(r, a.dict, b.dict)
                : a.kind == LLMI_V_VIEW ? equal_views(r, a, b)
                                        : equal_lists(r, a.list, b.list);
    llmi_jinja_run_leave(r);
    return same;
}

static int compare_lists(llmi_jinja_run *r, const llmi_jinja_list *a, const llmi_jinja_list *b) {
    uint32_t n = a->n < b->n ? a->n : b->n;
    for (uint32_t i = 0; i < n && LLMI_JINJA_OK(r); i++)
        if (!llmi_jinja_equal(r, a->v[i], b->v[i])) return llmi_jinja_compare(r, a->v[i], b->v[i]);
    return order_ints(a->n, b->n);
}

int llmi_jinja_compare(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b) {
    if (!llmi_jinja_run_spend(r, 1)) return LLMI_SAME;
    if (llmi_jinja_is_number(a) && llmi_jinja_is_number(b)) return order_numbers(r, a, b);
    if (a.kind == LLMI_V_STR && b.kind == LLMI_V_STR) {
        uint32_t n = a.s->n < b.s->n ? a.s->n : b.s->n;
        llmi_jinja_run_copy(r, n);
        int c = n ? memcmp(a.s->p, b.s->p, n) : 0;
        return c ? (c > 0) - (c < 0) : order_ints(a.s->n, b.s->n);
    }
    if (a.kind == b.kind && (a.kind == LLMI_V_LIST || a.kind == LLMI_V_TUPLE)) {
        if (!llmi_jinja_run_enter(r)) return LLMI_SAME;
        int c = compare_lists(r, a.list, b.list);
        llmi_jinja_run_leave(r);
        return c;
    }
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s and %s have no order", llmi_jinja_kind_name(a), llmi_jinja_kind_name(b));
    return LLMI_SAME;
}

bool llmi_jinja_contains(llmi_jinja_run *r, llmi_jinja_value container, llmi_jinja_value item) {
    if (container.kind == LLMI_V_STR) {
        if (item.kind == LLMI_V_STR) return llmi_jinja_str_find(r, container.s, item.s, 0) >= 0;
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "'in' of a string needs a string, found %s", llmi_jinja_kind_name(item));
        return false;
    }
    if (container.kind == LLMI_V_DICT)
        return llmi_jinja_is_hashable(r, item) && llmi_jinja_dict_find(r, container.dict, item) != NULL;
    if (container.kind == LLMI_V_GENERATOR) { /* takes what it looks at */
        llmi_jinja_cycler *c = container.cycler;
        while (c->at < c->items->n && LLMI_JINJA_OK(r))
            if (llmi_jinja_equal(r, c->items->v[c->at++], item)) return true;
        return false;
    }
    if (!has_list(container) && container.kind != LLMI_V_UNDEFINED)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s holds nothing that 'in' could find", llmi_jinja_kind_name(container));
    for (uint32_t i = 0; has_list(container) && i < container.list->n && LLMI_JINJA_OK(r); i++)
        if (llmi_jinja_equal(r, container.list->v[i], item)) return true;
    return false;
}

/* ---- parts ---- */

static llmi_jinja_list *take_rest(llmi_jinja_run *r, llmi_jinja_cycler *c) {
    llmi_jinja_list *l = llmi_jinja_run_take(r, sizeof *l);
    uint32_t n = c->items->n - c->at;
    if (l) *l = (llmi_jinja_list){.v = n ? c->items->v + c->at : NULL, .n = n, .cap = n};
    c->at = c->items->n;
    return l;
}

llmi_jinja_list *llmi_jinja_iterate(llmi_jinja_run *r, llmi_jinja_value v) {
    if (has_list(v)) return v.list;
    switch (v.kind) {
    case LLMI_V_UNDEFINED:
        return llmi_jinja_list_new(r, 0);
    case LLMI_V_STR:
        return llmi_jinja_str_characters(r, v.s);
    case LLMI_V_GENERATOR:
        return take_rest(r, v.cycler);
    case LLMI_V_DICT: {
        llmi_jinja_list *l = llmi_jinja_list_new(r, v.dict->n);
        for (uint32_t i = 0; i < v.dict->n && l; i++) llmi_jinja_list_add(r, l, v.dict->keys[i]);
        return l;
    }
    default:
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s is not iterable", llmi_jinja_kind_name(v));
        return NULL;
    }
}

int64_t llmi_jinja_length(llmi_jinja_run *r, llmi_jinja_value v) {
    if (has_list(v)) return v.list->n;
    switch (v.kind) {
    case LLMI_V_STR:
        return llmi_jinja_str_length(r, v.s);
    case LLMI_V_DICT:
        return v.dict->n;
    case LLMI_V_UNDEFINED:
        return 0;
    default:
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s has no length%s", llmi_jinja_kind_name(v),
                            v.kind == LLMI_V_GENERATOR ? ": make it a list by \"|list\"" : "");
        return 0;
    }
}

static void fail_undefined(llmi_jinja_run *r, llmi_jinja_value v) {
    if (v.s)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "'%s' is undefined", LLMI_QUOTE(v.s->p, v.s->n));
    else
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "the value is undefined");
}

/* A character of a string, an element of a list: index from the end if negative. */
static llmi_jinja_value at_index(llmi_jinja_run *r, llmi_jinja_value v, int64_t i) {
    int64_t n = llmi_jinja_length(r, v);
    if (i < 0) i += n;
    if (i < 0 || i >= n) return llmi_jinja_undefined;
    if (v.kind != LLMI_V_STR) return v.list->v[i];
    size_t begin = llmi_jinja_str_offset(r, v.s, i);
    const llmi_jinja_str rest = {.p = v.s->p + begin, .n = v.s->n - (uint32_t)begin};
    return llmi_jinja_of_str(llmi_jinja_str_cut(r, v.s, begin, begin + llmi_jinja_str_offset(r, &rest, 1)));
}

llmi_jinja_value llmi_jinja_item(llmi_jinja_run *r, llmi_jinja_value v, llmi_jinja_value key) {
    if (v.kind == LLMI_V_UNDEFINED) {
        fail_undefined(r, v);
        return llmi_jinja_undefined;
    }
    if (v.kind == LLMI_V_DICT) {
        const llmi_jinja_value *found = llmi_jinja_dict_find(r, v.dict, key);
        if (found) return *found;
    }
    if (llmi_jinja_is_sequence(v) && llmi_jinja_is_int(key)) return at_index(r, v, key.i);
    return key.kind == LLMI_V_STR ? llmi_jinja_attribute(r, v, key.s) : llmi_jinja_undefined;
}

static llmi_jinja_value group_part(llmi_jinja_value v, const llmi_jinja_str *name) {
    return v.list->v[llmi_jinja_str_is(name, "list")];
}

llmi_jinja_value llmi_jinja_attribute(llmi_jinja_run *r, llmi_jinja_value v, const llmi_jinja_str *name) {
    if (v.kind == LLMI_V_UNDEFINED) {
        fail_undefined(r, v);
        return llmi_jinja_undefined;
    }
    if (v.kind == LLMI_V_LOOP) return llmi_jinja_loop_attribute(r, v.loop, name);
    if (v.kind == LLMI_V_MACRO) return llmi_jinja_macro_attribute(r, v.macro, name);
    if (v.kind == LLMI_V_TUPLE && v.aux == LLMI_GROUP &&
        (llmi_jinja_str_is(name, "grouper") || llmi_jinja_str_is(name, "list")))
        return group_part(v, name);
    llmi_jinja_value method = llmi_method_of(r, v, name);
    if (method.kind != LLMI_V_UNDEFINED) return method;
    if (v.kind == LLMI_V_DICT || v.kind == LLMI_V_NAMESPACE) {
        const llmi_jinja_value *found = llmi_jinja_dict_get(v.dict, name->p, name->n);
        if (found) return *found;
    }
    return llmi_jinja_undefined_named(r, name->p, name->n);
}

/* ---- slices ---- */

static int64_t held_bound(llmi_jinja_run *r, llmi_jinja_value v, int64_t n, int64_t low, int64_t high,
                          int64_t otherwise) {
    if (v.kind == LLMI_V_ABSENT || v.kind == LLMI_V_NONE) return otherwise;
    if (!llmi_jinja_is_int(v)) {
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "a slice needs integers, found %s", llmi_jinja_kind_name(v));
        return otherwise;
    }
    int64_t i = v.i < 0 ? v.i + n : v.i;
    return i < low ? low : i > high ? high : i;
}

int64_t llmi_jinja_bound(llmi_jinja_run *r, llmi_jinja_value v, int64_t n, int64_t otherwise) {
    return held_bound(r, v, n, 0, n, otherwise);
}

/* Number `index` of a range, clamped to 64 bits: its end may be beyond them. */
static int64_t number_at(const llmi_jinja_range *g, int64_t index) {
    int64_t n;
    bool beyond = __builtin_mul_overflow(index, g->step, &n) || __builtin_add_overflow(g->from, n, &n);
    return !beyond ? n : (index < 0) == (g->step < 0) ? INT64_MAX : INT64_MIN;
}

/* from, from + step, ... before `to`: of a list. */
static llmi_jinja_value slice_list(llmi_jinja_run *r, llmi_jinja_value v, int64_t from, int64_t to, int64_t step) {
    if (v.kind == LLMI_V_RANGE) {
        if (!__builtin_mul_overflow(step, v.range->step, &step))
            return llmi_jinja_of_range(r, number_at(v.range, from), number_at(v.range, to), step);
        llmi_jinja_run_fail(r, LLM_E_LIMIT, "the step of a range exceeds 64 bits");
        return llmi_jinja_undefined;
    }
    llmi_jinja_list *some = llmi_jinja_list_new(r, 0);
    for (int64_t i = from; some && (step > 0 ? i < to : i > to) && llmi_jinja_run_spend(r, (i & 15) == 0); i += step)
        llmi_jinja_list_add(r, some, v.list->v[i]);
    return llmi_jinja_of_list(some, v.kind);
}

static llmi_jinja_value slice_string(llmi_jinja_run *r, llmi_jinja_value v, int64_t from, int64_t to, int64_t step) {
    if (step == 1) {
        size_t begin = llmi_jinja_str_offset(r, v.s, from), end = from < to ? llmi_jinja_str_offset(r, v.s, to) : begin;
        return llmi_jinja_of_str(llmi_jinja_str_cut(r, v.s, begin, end));
    }
    llmi_jinja_list *all = llmi_jinja_str_characters(r, v.s);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (int64_t i = from; all && LLMI_JINJA_OK(r) && (step > 0 ? i < to : i > to); i += step)
        llmi_builder_str(&b, all->v[i].s);
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

llmi_jinja_value llmi_jinja_slice(llmi_jinja_run *r, llmi_jinja_value v, const llmi_jinja_value bounds[3]) {
    if (v.kind == LLMI_V_UNDEFINED) fail_undefined(r, v);
    if (!llmi_jinja_is_sequence(v)) {
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s cannot be sliced", llmi_jinja_kind_name(v));
        return llmi_jinja_undefined;
    }
    int64_t n = llmi_jinja_length(r, v), step = 1;
    if (llmi_jinja_is_int(bounds[2])) step = bounds[2].i;
    bool known = llmi_jinja_is_int(bounds[2]) || bounds[2].kind == LLMI_V_NONE;
    if (!known || step == 0 || step < -INT32_MAX || step > INT32_MAX) {
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "the step of a slice is %s, expected -2^31..2^31 without 0",
                            known ? "0 or too large" : llmi_jinja_kind_name(bounds[2]));
        return llmi_jinja_undefined;
    }
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    int64_t from = held_bound(r, bounds[0], n, low, high, step > 0 ? 0 : n - 1);
    int64_t to = held_bound(r, bounds[1], n, low, high, step > 0 ? n : -1);
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    return v.kind == LLMI_V_STR ? slice_string(r, v, from, to, step) : slice_list(r, v, from, to, step);
}
