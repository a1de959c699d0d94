/* llm perplexity: how well a model predicts a text. */
#include "cli.h"

#include <math.h>
#include <unistd.h>

typedef struct state {
    const llm_token *ids;
    size_t n_ids;
    size_t row_zero; /* index in ids of the first row handed out */
    double nll;      /* sum over what was scored */
    size_t n_scored;
} state;

static double log_probability(const float *logits, int32_t n, llm_token token) {
    float largest = logits[0];
    for (int32_t i = 1; i < n; i++)
        if (logits[i] > largest) largest = logits[i];
    double sum = 0;
    for (int32_t i = 0; i < n; i++) sum += exp((double)logits[i] - (double)largest);
    return (double)logits[token] - (double)largest - log(sum);
}

static int on_row(void *user, size_t index, const float *logits, int32_t n_vocab) {
    state *s = user;
    size_t next = s->row_zero + index + 1;
    s->nll -= log_probability(logits, n_vocab, s->ids[next]);
    s->n_scored++;
    cli_progress_update(NULL, (double)next / (double)s->n_ids);
    return CLI_OK;
}

/* Scores ids[first..end-1] in the window that begins at `start` and ends at `end`. */
static int score_window(cli *c, llm_sequence *sequence, state *s, size_t start, size_t first, size_t end) {
    llm_status status = llm_sequence_rewind(sequence, 0);
    size_t n_context = first - 1 - start;
    if (!status && n_context) status = llm_sequence_eval(sequence, s->ids + start, n_context, NULL, 0);
    if (status) return cli_fail(c, status);
    s->row_zero = first - 1;
    return cli_each_row(c, sequence, s->ids + first - 1, end - first, on_row, s);
}

static int score_all(cli *c, state *s, size_t n_ctx, size_t stride) {
    llm_sequence *sequence;
    llm_status status = llm_sequence_create(&sequence, c->engine);
    if (status) return cli_fail(c, status);
    cli_progress_begin("scoring");
    int rc = CLI_OK;
    size_t scored = 1;
    for (size_t start = 0; !rc && scored < s->n_ids; start += stride) {
        size_t end = s->n_ids - start < n_ctx ? s->n_ids : start + n_ctx;
        rc = score_window(c, sequence, s, start, scored, end);
        scored = end;
    }
    cli_progress_end();
    llm_sequence_destroy(sequence);
    return rc;
}

static int print(cli *c, const state *s, int64_t n_ctx, int64_t stride) {
    double nll = s->nll / (double)s->n_scored;
    if (c->json)
        return cli_print_json(c, json_pack("{s:o,s:o,s:I,s:I,s:I}", "perplexity", cli_json_real(exp(nll)), "nll",
                                           cli_json_real(nll), "tokens", (json_int_t)s->n_scored, "ctx",
                                           (json_int_t)n_ctx, "stride", (json_int_t)stride));
    printf("perplexity %.4f (%.5f nats per token, %zu tokens, context %lld, stride %lld)\n", exp(nll), nll, s->n_scored,
           (long long)n_ctx, (long long)stride);
    return CLI_OK;
}

static int run(cli *c) {
    int64_t n_ctx = c->engine_options.n_ctx ? c->engine_options.n_ctx : 512, stride;
    llm_span text;
    int rc = cli_expect_args(c, 1, 2);
    if (!rc && n_ctx < 2) rc = cli_usage(c, "--ctx: found %lld, expected at least 2", (long long)n_ctx);
    if (!rc) rc = cli_get_int(&stride, c, "stride", n_ctx / 2, 1, n_ctx - 1);
    const char *file = c->n_args > 1 ? c->args[1] : "-";
    if (!rc && c->n_args == 1 && isatty(STDIN_FILENO)) rc = cli_usage(c, "no text: expected FILE");
    if (!rc) rc = cli_read_file(&text, c, file);
    if (rc) return rc;
    c->engine_options.n_ctx = (int32_t)n_ctx;
    c->engine_options.n_seqs = 1;
    c->engine_options.prefix_cache = 0; /* no window begins like another */
    rc = cli_open_engine(c, c->args[0]);
    if (rc) return rc;
    state s = {0};
    llm_token *ids;
    rc = cli_encode(&ids, &s.n_ids, c, llm_model_get_tokenizer(c->model), text, LLM_ENCODE_ADD_SPECIAL);
    if (rc) return rc;
    s.ids = ids;
    if (s.n_ids < 2) return cli_error(c, LLM_E_ARGUMENT, "%s: found %zu tokens, expected at least 2", file, s.n_ids);
    rc = score_all(c, &s, (size_t)n_ctx, (size_t)stride);
    return rc ? rc : print(c, &s, n_ctx, stride);
}

static const cli_option options[] = {
    {0, "stride", "N", "tokens from one window to the next (default: half of --ctx)"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_perplexity = {
    .name = "perplexity",
    .synopsis = "MODEL (FILE | <FILE) [--ctx N] [--stride N]",
    .summary = "Measure how well a model predicts a text",
    .details = "FILE is a text of any bytes; -, or none: standard input. It is encoded once, with what the vocabulary\n"
               "puts around a text. Windows of --ctx tokens (default 512) start every --stride tokens; each scores\n"
               "the tokens that no window before it did. So each token x_i but the first is scored once, with at\n"
               "least ctx - stride tokens before it as long as the text has them:\n"
               "    nll = -1/T * sum_i ln p(x_i | its window's tokens before it),  perplexity = exp(nll)\n"
               "--json: {\"perplexity\",\"nll\",\"tokens\":T,\"ctx\",\"stride\"}",
    .options = options,
    .groups = "engine model runtime",
    .model_at = 1,
    .run = run,
};
