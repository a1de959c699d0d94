/* Values of a rendering: immutable but for lists and dictionaries under construction and namespaces. All
 * of them lie in one arena that is dropped at the end. Strings remember which of their bytes were given by
 * the context, through every operation that keeps bytes. */
#ifndef LLMI_TEXT_TEMPLATE_VALUE_H
#define LLMI_TEXT_TEMPLATE_VALUE_H

#include <string.h>

#include "text/template.h"

/* ---- types ---- */

typedef enum llmi_kind {
    LLMI_V_UNDEFINED,
    LLMI_V_NONE,
    LLMI_V_BOOL,
    LLMI_V_INT,
    LLMI_V_FLOAT,
    LLMI_V_STR,
    LLMI_V_LIST,
    LLMI_V_TUPLE,
    LLMI_V_DICT,
    LLMI_V_NAMESPACE,
    LLMI_V_LOOP,
    LLMI_V_CYCLER,
    LLMI_V_JOINER,
    LLMI_V_MACRO,
    LLMI_V_FUNCTION,
    LLMI_V_METHOD
} llmi_kind;

/* Bytes begin..end-1 were given by the context, as part of messages[message] (-1: elsewhere). */
typedef struct llmi_mark {
    uint32_t begin, end;
    int32_t message;
} llmi_mark;

typedef struct llmi_str {
    const char *p;
    uint32_t n, n_marks;
    const llmi_mark *marks; /* in order, apart */
} llmi_str;

typedef struct llmi_value {
    llmi_kind kind;
    uint32_t aux; /* METHOD: which; STR: 1 for text that is HTML already (the filters safe and escape) */
    union {
        int64_t i; /* BOOL, INT; FUNCTION: which */
        double f;
        const llmi_str *s; /* UNDEFINED: its name, or NULL */
        struct llmi_list *list;
        struct llmi_dict *dict; /* DICT, NAMESPACE */
        struct llmi_loop *loop;
        struct llmi_cycler *cycler; /* CYCLER, JOINER */
        struct llmi_macro *macro;
        struct llmi_method *method;
    };
} llmi_value;

typedef struct llmi_list {
    llmi_value *v;
    uint32_t n, cap;
} llmi_list;

/* In order of insertion. Chat contexts have a few keys each, so that looking at each is fastest. */
typedef struct llmi_dict {
    llmi_value *keys, *values;
    uint32_t n, cap;
} llmi_dict;

typedef struct llmi_method {
    llmi_value self;
} llmi_method;

typedef struct llmi_cycler {
    const llmi_list *items; /* JOINER: the separator alone */
    uint32_t at;
} llmi_cycler;

/* ---- a rendering ---- */

typedef struct llmi_run {
    const llmi_template *t;
    const llm_allocator *a;
    const llmi_rendering *how;
    const llmi_template_limits *limits;
    llm_status status; /* the first failure; every function is harmless after it */
    int64_t steps;     /* left */
    size_t memory;     /* left */
    struct llmi_block *blocks;
    char *free_at;
    size_t free_bytes;
    uint32_t at; /* offset in the source of the instruction that runs */
    int32_t depth;
    int32_t message; /* while the context is converted: index of the message */
    struct llmi_vm *vm;
} llmi_run;

#define LLMI_OK(run) ((run)->status == LLM_OK)

/* Keeps the first failure, with line and column in front; the text goes to the thread's error. */
void llmi_run_fail(llmi_run *r, llm_status status, const char *format, ...) __attribute__((format(printf, 3, 4), cold));
/* Takes n steps from the budget; false once it is spent. */
bool llmi_run_spend(llmi_run *r, int64_t n);
bool llmi_run_enter(llmi_run *r); /* a level of nesting; false if too deep */
void llmi_run_leave(llmi_run *r);
/* Memory of the rendering, 16-byte aligned; NULL after a failure. */
void *llmi_run_take(llmi_run *r, size_t n_bytes);
void llmi_run_release(llmi_run *r);

/* ---- making values ---- */

extern const llmi_value llmi_undefined, llmi_none;

