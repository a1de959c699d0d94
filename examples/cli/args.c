/* The command line, made from tables: a subcommand's own options, and the library's option groups
 * (llm/options.h), whose members are spelled with dashes. The help text comes from the same rows. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* The library's option groups and where a run keeps them. */
static const struct group {
    const char *name;
    const char *title;
    size_t offset;
} groups[] = {
    {"ask", "Reasoning", offsetof(cli, ask_options)},     {"fill", "Examples", offsetof(cli, fill_options)},
    {"prompt", "Formats", offsetof(cli, prompt_options)}, {"generate", "Generation", offsetof(cli, generate_options)},
    {"engine", "Engine", offsetof(cli, engine_options)},  {"quantize", "Quantization", offsetof(cli, quantize_options)},
    {"model", "Model", offsetof(cli, model_options)},     {"runtime", "Runtime", offsetof(cli, runtime_options)},
};
enum { N_GROUPS = sizeof groups / sizeof groups[0] };

/* Shorter spellings of library options, and defaults that differ from the library's. */
static const struct alias {
    const char *member;
    char letter;
    const char *name;
    const char *fallback;
} aliases[] = {
    {"max_tokens", 'n', NULL, "256"}, {"seed", 's', NULL, NULL},
    {"n", 0, "completions", NULL},    {"n_logprobs", 0, "logprobs", NULL},
    {"add_special", 0, "bos", NULL},  {"parse_special", 0, "special", NULL},
    {"k", 'k', NULL, NULL},           {"n_samples", 0, "samples", NULL},
    {"n_ctx", 'c', "ctx", NULL},      {"n_threads", 't', "threads", NULL},
    {"use_mmap", 0, "mmap", NULL},
};

static const cli_option common[] = {
    {0, "json", NULL, "print one JSON object on standard output"},
    {'h', "help", NULL, "show this help"},
    {0, NULL, NULL, NULL},
};

/* One spelling of one option. Several rows may lead to the same option; later spellings have no help line. */
typedef struct row {
    char name[64];
    char letter;
    const cli_option *own; /* NULL: a member of the library's group */
    const struct group *group;
    llm_option_info info;
    const char *fallback; /* the default that the help states */
    const char *alias;
    int negates; /* --no-NAME */
} row;

enum { MAX_ROWS = 192 };
typedef struct rows {
    row at[MAX_ROWS];
    size_t n;
} rows;

/* ---- building the rows ---- */

static int takes_value(const row *r) {
    return r->own ? r->own->value != NULL : r->info.type != LLM_OPTION_BOOL;
}

/* A subcommand's own rows come first and win; a member of two groups sets both and is shown once. */
static int is_taken(const rows *all, const char *name) {
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].own && strcmp(all->at[i].name, name) == 0) return 1;
    return 0;
}

static int letter_is_taken(const rows *all, char letter) {
    for (size_t i = 0; i < all->n; i++)
        if (letter && all->at[i].letter == letter && all->at[i].own) return 1;
    return 0;
}

static void add_row(rows *all, row r, const char *prefix, const char *name) {
    if (all->n == MAX_ROWS) return;
    snprintf(r.name, sizeof r.name, "%s%s", prefix, name);
    for (char *at = r.name; *at; at++)
        if (*at == '_') *at = '-';
    if (!is_taken(all, r.name)) all->at[all->n++] = r;
}

static void add_own(rows *all, const cli_option *options) {
    for (; options && options->name; options++)
        add_row(all, (row){.letter = options->letter, .own = options}, "", options->name);
}

static void add_member(rows *all, const struct group *group, const llm_option_info *info) {
    row r = {.group = group, .info = *info, .fallback = info->default_as};
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (strcmp(aliases[i].member, info->name) != 0) continue;
        r.letter = letter_is_taken(all, aliases[i].letter) ? 0 : aliases[i].letter;
        r.alias = aliases[i].name;
        if (aliases[i].fallback) r.fallback = aliases[i].fallback;
    }
    if (r.alias && is_taken(all, r.alias)) r.alias = NULL;
    add_row(all, r, "", info->name);
    r.letter = 0;
    if (r.alias) add_row(all, r, "", r.alias);
    if (info->type != LLM_OPTION_BOOL) return;
    r.negates = 1;
    add_row(all, r, "no-", info->name);
    if (r.alias) add_row(all, r, "no-", r.alias);
}

static int has_group(const cli_command *command, const char *name) {
    return command->groups && strstr(command->groups, name) != NULL;
}

