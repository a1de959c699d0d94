/* Methods of strings, lists, dictionaries and cyclers, by the names that Python and Jinja give them. Those that
 * would change a value in place are refused, as in Jinja's immutable sandbox. */
#define _GNU_SOURCE
#include <utf8proc.h>

#include "base/text.h"
#include "text/template_value.h"
#include "text/utf8.h"

/* In every method args->v[0] is the object itself. */
#define METHOD(name) static llmi_value name(llmi_run *r, const llmi_args *args)
#define S            (args->v[0].s)
#define D            (args->v[0].dict)
#define L            (args->v[0].list)

/* ---- strings: parts ---- */

static llmi_value trimmed(llmi_run *r, const llmi_args *args, bool left, bool right) {
    llmi_value chars = llmi_arg(args, 1, "chars", llmi_none);
    if (chars.kind != LLMI_V_NONE && chars.kind != LLMI_V_STR)
        return llmi_of_str(llmi_arg_str(r, args, 1, "chars", NULL));
    return llmi_of_str(llmi_str_trim(r, S, chars.kind == LLMI_V_STR ? chars.s : NULL, left, right));
}

METHOD(str_strip) {
    return trimmed(r, args, true, true);
}
METHOD(str_lstrip) {
    return trimmed(r, args, true, false);
}
METHOD(str_rstrip) {
    return trimmed(r, args, false, true);
}

static void add_part(llmi_run *r, llmi_list *l, const llmi_str *s, size_t begin, size_t end) {
    llmi_list_add(r, l, llmi_of_str(llmi_str_cut(r, s, begin, end)));
}

/* At runs of white space. */
static llmi_list *split_space(llmi_run *r, const llmi_str *s, int64_t max) {
    llmi_list *l = llmi_list_new(r, 0);
    for (size_t at = 0; l && LLMI_OK(r);) {
        size_t n = 1, begin;
        while (at < s->n && llmi_is_space(llmi_utf8_decode(s->p + at, s->n - at, &n))) at += n;
        if (at == s->n) break;
        begin = at;
        if (max >= 0 && l->n == max) {
            add_part(r, l, s, begin, s->n);
            break;
        }
        while (at < s->n && !llmi_is_space(llmi_utf8_decode(s->p + at, s->n - at, &n))) at += n;
        add_part(r, l, s, begin, at);
    }
    return l;
}

static llmi_list *split_at(llmi_run *r, const llmi_str *s, const llmi_str *sep, int64_t max) {
    llmi_list *l = llmi_list_new(r, 0);
    size_t at = 0;
    for (int64_t found; l && LLMI_OK(r) && (max < 0 || l->n < max) && (found = llmi_str_find(s, sep, at)) >= 0;) {
        add_part(r, l, s, at, (size_t)found);
        at = (size_t)found + sep->n;
    }
    add_part(r, l, s, at, s->n);
    return l;
}

static llmi_list *split_from_end(llmi_run *r, const llmi_str *s, const llmi_str *sep, int64_t max) {
    llmi_list *l = llmi_list_new(r, 0);
    size_t end = s->n;
    for (int64_t found; l && LLMI_OK(r) && (max < 0 || l->n < max) && (found = llmi_str_find_last(s, sep, end)) >= 0;) {
        add_part(r, l, s, (size_t)found + sep->n, end);
        end = (size_t)found;
    }
    add_part(r, l, s, 0, end);
    for (uint32_t i = 0; l && LLMI_OK(r) && i < l->n / 2; i++) {
        llmi_value swap = l->v[i];
        l->v[i] = l->v[l->n - 1 - i];
        l->v[l->n - 1 - i] = swap;
    }
    return l;
}

static llmi_value split(llmi_run *r, const llmi_args *args, bool from_end) {
    llmi_value sep = llmi_arg(args, 1, "sep", llmi_none);
    int64_t max = llmi_arg_int(r, args, 2, "maxsplit", -1);
    if (!llmi_run_spend(r, S->n / 16)) return llmi_undefined;
    if (sep.kind == LLMI_V_NONE) return llmi_of_list(split_space(r, S, max), LLMI_V_LIST);
    if (sep.kind != LLMI_V_STR || sep.s->n == 0) {
        llmi_run_fail(r, LLM_E_FORMAT, "split needs a separator that is no empty string");
        return llmi_undefined;
    }
    return llmi_of_list(from_end ? split_from_end(r, S, sep.s, max) : split_at(r, S, sep.s, max), LLMI_V_LIST);
}

