/* llm generate: text after a prompt. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- options that are lists ---- */

static int set_stops(cli *c) {
    size_t n = cli_get_all(NULL, c, "stop");
    const char **texts = cli_alloc(c, n + 1, sizeof *texts);
    llm_span *spans = cli_alloc(c, n + 1, sizeof *spans);
    cli_get_all(texts, c, "stop");
    for (size_t i = 0; i < n; i++) {
        if (!texts[i][0]) return cli_usage(c, "--stop: expected a text that is not empty");
        spans[i] = (llm_span){texts[i], strlen(texts[i])};
    }
    c->generate_options.stop_strings = spans;
    c->generate_options.n_stop_strings = n;
    return CLI_OK;
}

static int set_stop_tokens(cli *c) {
    size_t n = cli_get_all(NULL, c, "stop-token"), n_ids;
    const char **texts = cli_alloc(c, n + 1, sizeof *texts);
    llm_token *ids;
    cli_get_all(texts, c, "stop-token");
    int rc = cli_parse_ids(&ids, &n_ids, c, texts, n);
    if (rc) return rc;
    c->generate_options.stop_tokens = ids;
    c->generate_options.n_stop_tokens = n_ids;
    return CLI_OK;
}

static int set_biases(cli *c) {
    size_t n = cli_get_all(NULL, c, "logit-bias");
    const char **texts = cli_alloc(c, n + 1, sizeof *texts);
    llm_logit_bias *biases = cli_alloc(c, n + 1, sizeof *biases);
    cli_get_all(texts, c, "logit-bias");
    for (size_t i = 0; i < n; i++) {
        char *middle, *end = NULL;
        errno = 0;
        long token = strtol(texts[i], &middle, 10);
        float bias = *middle == '=' ? strtof(middle + 1, &end) : 0;
        if (errno || middle == texts[i] || !end || end == middle + 1 || *end || token < 0 || token > INT32_MAX ||
            isnan(bias))
            return cli_usage(c, "--logit-bias: found '%.40s', expected ID=BIAS, for example 13=-inf", texts[i]);
        biases[i] = (llm_logit_bias){(llm_token)token, bias};
    }
    c->generate_options.logit_bias = biases;
    c->generate_options.n_logit_bias = n;
    return CLI_OK;
}

/* ---- output ---- */

static void print_event(void *user, const llm_event *event) {
    fwrite(event->text.ptr, 1, event->text.len, stdout);
    fflush(stdout);
}

static int echo_prompt(cli *c, const cli_prompt *prompt) {
    if (prompt->text.ptr) {
        fwrite(prompt->text.ptr, 1, prompt->text.len, stdout);
        return CLI_OK;
    }
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(c->model);
    size_t n_bytes = 0;
    uint32_t flags = LLM_DECODE_SKIP_SPECIAL;
    llm_status status =
        tokenizer ? llm_tokenizer_decode(&n_bytes, tokenizer, prompt->ids, prompt->n_ids, flags, NULL, 0) : LLM_OK;
    if (status && status != LLM_E_CAPACITY) return cli_fail(c, status);
    char *text = cli_alloc(c, n_bytes + 1, 1);
    status =
        n_bytes ? llm_tokenizer_decode(&n_bytes, tokenizer, prompt->ids, prompt->n_ids, flags, text, n_bytes) : LLM_OK;
    if (status) return cli_fail(c, status);
    fwrite(text, 1, n_bytes, stdout);
    return CLI_OK;
}

static json_t *logprobs_json(const cli *c, const llm_result *result, int32_t index, const llm_token *ids) {
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(c->model);
    const float *logprobs;
    const llm_token_logprob *top;
    size_t n = 0, n_top = 0;
    if (llm_result_logprobs(&logprobs, &n, result, index) || n == 0) return json_null();
    if (llm_result_top(&top, &n, &n_top, result, index)) n_top = 0;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *others = json_array();
        for (size_t k = 0; k < n_top; k++)
            json_array_append_new(others, json_pack("{s:i,s:o,s:o}", "id", (int)top[i * n_top + k].token, "text",
                                                    cli_json_token(tokenizer, top[i * n_top + k].token), "logprob",
                                                    cli_json_real((double)top[i * n_top + k].logprob)));
        json_array_append_new(list, json_pack("{s:i,s:o,s:o,s:o}", "id", (int)ids[i], "text",
                                              cli_json_token(tokenizer, ids[i]), "logprob",
                                              cli_json_real((double)logprobs[i]), "top", others));
    }
    return list;
}

