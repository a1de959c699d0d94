/* The command line, made from tables: a subcommand's own options, and the library's option groups
 * (llm/options.h), whose members are spelled with dashes. The help text comes from the same rows (help.c). */
#include "args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const cli_group groups[] = {
    {"ask", "Reasoning", offsetof(cli, ask_options)},     {"fill", "Examples", offsetof(cli, fill_options)},
    {"prompt", "Formats", offsetof(cli, prompt_options)}, {"generate", "Generation", offsetof(cli, generate_options)},
    {"engine", "Engine", offsetof(cli, engine_options)},  {"quantize", "Quantization", offsetof(cli, quantize_options)},
    {"model", "Model", offsetof(cli, model_options)},     {"runtime", "Runtime", offsetof(cli, runtime_options)},
};
enum { N_GROUPS = sizeof groups / sizeof groups[0] };

/* Shorter spellings of library options. */
static const struct alias {
    const char *member;
    char letter;
    const char *name;
} aliases[] = {
    {"max_tokens", 'n', NULL},     {"seed", 's', NULL},       {"n", 0, "completions"},
    {"n_logprobs", 0, "logprobs"}, {"k", 'k', NULL},          {"n_samples", 0, "samples"},
    {"n_ctx", 'c', "ctx"},         {"add_special", 0, "bos"}, {"parse_special", 0, "special"},
    {"n_threads", 't', "threads"}, {"use_mmap", 0, "mmap"},
};

/* What other programs call an option. */
static const struct peer {
    const char *spelling;
    const char *name; /* the option here; NULL: there is none */
    const char *note; /* why */
} peers[] = {
#define PEER(spelling, name, note) {spelling, name, note},
#include "peers.def"
#undef PEER
};

static const cli_option model_option[] = {
    {'m', "model", "MODEL", "the model, instead of the argument MODEL"},
    {0, NULL, NULL, NULL},
};

static const cli_option common[] = {
    {0, "json", NULL, "print one JSON object on standard output"},
    {'h', "help", NULL, "show this help"},
    {0, NULL, NULL, NULL},
};

/* ---- building the rows ---- */

int cli_takes_value(const cli_row *r) {
    return r->own ? r->own->value != NULL : r->info.type != LLM_OPTION_BOOL;
}

/* A subcommand's own rows come first and win; a member of two groups sets both and is shown once. */
static int is_taken(const cli_rows *all, const char *name) {
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].own && strcmp(all->at[i].name, name) == 0) return 1;
    return 0;
}

static int letter_is_taken(const cli_rows *all, char letter) {
    for (size_t i = 0; i < all->n; i++)
        if (letter && all->at[i].letter == letter && all->at[i].own) return 1;
    return 0;
}

static void add_row(cli_rows *all, cli_row r, const char *prefix, const char *name) {
    if (all->n == CLI_MAX_ROWS) return;
    snprintf(r.name, sizeof r.name, "%s%s", prefix, name);
    for (char *at = r.name; *at; at++)
        if (*at == '_') *at = '-';
    if (!is_taken(all, r.name)) all->at[all->n++] = r;
}

static void add_own(cli_rows *all, const cli_option *options) {
    for (; options && options->name; options++)
        add_row(all, (cli_row){.letter = options->letter, .own = options}, "", options->name);
}

/* The value of "member=value" in the words of a subcommand's defaults. */
static void set_fallback(cli_row *r, const char *defaults) {
    size_t n_name = strlen(r->info.name);
    snprintf(r->fallback, sizeof r->fallback, "%s", r->info.default_as);
    for (const char *at = defaults; at && *at; at += strspn(at, " ")) {
        size_t n = strcspn(at, " ");
        if (n > n_name && at[n_name] == '=' && strncmp(at, r->info.name, n_name) == 0)
            snprintf(r->fallback, sizeof r->fallback, "%.*s", (int)(n - n_name - 1), at + n_name + 1);
        at += n;
    }
}

