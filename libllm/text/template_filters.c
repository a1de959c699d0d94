/* Filters: what stands behind "|". */
#define _GNU_SOURCE
#include <math.h>

#include "base/text.h"
#include "text/template_value.h"
#include "text/utf8.h"

#define FILTER(name) static llmi_value name(llmi_run *r, const llmi_args *args)
#define V            (args->v[0])

/* ---- help ---- */

/* For the filters that take anything false as an empty sequence. */
static llmi_list *iterate_or_nothing(llmi_run *r, llmi_value v) {
    return llmi_truth(v) ? llmi_iterate(r, v) : llmi_list_new(r, 0);
}

/* V as text, numbers and all. */
static const llmi_str *text(llmi_run *r, const llmi_args *args) {
    return llmi_to_str(r, V);
}

/* Calls a method of strings with V as text. */
static llmi_value by_method(llmi_run *r, const llmi_args *args, const char *name) {
    llmi_value self = V.kind == LLMI_V_STR ? V : llmi_of_str(text(r, args));
    llmi_value method = llmi_method_of(r, self, llmi_str_over(r, name, strlen(name)));
    if (method.kind != LLMI_V_METHOD) return llmi_undefined;
    llmi_args rest = *args;
    rest.v++;
    rest.n--;
    return llmi_method_call(r, method, &rest);
}

/* v.a.b.0 for "a.b.0"; v itself for an undefined path. */
static llmi_value walk(llmi_run *r, llmi_value v, llmi_value path) {
    if (path.kind == LLMI_V_UNDEFINED || path.kind == LLMI_V_NONE) return v;
    if (path.kind != LLMI_V_STR) return llmi_item(r, v, path);
    for (size_t at = 0; at <= path.s->n && LLMI_OK(r);) {
        size_t end = at;
        bool number = true;
        int64_t index = 0;
        for (; end < path.s->n && path.s->p[end] != '.'; end++) {
            char c = path.s->p[end];
            number = number && c >= '0' && c <= '9' && index < INT32_MAX / 10;
            if (number) index = index * 10 + (c - '0');
        }
        const llmi_str *name = llmi_str_cut(r, path.s, at, end);
        if (!name || v.kind == LLMI_V_UNDEFINED) return llmi_undefined;
        v = number && end > at ? llmi_item(r, v, llmi_of_int(index)) : llmi_item(r, v, llmi_of_str(name));
        at = end + 1;
    }
    return v;
}

/* Values are compared without regard to case unless asked otherwise. */
static llmi_value sort_key(llmi_run *r, llmi_value v, llmi_value path, bool with_case) {
    v = walk(r, v, path);
    return v.kind == LLMI_V_STR && !with_case ? llmi_of_str(llmi_str_case(r, v.s, 'l')) : v;
}

/* Merge sort: stable, no recursion. */
static void sort(llmi_run *r, llmi_value *v, llmi_value *keys, uint32_t n, bool down) {
    llmi_value *v2 = llmi_run_take(r, (size_t)n * 2 * sizeof *v2);
    if (!v2) return;
    llmi_value *k2 = v2 + n;
    for (uint32_t width = 1; width < n && LLMI_OK(r); width *= 2) {
        for (uint32_t begin = 0; begin < n; begin += 2 * width) {
            uint32_t mid = begin + width < n ? begin + width : n, end = mid + width < n ? mid + width : n;
            for (uint32_t a = begin, b = mid, out = begin; out < end; out++) {
                bool first = b == end || (a < mid && (llmi_compare(r, keys[a], keys[b]) * (down ? -1 : 1)) <= 0);
                uint32_t from = first ? a++ : b++;
                v2[out] = v[from];
                k2[out] = keys[from];
            }
        }
        memcpy(v, v2, n * sizeof *v);
        memcpy(keys, k2, n * sizeof *keys);
    }
}

