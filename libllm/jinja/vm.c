/* The machine: instructions over a stack of values. Calls of macros, loops and captured output are entries
 * of stacks of its own, so that a template cannot deepen the C stack. */
#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "jinja/code.h"

typedef struct llmi_jinja_macro {
    const llmi_jinja_macro_code *code;
    int32_t entry;
    struct llmi_jinja_binding *closure;
    uint32_t n_closure;
} llmi_jinja_macro;

typedef struct llmi_jinja_loop {
    llmi_jinja_list *items;
    uint32_t at;                 /* items given so far */
    size_t n_bindings, n_scopes; /* as it began, its own scope open */
    int32_t generation;
    struct llmi_jinja_loop *outer;
    llmi_jinja_value changed;      /* last value of loop.changed(); TUPLE of arguments */
    const llmi_jinja_macro *again; /* of a recursive loop: its body */
    int64_t depth;                 /* of recursion, from 1 */
} llmi_jinja_loop;

typedef struct llmi_jinja_binding {
    int32_t name; /* constant */
    llmi_jinja_value value;
} llmi_jinja_binding;

/* A call that has not returned. */
typedef struct llmi_jinja_frame {
    int32_t return_to;
    size_t floor, scope; /* as they were before */
    size_t n_bindings, n_scopes, n_captures;
    llmi_jinja_loop *loop;
    uint64_t given[4]; /* bits: parameters that the call gave */
    const llmi_jinja_macro *macro;
    int64_t loop_depth; /* of the recursive loop whose body this is */
} llmi_jinja_frame;

typedef struct llmi_vm {
    llmi_jinja_run run;
    llmi_buf stack;    /* llmi_jinja_value */
    llmi_buf bindings; /* llmi_jinja_binding */
    llmi_buf scopes;   /* size_t: where the enclosing scopes begin */
    llmi_buf captures; /* size_t: where kept output begins */
    llmi_buf frames;   /* llmi_jinja_frame */
    size_t floor;      /* bindings below belong to callers */
    size_t scope;      /* the innermost scope begins here */
    size_t n_global;   /* bindings of the template's outermost scope */
    llmi_jinja_loop *loop;
    int32_t generation;
    llmi_jinja_dict *context;
    llmi_builder out;
    llmi_buf *pieces; /* or NULL */
} llmi_vm;

static bool keep(llmi_vm *m, bool done) {
    if (!done && LLMI_JINJA_OK(&m->run)) m->run.status = LLM_E_MEMORY;
    return done;
}

/* ---- stack ---- */

enum { MAX_STACK = 1 << 20 };

static void push(llmi_vm *m, llmi_jinja_value v) {
    if (m->stack.len > MAX_STACK * sizeof v) llmi_jinja_run_fail(&m->run, LLM_E_LIMIT, "too many values at once");
    if (LLMI_JINJA_OK(&m->run)) keep(m, llmi_buf_push(&m->stack, v));
}

static size_t height(const llmi_vm *m) {
    return llmi_buf_count(&m->stack, llmi_jinja_value);
}

static const llmi_jinja_frame *top_frame(const llmi_vm *m) {
    return &llmi_buf_at(&m->frames, llmi_jinja_frame, llmi_buf_count(&m->frames, llmi_jinja_frame) - 1);
}

static llmi_jinja_value pop(llmi_vm *m) {
    if (!m->stack.len) return llmi_jinja_undefined; /* only after a failed push */
    m->stack.len -= sizeof(llmi_jinja_value);
    return llmi_buf_at(&m->stack, llmi_jinja_value, height(m));
}

/* Pops the topmost n values; they are valid until the next push. */
static const llmi_jinja_value *pop_many(llmi_vm *m, size_t n) {
    m->stack.len -= n * sizeof(llmi_jinja_value);
    return &llmi_buf_at(&m->stack, llmi_jinja_value, height(m));
}

static llmi_jinja_value constant(const llmi_vm *m, int32_t index) {
    return llmi_buf_at(&m->run.t->constants, llmi_jinja_value, index);
}

/* ---- variables ---- */

static llmi_jinja_binding *find_binding(llmi_vm *m, int32_t name, size_t from, size_t to) {
    for (size_t i = to; i-- > from;) {
        llmi_jinja_binding *b = &llmi_buf_at(&m->bindings, llmi_jinja_binding, i);
        if (b->name == name) return b;
    }
    return NULL;
}

static llmi_jinja_value load(llmi_vm *m, int32_t name) {
    size_t n = llmi_buf_count(&m->bindings, llmi_jinja_binding);
    llmi_jinja_binding *b = find_binding(m, name, m->floor, n);
    if (!b && m->floor) b = find_binding(m, name, 0, m->n_global);
    llmi_jinja_run_spend(&m->run, (int64_t)(n - m->floor) / 16);
    if (b) return b->value;
    const llmi_jinja_str *s = constant(m, name).s;
    llmi_jinja_run_spend(&m->run, m->context->n / 16);
    const llmi_jinja_value *given = llmi_jinja_dict_get(m->context, s->p, s->n);
    if (given) return *given;
    int32_t function = llmi_jinja_builtin_find(llmi_jinja_functions, s->p, s->n);
    if (function >= 0) return (llmi_jinja_value){.kind = LLMI_V_FUNCTION, .i = function};
    return (llmi_jinja_value){.kind = LLMI_V_UNDEFINED, .s = s};
}

