/* llm detokenize: ids to text. */
#include "cli.h"

#include <string.h>

static int run(cli *c) {
    llm_token *ids;
    size_t n_ids, n_bytes;
    llm_span given;
    int rc = cli_expect_args(c, 1, -1);
    const char *const *texts = (const char *const *)c->args + 1;
    size_t n_texts = rc ? 0 : (size_t)(c->n_args - 1);
    if (!rc && (n_texts == 0 || strcmp(texts[0], "-") == 0)) {
        rc = cli_get_text(&given, c, n_texts ? texts[0] : NULL, "ids");
        texts = &given.ptr;
        n_texts = 1;
    }
    if (!rc) rc = cli_parse_ids(&ids, &n_ids, c, texts, n_texts);
    if (!rc) rc = cli_open_tokenizer(c, c->args[0]);
    if (rc) return rc;
    llm_status status = llm_tokenizer_decode(&n_bytes, c->tokenizer, ids, n_ids, 0, NULL, 0);
    if (status && status != LLM_E_CAPACITY) return cli_fail(c, status);
    char *text = cli_alloc(c, n_bytes + 1, 1);
    status = llm_tokenizer_decode(&n_bytes, c->tokenizer, ids, n_ids, 0, text, n_bytes);
    if (status) return cli_fail(c, status);
    if (c->json) return cli_print_json(c, json_pack("{s:o}", "text", cli_json_text(text, n_bytes)));
    fwrite(text, 1, n_bytes, stdout);
    putchar('\n');
    return CLI_OK;
}

const cli_command cmd_detokenize = {
    .name = "detokenize",
    .synopsis = "MODEL (IDS... | <FILE)",
    .summary = "Turn token ids into text",
    .details = "IDS are numbers apart by spaces or commas; without them standard input has them. Special tokens are "
               "written as the vocabulary spells them.\n"
               "--json: {\"text\":\"...\"}",
    .groups = "runtime",
    .model_at = 1,
    .run = run,
};
