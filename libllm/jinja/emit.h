/* What parsing writes: constants and instructions, which may still move as blocks. */
#ifndef LLMI_JINJA_EMIT_H
#define LLMI_JINJA_EMIT_H

#include "jinja/code.h"
#include "jinja/lexer.h"

typedef struct llmi_jinja_loop_scope {
    int32_t next;     /* instruction NEXT of the innermost loop, -1 outside of loops */
    llmi_buf *breaks; /* int32_t: jumps that leave it */
} llmi_jinja_loop_scope;

typedef struct llmi_parser {
    llmi_jinja_template *t;
    llmi_lexer lexer;
    llmi_lexer_token now, ahead;
    llm_status status; /* the first failure */
    int32_t depth;
    llmi_jinja_origin origin; /* of `now`; lines are counted once, forwards */
    llmi_buf strings;         /* hash table of constants that are strings: int32_t, -1 empty */
    size_t n_strings;
    llmi_jinja_loop_scope loop;
    llmi_jinja_macro_code *macro; /* being parsed, or NULL */
} llmi_parser;

void llmi_emit_fail(llmi_parser *p, llm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

/* Index of the constant; equal strings share one. */
int32_t llmi_emit_string(llmi_parser *p, const char *text, size_t n);
int32_t llmi_emit_value(llmi_parser *p, llmi_jinja_value v);

/* Appends an instruction and returns its index. */
int32_t llmi_emit(llmi_parser *p, int op, int32_t a);
int32_t llmi_emit_full(llmi_parser *p, int op, int32_t a, int b, int c);
int32_t llmi_emit_here(const llmi_parser *p); /* index of the next instruction */
/* Makes the jump at `from` go to `to`. Jumps are relative, so that code may move. */
void llmi_emit_target(llmi_parser *p, int32_t from, int32_t to);
/* [begin, middle) [middle, here) change places. */
void llmi_emit_rotate(llmi_parser *p, int32_t begin, int32_t middle);

#endif