static void bind(llmi_vm *m, int32_t name, llmi_jinja_value v) {
    llmi_jinja_binding b = {name, v};
    if (LLMI_JINJA_OK(&m->run)) keep(m, llmi_buf_push(&m->bindings, b));
    if (!m->scopes.len && !m->frames.len && !m->loop) m->n_global = llmi_buf_count(&m->bindings, llmi_jinja_binding);
}

static void store(llmi_vm *m, int32_t name, llmi_jinja_value v) {
    llmi_jinja_binding *b = find_binding(m, name, m->scope, llmi_buf_count(&m->bindings, llmi_jinja_binding));
    if (b)
        b->value = v;
    else
        bind(m, name, v);
}

static void store_attribute(llmi_vm *m, int32_t name) {
    llmi_jinja_value space = pop(m), v = pop(m);
    if (space.kind != LLMI_V_NAMESPACE)
        llmi_jinja_run_fail(&m->run, LLM_E_FORMAT, "only attributes of a namespace can be set, found %s",
                            llmi_jinja_kind_name(space));
    else
        llmi_jinja_dict_put(&m->run, space.dict, constant(m, name), v);
}

static void open_scope(llmi_vm *m) {
    if (!keep(m, llmi_buf_push(&m->scopes, m->scope))) return;
    m->scope = llmi_buf_count(&m->bindings, llmi_jinja_binding);
}

static void close_scope(llmi_vm *m) {
    m->bindings.len = m->scope * sizeof(llmi_jinja_binding);
    m->scopes.len -= sizeof(size_t);
    m->scope = llmi_buf_at(&m->scopes, size_t, llmi_buf_count(&m->scopes, size_t));
}

/* ---- output ---- */

static size_t captured_from(const llmi_vm *m) {
    size_t n = llmi_buf_count(&m->captures, size_t);
    return n ? llmi_buf_at(&m->captures, size_t, n - 1) : 0;
}

static void open_capture(llmi_vm *m) {
    keep(m, llmi_buf_push(&m->captures, m->out.bytes.len));
}

static llmi_jinja_value close_capture(llmi_vm *m) {
    const llmi_jinja_str *s = llmi_builder_take(&m->out, captured_from(m));
    m->captures.len -= sizeof(size_t);
    return llmi_jinja_of_str(s);
}

/* Records where the output from `begin` on comes from. */
static void record_piece(llmi_vm *m, size_t begin, uint32_t line) {
    size_t end = m->out.bytes.len;
    if (!m->pieces || m->captures.len || begin == end) return;
    llmi_jinja_piece piece = {begin, end, (int32_t)line, -1, false, m->generation > 0};
    size_t n = llmi_buf_count(m->pieces, llmi_jinja_piece);
    llmi_jinja_piece *last = n ? &llmi_buf_at(m->pieces, llmi_jinja_piece, n - 1) : NULL;
    if (last && last->line == piece.line && last->generation == piece.generation)
        last->end = end;
    else if (llmi_jinja_run_hold(&m->run, sizeof piece))
        keep(m, llmi_buf_push(m->pieces, piece));
}

/* ---- loops ---- */

static void begin_loop(llmi_vm *m, bool recursive) {
    llmi_jinja_list *items = llmi_jinja_iterate(&m->run, pop(m));
    llmi_jinja_loop *loop = llmi_jinja_run_take(&m->run, sizeof *loop);
    if (!items || !loop || !llmi_jinja_run_enter(&m->run)) return;
    open_scope(m);
    *loop = (llmi_jinja_loop){.items = items, .outer = m->loop, .depth = 1};
    if (recursive) {
        loop->again = top_frame(m)->macro;
        loop->depth = top_frame(m)->loop_depth;
    }
    loop->n_bindings = llmi_buf_count(&m->bindings, llmi_jinja_binding);
    loop->n_scopes = m->scopes.len;
    loop->generation = m->generation;
    m->loop = loop;
}

/* Every iteration starts in the scope the loop was entered with; break and continue may leave blocks open. */
static void rewind_loop(llmi_vm *m) {
    while (m->scopes.len > m->loop->n_scopes) close_scope(m);
    m->bindings.len = m->loop->n_bindings * sizeof(llmi_jinja_binding);
    m->generation = m->loop->generation;
}

static bool next_item(llmi_vm *m, int32_t loop_name) {
    llmi_jinja_loop *loop = m->loop;
    rewind_loop(m);
    if (loop->at == loop->items->n) return false;
    push(m, loop->items->v[loop->at++]);
    if (loop_name >= 0) bind(m, loop_name, (llmi_jinja_value){.kind = LLMI_V_LOOP, .loop = loop});
    return true;
}

static void end_loop(llmi_vm *m) {
    llmi_jinja_loop *loop = m->loop;
    rewind_loop(m);
    m->loop = loop->outer;
    close_scope(m);
    llmi_jinja_run_leave(&m->run);
    push(m, llmi_jinja_of_bool(loop->at > 0));
}

