/* Methods of lists, dictionaries and cyclers, by the names that Python and Jinja give them, and the tables of all
 * methods. Those that would change a value in place are refused, as in Jinja's immutable sandbox. */
#include "base/text.h"
#include "jinja/value.h"

#define METHOD(name) static llmi_jinja_value name(llmi_jinja_run *r, const llmi_jinja_args *args)
#define D            (args->self.dict)
#define L            (args->self.list)

/* ---- dictionaries ---- */

static llmi_jinja_value view(llmi_jinja_list *l, uint32_t which) {
    llmi_jinja_value v = llmi_jinja_of_list(l, LLMI_V_VIEW);
    v.aux = which;
    return v;
}

METHOD(dict_items) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, D->n);
    for (uint32_t i = 0; i < D->n && l; i++) {
        llmi_jinja_list *pair = llmi_jinja_list_new(r, 2);
        llmi_jinja_list_add(r, pair, D->keys[i]);
        llmi_jinja_list_add(r, pair, D->values[i]);
        llmi_jinja_list_add(r, l, llmi_jinja_of_list(pair, LLMI_V_TUPLE));
    }
    return view(l, LLMI_ITEMS);
}

METHOD(dict_keys) {
    return view(llmi_jinja_iterate(r, args->self), LLMI_KEYS);
}

METHOD(dict_values) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, D->n);
    for (uint32_t i = 0; i < D->n && l; i++) llmi_jinja_list_add(r, l, D->values[i]);
    return view(l, LLMI_VALUES);
}

METHOD(dict_get) {
    if (!llmi_jinja_is_hashable(r, args->v[0])) return llmi_jinja_undefined;
    const llmi_jinja_value *found = llmi_jinja_dict_find(r, D, args->v[0]);
    return found ? *found : llmi_jinja_arg(args, 1, llmi_jinja_none);
}

METHOD(dict_copy) {
    return llmi_jinja_of_dict(args->self.dict); /* it never changes */
}

/* ---- lists, cyclers ---- */

METHOD(list_index) {
    int64_t from = llmi_jinja_bound(r, args->v[1], L->n, 0), to = llmi_jinja_bound(r, args->v[2], L->n, L->n);
    for (int64_t i = from; i < to && LLMI_JINJA_OK(r); i++)
        if (llmi_jinja_equal(r, L->v[i], args->v[0])) return llmi_jinja_of_int(i);
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "index: the value is not in the %s", llmi_jinja_kind_name(args->self));
    return llmi_jinja_undefined;
}

METHOD(list_count) {
    int64_t n = 0;
    for (uint32_t i = 0; i < L->n && LLMI_JINJA_OK(r); i++) n += llmi_jinja_equal(r, L->v[i], args->v[0]);
    return llmi_jinja_of_int(n);
}

METHOD(list_copy) {
    return args->self; /* it never changes */
}

METHOD(refused) {
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "a %s cannot be changed in place by a template",
                        llmi_jinja_kind_name(args->self));
    return llmi_jinja_undefined;
}

METHOD(unsupported) {
    llmi_jinja_run_fail(r, LLM_E_UNSUPPORTED, "\"%s\" of a %s is not supported", args->of->name,
                        llmi_jinja_kind_name(args->self));
    return llmi_jinja_undefined;
}

METHOD(cycler_next) {
    llmi_jinja_cycler *c = args->self.cycler;
    return llmi_jinja_run_spend(r, 1) ? c->items->v[c->at++ % c->items->n] : llmi_jinja_undefined;
}

METHOD(cycler_reset) {
    args->self.cycler->at = 0;
    return llmi_jinja_run_spend(r, 1) ? llmi_jinja_none : llmi_jinja_undefined;
}

/* ---- tables ---- */

static const llmi_jinja_builtin DICT[] = {
    {"items", dict_items, ""},           {"keys", dict_keys, ""},        {"values", dict_values, ""},
    {"get", dict_get, "key default? /"}, {"copy", dict_copy, ""},        {"pop", refused, "*"},
    {"popitem", refused, "*"},           {"update", refused, "*"},       {"clear", refused, "*"},
    {"setdefault", refused, "*"},        {"fromkeys", unsupported, "*"}, {NULL, NULL, NULL},
};