static llmi_list *sorted(llmi_run *r, llmi_value v, llmi_value path, bool with_case, bool down) {
    llmi_list *items = llmi_iterate(r, v), *out = items ? llmi_list_new(r, items->n) : NULL;
    llmi_list *keys = items ? llmi_list_new(r, items->n) : NULL;
    for (uint32_t i = 0; out && keys && i < items->n; i++) {
        llmi_list_add(r, out, items->v[i]);
        llmi_list_add(r, keys, sort_key(r, items->v[i], path, with_case));
    }
    if (out && keys && LLMI_OK(r)) sort(r, out->v, keys->v, out->n, down);
    return LLMI_OK(r) ? out : NULL;
}

/* ---- text ---- */

FILTER(f_string) {
    return V.kind == LLMI_V_STR ? V : llmi_of_str(text(r, args));
}
FILTER(f_trim) {
    return by_method(r, args, "strip");
}
FILTER(f_upper) {
    return by_method(r, args, "upper");
}
FILTER(f_lower) {
    return by_method(r, args, "lower");
}
FILTER(f_capitalize) {
    return by_method(r, args, "capitalize");
}
FILTER(f_title) {
    return by_method(r, args, "title");
}
FILTER(f_replace) {
    return by_method(r, args, "replace");
}

FILTER(f_center) {
    llmi_value width = llmi_arg(args, 1, "width", llmi_of_int(80)), v[2] = {V, width};
    return by_method(r, &(llmi_args){.v = v, .n = 2}, "center");
}

static llmi_value as_html(const llmi_str *s) {
    llmi_value v = llmi_of_str(s);
    v.aux = v.kind == LLMI_V_STR;
    return v;
}

FILTER(f_safe) {
    return as_html(text(r, args));
}

FILTER(f_forceescape) {
    const llmi_str *s = text(r, args);
    return as_html(s ? llmi_str_escape(r, s) : NULL);
}

FILTER(f_escape) {
    return V.kind == LLMI_V_STR && V.aux ? V : f_forceescape(r, args);
}

FILTER(f_format) {
    const llmi_str *s = text(r, args);
    llmi_list *l = llmi_list_new(r, (uint32_t)args->n);
    for (int32_t i = 1; i < args->n; i++) llmi_list_add(r, l, args->v[i]);
    return s && l ? llmi_of_str(llmi_format_percent(r, s, llmi_of_list(l, LLMI_V_TUPLE))) : llmi_undefined;
}

FILTER(f_indent) {
    const llmi_str *s = text(r, args);
    llmi_value width = llmi_arg(args, 1, "width", llmi_of_int(4));
    bool first = llmi_arg_bool(args, 2, "first", false), blank = llmi_arg_bool(args, 3, "blank", false);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (size_t at = 0; s && at <= s->n && LLMI_OK(r);) {
        const char *newline = memchr(s->p + at, '\n', s->n - at);
        size_t end = newline ? (size_t)(newline - s->p) : s->n;
        bool indents = at == 0 ? first : (end > at || blank);
        for (int64_t i = 0; indents && width.kind != LLMI_V_STR && i < width.i && llmi_run_spend(r, 1); i++)
            llmi_builder_puts(&b, " ");
        if (indents && width.kind == LLMI_V_STR) llmi_builder_str(&b, width.s);
        llmi_builder_str(&b, llmi_str_cut(r, s, at, newline ? end + 1 : end));
        at = end + 1;
        if (!newline) break;
    }
    return llmi_of_str(llmi_builder_finish(&b));
}

