/* llm logits: what the model says after each token. */
#include "cli.h"

#include <stdlib.h>

typedef struct ranked {
    llm_token id;
    float logit;
} ranked;

typedef struct state {
    cli *c;
    json_t *positions;
    ranked *order; /* [n_vocab] */
    const llm_token *ids;
    size_t n_ids;
    int64_t n_top;
    int all;
} state;

/* Largest first, ties by the lower id. */
static int compare(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

static json_t *row_json(state *s, const float *logits, int32_t n_vocab) {
    json_t *list = json_array();
    for (int32_t i = 0; s->all && i < n_vocab; i++) json_array_append_new(list, cli_json_real((double)logits[i]));
    for (int64_t i = 0; !s->all && i < s->n_top && i < n_vocab; i++)
        json_array_append_new(list, json_pack("{s:i,s:o,s:o}", "id", (int)s->order[i].id, "text",
                                              cli_json_token(llm_model_get_tokenizer(s->c->model), s->order[i].id),
                                              "logit", cli_json_real((double)s->order[i].logit)));
    return json_pack("{s:o}", s->all ? "logits" : "top", list);
}

static void print_row(state *s, llm_token token, const float *logits, int32_t n_vocab) {
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(s->c->model);
    cli_print_token(stdout, tokenizer, token, ' ');
    for (int32_t i = 0; s->all && i < n_vocab; i++) printf("\t%.9g", (double)logits[i]);
    for (int64_t i = 0; !s->all && i < s->n_top && i < n_vocab; i++) {
        printf("\t%.9g ", (double)s->order[i].logit);
        cli_print_token(stdout, tokenizer, s->order[i].id, ' ');
    }
    putchar('\n');
}

static int on_row(void *user, size_t index, const float *logits, int32_t n_vocab) {
    state *s = user;
    if (!s->order) s->order = cli_alloc(s->c, (size_t)n_vocab, sizeof *s->order);
    for (int32_t i = 0; i < n_vocab; i++) s->order[i] = (ranked){i, logits[i]};
    if (!s->all) qsort(s->order, (size_t)n_vocab, sizeof *s->order, compare);
    cli_progress_update(NULL, (double)index / (double)s->n_ids);
    if (s->c->json)
        json_array_append_new(s->positions, row_json(s, logits, n_vocab));
    else
        print_row(s, s->ids[index], logits, n_vocab);
    return CLI_OK;
}

static int evaluate(cli *c, const llm_token *ids, size_t n_ids, state *s) {
    llm_sequence *sequence;
    llm_status status = llm_sequence_create(&sequence, c->engine);
    if (status) return cli_fail(c, status);
    if (c->json) cli_progress_begin("evaluating");
    int rc = cli_each_row(c, sequence, ids, n_ids, on_row, s);
    cli_progress_end();
    llm_sequence_destroy(sequence);
    return rc;
}

static int run(cli *c) {
    state s = {.c = c, .all = cli_get(c, "all") != NULL};
    cli_prompt prompt;
    llm_token *ids = NULL;
    size_t n_ids = 0;
    int rc = cli_expect_args(c, 1, 2);
    if (!rc) rc = cli_get_int(&s.n_top, c, "top", 10, 1, INT32_MAX);
    if (!rc) rc = cli_get_prompt(&prompt, c, c->n_args > 1 ? c->args[1] : NULL);
    if (!rc) rc = cli_open_engine(c, c->args[0]);
    if (!rc) rc = cli_prompt_ids(&ids, &n_ids, c, &prompt);
    if (rc) return rc;
    s.ids = ids;
    s.n_ids = n_ids;
    s.positions = json_array();
    rc = evaluate(c, ids, n_ids, &s);
    if (!rc && c->json) return cli_print_json(c, json_pack("{s:o}", "positions", s.positions));
    json_decref(s.positions);
    return rc;
}

static const cli_option options[] = {
    {0, "ids", "IDS", "token ids, apart by commas, taken as they are"},
    {'p', "prompt", "TEXT", "a text; -: standard input, without the newline at its end"},
    {'f', "file", "FILE", "a text from a file as it is, - for standard input"},
    {0, "top", "K", "the K largest logits of each position (default 10)"},
    {0, "all", NULL, "all logits of each position, by id"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_logits = {
    .name = "logits",
    .synopsis = "MODEL (PROMPT | -f FILE | --ids 1,2,3 | <FILE) [--top K | --all]",
    .summary = "Show the logits after each token",
    .details = "A line for each token, and the logits of what may follow it. Digits suffice for a float32.\n"
               "--json: {\"positions\":[{\"top\":[{\"id\",\"text\",\"logit\"},...]},...]},\n"
               "with --all {\"positions\":[{\"logits\":[...]},...]}",
    .options = options,
    .groups = "engine model runtime",
    .model_at = 1,
    .run = run,
};
