/* llm chat: a conversation on the terminal, or through pipes. */
#include "chat.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const llm_span turn_end = {"\nUser:", 6}; /* of the plain template */

void chat_note(const chat *t, const char *format, ...) {
    va_list list;
    fflush(stdout);
    va_start(list, format);
    if (!t->is_interactive) fprintf(stderr, "%s chat: ", cli_program);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

int chat_complain(chat *t, const char *format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (!t->is_interactive) return cli_error(t->c, LLM_E_ARGUMENT, "%s", text);
    fprintf(stderr, "%s\n", text);
    return CLI_OK;
}

json_t *chat_message(const char *role, llm_span text) {
    return json_pack("{s:s,s:o}", "role", role, "content", cli_json_text(text.ptr, text.len));
}

void chat_add(chat *t, const char *role, llm_span text) {
    json_array_append_new(t->messages, chat_message(role, text));
}

const char *chat_role(const chat *t, size_t index) {
    const char *role = json_string_value(json_object_get(json_array_get(t->messages, index), "role"));
    return role ? role : "";
}

size_t chat_count_turns(const chat *t) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(t->messages); i++) n += strcmp(chat_role(t, i), "user") == 0;
    return n;
}

/* A drawn one is short enough to be typed again. */
void chat_set_seed(chat *t, uint64_t seed) {
    uint32_t drawn = 0;
    if (seed == LLM_SEED_RANDOM && getrandom(&drawn, sizeof drawn, 0) == (ssize_t)sizeof drawn) seed = drawn;
    t->seed = seed;
    t->n_draws = 0;
}

/* ---- the conversation ---- */

static int take(chat *t, const editor_message *message) {
    const char *text = message->text.ptr;
    int is_command = message->is_line && text[0] == '/' && text[1] != '/';
    if (is_command) return chat_command(t, text);
    size_t skip = message->is_line && text[0] == '/'; /* "//" stands for a '/' that is not a command's */
    if (text[skip + strspn(text + skip, " \t\n")] == 0 && strlen(text) == message->text.len) return CLI_OK;
    chat_add(t, "user", (llm_span){text + skip, message->text.len - skip});
    return chat_answer(t);
}

static int converse(chat *t) {
    int rc = CLI_OK;
    while (!rc && !t->leaving) {
        editor_message message;
        int got = editor_read(&message, t->editor);
        if (got == EDITOR_UNENDED) return chat_complain(t, "the text that \"\"\" began has no end");
        if (got == EDITOR_FAILED) return cli_error(t->c, LLM_E_IO, "standard input: %s", strerror(errno));
        if (got == EDITOR_END) {
            if (t->is_interactive) fputc('\n', stderr);
            break;
        }
        t->n_interrupts = got == EDITOR_INTERRUPTED ? t->n_interrupts + 1 : 0;
        if (t->n_interrupts == 2) break;
        if (t->n_interrupts)
            chat_note(t, "(Ctrl-C again or Ctrl-D leaves)");
        else
            rc = take(t, &message);
    }
    return rc;
}

static void greet(const chat *t, int is_plain) {
    const llm_generate_options *o = &t->c->generate_options;
    if (is_plain) chat_note(t, "The model has no chat template: it reads lines of \"User:\" and \"Assistant:\".");
    if (!t->is_interactive)
        chat_note(t, "seed %llu", (unsigned long long)t->seed);
    else
        chat_note(t, "%d tokens of context, temperature %g, seed %llu. /help lists the commands, Ctrl-D leaves.",
                  t->n_ctx, (double)o->temperature, (unsigned long long)t->seed);
}

static int start(chat *t) {
    cli *c = t->c;
    int is_plain, rc = cli_get_template(&t->tmpl, &is_plain, c);
    if (rc) return rc;
    if (is_plain) {
        c->generate_options.stop_strings = &turn_end;
        c->generate_options.n_stop_strings = 1;
    }
    c->generate_options.n = 1;
    llm_engine_memory memory = {.struct_size = sizeof memory};
    llm_status status = llm_engine_estimate(&memory, c->model, &c->engine_options);
    if (status) return cli_fail(c, status);
    const char *system = cli_get(c, "system");
    t->n_ctx = memory.n_ctx;
    t->is_interactive = isatty(STDIN_FILENO) && !c->json;
    t->messages = json_array();
    t->editor = editor_open(t->is_interactive);
    if (!t->messages || !t->editor) return cli_error(c, LLM_E_MEMORY, "out of memory");
    if (system) chat_add(t, "system", (llm_span){system, strlen(system)});
    chat_set_seed(t, c->generate_options.seed);
    greet(t, is_plain);
    return CLI_OK;
}

static int run(cli *c) {
    chat t = {.c = c};
    int rc = cli_expect_args(c, 1, 1);
    if (!rc) rc = cli_open_engine(c, c->args[0]);
    if (!rc) rc = start(&t);
    const char *path = cli_get(c, "load");
    if (!rc && path) rc = chat_load(&t, path);
    if (!rc) rc = converse(&t);
    if (!rc && c->json)
        rc = cli_print_json(c, json_pack("{s:O,s:o}", "messages", t.messages, "seed", cli_json_seed(t.seed)));
    editor_close(t.editor);
    llm_template_unref(t.tmpl);
    json_decref(t.messages);
    return rc;
}

static const cli_option options[] = {
    {0, "system", "TEXT", "the system message; also -sys"},
    {0, "load", "FILE", "go on with a conversation that /save wrote"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_chat = {
    .name = "chat",
    .synopsis = "MODEL [OPTIONS]",
    .summary = "Talk with a model on the terminal",
    .details =
        "Reads a message, writes the answer as it comes, and so on until the end of input. A message is a line, lines\n"
        "between two of \"\"\", or lines that are pasted. The conversation goes through the model's own chat "
        "template;\n"
        "without one it is plain \"User: ...\" and \"Assistant: ...\" lines.\n"
        "Lines that begin with / are commands, which /help lists; \"//\" begins a message with '/'.\n"
        "Each answer is another draw: the first has the seed that is shown, the next one that seed + 1, and so on.\n"
        "Ctrl-C ends an answer, twice the program. Through a pipe any fault ends it with exit code 1.\n"
        "--json: answers all messages, then prints {\"messages\":[{\"role\",\"content\"},...],\"seed\"}",
    .options = options,
    .groups = "generate engine model runtime",
    .defaults = "max_tokens=1024 temperature=0.7 seed=random",
    .model_at = 1,
    .run = run,
};