FILTER(f_truncate) {
    const llmi_str *s = text(r, args), *end = llmi_arg_str(r, args, 3, "end", "...");
    int64_t length = llmi_arg_int(r, args, 1, "length", 255), leeway = llmi_arg_int(r, args, 4, "leeway", 5);
    if (!s || !end || (int64_t)llmi_str_length(s) <= length + leeway) return llmi_of_str(s);
    int64_t keep = length - (int64_t)llmi_str_length(end);
    const llmi_str *cut = llmi_str_cut(r, s, 0, llmi_str_offset(s, keep > 0 ? (size_t)keep : 0));
    int64_t space = cut && !llmi_arg_bool(args, 2, "killwords", false)
                        ? llmi_str_find_last(cut, &(llmi_str){.p = " ", .n = 1}, cut->n)
                        : -1;
    if (space >= 0) cut = llmi_str_cut(r, cut, 0, (size_t)space);
    return llmi_of_str(llmi_str_join(r, cut, end));
}

FILTER(f_urlencode) {
    const llmi_str *s = text(r, args);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; s && i < s->n && LLMI_OK(r); i++) {
        unsigned char c = (unsigned char)s->p[i];
        bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.~/", c));
        llmi_builder_printf(&b, plain ? "%c" : "%%%02X", c);
    }
    if (s) llmi_builder_mark_as(&b, 0, s);
    return llmi_of_str(llmi_builder_finish(&b));
}

FILTER(f_wordcount) {
    llmi_value words = by_method(r, args, "split");
    return llmi_of_int(words.kind == LLMI_V_LIST ? words.list->n : 0);
}

FILTER(f_tojson) {
    llmi_value comma = llmi_none, colon = llmi_none, separators = llmi_arg(args, args->n, "separators", llmi_none);
    llmi_value indent = llmi_arg(args, 1, "indent", llmi_none);
    if ((separators.kind == LLMI_V_TUPLE || separators.kind == LLMI_V_LIST) && separators.list->n == 2) {
        comma = separators.list->v[0];
        colon = separators.list->v[1];
    }
    llmi_json_style style = {.indent = indent.kind == LLMI_V_INT ? (int)(indent.i < 0    ? 0
                                                                         : indent.i > 64 ? 64
                                                                                         : indent.i)
                                                                 : -1};
    style.comma = comma.kind == LLMI_V_STR ? comma.s : llmi_str_over(r, ", ", style.indent < 0 ? 2 : 1);
    style.colon = colon.kind == LLMI_V_STR ? colon.s : llmi_str_over(r, ": ", 2);
    style.sort = llmi_arg_bool(args, args->n, "sort_keys", false);
    style.ascii = llmi_arg_bool(args, args->n, "ensure_ascii", false);
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (LLMI_OK(r)) llmi_print_json(&b, V, &style);
    return llmi_of_str(llmi_builder_finish(&b));
}

/* ---- numbers ---- */

FILTER(f_abs) {
    bool negative = V.kind == LLMI_V_FLOAT ? V.f < 0 : llmi_is_number(V) && V.i < 0;
    if (!llmi_is_number(V)) llmi_run_fail(r, LLM_E_FORMAT, "abs of %s", llmi_kind_name(V));
    return negative ? llmi_negate(r, V) : V;
}

/* A text as JSON reads a number; false if it is none. */
static bool read_number(llmi_run *r, const llmi_str *s, double *out) {
    const llmi_str *trimmed = llmi_str_trim(r, s, NULL, true, true);
    size_t skip = trimmed && trimmed->n && trimmed->p[0] == '+';
    json_t *j = trimmed
                    ? json_loadb(trimmed->p + skip, trimmed->n - skip, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL)
                    : NULL;
    bool is = json_is_number(j);
    if (is) *out = json_number_value(j);
    json_decref(j);
    return is;
}

FILTER(f_float) {
    double f;
    if (llmi_is_number(V)) return llmi_of_float(llmi_as_float(V));
    if (V.kind == LLMI_V_STR && read_number(r, V.s, &f)) return llmi_of_float(f);
    return llmi_arg(args, 1, "default", llmi_of_float(0));
}

