/* llm bench: how fast prompt and decode are on this machine. */
#define _GNU_SOURCE
#include "cli.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct plan {
    int64_t n_prompt, n_decode, depth, n_seqs, n_repeats;
    llm_token *ids;         /* random but always the same; enough for every prompt */
    float *logits;          /* [n_vocab] */
    llm_request **requests; /* [n_seqs] */
    int64_t n_done;
} plan;

/* ---- one measurement ---- */

/* One sequence reads n_prompt tokens after `depth` tokens that are not timed. */
static int time_prompt(double *rate, cli *c, plan *p) {
    llm_sequence *sequence;
    llm_status status = llm_sequence_create(&sequence, c->engine);
    if (status) return cli_fail(c, status);
    if (p->depth) status = llm_sequence_eval(sequence, p->ids, (size_t)p->depth, NULL, 0);
    double start = cli_now_ms();
    if (!status) status = llm_sequence_eval(sequence, p->ids + p->depth, (size_t)p->n_prompt, p->logits, 1);
    *rate = (double)p->n_prompt / (cli_now_ms() - start) * 1e3;
    int rc = status ? cli_fail(c, status) : CLI_OK;
    llm_sequence_destroy(sequence);
    return rc;
}

static int64_t take_tokens(llm_request *request) {
    llm_event event;
    int64_t n = 0;
    while (llm_request_next(&event, request) > 0) n += event.token != LLM_TOKEN_NONE;
    return n;
}

/* Steps until every sequence has read its prompt, that is, has written a token. */
static llm_status read_prompts(cli *c, plan *p) {
    for (int64_t i = 0; i < p->n_seqs; i++) {
        while (take_tokens(p->requests[i]) == 0) {
            if (llm_request_done(p->requests[i])) return llm_request_status(p->requests[i]);
            llm_status status = llm_engine_step(NULL, c->engine);
            if (status) return status;
        }
    }
    for (int64_t i = 0; i < p->n_seqs; i++) take_tokens(p->requests[i]);
    return LLM_OK;
}

/* n_decode steps, in each of which every sequence writes one token. */
static llm_status time_steps(double *rate, cli *c, plan *p) {
    llm_status status = LLM_OK;
    int64_t n_tokens = 0;
    double start = cli_now_ms();
    for (int64_t i = 0; i < p->n_decode && !status; i++) status = llm_engine_step(NULL, c->engine);
    double spent = cli_now_ms() - start;
    for (int64_t i = 0; i < p->n_seqs; i++) n_tokens += take_tokens(p->requests[i]);
    *rate = (double)n_tokens / spent * 1e3;
    return status;
}

static llm_status submit_all(cli *c, plan *p) {
    llm_generate_options options = c->generate_options;
    options.max_tokens = -1;
    options.ignore_eos = 1;
    size_t n_prompt = p->depth ? (size_t)p->depth : 1;
    llm_status status = LLM_OK;
    for (int64_t i = 0; i < p->n_seqs && !status; i++)
        status = llm_request_submit_tokens(&p->requests[i], c->engine, p->ids + i, n_prompt, &options);
    return status;
}

static int time_decode(double *rate, cli *c, plan *p) {
    llm_status status = submit_all(c, p);
    if (!status) status = read_prompts(c, p);
    if (!status) status = time_steps(rate, c, p);
    int rc = status ? cli_fail(c, status) : CLI_OK;
    for (int64_t i = 0; i < p->n_seqs; i++) {
        llm_request_destroy(p->requests[i]);
        p->requests[i] = NULL;
    }
    int32_t n_active = 1;
    while (!rc && n_active)
        if ((status = llm_engine_step(&n_active, c->engine))) rc = cli_fail(c, status);
    return rc;
}

/* Back ends may bring the weights into their own layout during the first steps. */
static int warm_up(cli *c, plan *p) {
    enum { N_STEPS = 8 };
    llm_sequence *sequence;
    llm_status status = llm_sequence_create(&sequence, c->engine);
    for (int i = 0; i < N_STEPS && !status; i++) status = llm_sequence_eval(sequence, p->ids, 1, p->logits, 1);
    llm_sequence_destroy(sequence);
    return status ? cli_fail(c, status) : CLI_OK;
}