METHOD(str_split) {
    return split(r, args, false);
}
METHOD(str_rsplit) {
    return split(r, args, true);
}

METHOD(str_splitlines) {
    bool keep = llmi_arg_bool(args, 1, "keepends", false);
    llmi_list *l = llmi_list_new(r, 0);
    for (size_t at = 0; l && at < S->n && LLMI_OK(r);) {
        size_t end = at;
        while (end < S->n && S->p[end] != '\n' && S->p[end] != '\r') end++;
        size_t next = end + (end < S->n) + (end + 1 < S->n && S->p[end] == '\r' && S->p[end + 1] == '\n');
        add_part(r, l, S, at, keep ? next : end);
        at = next;
    }
    return llmi_of_list(l, LLMI_V_LIST);
}

static llmi_value partition(llmi_run *r, const llmi_args *args, bool from_end) {
    const llmi_str *sep = llmi_arg_str(r, args, 1, "sep", NULL);
    llmi_list *l = llmi_list_new(r, 3);
    if (!sep || !l) return llmi_undefined;
    int64_t found = from_end ? llmi_str_find_last(S, sep, S->n) : llmi_str_find(S, sep, 0);
    size_t begin = found >= 0 ? (size_t)found : from_end ? 0 : S->n, end = found >= 0 ? begin + sep->n : begin;
    add_part(r, l, S, 0, begin);
    add_part(r, l, S, begin, end);
    add_part(r, l, S, end, S->n);
    return llmi_of_list(l, LLMI_V_TUPLE);
}

METHOD(str_partition) {
    return partition(r, args, false);
}
METHOD(str_rpartition) {
    return partition(r, args, true);
}

static bool has_prefix(const llmi_str *s, const llmi_str *part) {
    return part->n <= s->n && memcmp(s->p, part->p, part->n) == 0;
}

static bool has_suffix(const llmi_str *s, const llmi_str *part) {
    return part->n <= s->n && memcmp(s->p + s->n - part->n, part->p, part->n) == 0;
}

/* The argument may be a tuple of strings. */
static llmi_value matches(llmi_run *r, const llmi_args *args, bool (*match)(const llmi_str *s, const llmi_str *part)) {
    llmi_value v = llmi_arg(args, 1, "prefix", llmi_undefined);
    if (v.kind != LLMI_V_TUPLE) {
        const llmi_str *part = llmi_arg_str(r, args, 1, "prefix", NULL);
        return llmi_of_bool(part && match(S, part));
    }
    for (uint32_t i = 0; i < v.list->n; i++)
        if (v.list->v[i].kind == LLMI_V_STR && match(S, v.list->v[i].s)) return llmi_of_bool(true);
    return llmi_of_bool(false);
}

METHOD(str_startswith) {
    return matches(r, args, has_prefix);
}
METHOD(str_endswith) {
    return matches(r, args, has_suffix);
}

METHOD(str_removeprefix) {
    const llmi_str *part = llmi_arg_str(r, args, 1, "prefix", NULL);
    return llmi_of_str(part && has_prefix(S, part) ? llmi_str_cut(r, S, part->n, S->n) : S);
}

METHOD(str_removesuffix) {
    const llmi_str *part = llmi_arg_str(r, args, 1, "suffix", NULL);
    return llmi_of_str(part && has_suffix(S, part) ? llmi_str_cut(r, S, 0, S->n - part->n) : S);
}

/* ---- strings: places and counts ---- */

static int64_t place(llmi_run *r, const llmi_args *args, bool from_end) {
    const llmi_str *part = llmi_arg_str(r, args, 1, "sub", NULL);
    if (!part || !llmi_run_spend(r, S->n / 64)) return -1;
    int64_t found = from_end ? llmi_str_find_last(S, part, S->n) : llmi_str_find(S, part, 0);
    return found < 0 ? -1 : (int64_t)llmi_str_length(&(llmi_str){.p = S->p, .n = (uint32_t)found});
}

