/* The llm command: what its subcommands share. It uses libllm only through <llm/llm.h>.
 *
 * A helper that answers int returns 0, or the exit code after it has reported what is wrong:
 * 1 for a failure, 2 for wrong usage. A subcommand passes that on. */
#ifndef CLI_H
#define CLI_H

#include <jansson.h>
#include <llm/llm.h>
#include <stdio.h>

enum { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 };

/* An option of the command itself. Options of the library need no row: see `groups` below. */
typedef struct cli_option {
    char letter;         /* -x; 0: none */
    const char *name;    /* --name; NULL ends a table */
    const char *value;   /* what the help calls its value; NULL: a switch without one */
    const char *meaning; /* one line */
} cli_option;

typedef struct cli cli;

typedef struct cli_command {
    const char *name;
    const char *synopsis;      /* what follows "llm NAME" */
    const char *summary;       /* one line, for the overview */
    const char *details;       /* paragraphs of the help text */
    const cli_option *options; /* its own; NULL: none */
    const char *groups;        /* option groups of the library that it takes, e.g. "runtime model" */
    const char *defaults;      /* of these, where they differ from the library's: "seed=random max_tokens=256" */
    int model_at;              /* which argument is the model, from 1: --model stands in for it; 0: none */
    int (*run)(cli *c);
} cli_command;

typedef struct cli_value {
    const cli_option *option;
    const char *text;
} cli_value;

/* One run of the command. */
struct cli {
    const cli_command *command;
    int json;    /* --json was given */
    char **args; /* positional arguments, --model among them */
    int n_args;
    cli_value *values; /* the command's own options, in the order given */
    size_t n_values;
    json_t *settings; /* options of generation whose value is not the library's: name -> text */
    llm_runtime_options runtime_options;
    llm_model_options model_options;
    llm_engine_options engine_options;
    llm_generate_options generate_options;
    llm_quantize_options quantize_options;
    llm_prompt_options prompt_options;
    llm_fill_options fill_options;
    llm_ask_options ask_options;
    llm_runtime *runtime; /* from here: set by cli_open_*, released by cli_close */
    llm_model *model;
    llm_engine *engine;
    llm_tokenizer *tokenizer;
    double load_ms; /* what cli_open_* took so far */
    struct cli_block *blocks;
};

/* ---- main.c ---- */
extern const cli_command *const cli_commands[]; /* ends with NULL */
extern const char *cli_program;                 /* what the command was called as; "llm" in a build tree */

/* ---- args.c: the command line, from the tables ---- */
int cli_parse(cli *c, int argc, char **argv, int *wants_help);
const char *cli_get(const cli *c, const char *name); /* last value of an own option ("" for a switch), or NULL */
size_t cli_get_all(const char **out, const cli *c, const char *name); /* out NULL: only counts */
int cli_get_int(int64_t *out, cli *c, const char *name, int64_t fallback, int64_t minimum, int64_t maximum);
int cli_expect_args(cli *c, int minimum, int maximum); /* number of positional arguments; maximum -1: any */

/* ---- help.c ---- */
void cli_print_help(FILE *file, const cli_command *command);
const char *cli_nearest(const char *word, const char *const *names, size_t n_names); /* NULL if none is near */

/* ---- memory.c: blocks that live until cli_close; running out of memory ends the command ---- */
void *cli_alloc(cli *c, size_t n, size_t size);
void cli_free_all(cli *c);

/* ---- open.c ---- */
int cli_open_runtime(cli *c);
int cli_open_model(cli *c, const char *path);
int cli_open_engine(cli *c, const char *path);    /* opens the model first */
int cli_open_tokenizer(cli *c, const char *path); /* c->tokenizer, without weights */
void cli_close(cli *c);
double cli_now_ms(void);

/* ---- input.c ---- */
typedef struct cli_prompt {
    llm_span text; /* ptr NULL if it was given as ids */
    llm_token *ids;
    size_t n_ids;
} cli_prompt;

