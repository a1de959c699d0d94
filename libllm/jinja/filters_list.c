/* Filters of sequences and dictionaries. */
#include "jinja/filters.h"

#include "base/text.h"

#define DEFINE(name) llmi_jinja_value llmi_filter_##name(llmi_jinja_run *r, const llmi_jinja_args *args)
#define V            (args->self)

/* ---- attributes by path ---- */

/* One step of a path: "0" is an index. */
static llmi_jinja_value step(llmi_jinja_run *r, llmi_jinja_value v, const llmi_jinja_str *name) {
    bool number = name->n > 0 && name->n < 10;
    for (uint32_t i = 0; i < name->n && number; i++) number = name->p[i] >= '0' && name->p[i] <= '9';
    return llmi_jinja_item(r, v, number ? llmi_jinja_of_digits(r, name->p, name->n) : llmi_jinja_of_str(name));
}

/* v.a.b.0 for "a.b.0"; v itself without a path. otherwise: NONE, or what an undefined step becomes. */
static llmi_jinja_value walk(llmi_jinja_run *r, llmi_jinja_value v, llmi_jinja_value path, llmi_jinja_value otherwise) {
    if (path.kind == LLMI_V_ABSENT || path.kind == LLMI_V_NONE) return v;
    bool has_default = otherwise.kind != LLMI_V_NONE && otherwise.kind != LLMI_V_ABSENT;
    size_t n = path.kind == LLMI_V_STR ? path.s->n : 0;
    for (size_t at = 0; at <= n && llmi_jinja_run_spend(r, 1);) {
        const char *point = n ? memchr(path.s->p + at, '.', n - at) : NULL;
        size_t end = point ? (size_t)(point - path.s->p) : n;
        const llmi_jinja_str *name = path.kind == LLMI_V_STR ? llmi_jinja_str_cut(r, path.s, at, end) : NULL;
        v = name ? step(r, v, name) : llmi_jinja_item(r, v, path);
        if (v.kind == LLMI_V_UNDEFINED && has_default) v = otherwise;
        at = end + 1;
    }
    return v;
}

/* Values are compared without regard to case unless asked otherwise. */
static llmi_jinja_value fold_case(llmi_jinja_run *r, llmi_jinja_value v, bool with_case) {
    return v.kind == LLMI_V_STR && !with_case ? llmi_jinja_of_str(llmi_jinja_str_recase(r, v.s, LLMI_RECASE_LOWER)) : v;
}

/* ---- sorting ---- */

/* Merge sort: stable, no recursion. */
void llmi_jinja_sort(llmi_jinja_run *r, llmi_jinja_value *v, llmi_jinja_value *keys, uint32_t n, bool down) {
    llmi_jinja_value *v2 = n ? llmi_jinja_run_take(r, (size_t)n * 2 * sizeof *v2) : NULL;
    if (!v2) return;
    llmi_jinja_value *k2 = v2 + n;
    for (uint64_t width = 1; width < n && llmi_jinja_run_spend(r, n / 8); width *= 2) {
        for (uint64_t begin = 0; begin < n; begin += 2 * width) {
            uint64_t mid = begin + width < n ? begin + width : n, end = mid + width < n ? mid + width : n;
            for (uint64_t a = begin, b = mid, out = begin; out < end && LLMI_JINJA_OK(r); out++) {
                bool later = a < mid && b < end &&
                             (down ? llmi_jinja_compare(r, keys[a], keys[b])
                                   : llmi_jinja_compare(r, keys[b], keys[a])) == LLMI_LESS;
                uint64_t from = b == end || (a < mid && !later) ? a++ : b++;
                v2[out] = v[from];
                k2[out] = keys[from];
            }
        }
        if (!LLMI_JINJA_OK(r)) return;
        memcpy(v, v2, n * sizeof *v);
        memcpy(keys, k2, n * sizeof *keys);
    }
}

/* The key of one item, as sort and groupby compare it. */
typedef struct keying {
    llmi_jinja_value path, otherwise;
    bool with_case;
} keying;

static llmi_jinja_value key_of(llmi_jinja_run *r, llmi_jinja_value item, const keying *how) {
    return fold_case(r, walk(r, item, how->path, how->otherwise), how->with_case);
}

