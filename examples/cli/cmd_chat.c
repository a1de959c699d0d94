/* llm chat: a conversation on the terminal. Each turn submits the whole transcript; the engine's
 * prefix cache already holds all of it but the last line. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct chat {
    cli *c;
    char *transcript; /* what the model has read and written, malloc's */
    size_t n_bytes;
    json_t *turns;
    int leading; /* nothing of this answer was printed yet */
} chat;

static const llm_span turn_end = {"\nUser:", 6};

static int append(chat *t, const char *text, size_t n) {
    char *larger = realloc(t->transcript, t->n_bytes + n + 1);
    if (!larger) return cli_error(t->c, LLM_E_MEMORY, "out of memory");
    memcpy(larger + t->n_bytes, text, n);
    t->transcript = larger;
    t->n_bytes += n;
    return CLI_OK;
}

static int append_text(chat *t, const char *text) {
    return append(t, text, strlen(text));
}

static int reset(chat *t) {
    t->n_bytes = 0;
    json_array_clear(t->turns);
    const char *system = cli_get(t->c, "system");
    int rc = append_text(t, system ? system : "");
    return !rc && system ? append_text(t, "\n") : rc;
}

/* The blank between "Assistant:" and the answer belongs to the format, not to the answer. */
static llm_span without_blank(llm_span text) {
    while (text.len && text.ptr[0] == ' ') text = (llm_span){text.ptr + 1, text.len - 1};
    return text;
}

static void print_event(void *user, const llm_event *event) {
    chat *t = user;
    llm_span text = t->leading ? without_blank(event->text) : event->text;
    if (t->c->json || text.len == 0) return;
    t->leading = 0;
    fwrite(text.ptr, 1, text.len, stdout);
    fflush(stdout);
}

static void add_turn(chat *t, const char *role, llm_span text) {
    json_array_append_new(t->turns, json_pack("{s:s,s:o}", "role", role, "text", cli_json_text(text.ptr, text.len)));
}

static int keep_answer(chat *t, llm_request *request) {
    llm_result *result;
    llm_span text;
    int32_t finish = LLM_FINISH_NONE;
    llm_status status = llm_request_result(&result, request);
    if (status) return cli_fail(t->c, status);
    status = llm_result_text(&text, result, 0);
    if (!status) status = llm_result_finish(&finish, result, 0);
    int rc = status ? cli_fail(t->c, status) : append(t, text.ptr, text.len);
    if (!rc) rc = append_text(t, "\n");
    if (!rc) add_turn(t, "assistant", without_blank(text));
    if (finish == LLM_FINISH_CONTEXT) fprintf(stderr, "llm chat: the context is full; /reset makes room\n");
    llm_result_unref(result);
    return rc;
}

static int answer(chat *t, const char *line, size_t n) {
    int rc = append_text(t, "User: ");
    if (!rc) rc = append(t, line, n);
    if (!rc) rc = append_text(t, "\nAssistant:");
    if (rc) return rc;
    add_turn(t, "user", (llm_span){line, n});
    t->leading = 1;
    llm_request *request = NULL;
    cli *c = t->c;
    llm_status status = llm_request_submit(&request, c->engine, t->transcript, t->n_bytes, &c->generate_options);
    rc = status ? cli_fail(c, status) : cli_run_request(c, request, print_event, t);
    if (!rc) rc = keep_answer(t, request);
    llm_request_destroy(request);
    if (!rc && !c->json) printf("\n");
    return rc;
}

static int converse(chat *t) {
    char *line = NULL;
    size_t capacity = 0;
    int rc = reset(t), prompts = isatty(STDIN_FILENO) && !t->c->json;
    while (!rc) {
        if (prompts) printf("> ");
        fflush(stdout);
        ssize_t n = getline(&line, &capacity, stdin);
        if (n < 0) break;
        if (n && line[n - 1] == '\n') line[--n] = 0;
        if (strcmp(line, "/exit") == 0) break;
        if (strcmp(line, "/reset") == 0)
            rc = reset(t);
        else if (n)
            rc = answer(t, line, (size_t)n);
    }
    free(line);
    return rc;
}

static int run(cli *c) {
    int rc = cli_expect_args(c, 1, 1);
    if (!rc) rc = cli_open_engine(c, c->args[0]);
    if (rc) return rc;
    c->generate_options.stop_strings = &turn_end;
    c->generate_options.n_stop_strings = 1;
    c->generate_options.n = 1;
    chat t = {.c = c, .turns = json_array()};
    if (!c->json && isatty(STDIN_FILENO))
        fprintf(stderr, "/reset forgets the conversation, /exit or Ctrl-D leaves, Ctrl-C ends an answer.\n");
    rc = converse(&t);
    free(t.transcript);
    if (!rc && c->json) return cli_print_json(c, json_pack("{s:o}", "turns", t.turns));
    json_decref(t.turns);
    return rc;
}

static const cli_option options[] = {
    {0, "system", "TEXT", "put this before the conversation"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_chat = {
    .name = "chat",
    .synopsis = "MODEL [OPTIONS]",
    .summary = "Talk with a model on the terminal",
    .details = "Reads a line, writes the answer, and so on until the end of input. The transcript is plain text,\n"
               "\"User: ...\" and \"Assistant: ...\" lines, whatever chat template the model has.\n"
               "The lines /reset and /exit are commands. Ctrl-C ends an answer.\n"
               "--json: answers all lines, then prints {\"turns\":[{\"role\",\"text\"},...]}",
    .options = options,
    .groups = "generate engine model runtime",
    .run = run,
};
