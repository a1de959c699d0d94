/* Statements: the tags of a template, one function each in a table. */
#include "jinja/parser.h"

#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"

/* ---- tokens ---- */

static void read_token(llmi_parser *p) {
    p->ahead = llmi_lexer_next(&p->lexer);
}

void llmi_parser_advance(llmi_parser *p) {
    const char *source = p->t->source.data;
    p->now = p->ahead;
    for (uint32_t i = p->origin.at; i < p->now.at; i++) p->origin.line += source[i] == '\n';
    p->origin.at = p->now.at;
    if (p->now.kind == LLMI_T_FAULT) {
        llmi_emit_fail(p, LLM_E_FORMAT, "%s", p->now.p);
        p->now.kind = LLMI_T_END;
    }
    if (p->now.kind != LLMI_T_END && p->ahead.kind != LLMI_T_FAULT) read_token(p);
}

bool llmi_parser_is_op(const llmi_parser *p, const char *op) {
    return p->now.kind == LLMI_T_OPERATOR && p->now.n == strlen(op) && memcmp(p->now.p, op, p->now.n) == 0;
}

bool llmi_parser_is_name(const llmi_parser *p, const char *name) {
    return p->now.kind == LLMI_T_NAME && p->now.n == strlen(name) && memcmp(p->now.p, name, p->now.n) == 0;
}

bool llmi_parser_take_op(llmi_parser *p, const char *op) {
    bool is = llmi_parser_is_op(p, op) && p->status == LLM_OK;
    if (is) llmi_parser_advance(p);
    return is;
}

bool llmi_parser_take_name(llmi_parser *p, const char *name) {
    bool is = llmi_parser_is_name(p, name) && p->status == LLM_OK;
    if (is) llmi_parser_advance(p);
    return is;
}

static void fail_expected(llmi_parser *p, const char *what) {
    if (p->now.kind == LLMI_T_END)
        llmi_emit_fail(p, LLM_E_FORMAT, "expected %s, found the end of the template", what);
    else
        llmi_emit_fail(p, LLM_E_FORMAT, "expected %s, found \"%s\"", what, LLMI_QUOTE(p->now.p, p->now.n));
}

void llmi_parser_expect_op(llmi_parser *p, const char *op) {
    char what[8] = {'"', op[0], '"'};
    if (!llmi_parser_take_op(p, op)) fail_expected(p, what);
}

int32_t llmi_parser_identifier(llmi_parser *p) {
    static const char *const keywords[] = {"and",  "or",  "not",  "in",    "is",  "if",
                                           "else", "for", "true", "false", "none"};
    bool keyword = false;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        keyword = keyword || llmi_parser_is_name(p, keywords[i]);
    if (p->now.kind != LLMI_T_NAME || keyword) {
        fail_expected(p, "a name");
        return 0;
    }
    int32_t constant = llmi_emit_string(p, p->now.p, p->now.n);
    llmi_parser_advance(p);
    return constant;
}

/* Parsing recurses, and a thread of 64 KiB must hold it. A tag takes up to 1,200 bytes of stack; so does a pair of
 * parentheses, which enters three times. */
enum { MAX_NESTED = 32, ENTRIES = 3 };

static bool enter(llmi_parser *p, int32_t n) {
    if (p->depth + n > MAX_NESTED * ENTRIES) {
        llmi_emit_fail(p, LLM_E_LIMIT, "nested deeper than the limit of %d", MAX_NESTED);
        return false;
    }
    if (p->status == LLM_OK) p->depth += n;
    return p->status == LLM_OK;
}

bool llmi_parser_enter(llmi_parser *p) {
    return enter(p, 1);
}

void llmi_parser_leave(llmi_parser *p) {
    p->depth--;
}

static void end_tag(llmi_parser *p) {
    if (p->now.kind != LLMI_T_BLOCK_END)
        fail_expected(p, "the end of the tag");
    else
        llmi_parser_advance(p);
}

/* ---- bodies ---- */

static void statement(llmi_parser *p);

static bool is_listed(const llmi_parser *p, const char *const *names) {
    for (; *names; names++)
        if (p->now.kind == LLMI_T_BLOCK_BEGIN && p->ahead.kind == LLMI_T_NAME && p->ahead.n == strlen(*names) &&
            memcmp(p->ahead.p, *names, p->ahead.n) == 0)
            return true;
    return false;
}

