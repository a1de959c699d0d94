/* A parsed template: instructions for a machine with a stack of values, and their constants. */
#ifndef LLMI_JINJA_CODE_H
#define LLMI_JINJA_CODE_H

#include <stdatomic.h>

#include "jinja/value.h"

/* name, what it does: [before] -> [after] are values on the stack; a, b, c are the instruction's numbers. */
#define LLMI_JINJA_OPS(OP)                                                                                             \
    OP(CONST)      /* [] -> [constant a] */                                                                            \
    OP(LOAD)       /* [] -> [variable named by constant a] */                                                          \
    OP(STORE)      /* [v] -> [], in the innermost scope */                                                             \
    OP(STORE_ATTR) /* [v, namespace] -> [] */                                                                          \
    OP(POP)        /* [v] -> [] */                                                                                     \
    OP(ATTR)       /* [v] -> [v.constant a] */                                                                         \
    OP(ITEM)       /* [v, key] -> [v[key]] */                                                                          \
    OP(SLICE)      /* [v, from, to, step] -> [v[from:to:step]] */                                                      \
    OP(NOT)        /* [v] -> [not v] */                                                                                \
    OP(NEGATE)     /* [v] -> [-v] */                                                                                   \
    OP(POSITIVE)   /* [v] -> [+v] */                                                                                   \
    OP(ARITH)      /* [x, y] -> [x b y] */                                                                             \
    OP(COMPARE)    /* [x, y] -> [x b y]; c: leave y too, for a chain: [y, x b y] */                                    \
    OP(JUMP)       /* by a */                                                                                          \
    OP(JUMP_FALSE) /* [v] -> [], by a if v is false */                                                                 \
    OP(JUMP_TRUE)  /* [v] -> [], by a if v is true */                                                                  \
    OP(AND)        /* [v] -> [v] and jump by a if v is false, else [] */                                               \
    OP(OR)         /* [v] -> [v] and jump by a if v is true, else [] */                                                \
    OP(CHAIN)      /* [y, v] -> [v] and jump by a if v is false, else [y] */                                           \
    OP(LIST)       /* [a values] -> [list] */                                                                          \
    OP(TUPLE)      /* [a values] -> [tuple] */                                                                         \
    OP(DICT)       /* [a pairs of key, value] -> [dict] */                                                             \
    OP(CALL)       /* [callee, c values, b pairs of name, value] -> [result] */                                        \
    OP(FILTER)     /* [v, c values, b pairs] -> [result of filter a] */                                                \
    OP(TEST)       /* [v, c values, b pairs] -> [bool of test a] */                                                    \
    OP(TEXT)       /* print constant a: the template's own text */                                                     \
    OP(PRINT)      /* [v] -> [], print v */                                                                            \
    OP(SCOPE)      /* open a scope */                                                                                  \
    OP(UNSCOPE)    /* close it */                                                                                      \
    OP(LOOP)       /* [iterable] -> [], begin a loop; b: the body of a recursive one */                                \
    OP(NEXT)       /* [] -> [item], or jump by a at the end */                                                         \
    OP(UNLOOP)     /* end the loop: [] -> [whether it ran at all] */                                                   \
    OP(UNPACK)     /* [sequence of a] -> [its values, first on top] */                                                 \
    OP(LIST_ADD)   /* [list, v] -> [list] */                                                                           \
    OP(CAPTURE)    /* from now on, output is kept */                                                                   \
    OP(CAPTURED)   /* [] -> [what was kept] */                                                                         \
    OP(MACRO)      /* [] -> [macro a] */                                                                               \
    OP(RECURSE)    /* [iterable, macro] -> [output of the macro, the body of a recursive loop] */                      \
    OP(DEFAULT)    /* jump by a if parameter b of this call was given */                                               \
    OP(RETURN)     /* from a macro: [] -> [its output] for the caller */                                               \
    OP(GENERATION) /* b: a generation block begins (1) or ends (0) */                                                  \
    OP(END)

enum {
#define LLMI_JINJA_OP(name) LLMI_JINJA_OP_##name,
    LLMI_JINJA_OPS(LLMI_JINJA_OP)
#undef LLMI_JINJA_OP
};

/* In the place of an argument's name: its value is a list or a dictionary of arguments. */
enum { LLMI_SPREAD_LIST = 1, LLMI_SPREAD_DICT };

typedef struct llmi_jinja_instr {
    uint8_t op, b;
    uint16_t c;
    int32_t a;
} llmi_jinja_instr;

/* A macro, or the body of a call block. */
typedef struct llmi_jinja_macro_code {
    int32_t entry;        /* first instruction, counted from the MACRO instruction */
    uint32_t name;        /* constant */
    uint32_t first_param; /* in params */
    uint32_t n_params;
    bool takes_rest, takes_names, takes_caller; /* its text asks for varargs, kwargs, caller */
} llmi_jinja_macro_code;

/* Where an instruction comes from. */
typedef struct llmi_jinja_origin {
    uint32_t at, line;
} llmi_jinja_origin;

struct llmi_jinja_template {
    const llm_allocator *a;
    const char *what; /* before the place in errors; NULL: nothing */
    atomic_int refs;
    llmi_buf source;    /* newlines made one byte */
    llmi_buf code;      /* llmi_jinja_instr */
    llmi_buf origins;   /* llmi_jinja_origin, beside code */
    llmi_buf constants; /* llmi_jinja_value; strings point into strs */
    llmi_buf strs;      /* llmi_jinja_str */
    llmi_buf bytes;     /* of constants that are not the source's own text */
    llmi_buf macros;    /* llmi_jinja_macro_code */
    llmi_buf params;    /* uint32_t: constants that name parameters */
};

/* A template with one reference and its source, still to be parsed; NULL: out of memory. */
llmi_jinja_template *llmi_jinja_template_new(const llm_allocator *a, const char *source, size_t n, const char *what);

/* "what, line L, column C: " */
enum { LLMI_JINJA_PLACE_BYTES = 80 };
const char *llmi_jinja_place_text(char out[LLMI_JINJA_PLACE_BYTES], const llmi_jinja_template *t, size_t offset);

/* Shared by the machine's parts. */
struct llmi_jinja_loop;
struct llmi_jinja_macro;
llmi_jinja_value llmi_jinja_loop_attribute(llmi_jinja_run *r, struct llmi_jinja_loop *loop, const llmi_jinja_str *name);
llmi_jinja_value llmi_jinja_macro_attribute(llmi_jinja_run *r, const struct llmi_jinja_macro *macro,
                                            const llmi_jinja_str *name);

#endif
