/* llm info: what a model is and what it would take. */
#include "cli.h"

#include <string.h>

typedef struct dtype_count {
    int32_t dtype;
    int32_t n_tensors;
    int64_t n_bytes;
} dtype_count;

enum { MAX_DTYPES = 32 };

static int count_dtypes(dtype_count *out, size_t *n_out, cli *c, int32_t n_tensors) {
    size_t n = 0;
    for (int32_t i = 0; i < n_tensors; i++) {
        llm_tensor_info tensor = {.struct_size = sizeof tensor};
        llm_status status = llm_model_get_tensor(&tensor, c->model, i);
        if (status) return cli_fail(c, status);
        size_t at = 0;
        while (at < n && out[at].dtype != tensor.dtype) at++;
        if (at == MAX_DTYPES) continue;
        if (at == n) out[n++] = (dtype_count){.dtype = tensor.dtype};
        out[at].n_tensors++;
        out[at].n_bytes += tensor.n_bytes;
    }
    *n_out = n;
    return CLI_OK;
}

static const char *dtype_name(int32_t dtype) {
    const char *name = llm_dtype_name(dtype);
    return name ? name : "unknown";
}

static json_t *tensors_json(const dtype_count *counts, size_t n) {
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(
            object, dtype_name(counts[i].dtype),
            json_pack("{s:i,s:I}", "tensors", (int)counts[i].n_tensors, "bytes", (json_int_t)counts[i].n_bytes));
    return object;
}

static json_t *tokenizer_json(const llm_tokenizer *tokenizer) {
    if (!tokenizer) return json_null();
    return json_pack("{s:s,s:i,s:i,s:i,s:i}", "kind", llm_tokenizer_kind(tokenizer), "size",
                     (int)llm_tokenizer_size(tokenizer), "bos", (int)llm_tokenizer_special(tokenizer, LLM_SPECIAL_BOS),
                     "eos", (int)llm_tokenizer_special(tokenizer, LLM_SPECIAL_EOS), "eot",
                     (int)llm_tokenizer_special(tokenizer, LLM_SPECIAL_EOT));
}

static json_t *metadata_json(const llm_model *model) {
    json_t *object = json_object();
    int32_t n = llm_model_meta_count(model);
    for (int32_t i = 0; i < n; i++) {
        llm_span key, value;
        if (llm_model_get_meta(&key, &value, model, i)) continue;
        json_t *name = cli_json_text(key.ptr, key.len);
        json_object_set_new(object, name ? json_string_value(name) : "", cli_json_text(value.ptr, value.len));
        json_decref(name);
    }
    return object;
}

static json_t *model_json(const llm_model_info *m) {
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "arch", m->arch, "format",
                     m->format, "backend", m->backend, "dtype", dtype_name(m->dtype), "n_params",
                     (json_int_t)m->n_params, "n_bytes", (json_int_t)m->n_bytes, "n_layers", (int)m->n_layers, "n_embd",
                     (int)m->n_embd, "n_heads", (int)m->n_heads, "n_kv_heads", (int)m->n_kv_heads, "head_dim",
                     (int)m->head_dim, "n_ff", (int)m->n_ff, "n_vocab", (int)m->n_vocab, "n_ctx_train",
                     (int)m->n_ctx_train, "n_window", (int)m->n_window, "n_tensors", (int)m->n_tensors);
}

static json_t *memory_json(const llm_engine_memory *m) {
    return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I}", "n_ctx", (int)m->n_ctx, "n_kv_tokens", (json_int_t)m->n_kv_tokens,
                     "kv_bytes", (json_int_t)m->kv_bytes, "workspace_bytes", (json_int_t)m->workspace_bytes,
                     "weight_bytes", (json_int_t)m->weight_bytes, "total_bytes", (json_int_t)m->total_bytes);
}

static void print_size(const char *label, int64_t n_bytes, const char *after) {
    printf("%-14s ", label);
    cli_print_bytes(stdout, n_bytes);
    printf("%s\n", after);
}

