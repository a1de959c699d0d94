#include "text/template_value.h"

#include <math.h>

#include "base/text.h"
#include "text/template_code.h"

const llmi_value llmi_undefined = {.kind = LLMI_V_UNDEFINED};
const llmi_value llmi_none = {.kind = LLMI_V_NONE};

/* ---- making ---- */

llmi_value llmi_undefined_named(llmi_run *r, const char *name, size_t n) {
    return (llmi_value){.kind = LLMI_V_UNDEFINED, .s = llmi_str_over(r, name, n)};
}

/* Room for one more element of `size` bytes; the old array stays in the arena. */
static void *grow(llmi_run *r, void *old, uint32_t n, uint32_t cap, size_t size) {
    void *p = llmi_run_take(r, (size_t)cap * size);
    if (p && n) memcpy(p, old, n * size);
    return p;
}

llmi_list *llmi_list_new(llmi_run *r, uint32_t cap) {
    llmi_list *l = llmi_run_take(r, sizeof *l);
    if (!l) return NULL;
    *l = (llmi_list){.cap = cap ? cap : 4};
    l->v = llmi_run_take(r, l->cap * sizeof *l->v);
    return l->v ? l : NULL;
}

bool llmi_list_add(llmi_run *r, llmi_list *l, llmi_value v) {
    if (!l || !LLMI_OK(r)) return false;
    if (l->n == l->cap) {
        void *more = grow(r, l->v, l->n, l->cap * 2, sizeof *l->v);
        if (!more) return false;
        l->v = more;
        l->cap *= 2;
    }
    l->v[l->n++] = v;
    return true;
}

llmi_dict *llmi_dict_new(llmi_run *r, uint32_t cap) {
    llmi_dict *d = llmi_run_take(r, sizeof *d);
    if (!d) return NULL;
    *d = (llmi_dict){.cap = cap ? cap : 4};
    d->keys = llmi_run_take(r, d->cap * sizeof *d->keys);
    d->values = llmi_run_take(r, d->cap * sizeof *d->values);
    return d->keys && d->values ? d : NULL;
}

static bool dict_add(llmi_run *r, llmi_dict *d, llmi_value key, llmi_value value) {
    if (d->n == d->cap) {
        void *keys = grow(r, d->keys, d->n, d->cap * 2, sizeof *d->keys);
        void *values = grow(r, d->values, d->n, d->cap * 2, sizeof *d->values);
        if (!keys || !values) return false;
        d->keys = keys;
        d->values = values;
        d->cap *= 2;
    }
    d->keys[d->n] = key;
    d->values[d->n++] = value;
    return true;
}

bool llmi_dict_put(llmi_run *r, llmi_dict *d, llmi_value key, llmi_value value) {
    if (!d || !LLMI_OK(r)) return false;
    if (key.kind == LLMI_V_LIST || key.kind == LLMI_V_DICT) {
        llmi_run_fail(r, LLM_E_FORMAT, "a %s cannot be a key", llmi_kind_name(key));
        return false;
    }
    llmi_value *there = (llmi_value *)(uintptr_t)llmi_dict_find(r, d, key);
    if (there) {
        *there = value;
        return true;
    }
    return dict_add(r, d, key, value);
}

const llmi_value *llmi_dict_find(llmi_run *r, const llmi_dict *d, llmi_value key) {
    if (key.kind == LLMI_V_STR) {
        if (!llmi_run_spend(r, d->n / 16)) return NULL;
        return llmi_dict_get(d, key.s->p, key.s->n);
    }
    for (uint32_t i = 0; i < d->n; i++)
        if (d->keys[i].kind != LLMI_V_STR && llmi_equal(r, d->keys[i], key)) return &d->values[i];
    return NULL;
}

const llmi_value *llmi_dict_get(const llmi_dict *d, const char *key, size_t n) {
    for (uint32_t i = 0; i < d->n; i++)
        if (d->keys[i].kind == LLMI_V_STR && d->keys[i].s->n == n && memcmp(d->keys[i].s->p, key, n) == 0)
            return &d->values[i];
    return NULL;
}