/* A list of keys for "a,b". */
static llmi_jinja_value keys_of(llmi_jinja_run *r, llmi_jinja_value item, const keying *how) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, 1);
    size_t n = how->path.kind == LLMI_V_STR ? how->path.s->n : 0;
    for (size_t at = 0; at <= n && l && LLMI_JINJA_OK(r);) {
        const char *comma = n ? memchr(how->path.s->p + at, ',', n - at) : NULL;
        size_t end = comma ? (size_t)(comma - how->path.s->p) : n;
        keying one = *how;
        if (how->path.kind == LLMI_V_STR) one.path = llmi_jinja_of_str(llmi_jinja_str_cut(r, how->path.s, at, end));
        llmi_jinja_list_add(r, l, key_of(r, item, &one));
        at = end + 1;
    }
    return llmi_jinja_of_list(l, LLMI_V_LIST);
}

typedef llmi_jinja_value (*key_fn)(llmi_jinja_run *r, llmi_jinja_value item, const keying *how);

static llmi_jinja_list *sorted(llmi_jinja_run *r, llmi_jinja_value v, key_fn key, const keying *how, bool down) {
    llmi_jinja_list *items = llmi_jinja_iterate(r, v), *out = items ? llmi_jinja_list_new(r, items->n) : NULL;
    llmi_jinja_list *keys = items ? llmi_jinja_list_new(r, items->n) : NULL;
    for (uint32_t i = 0; out && keys && i < items->n && LLMI_JINJA_OK(r); i++) {
        llmi_jinja_list_add(r, out, items->v[i]);
        llmi_jinja_list_add(r, keys, key(r, items->v[i], how));
    }
    if (out && keys && LLMI_JINJA_OK(r)) llmi_jinja_sort(r, out->v, keys->v, out->n, down);
    return LLMI_JINJA_OK(r) ? out : NULL;
}

DEFINE(sort) {
    keying how = {llmi_jinja_arg(args, 2, llmi_jinja_none), llmi_jinja_none, llmi_jinja_arg_bool(args, 1, false)};
    return llmi_jinja_of_list(sorted(r, V, keys_of, &how, llmi_jinja_arg_int(r, args, 0, 0) != 0), LLMI_V_LIST);
}

static llmi_jinja_list *dict_pairs(llmi_jinja_run *r, llmi_jinja_value v) {
    llmi_jinja_value items =
        v.kind == LLMI_V_DICT ? llmi_method_of(r, v, llmi_jinja_str_over(r, "items", 5)) : llmi_jinja_undefined;
    if (items.kind == LLMI_V_METHOD) return llmi_jinja_iterate(r, llmi_method_call(r, items, &(llmi_jinja_args){0}));
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "a %s is not a mapping", llmi_jinja_kind_name(v));
    return NULL;
}

DEFINE(items) {
    return llmi_jinja_of_generator(r, V.kind == LLMI_V_UNDEFINED ? llmi_jinja_list_new(r, 0) : dict_pairs(r, V));
}

DEFINE(dictsort) {
    llmi_jinja_value by = llmi_jinja_arg(args, 1, llmi_jinja_absent);
    bool by_value = by.kind == LLMI_V_STR && llmi_jinja_str_is(by.s, "value");
    if (by.kind != LLMI_V_ABSENT && !by_value && (by.kind != LLMI_V_STR || !llmi_jinja_str_is(by.s, "key")))
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "dictsort: by is \"key\" or \"value\"");
    llmi_jinja_list *pairs = LLMI_JINJA_OK(r) ? dict_pairs(r, V) : NULL;
    keying how = {llmi_jinja_of_int(by_value), llmi_jinja_none, llmi_jinja_arg_bool(args, 0, false)};
    if (!pairs) return llmi_jinja_undefined;
    return llmi_jinja_of_list(
        sorted(r, llmi_jinja_of_list(pairs, LLMI_V_LIST), key_of, &how, llmi_jinja_arg_int(r, args, 2, 0) != 0),
        LLMI_V_LIST);
}

DEFINE(groupby) {
    keying how = {args->v[0], llmi_jinja_arg(args, 1, llmi_jinja_none), llmi_jinja_arg_bool(args, 2, false)};
    llmi_jinja_list *l = sorted(r, V, key_of, &how, false), *out = llmi_jinja_list_new(r, 0), *group = NULL;
    llmi_jinja_value last = llmi_jinja_undefined;
    for (uint32_t i = 0; l && i < l->n && LLMI_JINJA_OK(r); i++) {
        llmi_jinja_value key = key_of(r, l->v[i], &how);
        if (!group || !llmi_jinja_equal(r, key, last)) {
            llmi_jinja_list *pair = llmi_jinja_list_new(r, 2);
            llmi_jinja_list_add(r, pair, walk(r, l->v[i], how.path, how.otherwise));
            llmi_jinja_list_add(r, pair, llmi_jinja_of_list(group = llmi_jinja_list_new(r, 0), LLMI_V_LIST));
            llmi_jinja_value tuple = llmi_jinja_of_list(pair, LLMI_V_TUPLE);
            tuple.aux = LLMI_GROUP;
            llmi_jinja_list_add(r, out, tuple);
        }
        last = key;
        llmi_jinja_list_add(r, group, l->v[i]);
    }
    return llmi_jinja_of_list(out, LLMI_V_LIST);
}