static void print(llmi_parser *p) {
    llmi_jinja_origin origin = p->origin;
    llmi_parser_advance(p);
    llmi_parser_tuple(p, true);
    int32_t at = llmi_emit(p, LLMI_JINJA_OP_PRINT, 0);
    if (!llmi_parser_ok(p)) return;
    llmi_buf_at(&p->t->origins, llmi_jinja_origin, at) = origin;
    if (p->now.kind == LLMI_T_VARIABLE_END)
        llmi_parser_advance(p);
    else
        fail_expected(p, "\"}}\"");
}

/* Parses up to a tag of one of the names, and consumes its "{%" and name; which: its index. */
static int body(llmi_parser *p, const char *const *ends) {
    if (!enter(p, ENTRIES)) return -1;
    while (llmi_parser_ok(p) && !is_listed(p, ends)) {
        if (p->now.kind == LLMI_T_TEXT) {
            if (p->now.n) llmi_emit(p, LLMI_JINJA_OP_TEXT, llmi_emit_string(p, p->now.p, p->now.n));
            llmi_parser_advance(p);
        } else if (p->now.kind == LLMI_T_VARIABLE_BEGIN) {
            print(p);
        } else if (p->now.kind == LLMI_T_BLOCK_BEGIN) {
            statement(p);
        } else if (*ends) {
            char what[64];
            llmi_format(what, sizeof what, "{%% %s %%}", ends[0]);
            fail_expected(p, what);
        } else {
            break;
        }
    }
    p->depth -= ENTRIES;
    int which = 0;
    if (!*ends || !llmi_parser_ok(p)) return -1;
    llmi_parser_advance(p);
    while (!llmi_parser_take_name(p, ends[which])) which++;
    return which;
}

#define ENDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- assignment ---- */

/* The left side of "in" or "=", in the order of the source. */
typedef struct target {
    int32_t name; /* constant; -1: a sequence, whose parts are the `more` targets that follow */
    int32_t more; /* of a name: the constant of its attribute, as a namespace; -1: the name itself */
} target;

enum { MAX_TARGETS = 24 };

typedef struct target_list {
    target v[MAX_TARGETS];
    int n;
} target_list;

static void add_target(llmi_parser *p, target_list *l, target t) {
    if (l->n == MAX_TARGETS) llmi_emit_fail(p, LLM_E_LIMIT, "more than %d names are assigned at once", MAX_TARGETS);
    if (llmi_parser_ok(p)) l->v[l->n++] = t;
}

static void targets(llmi_parser *p, target_list *l, bool attributes);

static void one_target(llmi_parser *p, target_list *l, bool attributes) {
    if (llmi_parser_take_op(p, "(")) {
        targets(p, l, attributes);
        llmi_parser_expect_op(p, ")");
        return;
    }
    target t = {.name = llmi_parser_identifier(p), .more = -1};
    if (attributes && llmi_parser_take_op(p, ".")) {
        t.more = llmi_emit_string(p, p->now.p, p->now.n);
        if (p->now.kind != LLMI_T_NAME) fail_expected(p, "a name");
        llmi_parser_advance(p);
    }
    add_target(p, l, t);
}

/* One or more, separated by commas; attributes: those of namespaces may be among them. */
static void targets(llmi_parser *p, target_list *l, bool attributes) {
    if (!llmi_parser_enter(p)) return;
    int begin = l->n, n = 0;
    bool comma = false;
    do {
        if (n && llmi_parser_is_op(p, ")")) break;
        one_target(p, l, attributes);
        n++;
        comma = comma || llmi_parser_is_op(p, ",");
    } while (llmi_parser_take_op(p, ","));
    if (comma) {
        add_target(p, l, (target){0});
        if (llmi_parser_ok(p)) {
            memmove(&l->v[begin + 1], &l->v[begin], (size_t)(l->n - 1 - begin) * sizeof *l->v);
            l->v[begin] = (target){.name = -1, .more = n};
        }
    }
    llmi_parser_leave(p);
}

/* Code that takes a value off the stack. Every part of a sequence is followed by its own parts, as in the list. */
static void store(llmi_parser *p, const target_list *l) {
    for (int i = 0; i < l->n && llmi_parser_ok(p); i++) {
        const target *t = &l->v[i];
        if (t->name < 0) {
            llmi_emit(p, LLMI_JINJA_OP_UNPACK, t->more);
        } else if (t->more >= 0) {
            llmi_emit(p, LLMI_JINJA_OP_LOAD, t->name);
            llmi_emit(p, LLMI_JINJA_OP_STORE_ATTR, t->more);
        } else {
            llmi_emit(p, LLMI_JINJA_OP_STORE, t->name);
        }
    }
}

