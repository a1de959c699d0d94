/* Arguments, and the functions that every template may call. */
#include "base/text.h"
#include "text/template_value.h"

/* ---- arguments ---- */

int32_t llmi_builtin_find(const llmi_builtin *table, const char *name, size_t n) {
    for (int32_t i = 0; table[i].name; i++)
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0) return i;
    return -1;
}

llmi_value llmi_arg(const llmi_args *args, int32_t index, const char *name, llmi_value otherwise) {
    if (index < args->n) return args->v[index];
    for (int32_t i = 0; i < args->n_named; i++)
        if (llmi_str_is(args->names[i].s, name)) return args->values[i];
    return otherwise;
}

const llmi_str *llmi_arg_str(llmi_run *r, const llmi_args *args, int32_t index, const char *name,
                             const char *otherwise) {
    llmi_value v = llmi_arg(args, index, name, llmi_undefined);
    if (v.kind == LLMI_V_STR) return v.s;
    if (v.kind == LLMI_V_UNDEFINED && otherwise) return llmi_str_over(r, otherwise, strlen(otherwise));
    llmi_run_fail(r, LLM_E_FORMAT, "argument \"%s\" is %s, expected a string", name, llmi_kind_name(v));
    return NULL;
}

int64_t llmi_arg_int(llmi_run *r, const llmi_args *args, int32_t index, const char *name, int64_t otherwise) {
    llmi_value v = llmi_arg(args, index, name, llmi_undefined);
    if (v.kind == LLMI_V_INT || v.kind == LLMI_V_BOOL) return v.i;
    if (v.kind != LLMI_V_UNDEFINED && v.kind != LLMI_V_NONE)
        llmi_run_fail(r, LLM_E_FORMAT, "argument \"%s\" is %s, expected an integer", name, llmi_kind_name(v));
    return otherwise;
}

bool llmi_arg_bool(const llmi_args *args, int32_t index, const char *name, bool otherwise) {
    llmi_value v = llmi_arg(args, index, name, llmi_undefined);
    return v.kind == LLMI_V_UNDEFINED ? otherwise : llmi_truth(v);
}

/* ---- functions ---- */

enum { MAX_RANGE = 100000 }; /* as in Jinja's sandbox */

static llmi_value range(llmi_run *r, const llmi_args *args) {
    bool one = args->n < 2;
    int64_t from = one ? 0 : llmi_arg_int(r, args, 0, "start", 0);
    int64_t to = llmi_arg_int(r, args, one ? 0 : 1, "stop", 0), step = llmi_arg_int(r, args, 2, "step", 1);
    if (args->n == 0 || step == 0) {
        llmi_run_fail(r, LLM_E_FORMAT, "range takes 1 to 3 integers, the step not 0");
        return llmi_undefined;
    }
    llmi_list *l = llmi_list_new(r, 0);
    for (int64_t i = from; step > 0 ? i < to : i > to;) {
        if (l && l->n == MAX_RANGE) llmi_run_fail(r, LLM_E_LIMIT, "a range of more than %d numbers", MAX_RANGE);
        if (!llmi_list_add(r, l, llmi_of_int(i)) || __builtin_add_overflow(i, step, &i)) break;
    }
    return llmi_of_list(l, LLMI_V_LIST);
}

static llmi_dict *named_as_dict(llmi_run *r, const llmi_args *args) {
    llmi_dict *d = llmi_dict_new(r, 0);
    if (args->n && args->v[0].kind == LLMI_V_DICT)
        for (uint32_t i = 0; i < args->v[0].dict->n; i++)
            llmi_dict_put(r, d, args->v[0].dict->keys[i], args->v[0].dict->values[i]);
    for (int32_t i = 0; i < args->n_named; i++) llmi_dict_put(r, d, args->names[i], args->values[i]);
    return d;
}

static llmi_value dict(llmi_run *r, const llmi_args *args) {
    return llmi_of_dict(named_as_dict(r, args));
}

static llmi_value namespace(llmi_run *r, const llmi_args *args) {
    llmi_value v = dict(r, args);
    if (v.kind == LLMI_V_DICT) v.kind = LLMI_V_NAMESPACE;
    return v;
}

static llmi_value raise_exception(llmi_run *r, const llmi_args *args) {
    const llmi_str *s = llmi_to_str(r, llmi_arg(args, 0, "message", llmi_undefined));
    if (s) llmi_run_fail(r, LLM_E_ARGUMENT, "%.*s", (int)(s->n < 300 ? s->n : 300), s->p);
    return llmi_undefined;
}

static llmi_value strftime_now(llmi_run *r, const llmi_args *args) {
    const llmi_str *format = llmi_arg_str(r, args, 0, "format", NULL);
    if (!format) return llmi_undefined;
    if (!r->how->has_now) {
        llmi_run_fail(r, LLM_E_ARGUMENT, "the template asks for the time, which was not given");
        return llmi_undefined;
    }
    return llmi_of_str(llmi_format_time(r, format, r->how->now));
}

static llmi_value cycle_of(llmi_run *r, llmi_list *items, llmi_kind kind) {
    llmi_cycler *c = llmi_run_take(r, sizeof *c);
    if (!c || !items) return llmi_undefined;
    *c = (llmi_cycler){.items = items};
    return (llmi_value){.kind = kind, .cycler = c};
}

static llmi_value cycler(llmi_run *r, const llmi_args *args) {
    llmi_list *items = llmi_list_new(r, (uint32_t)args->n);
    for (int32_t i = 0; i < args->n; i++) llmi_list_add(r, items, args->v[i]);
    if (args->n == 0) llmi_run_fail(r, LLM_E_FORMAT, "a cycler needs at least one value");
    return cycle_of(r, items, LLMI_V_CYCLER);
}

static llmi_value joiner(llmi_run *r, const llmi_args *args) {
    llmi_list *items = llmi_list_new(r, 1);
    llmi_list_add(r, items, llmi_of_str(llmi_arg_str(r, args, 0, "sep", ", ")));
    return cycle_of(r, items, LLMI_V_JOINER);
}

const llmi_builtin llmi_functions[] = {
    {"range", range},   {"dict", dict},     {"namespace", namespace},       {"raise_exception", raise_exception},
    {"cycler", cycler}, {"joiner", joiner}, {"strftime_now", strftime_now}, {NULL, NULL},
};