DEFINE(unique) {
    keying how = {llmi_jinja_arg(args, 1, llmi_jinja_none), llmi_jinja_none, llmi_jinja_arg_bool(args, 0, false)};
    llmi_jinja_list *l = llmi_jinja_iterate(r, V), *out = llmi_jinja_list_new(r, 0), *seen = llmi_jinja_list_new(r, 0);
    for (uint32_t i = 0; l && seen && i < l->n && LLMI_JINJA_OK(r); i++) {
        llmi_jinja_value key = key_of(r, l->v[i], &how);
        if (!llmi_jinja_is_hashable(r, key) || llmi_jinja_contains(r, llmi_jinja_of_list(seen, LLMI_V_LIST), key))
            continue;
        llmi_jinja_list_add(r, seen, key);
        llmi_jinja_list_add(r, out, l->v[i]);
    }
    return llmi_jinja_of_generator(r, out);
}

/* The first of those that come before all others in the order. */
static llmi_jinja_value extreme(llmi_jinja_run *r, const llmi_jinja_args *args, int order) {
    keying how = {llmi_jinja_arg(args, 1, llmi_jinja_none), llmi_jinja_none, llmi_jinja_arg_bool(args, 0, false)};
    llmi_jinja_value best = llmi_jinja_undefined, best_key = llmi_jinja_undefined;
    llmi_jinja_list *l = llmi_jinja_iterate(r, V);
    for (uint32_t i = 0; l && i < l->n && LLMI_JINJA_OK(r); i++) {
        llmi_jinja_value key = key_of(r, l->v[i], &how);
        if (i && llmi_jinja_compare(r, key, best_key) != order) continue;
        best = l->v[i];
        best_key = key;
    }
    return best;
}

DEFINE(max) {
    return extreme(r, args, LLMI_MORE);
}
DEFINE(min) {
    return extreme(r, args, LLMI_LESS);
}

/* ---- whole sequences ---- */

DEFINE(length) {
    return llmi_jinja_of_int(llmi_jinja_length(r, V));
}

DEFINE(list) {
    llmi_jinja_list *l = llmi_jinja_iterate(r, V), *copy = l ? llmi_jinja_list_new(r, l->n) : NULL;
    for (uint32_t i = 0; copy && i < l->n && llmi_jinja_run_spend(r, (i & 15) == 0); i++)
        llmi_jinja_list_add(r, copy, l->v[i]);
    return llmi_jinja_of_list(copy, LLMI_V_LIST);
}

DEFINE(first) {
    if (V.kind == LLMI_V_GENERATOR) /* takes one value */
        return V.cycler->at < V.cycler->items->n ? V.cycler->items->v[V.cycler->at++] : llmi_jinja_undefined;
    if (V.kind == LLMI_V_STR) return llmi_jinja_item(r, V, llmi_jinja_of_int(0));
    llmi_jinja_list *l = llmi_jinja_iterate(r, V);
    return l && l->n ? l->v[0] : llmi_jinja_undefined;
}

DEFINE(last) {
    if (V.kind == LLMI_V_GENERATOR)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "last of a generator: make it a list by \"|list\"");
    if (V.kind == LLMI_V_STR) return llmi_jinja_item(r, V, llmi_jinja_of_int(-1));
    llmi_jinja_list *l = LLMI_JINJA_OK(r) ? llmi_jinja_iterate(r, V) : NULL;
    return l && l->n ? l->v[l->n - 1] : llmi_jinja_undefined;
}

DEFINE(reverse) {
    llmi_jinja_value all[3] = {llmi_jinja_none, llmi_jinja_none, llmi_jinja_of_int(-1)};
    if (V.kind == LLMI_V_STR) return llmi_jinja_slice(r, V, all);
    llmi_jinja_list *l = llmi_jinja_iterate(r, V);
    llmi_jinja_value back = l ? llmi_jinja_slice(r, llmi_jinja_of_list(l, LLMI_V_LIST), all) : llmi_jinja_undefined;
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    return V.kind == LLMI_V_GENERATOR ? back : llmi_jinja_of_generator(r, back.list);
}