static void emit_filter(llmi_parser *p) {
    llmi_jinja_instr i = llmi_parser_filter(p);
    llmi_emit_full(p, i.op, i.a, i.b, i.c);
}

/* The body of a block whose output becomes a value. The code from `begin` on works on that value: it was
 * read first and runs last. */
static void captured(llmi_parser *p, int32_t begin, const char *end) {
    int32_t middle = llmi_emit_here(p);
    end_tag(p);
    llmi_jinja_loop_scope outer = p->loop;
    p->loop.next = -1;
    llmi_emit(p, LLMI_JINJA_OP_CAPTURE, 0);
    body(p, ENDS(end));
    llmi_emit(p, LLMI_JINJA_OP_CAPTURED, 0);
    p->loop = outer;
    llmi_emit_rotate(p, begin, middle);
}

static void set(llmi_parser *p) {
    target_list names = {.n = 0};
    targets(p, &names, true);
    if (names.n == 1 && !llmi_parser_is_op(p, "=")) {
        int32_t begin = llmi_emit_here(p);
        while (llmi_parser_take_op(p, "|")) emit_filter(p);
        captured(p, begin, "endset");
    } else {
        llmi_parser_expect_op(p, "=");
        llmi_parser_tuple(p, true);
    }
    store(p, &names);
    end_tag(p);
}

static void with(llmi_parser *p) {
    llmi_emit(p, LLMI_JINJA_OP_SCOPE, 0);
    while (llmi_parser_ok(p) && p->now.kind == LLMI_T_NAME) {
        int32_t name = llmi_parser_identifier(p);
        llmi_parser_expect_op(p, "=");
        llmi_parser_expression(p);
        llmi_emit(p, LLMI_JINJA_OP_STORE, name);
        if (!llmi_parser_take_op(p, ",")) break;
    }
    end_tag(p);
    body(p, ENDS("endwith"));
    llmi_emit(p, LLMI_JINJA_OP_UNSCOPE, 0);
    end_tag(p);
}

/* ---- control ---- */

static void if_tag(llmi_parser *p) {
    int32_t ends = -1; /* jumps to the end, each holding the one before */
    int which;
    do {
        llmi_parser_tuple(p, true);
        end_tag(p);
        int32_t skip = llmi_emit(p, LLMI_JINJA_OP_JUMP_FALSE, 0);
        which = body(p, ENDS("endif", "elif", "else"));
        if (which > 0) ends = llmi_emit(p, LLMI_JINJA_OP_JUMP, ends);
        llmi_emit_target(p, skip, llmi_emit_here(p));
    } while (which == 1);
    if (which == 2) {
        end_tag(p);
        body(p, ENDS("endif"));
    }
    while (ends >= 0 && llmi_parser_ok(p)) {
        int32_t before = llmi_buf_at(&p->t->code, llmi_jinja_instr, ends).a;
        llmi_emit_target(p, ends, llmi_emit_here(p));
        ends = before;
    }
    end_tag(p);
}

/* "for x in items if condition": the items that fulfil it are collected first, so that `loop` knows their number. */
static void filter_items(llmi_parser *p, const target_list *names, int32_t begin) {
    int32_t middle = llmi_emit_here(p), item = llmi_emit_string(p, "", 0); /* a name nobody has */
    llmi_emit(p, LLMI_JINJA_OP_LOOP, 0);
    llmi_emit(p, LLMI_JINJA_OP_LIST, 0);
    int32_t next = llmi_emit(p, LLMI_JINJA_OP_NEXT, 0);
    llmi_emit(p, LLMI_JINJA_OP_STORE, item); /* the whole item */
    llmi_emit(p, LLMI_JINJA_OP_LOAD, item);
    store(p, names);
    llmi_emit_rotate(p, begin, middle); /* the condition was read before */
    next -= middle - begin;
    llmi_emit_target(p, llmi_emit(p, LLMI_JINJA_OP_JUMP_FALSE, 0), next);
    llmi_emit(p, LLMI_JINJA_OP_LOAD, item);
    llmi_emit(p, LLMI_JINJA_OP_LIST_ADD, 0);
    llmi_emit_target(p, llmi_emit(p, LLMI_JINJA_OP_JUMP, 0), next);
    llmi_emit_target(p, next, llmi_emit_here(p));
    llmi_emit(p, LLMI_JINJA_OP_UNLOOP, 0);
    llmi_emit(p, LLMI_JINJA_OP_POP, 0);
}

