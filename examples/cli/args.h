/* The rows that the command line and its help text are made from. */
#ifndef ARGS_H
#define ARGS_H

#include "cli.h"

/* An option group of the library and where a run keeps it. */
typedef struct cli_group {
    const char *name;
    const char *title;
    size_t offset; /* in cli */
} cli_group;

/* One spelling of one option. Several rows may lead to the same option; later spellings have no help line. */
typedef struct cli_row {
    char name[64];
    char letter;
    const cli_option *own; /* NULL: a member of the library's group */
    const cli_group *group;
    llm_option_info info;
    char fallback[64]; /* the default here, which may differ from the library's */
    const char *alias;
    int negates; /* --no-NAME */
} cli_row;

enum { CLI_MAX_ROWS = 192 };
typedef struct cli_rows {
    cli_row at[CLI_MAX_ROWS];
    size_t n;
} cli_rows;

void cli_build_rows(cli_rows *all, const cli_command *command);
int cli_takes_value(const cli_row *row);

#endif
