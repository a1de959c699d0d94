/* The two halves of the parser: statements and expressions. */
#ifndef LLMI_JINJA_PARSER_H
#define LLMI_JINJA_PARSER_H

#include "jinja/emit.h"

static inline bool llmi_parser_ok(const llmi_parser *p) {
    return p->status == LLM_OK;
}

void llmi_parser_advance(llmi_parser *p);
bool llmi_parser_is_op(const llmi_parser *p, const char *op);
bool llmi_parser_is_name(const llmi_parser *p, const char *name);
bool llmi_parser_take_op(llmi_parser *p, const char *op);
bool llmi_parser_take_name(llmi_parser *p, const char *name);
void llmi_parser_expect_op(llmi_parser *p, const char *op);
/* The constant of a name that is not a keyword. */
int32_t llmi_parser_identifier(llmi_parser *p);
bool llmi_parser_enter(llmi_parser *p);
void llmi_parser_leave(llmi_parser *p);

/* Each leaves code that pushes one value. */
void llmi_parser_expression(llmi_parser *p);          /* with "x if y else z" */
void llmi_parser_tuple(llmi_parser *p, bool with_if); /* "a, b" makes a tuple */
void llmi_parser_primary(llmi_parser *p);             /* no filters, no tests */
/* One filter's name and arguments, for a value that is already on the stack. With `leave_args` its instruction is left
 * to the caller: it is returned instead of emitted. */
llmi_jinja_instr llmi_parser_filter(llmi_parser *p);

#endif
