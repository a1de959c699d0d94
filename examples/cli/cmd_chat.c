/* llm chat: a conversation on the terminal. Each turn submits all of it, as the model's template writes it; the
 * engine's prefix cache already holds everything but the last line. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct chat {
    cli *c;
    llm_template *tmpl;
    json_t *messages;
    int leading; /* nothing of this answer was printed yet */
} chat;

static const llm_span turn_end = {"\nUser:", 6}; /* of the plain template */

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

static void add_message(chat *t, const char *role, llm_span text) {
    json_array_append_new(t->messages,
                          json_pack("{s:s,s:o}", "role", role, "content", cli_json_text(text.ptr, text.len)));
}

static int reset(chat *t) {
    const char *system = cli_get(t->c, "system");
    json_array_clear(t->messages);
    if (system) add_message(t, "system", (llm_span){system, strlen(system)});
    return CLI_OK;
}

/* Takes back the last question and its answer. */
static int undo(chat *t) {
    for (size_t n = json_array_size(t->messages); n > 0; n--) {
        const char *role = json_string_value(json_object_get(json_array_get(t->messages, n - 1), "role"));
        if (strcmp(role, "system") == 0) break;
        json_array_remove(t->messages, n - 1);
        if (strcmp(role, "user") == 0) break;
    }
    return CLI_OK;
}

static int save(chat *t, const char *path) {
    json_t *whole = json_pack("{s:O}", "messages", t->messages);
    if (!whole || json_dump_file(whole, path, JSON_INDENT(2)) != 0)
        fprintf(stderr, "llm chat: %s: %s\n", path, strerror(errno));
    else
        fprintf(stderr, "saved to %s\n", path);
    json_decref(whole);
    return CLI_OK;
}

/* ---- one answer ---- */

static int keep_answer(chat *t, llm_request *request) {
    llm_result *result;
    llm_span text;
    int32_t finish = LLM_FINISH_NONE;
    llm_status status = llm_request_result(&result, request);
    if (status) return cli_fail(t->c, status);
    status = llm_result_text(&text, result, 0);
    if (!status) status = llm_result_finish(&finish, result, 0);
    int rc = status ? cli_fail(t->c, status) : CLI_OK;
    if (!rc) add_message(t, "assistant", without_blank(text));
    if (finish == LLM_FINISH_CONTEXT) fprintf(stderr, "llm chat: the context is full; /reset or /undo makes room\n");
    llm_result_unref(result);
    return rc;
}

static int submit(llm_request **out, chat *t) {
    cli *c = t->c;
    json_t *context = json_pack("{s:O,s:b}", "messages", t->messages, "add_generation_prompt", 1);
    char *text = context ? json_dumps(context, JSON_COMPACT) : NULL;
    json_decref(context);
    if (!text) return cli_error(c, LLM_E_MEMORY, "out of memory");
    llm_rendering *rendering = NULL;
    const llm_token *ids;
    size_t n;
    llm_status status = llm_chat_apply(&rendering, c->model, t->tmpl, text, LLM_NTS, NULL);
    if (!status) status = llm_rendering_tokens(&ids, &n, rendering);
    if (!status) status = llm_request_submit_tokens(out, c->engine, ids, n, &c->generate_options);
    int rc = status ? cli_fail(c, status) : CLI_OK;
    llm_rendering_destroy(rendering);
    free(text);
    return rc;
}

static int answer(chat *t, const char *line, size_t n) {
    llm_request *request = NULL;
    add_message(t, "user", (llm_span){line, n});
    t->leading = 1;
    int rc = submit(&request, t);
    if (rc && isatty(STDIN_FILENO)) return undo(t); /* it says why; a shorter one may go on */
    if (!rc) rc = cli_run_request(t->c, request, 0, print_event, t);
    if (!rc) rc = keep_answer(t, request);
    llm_request_destroy(request);
    if (!rc && !t->c->json) printf("\n");
    return rc;
}

/* ---- the conversation ---- */

static int take_line(chat *t, const char *line, size_t n) {
    if (strcmp(line, "/reset") == 0) return reset(t);
    if (strcmp(line, "/undo") == 0) return undo(t);
    if (strncmp(line, "/save ", 6) == 0) return save(t, line + 6);
    return n ? answer(t, line, n) : CLI_OK;
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
        rc = take_line(t, line, (size_t)n);
    }
    free(line);
    return rc;
}

static int run(cli *c) {
    int is_plain, rc = cli_expect_args(c, 1, 1);
    chat t = {.c = c};
    if (!rc) rc = cli_open_engine(c, c->args[0]);
    if (!rc) rc = cli_get_template(&t.tmpl, &is_plain, c);
    if (rc) return rc;
    if (is_plain) {
        c->generate_options.stop_strings = &turn_end;
        c->generate_options.n_stop_strings = 1;
    }
    c->generate_options.n = 1;
    t.messages = json_array();
    if (!c->json && isatty(STDIN_FILENO))
        fprintf(stderr, "/reset forgets the conversation, /undo the last question, /save FILE writes it down,\n"
                        "/exit or Ctrl-D leaves, Ctrl-C ends an answer.\n");
    rc = converse(&t);
    llm_template_unref(t.tmpl);
    if (!rc && c->json) return cli_print_json(c, json_pack("{s:o}", "messages", t.messages));
    json_decref(t.messages);
    return rc;
}

static const cli_option options[] = {
    {0, "system", "TEXT", "the system message"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_chat = {
    .name = "chat",
    .synopsis = "MODEL [OPTIONS]",
    .summary = "Talk with a model on the terminal",
    .details =
        "Reads a line, writes the answer, and so on until the end of input. The conversation goes through the model's\n"
        "own chat template; without one it is plain \"User: ...\" and \"Assistant: ...\" lines.\n"
        "The lines /reset, /undo, /save FILE and /exit are commands. Ctrl-C ends an answer.\n"
        "--json: answers all lines, then prints {\"messages\":[{\"role\",\"content\"},...]}",
    .options = options,
    .groups = "generate engine model runtime",
    .model_at = 1,
    .run = run,
};