static void build_rows(rows *all, const cli_command *command) {
    all->n = 0;
    add_own(all, command->options);
    add_own(all, common);
    for (size_t g = 0; g < N_GROUPS; g++) {
        if (!has_group(command, groups[g].name)) continue;
        int32_t n = llm_option_count(groups[g].name);
        for (int32_t i = 0; i < n; i++) {
            llm_option_info info = {.struct_size = sizeof info};
            if (llm_option_get(&info, groups[g].name, i) == LLM_OK) add_member(all, &groups[g], &info);
        }
    }
}

/* ---- setting ---- */

static int set_member(cli *c, const row *r, const char *text) {
    void *options = (char *)c + r->group->offset;
    if (llm_option_set(options, r->group->name, r->info.name, text) == LLM_OK) return CLI_OK;
    char why[512];
    snprintf(why, sizeof why, "%s", llm_last_error());
    return cli_usage(c, "--%s: %s", r->name, why);
}

static int set_option(cli *c, const rows *all, const row *chosen, const char *text) {
    if (chosen->own) {
        c->values[c->n_values++] = (cli_value){chosen->own, text ? text : ""};
        return CLI_OK;
    }
    if (chosen->info.type == LLM_OPTION_BOOL && !text) text = chosen->negates ? "0" : "1";
    for (size_t i = 0; i < all->n; i++) {
        const row *r = &all->at[i];
        if (r->own || strcmp(r->name, chosen->name) != 0) continue;
        int rc = set_member(c, r, text);
        if (rc) return rc;
    }
    return CLI_OK;
}

static int set_defaults(cli *c, const rows *all) {
    llm_runtime_options_init(&c->runtime_options);
    llm_model_options_init(&c->model_options);
    llm_engine_options_init(&c->engine_options);
    llm_generate_options_init(&c->generate_options);
    llm_quantize_options_init(&c->quantize_options);
    llm_prompt_options_init(&c->prompt_options);
    llm_fill_options_init(&c->fill_options);
    llm_ask_options_init(&c->ask_options);
    for (size_t i = 0; i < all->n; i++) {
        const row *r = &all->at[i];
        int rc = !r->own && r->fallback != r->info.default_as ? set_member(c, r, r->fallback) : CLI_OK;
        if (rc) return rc;
    }
    return CLI_OK;
}

/* ---- parsing ---- */

static int unknown_option(cli *c, const rows *all, const char *word) {
    const char *names[MAX_ROWS];
    for (size_t i = 0; i < all->n; i++) names[i] = all->at[i].name;
    char bare[64] = "";
    strncat(bare, word, strcspn(word, "=") < sizeof bare ? strcspn(word, "=") : sizeof bare - 1);
    const char *nearest = strncmp(word, "--", 2) == 0 ? cli_nearest(bare + 2, names, all->n) : NULL;
    return cli_usage(c, "unknown option '%s'%s%s%s", bare, nearest ? "; did you mean '--" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

/* What getopt_long reads: val is 256 + row, so that it cannot meet a letter. */
static void make_getopt(const rows *all, struct option *longs, char *letters) {
    *letters++ = ':';
    for (size_t i = 0; i < all->n; i++) {
        const row *r = &all->at[i];
        int has = takes_value(r) ? required_argument : r->own || r->negates ? no_argument : optional_argument;
        longs[i] = (struct option){r->name, has, NULL, 256 + (int)i};
        if (r->letter) *letters++ = r->letter;
        if (r->letter && takes_value(r)) *letters++ = ':';
    }
    longs[all->n] = (struct option){0};
    *letters = 0;
}

static const row *find_row(const rows *all, int code) {
    if (code >= 256) return &all->at[code - 256];
    for (size_t i = 0; i < all->n; i++)
        if (code && all->at[i].letter == (char)code) return &all->at[i];
    return NULL;
}

static int parse_options(cli *c, const rows *all, int argc, char **argv) {
    struct option longs[MAX_ROWS + 1];
    char letters[2 * MAX_ROWS + 2];
    make_getopt(all, longs, letters);
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        const row *r = find_row(all, code == '?' || code == ':' ? optopt : code);
        char word[3] = {'-', (char)optopt, 0};
        if (code == ':') return cli_usage(c, "'%s' needs a value", optopt < 256 ? word : argv[optind - 1]);
        if (code == '?' && r) return cli_usage(c, "'--%s' takes no value", r->name);
        if (code == '?') return unknown_option(c, all, optopt ? word : argv[optind - 1]);
        int rc = set_option(c, all, r, optarg);
        if (rc) return rc;
    }
    c->args = argv + optind;
    c->n_args = argc - optind;
    return CLI_OK;
}

int cli_parse(cli *c, int argc, char **argv, int *wants_help) {
    rows *all = cli_alloc(c, 1, sizeof *all);
    build_rows(all, c->command);
    c->values = cli_alloc(c, (size_t)argc, sizeof *c->values);
    int rc = set_defaults(c, all);
    if (!rc) rc = parse_options(c, all, argc, argv);
    *wants_help = !rc && cli_get(c, "help") != NULL;
    return rc;
}

/* ---- what was given ---- */

size_t cli_get_all(const char **out, const cli *c, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_values; i++) {
        if (strcmp(c->values[i].option->name, name) != 0) continue;
        if (out) out[n] = c->values[i].text;
        n++;
    }
    return n;
}