/* ---- many of them ---- */

typedef struct rates {
    double median, min, max; /* tokens per second */
} rates;

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int repeat(rates *out, cli *c, plan *p, int (*measure)(double *rate, cli *c, plan *p)) {
    size_t n = (size_t)p->n_repeats;
    double *values = cli_alloc(c, n + 1, sizeof *values);
    for (size_t i = 0; i <= n; i++) { /* the first one warms up and does not count */
        int rc = measure(i ? &values[i - 1] : &values[n], c, p);
        if (rc) return rc;
        cli_progress_update(NULL, (double)++p->n_done / (double)(2 * (n + 1)));
    }
    qsort(values, n, sizeof *values, compare);
    *out = (rates){(values[(n - 1) / 2] + values[n / 2]) / 2, values[0], values[n - 1]};
    return CLI_OK;
}

static int get_plan(plan *p, cli *c) {
    int rc = cli_expect_args(c, 1, 1);
    if (!rc) rc = cli_get_int(&p->n_prompt, c, "prompt", 512, 0, 1 << 20);
    if (!rc) rc = cli_get_int(&p->n_decode, c, "tokens", 128, 0, 1 << 20);
    if (!rc) rc = cli_get_int(&p->depth, c, "depth", 0, 0, 1 << 20);
    if (!rc) rc = cli_get_int(&p->n_seqs, c, "batch", 1, 1, 1024);
    if (!rc) rc = cli_get_int(&p->n_repeats, c, "repeats", 5, 1, 1000);
    return rc;
}

/* A context that holds the longest measurement: while the last sequence still reads its prompt, the
 * first ones already write. */
static void fit_engine(cli *c, const plan *p) {
    llm_engine_options *o = &c->engine_options;
    int64_t n_steps = p->n_decode + 16 + 2 * p->n_seqs * (1 + p->depth / o->n_batch);
    int64_t n_ctx = p->depth + 1 + (p->n_prompt > n_steps ? p->n_prompt : n_steps);
    if (o->n_ctx < n_ctx) o->n_ctx = (int32_t)n_ctx;
    if (o->n_seqs < p->n_seqs) o->n_seqs = (int32_t)p->n_seqs;
    if (o->n_kv_tokens < (p->n_seqs + 1) * o->n_ctx) o->n_kv_tokens = (p->n_seqs + 1) * o->n_ctx;
    o->prefix_cache = 0;
}

static int make_inputs(plan *p, cli *c) {
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, c->model);
    if (status) return cli_fail(c, status);
    size_t n_ids = (size_t)(p->depth + p->n_prompt + p->n_seqs + 1);
    p->ids = cli_alloc(c, n_ids, sizeof *p->ids);
    p->logits = cli_alloc(c, (size_t)info.n_vocab, sizeof *p->logits);
    p->requests = cli_alloc(c, (size_t)p->n_seqs, sizeof(llm_request *));
    uint32_t state = 1;
    for (size_t i = 0; i < n_ids; i++) {
        state = state * 1664525u + 1013904223u;
        p->ids[i] = (llm_token)((state >> 8) % (uint32_t)info.n_vocab);
    }
    return CLI_OK;
}

/* ---- output ---- */

