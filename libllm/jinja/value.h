/* Values of a rendering: immutable, except lists and dictionaries under construction and namespaces. All of them are in
 * one arena that is dropped at the end. Strings remember which of their bytes were given by the context, through every
 * operation that keeps bytes. */
#ifndef LLMI_JINJA_VALUE_H
#define LLMI_JINJA_VALUE_H

#include <string.h>

#include "jinja/jinja.h"

/* ---- types ---- */

typedef enum llmi_jinja_kind {
    LLMI_V_UNDEFINED,
    LLMI_V_NONE,
    LLMI_V_BOOL,
    LLMI_V_INT,
    LLMI_V_BIG, /* an integer beyond 64 bits: kept, compared and printed, not computed with */
    LLMI_V_FLOAT,
    LLMI_V_STR,
    LLMI_V_LIST,
    LLMI_V_TUPLE,
    LLMI_V_RANGE,
    LLMI_V_VIEW, /* what dict.keys, values and items return */
    LLMI_V_DICT,
    LLMI_V_GENERATOR, /* what map, select and others return: its values can be taken once */
    LLMI_V_NAMESPACE,
    LLMI_V_LOOP,
    LLMI_V_CYCLER,
    LLMI_V_JOINER,
    LLMI_V_MACRO,
    LLMI_V_FUNCTION,
    LLMI_V_METHOD,
    LLMI_V_ABSENT /* an omitted argument; never the value of an expression */
} llmi_jinja_kind;

/* Bytes begin..end-1 were given by the context, as part of messages[message] (-1: elsewhere). */
typedef struct llmi_jinja_mark {
    uint32_t begin, end;
    int32_t message;
} llmi_jinja_mark;

typedef struct llmi_jinja_str {
    const char *p;
    uint32_t n, n_marks;
    const llmi_jinja_mark *marks; /* in order, apart */
} llmi_jinja_str;

/* llmi_jinja_value.aux */
enum {
    LLMI_HTML = 1,  /* STR: HTML already (the filters safe and escape) */
    LLMI_GROUP = 1, /* TUPLE: made by groupby; .grouper and .list are its parts */
    LLMI_KEYS = 0,  /* VIEW */
    LLMI_VALUES,
    LLMI_ITEMS
};

typedef struct llmi_jinja_value {
    llmi_jinja_kind kind;
    uint32_t aux; /* METHOD: which; else as above */
    union {
        int64_t i; /* BOOL, INT; FUNCTION: which */
        double f;
        const llmi_jinja_str *s;        /* BIG: its decimal digits; UNDEFINED: its name, or NULL */
        struct llmi_jinja_list *list;   /* LIST, TUPLE, VIEW, and a RANGE's numbers */
        struct llmi_jinja_range *range; /* RANGE; begins with its list */
        struct llmi_jinja_dict *dict;   /* DICT, NAMESPACE */
        struct llmi_jinja_loop *loop;
        struct llmi_jinja_cycler *cycler; /* CYCLER, JOINER, GENERATOR */
        struct llmi_jinja_macro *macro;
        struct llmi_jinja_method *method;
    };
} llmi_jinja_value;

typedef struct llmi_jinja_list {
    llmi_jinja_value *v;
    uint32_t n, cap;
} llmi_jinja_list;

typedef struct llmi_jinja_range {
    llmi_jinja_list list;
    int64_t from, to, step;
} llmi_jinja_range;

/* In order of insertion. Chat contexts have few keys each, so a linear search is fastest. */
typedef struct llmi_jinja_dict {
    llmi_jinja_value *keys, *values;
    uint32_t n, cap;
} llmi_jinja_dict;

typedef struct llmi_jinja_method {
    llmi_jinja_value self;
} llmi_jinja_method;

typedef struct llmi_jinja_cycler {
    const llmi_jinja_list *items; /* JOINER: the separator alone */
    uint32_t at;                  /* items given so far */
} llmi_jinja_cycler;

/* ---- a rendering ---- */

typedef struct llmi_jinja_run {
    const llmi_jinja_template *t;
    const llm_allocator *a;
    const llmi_jinja_rendering *how;
    const llmi_jinja_limits *limits;
    llm_status status; /* the first failure; every function is harmless after it */
    int64_t steps;     /* left */
    size_t memory;     /* left */
    struct llmi_jinja_block *blocks;
    char *free_at;
    size_t free_bytes;
    uint32_t at; /* offset in the source of the instruction that runs */
    int32_t depth;
    int32_t message;    /* while the context is converted: index of the message */
    llmi_json_doc json; /* texts that the template read */
    struct llmi_vm *vm;
} llmi_jinja_run;