llmi_value llmi_undefined_named(llmi_run *r, const char *name, size_t n);
static inline llmi_value llmi_of_int(int64_t i) {
    return (llmi_value){.kind = LLMI_V_INT, .i = i};
}
static inline llmi_value llmi_of_bool(bool b) {
    return (llmi_value){.kind = LLMI_V_BOOL, .i = b};
}
static inline llmi_value llmi_of_float(double f) {
    return (llmi_value){.kind = LLMI_V_FLOAT, .f = f};
}
static inline llmi_value llmi_of_str(const llmi_str *s) {
    return s ? (llmi_value){.kind = LLMI_V_STR, .s = s} : (llmi_value){.kind = LLMI_V_UNDEFINED};
}
static inline llmi_value llmi_of_list(llmi_list *l, llmi_kind kind) {
    return l ? (llmi_value){.kind = kind, .list = l} : (llmi_value){.kind = LLMI_V_UNDEFINED};
}
static inline llmi_value llmi_of_dict(llmi_dict *d) {
    return d ? (llmi_value){.kind = LLMI_V_DICT, .dict = d} : (llmi_value){.kind = LLMI_V_UNDEFINED};
}

llmi_list *llmi_list_new(llmi_run *r, uint32_t cap);
bool llmi_list_add(llmi_run *r, llmi_list *l, llmi_value v);
llmi_dict *llmi_dict_new(llmi_run *r, uint32_t cap);
bool llmi_dict_put(llmi_run *r, llmi_dict *d, llmi_value key, llmi_value value);
const llmi_value *llmi_dict_find(llmi_run *r, const llmi_dict *d, llmi_value key);
const llmi_value *llmi_dict_get(const llmi_dict *d, const char *key, size_t n);

llmi_value llmi_from_json(llmi_run *r, const json_t *j, bool trusted);
/* The variables of the context. */
llmi_dict *llmi_from_context(llmi_run *r, const json_t *context, const char *const *trusted);

/* ---- strings (template_str.c) ---- */

const llmi_str *llmi_str_new(llmi_run *r, const char *p, size_t n);  /* copies; not given */
const llmi_str *llmi_str_over(llmi_run *r, const char *p, size_t n); /* borrows */
const llmi_str *llmi_str_cut(llmi_run *r, const llmi_str *s, size_t begin, size_t end);
const llmi_str *llmi_str_join(llmi_run *r, const llmi_str *a, const llmi_str *b);
static inline bool llmi_str_is(const llmi_str *s, const char *text) {
    return s->n == strlen(text) && memcmp(s->p, text, s->n) == 0;
}
static inline bool llmi_str_same(const llmi_str *a, const llmi_str *b) {
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}
int64_t llmi_str_find(const llmi_str *s, const llmi_str *what, size_t from); /* byte offset, -1 */
int64_t llmi_str_find_last(const llmi_str *s, const llmi_str *what, size_t before);
size_t llmi_str_length(const llmi_str *s); /* characters */
/* Byte offset of character `index`, at most n. */
size_t llmi_str_offset(const llmi_str *s, size_t index);
llmi_list *llmi_str_characters(llmi_run *r, const llmi_str *s);
const llmi_str *llmi_str_trim(llmi_run *r, const llmi_str *s, const llmi_str *chars, bool left, bool right);
const llmi_str *llmi_str_replace(llmi_run *r, const llmi_str *s, const llmi_str *from, const llmi_str *to,
                                 int64_t count);
const llmi_str *llmi_str_case(llmi_run *r, const llmi_str *s,
                              int mode);                         /* 'u' 'l' 't' (title) 'c' (capitalize) 's' (swap) */
const llmi_str *llmi_str_escape(llmi_run *r, const llmi_str *s); /* & < > " ' as HTML has them */
bool llmi_is_space(uint32_t c);

/* Text under construction, with its marks. */
typedef struct llmi_builder {
    llmi_run *r;
    llmi_buf bytes, marks;
} llmi_builder;