static const llmi_jinja_builtin LIST[] = {
    {"index", list_index, "value start? stop? /"},
    {"count", list_count, "value /"},
    {"copy", list_copy, ""},
    {"append", refused, "*"},
    {"extend", refused, "*"},
    {"insert", refused, "*"},
    {"pop", refused, "*"},
    {"remove", refused, "*"},
    {"reverse", refused, "*"},
    {"sort", refused, "*"},
    {"clear", refused, "*"},
    {NULL, NULL, NULL},
};

static const llmi_jinja_builtin TUPLE[] = {
    {"index", list_index, "value start? stop? /"},
    {"count", list_count, "value /"},
    {NULL, NULL, NULL},
};

static const llmi_jinja_builtin RANGE[] = {
    {"index", list_index, "value /"}, {"count", list_count, "value /"}, {"start", unsupported, "*"},
    {"stop", unsupported, "*"},       {"step", unsupported, "*"},       {NULL, NULL, NULL},
};

static const llmi_jinja_builtin CYCLER[] = {
    {"next", cycler_next, ""},
    {"reset", cycler_reset, ""},
    {NULL, NULL, NULL},
};

#define NUMBER_METHODS                                                                                                 \
    {"real", unsupported, "*"}, {"imag", unsupported, "*"}, {"conjugate", unsupported, "*"}, {                         \
        "as_integer_ratio", unsupported, "*"                                                                           \
    }

static const llmi_jinja_builtin INT[] = {
    NUMBER_METHODS,
    {"numerator", unsupported, "*"},
    {"denominator", unsupported, "*"},
    {"bit_length", unsupported, "*"},
    {"bit_count", unsupported, "*"},
    {"to_bytes", unsupported, "*"},
    {"from_bytes", unsupported, "*"},
    {NULL, NULL, NULL},
};

static const llmi_jinja_builtin FLOAT[] = {
    NUMBER_METHODS,     {"is_integer", unsupported, "*"}, {"hex", unsupported, "*"}, {"fromhex", unsupported, "*"},
    {NULL, NULL, NULL},
};

static const llmi_jinja_builtin VIEW[] = {
    {"mapping", unsupported, "*"},
    {"isdisjoint", unsupported, "*"},
    {NULL, NULL, NULL},
};

static const llmi_jinja_builtin *const TABLES[LLMI_V_ABSENT + 1] = {
    [LLMI_V_BOOL] = INT,  [LLMI_V_INT] = INT,       [LLMI_V_BIG] = INT,     [LLMI_V_FLOAT] = FLOAT,
    [LLMI_V_DICT] = DICT, [LLMI_V_LIST] = LIST,     [LLMI_V_TUPLE] = TUPLE, [LLMI_V_RANGE] = RANGE,
    [LLMI_V_VIEW] = VIEW, [LLMI_V_CYCLER] = CYCLER,
};

static const llmi_jinja_builtin *table_of(llmi_jinja_kind kind) {
    return kind == LLMI_V_STR ? llmi_jinja_str_methods : TABLES[kind];
}

llmi_jinja_value llmi_method_of(llmi_jinja_run *r, llmi_jinja_value self, const llmi_jinja_str *name) {
    const llmi_jinja_builtin *table = table_of(self.kind);
    if (self.kind == LLMI_V_CYCLER && llmi_jinja_str_is(name, "current"))
        return self.cycler->items->v[self.cycler->at % self.cycler->items->n];
    int32_t which = table ? llmi_jinja_builtin_find(table, name->p, name->n) : -1;
    if (which < 0) return llmi_jinja_undefined;
    llmi_jinja_method *method = llmi_jinja_run_take(r, sizeof *method);
    if (!method) return llmi_jinja_undefined;
    method->self = self;
    return (llmi_jinja_value){.kind = LLMI_V_METHOD, .aux = (uint32_t)which, .method = method};
}

llmi_jinja_value llmi_method_call(llmi_jinja_run *r, llmi_jinja_value method, const llmi_jinja_args *args) {
    llmi_jinja_value self = method.method->self;
    llmi_jinja_value result = llmi_jinja_builtin_call(r, &table_of(self.kind)[method.aux], self, args);
    if (self.kind != LLMI_V_STR || !self.aux) return result;
    if (result.kind == LLMI_V_STR) result.aux |= self.aux; /* what is made of HTML is HTML */
    for (uint32_t i = 0; (result.kind == LLMI_V_LIST || result.kind == LLMI_V_TUPLE) && i < result.list->n; i++)
        result.list->v[i].aux |= self.aux;
    return result;
}