static llmi_jinja_value item_at(const llmi_jinja_loop *l, int64_t index) {
    return index >= 0 && index < l->items->n ? l->items->v[index] : llmi_jinja_undefined;
}

enum { LOOP_CYCLE, LOOP_CHANGED };

llmi_jinja_value llmi_jinja_loop_attribute(llmi_jinja_run *r, llmi_jinja_loop *l, const llmi_jinja_str *name) {
    int64_t i = (int64_t)l->at - 1, n = l->items->n;
    if (llmi_jinja_str_is(name, "index")) return llmi_jinja_of_int(i + 1);
    if (llmi_jinja_str_is(name, "index0")) return llmi_jinja_of_int(i);
    if (llmi_jinja_str_is(name, "revindex")) return llmi_jinja_of_int(n - i);
    if (llmi_jinja_str_is(name, "revindex0")) return llmi_jinja_of_int(n - i - 1);
    if (llmi_jinja_str_is(name, "first")) return llmi_jinja_of_bool(i == 0);
    if (llmi_jinja_str_is(name, "last")) return llmi_jinja_of_bool(i == n - 1);
    if (llmi_jinja_str_is(name, "length")) return llmi_jinja_of_int(n);
    if (llmi_jinja_str_is(name, "depth")) return llmi_jinja_of_int(l->depth);
    if (llmi_jinja_str_is(name, "depth0")) return llmi_jinja_of_int(l->depth - 1);
    if (llmi_jinja_str_is(name, "previtem")) return item_at(l, i - 1);
    if (llmi_jinja_str_is(name, "nextitem")) return item_at(l, i + 1);
    bool cycle = llmi_jinja_str_is(name, "cycle");
    if (!cycle && !llmi_jinja_str_is(name, "changed")) return llmi_jinja_undefined_named(r, name->p, name->n);
    llmi_jinja_method *method = llmi_jinja_run_take(r, sizeof *method);
    if (!method) return llmi_jinja_undefined;
    method->self = (llmi_jinja_value){.kind = LLMI_V_LOOP, .loop = l};
    return (llmi_jinja_value){.kind = LLMI_V_METHOD, .aux = cycle ? LOOP_CYCLE : LOOP_CHANGED, .method = method};
}

llmi_jinja_value llmi_jinja_macro_attribute(llmi_jinja_run *r, const llmi_jinja_macro *macro,
                                            const llmi_jinja_str *name) {
    const llmi_jinja_macro_code *code = macro->code;
    const llmi_buf *constants = &r->t->constants;
    if (llmi_jinja_str_is(name, "name")) return llmi_buf_at(constants, llmi_jinja_value, code->name);
    if (llmi_jinja_str_is(name, "catch_varargs")) return llmi_jinja_of_bool(code->takes_rest);
    if (llmi_jinja_str_is(name, "catch_kwargs")) return llmi_jinja_of_bool(code->takes_names);
    if (llmi_jinja_str_is(name, "caller")) return llmi_jinja_of_bool(code->takes_caller);
    if (!llmi_jinja_str_is(name, "arguments")) return llmi_jinja_undefined_named(r, name->p, name->n);
    llmi_jinja_list *l = llmi_jinja_list_new(r, code->n_params);
    for (uint32_t i = 0; i < code->n_params; i++)
        llmi_jinja_list_add(
            r, l,
            llmi_buf_at(constants, llmi_jinja_value, llmi_buf_at(&r->t->params, uint32_t, code->first_param + i)));
    return llmi_jinja_of_list(l, LLMI_V_TUPLE);
}

void llmi_vm_print(llmi_builder *b, llmi_jinja_value v) {
    if (v.kind == LLMI_V_LOOP) {
        llmi_builder_printf(b, "<LoopContext %u/%u>", v.loop->at, v.loop->items->n);
        return;
    }
    llmi_jinja_value name = llmi_buf_at(&b->r->t->constants, llmi_jinja_value, v.macro->code->name);
    llmi_builder_puts(b, "<Macro ");
    llmi_print_repr(b, name);
    llmi_builder_puts(b, ">");
}

static llmi_jinja_value call_loop(llmi_vm *m, llmi_jinja_value method, const llmi_jinja_args *args) {
    llmi_jinja_loop *l = method.method->self.loop;
    if (args->n_named || (method.aux == LOOP_CYCLE && !args->n))
        llmi_jinja_run_fail(&m->run, LLM_E_FORMAT, "loop.cycle and loop.changed take values");
    if (!LLMI_JINJA_OK(&m->run)) return llmi_jinja_undefined;
    if (method.aux == LOOP_CYCLE) return args->v[(l->at - 1) % (uint32_t)args->n];
    llmi_jinja_list *now = llmi_jinja_list_new(&m->run, (uint32_t)args->n);
    for (int32_t i = 0; i < args->n; i++) llmi_jinja_list_add(&m->run, now, args->v[i]);
    llmi_jinja_value v = llmi_jinja_of_list(now, LLMI_V_TUPLE);
    bool changed = !llmi_jinja_equal(&m->run, v, l->changed);
    l->changed = v;
    return llmi_jinja_of_bool(changed);
}

/* ---- calls ---- */