int cli_read_file(llm_span *out, cli *c, const char *path); /* "-": standard input; any bytes */
int cli_parse_ids(llm_token **out, size_t *n_ids, cli *c, const char *const *texts, size_t n_texts);
/* argument, if it is neither NULL nor "-"; else standard input without the newline at its end, which must not be a
 * terminal if argument is NULL, nor empty. `what` names the text. */
int cli_get_text(llm_span *out, cli *c, const char *argument, const char *what);
int cli_get_prompt(cli_prompt *out, cli *c, const char *argument); /* --prompt, --file, --ids, or as cli_get_text */
int cli_encode(llm_token **out, size_t *n_ids, cli *c, const llm_tokenizer *tokenizer, llm_span text, uint32_t flags);
int cli_prompt_ids(llm_token **out, size_t *n_ids, cli *c, const cli_prompt *prompt);

/* ---- conversation.c ---- */
int cli_get_template(llm_template **out, int *is_plain, cli *c); /* the model's, or plain lines of "Role: text" */
int cli_get_context(llm_span *out, cli *c);                      /* --context, or standard input */
int cli_get_now(llm_template_options *options, cli *c);          /* --now */

/* ---- grammar.c ---- */
int cli_get_grammar(llm_grammar **out, cli *c); /* --grammar, --schema, --regex, --choices; NULL: none was given */
void cli_report_cut(const cli *c, llm_span text, int32_t finish); /* a constrained text that ended too early */

/* ---- output.c ---- */
int cli_usage(cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_fail(cli *c, llm_status status); /* reports status and llm_last_error() */
int cli_error(cli *c, llm_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
int cli_print_json(cli *c, json_t *object);           /* takes the reference; NULL: out of memory */
json_t *cli_json_text(const char *ptr, size_t len);   /* bytes that are not UTF-8 become U+FFFD */
json_t *cli_json_real(double value);                  /* null if not finite */
json_t *cli_json_seed(uint64_t seed);                 /* text where it is too large for a number */
json_t *cli_json_ids(const llm_token *ids, size_t n); /* an array of numbers */
void cli_print_escaped(FILE *file, llm_span text);    /* one line: \n, \t, \\, \xNN */
void cli_print_bytes(FILE *file, int64_t n_bytes);    /* e.g. "1.4 GiB" */
/* The id, `apart` and the text in quotes, e.g. 372 " has"; the id alone without a tokenizer. */
void cli_print_token(FILE *file, const llm_tokenizer *tokenizer, llm_token id, char apart);
json_t *cli_json_token(const llm_tokenizer *tokenizer, llm_token id); /* its text; null without a tokenizer */

/* ---- progress.c: one line on standard error, if that is a terminal, about what takes longer than a moment ---- */
void cli_progress_begin(const char *label);             /* ends the one before */
int32_t cli_progress_update(void *unused, double done); /* an llm_progress_fn: 0..1 */
void cli_progress_tokens(int64_t n, int64_t n_most);    /* n_most 0: unknown */
void cli_progress_end(void);                            /* the line is gone; without effect if there is none */
void cli_print_message(const char *text);               /* a line on standard error; any thread */

/* ---- run.c: driving the engine ---- */

/* Steps until the request is done, handing each event to on_event, which shows it (NULL: nothing is shown before the
 * end). n_prompt: tokens of the prompt that are probably to be computed, for the progress. Ctrl-C cancels the request;
 * a second one ends the command. Reports a failure of the engine or the request. */
typedef void (*cli_event_fn)(void *user, const llm_event *event);
int cli_run_request(cli *c, llm_request *request, size_t n_prompt, cli_event_fn on_event, void *user);

/* Evaluates ids after what the sequence holds and hands out the row of logits that follows each of
 * them, in bounded memory. A positive answer of on_row stops with that exit code. */
typedef int (*cli_row_fn)(void *user, size_t index, const float *logits, int32_t n_vocab);
int cli_each_row(cli *c, llm_sequence *sequence, const llm_token *ids, size_t n_ids, cli_row_fn on_row, void *user);

#define COMMAND(name) extern const cli_command cmd_##name;
#include "commands.def"
#undef COMMAND

#endif
