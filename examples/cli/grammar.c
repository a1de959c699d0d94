/* What constrains a text: --grammar, --schema, --regex or --choices, at most one of them. */
#include "cli.h"

#include <string.h>

static llm_status from_choices(llm_grammar **out, cli *c, const llm_tokenizer *tokenizer, const char *text) {
    size_t n = 1;
    for (const char *at = text; *at; at++) n += *at == ',';
    llm_span *choices = cli_alloc(c, n, sizeof *choices);
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(text, ",");
        choices[i] = (llm_span){text, len};
        text += len + 1;
    }
    return llm_grammar_from_choices(out, tokenizer, choices, n);
}

/* The text itself if it has what no file's name has, else the file of that name. */
static int get_source(llm_span *out, cli *c, const char *text, int is_source) {
    if (!is_source) return cli_read_file(out, c, text);
    *out = (llm_span){text, strlen(text)};
    return CLI_OK;
}

int cli_get_grammar(llm_grammar **out, cli *c) {
    const char *gbnf = cli_get(c, "grammar"), *schema = cli_get(c, "schema");
    const char *regex = cli_get(c, "regex"), *choices = cli_get(c, "choices");
    *out = NULL;
    int n = (gbnf != NULL) + (schema != NULL) + (regex != NULL) + (choices != NULL);
    if (!n) return CLI_OK;
    if (n > 1) return cli_usage(c, "--grammar, --schema, --regex and --choices exclude each other");
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(c->model);
    if (!tokenizer) return cli_error(c, LLM_E_UNSUPPORTED, "the model has no tokenizer, which a grammar needs");
    llm_span text = {0};
    int rc = CLI_OK;
    if (gbnf) rc = get_source(&text, c, gbnf, strstr(gbnf, "::=") != NULL);
    if (schema) rc = get_source(&text, c, schema, schema[strspn(schema, " \t\r\n")] == '{');
    if (rc) return rc;
    llm_status status = choices ? from_choices(out, c, tokenizer, choices)
                        : regex ? llm_grammar_from_regex(out, tokenizer, regex, LLM_NTS)
                        : gbnf  ? llm_grammar_from_gbnf(out, tokenizer, text.ptr, text.len)
                                : llm_grammar_from_json_schema(out, tokenizer, text.ptr, text.len);
    return status ? cli_fail(c, status) : CLI_OK;
}

void cli_report_cut(const cli *c, llm_span text, int32_t finish) {
    if (!c->generate_options.grammar || (finish != LLM_FINISH_LENGTH && finish != LLM_FINISH_CONTEXT)) return;
    json_t *whole = cli_get(c, "schema") ? json_loadb(text.ptr, text.len, JSON_DECODE_ANY, NULL) : NULL;
    if (!whole)
        fprintf(stderr, "%s %s: the text is cut at %s and %s\n", cli_program, c->command->name,
                finish == LLM_FINISH_LENGTH ? "--max-tokens" : "the end of the context",
                cli_get(c, "schema") ? "is not complete JSON" : "may not be complete");
    json_decref(whole);
}
