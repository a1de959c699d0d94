/* Driving the engine: requests that Ctrl-C can cancel, and rows of logits. */
#include "cli.h"

#include <signal.h>
#include <stdatomic.h>

/* The handler may run on any thread, also while the request is about to go: `inside` says so. */
static _Atomic(llm_request *) running;
static atomic_int inside;

static void on_interrupt(int signal_number) {
    atomic_fetch_add(&inside, 1);
    llm_request *request = atomic_load(&running);
    if (request) llm_request_cancel(request);
    atomic_fetch_sub(&inside, 1);
}

static void watch(llm_request *request, struct sigaction *before) {
    atomic_store(&running, request);
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, before);
}

static void unwatch(const struct sigaction *before) {
    sigaction(SIGINT, before, NULL);
    atomic_store(&running, NULL);
    while (atomic_load(&inside)) {
    }
}

/* Hands out what waits. *n_events counts. */
static llm_status take_events(llm_request *request, int64_t *n_events, cli_event_fn on_event, void *user) {
    llm_event event;
    int32_t got;
    while ((got = llm_request_next(&event, request)) > 0) {
        if (on_event) cli_progress_end();
        if (on_event) on_event(user, &event);
        if (!on_event && ++*n_events == 1) cli_progress_begin("writing");
    }
    return got < 0 ? got : LLM_OK;
}

int cli_run_request(cli *c, llm_request *request, size_t n_prompt, cli_event_fn on_event, void *user) {
    struct sigaction before;
    int64_t n_events = 0, n_read = 0, n_all = (int64_t)n_prompt;
    watch(request, &before);
    cli_progress_begin("prompt");
    llm_status status = LLM_OK;
    while (status == LLM_OK) {
        int done = llm_request_done(request);
        status = take_events(request, &n_events, on_event, user);
        if (done || status) break;
        status = llm_engine_step(NULL, c->engine);
        n_read += c->engine_options.n_batch;
        if (n_events)
            cli_progress_tokens(n_events, 0);
        else
            cli_progress_tokens(n_read < n_all ? n_read : n_all, n_all);
    }
    cli_progress_end();
    if (status == LLM_OK) status = llm_request_status(request);
    int rc = status ? cli_fail(c, status) : CLI_OK;
    unwatch(&before);
    return rc;
}

enum { ROW_FLOATS = 1 << 24 };

int cli_each_row(cli *c, llm_sequence *sequence, const llm_token *ids, size_t n_ids, cli_row_fn on_row, void *user) {
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, c->model);
    if (status) return cli_fail(c, status);
    size_t n_vocab = (size_t)info.n_vocab, chunk = ROW_FLOATS / (n_vocab ? n_vocab : 1);
    if (chunk < 1) chunk = 1;
    if (chunk > n_ids) chunk = n_ids;
    float *logits = cli_alloc(c, chunk * n_vocab, sizeof *logits);
    for (size_t at = 0; at < n_ids; at += chunk) {
        size_t n = n_ids - at < chunk ? n_ids - at : chunk;
        status = llm_sequence_eval(sequence, ids + at, n, logits, n);
        if (status) return cli_fail(c, status);
        for (size_t i = 0; i < n; i++) {
            int rc = on_row(user, at + i, logits + i * n_vocab, info.n_vocab);
            if (rc) return rc;
        }
    }
    return CLI_OK;
}