METHOD(str_find) {
    return llmi_of_int(place(r, args, false));
}
METHOD(str_rfind) {
    return llmi_of_int(place(r, args, true));
}

METHOD(str_index) {
    int64_t at = place(r, args, false);
    if (at < 0) llmi_run_fail(r, LLM_E_FORMAT, "substring not found");
    return llmi_of_int(at);
}

METHOD(str_count) {
    const llmi_str *part = llmi_arg_str(r, args, 1, "sub", NULL);
    if (!part || !llmi_run_spend(r, S->n / 64)) return llmi_undefined;
    if (!part->n) return llmi_of_int((int64_t)llmi_str_length(S) + 1);
    int64_t n = 0;
    for (int64_t at = 0; (at = llmi_str_find(S, part, (size_t)at)) >= 0; at += part->n) n++;
    return llmi_of_int(n);
}

/* ---- strings: changed ---- */

METHOD(str_upper) {
    return llmi_of_str(llmi_str_case(r, S, 'u'));
}
METHOD(str_lower) {
    return llmi_of_str(llmi_str_case(r, S, 'l'));
}
METHOD(str_title) {
    return llmi_of_str(llmi_str_case(r, S, 't'));
}
METHOD(str_capitalize) {
    return llmi_of_str(llmi_str_case(r, S, 'c'));
}
METHOD(str_swapcase) {
    return llmi_of_str(llmi_str_case(r, S, 's'));
}

METHOD(str_replace) {
    const llmi_str *from = llmi_arg_str(r, args, 1, "old", NULL), *to = llmi_arg_str(r, args, 2, "new", NULL);
    if (!from || !to) return llmi_undefined;
    return llmi_of_str(llmi_str_replace(r, S, from, to, llmi_arg_int(r, args, 3, "count", -1)));
}

METHOD(str_join) {
    llmi_list *l = llmi_iterate(r, llmi_arg(args, 1, "iterable", llmi_undefined));
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; l && i < l->n && LLMI_OK(r); i++) {
        if (l->v[i].kind != LLMI_V_STR)
            llmi_run_fail(r, LLM_E_FORMAT, "join: element %u is %s, expected a string", i, llmi_kind_name(l->v[i]));
        if (i) llmi_builder_str(&b, S);
        if (LLMI_OK(r)) llmi_builder_str(&b, l->v[i].s);
    }
    return llmi_of_str(llmi_builder_finish(&b));
}

static llmi_value padded(llmi_run *r, const llmi_args *args, int where) {
    int64_t width = llmi_arg_int(r, args, 1, "width", 0), n = (int64_t)llmi_str_length(S);
    const llmi_str *fill = llmi_arg_str(r, args, 2, "fillchar", " ");
    if (!fill || width <= n) return llmi_of_str(S);
    int64_t all = width - n, left = where < 0 ? 0 : where > 0 ? all : all / 2 + (all & width & 1);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (int64_t i = 0; i < left && llmi_run_spend(r, 1); i++) llmi_builder_str(&b, fill);
    llmi_builder_str(&b, S);
    for (int64_t i = left; i < all && llmi_run_spend(r, 1); i++) llmi_builder_str(&b, fill);
    return llmi_of_str(llmi_builder_finish(&b));
}

METHOD(str_ljust) {
    return padded(r, args, -1);
}
METHOD(str_rjust) {
    return padded(r, args, 1);
}
METHOD(str_center) {
    return padded(r, args, 0);
}

METHOD(str_zfill) {
    int64_t width = llmi_arg_int(r, args, 1, "width", 0), n = (int64_t)llmi_str_length(S);
    bool sign = S->n && (S->p[0] == '-' || S->p[0] == '+');
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (sign) llmi_builder_put(&b, S->p, 1);
    for (; n < width && llmi_run_spend(r, 1); n++) llmi_builder_puts(&b, "0");
    llmi_builder_str(&b, llmi_str_cut(r, S, sign, S->n));
    return llmi_of_str(llmi_builder_finish(&b));
}

METHOD(str_format) {
    llmi_args rest = *args;
    rest.v++;
    rest.n--;
    return llmi_of_str(llmi_format_braces(r, S, &rest));
}

