/* The functions that every template may call. */
#include "base/text.h"
#include "jinja/value.h"

static llmi_jinja_value range(llmi_jinja_run *r, const llmi_jinja_args *args) {
    bool one = args->v[1].kind == LLMI_V_ABSENT;
    int64_t from = one ? 0 : llmi_jinja_arg_int(r, args, 0, 0), to = llmi_jinja_arg_int(r, args, !one, 0);
    int64_t step = llmi_jinja_arg_int(r, args, 2, 1);
    if (step == 0) llmi_jinja_run_fail(r, LLM_E_FORMAT, "range: the step is 0");
    return LLMI_JINJA_OK(r) ? llmi_jinja_of_range(r, from, to, step) : llmi_jinja_undefined;
}

/* Two values, as dict() takes them from each of its argument's. */
static void put_pair(llmi_jinja_run *r, llmi_jinja_dict *d, llmi_jinja_value v) {
    llmi_jinja_list *pair = llmi_jinja_iterate(r, v);
    if (pair && pair->n != 2)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "dict: a pair of key and value has %u values", pair->n);
    if (pair && LLMI_JINJA_OK(r)) llmi_jinja_dict_put(r, d, pair->v[0], pair->v[1]);
}

static llmi_jinja_dict *named_as_dict(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_dict *d = llmi_jinja_dict_new(r, 0);
    if (args->n > 1) llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s takes at most 1 argument without a name", args->of->name);
    if (args->n && args->v[0].kind == LLMI_V_DICT)
        for (uint32_t i = 0; i < args->v[0].dict->n; i++)
            llmi_jinja_dict_put(r, d, args->v[0].dict->keys[i], args->v[0].dict->values[i]);
    llmi_jinja_list *pairs = args->n && args->v[0].kind != LLMI_V_DICT ? llmi_jinja_iterate(r, args->v[0]) : NULL;
    for (uint32_t i = 0; pairs && i < pairs->n && LLMI_JINJA_OK(r); i++) put_pair(r, d, pairs->v[i]);
    for (int32_t i = 0; i < args->n_named; i++) llmi_jinja_dict_put(r, d, args->named[i].name, args->named[i].value);
    return d;
}

static llmi_jinja_value dict(llmi_jinja_run *r, const llmi_jinja_args *args) {
    return llmi_jinja_of_dict(named_as_dict(r, args));
}

static llmi_jinja_value namespace(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_value v = dict(r, args);
    if (v.kind == LLMI_V_DICT) v.kind = LLMI_V_NAMESPACE;
    return v;
}

static llmi_jinja_value raise_exception(llmi_jinja_run *r, const llmi_jinja_args *args) {
    const llmi_jinja_str *s = llmi_jinja_to_str(r, args->v[0]);
    if (s) llmi_jinja_run_fail(r, LLM_E_ARGUMENT, "%.*s", (int)(s->n < 300 ? s->n : 300), s->p);
    return llmi_jinja_undefined;
}

static llmi_jinja_value strftime_now(llmi_jinja_run *r, const llmi_jinja_args *args) {
    const llmi_jinja_str *format = llmi_jinja_arg_str(r, args, 0, "");
    if (!format) return llmi_jinja_undefined;
    if (!r->how->has_now) {
        llmi_jinja_run_fail(r, LLM_E_ARGUMENT, "the template asks for the time, which was not given");
        return llmi_jinja_undefined;
    }
    return llmi_jinja_of_str(llmi_jinja_strftime(r, format, r->how->now));
}

static llmi_jinja_value cycle_of(llmi_jinja_run *r, llmi_jinja_list *items, llmi_jinja_kind kind) {
    llmi_jinja_cycler *c = llmi_jinja_run_take(r, sizeof *c);
    if (!c || !items) return llmi_jinja_undefined;
    *c = (llmi_jinja_cycler){.items = items};
    return (llmi_jinja_value){.kind = kind, .cycler = c};
}

static llmi_jinja_value cycler(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_list *items = llmi_jinja_list_new(r, (uint32_t)args->n);
    for (int32_t i = 0; i < args->n; i++) llmi_jinja_list_add(r, items, args->v[i]);
    if (args->n == 0 || args->n_named) llmi_jinja_run_fail(r, LLM_E_FORMAT, "a cycler takes values, and at least one");
    return cycle_of(r, items, LLMI_V_CYCLER);
}

static llmi_jinja_value joiner(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_list *items = llmi_jinja_list_new(r, 1);
    llmi_jinja_list_add(r, items, llmi_jinja_arg(args, 0, llmi_jinja_of_str(llmi_jinja_str_over(r, ", ", 2))));
    return cycle_of(r, items, LLMI_V_JOINER);
}

static llmi_jinja_value unsupported(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_run_fail(r, LLM_E_UNSUPPORTED, "the function \"%s\" is not supported", args->of->name);
    return llmi_jinja_undefined;
}

const llmi_jinja_builtin llmi_jinja_functions[] = {
    {"range", range, "start stop? step? /"},         {"dict", dict, "*"},          {"namespace", namespace, "*"},
    {"raise_exception", raise_exception, "message"}, {"cycler", cycler, "*"},      {"joiner", joiner, "sep?"},
    {"strftime_now", strftime_now, "format"},        {"lipsum", unsupported, "*"}, {NULL, NULL, NULL},
};