static int n_threads(const cli *c) {
    cpu_set_t set;
    if (c->engine_options.n_threads) return c->engine_options.n_threads;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static int64_t peak_rss(void) {
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

static json_t *rates_json(int64_t n_tokens, const rates *r) {
    if (n_tokens == 0) return json_null();
    return json_pack("{s:I,s:{s:f,s:f,s:f}}", "tokens", (json_int_t)n_tokens, "tokens_per_s", "median", r->median,
                     "min", r->min, "max", r->max);
}

static void print_rates(const char *label, int64_t n_tokens, const rates *r) {
    if (n_tokens == 0) return;
    printf("%-8s %6lld tokens  %10.1f tokens/s  (%.1f .. %.1f)\n", label, (long long)n_tokens, r->median, r->min,
           r->max);
}

static int report(cli *c, const plan *p, const rates *prompt, const rates *decode) {
    if (c->json) {
        json_t *path = cli_json_text(c->args[0], strlen(c->args[0]));
        return cli_print_json(c, json_pack("{s:o,s:i,s:I,s:I,s:I,s:f,s:I,s:o,s:o}", "model", path, "threads",
                                           n_threads(c), "batch", (json_int_t)p->n_seqs, "depth", (json_int_t)p->depth,
                                           "repeats", (json_int_t)p->n_repeats, "load_ms", c->load_ms, "peak_rss_bytes",
                                           (json_int_t)peak_rss(), "prompt", rates_json(p->n_prompt, prompt), "decode",
                                           rates_json(p->n_decode, decode)));
    }
    printf("%d threads, %lld sequences, depth %lld, median of %lld (least .. most)\n", n_threads(c),
           (long long)p->n_seqs, (long long)p->depth, (long long)p->n_repeats);
    print_rates("prompt", p->n_prompt, prompt);
    print_rates("decode", p->n_decode, decode);
    printf("load %.1f ms, peak memory ", c->load_ms);
    cli_print_bytes(stdout, peak_rss());
    putchar('\n');
    return CLI_OK;
}

/* The log gets the tables when the engine is destroyed. */
static void trace(cli *c) {
    const char *backend = c->model_options.backend ? c->model_options.backend : "cpu";
    size_t n = strlen(backend) + sizeof "traced-";
    char *traced = cli_alloc(c, n, 1);
    snprintf(traced, n, "traced-%s", backend);
    c->model_options.backend = traced;
    if (c->runtime_options.log_level < LLM_LOG_INFO) c->runtime_options.log_level = LLM_LOG_INFO;
}

static int run(cli *c) {
    plan p = {0};
    rates prompt = {0}, decode = {0};
    int rc = get_plan(&p, c);
    if (rc) return rc;
    fit_engine(c, &p);
    if (cli_get(c, "trace")) trace(c);
    rc = cli_open_engine(c, c->args[0]);
    if (!rc) rc = make_inputs(&p, c);
    cli_progress_begin("measuring");
    if (!rc) rc = warm_up(c, &p);
    if (!rc && p.n_prompt) rc = repeat(&prompt, c, &p, time_prompt);
    if (!rc && p.n_decode) rc = repeat(&decode, c, &p, time_decode);
    cli_progress_end();
    return rc ? rc : report(c, &p, &prompt, &decode);
}

static const cli_option options[] = {
    {'p', "prompt", "N", "tokens of the prompt (default 512; 0: not measured)"},
    {'n', "tokens", "N", "steps of decoding (default 128; 0: not measured)"},
    {'d', "depth", "N", "tokens in the context before the measurement (default 0)"},
    {'b', "batch", "N", "sequences that decode together (default 1)"},
    {'r', "repeats", "N", "measurements of each kind (default 5)"},
    {0, "trace", NULL, "time each operation by itself; tables by layer on standard error at the end"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_bench = {
    .name = "bench",
    .synopsis = "MODEL [-p N] [-n N] [-d DEPTH] [-b BATCH] [-r REPEATS] [--trace]",
    .summary = "Measure how fast prompt and decode are here",
    .details = "Prompt: one sequence reads -p tokens. Decode: -b sequences write -n tokens each, one per step; the\n"
               "rate counts all of them. Both start after -d tokens that are not timed. The ids are random but\n"
               "always the same; nothing is taken from a cache; each kind is run once before it is timed, and\n"
               "eight steps before all. Load is what it takes until the engine is ready.\n"
               "--trace: milliseconds by layer and operation, share of the time and GB/s of what an operation must\n"
               "read and write, for prompts and for decoding. Waiting for each operation makes small models slower.\n"
               "--json: {\"model\",\"threads\",\"batch\",\"depth\",\"repeats\",\"load_ms\",\"peak_rss_bytes\",\n"
               "\"prompt\":{\"tokens\",\"tokens_per_s\":{\"median\",\"min\",\"max\"}} or null,\"decode\": likewise}",
    .options = options,
    .groups = "engine model runtime",
    .model_at = 1,
    .run = run,
};