static void add_member(cli_rows *all, const cli_group *group, const llm_option_info *info, const char *defaults) {
    cli_row r = {.group = group, .info = *info};
    set_fallback(&r, defaults);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (strcmp(aliases[i].member, info->name) != 0) continue;
        r.letter = letter_is_taken(all, aliases[i].letter) ? 0 : aliases[i].letter;
        r.alias = aliases[i].name;
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

void cli_build_rows(cli_rows *all, const cli_command *command) {
    all->n = 0;
    add_own(all, command->options);
    if (command->model_at) add_own(all, model_option);
    add_own(all, common);
    for (size_t g = 0; g < N_GROUPS; g++) {
        if (!has_group(command, groups[g].name)) continue;
        int32_t n = llm_option_count(groups[g].name);
        for (int32_t i = 0; i < n; i++) {
            llm_option_info info = {.struct_size = sizeof info};
            if (llm_option_get(&info, groups[g].name, i) == LLM_OK)
                add_member(all, &groups[g], &info, command->defaults);
        }
    }
}

/* ---- setting ---- */

static int set_member(cli *c, const cli_row *r, const char *text) {
    void *options = (char *)c + r->group->offset;
    if (llm_option_set(options, r->group->name, r->info.name, text) == LLM_OK) {
        if (options == &c->generate_options) json_object_set_new(c->settings, r->info.name, json_string(text));
        return CLI_OK;
    }
    char why[512];
    snprintf(why, sizeof why, "%s", llm_last_error());
    return cli_usage(c, "--%s: %s", r->name, why);
}

static int set_option(cli *c, const cli_rows *all, const cli_row *chosen, const char *text) {
    if (chosen->own) {
        c->values[c->n_values++] = (cli_value){chosen->own, text ? text : ""};
        return CLI_OK;
    }
    if (chosen->info.type == LLM_OPTION_BOOL && !text) text = chosen->negates ? "0" : "1";
    for (size_t i = 0; i < all->n; i++) {
        const cli_row *r = &all->at[i];
        if (r->own || strcmp(r->name, chosen->name) != 0) continue;
        int rc = set_member(c, r, text);
        if (rc) return rc;
    }
    return CLI_OK;
}

static int set_defaults(cli *c, const cli_rows *all) {
    llm_runtime_options_init(&c->runtime_options);
    llm_model_options_init(&c->model_options);
    llm_engine_options_init(&c->engine_options);
    llm_generate_options_init(&c->generate_options);
    llm_quantize_options_init(&c->quantize_options);
    llm_prompt_options_init(&c->prompt_options);
    llm_fill_options_init(&c->fill_options);
    llm_ask_options_init(&c->ask_options);
    for (size_t i = 0; i < all->n; i++) {
        const cli_row *r = &all->at[i];
        int rc = !r->own && strcmp(r->fallback, r->info.default_as) != 0 ? set_member(c, r, r->fallback) : CLI_OK;
        if (rc) return rc;
    }
    return CLI_OK;
}

/* ---- parsing ---- */

typedef struct reader {
    cli *c;
    const cli_rows *all;
    int argc, at;
    char **argv;
} reader;

static const cli_row *find_exactly(const cli_rows *all, const char *name, size_t n) {
    for (size_t i = 0; i < all->n; i++)
        if (strlen(all->at[i].name) == n && strncmp(all->at[i].name, name, n) == 0) return &all->at[i];
    return NULL;
}

/* The row of a name of n bytes, or the only one that begins so; NULL if there is none or several. */
static const cli_row *find_row(const cli_rows *all, const char *name, size_t n) {
    const cli_row *found = find_exactly(all, name, n);
    if (found || n == 0) return found;
    for (size_t i = 0; i < all->n; i++) {
        const cli_row *r = &all->at[i];
        if (strncmp(r->name, name, n) != 0) continue;
        if (found && strcmp(found->name, r->name) != 0) return NULL;
        found = r;
    }
    return found;
}

static const cli_row *find_letter(const cli_rows *all, char letter) {
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].letter == letter) return &all->at[i];
    return NULL;
}

static const struct peer *find_peer(const char *word, size_t n) {
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++)
        if (strlen(peers[i].spelling) == n && strncmp(peers[i].spelling, word, n) == 0) return &peers[i];
    return NULL;
}

static const char *nearest_prefix(const cli_rows *all, const char *name) {
    for (size_t i = 0; *name && i < all->n; i++)
        if (strncmp(all->at[i].name, name, strlen(name)) == 0) return all->at[i].name;
    return NULL;
}

