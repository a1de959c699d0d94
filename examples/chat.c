/* A chat through the model's own template: the whole conversation is rendered and encoded for each turn, and the
 * engine takes from its cache what it has computed before.  chat MODEL [LINE...]; without lines: standard input. */
#include <llm/llm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The messages so far, as JSON. */
typedef struct chat {
    llm_engine *engine;
    llm_model *model;
    char json[1 << 16];
    size_t n;
} chat;

/* Appends text as the inside of a JSON string. */
static void put_string(chat *c, const char *text, size_t n) {
    for (size_t i = 0; i < n && c->n + 8 < sizeof c->json; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\')
            c->n += (size_t)snprintf(c->json + c->n, 8, "\\%c", byte);
        else if (byte < 0x20)
            c->n += (size_t)snprintf(c->json + c->n, 8, "\\u%04x", byte);
        else
            c->json[c->n++] = (char)byte;
    }
}

static int put_message(chat *c, const char *role, const char *text, size_t n) {
    if (c->n + 6 * n + 128 > sizeof c->json) return -1;
    const char *comma = c->json[c->n - 1] == '[' ? "" : ",";
    c->n += (size_t)snprintf(c->json + c->n, 96, "%s{\"role\":\"%s\",\"content\":\"", comma, role);
    put_string(c, text, n);
    c->n += (size_t)snprintf(c->json + c->n, 8, "\"}");
    return 0;
}

static int32_t print(void *user, const llm_event *event) {
    fwrite(event->text.ptr, 1, event->text.len, stdout);
    return fflush(stdout) ? -1 : 0;
}

static llm_status answer(chat *c, const char *line, size_t n) {
    static const char END[] = "],\"add_generation_prompt\":true}";
    llm_rendering *rendering = NULL;
    llm_result *result = NULL;
    const llm_token *ids;
    size_t n_ids;
    llm_span text;
    llm_generate_options options;
    llm_generate_options_init(&options);
    options.max_tokens = 64;
    if (put_message(c, "user", line, n)) return LLM_E_CAPACITY;
    memcpy(c->json + c->n, END, sizeof END); /* put_message left room */
    llm_status status = llm_chat_apply(&rendering, c->model, NULL, c->json, LLM_NTS, NULL);
    if (!status) status = llm_rendering_tokens(&ids, &n_ids, rendering);
    if (!status) status = llm_generate_tokens(&result, c->engine, ids, n_ids, &options, print, NULL);
    if (!status) status = llm_result_text(&text, result, 0);
    if (!status && put_message(c, "assistant", text.ptr, text.len)) status = LLM_E_CAPACITY;
    printf("\n");
    llm_result_unref(result);
    llm_rendering_destroy(rendering);
    return status;
}

static llm_status converse(chat *c, int n_lines, char **lines) {
    char line[1024];
    llm_status status = LLM_OK;
    for (int i = 0; i < n_lines && !status; i++) {
        printf("> %s\n", lines[i]);
        status = answer(c, lines[i], strlen(lines[i]));
    }
    while (!n_lines && !status && fgets(line, sizeof line, stdin)) status = answer(c, line, strcspn(line, "\n"));
    return status;
}

int main(int argc, char **argv) {
    chat *c = calloc(1, sizeof *c);
    if (!c) return 1;
    c->n = (size_t)snprintf(c->json, sizeof c->json, "{\"messages\":[");
    llm_status status = llm_model_load(&c->model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&c->engine, c->model, NULL);
    if (!status) status = converse(c, argc > 2 ? argc - 2 : 0, argv + 2);
    if (status) fprintf(stderr, "%s: %s\n", llm_status_name(status), llm_last_error());
    llm_engine_destroy(c->engine);
    llm_model_unref(c->model);
    free(c);
    return status != LLM_OK;
}
