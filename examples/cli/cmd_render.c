/* llm render: a chat template and its context to text. */
#include "cli.h"

#include <string.h>

static int render(llm_rendering **out, cli *c, llm_span context, const llm_template_options *options) {
    const char *file = cli_get(c, "template");
    if (!file) {
        llm_status status = llm_chat_apply(out, c->model, NULL, context.ptr, context.len, options);
        return status ? cli_fail(c, status) : CLI_OK;
    }
    llm_span source;
    llm_template *tmpl;
    int rc = cli_read_file(&source, c, file);
    if (rc) return rc;
    llm_status status = llm_template_parse(&tmpl, c->runtime, source.ptr, source.len);
    if (status) return cli_fail(c, status);
    status = llm_template_render(out, tmpl, context.ptr, context.len, options);
    rc = status ? cli_fail(c, status) : CLI_OK;
    llm_template_unref(tmpl);
    return rc;
}

static int run(cli *c) {
    const char *file = cli_get(c, "template");
    llm_template_options options;
    llm_template_options_init(&options);
    llm_span context, text;
    llm_rendering *rendering = NULL;
    if ((file != NULL) + (c->n_args == 1) != 1 || c->n_args > 1)
        return cli_usage(c, "expected one of MODEL and --template");
    options.continue_final_message = cli_get(c, "continue") != NULL;
    int rc = cli_get_now(&options, c);
    if (!rc) rc = cli_get_context(&context, c);
    c->model_options.tokenizer_only = 1;
    if (!rc) rc = file ? cli_open_runtime(c) : cli_open_model(c, c->args[0]);
    if (!rc) rc = render(&rendering, c, context, &options);
    if (rc) return rc;
    llm_status status = llm_rendering_text(&text, rendering);
    if (status)
        rc = cli_fail(c, status);
    else if (c->json)
        rc = cli_print_json(c, json_pack("{s:o}", "text", cli_json_text(text.ptr, text.len)));
    else
        fwrite(text.ptr, 1, text.len, stdout);
    llm_rendering_destroy(rendering);
    return rc;
}

static const cli_option options[] = {
    {0, "template", "FILE", "a Jinja template instead of a model's own"},
    {0, "context", "FILE",
     "a JSON object of variables: messages, tools, add_generation_prompt, ...; -, or none: standard input"},
    {0, "continue", NULL, "end the text where the content of the last message does (continue_final_message)"},
    {0, "now", "TIME", "what strftime_now answers, e.g. 2026-01-15T12:00:00 (default: the clock)"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_render = {
    .name = "render",
    .synopsis = "(MODEL | --template FILE) (--context FILE | <FILE) [--continue] [--now TIME]",
    .summary = "Show the text that a chat template makes",
    .details =
        "With a MODEL its special tokens are variables too (bos_token, eos_token, ...), unless the context has them.\n"
        "--json: {\"text\":\"...\"}",
    .options = options,
    .groups = "runtime",
    .model_at = 1,
    .run = run,
};