FILTER(f_int) {
    double f;
    if (V.kind == LLMI_V_INT || V.kind == LLMI_V_BOOL) return llmi_of_int(V.i);
    bool number = V.kind == LLMI_V_FLOAT || V.kind == LLMI_V_STR;
    if (V.kind == LLMI_V_FLOAT) f = V.f;
    if (V.kind == LLMI_V_STR) {
        const llmi_str *s = llmi_str_trim(r, V.s, NULL, true, true);
        json_t *j = s ? json_loadb(s->p, s->n, JSON_DECODE_ANY, NULL) : NULL;
        bool whole = json_is_integer(j);
        int64_t i = json_integer_value(j);
        json_decref(j);
        if (whole) return llmi_of_int(i);
        number = read_number(r, V.s, &f);
    }
    if (number && fabs(f) < 9.2e18) return llmi_of_int((int64_t)f);
    return llmi_arg(args, 1, "default", llmi_of_int(0));
}

FILTER(f_round) {
    int64_t digits = llmi_arg_int(r, args, 1, "precision", 0);
    const llmi_str *method = llmi_arg_str(r, args, 2, "method", "common");
    if (!llmi_is_number(V)) llmi_run_fail(r, LLM_E_FORMAT, "round of %s", llmi_kind_name(V));
    if (!method || !LLMI_OK(r)) return llmi_undefined;
    double f = llmi_as_float(V), scale = pow(10, (double)(digits > 300 ? 300 : digits < -300 ? -300 : digits));
    if (llmi_str_is(method, "ceil")) return llmi_of_float(ceil(f * scale) / scale);
    if (llmi_str_is(method, "floor")) return llmi_of_float(floor(f * scale) / scale);
    if (digits < 0) return llmi_of_float(nearbyint(f * scale) / scale);
    char exact[400]; /* the decimal nearest to the number itself, not to its product with a power of ten */
    llmi_format(exact, sizeof exact, "%.*f", (int)(digits > 40 ? 40 : digits), f);
    return read_number(r, llmi_str_over(r, exact, strlen(exact)), &f) ? llmi_of_float(f) : V;
}

/* ---- sequences ---- */

FILTER(f_length) {
    return llmi_of_int(llmi_length(r, V));
}
FILTER(f_list) {
    llmi_list *l = llmi_iterate(r, V), *copy = l ? llmi_list_new(r, l->n) : NULL;
    for (uint32_t i = 0; copy && i < l->n; i++) llmi_list_add(r, copy, l->v[i]);
    return llmi_of_list(copy, LLMI_V_LIST);
}

FILTER(f_first) {
    llmi_list *l = llmi_iterate(r, V);
    return l && l->n ? l->v[0] : llmi_undefined;
}

FILTER(f_last) {
    llmi_list *l = llmi_iterate(r, V);
    return l && l->n ? l->v[l->n - 1] : llmi_undefined;
}

FILTER(f_reverse) {
    llmi_value all[3] = {llmi_none, llmi_none, llmi_of_int(-1)};
    if (V.kind == LLMI_V_STR) return llmi_slice(r, V, all);
    return llmi_slice(r, llmi_of_list(llmi_iterate(r, V), LLMI_V_LIST), all);
}

FILTER(f_join) {
    const llmi_str *sep = llmi_arg_str(r, args, 1, "d", "");
    llmi_value path = llmi_arg(args, 2, "attribute", llmi_undefined);
    llmi_list *l = llmi_iterate(r, V);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; sep && l && i < l->n && LLMI_OK(r); i++) {
        if (i) llmi_builder_str(&b, sep);
        llmi_print(&b, walk(r, l->v[i], path));
    }
    return llmi_of_str(llmi_builder_finish(&b));
}

FILTER(f_sort) {
    bool down = llmi_arg_bool(args, 1, "reverse", false), with_case = llmi_arg_bool(args, 2, "case_sensitive", false);
    return llmi_of_list(sorted(r, V, llmi_arg(args, 3, "attribute", llmi_undefined), with_case, down), LLMI_V_LIST);
}