const char *cli_get(const cli *c, const char *name) {
    for (size_t i = c->n_values; i-- > 0;)
        if (strcmp(c->values[i].option->name, name) == 0) return c->values[i].text;
    return NULL;
}

int cli_get_int(int64_t *out, cli *c, const char *name, int64_t fallback, int64_t minimum, int64_t maximum) {
    const char *text = cli_get(c, name);
    *out = fallback;
    if (!text) return CLI_OK;
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end == text || *end || errno || *out < minimum || *out > maximum)
        return cli_usage(c, "--%s: found '%.40s', expected a number %lld..%lld", name, text, (long long)minimum,
                         (long long)maximum);
    return CLI_OK;
}

int cli_expect_args(cli *c, int minimum, int maximum) {
    if (c->n_args < minimum) return cli_usage(c, "expected: llm %s %s", c->command->name, c->command->synopsis);
    if (maximum >= 0 && c->n_args > maximum) return cli_usage(c, "unexpected argument '%.80s'", c->args[maximum]);
    return CLI_OK;
}

/* ---- help ---- */

static void print_row(FILE *file, const row *r) {
    static const char *const kinds[] = {"", " N", " X", "", " TEXT", " TYPE"};
    int is_on = !r->own && !takes_value(r) && r->fallback && strchr("1tT", r->fallback[0]) != NULL;
    const char *no = is_on ? "no-" : "";
    char head[160], letter[8] = "";
    if (r->letter) snprintf(letter, sizeof letter, "-%c, ", r->letter);
    const char *value = r->own ? (r->own->value ? r->own->value : "") : kinds[r->info.type];
    snprintf(head, sizeof head, "%s--%s%s%s%s%s%s%s", letter, no, r->name, r->alias ? ", --" : "", r->alias ? no : "",
             r->alias ? r->alias : "", r->own && r->own->value ? " " : "", value);
    fprintf(file, "  %-30s %s", head, r->own ? r->own->meaning : r->info.meaning);
    if (!r->own && takes_value(r) && r->fallback && r->fallback[0]) fprintf(file, " (default %s)", r->fallback);
    fputc('\n', file);
}

/* The first row of an option has its help line: not the aliases, not --no-NAME, not a second group. */
static int has_line(const rows *all, size_t index) {
    const row *r = &all->at[index];
    if (r->own) return 1;
    if (r->negates || (r->alias && strcmp(r->alias, r->name) == 0)) return 0;
    for (size_t i = 0; i < index; i++)
        if (strcmp(all->at[i].name, r->name) == 0) return 0;
    return 1;
}

void cli_print_help(FILE *file, const cli_command *command) {
    rows all;
    build_rows(&all, command);
    fprintf(file, "usage: llm %s %s\n\n%s.\n", command->name, command->synopsis, command->summary);
    if (command->details) fprintf(file, "\n%s\n", command->details);
    const char *title = NULL;
    for (size_t i = 0; i < all.n; i++) {
        if (!has_line(&all, i)) continue;
        const char *next = all.at[i].own ? "Options" : all.at[i].group->title;
        if (title != next) fprintf(file, "\n%s:\n", title = next);
        print_row(file, &all.at[i]);
    }
}

/* ---- the nearest name ---- */

/* Edits (insert, delete, replace) that turn a into b (Levenshtein, 1966); b is cut at 63 bytes. */
static size_t distance(const char *a, const char *b) {
    size_t line[64], n = strnlen(b, 63);
    for (size_t j = 0; j <= n; j++) line[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = line[0];
        line[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            if (line[j] + 1 < best) best = line[j] + 1;
            if (line[j + 1] + 1 < best) best = line[j + 1] + 1;
            diagonal = line[j + 1];
            line[j + 1] = best;
        }
    }
    return line[n];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n_names) {
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n_names; i++) {
        size_t d = distance(word, names[i]);
        if (d >= least) continue;
        least = d;
        nearest = names[i];
    }
    return nearest;
}
