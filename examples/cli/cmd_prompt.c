/* llm prompt explain: which line of the template and which message each token of a conversation comes from. */
#include "cli.h"

#include <string.h>

static json_t *token_json(const llm_tokenizer *tokenizer, llm_token id, const llm_origin *origin) {
    return json_pack("{s:i,s:o,s:o,s:o,s:b}", "id", id, "text", cli_json_token(tokenizer, id), "line",
                     origin->line ? json_integer(origin->line) : json_null(), "message",
                     origin->message >= 0 ? json_integer(origin->message) : json_null(), "given", origin->given);
}

static void print_token(const llm_tokenizer *tokenizer, llm_token id, const llm_origin *origin) {
    char message[16] = "";
    if (origin->message >= 0) snprintf(message, sizeof message, "%d", origin->message);
    printf("%5d  %7s  %s  ", origin->line, message, origin->given ? "given   " : "template");
    cli_print_token(stdout, tokenizer, id, ' ');
    putchar('\n');
}

static int explain(cli *c, const llm_rendering *rendering) {
    const llm_token *ids;
    size_t n;
    json_t *tokens = json_array();
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(c->model);
    llm_status status = llm_rendering_tokens(&ids, &n, rendering);
    if (!status && !c->json) printf("%5s  %7s  %-8s  token\n", "line", "message", "text of");
    for (size_t i = 0; i < n && !status; i++) {
        llm_origin origin;
        status = llm_rendering_token_origin(&origin, rendering, i);
        if (status) break;
        if (c->json)
            json_array_append_new(tokens, token_json(tokenizer, ids[i], &origin));
        else
            print_token(tokenizer, ids[i], &origin);
    }
    if (!status && c->json) return cli_print_json(c, json_pack("{s:o}", "tokens", tokens));
    json_decref(tokens);
    return status ? cli_fail(c, status) : CLI_OK;
}

static int run(cli *c) {
    llm_template_options options;
    llm_template_options_init(&options);
    llm_span context;
    llm_rendering *rendering;
    if (c->n_args != 2 || strcmp(c->args[0], "explain") != 0)
        return cli_usage(c, "expected: %s prompt %s", cli_program, c->command->synopsis);
    options.continue_final_message = cli_get(c, "continue") != NULL;
    int rc = cli_get_now(&options, c);
    if (!rc) rc = cli_get_context(&context, c);
    c->model_options.tokenizer_only = 1;
    if (!rc) rc = cli_open_model(c, c->args[1]);
    if (rc) return rc;
    llm_status status = llm_chat_apply(&rendering, c->model, NULL, context.ptr, context.len, &options);
    if (status) return cli_fail(c, status);
    rc = explain(c, rendering);
    llm_rendering_destroy(rendering);
    return rc;
}

static const cli_option options[] = {
    {0, "context", "FILE",
     "a JSON object of variables: messages, tools, add_generation_prompt, ...; -, or none: standard input"},
    {0, "continue", NULL, "end the text where the content of the last message does (continue_final_message)"},
    {0, "now", "TIME", "what strftime_now answers, e.g. 2026-01-15T12:00:00 (default: the clock)"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_prompt = {
    .name = "prompt",
    .synopsis = "explain MODEL (--context FILE | <FILE) [--continue] [--now TIME]",
    .summary = "Show where each token of a conversation comes from",
    .details =
        "Prints a line for each token: the line of the chat template that wrote it, the message whose text it is,\n"
        "whether the template or the context gave that text, its id and its text, with newlines as \\n.\n"
        "--json: {\"tokens\":[{\"id\",\"text\",\"line\",\"message\",\"given\"},...]}; line null: added by libllm (BOS)",
    .options = options,
    .groups = "runtime",
    .model_at = 2,
    .run = run,
};
