/* A word problem, answered at once, and with reasoning whose answers vote (self-consistency): nine lines of thought
 * are drawn from one computed prompt, and the answer that most of them reach wins. */
#include <llm/llm.h>
#include <stdio.h>

static const char QUESTION[] = "{\"question\":\"Anna has 23 apples. She buys 8 more. Then she gives 5 to Tom. "
                               "How many apples does Anna have now?\"}";

static void print_votes(const llm_answer *answer) {
    static const char *const stages[] = {"answer", "reasoning", "decompose", "step"};
    for (int32_t i = 0; i < llm_answer_sample_count(answer); i++) {
        llm_sample s = {.struct_size = sizeof s};
        if (llm_answer_sample(&s, answer, i)) continue;
        printf("%s %d:%.*s [%.*s]\n", stages[s.stage], i, (int)s.text.len, s.text.ptr, (int)s.answer.len,
               s.answer.ptr ? s.answer.ptr : "");
    }
    for (int32_t i = 0; i < llm_answer_vote_count(answer); i++) {
        llm_vote vote;
        if (!llm_answer_vote(&vote, answer, i))
            printf("%d votes for %.*s\n", vote.n_votes, (int)vote.answer.len, vote.answer.ptr);
    }
}

static llm_status ask(llm_engine *engine, const char *how, int n_samples) {
    llm_fill_options fill;
    llm_ask_options options;
    llm_generate_options generate;
    llm_fill_options_init(&fill);
    llm_ask_options_init(&options);
    llm_generate_options_init(&generate);
    fill.chat = 0;
    options.cot = how;
    options.extract = "number";
    options.n_samples = n_samples;
    generate.max_tokens = 96;
    generate.temperature = n_samples > 1 ? 0.7f : 0;
    generate.seed = 1;
    llm_answer *answer = NULL;
    llm_span text;
    llm_result_stats stats = {.struct_size = sizeof stats};
    llm_status status = llm_ask(&answer, engine, NULL, QUESTION, LLM_NTS, &fill, &options, &generate);
    if (!status) status = llm_answer_get_stats(&stats, answer);
    if (!status) {
        if (n_samples > 1) print_votes(answer);
        if (llm_answer_text(&text, answer)) text = (llm_span){"none", 4};
        printf("cot %s, samples %d: %.*s (tokens: %d prompt, %d cached, %d generated)\n", how, n_samples, (int)text.len,
               text.ptr, stats.n_prompt_tokens, stats.n_cached_tokens, stats.n_tokens);
    }
    llm_answer_destroy(answer);
    return status;
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = ask(engine, "none", 1);
    if (!status) status = ask(engine, "zero", 1);
    if (!status) status = ask(engine, "zero", 9);
    if (status) fprintf(stderr, "%s\n", llm_last_error());
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