static void make_macro(llmi_vm *m, int32_t at, int32_t index) {
    llmi_jinja_macro *macro = llmi_jinja_run_take(&m->run, sizeof *macro);
    if (!macro) return;
    const llmi_jinja_macro_code *code = &llmi_buf_at(&m->run.t->macros, llmi_jinja_macro_code, index);
    *macro = (llmi_jinja_macro){.code = code, .entry = at + code->entry};
    /* Captures the variables around it; those of the outermost scope are looked up when they are used. */
    size_t from = m->floor ? m->floor : m->n_global, to = llmi_buf_count(&m->bindings, llmi_jinja_binding);
    if (from < to) {
        macro->n_closure = (uint32_t)(to - from);
        macro->closure = llmi_jinja_run_take(&m->run, macro->n_closure * sizeof *macro->closure);
        if (!macro->closure) return;
        memcpy(macro->closure, &llmi_buf_at(&m->bindings, llmi_jinja_binding, from),
               macro->n_closure * sizeof *macro->closure);
    }
    push(m, (llmi_jinja_value){.kind = LLMI_V_MACRO, .macro = macro});
}

static int32_t find_parameter(llmi_vm *m, const llmi_jinja_macro_code *code, const llmi_jinja_str *name) {
    for (uint32_t i = 0; i < code->n_params; i++)
        if (llmi_jinja_str_same(&m->run, constant(m, llmi_buf_at(&m->run.t->params, int32_t, code->first_param + i)).s,
                                name))
            return (int32_t)i;
    return -1;
}

static int32_t name_constant(const llmi_vm *m, const char *name) {
    for (size_t i = 0; i < llmi_buf_count(&m->run.t->constants, llmi_jinja_value); i++) {
        llmi_jinja_value v = constant(m, (int32_t)i);
        if (v.kind == LLMI_V_STR && llmi_jinja_str_is(v.s, name)) return (int32_t)i;
    }
    return -1;
}

/* The arguments of a call to a macro, before they are bound to parameters. */
typedef struct binding_call {
    llmi_vm *m;
    const llmi_jinja_macro_code *code;
    const llmi_jinja_args *args;
    llmi_jinja_frame *frame;
    llmi_jinja_value caller;
    llmi_jinja_list *rest;
    llmi_jinja_dict *names;
} binding_call;

static bool was_bound(const llmi_jinja_frame *f, int32_t parameter) {
    return f->given[parameter / 64] >> parameter % 64 & 1;
}

/* Passes a named argument to a parameter, to `caller` or to kwargs. */
static void bind_named(binding_call *c, const llmi_jinja_pair *arg, size_t first_binding) {
    llmi_jinja_run *r = &c->m->run;
    const llmi_jinja_str *name = arg->name.s;
    int32_t which = find_parameter(c->m, c->code, name);
    if (which >= 0) {
        if (was_bound(c->frame, which))
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "the macro's \"%s\" is given twice", LLMI_QUOTE(name->p, name->n));
        c->frame->given[which / 64] |= 1ull << which % 64;
        if (LLMI_JINJA_OK(r))
            llmi_buf_at(&c->m->bindings, llmi_jinja_binding, first_binding + (size_t)which).value = arg->value;
    } else if (llmi_jinja_str_is(name, "caller") && c->code->takes_caller) {
        c->caller = arg->value;
    } else if (c->names) {
        llmi_jinja_dict_put(r, c->names, arg->name, arg->value);
    } else {
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "the macro has no parameter \"%s\"", LLMI_QUOTE(name->p, name->n));
    }
}

/* Arguments to parameters; the rest to varargs, kwargs and caller, if the macro asks for those. */
static void bind_arguments(binding_call *c) {
    llmi_vm *m = c->m;
    llmi_jinja_run *r = &m->run;
    const llmi_jinja_args *args = c->args;
    int32_t n = (int32_t)c->code->n_params;
    size_t first = llmi_buf_count(&m->bindings, llmi_jinja_binding);
    for (int32_t i = 0; i < n; i++) {
        bool given = i < args->n;
        if (given) c->frame->given[i / 64] |= 1ull << i % 64;
        int32_t name = llmi_buf_at(&r->t->params, int32_t, c->code->first_param + (uint32_t)i);
        bind(m, name, given ? args->v[i] : (llmi_jinja_value){.kind = LLMI_V_UNDEFINED, .s = constant(m, name).s});
    }
    for (int32_t i = n; i < args->n; i++) {
        if (!c->rest)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "the macro takes %d arguments, found %d", n, args->n);
        else
            llmi_jinja_list_add(r, c->rest, args->v[i]);
    }
    for (int32_t i = 0; i < args->n_named && LLMI_JINJA_OK(r); i++) bind_named(c, &args->named[i], first);
    if (c->rest) bind(m, name_constant(m, "varargs"), llmi_jinja_of_list(c->rest, LLMI_V_TUPLE));
    if (c->names) bind(m, name_constant(m, "kwargs"), llmi_jinja_of_dict(c->names));
    if (c->code->takes_caller) bind(m, name_constant(m, "caller"), c->caller);
}

