/* A program of an earlier release: compiled against the headers of the baseline, run against another library. Every
 * structure lies between guards that no call may touch, and what it sets must count. */
#include <llm/llm.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GUARD_BYTES = 512 };

static int n_failed;

static void expect(int holds, const char *what) {
    if (holds) return;
    printf("%s does not hold: %s\n", what, llm_last_error());
    n_failed++;
}

static void set_guard(unsigned char *guard) {
    memset(guard, 0x5a, GUARD_BYTES);
}

static int is_whole(const unsigned char *guard) {
    int i;
    for (i = 0; i < GUARD_BYTES; i++)
        if (guard[i] != 0x5a) return 0;
    return 1;
}

#define GUARDED(type, name)                                                                                            \
    struct {                                                                                                           \
        type it;                                                                                                       \
        unsigned char guard[GUARD_BYTES];                                                                              \
    } name;                                                                                                            \
    memset(&name.it, 0, sizeof name.it);                                                                               \
    set_guard(name.guard)

static llm_model *try_loading(const char *path) {
    llm_runtime *runtime = NULL;
    llm_model *model = NULL;
    GUARDED(llm_runtime_options, r);
    GUARDED(llm_model_options, m);
    llm_runtime_options_init(&r.it);
    llm_model_options_init(&m.it);
    expect(is_whole(r.guard) && is_whole(m.guard), "initialising options stays inside them");
    expect(r.it.struct_size == sizeof r.it && m.it.struct_size == sizeof m.it, "the size is that of this program");
    expect(r.it.log_level == LLM_LOG_WARNING && m.it.use_mmap == 1, "the defaults are those of the headers");

    r.it.n_threads = 1;
    m.it.backend = "no-such";
    expect(llm_runtime_create(&runtime, &r.it) == LLM_OK, "a runtime is made");
    expect(llm_model_load(&model, runtime, path, &m.it) == LLM_E_NOT_FOUND, "a member that is set counts");
    m.it.backend = "cpu";
    expect(llm_model_load(&model, runtime, path, &m.it) == LLM_OK, "a model is loaded");
    llm_runtime_unref(runtime);
    return model;
}

static void try_infos(const llm_model *model) {
    GUARDED(llm_model_info, info);
    GUARDED(llm_tensor_info, tensor);
    info.it.struct_size = sizeof info.it;
    tensor.it.struct_size = sizeof tensor.it;
    expect(llm_model_get_info(&info.it, model) == LLM_OK && is_whole(info.guard), "model info stays inside");
    expect(info.it.n_layers > 0 && info.it.n_bytes > 0, "model info is filled to its end");
    expect(llm_model_get_tensor(&tensor.it, model, 0) == LLM_OK && is_whole(tensor.guard), "tensor info stays inside");
    expect(tensor.it.n_bytes > 0, "tensor info is filled to its end");
}

static void try_computing(llm_model *model) {
    static const llm_token prompt[] = {1, 5, 9};
    llm_engine *engine = NULL;
    llm_result *result = NULL;
    const llm_token *tokens = NULL;
    size_t n_tokens = 0;
    GUARDED(llm_engine_options, e);
    GUARDED(llm_engine_memory, memory);
    GUARDED(llm_generate_options, g);
    GUARDED(llm_result_stats, stats);
    llm_engine_options_init(&e.it);
    llm_generate_options_init(&g.it);
    expect(is_whole(e.guard) && is_whole(g.guard), "initialising options stays inside them");

    e.it.n_ctx = 32;
    memory.it.struct_size = sizeof memory.it;
    expect(llm_engine_estimate(&memory.it, model, &e.it) == LLM_OK && is_whole(memory.guard),
           "an estimate stays inside");
    expect(memory.it.n_ctx == 32, "the context is the one asked for");
    expect(llm_engine_create(&engine, model, &e.it) == LLM_OK, "an engine is made");
    g.it.max_tokens = 4;
    g.it.ignore_eos = 1;
    expect(llm_generate_tokens(&result, engine, prompt, 3, &g.it, NULL, NULL) == LLM_OK, "it generates");
    expect(llm_result_tokens(&tokens, &n_tokens, result, 0) == LLM_OK && n_tokens == 4, "as much as was asked for");
    stats.it.struct_size = sizeof stats.it;
    expect(llm_result_get_stats(&stats.it, result) == LLM_OK && is_whole(stats.guard), "statistics stay inside");
    expect(stats.it.n_prompt_tokens == 3 && stats.it.n_tokens == 4, "statistics count");
    llm_result_unref(result);
    llm_engine_destroy(engine);
}

static void try_options(void) {
    GUARDED(llm_option_info, info);
    GUARDED(llm_generate_options, g);
    llm_generate_options_init(&g.it);
    info.it.struct_size = sizeof info.it;
    expect(llm_option_get(&info.it, "generate", 0) == LLM_OK && is_whole(info.guard), "option info stays inside");
    expect(llm_option_set(&g.it, "generate", "top_p", "0.5") == LLM_OK, "an option is set by name");
    expect(fabsf(g.it.top_p - 0.5f) < 1e-6f && is_whole(g.guard), "in its place");
}

int main(int argc, char **argv) {
    llm_model *model;
    if (argc != 2) return 2;
    model = try_loading(argv[1]);
    if (!model) return 1;
    try_infos(model);
    try_computing(model);
    try_options();
    llm_model_unref(model);
    return n_failed != 0;
}
