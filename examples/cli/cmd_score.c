/* llm score: how probable given continuations are. */
#include "cli.h"

#include <string.h>

typedef struct score {
    const llm_token *ids;
    const float *logprobs;
    size_t n;
    double sum;
    int is_greedy;
} score;

static llm_status get_score(score *out, const llm_result *result, int32_t index) {
    const llm_token_logprob *top;
    size_t n_ids, n_top, n_rows;
    llm_status status = llm_result_tokens(&out->ids, &n_ids, result, index);
    if (!status) status = llm_result_logprobs(&out->logprobs, &out->n, result, index);
    if (!status) status = llm_result_top(&top, &n_rows, &n_top, result, index);
    if (status) return status;
    out->sum = 0;
    out->is_greedy = n_top > 0;
    for (size_t i = 0; i < out->n; i++) {
        out->sum += (double)out->logprobs[i];
        if (i < n_rows && n_top > 0 && top[i * n_top].token != out->ids[i]) out->is_greedy = 0;
    }
    return LLM_OK;
}

static json_t *score_json(const score *s, llm_span text) {
    json_t *logprobs = json_array();
    for (size_t i = 0; i < s->n; i++) json_array_append_new(logprobs, cli_json_real((double)s->logprobs[i]));
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:b}", "text", cli_json_text(text.ptr, text.len), "tokens",
                     cli_json_ids(s->ids, s->n), "logprobs", logprobs, "sum", cli_json_real(s->sum), "mean",
                     cli_json_real(s->n ? s->sum / (double)s->n : 0), "bytes", (json_int_t)text.len, "greedy",
                     s->is_greedy);
}

static int print_scores(cli *c, const llm_result *result, const llm_score_item *items, size_t n_items) {
    json_t *list = json_array();
    for (size_t i = 0; i < n_items; i++) {
        score s;
        llm_status status = get_score(&s, result, (int32_t)i);
        if (status) {
            json_decref(list);
            return cli_fail(c, status);
        }
        if (c->json) {
            json_array_append_new(list, score_json(&s, items[i].continuation));
            continue;
        }
        printf("%.6f\t%.6f\t%zu\t", s.sum, s.n ? s.sum / (double)s.n : 0, s.n);
        cli_print_escaped(stdout, items[i].continuation);
        putchar('\n');
    }
    if (c->json) return cli_print_json(c, json_pack("{s:o}", "continuations", list));
    json_decref(list);
    return CLI_OK;
}

/* --continuation may be repeated; arguments after MODEL are further continuations. */
static llm_score_item *make_items(size_t *n_items, cli *c, llm_span prompt) {
    size_t n = cli_get_all(NULL, c, "continuation"), n_more = (size_t)(c->n_args - 1);
    const char **texts = cli_alloc(c, n + n_more + 1, sizeof *texts);
    cli_get_all(texts, c, "continuation");
    for (size_t i = 0; i < n_more; i++) texts[n++] = c->args[1 + i];
    llm_score_item *items = cli_alloc(c, n + 1, sizeof *items);
    for (size_t i = 0; i < n; i++) items[i] = (llm_score_item){prompt, {texts[i], strlen(texts[i])}};
    *n_items = n;
    return items;
}

static int run(cli *c) {
    cli_prompt prompt;
    int rc = cli_expect_args(c, 1, -1);
    if (!rc) rc = cli_get_prompt(&prompt, c, NULL);
    if (rc) return rc;
    size_t n_items;
    llm_score_item *items = make_items(&n_items, c, prompt.text);
    if (n_items == 0) return cli_usage(c, "expected at least one --continuation");
    rc = cli_open_engine(c, c->args[0]);
    if (rc) return rc;
    if (c->generate_options.n_logprobs < 1) c->generate_options.n_logprobs = 1;
    llm_result *result;
    cli_progress_begin("scoring");
    llm_status status = llm_score(&result, c->engine, items, n_items, &c->generate_options);
    cli_progress_end();
    if (status) return cli_fail(c, status);
    rc = print_scores(c, result, items, n_items);
    llm_result_unref(result);
    return rc;
}

static const cli_option options[] = {
    {'p', "prompt", "TEXT", "what comes before; may be empty; -: standard input, without the newline at its end"},
    {'f', "file", "FILE", "read it from a file as it is, - for standard input"},
    {'c', "continuation", "TEXT", "what is scored; may be repeated"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_score = {
    .name = "score",
    .synopsis = "MODEL -p PROMPT -c CONTINUATION [CONTINUATION...]",
    .summary = "Score given continuations of a prompt",
    .details =
        "Prompt and continuation are encoded as one text; the tokens beyond the prompt's own are scored.\n"
        "White space at the prompt's end is scored with the continuation, where tokens have it.\n"
        "Natural logarithms. Prints sum, mean, number of tokens and the continuation, apart by tabs.\n"
        "--json: {\"continuations\":[{\"text\",\"tokens\",\"logprobs\",\"sum\",\"mean\",\"bytes\",\"greedy\"},...]};\n"
        "greedy: each token is the most probable one",
    .options = options,
    .groups = "generate engine model runtime",
    .model_at = 1,
    .run = run,
};