/* loop_depth: of the recursive loop whose body the macro is. */
static int32_t call_macro(llmi_vm *m, const llmi_jinja_macro *macro, const llmi_jinja_args *args, int32_t return_to,
                          int64_t loop_depth) {
    llmi_jinja_run *r = &m->run;
    if (!llmi_jinja_run_enter(r)) return return_to;
    llmi_jinja_frame f = {
        .return_to = return_to, .floor = m->floor, .scope = m->scope, .loop = m->loop, .macro = macro};
    f.loop_depth = loop_depth;
    f.n_bindings = llmi_buf_count(&m->bindings, llmi_jinja_binding);
    f.n_scopes = m->scopes.len;
    f.n_captures = m->captures.len;
    keep(m, llmi_buf_push(&m->frames, f));
    m->floor = m->scope = f.n_bindings;
    m->loop = NULL;
    llmi_jinja_run_spend(r, macro->n_closure / 16);
    for (uint32_t i = 0; i < macro->n_closure; i++) bind(m, macro->closure[i].name, macro->closure[i].value);
    m->scope = llmi_buf_count(&m->bindings, llmi_jinja_binding);
    const llmi_jinja_macro_code *code = macro->code;
    bind_arguments(&(binding_call){m, code, args, &f, llmi_jinja_undefined,
                                   code->takes_rest ? llmi_jinja_list_new(r, 0) : NULL,
                                   code->takes_names ? llmi_jinja_dict_new(r, 0) : NULL});
    if (!LLMI_JINJA_OK(r)) return return_to;
    llmi_buf_at(&m->frames, llmi_jinja_frame, llmi_buf_count(&m->frames, llmi_jinja_frame) - 1) = f;
    open_capture(m);
    return macro->entry;
}

static int32_t return_from(llmi_vm *m) {
    llmi_jinja_value text = close_capture(m);
    m->frames.len -= sizeof(llmi_jinja_frame);
    llmi_jinja_frame f = llmi_buf_at(&m->frames, llmi_jinja_frame, llmi_buf_count(&m->frames, llmi_jinja_frame));
    m->bindings.len = f.n_bindings * sizeof(llmi_jinja_binding);
    m->scopes.len = f.n_scopes;
    m->captures.len = f.n_captures;
    m->floor = f.floor;
    m->scope = f.scope;
    m->loop = f.loop;
    llmi_jinja_run_leave(&m->run);
    push(m, text);
    return f.return_to;
}

/* Appends the values of "*list" to the positional arguments and the pairs of "**dict" to the named ones. */
static void spread(llmi_jinja_run *r, llmi_jinja_args *args) {
    llmi_jinja_list *values = llmi_jinja_list_new(r, 0), *pairs = llmi_jinja_list_new(r, 0);
    for (int32_t i = 0; i < args->n; i++) llmi_jinja_list_add(r, values, args->v[i]);
    for (int32_t i = 0; i < args->n_named && LLMI_JINJA_OK(r); i++) {
        const llmi_jinja_pair *arg = &args->named[i];
        if (arg->name.kind == LLMI_V_STR) {
            llmi_jinja_list_add(r, pairs, arg->name);
            llmi_jinja_list_add(r, pairs, arg->value);
        } else if (arg->name.i == LLMI_SPREAD_LIST) {
            llmi_jinja_list *l = llmi_jinja_iterate(r, arg->value);
            for (uint32_t k = 0; l && k < l->n && llmi_jinja_run_spend(r, 1); k++)
                llmi_jinja_list_add(r, values, l->v[k]);
        } else if (arg->value.kind != LLMI_V_DICT) {
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "** needs a dictionary, found %s", llmi_jinja_kind_name(arg->value));
        }
        const llmi_jinja_dict *d =
            arg->value.kind == LLMI_V_DICT && arg->name.kind == LLMI_V_INT && arg->name.i == LLMI_SPREAD_DICT
                ? arg->value.dict
                : NULL;
        for (uint32_t k = 0; d && k < d->n && llmi_jinja_run_spend(r, 1); k++) {
            if (d->keys[k].kind != LLMI_V_STR) llmi_jinja_run_fail(r, LLM_E_FORMAT, "** needs keys that are text");
            llmi_jinja_list_add(r, pairs, d->keys[k]);
            llmi_jinja_list_add(r, pairs, d->values[k]);
        }
    }
    if (!LLMI_JINJA_OK(r)) return;
    *args = (llmi_jinja_args){.v = values->v, .n = (int32_t)values->n, .n_named = (int32_t)(pairs->n / 2)};
    args->named = (const llmi_jinja_pair *)(const void *)pairs->v;
}

/* The arguments on top of the stack; they stay readable until the next push. *below: the value beneath them. */
static llmi_jinja_args take_args(llmi_vm *m, llmi_jinja_instr i, llmi_jinja_value *below) {
    llmi_jinja_args args = {.named = (const llmi_jinja_pair *)(const void *)pop_many(m, (size_t)i.b * 2),
                            .n_named = i.b};
    args.v = pop_many(m, i.c);
    args.n = i.c;
    *below = pop(m);
    for (int32_t k = 0; k < args.n_named; k++)
        if (args.named[k].name.kind != LLMI_V_STR) {
            spread(&m->run, &args);
            break;
        }
    return args;
}