static json_t *completion_json(const cli *c, const llm_result *result, int32_t index) {
    llm_span text;
    const llm_token *ids;
    size_t n_ids;
    int32_t finish;
    if (llm_result_text(&text, result, index) || llm_result_tokens(&ids, &n_ids, result, index) ||
        llm_result_finish(&finish, result, index))
        return NULL;
    return json_pack("{s:o,s:o,s:s,s:o}", "ids", cli_json_ids(ids, n_ids), "text", cli_json_text(text.ptr, text.len),
                     "finish", llm_finish_name(finish), "logprobs", logprobs_json(c, result, index, ids));
}

static json_t *timings_json(const cli *c, const llm_result_stats *s) {
    return json_pack("{s:f,s:f,s:f,s:f,s:i,s:i,s:i}", "load_ms", c->load_ms, "queue_ms", s->queue_ms, "prompt_ms",
                     s->prompt_ms, "decode_ms", s->decode_ms, "prompt_tokens", (int)s->n_prompt_tokens, "cached_tokens",
                     (int)s->n_cached_tokens, "tokens", (int)s->n_tokens);
}

static int print_result_json(cli *c, const llm_result *result, const llm_result_stats *stats) {
    json_t *object = completion_json(c, result, 0);
    json_object_set_new(object, "seed", cli_json_seed(stats->seed));
    json_object_set_new(object, "timings", timings_json(c, stats));
    int32_t n = llm_result_count(result);
    json_t *all = n > 1 ? json_array() : NULL;
    for (int32_t i = 0; i < n && all; i++) json_array_append_new(all, completion_json(c, result, i));
    if (all) json_object_set_new(object, "completions", all);
    return cli_print_json(c, object);
}

/* A line for each token: its log-probability and itself, then the alternatives in the same way. */
static void print_logprobs(const cli *c, const llm_result *result, int32_t index) {
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(c->model);
    const llm_token *ids;
    const float *logprobs;
    const llm_token_logprob *top;
    size_t n_ids, n = 0, n_rows, n_top;
    if (llm_result_tokens(&ids, &n_ids, result, index) || llm_result_logprobs(&logprobs, &n, result, index)) return;
    if (llm_result_top(&top, &n_rows, &n_top, result, index)) n_top = 0;
    for (size_t i = 0; i < n; i++) {
        printf("%.6f ", (double)logprobs[i]);
        cli_print_token(stdout, tokenizer, ids[i], ' ');
        for (size_t k = 0; k < n_top; k++) {
            printf("\t%.6f ", (double)top[i * n_top + k].logprob);
            cli_print_token(stdout, tokenizer, top[i * n_top + k].token, ' ');
        }
        putchar('\n');
    }
}

static void print_all(const cli *c, const llm_result *result) {
    int32_t n = llm_result_count(result);
    for (int32_t i = 0; i < n; i++) {
        llm_span text;
        if (llm_result_text(&text, result, i)) continue;
        printf("--- %d of %d ---\n", i + 1, n);
        fwrite(text.ptr, 1, text.len, stdout);
        putchar('\n');
        print_logprobs(c, result, i);
    }
}

static void report_cuts(const cli *c, const llm_result *result) {
    for (int32_t i = 0; i < llm_result_count(result); i++) {
        llm_span text;
        int32_t finish;
        if (llm_result_text(&text, result, i) || llm_result_finish(&finish, result, i)) continue;
        cli_report_cut(c, text, finish);
    }
}

static void print_timings(const cli *c, const llm_result_stats *s) {
    fprintf(
        stderr,
        "\nload %.0f ms; prompt %d tokens (%d cached) in %.0f ms; %d tokens in %.0f ms, %.1f per second; seed %llu\n",
        c->load_ms, s->n_prompt_tokens, s->n_cached_tokens, s->prompt_ms, s->n_tokens, s->decode_ms,
        s->decode_ms > 0 ? (s->n_tokens - 1) / s->decode_ms * 1e3 : 0.0, (unsigned long long)s->seed);
}

/* ---- the command ---- */

static int submit(llm_request **out, cli *c, const cli_prompt *prompt) {
    llm_status status =
        prompt->text.ptr ? llm_request_submit(out, c->engine, prompt->text.ptr, prompt->text.len, &c->generate_options)
                         : llm_request_submit_tokens(out, c->engine, prompt->ids, prompt->n_ids, &c->generate_options);
    return status ? cli_fail(c, status) : CLI_OK;
}

/* For the progress alone: 0 where that is not shown. */
static size_t count_tokens(cli *c, const cli_prompt *prompt) {
    llm_token *ids;
    size_t n = 0;
    return isatty(STDERR_FILENO) && cli_prompt_ids(&ids, &n, c, prompt) == CLI_OK ? n : 0;
}