static void print_model(const llm_model_info *m, const dtype_count *counts, size_t n) {
    printf("%-14s %s (%s, on %s)\n", "architecture", m->arch, m->format, m->backend);
    printf("%-14s %.6g million\n", "parameters", (double)m->n_params / 1e6);
    print_size("weights", m->n_bytes, "");
    for (size_t i = 0; i < n; i++) {
        printf("  %-12s %d tensors, ", dtype_name(counts[i].dtype), counts[i].n_tensors);
        cli_print_bytes(stdout, counts[i].n_bytes);
        putchar('\n');
    }
    printf("%-14s %d, width %d, feed-forward %d\n", "layers", m->n_layers, m->n_embd, m->n_ff);
    printf("%-14s %d of %d, %d for keys and values\n", "heads", m->n_heads, m->head_dim, m->n_kv_heads);
    printf("%-14s %d tokens trained", "context", m->n_ctx_train);
    if (m->n_window) printf(", sliding window %d", m->n_window);
    putchar('\n');
}

static void print_rest(const llm_tokenizer *tokenizer, int has_template, const llm_engine_memory *memory) {
    if (tokenizer)
        printf("%-14s %s, %d tokens\n", "tokenizer", llm_tokenizer_kind(tokenizer), llm_tokenizer_size(tokenizer));
    else
        printf("%-14s none\n", "tokenizer");
    printf("%-14s %s\n", "chat template", has_template ? "yes" : "no");
    if (!memory) return;
    char after[96];
    snprintf(after, sizeof after, " beyond the file, for %d tokens of context", memory->n_ctx);
    print_size("memory", memory->total_bytes, after);
    print_size("  KV cache", memory->kv_bytes, "");
    print_size("  workspace", memory->workspace_bytes, "");
    print_size("  weights", memory->weight_bytes, "");
}

static int run(cli *c) {
    int rc = cli_expect_args(c, 1, 1);
    if (!rc) rc = cli_open_model(c, c->args[0]);
    if (rc) return rc;
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, c->model);
    if (status) return cli_fail(c, status);
    dtype_count counts[MAX_DTYPES];
    size_t n_counts = 0;
    rc = count_dtypes(counts, &n_counts, c, info.n_tensors);
    if (rc) return rc;
    llm_engine_memory memory = {.struct_size = sizeof memory};
    int has_weights = !c->model_options.tokenizer_only;
    status = has_weights ? llm_engine_estimate(&memory, c->model, &c->engine_options) : LLM_OK;
    if (status) return cli_fail(c, status);
    llm_span value;
    int has_template = llm_model_find_meta(&value, c->model, "tokenizer.chat_template") == LLM_OK;
    const llm_tokenizer *tokenizer = llm_model_get_tokenizer(c->model);
    if (!c->json) {
        print_model(&info, counts, n_counts);
        print_rest(tokenizer, has_template, has_weights ? &memory : NULL);
        return CLI_OK;
    }
    json_t *object = model_json(&info);
    json_object_set_new(object, "path", cli_json_text(c->args[0], strlen(c->args[0])));
    json_object_set_new(object, "dtypes", tensors_json(counts, n_counts));
    json_object_set_new(object, "tokenizer", tokenizer_json(tokenizer));
    json_object_set_new(object, "chat_template", json_boolean(has_template));
    json_object_set_new(object, "memory", has_weights ? memory_json(&memory) : json_null());
    if (cli_get(c, "metadata")) json_object_set_new(object, "metadata", metadata_json(c->model));
    return cli_print_json(c, object);
}

static const cli_option options[] = {
    {0, "metadata", NULL, "with --json: all metadata of the file too"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_info = {
    .name = "info",
    .synopsis = "MODEL",
    .summary = "Show what a model is and what memory it would take",
    .details = "The memory is what an engine of the given options needs beyond the mapped file.\n"
               "--json: {\"arch\",\"format\",\"n_params\",...,\"dtypes\":{\"F32\":{\"tensors\",\"bytes\"}},\n"
               "\"tokenizer\":{...},\"chat_template\":bool,\"memory\":{...}}; an id that the vocabulary lacks is -1",
    .options = options,
    .groups = "engine model runtime",
    .model_at = 1,
    .run = run,
};