static int32_t call_recursive(llmi_vm *m, const llmi_jinja_loop *loop, const llmi_jinja_args *args, int32_t return_to) {
    if (!loop->again) llmi_jinja_run_fail(&m->run, LLM_E_FORMAT, "only a loop that is \"recursive\" can be called");
    if (args->n != 1 || args->n_named) llmi_jinja_run_fail(&m->run, LLM_E_FORMAT, "loop takes one argument");
    return LLMI_JINJA_OK(&m->run) ? call_macro(m, loop->again, args, return_to, loop->depth + 1) : return_to;
}

static llmi_jinja_value call_value(llmi_vm *m, llmi_jinja_value callee, const llmi_jinja_args *args) {
    llmi_jinja_run *r = &m->run;
    switch (callee.kind) {
    case LLMI_V_FUNCTION:
        return llmi_jinja_builtin_call(r, &llmi_jinja_functions[callee.i], llmi_jinja_undefined, args);
    case LLMI_V_METHOD:
        return callee.method->self.kind == LLMI_V_LOOP ? call_loop(m, callee, args) : llmi_method_call(r, callee, args);
    case LLMI_V_JOINER:
        if (args->n || args->n_named) llmi_jinja_run_fail(r, LLM_E_FORMAT, "a joiner takes no arguments");
        return callee.cycler->at++ ? callee.cycler->items->v[0] : llmi_jinja_of_str(llmi_jinja_str_over(r, "", 0));
    default:
        if (callee.kind == LLMI_V_UNDEFINED && callee.s)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "'%s' is undefined", LLMI_QUOTE(callee.s->p, callee.s->n));
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "a %s cannot be called", llmi_jinja_kind_name(callee));
        return llmi_jinja_undefined;
    }
}

/* Returns the next instruction. */
static int32_t call(llmi_vm *m, llmi_jinja_instr i, int32_t at) {
    llmi_jinja_value callee;
    llmi_jinja_args args = take_args(m, i, &callee);
    if (!LLMI_JINJA_OK(&m->run)) return at + 1;
    if (callee.kind == LLMI_V_MACRO) return call_macro(m, callee.macro, &args, at + 1, 0);
    if (callee.kind == LLMI_V_LOOP) return call_recursive(m, callee.loop, &args, at + 1);
    push(m, call_value(m, callee, &args));
    return at + 1;
}

static int32_t begin_recursion(llmi_vm *m, int32_t at) {
    llmi_jinja_value macro = pop(m), items = pop(m);
    if (!LLMI_JINJA_OK(&m->run)) return at + 1;
    return call_macro(m, macro.macro, &(llmi_jinja_args){.v = &items, .n = 1}, at + 1, 1);
}

static void apply(llmi_vm *m, llmi_jinja_instr i, const llmi_jinja_builtin *table) {
    llmi_jinja_value self;
    llmi_jinja_args args = take_args(m, i, &self);
    if (LLMI_JINJA_OK(&m->run)) push(m, llmi_jinja_builtin_call(&m->run, &table[i.a], self, &args));
}

/* ---- values ---- */

static void collect(llmi_vm *m, int32_t n, llmi_jinja_kind kind) {
    llmi_jinja_list *l = llmi_jinja_list_new(&m->run, (uint32_t)n);
    const llmi_jinja_value *v = pop_many(m, (size_t)n);
    for (int32_t k = 0; k < n && l; k++) llmi_jinja_list_add(&m->run, l, v[k]);
    push(m, llmi_jinja_of_list(l, kind));
}

static void collect_dict(llmi_vm *m, int32_t n) {
    llmi_jinja_dict *d = llmi_jinja_dict_new(&m->run, (uint32_t)n);
    const llmi_jinja_value *v = pop_many(m, (size_t)n * 2);
    for (int32_t k = 0; k < n && d; k++) llmi_jinja_dict_put(&m->run, d, v[2 * k], v[2 * k + 1]);
    push(m, llmi_jinja_of_dict(d));
}

static void unpack(llmi_vm *m, int32_t n) {
    llmi_jinja_list *l = llmi_jinja_iterate(&m->run, pop(m));
    if (l && l->n != (uint32_t)n)
        llmi_jinja_run_fail(&m->run, LLM_E_FORMAT, "%u values cannot be assigned to %d names", l->n, n);
    for (int32_t k = n; l && LLMI_JINJA_OK(&m->run) && k-- > 0;) push(m, l->v[k]);
}

static bool compare(llmi_jinja_run *r, uint8_t op, llmi_jinja_value a, llmi_jinja_value b) {
    switch (op) {
    case '=':
        return llmi_jinja_equal(r, a, b);
    case '!':
        return !llmi_jinja_equal(r, a, b);
    case 'i':
        return llmi_jinja_contains(r, b, a);
    case 'n':
        return !llmi_jinja_contains(r, b, a);
    default:
        break;
    }
    int c = llmi_jinja_compare(r, a, b);
    bool less = op == '<' || op == 'l';
    return c == (less ? LLMI_LESS : LLMI_MORE) || ((op == 'l' || op == 'g') && c == LLMI_SAME);
}

