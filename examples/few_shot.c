/* Classification by examples: the model is told nothing but what other cases were called. The examples are chosen so
 * that each label occurs equally often; the same model without examples shows what they are worth. */
#include <llm/llm.h>
#include <stdio.h>
#include <string.h>

static const char EXAMPLES[] = "input,output\n"
                               "41,odd\n28,even\n67,odd\n90,even\n13,odd\n36,even\n55,odd\n72,even\n89,odd\n14,even\n";
static const char *const CASES[][2] = {{"23", "odd"}, {"48", "even"}, {"61", "odd"}, {"70", "even"},
                                       {"95", "odd"}, {"32", "even"}, {"17", "odd"}, {"86", "even"}};
enum { N_CASES = sizeof CASES / sizeof CASES[0] };

static llm_status make_prompt(llm_prompt **out) {
    llm_prompt_options options;
    llm_prompt_options_init(&options);
    options.example_format = "Input: {{ input }}\nOutput: {{ output }}";
    options.query_format = "Input: {{ input }}\nOutput:";
    options.label_field = "output";
    llm_status status = llm_prompt_create(out, NULL, &options);
    return status ? status : llm_prompt_add_examples(*out, EXAMPLES, LLM_NTS, LLM_EXAMPLES_CSV);
}

/* How many cases come out right with k examples. */
static llm_status count_right(int *n_right, llm_engine *engine, llm_prompt *prompt, int k) {
    llm_fill_options fill;
    llm_generate_options generate;
    llm_fill_options_init(&fill);
    llm_generate_options_init(&generate);
    fill.k = k;
    fill.select = "balanced";
    fill.order = "random";
    fill.chat = 0;
    generate.max_tokens = 8;
    llm_status status = LLM_OK;
    *n_right = 0;
    for (int i = 0; i < N_CASES && !status; i++) {
        char query[64];
        llm_answer *answer = NULL;
        llm_span text = {"", 0};
        snprintf(query, sizeof query, "{\"input\":\"%s\"}", CASES[i][0]);
        fill.seed = (uint64_t)i;
        status = llm_ask(&answer, engine, prompt, query, LLM_NTS, &fill, NULL, &generate);
        if (!status && llm_answer_text(&text, answer) == LLM_OK)
            *n_right += text.len == strlen(CASES[i][1]) && memcmp(text.ptr, CASES[i][1], text.len) == 0;
        if (k && !status) printf("%s -> %.*s\n", CASES[i][0], (int)text.len, text.ptr);
        llm_answer_destroy(answer);
    }
    return status;
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_prompt *prompt = NULL;
    int with = 0, without = 0;
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = make_prompt(&prompt);
    if (!status) status = count_right(&without, engine, prompt, 0);
    if (!status) status = count_right(&with, engine, prompt, 6);
    if (status)
        fprintf(stderr, "%s\n", llm_last_error());
    else
        printf("right: %d of %d with 6 examples, %d with none\n", with, (int)N_CASES, without);
    llm_prompt_unref(prompt);
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