void llmi_builder_init(llmi_builder *b, llmi_run *r);
void llmi_builder_put(llmi_builder *b, const char *p, size_t n);
void llmi_builder_puts(llmi_builder *b, const char *text);
void llmi_builder_printf(llmi_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void llmi_builder_str(llmi_builder *b, const llmi_str *s);
/* Marks everything from `begin` on as given, if s was. */
void llmi_builder_mark_as(llmi_builder *b, size_t begin, const llmi_str *s);
/* Bytes and marks from `begin` on as a string; they leave the builder. */
const llmi_str *llmi_builder_take(llmi_builder *b, size_t begin);
const llmi_str *llmi_builder_finish(llmi_builder *b); /* everything; frees the builder */
void llmi_builder_free(llmi_builder *b);

/* ---- meaning (template_value.c, template_print.c) ---- */

bool llmi_truth(llmi_value v);
bool llmi_is_number(llmi_value v); /* bool, int, float */
double llmi_as_float(llmi_value v);
const char *llmi_kind_name(llmi_value v);
bool llmi_equal(llmi_run *r, llmi_value a, llmi_value b);
/* -1, 0, 1; fails for values without an order. */
int llmi_compare(llmi_run *r, llmi_value a, llmi_value b);
bool llmi_contains(llmi_run *r, llmi_value container, llmi_value item);
/* What a loop runs over. Fails for what is not iterable; an undefined value is empty. */
llmi_list *llmi_iterate(llmi_run *r, llmi_value v);
int64_t llmi_length(llmi_run *r, llmi_value v);
llmi_value llmi_item(llmi_run *r, llmi_value v, llmi_value key);
llmi_value llmi_attribute(llmi_run *r, llmi_value v, const llmi_str *name);
llmi_value llmi_slice(llmi_run *r, llmi_value v, const llmi_value bounds[3]); /* UNDEFINED or NONE: left out */

/* As {{ v }} shows it; repr: as Python's repr(). */
void llmi_print(llmi_builder *b, llmi_value v);
void llmi_print_repr(llmi_builder *b, llmi_value v);
const llmi_str *llmi_to_str(llmi_run *r, llmi_value v);
void llmi_print_float(llmi_builder *b, double f);
typedef struct llmi_json_style {
    int indent; /* -1: on one line */
    const llmi_str *comma, *colon;
    bool sort, ascii;
} llmi_json_style;
void llmi_print_json(llmi_builder *b, llmi_value v, const llmi_json_style *style);

/* ---- built-ins: tables by name ---- */

typedef struct llmi_args {
    const llmi_value *v; /* positional; of a filter or test, v[0] is the value it applies to */
    int32_t n;
    const llmi_value *names, *values; /* keyword arguments: STR and value */
    int32_t n_named;
} llmi_args;

/* Positional argument `index`, or the one named `name`; `otherwise` if neither is given. */
llmi_value llmi_arg(const llmi_args *args, int32_t index, const char *name, llmi_value otherwise);
const llmi_str *llmi_arg_str(llmi_run *r, const llmi_args *args, int32_t index, const char *name,
                             const char *otherwise);
int64_t llmi_arg_int(llmi_run *r, const llmi_args *args, int32_t index, const char *name, int64_t otherwise);
bool llmi_arg_bool(const llmi_args *args, int32_t index, const char *name, bool otherwise);

typedef llmi_value (*llmi_builtin_fn)(llmi_run *r, const llmi_args *args);
typedef struct llmi_builtin {
    const char *name;
    llmi_builtin_fn fn;
} llmi_builtin;

/* Index in the table, -1 if there is none. Tables end with a NULL name. */
int32_t llmi_builtin_find(const llmi_builtin *table, const char *name, size_t n);
extern const llmi_builtin llmi_filters[], llmi_tests[], llmi_functions[];
/* Methods by kind of their object: UNDEFINED if it has none of that name. */
llmi_value llmi_method_of(llmi_run *r, llmi_value self, const llmi_str *name);
llmi_value llmi_method_call(llmi_run *r, llmi_value method, const llmi_args *args);

/* "%s ..." % args (template_format.c), "{}".format(...), and strftime in English. */
const llmi_str *llmi_format_percent(llmi_run *r, const llmi_str *format, llmi_value args);
const llmi_str *llmi_format_braces(llmi_run *r, const llmi_str *format, const llmi_args *args);
const llmi_str *llmi_format_time(llmi_run *r, const llmi_str *format, int64_t when);

/* Arithmetic (template_arith.c): op is one of + - * / % p (power) i (floor division) ~ */
llmi_value llmi_arith(llmi_run *r, char op, llmi_value a, llmi_value b);
llmi_value llmi_negate(llmi_run *r, llmi_value v);

#endif
