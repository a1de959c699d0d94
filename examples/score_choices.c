/* A multiple-choice question: which continuation does the model find most probable? The prompt they
 * share is computed once. */
#include <llm/llm.h>
#include <stdio.h>

enum { N = 3 };
#define SPAN(text)                                                                                                     \
    { text, sizeof(text) - 1 }
static const llm_score_item choices[N] = {
    {SPAN("Once upon a time, there was a little"), SPAN(" girl named Lily.")},
    {SPAN("Once upon a time, there was a little"), SPAN(" tax on imports.")},
    {SPAN("Once upon a time, there was a little"), SPAN(" named girl Lily.")},
};

static llm_status print_best(const llm_result *result) {
    int best = 0;
    double sums[N];
    for (int i = 0; i < N; i++) {
        const float *logprobs;
        size_t n;
        llm_status status = llm_result_logprobs(&logprobs, &n, result, i);
        if (status) return status;
        sums[i] = 0;
        for (size_t k = 0; k < n; k++) sums[i] += (double)logprobs[k];
        printf("%8.3f  %s\n", sums[i], choices[i].continuation.ptr);
        if (sums[i] > sums[best]) best = i;
    }
    printf("best:     %s\n", choices[best].continuation.ptr);
    return LLM_OK;
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_result *result = NULL;
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = llm_score(&result, engine, choices, N, NULL);
    if (!status) status = print_best(result);
    if (status) fprintf(stderr, "%s\n", llm_last_error());
    llm_result_unref(result);
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