static llmi_jinja_value positive(llmi_jinja_run *r, llmi_jinja_value v) {
    if (!llmi_jinja_is_number(v))
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "+ of a %s has no meaning", llmi_jinja_kind_name(v));
    return v.kind == LLMI_V_BOOL ? llmi_jinja_of_int(v.i) : v;
}

/* AND, OR and CHAIN: either the value stays and the jump is taken, or the value is popped. */
static int32_t decide(llmi_vm *m, llmi_jinja_instr i, int32_t at) {
    llmi_jinja_value v = pop(m);
    if (llmi_jinja_truth(v) == (i.op == LLMI_JINJA_OP_OR)) {
        if (i.op == LLMI_JINJA_OP_CHAIN) pop(m);
        push(m, v);
        return at + i.a;
    }
    return at + 1;
}

/* ---- the loop ---- */

static void step_value(llmi_vm *m, llmi_jinja_instr i, int32_t at) {
    llmi_jinja_run *r = &m->run;
    llmi_jinja_value a, b;
    switch (i.op) {
    case LLMI_JINJA_OP_CONST:
        push(m, constant(m, i.a));
        break;
    case LLMI_JINJA_OP_LOAD:
        push(m, load(m, i.a));
        break;
    case LLMI_JINJA_OP_STORE:
        store(m, i.a, pop(m));
        break;
    case LLMI_JINJA_OP_STORE_ATTR:
        store_attribute(m, i.a);
        break;
    case LLMI_JINJA_OP_POP:
        pop(m);
        break;
    case LLMI_JINJA_OP_ATTR:
        push(m, llmi_jinja_attribute(r, pop(m), constant(m, i.a).s));
        break;
    case LLMI_JINJA_OP_ITEM:
        b = pop(m), a = pop(m);
        push(m, llmi_jinja_item(r, a, b));
        break;
    case LLMI_JINJA_OP_SLICE: {
        const llmi_jinja_value *v = pop_many(m, 4);
        push(m, llmi_jinja_slice(r, v[0], (const llmi_jinja_value[3]){v[1], v[2], v[3]}));
        break;
    }
    case LLMI_JINJA_OP_NOT:
        push(m, llmi_jinja_of_bool(!llmi_jinja_truth(pop(m))));
        break;
    case LLMI_JINJA_OP_NEGATE:
        push(m, llmi_arith_negate(r, pop(m)));
        break;
    case LLMI_JINJA_OP_POSITIVE:
        push(m, positive(r, pop(m)));
        break;
    case LLMI_JINJA_OP_ARITH:
        b = pop(m), a = pop(m);
        push(m, llmi_arith(r, (char)i.b, a, b));
        break;
    case LLMI_JINJA_OP_COMPARE:
        b = pop(m), a = pop(m);
        if (i.c) push(m, b);
        push(m, llmi_jinja_of_bool(compare(r, i.b, a, b)));
        break;
    case LLMI_JINJA_OP_LIST:
        collect(m, i.a, LLMI_V_LIST);
        break;
    case LLMI_JINJA_OP_TUPLE:
        collect(m, i.a, LLMI_V_TUPLE);
        break;
    case LLMI_JINJA_OP_DICT:
        collect_dict(m, i.a);
        break;
    case LLMI_JINJA_OP_FILTER:
        apply(m, i, llmi_jinja_filters);
        break;
    case LLMI_JINJA_OP_TEST:
        apply(m, i, llmi_jinja_tests);
        break;
    case LLMI_JINJA_OP_SCOPE:
        open_scope(m);
        break;
    case LLMI_JINJA_OP_UNSCOPE:
        close_scope(m);
        break;
    case LLMI_JINJA_OP_LOOP:
        begin_loop(m, i.b);
        break;
    case LLMI_JINJA_OP_UNLOOP:
        end_loop(m);
        break;
    case LLMI_JINJA_OP_UNPACK:
        unpack(m, i.a);
        break;
    case LLMI_JINJA_OP_LIST_ADD:
        b = pop(m), a = pop(m);
        llmi_jinja_list_add(r, a.list, b);
        push(m, a);
        break;
    case LLMI_JINJA_OP_CAPTURE:
        open_capture(m);
        break;
    case LLMI_JINJA_OP_CAPTURED:
        push(m, close_capture(m));
        break;
    case LLMI_JINJA_OP_MACRO:
        make_macro(m, at, i.a);
        break;
    case LLMI_JINJA_OP_GENERATION:
        m->generation += i.b ? 1 : -1;
        break;
    default:
        llmi_jinja_run_fail(r, LLM_E_INTERNAL, "instruction %d is unknown", i.op);
        break;
    }
}

static void print(llmi_vm *m, llmi_jinja_instr i, uint32_t line) {
    size_t begin = m->out.bytes.len;
    llmi_print(&m->out, i.op == LLMI_JINJA_OP_TEXT ? constant(m, i.a) : pop(m));
    record_piece(m, begin, line);
}