FILTER(f_unique) {
    bool with_case = llmi_arg_bool(args, 1, "case_sensitive", false);
    llmi_value path = llmi_arg(args, 2, "attribute", llmi_undefined);
    llmi_list *l = llmi_iterate(r, V), *out = llmi_list_new(r, 0), *seen = llmi_list_new(r, 0);
    for (uint32_t i = 0; l && seen && i < l->n && LLMI_OK(r); i++) {
        llmi_value key = sort_key(r, l->v[i], path, with_case);
        if (llmi_contains(r, llmi_of_list(seen, LLMI_V_LIST), key)) continue;
        llmi_list_add(r, seen, key);
        llmi_list_add(r, out, l->v[i]);
    }
    return llmi_of_list(out, LLMI_V_LIST);
}

static llmi_value extreme(llmi_run *r, const llmi_args *args, int sign) {
    bool with_case = llmi_arg_bool(args, 1, "case_sensitive", false);
    llmi_value path = llmi_arg(args, 2, "attribute", llmi_undefined), best = llmi_undefined, best_key = llmi_undefined;
    llmi_list *l = llmi_iterate(r, V);
    for (uint32_t i = 0; l && i < l->n && LLMI_OK(r); i++) {
        llmi_value key = sort_key(r, l->v[i], path, with_case);
        if (i && llmi_compare(r, key, best_key) * sign <= 0) continue;
        best = l->v[i];
        best_key = key;
    }
    return best;
}

FILTER(f_max) {
    return extreme(r, args, 1);
}
FILTER(f_min) {
    return extreme(r, args, -1);
}

FILTER(f_sum) {
    llmi_value path = llmi_arg(args, 1, "attribute", llmi_undefined), sum = llmi_arg(args, 2, "start", llmi_of_int(0));
    llmi_list *l = llmi_iterate(r, V);
    for (uint32_t i = 0; l && i < l->n && LLMI_OK(r); i++) sum = llmi_arith(r, '+', sum, walk(r, l->v[i], path));
    return sum;
}

/* A filter or test that the arguments name, with the rest of them: applied to v. */
static llmi_value apply(llmi_run *r, const llmi_args *args, int32_t at, const llmi_builtin *table, llmi_value v) {
    enum { MAX_ARGS = 16 };
    llmi_value all[MAX_ARGS];
    int32_t which = args->v[at].kind == LLMI_V_STR ? llmi_builtin_find(table, args->v[at].s->p, args->v[at].s->n) : -1;
    if (which < 0 || args->n - at > MAX_ARGS) {
        llmi_run_fail(r, LLM_E_FORMAT, "the argument names no filter or test");
        return llmi_undefined;
    }
    all[0] = v;
    for (int32_t i = at + 1; i < args->n; i++) all[i - at] = args->v[i];
    llmi_args rest = *args;
    rest.v = all;
    rest.n = args->n - at;
    if (!llmi_run_enter(r)) return llmi_undefined;
    llmi_value result = table[which].fn(r, &rest);
    llmi_run_leave(r);
    return result;
}

FILTER(f_map) {
    llmi_value path = llmi_arg(args, args->n, "attribute", llmi_undefined);
    llmi_value otherwise = llmi_arg(args, args->n, "default", llmi_undefined);
    llmi_list *l = iterate_or_nothing(r, V), *out = l ? llmi_list_new(r, l->n) : NULL;
    if (path.kind == LLMI_V_UNDEFINED && args->n < 2)
        llmi_run_fail(r, LLM_E_FORMAT, "map needs a filter or an attribute");
    for (uint32_t i = 0; out && i < l->n && LLMI_OK(r); i++) {
        llmi_value v =
            path.kind == LLMI_V_UNDEFINED ? apply(r, args, 1, llmi_filters, l->v[i]) : walk(r, l->v[i], path);
        llmi_list_add(r, out, v.kind == LLMI_V_UNDEFINED ? otherwise : v);
    }
    return llmi_of_list(out, LLMI_V_LIST);
}

