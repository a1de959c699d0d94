/* What a line of llm chat that begins with '/' does: a table. */
#include <stdlib.h>
#include <string.h>

#include "chat.h"

static size_t last_of(const chat *t, const char *role) {
    size_t n = json_array_size(t->messages);
    while (n > 0 && strcmp(chat_role(t, n - 1), role) != 0) n--;
    return n; /* one behind it; 0: there is none */
}

static void shorten(chat *t, size_t n) {
    while (json_array_size(t->messages) > n) json_array_remove(t->messages, json_array_size(t->messages) - 1);
    t->n_tokens = 0;
}

static const char *content(const chat *t, size_t index) {
    const char *text = json_string_value(json_object_get(json_array_get(t->messages, index), "content"));
    return text ? text : "";
}

/* ---- turns ---- */

static int reset(chat *t, const char *argument) {
    shorten(t, strcmp(chat_role(t, 0), "system") == 0);
    chat_note(t, "forgot the conversation%s", json_array_size(t->messages) ? "; the system message stays" : "");
    return CLI_OK;
}

static int undo(chat *t, const char *argument) {
    size_t n = last_of(t, "user");
    if (!n) return chat_complain(t, "/undo: there is no question to take back");
    const char *text = content(t, n - 1);
    size_t len = strcspn(text, "\n");
    int shown = len < 60 ? (int)len : 60;
    while (shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80) shown--;
    chat_note(t, "took back: %.*s%s", shown, text, text[shown] ? " ..." : "");
    shorten(t, n - 1);
    return CLI_OK;
}

static int regenerate(chat *t, const char *argument) {
    size_t n = last_of(t, "user");
    if (!n) return chat_complain(t, "/regenerate: there is no question to answer");
    if (n < json_array_size(t->messages) && t->c->generate_options.temperature <= 0)
        return chat_complain(t, "/regenerate: at temperature 0 the answer is the same; '/set temperature 0.7' draws");
    shorten(t, n);
    return chat_answer(t);
}

static int drop(chat *t, const char *argument) {
    char *end = NULL;
    long n = *argument ? strtol(argument, &end, 10) : 1;
    if (n < 1 || (end && *end)) return chat_complain(t, "/drop: found '%.40s', expected a number of turns", argument);
    chat_note(t, "(oldest turns dropped: %zu)", chat_drop(t, (size_t)n));
    t->n_tokens = 0;
    return CLI_OK;
}

static int set_system(chat *t, const char *argument) {
    int has = strcmp(chat_role(t, 0), "system") == 0;
    if (!*argument) {
        chat_note(t, "%s", has ? content(t, 0) : "there is no system message");
        return CLI_OK;
    }
    int removes = strcmp(argument, "\"\"") == 0;
    if (has) json_array_remove(t->messages, 0);
    if (!removes) json_array_insert_new(t->messages, 0, chat_message("system", (llm_span){argument, strlen(argument)}));
    return CLI_OK;
}

/* ---- options ---- */

/* Of the library's, what has no place in a conversation. */
static int is_foreign(const char *name) {
    static const char *const names[] = {"n", "n_logprobs", "add_special", "parse_special"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) return 1;
    return 0;
}

static const char *value_of(const chat *t, const llm_option_info *info) {
    const char *text = json_string_value(json_object_get(t->c->settings, info->name));
    return text ? text : info->default_as;
}

static int list_options(chat *t) {
    int32_t n = llm_option_count("generate");
    for (int32_t i = 0; i < n; i++) {
        llm_option_info info = {.struct_size = sizeof info};
        if (llm_option_get(&info, "generate", i) || is_foreign(info.name)) continue;
        if (strcmp(info.name, "seed") == 0)
            chat_note(t, "%-20s %-8llu %s", info.name, (unsigned long long)t->seed, info.meaning);
        else
            chat_note(t, "%-20s %-8s %s", info.name, value_of(t, &info), info.meaning);
    }
    return CLI_OK;
}