/* From the items on the stack to the end of the loop, its "else" too. condition: where the code of a condition on the
 * items begins, -1 if there is none. */
static void loop_over(llmi_parser *p, const target_list *names, int32_t condition, bool recursive) {
    llmi_buf breaks;
    llmi_buf_init(&breaks, p->t->a);
    llmi_jinja_loop_scope outer = p->loop;
    if (condition >= 0) filter_items(p, names, condition);
    llmi_emit_full(p, LLMI_JINJA_OP_LOOP, 0, recursive, 0);
    p->loop = (llmi_jinja_loop_scope){llmi_emit(p, LLMI_JINJA_OP_NEXT, 0), &breaks};
    int32_t next = p->loop.next;
    store(p, names);
    end_tag(p);
    int which = body(p, ENDS("endfor", "else"));
    p->loop = outer;
    llmi_emit_target(p, llmi_emit(p, LLMI_JINJA_OP_JUMP, 0), next);
    llmi_emit_target(p, next, llmi_emit_here(p));
    for (size_t i = 0; i < llmi_buf_count(&breaks, int32_t); i++)
        llmi_emit_target(p, llmi_buf_at(&breaks, int32_t, i), llmi_emit_here(p));
    llmi_buf_free(&breaks);
    llmi_emit(p, LLMI_JINJA_OP_UNLOOP, 0);
    if (which == 1) {
        end_tag(p);
        int32_t ran = llmi_emit(p, LLMI_JINJA_OP_JUMP_TRUE, 0);
        body(p, ENDS("endfor"));
        llmi_emit_target(p, ran, llmi_emit_here(p));
    } else {
        llmi_emit(p, LLMI_JINJA_OP_POP, 0);
    }
}

static void finish_macro(llmi_parser *p, llmi_jinja_macro_code *m, int32_t entry);

/* The loop is the body of a macro of one parameter, the items: loop(others) calls it again. */
static void recursive_loop(llmi_parser *p, const target_list *names, int32_t condition) {
    uint32_t items = (uint32_t)llmi_emit_string(p, " items", 6); /* a name nobody has */
    llmi_jinja_macro_code m = {.name = items, .n_params = 1};
    m.first_param = (uint32_t)llmi_buf_count(&p->t->params, uint32_t);
    if (llmi_parser_ok(p) && !llmi_buf_push(&p->t->params, items)) p->status = LLM_E_MEMORY;
    int32_t begin = condition >= 0 ? condition : llmi_emit_here(p), middle = llmi_emit_here(p);
    int32_t skip = llmi_emit(p, LLMI_JINJA_OP_JUMP, 0);
    llmi_emit(p, LLMI_JINJA_OP_LOAD, (int32_t)items);
    llmi_emit_rotate(p, begin, middle); /* the condition belongs to the macro */
    skip -= middle - begin;
    loop_over(p, names, condition >= 0 ? condition + 2 : -1, true);
    llmi_emit(p, LLMI_JINJA_OP_RETURN, 0);
    llmi_emit_target(p, skip, llmi_emit_here(p));
    finish_macro(p, &m, skip + 1);
    llmi_emit(p, LLMI_JINJA_OP_RECURSE, 0);
    llmi_emit(p, LLMI_JINJA_OP_PRINT, 0);
}

static void for_tag(llmi_parser *p) {
    target_list names = {.n = 0};
    targets(p, &names, false);
    if (!llmi_parser_take_name(p, "in")) fail_expected(p, "\"in\"");
    llmi_parser_tuple(p, false);
    int32_t condition = -1;
    if (llmi_parser_take_name(p, "if")) {
        condition = llmi_emit_here(p);
        llmi_parser_expression(p);
    }
    if (llmi_parser_take_name(p, "recursive"))
        recursive_loop(p, &names, condition);
    else
        loop_over(p, &names, condition, false);
    end_tag(p);
}

static void break_tag(llmi_parser *p) {
    if (p->loop.next < 0) {
        llmi_emit_fail(p, LLM_E_FORMAT, "break outside of a loop");
        return;
    }
    int32_t jump = llmi_emit(p, LLMI_JINJA_OP_JUMP, 0);
    if (llmi_parser_ok(p) && !llmi_buf_push(p->loop.breaks, jump)) p->status = LLM_E_MEMORY;
    end_tag(p);
}

