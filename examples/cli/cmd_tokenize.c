/* llm tokenize: text to ids. */
#include "cli.h"

static int get_text(llm_span *out, cli *c) {
    const char *file = cli_get(c, "file");
    if (file && c->n_args > 1) return cli_usage(c, "expected one of TEXT and --file");
    if (file) return cli_read_file(out, c, file);
    return cli_get_text(out, c, c->n_args > 1 ? c->args[1] : NULL, "text");
}

static int run(cli *c) {
    llm_span text;
    int rc = cli_expect_args(c, 1, 2);
    if (!rc) rc = get_text(&text, c);
    if (!rc) rc = cli_open_tokenizer(c, c->args[0]);
    if (rc) return rc;
    uint32_t flags =
        (cli_get(c, "no-bos") ? 0u : LLM_ENCODE_ADD_SPECIAL) | (cli_get(c, "special") ? LLM_ENCODE_PARSE_SPECIAL : 0u);
    llm_token *ids;
    size_t n_ids;
    rc = cli_encode(&ids, &n_ids, c, c->tokenizer, text, flags);
    if (rc) return rc;
    if (c->json) return cli_print_json(c, json_pack("{s:o}", "ids", cli_json_ids(ids, n_ids)));
    for (size_t i = 0; i < n_ids; i++) {
        cli_print_token(stdout, c->tokenizer, ids[i], '\t');
        putchar('\n');
    }
    return CLI_OK;
}

static const cli_option options[] = {
    {'f', "file", "FILE", "read the text from a file as it is, - for standard input; any bytes"},
    {0, "no-bos", NULL, "do not add what the vocabulary puts around a text (BOS, CLS, SEP, EOS)"},
    {0, "special", NULL, "text that spells a special token becomes that token"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_tokenize = {
    .name = "tokenize",
    .synopsis = "MODEL (TEXT | --file FILE | <FILE) [--no-bos] [--special]",
    .summary = "Turn text into token ids",
    .details =
        "MODEL may also be a GGUF file with only a vocabulary, or a tokenizer.json.\n"
        "Prints a line for each token: its id, a tab and its text in quotes, with newline, tab and backslash as\n"
        "\\n, \\t and \\\\.\n"
        "--json: {\"ids\":[...]}",
    .options = options,
    .groups = "runtime",
    .model_at = 1,
    .run = run,
};