/* ---- strings: questions ---- */

static bool is_letter(uint32_t c) {
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

static bool is_digit(uint32_t c) {
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND;
}

static bool is_numeric(uint32_t c) {
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}

static bool is_letter_or_number(uint32_t c) {
    return is_letter(c) || is_numeric(c);
}

static llmi_value every(llmi_run *r, const llmi_args *args, bool (*is)(uint32_t c)) {
    if (!llmi_run_spend(r, S->n / 16)) return llmi_undefined;
    for (size_t i = 0, n; i < S->n; i += n) {
        uint32_t c = llmi_utf8_decode(S->p + i, S->n - i, &n);
        if (c == LLMI_UTF8_INVALID || !is(c)) return llmi_of_bool(false);
    }
    return llmi_of_bool(S->n > 0);
}

METHOD(str_isdigit) {
    return every(r, args, is_digit);
}
METHOD(str_isnumeric) {
    return every(r, args, is_numeric);
}
METHOD(str_isalpha) {
    return every(r, args, is_letter);
}
METHOD(str_isalnum) {
    return every(r, args, is_letter_or_number);
}
METHOD(str_isspace) {
    return every(r, args, llmi_is_space);
}

static llmi_value test(llmi_run *r, const llmi_args *args, const char *name) {
    return llmi_tests[llmi_builtin_find(llmi_tests, name, strlen(name))].fn(r, args);
}

METHOD(str_islower) {
    return test(r, args, "lower");
}
METHOD(str_isupper) {
    return test(r, args, "upper");
}

/* ---- dictionaries ---- */

METHOD(dict_items) {
    llmi_list *l = llmi_list_new(r, D->n);
    for (uint32_t i = 0; i < D->n && l; i++) {
        llmi_list *pair = llmi_list_new(r, 2);
        llmi_list_add(r, pair, D->keys[i]);
        llmi_list_add(r, pair, D->values[i]);
        llmi_list_add(r, l, llmi_of_list(pair, LLMI_V_TUPLE));
    }
    return llmi_of_list(l, LLMI_V_LIST);
}

METHOD(dict_keys) {
    return llmi_of_list(llmi_iterate(r, args->v[0]), LLMI_V_LIST);
}

METHOD(dict_values) {
    llmi_list *l = llmi_list_new(r, D->n);
    for (uint32_t i = 0; i < D->n && l; i++) llmi_list_add(r, l, D->values[i]);
    return llmi_of_list(l, LLMI_V_LIST);
}

METHOD(dict_get) {
    const llmi_value *found = llmi_dict_find(r, D, llmi_arg(args, 1, "key", llmi_undefined));
    return found ? *found : llmi_arg(args, 2, "default", llmi_none);
}

METHOD(dict_copy) {
    llmi_dict *d = llmi_dict_new(r, D->n);
    for (uint32_t i = 0; i < D->n && d; i++) llmi_dict_put(r, d, D->keys[i], D->values[i]);
    return llmi_of_dict(d);
}

/* ---- lists, cyclers ---- */

METHOD(list_index) {
    llmi_value v = llmi_arg(args, 1, "value", llmi_undefined);
    for (uint32_t i = 0; i < L->n && LLMI_OK(r); i++)
        if (llmi_equal(r, L->v[i], v)) return llmi_of_int(i);
    llmi_run_fail(r, LLM_E_FORMAT, "the value is not in the list");
    return llmi_undefined;
}

METHOD(list_count) {
    int64_t n = 0;
    for (uint32_t i = 0; i < L->n && LLMI_OK(r); i++)
        n += llmi_equal(r, L->v[i], llmi_arg(args, 1, "value", llmi_undefined));
    return llmi_of_int(n);
}

METHOD(list_copy) {
    llmi_list *l = llmi_list_new(r, L->n);
    for (uint32_t i = 0; i < L->n; i++) llmi_list_add(r, l, L->v[i]);
    return llmi_of_list(l, LLMI_V_LIST);
}

METHOD(refused) {
    llmi_run_fail(r, LLM_E_FORMAT, "a %s cannot be changed in place by a template", llmi_kind_name(args->v[0]));
    return llmi_undefined;
}

METHOD(cycler_next) {
    llmi_cycler *c = args->v[0].cycler;
    return c->items->v[c->at++ % c->items->n];
}

METHOD(cycler_reset) {
    args->v[0].cycler->at = 0;
    return llmi_none;
}

/* ---- tables ---- */

static const llmi_builtin STRING[] = {
    {"strip", str_strip},
    {"lstrip", str_lstrip},
    {"rstrip", str_rstrip},
    {"split", str_split},
    {"rsplit", str_rsplit},
    {"splitlines", str_splitlines},
    {"partition", str_partition},
    {"rpartition", str_rpartition},
    {"startswith", str_startswith},
    {"endswith", str_endswith},
    {"removeprefix", str_removeprefix},
    {"removesuffix", str_removesuffix},
    {"find", str_find},
    {"rfind", str_rfind},
    {"index", str_index},
    {"count", str_count},
    {"upper", str_upper},
    {"lower", str_lower},
    {"casefold", str_lower},
    {"title", str_title},
    {"capitalize", str_capitalize},
    {"swapcase", str_swapcase},
    {"replace", str_replace},
    {"join", str_join},
    {"ljust", str_ljust},
    {"rjust", str_rjust},
    {"center", str_center},
    {"zfill", str_zfill},
    {"format", str_format},
    {"isdigit", str_isdigit},
    {"isdecimal", str_isdigit},
    {"isnumeric", str_isnumeric},
    {"isalpha", str_isalpha},
    {"isalnum", str_isalnum},
    {"isspace", str_isspace},
    {"islower", str_islower},
    {"isupper", str_isupper},
    {NULL, NULL},
};

static const llmi_builtin DICT[] = {
    {"items", dict_items}, {"keys", dict_keys},  {"values", dict_values}, {"get", dict_get},  {"copy", dict_copy},
    {"pop", refused},      {"popitem", refused}, {"update", refused},     {"clear", refused}, {"setdefault", refused},
    {NULL, NULL},
};

static const llmi_builtin LIST[] = {
    {"index", list_index}, {"count", list_count}, {"copy", list_copy}, {"append", refused},
    {"extend", refused},   {"insert", refused},   {"pop", refused},    {"remove", refused},
    {"reverse", refused},  {"sort", refused},     {"clear", refused},  {NULL, NULL},
};

static const llmi_builtin CYCLER[] = {{"next", cycler_next}, {"reset", cycler_reset}, {NULL, NULL}};

static const llmi_builtin *table_of(llmi_kind kind) {
    switch (kind) {
    case LLMI_V_STR:
        return STRING;
    case LLMI_V_DICT:
        return DICT;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
        return LIST;
    case LLMI_V_CYCLER:
        return CYCLER;
    default:
        return NULL;
    }
}

llmi_value llmi_method_of(llmi_run *r, llmi_value self, const llmi_str *name) {
    const llmi_builtin *table = table_of(self.kind);
    if (self.kind == LLMI_V_CYCLER && llmi_str_is(name, "current"))
        return self.cycler->items->v[self.cycler->at % self.cycler->items->n];
    int32_t which = table ? llmi_builtin_find(table, name->p, name->n) : -1;
    if (which < 0) return llmi_undefined;
    llmi_method *method = llmi_run_take(r, sizeof *method);
    if (!method) return llmi_undefined;
    method->self = self;
    return (llmi_value){.kind = LLMI_V_METHOD, .aux = (uint32_t)which, .method = method};
}

llmi_value llmi_method_call(llmi_run *r, llmi_value method, const llmi_args *args) {
    enum { MAX_ARGS = 64 };
    llmi_value v[MAX_ARGS];
    if (args->n >= MAX_ARGS) {
        llmi_run_fail(r, LLM_E_LIMIT, "more than %d arguments of a method", MAX_ARGS - 1);
        return llmi_undefined;
    }
    v[0] = method.method->self;
    if (args->n) memcpy(v + 1, args->v, (size_t)args->n * sizeof *v);
    llmi_args all = *args;
    all.v = v;
    all.n++;
    llmi_value result = table_of(v[0].kind)[method.aux].fn(r, &all);
    if (result.kind == LLMI_V_STR && v[0].kind == LLMI_V_STR) result.aux = v[0].aux;
    return result;
}
