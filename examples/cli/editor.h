/* Reading messages from a terminal, with line editing and history where there is libedit, or from a pipe. */
#ifndef EDITOR_H
#define EDITOR_H

#include <llm/types.h>
#include <stddef.h>

typedef struct editor editor;

enum {
    EDITOR_MESSAGE,     /* there is one */
    EDITOR_END,         /* of the input */
    EDITOR_INTERRUPTED, /* Ctrl-C */
    EDITOR_UNENDED,     /* the input ended within a text in quotes */
    EDITOR_FAILED       /* errno says why */
};

typedef struct editor_message {
    llm_span text; /* ends with a NUL; valid until the next message is read */
    int is_line;   /* one line as it was typed: not pasted lines, nor a text between quotes */
} editor_message;

/* is_terminal: prompts are shown, and Ctrl-C interrupts. NULL: out of memory. */
editor *editor_open(int is_terminal);
void editor_close(editor *e);

/* One line, or lines between two of """, or pasted ones. */
int editor_read(editor_message *out, editor *e);

/* A question that is answered with yes or no on the terminal; Enter alone is `fallback`. */
int editor_ask(editor *e, const char *question, int fallback);

#endif