#define LLMI_JINJA_OK(run) ((run)->status == LLM_OK)

/* Keeps the first failure, with line and column in front; the text goes to the thread's error. */
void llmi_jinja_run_fail(llmi_jinja_run *r, llm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
/* Takes n steps from the budget; false once it is spent. */
bool llmi_jinja_run_spend(llmi_jinja_run *r, int64_t n);
/* The same for work on n bytes: compared or copied, and examined one by one. */
static inline bool llmi_jinja_run_copy(llmi_jinja_run *r, size_t n) {
    return llmi_jinja_run_spend(r, (int64_t)(n / 64));
}
static inline bool llmi_jinja_run_scan(llmi_jinja_run *r, size_t n) {
    return llmi_jinja_run_spend(r, (int64_t)(n / 8));
}
bool llmi_jinja_run_enter(llmi_jinja_run *r); /* a level of nesting; false if too deep */
void llmi_jinja_run_leave(llmi_jinja_run *r);
/* Memory of the rendering, 16-byte aligned; NULL after a failure. */
void *llmi_jinja_run_take(llmi_jinja_run *r, size_t n_bytes);
/* Counts a buffer whose capacity has grown or that was freed; false, with the failure kept, beyond the budget. */
bool llmi_jinja_run_hold(llmi_jinja_run *r, size_t n_bytes);
void llmi_jinja_run_give_back(llmi_jinja_run *r, size_t n_bytes);
void llmi_jinja_run_release(llmi_jinja_run *r);

/* ---- making values ---- */

extern const llmi_jinja_value llmi_jinja_undefined, llmi_jinja_none, llmi_jinja_absent;

llmi_jinja_value llmi_jinja_undefined_named(llmi_jinja_run *r, const char *name, size_t n);
static inline llmi_jinja_value llmi_jinja_of_int(int64_t i) {
    return (llmi_jinja_value){.kind = LLMI_V_INT, .i = i};
}
static inline llmi_jinja_value llmi_jinja_of_bool(bool b) {
    return (llmi_jinja_value){.kind = LLMI_V_BOOL, .i = b};
}
static inline llmi_jinja_value llmi_jinja_of_float(double f) {
    return (llmi_jinja_value){.kind = LLMI_V_FLOAT, .f = f};
}
static inline llmi_jinja_value llmi_jinja_of_str(const llmi_jinja_str *s) {
    return s ? (llmi_jinja_value){.kind = LLMI_V_STR, .s = s} : (llmi_jinja_value){.kind = LLMI_V_UNDEFINED};
}
static inline llmi_jinja_value llmi_jinja_of_list(llmi_jinja_list *l, llmi_jinja_kind kind) {
    return l ? (llmi_jinja_value){.kind = kind, .list = l} : (llmi_jinja_value){.kind = LLMI_V_UNDEFINED};
}
static inline llmi_jinja_value llmi_jinja_of_dict(llmi_jinja_dict *d) {
    return d ? (llmi_jinja_value){.kind = LLMI_V_DICT, .dict = d} : (llmi_jinja_value){.kind = LLMI_V_UNDEFINED};
}

enum { LLMI_MAX_DIGITS = 4300 }; /* of an integer, as in Python */
/* Decimal digits, perhaps after "-", of a number of any size: an INT where it is, else a BIG. */
llmi_jinja_value llmi_jinja_of_digits(llmi_jinja_run *r, const char *p, size_t n);
/* The integer that f is when its fraction is dropped; f is finite. */
llmi_jinja_value llmi_jinja_of_whole(llmi_jinja_run *r, double f);
/* A generator of the list's values. */
llmi_jinja_value llmi_jinja_of_generator(llmi_jinja_run *r, llmi_jinja_list *l);
llmi_jinja_value llmi_jinja_of_range(llmi_jinja_run *r, int64_t from, int64_t to, int64_t step);

llmi_jinja_list *llmi_jinja_list_new(llmi_jinja_run *r, uint32_t cap);
bool llmi_jinja_list_add(llmi_jinja_run *r, llmi_jinja_list *l, llmi_jinja_value v);
llmi_jinja_dict *llmi_jinja_dict_new(llmi_jinja_run *r, uint32_t cap);
bool llmi_jinja_dict_append(llmi_jinja_run *r, llmi_jinja_dict *d, llmi_jinja_value key,
                            llmi_jinja_value value); /* a key that is not in it */
bool llmi_jinja_dict_put(llmi_jinja_run *r, llmi_jinja_dict *d, llmi_jinja_value key, llmi_jinja_value value);
const llmi_jinja_value *llmi_jinja_dict_find(llmi_jinja_run *r, const llmi_jinja_dict *d, llmi_jinja_value key);
const llmi_jinja_value *llmi_jinja_dict_get(const llmi_jinja_dict *d, const char *key, size_t n);

bool llmi_jinja_is_hashable(llmi_jinja_run *r, llmi_jinja_value v); /* fails if not */

/* ---- JSON (context.c) ---- */

/* trusted: its text counts as the template's own; else as given by message r->message. */
llmi_jinja_value llmi_jinja_from_json(llmi_jinja_run *r, const llmi_json *j, bool trusted);
/* The value of a JSON text, as Python's json.loads reads it. */
llmi_jinja_value llmi_jinja_read_json(llmi_jinja_run *r, const llmi_jinja_str *s);
/* The variables of the context. */
llmi_jinja_dict *llmi_jinja_from_context(llmi_jinja_run *r, const llmi_json *context, const char *const *trusted);

/* ---- strings (string.c) ---- */

const llmi_jinja_str *llmi_jinja_str_new(llmi_jinja_run *r, const char *p, size_t n);  /* copies; not given */
const llmi_jinja_str *llmi_jinja_str_over(llmi_jinja_run *r, const char *p, size_t n); /* borrows */
const llmi_jinja_str *llmi_jinja_str_cut(llmi_jinja_run *r, const llmi_jinja_str *s, size_t begin, size_t end);
const llmi_jinja_str *llmi_jinja_str_join(llmi_jinja_run *r, const llmi_jinja_str *a, const llmi_jinja_str *b);
static inline bool llmi_jinja_str_is(const llmi_jinja_str *s, const char *text) {
    return s->n == strlen(text) && memcmp(s->p, text, s->n) == 0;
}
bool llmi_jinja_str_same(llmi_jinja_run *r, const llmi_jinja_str *a, const llmi_jinja_str *b);
bool llmi_jinja_str_starts(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *part);
bool llmi_jinja_str_ends(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *part);
int64_t llmi_jinja_str_find(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *what,
                            size_t from); /* byte offset, -1 */
/* Walks through the places of `what` from the end of s on; those that follow do not overlap the ones before. */
typedef struct llmi_jinja_str_search {
    const llmi_jinja_str *s, *what;
    size_t end;           /* only bytes before it count */
    const uint32_t *back; /* the search's table of `what`, read from its end */
} llmi_jinja_str_search;
llmi_jinja_str_search llmi_jinja_str_search_back(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *what,
                                                 size_t end);
int64_t llmi_jinja_str_find_back(llmi_jinja_run *r, llmi_jinja_str_search *search); /* byte offset, -1 */
int64_t llmi_jinja_str_length(llmi_jinja_run *r, const llmi_jinja_str *s);          /* characters */
/* Byte offset of character `index`, at most n. */
size_t llmi_jinja_str_offset(llmi_jinja_run *r, const llmi_jinja_str *s, int64_t index);
llmi_jinja_list *llmi_jinja_str_characters(llmi_jinja_run *r, const llmi_jinja_str *s);
const llmi_jinja_str *llmi_jinja_str_trim(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *chars,
                                          bool left, bool right);
/* count < 0: everywhere. */
const llmi_jinja_str *llmi_jinja_str_replace(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *from,
                                             const llmi_jinja_str *to, int64_t count);
typedef enum llmi_jinja_recase {
    LLMI_RECASE_UPPER,
    LLMI_RECASE_LOWER,
    LLMI_RECASE_TITLE,
    LLMI_RECASE_CAPITAL, /* the first character alone */
    LLMI_RECASE_SWAP,
    LLMI_RECASE_FOLD
} llmi_jinja_recase;
const llmi_jinja_str *llmi_jinja_str_recase(llmi_jinja_run *r, const llmi_jinja_str *s, llmi_jinja_recase to);
const llmi_jinja_str *llmi_jinja_str_escape(llmi_jinja_run *r,
                                            const llmi_jinja_str *s); /* & < > " ' as HTML has them */
/* Lines as str.splitlines cuts them; with their ends or without. */
llmi_jinja_list *llmi_jinja_str_lines(llmi_jinja_run *r, const llmi_jinja_str *s, bool ends);

/* Text under construction, with its marks. */
typedef struct llmi_builder {
    llmi_jinja_run *r;
    llmi_buf bytes, marks;
    size_t held; /* of the run's memory */
    bool output; /* the text of the rendering: its bytes have a limit of their own */
} llmi_builder;

void llmi_builder_init(llmi_builder *b, llmi_jinja_run *r);
void llmi_builder_put(llmi_builder *b, const char *p, size_t n);
void llmi_builder_puts(llmi_builder *b, const char *text);
/* n times; looks at the limits first. */
void llmi_builder_fill(llmi_builder *b, const llmi_jinja_str *s, int64_t n);
void llmi_builder_printf(llmi_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void llmi_builder_str(llmi_builder *b, const llmi_jinja_str *s);
/* Marks everything from `begin` on as given, if s was. */
void llmi_builder_mark_as(llmi_builder *b, size_t begin, const llmi_jinja_str *s);
/* Bytes and marks from `begin` on as a string; they leave the builder. */
const llmi_jinja_str *llmi_builder_take(llmi_builder *b, size_t begin);
const llmi_jinja_str *llmi_builder_finish(llmi_builder *b); /* everything; frees the builder */
void llmi_builder_free(llmi_builder *b);

/* ---- meaning (value.c, print.c) ---- */

bool llmi_jinja_truth(llmi_jinja_value v);
bool llmi_jinja_is_number(llmi_jinja_value v); /* bool, int, float */
bool llmi_jinja_is_int(llmi_jinja_value v);    /* bool, int of 64 bits */
bool llmi_jinja_is_sequence(llmi_jinja_value v);
double llmi_jinja_as_float(llmi_jinja_value v);
const char *llmi_jinja_kind_name(llmi_jinja_value v);
bool llmi_jinja_equal(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b);
/* LLMI_NO_ORDER: not a number; values of kinds without an order fail. */
enum { LLMI_LESS = -1, LLMI_SAME, LLMI_MORE, LLMI_NO_ORDER };
int llmi_jinja_compare(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b);
/* Sorts n values by their keys, both in place; equal ones keep their order. */
void llmi_jinja_sort(llmi_jinja_run *r, llmi_jinja_value *v, llmi_jinja_value *keys, uint32_t n, bool down);
bool llmi_jinja_contains(llmi_jinja_run *r, llmi_jinja_value container, llmi_jinja_value item);
/* What a loop runs over; takes the values of a generator. Fails for what is not iterable; an undefined value is empty.
 */
llmi_jinja_list *llmi_jinja_iterate(llmi_jinja_run *r, llmi_jinja_value v);
int64_t llmi_jinja_length(llmi_jinja_run *r, llmi_jinja_value v);
llmi_jinja_value llmi_jinja_item(llmi_jinja_run *r, llmi_jinja_value v, llmi_jinja_value key);
llmi_jinja_value llmi_jinja_attribute(llmi_jinja_run *r, llmi_jinja_value v, const llmi_jinja_str *name);
llmi_jinja_value llmi_jinja_slice(llmi_jinja_run *r, llmi_jinja_value v,
                                  const llmi_jinja_value bounds[3]); /* NONE: left out */
/* A bound as Python reads it: from the end if negative, then clamped to 0..n. NONE and ABSENT: `otherwise`. */
int64_t llmi_jinja_bound(llmi_jinja_run *r, llmi_jinja_value v, int64_t n, int64_t otherwise);

/* As {{ v }} shows it; repr: as Python's repr(). */
void llmi_print(llmi_builder *b, llmi_jinja_value v);
void llmi_print_repr(llmi_builder *b, llmi_jinja_value v);
void llmi_print_repr_str(llmi_builder *b, const llmi_jinja_str *s, bool ascii);
const llmi_jinja_str *llmi_jinja_to_str(llmi_jinja_run *r, llmi_jinja_value v);
typedef struct llmi_jinja_json_style {
    const llmi_jinja_str *indent; /* NULL: on one line */
    const llmi_jinja_str *comma, *colon;
    bool sort, ascii;
} llmi_jinja_json_style;
/* Loops and macros (vm.c). */
void llmi_vm_print(llmi_builder *b, llmi_jinja_value v);
void llmi_print_json(llmi_builder *b, llmi_jinja_value v, const llmi_jinja_json_style *style);

/* ---- numbers as text (number.c) ---- */

void llmi_jinja_print_float(llmi_builder *b, double f);
/* As Python's int(text, base) and float(text); ABSENT: not a number. */
llmi_jinja_value llmi_jinja_read_int(llmi_jinja_run *r, const llmi_jinja_str *s, int64_t base);
llmi_jinja_value llmi_jinja_read_float(llmi_jinja_run *r, const llmi_jinja_str *s);

/* ---- built-ins: tables by name ---- */

typedef struct llmi_jinja_pair {
    llmi_jinja_value name, value;
} llmi_jinja_pair;

typedef struct llmi_jinja_args {
    llmi_jinja_value self;     /* of a method, filter or test: what it applies to */
    const llmi_jinja_value *v; /* positional */
    int32_t n;
    const llmi_jinja_pair *named; /* keyword arguments; names are STR */
    int32_t n_named;
    const struct llmi_jinja_builtin *of;
} llmi_jinja_args;

typedef llmi_jinja_value (*llmi_jinja_builtin_fn)(llmi_jinja_run *r, const llmi_jinja_args *args);
/* params: "width fillchar? /" - its arguments in order; "?": may be left out; "/" at the end: by position only. They
 * are brought into this order before the call, those left out as ABSENT. "*": passed as they are. */
typedef struct llmi_jinja_builtin {
    const char *name;
    llmi_jinja_builtin_fn fn;
    const char *params;
} llmi_jinja_builtin;

/* Index in the table, -1 if there is none. Tables end with a NULL name. */
int32_t llmi_jinja_builtin_find(const llmi_jinja_builtin *table, const char *name, size_t n);
llmi_jinja_value llmi_jinja_builtin_call(llmi_jinja_run *r, const llmi_jinja_builtin *b, llmi_jinja_value self,
                                         const llmi_jinja_args *args);

/* Argument `index` of a built-in with params; `otherwise` if it was left out. Fail for another type. */
static inline llmi_jinja_value llmi_jinja_arg(const llmi_jinja_args *args, int32_t index, llmi_jinja_value otherwise) {
    return args->v[index].kind == LLMI_V_ABSENT ? otherwise : args->v[index];
}
const llmi_jinja_str *llmi_jinja_arg_str(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index,
                                         const char *otherwise);
int64_t llmi_jinja_arg_int(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index, int64_t otherwise);
bool llmi_jinja_arg_bool(const llmi_jinja_args *args, int32_t index, bool otherwise);
/* Fails: argument `index` is not what is expected. */
void llmi_jinja_arg_fail(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index, const char *expected);

extern const llmi_jinja_builtin llmi_jinja_filters[], llmi_jinja_tests[], llmi_jinja_functions[];
/* Methods by kind of their object: UNDEFINED if it has none of that name. */
llmi_jinja_value llmi_method_of(llmi_jinja_run *r, llmi_jinja_value self, const llmi_jinja_str *name);
llmi_jinja_value llmi_method_call(llmi_jinja_run *r, llmi_jinja_value method, const llmi_jinja_args *args);
extern const llmi_jinja_builtin llmi_jinja_str_methods[];

/* "%s ..." % args (format.c), "{}".format(...), and strftime in English. */
const llmi_jinja_str *llmi_jinja_format_percent(llmi_jinja_run *r, llmi_jinja_value format, llmi_jinja_value args);
const llmi_jinja_str *llmi_jinja_format_braces(llmi_jinja_run *r,
                                               const llmi_jinja_args *args); /* args->self: the format */
const llmi_jinja_str *llmi_jinja_strftime(llmi_jinja_run *r, const llmi_jinja_str *format, int64_t when);

/* Arithmetic (arith.c): op is one of + - * / % p (power) i (floor division) ~ */
llmi_jinja_value llmi_arith(llmi_jinja_run *r, char op, llmi_jinja_value a, llmi_jinja_value b);
llmi_jinja_value llmi_arith_negate(llmi_jinja_run *r, llmi_jinja_value v);

#endif