/* at: where the test's name may stand; by_attribute: the argument before it is a path. */
static llmi_value choose(llmi_run *r, const llmi_args *args, bool by_attribute, bool wanted) {
    int32_t at = by_attribute ? 2 : 1;
    llmi_list *l = iterate_or_nothing(r, V), *out = llmi_list_new(r, 0);
    if (by_attribute && args->n < 2) llmi_run_fail(r, LLM_E_FORMAT, "the filter needs an attribute");
    for (uint32_t i = 0; l && i < l->n && LLMI_OK(r); i++) {
        llmi_value v = by_attribute ? walk(r, l->v[i], args->v[1]) : l->v[i];
        bool is = args->n > at ? llmi_truth(apply(r, args, at, llmi_tests, v)) : llmi_truth(v);
        if (is == wanted) llmi_list_add(r, out, l->v[i]);
    }
    return llmi_of_list(out, LLMI_V_LIST);
}

FILTER(f_select) {
    return choose(r, args, false, true);
}
FILTER(f_reject) {
    return choose(r, args, false, false);
}
FILTER(f_selectattr) {
    return choose(r, args, true, true);
}
FILTER(f_rejectattr) {
    return choose(r, args, true, false);
}

FILTER(f_batch) {
    int64_t size = llmi_arg_int(r, args, 1, "linecount", 0);
    llmi_value fill = llmi_arg(args, 2, "fill_with", llmi_undefined);
    llmi_list *l = llmi_iterate(r, V), *out = llmi_list_new(r, 0), *row = NULL;
    if (size < 1) llmi_run_fail(r, LLM_E_FORMAT, "batch needs a size of at least 1");
    for (uint32_t i = 0; l && i < l->n && LLMI_OK(r); i++) {
        if (i % size == 0) llmi_list_add(r, out, llmi_of_list(row = llmi_list_new(r, 0), LLMI_V_LIST));
        llmi_list_add(r, row, l->v[i]);
    }
    while (row && LLMI_OK(r) && fill.kind != LLMI_V_UNDEFINED && row->n < size) llmi_list_add(r, row, fill);
    return llmi_of_list(out, LLMI_V_LIST);
}

FILTER(f_slice) {
    int64_t slices = llmi_arg_int(r, args, 1, "slices", 0);
    llmi_value fill = llmi_arg(args, 2, "fill_with", llmi_undefined);
    llmi_list *l = llmi_iterate(r, V), *out = llmi_list_new(r, 0);
    if (slices < 1) llmi_run_fail(r, LLM_E_FORMAT, "slice needs a number of at least 1");
    if (!l || !LLMI_OK(r)) return llmi_undefined;
    int64_t each = l->n / slices, more = l->n % slices, at = 0;
    for (int64_t k = 0; k < slices && LLMI_OK(r); k++) {
        llmi_list *row = llmi_list_new(r, 0);
        for (int64_t end = at + each + (k < more); at < end; at++) llmi_list_add(r, row, l->v[at]);
        if (fill.kind != LLMI_V_UNDEFINED && k >= more) llmi_list_add(r, row, fill);
        llmi_list_add(r, out, llmi_of_list(row, LLMI_V_LIST));
    }
    return llmi_of_list(out, LLMI_V_LIST);
}

/* ---- dictionaries ---- */

static llmi_value dict_pairs(llmi_run *r, llmi_value v) {
    llmi_value method = v.kind == LLMI_V_DICT ? llmi_method_of(r, v, llmi_str_over(r, "items", 5)) : llmi_undefined;
    if (method.kind == LLMI_V_METHOD) return llmi_method_call(r, method, &(llmi_args){0});
    llmi_run_fail(r, LLM_E_FORMAT, "%s is no mapping", llmi_kind_name(v));
    return llmi_undefined;
}