/* ---- the context ---- */

/* A role names who speaks; templates spell special tokens with it ("<|" + role + "|>"), which plain words
 * cannot abuse. */
static bool is_plain_word(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9') ||
              p[i] == '_' || p[i] == '-'))
            return false;
    return n > 0 && n <= 64;
}

static llmi_value given_string(llmi_run *r, const char *p, size_t n, bool trusted) {
    llmi_str *s = llmi_run_take(r, sizeof *s);
    if (!s) return llmi_undefined;
    *s = (llmi_str){.p = p, .n = (uint32_t)n};
    if (!trusted && n) {
        llmi_mark *mark = llmi_run_take(r, sizeof *mark);
        if (!mark) return llmi_undefined;
        *mark = (llmi_mark){0, s->n, r->message};
        s->marks = mark;
        s->n_marks = 1;
    }
    return llmi_of_str(s);
}

static llmi_value from_array(llmi_run *r, const json_t *j, bool trusted) {
    llmi_list *l = llmi_list_new(r, (uint32_t)json_array_size(j));
    for (size_t i = 0; i < json_array_size(j) && LLMI_OK(r); i++)
        llmi_list_add(r, l, llmi_from_json(r, json_array_get(j, i), trusted));
    return llmi_of_list(l, LLMI_V_LIST);
}