DEFINE(join) {
    const llmi_jinja_str *between =
        args->v[0].kind == LLMI_V_ABSENT ? llmi_jinja_str_over(r, "", 0) : llmi_jinja_to_str(r, args->v[0]);
    llmi_jinja_value path = llmi_jinja_arg(args, 1, llmi_jinja_none);
    llmi_jinja_list *l = llmi_jinja_iterate(r, V);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; between && l && i < l->n && llmi_jinja_run_spend(r, 1); i++) {
        if (i) llmi_builder_str(&b, between);
        llmi_print(&b, walk(r, l->v[i], path, llmi_jinja_none));
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

DEFINE(sum) {
    llmi_jinja_value path = llmi_jinja_arg(args, 0, llmi_jinja_none),
                     sum = llmi_jinja_arg(args, 1, llmi_jinja_of_int(0));
    llmi_jinja_list *l = llmi_jinja_iterate(r, V);
    if (sum.kind == LLMI_V_STR) llmi_jinja_arg_fail(r, args, 1, "a value that is not text");
    for (uint32_t i = 0; l && i < l->n && LLMI_JINJA_OK(r); i++)
        sum = llmi_arith(r, '+', sum, walk(r, l->v[i], path, llmi_jinja_none));
    return sum;
}

/* ---- by another filter or test ---- */

/* For those that take anything false as an empty sequence. */
static llmi_jinja_list *iterate_or_nothing(llmi_jinja_run *r, llmi_jinja_value v) {
    return llmi_jinja_truth(v) ? llmi_jinja_iterate(r, v) : llmi_jinja_list_new(r, 0);
}

/* The filter or test that argument `at` names, with the arguments after it. */
static const llmi_jinja_builtin *named(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t at,
                                       const llmi_jinja_builtin *table, llmi_jinja_args *rest) {
    llmi_jinja_value name = at < args->n ? args->v[at] : llmi_jinja_absent;
    int32_t which = name.kind == LLMI_V_STR ? llmi_jinja_builtin_find(table, name.s->p, name.s->n) : -1;
    if (which < 0) {
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: no filter or test is called \"%s\"", args->of->name,
                            name.kind == LLMI_V_STR ? LLMI_QUOTE(name.s->p, name.s->n) : llmi_jinja_kind_name(name));
        return NULL;
    }
    *rest = *args;
    rest->v += at + 1;
    rest->n -= at + 1;
    return &table[which];
}

static llmi_jinja_value apply(llmi_jinja_run *r, const llmi_jinja_builtin *b, llmi_jinja_value v,
                              const llmi_jinja_args *args) {
    if (!llmi_jinja_run_spend(r, 1) || !llmi_jinja_run_enter(r)) return llmi_jinja_undefined;
    llmi_jinja_value result = llmi_jinja_builtin_call(r, b, v, args);
    llmi_jinja_run_leave(r);
    return result;
}

/* map(attribute=..., default=...) */
static llmi_jinja_value map_attribute(llmi_jinja_run *r, const llmi_jinja_args *args, llmi_jinja_list *l,
                                      llmi_jinja_list *out) {
    llmi_jinja_value path = llmi_jinja_absent, otherwise = llmi_jinja_none;
    for (int32_t i = 0; i < args->n_named; i++) {
        const llmi_jinja_str *name = args->named[i].name.s;
        if (llmi_jinja_str_is(name, "attribute"))
            path = args->named[i].value;
        else if (llmi_jinja_str_is(name, "default"))
            otherwise = args->named[i].value;
        else
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "map has no argument called \"%s\"", LLMI_QUOTE(name->p, name->n));
    }
    for (uint32_t i = 0; i < l->n && LLMI_JINJA_OK(r); i++)
        llmi_jinja_list_add(r, out, walk(r, l->v[i], path, otherwise));
    return llmi_jinja_of_generator(r, out);
}

static bool names_attribute(const llmi_jinja_args *args) {
    for (int32_t i = 0; i < args->n_named && args->n == 0; i++)
        if (llmi_jinja_str_is(args->named[i].name.s, "attribute")) return true;
    return false;
}

DEFINE(map) {
    llmi_jinja_list *l = iterate_or_nothing(r, V), *out = l ? llmi_jinja_list_new(r, l->n) : NULL;
    llmi_jinja_args rest;
    if (!out || !l->n) return llmi_jinja_of_generator(r, out);
    if (names_attribute(args)) return map_attribute(r, args, l, out);
    if (args->n == 0) llmi_jinja_run_fail(r, LLM_E_FORMAT, "map needs a filter or an attribute");
    const llmi_jinja_builtin *filter = LLMI_JINJA_OK(r) ? named(r, args, 0, llmi_jinja_filters, &rest) : NULL;
    for (uint32_t i = 0; filter && i < l->n && LLMI_JINJA_OK(r); i++)
        llmi_jinja_list_add(r, out, apply(r, filter, l->v[i], &rest));
    return llmi_jinja_of_generator(r, out);
}

