/* What a subcommand reads: files, lists of ids, prompts. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads to the end of the stream. The block is malloc's. */
static char *read_all(FILE *file, size_t *n_bytes) {
    size_t used = 0, capacity = 1 << 16;
    char *data = malloc(capacity);
    while (data) {
        size_t n = fread(data + used, 1, capacity - used, file);
        used += n;
        if (n == 0) break;
        if (used < capacity) continue;
        char *larger = capacity <= SIZE_MAX / 2 ? realloc(data, capacity *= 2) : NULL;
        if (!larger) free(data);
        data = larger;
    }
    *n_bytes = used;
    return data;
}

int cli_read_file(llm_span *out, cli *c, const char *path) {
    int is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "rb");
    if (!file) return cli_error(c, errno == ENOENT ? LLM_E_NOT_FOUND : LLM_E_IO, "%s: %s", path, strerror(errno));
    if (is_stdin) path = "standard input";
    size_t n_bytes = 0;
    char *data = read_all(file, &n_bytes);
    int saved = errno, failed = ferror(file);
    if (!is_stdin) fclose(file);
    if (!data || failed) {
        free(data);
        return cli_error(c, data ? LLM_E_IO : LLM_E_MEMORY, "%s: %s", path, data ? strerror(saved) : "out of memory");
    }
    char *kept = cli_alloc(c, n_bytes + 1, 1);
    memcpy(kept, data, n_bytes);
    free(data);
    *out = (llm_span){kept, n_bytes};
    return CLI_OK;
}

int cli_parse_ids(llm_token **out, size_t *n_ids, cli *c, const char *const *texts, size_t n_texts) {
    size_t capacity = 0;
    for (size_t i = 0; i < n_texts; i++) capacity += strlen(texts[i]) + 1;
    llm_token *ids = cli_alloc(c, capacity, sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < n_texts; i++) {
        const char *at = texts[i];
        for (;;) {
            at += strspn(at, ", \t\r\n");
            if (!*at) break;
            char *end;
            errno = 0;
            long long id = strtoll(at, &end, 10);
            if (end == at || errno || id < 0 || id > INT32_MAX || !strchr(", \t\r\n", *end))
                return cli_usage(c, "'%.40s' is not a token id: expected numbers 0..%d, apart by commas", at,
                                 INT32_MAX);
            ids[n++] = (llm_token)id;
            at = end;
        }
    }
    *out = ids;
    *n_ids = n;
    return CLI_OK;
}

int cli_get_text(llm_span *out, cli *c, const char *argument, const char *what) {
    if (argument && strcmp(argument, "-") != 0) {
        *out = (llm_span){argument, strlen(argument)};
        return CLI_OK;
    }
    if (!argument && isatty(STDIN_FILENO))
        return cli_usage(c, "no %s: %s %s %s", what, cli_program, c->command->name, c->command->synopsis);
    int rc = cli_read_file(out, c, "-");
    if (rc) return rc;
    if (out->len && out->ptr[out->len - 1] == '\n') out->len--;
    if (out->len == 0) return cli_usage(c, "no %s: standard input is empty", what);
    return CLI_OK;
}

int cli_get_prompt(cli_prompt *out, cli *c, const char *argument) {
    const char *text = cli_get(c, "prompt"), *file = cli_get(c, "file"), *ids = cli_get(c, "ids");
    *out = (cli_prompt){0};
    if ((argument != NULL) + (text != NULL) + (file != NULL) + (ids != NULL) > 1)
        return cli_usage(c, "the prompt was given twice: %s %s %s", cli_program, c->command->name,
                         c->command->synopsis);
    if (ids) return cli_parse_ids(&out->ids, &out->n_ids, c, &ids, 1);
    if (file) return cli_read_file(&out->text, c, file);
    return cli_get_text(&out->text, c, text ? text : argument, "prompt");
}

int cli_encode(llm_token **out, size_t *n_ids, cli *c, const llm_tokenizer *tokenizer, llm_span text, uint32_t flags) {
    if (!tokenizer) return cli_error(c, LLM_E_NOT_FOUND, "the model has no tokenizer");
    /* Most texts have fewer ids than bytes; the second round serves the others. */
    size_t capacity = text.len + 16;
    for (int round = 0; round < 2; round++) {
        *out = cli_alloc(c, capacity, sizeof **out);
        cli_progress_begin("encoding");
        llm_status status = llm_tokenizer_encode(n_ids, tokenizer, text.ptr, text.len, flags, *out, capacity);
        cli_progress_end();
        if (status == LLM_OK) return CLI_OK;
        if (status != LLM_E_CAPACITY || round) return cli_fail(c, status);
        capacity = *n_ids;
    }
    return CLI_FAILURE;
}

int cli_prompt_ids(llm_token **out, size_t *n_ids, cli *c, const cli_prompt *prompt) {
    if (!prompt->text.ptr) {
        *out = prompt->ids;
        *n_ids = prompt->n_ids;
        return CLI_OK;
    }
    uint32_t flags = (c->generate_options.add_special ? LLM_ENCODE_ADD_SPECIAL : 0u) |
                     (c->generate_options.parse_special ? LLM_ENCODE_PARSE_SPECIAL : 0u);
    return cli_encode(out, n_ids, c, llm_model_get_tokenizer(c->model), prompt->text, flags);
}
