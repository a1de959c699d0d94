/* Opening what a subcommand works on, and closing it. */
#include "cli.h"

#include <time.h>

double cli_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void print_log(void *user, int32_t level, const char *text) {
    char line[2048];
    snprintf(line, sizeof line, "%s: %s", cli_program, text);
    cli_print_message(line);
}

int cli_open_runtime(cli *c) {
    c->runtime_options.log = print_log;
    llm_status status = llm_runtime_create(&c->runtime, &c->runtime_options);
    return status ? cli_fail(c, status) : CLI_OK;
}

int cli_open_model(cli *c, const char *path) {
    int rc = cli_open_runtime(c);
    if (rc) return rc;
    cli_progress_begin("loading");
    c->model_options.progress = cli_progress_update;
    double start = cli_now_ms();
    llm_status status = llm_model_load(&c->model, c->runtime, path, &c->model_options);
    c->load_ms += cli_now_ms() - start;
    cli_progress_end();
    return status ? cli_fail(c, status) : CLI_OK;
}

int cli_open_engine(cli *c, const char *path) {
    int rc = cli_open_model(c, path);
    if (rc) return rc;
    double start = cli_now_ms();
    cli_progress_begin("taking memory");
    llm_status status = llm_engine_create(&c->engine, c->model, &c->engine_options);
    cli_progress_end();
    c->load_ms += cli_now_ms() - start;
    return status ? cli_fail(c, status) : CLI_OK;
}

int cli_open_tokenizer(cli *c, const char *path) {
    int rc = cli_open_runtime(c);
    if (rc) return rc;
    cli_progress_begin("loading");
    llm_status status = llm_tokenizer_load(&c->tokenizer, c->runtime, path);
    cli_progress_end();
    return status ? cli_fail(c, status) : CLI_OK;
}

void cli_close(cli *c) {
    llm_tokenizer_unref(c->tokenizer);
    llm_engine_destroy(c->engine);
    llm_model_unref(c->model);
    llm_runtime_unref(c->runtime);
    json_decref(c->settings);
    cli_free_all(c);
}
