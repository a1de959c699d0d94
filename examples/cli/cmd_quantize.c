/* llm quantize: a model in another data type. */
#include "cli.h"

#include <string.h>
#include <sys/stat.h>

static int64_t file_size(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

static int convert(cli *c, llm_dtype dtype) {
    cli_progress_begin("quantizing");
    c->quantize_options.progress = cli_progress_update;
    llm_status status = llm_quantize(c->runtime, c->args[0], c->args[1], dtype, &c->quantize_options);
    cli_progress_end();
    return status ? cli_fail(c, status) : CLI_OK;
}

static int run(cli *c) {
    llm_dtype dtype;
    int rc = cli_expect_args(c, 3, 3);
    if (rc) return rc;
    if (llm_dtype_parse(&dtype, c->args[2])) {
        char why[512];
        snprintf(why, sizeof why, "%s", llm_last_error());
        return cli_usage(c, "%s", why);
    }
    struct stat in, out;
    if (stat(c->args[1], &out) == 0 && S_ISREG(out.st_mode)) {
        if (stat(c->args[0], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return cli_error(c, LLM_E_ARGUMENT, "%s: is the model that is read, expected another OUT", c->args[1]);
        if (!cli_get(c, "force")) return cli_error(c, LLM_E_ARGUMENT, "%s: exists; --force replaces it", c->args[1]);
    }
    rc = cli_open_runtime(c);
    double start = cli_now_ms();
    if (!rc) rc = convert(c, dtype);
    if (rc) return rc;
    double spent = cli_now_ms() - start;
    int64_t n_bytes = file_size(c->args[1]);
    if (c->json)
        return cli_print_json(c, json_pack("{s:o,s:s,s:I,s:f}", "output", cli_json_text(c->args[1], strlen(c->args[1])),
                                           "type", llm_dtype_name(dtype), "bytes", (json_int_t)n_bytes, "ms", spent));
    printf("%s: %s, ", c->args[1], llm_dtype_name(dtype));
    cli_print_bytes(stdout, n_bytes);
    putchar('\n');
    return CLI_OK;
}

static const cli_option options[] = {
    {0, "force", NULL, "replace OUT if it exists"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_quantize = {
    .name = "quantize",
    .synopsis = "IN OUT TYPE [--force]",
    .summary = "Write a model in another data type, as a GGUF file",
    .details = "IN is a GGUF file or a Hugging Face directory. TYPE is one of F32, F16, BF16, Q8_0, Q4_0, Q4_1,\n"
               "Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K. OUT appears whole or not at all;\n"
               "one that exists is replaced only with --force, keeps its mode, and must not be read here.\n"
               "--json: {\"output\",\"type\",\"bytes\",\"ms\"}",
    .options = options,
    .groups = "quantize runtime",
    .run = run,
};