FILTER(f_items) {
    return V.kind == LLMI_V_UNDEFINED ? llmi_of_list(llmi_list_new(r, 0), LLMI_V_LIST) : dict_pairs(r, V);
}

FILTER(f_dictsort) {
    const llmi_str *by = llmi_arg_str(r, args, 2, "by", "key");
    bool down = llmi_arg_bool(args, 3, "reverse", false), with_case = llmi_arg_bool(args, 1, "case_sensitive", false);
    llmi_value pairs = dict_pairs(r, V);
    if (!by || !LLMI_OK(r)) return llmi_undefined;
    return llmi_of_list(sorted(r, pairs, llmi_of_int(llmi_str_is(by, "value")), with_case, down), LLMI_V_LIST);
}

FILTER(f_groupby) {
    llmi_value path = llmi_arg(args, 1, "attribute", llmi_undefined), last = llmi_undefined;
    llmi_list *l = sorted(r, V, path, false, false), *out = llmi_list_new(r, 0), *group = NULL;
    for (uint32_t i = 0; l && i < l->n && LLMI_OK(r); i++) {
        llmi_value key = walk(r, l->v[i], path);
        if (!group || !llmi_equal(r, sort_key(r, key, llmi_undefined, false), last)) {
            last = sort_key(r, key, llmi_undefined, false);
            llmi_list *pair = llmi_list_new(r, 2);
            llmi_list_add(r, pair, key);
            llmi_list_add(r, pair, llmi_of_list(group = llmi_list_new(r, 0), LLMI_V_LIST));
            llmi_list_add(r, out, llmi_of_list(pair, LLMI_V_TUPLE));
        }
        llmi_list_add(r, group, l->v[i]);
    }
    return llmi_of_list(out, LLMI_V_LIST);
}

/* ---- others ---- */

FILTER(f_default) {
    bool falsy = llmi_arg_bool(args, 2, "boolean", false) && !llmi_truth(V);
    return V.kind == LLMI_V_UNDEFINED || falsy
               ? llmi_arg(args, 1, "default_value", llmi_of_str(llmi_str_over(r, "", 0)))
               : V;
}

FILTER(f_attr) {
    const llmi_str *name = llmi_arg_str(r, args, 1, "name", NULL);
    return name ? llmi_attribute(r, V, name) : llmi_undefined;
}

const llmi_builtin llmi_filters[] = {
    {"string", f_string},
    {"trim", f_trim},
    {"upper", f_upper},
    {"lower", f_lower},
    {"capitalize", f_capitalize},
    {"title", f_title},
    {"replace", f_replace},
    {"center", f_center},
    {"escape", f_escape},
    {"e", f_escape},
    {"forceescape", f_forceescape},
    {"format", f_format},
    {"indent", f_indent},
    {"truncate", f_truncate},
    {"urlencode", f_urlencode},
    {"wordcount", f_wordcount},
    {"tojson", f_tojson},
    {"abs", f_abs},
    {"float", f_float},
    {"int", f_int},
    {"round", f_round},
    {"length", f_length},
    {"count", f_length},
    {"list", f_list},
    {"first", f_first},
    {"last", f_last},
    {"reverse", f_reverse},
    {"join", f_join},
    {"sort", f_sort},
    {"unique", f_unique},
    {"max", f_max},
    {"min", f_min},
    {"sum", f_sum},
    {"map", f_map},
    {"select", f_select},
    {"reject", f_reject},
    {"selectattr", f_selectattr},
    {"rejectattr", f_rejectattr},
    {"batch", f_batch},
    {"slice", f_slice},
    {"items", f_items},
    {"dictsort", f_dictsort},
    {"groupby", f_groupby},
    {"default", f_default},
    {"d", f_default},
    {"safe", f_safe},
    {"attr", f_attr},
    {NULL, NULL},
};
