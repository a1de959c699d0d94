/* Arguments of built-ins: from the order of the call into that of their signature. */
#include "base/text.h"
#include "jinja/value.h"

int32_t llmi_jinja_builtin_find(const llmi_jinja_builtin *table, const char *name, size_t n) {
    for (int32_t i = 0; table[i].name; i++)
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0) return i;
    return -1;
}

typedef struct param {
    const char *name;
    size_t n;
    bool optional;
} param;

/* The parameter at *at, which advances to the next; false at the end or at "/". */
static bool next_param(param *out, const char **at) {
    *at += strspn(*at, " ");
    size_t n = strcspn(*at, " ");
    if (n == 0 || **at == '/') return false;
    bool optional = (*at)[n - 1] == '?';
    *out = (param){*at, n - optional, optional};
    *at += n;
    return true;
}

static bool by_position_only(const llmi_jinja_builtin *b) {
    size_t n = strlen(b->params);
    return n && b->params[n - 1] == '/';
}

static bool is_param(const param *p, const llmi_jinja_str *name) {
    return p->n == name->n && memcmp(p->name, name->p, p->n) == 0;
}

enum { MAX_PARAMS = 8 };

/* Fills v; n_bound counts the named arguments that found their place. */
static int32_t place_arguments(llmi_jinja_run *r, const llmi_jinja_builtin *b, const llmi_jinja_args *args,
                               llmi_jinja_value v[MAX_PARAMS], int32_t *n_bound) {
    const char *at = b->params;
    param p;
    int32_t n = 0;
    for (; n < MAX_PARAMS && next_param(&p, &at); n++) {
        v[n] = n < args->n ? args->v[n] : llmi_jinja_absent;
        for (int32_t i = 0; i < args->n_named && !by_position_only(b); i++) {
            if (!is_param(&p, args->named[i].name.s)) continue;
            if (v[n].kind != LLMI_V_ABSENT)
                llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: argument \"%.*s\" is given twice", b->name, (int)p.n, p.name);
            v[n] = args->named[i].value;
            ++*n_bound;
        }
        if (v[n].kind == LLMI_V_ABSENT && !p.optional)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: argument \"%.*s\" is missing", b->name, (int)p.n, p.name);
    }
    return n;
}

static void fail_named(llmi_jinja_run *r, const llmi_jinja_builtin *b, const llmi_jinja_args *args) {
    for (int32_t i = 0; i < args->n_named; i++) {
        const char *at = b->params;
        bool known = false;
        for (param p; next_param(&p, &at) && !by_position_only(b);)
            known = known || is_param(&p, args->named[i].name.s);
        const llmi_jinja_str *name = args->named[i].name.s;
        if (!known)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s has no argument called \"%s\"", b->name,
                                LLMI_QUOTE(name->p, name->n));
    }
}

llmi_jinja_value llmi_jinja_builtin_call(llmi_jinja_run *r, const llmi_jinja_builtin *b, llmi_jinja_value self,
                                         const llmi_jinja_args *args) {
    llmi_jinja_args bound = *args;
    llmi_jinja_value v[MAX_PARAMS];
    bound.self = self;
    bound.of = b;
    if (b->params[0] != '*') {
        int32_t n_bound = 0, n = place_arguments(r, b, args, v, &n_bound);
        if (args->n > n)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s takes at most %d arguments, found %d", b->name, n, args->n);
        if (n_bound < args->n_named) fail_named(r, b, args);
        bound = (llmi_jinja_args){.self = self, .v = v, .n = n, .of = b};
    }
    return LLMI_JINJA_OK(r) ? b->fn(r, &bound) : llmi_jinja_undefined;
}

/* ---- reading them ---- */

void llmi_jinja_arg_fail(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index, const char *expected) {
    const char *at = args->of->params;
    param p = {"", 0, false};
    for (int32_t i = 0; i <= index && next_param(&p, &at); i++)
        ;
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: argument \"%.*s\" is a %s, expected %s", args->of->name, (int)p.n, p.name,
                        llmi_jinja_kind_name(args->v[index]), expected);
}

const llmi_jinja_str *llmi_jinja_arg_str(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index,
                                         const char *otherwise) {
    llmi_jinja_value v = args->v[index];
    if (v.kind == LLMI_V_STR) return v.s;
    if (v.kind == LLMI_V_ABSENT) return llmi_jinja_str_over(r, otherwise, strlen(otherwise));
    llmi_jinja_arg_fail(r, args, index, "a string");
    return NULL;
}

int64_t llmi_jinja_arg_int(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index, int64_t otherwise) {
    llmi_jinja_value v = args->v[index];
    if (llmi_jinja_is_int(v)) return v.i;
    if (v.kind != LLMI_V_ABSENT) llmi_jinja_arg_fail(r, args, index, "an integer");
    return otherwise;
}

bool llmi_jinja_arg_bool(const llmi_jinja_args *args, int32_t index, bool otherwise) {
    llmi_jinja_value v = args->v[index];
    return v.kind == LLMI_V_ABSENT ? otherwise : llmi_jinja_truth(v);
}