static void continue_tag(llmi_parser *p) {
    if (p->loop.next < 0) {
        llmi_emit_fail(p, LLM_E_FORMAT, "continue outside of a loop");
        return;
    }
    llmi_emit_target(p, llmi_emit(p, LLMI_JINJA_OP_JUMP, 0), p->loop.next);
    end_tag(p);
}

/* ---- macros ---- */

/* Parameters with their defaults, up to ")": code that sets those the call leaves out. */
static void parameters(llmi_parser *p, llmi_jinja_macro_code *m) {
    m->first_param = (uint32_t)llmi_buf_count(&p->t->params, uint32_t);
    while (llmi_parser_ok(p) && !llmi_parser_is_op(p, ")")) {
        if (m->n_params) llmi_parser_expect_op(p, ",");
        if (llmi_parser_is_op(p, ")")) break;
        if (m->n_params == 255) llmi_emit_fail(p, LLM_E_LIMIT, "more than 255 parameters");
        uint32_t name = (uint32_t)llmi_parser_identifier(p);
        if (llmi_parser_ok(p) && !llmi_buf_push(&p->t->params, name)) p->status = LLM_E_MEMORY;
        if (llmi_parser_take_op(p, "=")) {
            int32_t given = llmi_emit_full(p, LLMI_JINJA_OP_DEFAULT, 0, (int)m->n_params, 0);
            llmi_parser_expression(p);
            llmi_emit(p, LLMI_JINJA_OP_STORE, (int32_t)name);
            llmi_emit_target(p, given, llmi_emit_here(p));
        }
        m->n_params++;
    }
    llmi_parser_expect_op(p, ")");
}

/* The macro's code is inline and jumped over; the instruction after it makes the macro. */
static void finish_macro(llmi_parser *p, llmi_jinja_macro_code *m, int32_t entry) {
    int32_t index = (int32_t)llmi_buf_count(&p->t->macros, llmi_jinja_macro_code);
    m->entry = entry - llmi_emit(p, LLMI_JINJA_OP_MACRO, index);
    if (llmi_parser_ok(p) && !llmi_buf_push(&p->t->macros, *m)) p->status = LLM_E_MEMORY;
}

/* Statements of their own context: no loop to break out of; m records what they ask for. */
static void macro_body(llmi_parser *p, llmi_jinja_macro_code *m, const char *end) {
    llmi_jinja_macro_code *outer_macro = p->macro;
    llmi_jinja_loop_scope outer = p->loop;
    p->macro = m;
    p->loop.next = -1;
    end_tag(p);
    body(p, ENDS(end));
    llmi_emit(p, LLMI_JINJA_OP_RETURN, 0);
    p->macro = outer_macro;
    p->loop = outer;
}

static void macro(llmi_parser *p) {
    int32_t name = llmi_parser_identifier(p);
    llmi_jinja_macro_code m = {.name = (uint32_t)name};
    int32_t skip = llmi_emit(p, LLMI_JINJA_OP_JUMP, 0);
    llmi_parser_expect_op(p, "(");
    parameters(p, &m);
    macro_body(p, &m, "endmacro");
    llmi_emit_target(p, skip, llmi_emit_here(p));
    finish_macro(p, &m, skip + 1);
    llmi_emit(p, LLMI_JINJA_OP_STORE, name);
    end_tag(p);
}

/* "{% call(x) f(y) %}body{% endcall %}" is f(y, caller=body). In the source the call is between the body's parameters
 * and the body; in the code it comes last. */
static void call(llmi_parser *p) {
    int32_t caller = llmi_emit_string(p, "caller", 6), skip = llmi_emit(p, LLMI_JINJA_OP_JUMP, 0);
    llmi_jinja_macro_code m = {.name = (uint32_t)caller};
    if (llmi_parser_take_op(p, "(")) parameters(p, &m);
    int32_t begin = llmi_emit_here(p);
    llmi_parser_primary(p);
    int32_t middle = llmi_emit_here(p);
    if (llmi_parser_ok(p) && llmi_buf_at(&p->t->code, llmi_jinja_instr, middle - 1).op != LLMI_JINJA_OP_CALL)
        llmi_emit_fail(p, LLM_E_FORMAT, "expected a call after \"call\"");
    macro_body(p, &m, "endcall");
    int32_t n_body = llmi_emit_here(p) - middle;
    llmi_emit_rotate(p, begin, middle);
    if (!llmi_parser_ok(p)) return;

    llmi_emit_target(p, skip, begin + n_body);
    llmi_jinja_instr last = llmi_buf_at(&p->t->code, llmi_jinja_instr, llmi_emit_here(p) - 1);
    p->t->code.len -= sizeof(llmi_jinja_instr);
    p->t->origins.len -= sizeof(llmi_jinja_origin);
    llmi_emit(p, LLMI_JINJA_OP_CONST, caller);
    finish_macro(p, &m, skip + 1);
    if (last.b == UINT8_MAX) llmi_emit_fail(p, LLM_E_LIMIT, "too many arguments");
    llmi_emit_full(p, LLMI_JINJA_OP_CALL, 0, last.b + 1, last.c);
    llmi_emit(p, LLMI_JINJA_OP_PRINT, 0);
    end_tag(p);
}