static int unknown_option(const reader *r, const char *word) {
    const char *names[CLI_MAX_ROWS];
    for (size_t i = 0; i < r->all->n; i++) names[i] = r->all->at[i].name;
    char bare[64] = "";
    strncat(bare, word, strcspn(word, "=") < sizeof bare ? strcspn(word, "=") : sizeof bare - 1);
    const char *nearest = strncmp(word, "--", 2) == 0 ? cli_nearest(bare + 2, names, r->all->n) : NULL;
    if (strncmp(word, "--", 2) == 0 && (nearest_prefix(r->all, bare + 2)))
        return cli_usage(r->c, "'%s' begins several options: --%s, ...", bare, nearest_prefix(r->all, bare + 2));
    return cli_usage(r->c, "unknown option '%s'%s%s%s", bare, nearest ? "; did you mean '--" : "",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

/* value: what was attached to the option, NULL: nothing. */
static int take(reader *r, const cli_row *row, const char *spelling, size_t n, const char *value) {
    int may_have = cli_takes_value(row) || (!row->own && !row->negates);
    if (value && !may_have) return cli_usage(r->c, "'%.*s' takes no value", (int)n, spelling);
    if (!value && cli_takes_value(row)) {
        if (r->at == r->argc) return cli_usage(r->c, "'%.*s' needs a value", (int)n, spelling);
        value = r->argv[r->at++];
    }
    return set_option(r->c, r->all, row, value);
}

/* "-n 3", "-n3", "-n=3", and switches in a row: "-vj". */
static int take_letters(reader *r, const char *word) {
    for (const char *at = word + 1; *at; at++) {
        const cli_row *row = find_letter(r->all, *at);
        if (!row) return unknown_option(r, (char[]){'-', *at, 0});
        const char *value = at[1] == '=' ? at + 2 : at[1] && cli_takes_value(row) ? at + 1 : NULL;
        int rc = take(r, row, (char[]){'-', *at, 0}, 2, value);
        if (rc || value) return rc;
    }
    return CLI_OK;
}

static int take_option(reader *r, const char *word) {
    size_t n = strcspn(word, "=");
    const char *value = word[n] ? word + n + 1 : NULL;
    const struct peer *peer = find_peer(word, n);
    const cli_row *row = word[1] == '-' ? find_row(r->all, word + 2, n - 2) : NULL;
    if (peer && !peer->name) return cli_usage(r->c, "'%s': %s", peer->spelling, peer->note);
    if (peer) row = find_exactly(r->all, peer->name, strlen(peer->name));
    if (peer && !row) return unknown_option(r, word);
    if (row) return take(r, row, word, n, value);
    return word[1] == '-' ? unknown_option(r, word) : take_letters(r, word);
}

/* Options and arguments may come in any order; "--" ends the options. */
static int parse_words(reader *r) {
    cli *c = r->c;
    int all_args = 0;
    while (r->at < r->argc) {
        char *word = r->argv[r->at++];
        if (all_args || word[0] != '-' || !word[1]) {
            c->args[c->n_args++] = word;
        } else if (strcmp(word, "--") == 0) {
            all_args = 1;
        } else {
            int rc = take_option(r, word);
            if (rc) return rc;
        }
    }
    return CLI_OK;
}

/* --model stands in for the argument that is the model. */
static void insert_model(cli *c) {
    const char *model = c->command->model_at ? cli_get(c, "model") : NULL;
    int at = c->command->model_at - 1;
    if (!model || c->n_args < at) return;
    memmove(c->args + at + 1, c->args + at, (size_t)(c->n_args - at) * sizeof *c->args);
    c->args[at] = (char *)model;
    c->n_args++;
}

int cli_parse(cli *c, int argc, char **argv, int *wants_help) {
    cli_rows *all = cli_alloc(c, 1, sizeof *all);
    cli_build_rows(all, c->command);
    c->values = cli_alloc(c, (size_t)argc, sizeof *c->values);
    c->args = cli_alloc(c, (size_t)argc + 1, sizeof *c->args);
    c->settings = json_object();
    reader r = {c, all, argc, 1, argv};
    int rc = set_defaults(c, all);
    if (!rc) rc = parse_words(&r);
    if (rc) return rc;
    insert_model(c);
    c->json = cli_get(c, "json") != NULL;
    *wants_help = cli_get(c, "help") != NULL;
    return CLI_OK;
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
    if (c->n_args < minimum)
        return cli_usage(c, "expected: %s %s %s", cli_program, c->command->name, c->command->synopsis);
    if (maximum >= 0 && c->n_args > maximum)
        return cli_usage(c, "unexpected argument '%.80s'%s", c->args[maximum],
                         maximum > 1 ? "; a text of several words needs quotes" : "");
    return CLI_OK;
}
