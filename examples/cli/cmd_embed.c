/* llm embed: texts as vectors. */
#include "cli.h"

#include <string.h>

static int get_pooling(int32_t *out, cli *c) {
    static const struct {
        const char *name;
        int32_t pooling;
    } ways[] = {
        {"file", LLM_POOL_FILE},
        {"mean", LLM_POOL_MEAN},
        {"last", LLM_POOL_LAST},
        {"first", LLM_POOL_FIRST},
    };
    const char *name = cli_get(c, "pool");
    *out = LLM_POOL_FILE;
    for (size_t i = 0; name && i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(name, ways[i].name) == 0) {
            *out = ways[i].pooling;
            return CLI_OK;
        }
    return name ? cli_usage(c, "--pool: found '%.40s', expected file, mean, last or first", name) : CLI_OK;
}

static int32_t get_normalize(cli *c) {
    if (cli_get(c, "no-normalize")) return 0;
    return cli_get(c, "normalize") ? 1 : -1;
}

static int print(cli *c, const float *rows, size_t n_rows, size_t dim) {
    json_t *list = json_array();
    for (size_t i = 0; i < n_rows; i++) {
        json_t *row = json_array();
        for (size_t k = 0; k < dim; k++) {
            double value = (double)rows[i * dim + k];
            if (c->json)
                json_array_append_new(row, cli_json_real(value));
            else
                printf("%s%.9g", k ? " " : "", value);
        }
        if (!c->json) putchar('\n');
        json_array_append_new(list, row);
    }
    if (c->json) return cli_print_json(c, json_pack("{s:o,s:I}", "embeddings", list, "dim", (json_int_t)dim));
    json_decref(list);
    return CLI_OK;
}

/* The arguments, or else each line of standard input. */
static int get_texts(llm_span **out, size_t *n_out, cli *c) {
    llm_span all = {0};
    size_t n = (size_t)(c->n_args - 1);
    int rc = n ? CLI_OK : cli_get_text(&all, c, NULL, "text");
    if (rc) return rc;
    *n_out = n ? n : 1;
    for (size_t i = 0; i < all.len; i++) *n_out += all.ptr[i] == '\n';
    llm_span *texts = *out = cli_alloc(c, *n_out, sizeof **out);
    for (size_t i = 0; i < n; i++) texts[i] = (llm_span){c->args[1 + i], strlen(c->args[1 + i])};
    for (size_t i = 0; !n && i < *n_out; i++) {
        const char *end = memchr(all.ptr, '\n', all.len);
        size_t len = end ? (size_t)(end - all.ptr) : all.len;
        texts[i] = (llm_span){all.ptr, len};
        if (end) all = (llm_span){end + 1, all.len - len - 1};
    }
    return CLI_OK;
}

static int run(cli *c) {
    int32_t pooling = LLM_POOL_MEAN;
    int rc = cli_expect_args(c, 1, -1);
    if (!rc) rc = get_pooling(&pooling, c);
    llm_span *texts = NULL;
    size_t n = 0;
    if (!rc) rc = get_texts(&texts, &n, c);
    if (!rc) rc = cli_open_engine(c, c->args[0]);
    if (rc) return rc;
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, c->model);
    if (status) return cli_fail(c, status);
    size_t dim = (size_t)info.n_embd;
    float *rows = cli_alloc(c, n * dim, sizeof *rows);
    cli_progress_begin("embedding");
    status = llm_embed(rows, c->engine, texts, n, pooling, get_normalize(c));
    cli_progress_end();
    return status ? cli_fail(c, status) : print(c, rows, n, dim);
}

static const cli_option options[] = {
    {0, "pool", "HOW", "mean over the tokens, last or first token; default file: as the model's file says, or mean"},
    {0, "normalize", NULL, "scale each vector to length 1 (default: if the model's file says so)"},
    {0, "no-normalize", NULL, "do not, whatever the model's file says"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_embed = {
    .name = "embed",
    .synopsis = "MODEL (TEXT... | <FILE) [--pool file|mean|last|first] [--normalize|--no-normalize]",
    .summary = "Turn texts into vectors",
    .details = "A line of numbers for each text, or for each line of standard input: the last layer's normalised "
               "hidden state.\n"
               "--json: {\"embeddings\":[[...],...],\"dim\"}",
    .options = options,
    .groups = "engine model runtime",
    .model_at = 1,
    .run = run,
};