static void execute(llmi_vm *m) {
    llmi_jinja_run *r = &m->run;
    const llmi_jinja_instr *code = (const llmi_jinja_instr *)(void *)r->t->code.data;
    const llmi_jinja_origin *origins = (const llmi_jinja_origin *)(void *)r->t->origins.data;
    int32_t loop_name = name_constant(m, "loop");
    for (int32_t at = 0; llmi_jinja_run_spend(r, 1);) {
        llmi_jinja_instr i = code[at];
        r->at = origins[at].at;
        switch (i.op) {
        case LLMI_JINJA_OP_END:
            return;
        case LLMI_JINJA_OP_TEXT:
        case LLMI_JINJA_OP_PRINT:
            print(m, i, origins[at++].line);
            break;
        case LLMI_JINJA_OP_JUMP:
            at += i.a;
            break;
        case LLMI_JINJA_OP_JUMP_FALSE:
            at += llmi_jinja_truth(pop(m)) ? 1 : i.a;
            break;
        case LLMI_JINJA_OP_JUMP_TRUE:
            at += llmi_jinja_truth(pop(m)) ? i.a : 1;
            break;
        case LLMI_JINJA_OP_AND:
        case LLMI_JINJA_OP_OR:
        case LLMI_JINJA_OP_CHAIN:
            at = decide(m, i, at);
            break;
        case LLMI_JINJA_OP_NEXT:
            at += next_item(m, loop_name) ? 1 : i.a;
            break;
        case LLMI_JINJA_OP_DEFAULT:
            at += was_bound(top_frame(m), i.b) ? i.a : 1;
            break;
        case LLMI_JINJA_OP_CALL:
            at = call(m, i, at);
            break;
        case LLMI_JINJA_OP_RECURSE:
            at = begin_recursion(m, at);
            break;
        case LLMI_JINJA_OP_RETURN:
            at = return_from(m);
            break;
        default:
            step_value(m, i, at++);
            break;
        }
    }
}

/* ---- rendering ---- */

/* Cuts the pieces where text of the context begins and ends. */
static bool split_pieces(llmi_jinja_run *r, llmi_buf *out, const llmi_buf *lines, const llmi_buf *marks, size_t shift) {
    size_t n_marks = llmi_buf_count(marks, llmi_jinja_mark), k = 0;
    for (size_t i = 0; i < llmi_buf_count(lines, llmi_jinja_piece); i++) {
        llmi_jinja_piece piece = llmi_buf_at(lines, llmi_jinja_piece, i);
        for (size_t at = piece.begin, end = piece.end; at < end; at = piece.end) {
            while (k < n_marks && llmi_buf_at(marks, llmi_jinja_mark, k).end <= at) k++;
            const llmi_jinja_mark *mark = k < n_marks ? &llmi_buf_at(marks, llmi_jinja_mark, k) : NULL;
            piece.given = mark && mark->begin <= at;
            piece.message = piece.given ? mark->message : -1;
            piece.begin = at;
            piece.end = !mark ? end : piece.given ? mark->end : mark->begin;
            if (piece.end > end) piece.end = end;
            llmi_jinja_piece moved = piece;
            moved.begin += shift;
            moved.end += shift;
            if (!llmi_jinja_run_hold(r, sizeof moved)) return false;
            if (!llmi_buf_push(out, moved)) {
                r->status = LLM_E_MEMORY;
                return false;
            }
        }
    }
    return true;
}

static void release(llmi_vm *m) {
    llmi_buf *bufs[] = {&m->stack, &m->bindings, &m->scopes, &m->captures, &m->frames};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
    llmi_builder_free(&m->out);
    llmi_jinja_run_release(&m->run);
}

llm_status llmi_jinja_render(llmi_buf *out, llmi_buf *pieces, const llmi_jinja_template *t,
                             const llmi_jinja_rendering *how) {
    llmi_jinja_limits standard = llmi_jinja_limits_of(&llmi_template_defaults);
    const llmi_jinja_limits *limits = how->limits ? how->limits : &standard;
    llmi_vm m = {.run = {.t = t, .a = t->a, .how = how, .limits = limits, .steps = limits->max_steps}};
    m.run.memory = limits->max_memory_bytes -
                   (limits->held_bytes < limits->max_memory_bytes ? limits->held_bytes : limits->max_memory_bytes);
    llmi_buf lines;
    llmi_buf *bufs[] = {&m.stack, &m.bindings, &m.scopes, &m.captures, &m.frames, &lines};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], t->a);
    llmi_builder_init(&m.out, &m.run);
    m.out.output = true;
    llmi_json_doc_init(&m.run.json, t->a, 0);
    m.pieces = pieces ? &lines : NULL;
    m.context = llmi_jinja_from_context(&m.run, how->context, how->trusted);
    enum { FIRST_VALUES = 64 };
    if (keep(&m, llmi_buf_reserve(&m.stack, FIRST_VALUES * sizeof(llmi_jinja_value))) && m.context) execute(&m);

    size_t n_out = out->len, n_pieces = pieces ? pieces->len : 0;
    if (LLMI_JINJA_OK(&m.run)) keep(&m, llmi_buf_append(out, m.out.bytes.data, m.out.bytes.len));
    if (LLMI_JINJA_OK(&m.run) && pieces) split_pieces(&m.run, pieces, &lines, &m.out.marks, n_out);
    llm_status status = m.run.status;
    if (status != LLM_OK) {
        out->len = n_out;
        if (pieces) pieces->len = n_pieces;
    }
    llmi_buf_free(&lines);
    release(&m);
    return status;
}