static llmi_value from_object(llmi_run *r, const json_t *j, bool trusted) {
    llmi_dict *d = llmi_dict_new(r, (uint32_t)json_object_size(j));
    json_t *object = (json_t *)(uintptr_t)j; /* iterators take no const */
    for (void *i = json_object_iter(object); i && d && LLMI_OK(r); i = json_object_iter_next(object, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *v = json_object_iter_value(i);
        bool plain =
            strcmp(key, "role") == 0 && json_is_string(v) && is_plain_word(json_string_value(v), json_string_length(v));
        llmi_value name = given_string(r, key, strlen(key), trusted);
        dict_add(r, d, name, llmi_from_json(r, v, trusted || plain));
    }
    return llmi_of_dict(d);
}

llmi_value llmi_from_json(llmi_run *r, const json_t *j, bool trusted) {
    if (!llmi_run_spend(r, 1)) return llmi_undefined;
    switch (json_typeof(j)) {
    case JSON_NULL:
        return llmi_none;
    case JSON_TRUE:
        return llmi_of_bool(true);
    case JSON_FALSE:
        return llmi_of_bool(false);
    case JSON_INTEGER:
        return llmi_of_int(json_integer_value(j));
    case JSON_REAL:
        return llmi_of_float(json_real_value(j));
    case JSON_STRING:
        return given_string(r, json_string_value(j), json_string_length(j), trusted);
    default:
        break;
    }
    if (!llmi_run_enter(r)) return llmi_undefined;
    llmi_value v = json_is_array(j) ? from_array(r, j, trusted) : from_object(r, j, trusted);
    llmi_run_leave(r);
    return v;
}

static bool is_listed(const char *const *names, const char *name) {
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

static llmi_value from_messages(llmi_run *r, const json_t *messages) {
    llmi_list *l = llmi_list_new(r, (uint32_t)json_array_size(messages));
    for (size_t i = 0; i < json_array_size(messages) && LLMI_OK(r); i++) {
        r->message = (int32_t)i;
        llmi_list_add(r, l, llmi_from_json(r, json_array_get(messages, i), false));
    }
    r->message = -1;
    return llmi_of_list(l, LLMI_V_LIST);
}

llmi_dict *llmi_from_context(llmi_run *r, const json_t *context, const char *const *trusted) {
    r->message = -1;
    llmi_dict *d = llmi_dict_new(r, (uint32_t)json_object_size(context) + 1);
    json_t *object = (json_t *)(uintptr_t)context;
    for (void *i = json_object_iter(object); i && d && LLMI_OK(r); i = json_object_iter_next(object, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *v = json_object_iter_value(i);
        bool messages = strcmp(key, "messages") == 0 && json_is_array(v);
        llmi_value value = messages ? from_messages(r, v) : llmi_from_json(r, v, is_listed(trusted, key));
        dict_add(r, d, llmi_of_str(llmi_str_over(r, key, strlen(key))), value);
    }
    return LLMI_OK(r) ? d : NULL;
}

/* ---- meaning ---- */

const char *llmi_kind_name(llmi_value v) {
    static const char *const names[] = {"undefined", "NoneType", "bool",     "int",       "float", "str",
                                        "list",      "tuple",    "dict",     "namespace", "loop",  "cycler",
                                        "joiner",    "macro",    "function", "method"};
    return names[v.kind];
}

bool llmi_truth(llmi_value v) {
    switch (v.kind) {
    case LLMI_V_UNDEFINED:
    case LLMI_V_NONE:
        return false;
    case LLMI_V_BOOL:
    case LLMI_V_INT:
        return v.i != 0;
    case LLMI_V_FLOAT:
        return v.f != 0;
    case LLMI_V_STR:
        return v.s->n != 0;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
        return v.list->n != 0;
    case LLMI_V_DICT:
        return v.dict->n != 0;
    default:
        return true;
    }
}

bool llmi_is_number(llmi_value v) {
    return v.kind == LLMI_V_BOOL || v.kind == LLMI_V_INT || v.kind == LLMI_V_FLOAT;
}

double llmi_as_float(llmi_value v) {
    return v.kind == LLMI_V_FLOAT ? v.f : (double)v.i;
}

static bool equal_dicts(llmi_run *r, const llmi_dict *a, const llmi_dict *b) {
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n && LLMI_OK(r); i++) {
        const llmi_value *other = llmi_dict_find(r, b, a->keys[i]);
        if (!other || !llmi_equal(r, a->values[i], *other)) return false;
    }
    return true;
}

static bool equal_lists(llmi_run *r, const llmi_list *a, const llmi_list *b) {
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n && LLMI_OK(r); i++)
        if (!llmi_equal(r, a->v[i], b->v[i])) return false;
    return true;
}

bool llmi_equal(llmi_run *r, llmi_value a, llmi_value b) {
    if (!llmi_run_spend(r, 1)) return false;
    if (llmi_is_number(a) && llmi_is_number(b))
        return a.kind == LLMI_V_FLOAT || b.kind == LLMI_V_FLOAT ? llmi_as_float(a) == llmi_as_float(b) : a.i == b.i;
    if (a.kind != b.kind) return false;
    if (a.kind == LLMI_V_STR) return llmi_str_same(a.s, b.s);
    if (a.kind == LLMI_V_NONE || a.kind == LLMI_V_UNDEFINED) return true;
    if (a.kind != LLMI_V_LIST && a.kind != LLMI_V_TUPLE && a.kind != LLMI_V_DICT) return a.i == b.i;
    if (!llmi_run_enter(r)) return false;
    bool same = a.kind == LLMI_V_DICT ? equal_dicts(r, a.dict, b.dict) : equal_lists(r, a.list, b.list);
    llmi_run_leave(r);
    return same;
}

static int order(double a, double b) {
    return (a > b) - (a < b);
}

static int compare_lists(llmi_run *r, const llmi_list *a, const llmi_list *b) {
    uint32_t n = a->n < b->n ? a->n : b->n;
    for (uint32_t i = 0; i < n && LLMI_OK(r); i++)
        if (!llmi_equal(r, a->v[i], b->v[i])) return llmi_compare(r, a->v[i], b->v[i]);
    return (a->n > b->n) - (a->n < b->n);
}

int llmi_compare(llmi_run *r, llmi_value a, llmi_value b) {
    if (!llmi_run_spend(r, 1)) return 0;
    if (llmi_is_number(a) && llmi_is_number(b)) {
        if (a.kind == LLMI_V_FLOAT || b.kind == LLMI_V_FLOAT) return order(llmi_as_float(a), llmi_as_float(b));
        return (a.i > b.i) - (a.i < b.i);
    }
    if (a.kind == LLMI_V_STR && b.kind == LLMI_V_STR) {
        uint32_t n = a.s->n < b.s->n ? a.s->n : b.s->n;
        int c = n ? memcmp(a.s->p, b.s->p, n) : 0;
        return c ? (c > 0) - (c < 0) : (a.s->n > b.s->n) - (a.s->n < b.s->n);
    }
    if (a.kind == b.kind && (a.kind == LLMI_V_LIST || a.kind == LLMI_V_TUPLE)) {
        if (!llmi_run_enter(r)) return 0;
        int c = compare_lists(r, a.list, b.list);
        llmi_run_leave(r);
        return c;
    }
    llmi_run_fail(r, LLM_E_FORMAT, "%s and %s have no order", llmi_kind_name(a), llmi_kind_name(b));
    return 0;
}

bool llmi_contains(llmi_run *r, llmi_value container, llmi_value item) {
    switch (container.kind) {
    case LLMI_V_STR:
        if (item.kind == LLMI_V_STR) {
            llmi_run_spend(r, container.s->n / 64);
            return llmi_str_find(container.s, item.s, 0) >= 0;
        }
        llmi_run_fail(r, LLM_E_FORMAT, "'in' of a string needs a string, found %s", llmi_kind_name(item));
        return false;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
        for (uint32_t i = 0; i < container.list->n && LLMI_OK(r); i++)
            if (llmi_equal(r, container.list->v[i], item)) return true;
        return false;
    case LLMI_V_DICT:
        return llmi_dict_find(r, container.dict, item) != NULL;
    case LLMI_V_UNDEFINED:
        return false;
    default:
        llmi_run_fail(r, LLM_E_FORMAT, "%s holds nothing that 'in' could find", llmi_kind_name(container));
        return false;
    }
}

/* ---- parts ---- */

llmi_list *llmi_iterate(llmi_run *r, llmi_value v) {
    llmi_list *l;
    switch (v.kind) {
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
        return v.list;
    case LLMI_V_UNDEFINED:
        return llmi_list_new(r, 0);
    case LLMI_V_STR:
        return llmi_str_characters(r, v.s);
    case LLMI_V_DICT:
        l = llmi_list_new(r, v.dict->n);
        for (uint32_t i = 0; i < v.dict->n && l; i++) llmi_list_add(r, l, v.dict->keys[i]);
        return l;
    default:
        llmi_run_fail(r, LLM_E_FORMAT, "%s is not iterable", llmi_kind_name(v));
        return NULL;
    }
}

int64_t llmi_length(llmi_run *r, llmi_value v) {
    switch (v.kind) {
    case LLMI_V_STR:
        return (int64_t)llmi_str_length(v.s);
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
        return v.list->n;
    case LLMI_V_DICT:
        return v.dict->n;
    case LLMI_V_UNDEFINED:
        return 0;
    default:
        llmi_run_fail(r, LLM_E_FORMAT, "%s has no length", llmi_kind_name(v));
        return 0;
    }
}

static void fail_undefined(llmi_run *r, llmi_value v) {
    if (v.s)
        llmi_run_fail(r, LLM_E_FORMAT, "'%s' is undefined", LLMI_QUOTE(v.s->p, v.s->n));
    else
        llmi_run_fail(r, LLM_E_FORMAT, "the value is undefined");
}

/* A character of a string, an element of a list: index from the end if negative. */
static llmi_value at_index(llmi_run *r, llmi_value v, int64_t i) {
    int64_t n = llmi_length(r, v);
    if (i < 0) i += n;
    if (i < 0 || i >= n) return llmi_undefined;
    if (v.kind != LLMI_V_STR) return v.list->v[i];
    llmi_run_spend(r, v.s->n / 64);
    return llmi_of_str(llmi_str_cut(r, v.s, llmi_str_offset(v.s, (size_t)i), llmi_str_offset(v.s, (size_t)i + 1)));
}

llmi_value llmi_item(llmi_run *r, llmi_value v, llmi_value key) {
    if (v.kind == LLMI_V_UNDEFINED) {
        fail_undefined(r, v);
        return llmi_undefined;
    }
    if (v.kind == LLMI_V_DICT) {
        const llmi_value *found = llmi_dict_find(r, v.dict, key);
        if (found) return *found;
    }
    bool sequence = v.kind == LLMI_V_LIST || v.kind == LLMI_V_TUPLE || v.kind == LLMI_V_STR;
    if (sequence && (key.kind == LLMI_V_INT || key.kind == LLMI_V_BOOL)) return at_index(r, v, key.i);
    if (key.kind != LLMI_V_STR) return llmi_undefined;
    llmi_value method = llmi_method_of(r, v, key.s);
    return method.kind == LLMI_V_UNDEFINED ? llmi_undefined_named(r, key.s->p, key.s->n) : method;
}

llmi_value llmi_attribute(llmi_run *r, llmi_value v, const llmi_str *name) {
    if (v.kind == LLMI_V_UNDEFINED) {
        fail_undefined(r, v);
        return llmi_undefined;
    }
    if (v.kind == LLMI_V_LOOP) return llmi_loop_attribute(r, v.loop, name);
    llmi_value method = llmi_method_of(r, v, name);
    if (method.kind != LLMI_V_UNDEFINED) return method;
    if (v.kind == LLMI_V_DICT || v.kind == LLMI_V_NAMESPACE) {
        const llmi_value *found = llmi_dict_get(v.dict, name->p, name->n);
        if (found) return *found;
    }
    return llmi_undefined_named(r, name->p, name->n);
}

/* Python's rules: counted from the end if negative, then held inside the sequence. */
static int64_t bound(llmi_run *r, llmi_value v, int64_t n, int64_t low, int64_t high, int64_t otherwise) {
    if (v.kind == LLMI_V_UNDEFINED || v.kind == LLMI_V_NONE) return otherwise;
    if (v.kind != LLMI_V_INT && v.kind != LLMI_V_BOOL) {
        llmi_run_fail(r, LLM_E_FORMAT, "a slice needs integers, found %s", llmi_kind_name(v));
        return otherwise;
    }
    int64_t i = v.i < 0 ? v.i + n : v.i;
    return i < low ? low : i > high ? high : i;
}

llmi_value llmi_slice(llmi_run *r, llmi_value v, const llmi_value bounds[3]) {
    if (v.kind == LLMI_V_UNDEFINED) fail_undefined(r, v);
    if (v.kind != LLMI_V_STR && v.kind != LLMI_V_LIST && v.kind != LLMI_V_TUPLE) {
        llmi_run_fail(r, LLM_E_FORMAT, "%s cannot be sliced", llmi_kind_name(v));
        return llmi_undefined;
    }
    int64_t n = llmi_length(r, v), step = 1;
    if (bounds[2].kind == LLMI_V_INT) step = bounds[2].i;
    if (step == 0 || step < -INT32_MAX || step > INT32_MAX) {
        llmi_run_fail(r, LLM_E_FORMAT, "the step of a slice is %lld, expected -2^31..2^31 without 0", (long long)step);
        return llmi_undefined;
    }
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    int64_t from = bound(r, bounds[0], n, low, high, step > 0 ? 0 : n - 1);
    int64_t to = bound(r, bounds[1], n, low, high, step > 0 ? n : -1);
    if (!llmi_run_spend(r, n / 64 + 1)) return llmi_undefined;
    if (v.kind == LLMI_V_STR && step == 1) {
        size_t begin = llmi_str_offset(v.s, (size_t)from), end = from < to ? llmi_str_offset(v.s, (size_t)to) : begin;
        return llmi_of_str(llmi_str_cut(r, v.s, begin, end));
    }
    llmi_list *all = v.kind == LLMI_V_STR ? llmi_str_characters(r, v.s) : v.list, *some = llmi_list_new(r, 0);
    for (int64_t i = from; all && some && (step > 0 ? i < to : i > to); i += step) llmi_list_add(r, some, all->v[i]);
    if (v.kind != LLMI_V_STR) return llmi_of_list(some, v.kind);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; some && i < some->n; i++) llmi_builder_str(&b, some->v[i].s);
    return llmi_of_str(llmi_builder_finish(&b));
}