/* ---- others ---- */

static void filter(llmi_parser *p) {
    int32_t begin = llmi_emit_here(p);
    do emit_filter(p);
    while (llmi_parser_take_op(p, "|"));
    captured(p, begin, "endfilter");
    llmi_emit(p, LLMI_JINJA_OP_PRINT, 0);
    end_tag(p);
}

static void generation(llmi_parser *p) {
    end_tag(p);
    llmi_emit_full(p, LLMI_JINJA_OP_GENERATION, 0, 1, 0);
    body(p, ENDS("endgeneration"));
    llmi_emit_full(p, LLMI_JINJA_OP_GENERATION, 0, 0, 0);
    end_tag(p);
}

static void do_tag(llmi_parser *p) {
    llmi_parser_tuple(p, true);
    llmi_emit(p, LLMI_JINJA_OP_POP, 0);
    end_tag(p);
}

static const struct {
    const char *name;
    void (*parse)(llmi_parser *p); /* from after the name to after the last "%}" */
} STATEMENTS[] = {
    {"if", if_tag},     {"for", for_tag}, {"set", set},         {"macro", macro},           {"call", call},
    {"filter", filter}, {"with", with},   {"break", break_tag}, {"continue", continue_tag}, {"generation", generation},
    {"do", do_tag},
};

static void statement(llmi_parser *p) {
    llmi_parser_advance(p);
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        if (!llmi_parser_take_name(p, STATEMENTS[i].name)) continue;
        STATEMENTS[i].parse(p);
        return;
    }
    llmi_emit_fail(p, p->now.kind == LLMI_T_NAME ? LLM_E_UNSUPPORTED : LLM_E_FORMAT,
                   "\"%s\" is not a tag that is known here", LLMI_QUOTE(p->now.p, p->now.n));
}

/* ---- whole templates ---- */

/* String constants, from indices to pointers. */
static void settle_constants(llmi_jinja_template *t) {
    for (size_t i = 0; i < llmi_buf_count(&t->constants, llmi_jinja_value); i++) {
        llmi_jinja_value *v = &llmi_buf_at(&t->constants, llmi_jinja_value, i);
        if (v->kind == LLMI_V_STR || v->kind == LLMI_V_BIG) v->s = &llmi_buf_at(&t->strs, llmi_jinja_str, v->i);
    }
}

llm_status llmi_jinja_parse(llmi_jinja_template **out, const llm_allocator *a, const char *source, size_t n,
                            const char *what) {
    *out = NULL;
    if (n > LLMI_JINJA_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "a template of %zu bytes exceeds the limit of %d", n, LLMI_JINJA_MAX_BYTES);
    if (llmi_utf8_valid(source, n) < n)
        return llmi_error(LLM_E_FORMAT, "byte %zu of the template is not UTF-8", llmi_utf8_valid(source, n));
    llmi_jinja_template *t = llmi_jinja_template_new(a, source, n, what);
    if (!t) return LLM_E_MEMORY;
    llmi_parser p = {.t = t, .loop = {.next = -1}, .origin = {0, 1}};
    llmi_buf_init(&p.strings, a);
    llmi_lexer_init(&p.lexer, t->source.data, t->source.len);
    read_token(&p);
    llmi_parser_advance(&p);
    body(&p, (const char *const[]){NULL});
    if (p.now.kind != LLMI_T_END) fail_expected(&p, "text or a tag");
    llmi_emit(&p, LLMI_JINJA_OP_END, 0);
    llmi_buf_free(&p.strings);
    if (!llmi_parser_ok(&p)) {
        llmi_jinja_template_unref(t);
        return p.status;
    }
    settle_constants(t);
    *out = t;
    return LLM_OK;
}