static int set_option(chat *t, const char *argument) {
    char name[64] = "";
    size_t n_name = strcspn(argument, " \t=");
    const char *value = argument + n_name + strspn(argument + n_name, " \t=");
    if (!*argument) return list_options(t);
    snprintf(name, sizeof name, "%.*s", (int)n_name, argument);
    for (char *at = name; *at; at++)
        if (*at == '-') *at = '_';
    if (!*value) return chat_complain(t, "/set: expected a name and a value, e.g. /set temperature 0.8");
    if (is_foreign(name)) return chat_complain(t, "/set: %s has no use in a conversation", name);
    llm_option_info info = {.struct_size = sizeof info};
    for (int32_t i = 0; i < llm_option_count("engine"); i++)
        if (llm_option_get(&info, "engine", i) == LLM_OK && strcmp(info.name, name) == 0)
            return chat_complain(t, "/set: %s is fixed when the engine is made: give it to llm chat", name);
    if (llm_option_set(&t->c->generate_options, "generate", name, value))
        return chat_complain(t, "/set: %s", llm_last_error());
    json_object_set_new(t->c->settings, name, json_string(value));
    if (strcmp(name, "seed") == 0) {
        chat_set_seed(t, t->c->generate_options.seed);
        chat_note(t, "seed %llu", (unsigned long long)t->seed);
    }
    return CLI_OK;
}

static int stats(chat *t, const char *argument) {
    size_t n_tokens, n_turns = chat_count_turns(t);
    int rc = chat_count_tokens(&n_tokens, t);
    if (rc) return t->is_interactive ? CLI_OK : rc;
    chat_note(t, "conversation: %zu turn%s, %zu of %d tokens", n_turns, n_turns == 1 ? "" : "s", n_tokens, t->n_ctx);
    const llm_result_stats *s = &t->last;
    if (!s->n_prompt_tokens) return CLI_OK;
    chat_note(t, "last answer: %d tokens, %.1f per second; seed %llu", s->n_tokens,
              s->decode_ms > 0 ? (s->n_tokens - 1) / s->decode_ms * 1e3 : 0.0, (unsigned long long)s->seed);
    chat_note(t, "its prompt: %d tokens, %d of them cached, read in %.0f ms", s->n_prompt_tokens, s->n_cached_tokens,
              s->prompt_ms);
    return CLI_OK;
}

static int leave(chat *t, const char *argument) {
    t->leaving = 1;
    return CLI_OK;
}

/* ---- the table ---- */

static int help(chat *t, const char *argument);

static const struct command {
    const char *name, *alias, *argument, *meaning;
    int (*run)(chat *t, const char *argument);
} commands[] = {
    {"help", "?", "", "this list", help},
    {"regenerate", "retry", "", "answer the last question again, with another draw", regenerate},
    {"undo", NULL, "", "take back the last question and its answer", undo},
    {"reset", "clear", "", "forget the conversation but the system message", reset},
    {"drop", NULL, "[N]", "forget the N oldest questions and their answers (1)", drop},
    {"system", NULL, "[TEXT]", "show or replace the system message; \"\" removes it", set_system},
    {"set", NULL, "[NAME VALUE]", "show or change the options of generation", set_option},
    {"stats", NULL, "", "tokens, speed and seed", stats},
    {"save", NULL, "FILE", "write the conversation to a JSON file", chat_save},
    {"load", NULL, "FILE", "go on with one that was saved", chat_load},
    {"exit", "quit", "", "leave, as Ctrl-D does", leave},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static int help(chat *t, const char *argument) {
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char head[48];
        snprintf(head, sizeof head, "/%s %s", commands[i].name, commands[i].argument);
        chat_note(t, "  %-20s %s", head, commands[i].meaning);
    }
    chat_note(t, "A message is a line, lines between two of \"\"\", or pasted lines; Alt-Enter begins another line.\n"
                 "Ctrl-C ends an answer, twice the program. \"//\" begins a message with '/'.");
    return CLI_OK;
}

int chat_command(chat *t, const char *line) {
    const char *names[N_COMMANDS];
    char name[32];
    size_t n = strcspn(line + 1, " \t");
    snprintf(name, sizeof name, "%.*s", (int)n, line + 1);
    char *argument = cli_alloc(t->c, strlen(line) + 1, 1);
    strcpy(argument, line + 1 + n + strspn(line + 1 + n, " \t"));
    for (size_t end = strlen(argument); end && strchr(" \t\r", argument[end - 1]); end--) argument[end - 1] = 0;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *command = &commands[i];
        names[i] = command->name;
        if (strcmp(command->name, name) != 0 && !(command->alias && strcmp(command->alias, name) == 0)) continue;
        if (!command->argument[0] && *argument) return chat_complain(t, "/%s takes no argument", command->name);
        return command->run(t, argument);
    }
    const char *nearest = cli_nearest(name, names, N_COMMANDS);
    return chat_complain(t, "/%s is no command%s%s%s /help lists them; \"//\" begins a message with '/'.", name,
                         nearest ? "; did you mean /" : "", nearest ? nearest : "", nearest ? "?" : ".");
}