static int report(cli *c, llm_request *request, int streamed) {
    llm_result *result;
    llm_result_stats stats = {.struct_size = sizeof stats};
    llm_status status = llm_request_result(&result, request);
    if (status) return cli_fail(c, status);
    status = llm_result_get_stats(&stats, result);
    int rc = status ? cli_fail(c, status) : CLI_OK;
    if (!rc && c->json) {
        rc = print_result_json(c, result, &stats);
    } else if (!rc && streamed) {
        putchar('\n');
        print_logprobs(c, result, 0);
    } else if (!rc) {
        print_all(c, result);
    }
    if (!rc) report_cuts(c, result);
    if (!rc && cli_get(c, "timings")) print_timings(c, &stats);
    int32_t finish = LLM_FINISH_NONE;
    if (!rc && llm_result_finish(&finish, result, 0) == LLM_OK && finish == LLM_FINISH_CANCELLED) rc = CLI_FAILURE;
    llm_result_unref(result);
    return rc;
}

static int run(cli *c) {
    cli_prompt prompt;
    int rc = cli_expect_args(c, 1, 2);
    if (!rc) rc = cli_get_prompt(&prompt, c, c->n_args > 1 ? c->args[1] : NULL);
    if (!rc) rc = set_stops(c);
    if (!rc) rc = set_stop_tokens(c);
    if (!rc) rc = set_biases(c);
    if (rc) return rc;
    if (c->engine_options.n_seqs < c->generate_options.n) c->engine_options.n_seqs = c->generate_options.n;
    rc = cli_open_engine(c, c->args[0]);
    if (!rc && cli_get(c, "echo") && !c->json) rc = echo_prompt(c, &prompt);
    llm_grammar *grammar = NULL;
    if (!rc) rc = cli_get_grammar(&grammar, c);
    c->generate_options.grammar = grammar;
    llm_request *request = NULL;
    if (!rc) rc = submit(&request, c, &prompt);
    int streamed = !c->json && c->generate_options.n == 1;
    if (!rc) rc = cli_run_request(c, request, count_tokens(c, &prompt), streamed ? print_event : NULL, NULL);
    if (!rc) rc = report(c, request, streamed);
    llm_request_destroy(request);
    llm_grammar_unref(grammar);
    return rc;
}

static const cli_option options[] = {
    {'p', "prompt", "TEXT", "the prompt; -: standard input, without the newline at its end"},
    {'f', "file", "FILE", "read the prompt from a file as it is, - for standard input"},
    {0, "ids", "IDS", "the prompt as token ids, apart by commas, taken as they are"},
    {0, "stop", "TEXT", "end before this text; may be repeated"},
    {0, "stop-token", "IDS", "end before these tokens; may be repeated"},
    {0, "logit-bias", "ID=BIAS", "add to a token's logit, -inf bans it; may be repeated"},
    {0, "grammar", "FILE", "the text follows a grammar in GBNF, from a file or as it is"},
    {0, "schema", "FILE",
     "the text is JSON that is valid under a JSON Schema, from a file or as it is; also --json-schema"},
    {0, "regex", "RE", "the text matches a regular expression as a whole"},
    {0, "choices", "A,B", "the text is one of these"},
    {0, "echo", NULL, "print the prompt first"},
    {0, "timings", NULL, "print times and rates on standard error"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_generate = {
    .name = "generate",
    .synopsis = "MODEL (PROMPT | -f FILE | --ids 1,2,3 | <FILE) [-n N] [OPTIONS]",
    .summary = "Write on from a prompt",
    .details = "Streams the text as it comes. Temperature 0, the default, always takes the most probable token.\n"
               "The prompt is the argument, --prompt, a file, ids, or else what standard input has.\n"
               "Ctrl-C ends the completion: what is there is printed, the exit code is 1.\n"
               "--json: {\"ids\",\"text\",\"finish\":\"eos|stop|length|context|cancelled|grammar\",\n"
               "\"logprobs\":[{\"id\",\"text\",\"logprob\",\"top\":[{\"id\",\"text\",\"logprob\"},...]},...] or null,\n"
               "\"seed\": of the draws, also what --seed random drew,\n"
               "\"timings\":{\"load_ms\",\"queue_ms\",\"prompt_ms\",\"decode_ms\",\"prompt_tokens\",\"cached_tokens\","
               "\"tokens\"}},\n"
               "and with --completions above 1 a list \"completions\" of the same shape",
    .options = options,
    .groups = "generate engine model runtime",
    .defaults = "max_tokens=256",
    .model_at = 1,
    .run = run,
};