/* by_attribute: the first argument is a path. Then the name of a test may follow. */
static llmi_jinja_value choose(llmi_jinja_run *r, const llmi_jinja_args *args, bool by_attribute, bool wanted) {
    llmi_jinja_list *l = iterate_or_nothing(r, V), *out = llmi_jinja_list_new(r, 0);
    llmi_jinja_args rest;
    if (!l || !l->n || !out) return llmi_jinja_of_generator(r, out);
    if (by_attribute && args->n < 1) llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s needs an attribute", args->of->name);
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    const llmi_jinja_builtin *test =
        args->n > by_attribute ? named(r, args, by_attribute, llmi_jinja_tests, &rest) : NULL;
    for (uint32_t i = 0; i < l->n && llmi_jinja_run_spend(r, 1); i++) {
        llmi_jinja_value v = by_attribute ? walk(r, l->v[i], args->v[0], llmi_jinja_none) : l->v[i];
        bool is = llmi_jinja_truth(test ? apply(r, test, v, &rest) : v);
        if (is == wanted) llmi_jinja_list_add(r, out, l->v[i]);
    }
    return llmi_jinja_of_generator(r, out);
}

DEFINE(select) {
    return choose(r, args, false, true);
}
DEFINE(reject) {
    return choose(r, args, false, false);
}
DEFINE(selectattr) {
    return choose(r, args, true, true);
}
DEFINE(rejectattr) {
    return choose(r, args, true, false);
}

/* ---- rows ---- */

DEFINE(batch) {
    llmi_jinja_value size = args->v[0], fill = llmi_jinja_arg(args, 1, llmi_jinja_none);
    llmi_jinja_list *l = llmi_jinja_iterate(r, V), *out = llmi_jinja_list_new(r, 0),
                    *row = l && l->n ? llmi_jinja_list_new(r, 0) : NULL;
    for (uint32_t i = 0; row && i < l->n && LLMI_JINJA_OK(r); i++) {
        if (llmi_jinja_equal(r, llmi_jinja_of_int(row->n), size)) {
            llmi_jinja_list_add(r, out, llmi_jinja_of_list(row, LLMI_V_LIST));
            row = llmi_jinja_list_new(r, 0);
        }
        llmi_jinja_list_add(r, row, l->v[i]);
    }
    bool fills = row && fill.kind != LLMI_V_NONE && llmi_jinja_compare(r, llmi_jinja_of_int(row->n), size) == LLMI_LESS;
    if (fills && !llmi_jinja_is_int(size)) llmi_jinja_arg_fail(r, args, 0, "an integer");
    while (fills && llmi_jinja_run_spend(r, 1) && row->n < size.i) llmi_jinja_list_add(r, row, fill);
    if (row) llmi_jinja_list_add(r, out, llmi_jinja_of_list(row, LLMI_V_LIST));
    return llmi_jinja_of_generator(r, out);
}

DEFINE(slice) {
    llmi_jinja_value fill = llmi_jinja_arg(args, 1, llmi_jinja_none);
    llmi_jinja_list *l = llmi_jinja_iterate(r, V), *out = llmi_jinja_list_new(r, 0);
    int64_t slices = llmi_jinja_arg_int(r, args, 0, 0);
    if (slices == 0) llmi_jinja_run_fail(r, LLM_E_FORMAT, "slice into 0 parts");
    if (!l || !LLMI_JINJA_OK(r) || slices < 0) return llmi_jinja_of_generator(r, out);
    int64_t each = l->n / slices, more = l->n % slices, at = 0;
    for (int64_t k = 0; k < slices && llmi_jinja_run_spend(r, 1); k++) {
        llmi_jinja_list *row = llmi_jinja_list_new(r, 0);
        for (int64_t end = at + each + (k < more); at < end; at++) llmi_jinja_list_add(r, row, l->v[at]);
        if (fill.kind != LLMI_V_NONE && k >= more) llmi_jinja_list_add(r, row, fill);
        llmi_jinja_list_add(r, out, llmi_jinja_of_list(row, LLMI_V_LIST));
    }
    return llmi_jinja_of_generator(r, out);
}
