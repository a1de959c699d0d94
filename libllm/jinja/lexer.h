/* A template's source as tokens. Text between tags is returned without the white space that "-" marks, trim_blocks and
 * lstrip_blocks remove. */
#ifndef LLMI_JINJA_LEXER_H
#define LLMI_JINJA_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum llmi_lexer_token_kind {
    LLMI_T_END,
    LLMI_T_TEXT,
    LLMI_T_VARIABLE_BEGIN,
    LLMI_T_VARIABLE_END,
    LLMI_T_BLOCK_BEGIN,
    LLMI_T_BLOCK_END,
    LLMI_T_NAME,
    LLMI_T_STRING, /* with its quotes */
    LLMI_T_INTEGER,
    LLMI_T_FLOAT,
    LLMI_T_OPERATOR,
    LLMI_T_FAULT /* text: what is wrong */
} llmi_lexer_token_kind;

typedef struct llmi_lexer_token {
    llmi_lexer_token_kind kind;
    const char *p; /* in the source, or for FAULT a static text */
    size_t n;
    uint32_t at; /* offset in the source */
} llmi_lexer_token;

typedef struct llmi_lexer {
    const char *source;
    size_t n, at;
    int mode; /* 0 text, '}' in a variable tag, '%' in a block tag */
    int nesting;
    bool line_starts; /* the text at `at` begins a line */
    bool pending;     /* text was returned, the tag after it not yet */
    llmi_lexer_token next;
} llmi_lexer;

void llmi_lexer_init(llmi_lexer *l, const char *source, size_t n);
llmi_lexer_token llmi_lexer_next(llmi_lexer *l);

#endif
