/* Two requests at once without callbacks: the engine mixes them in the same steps, and the program
 * takes what each has produced when it likes. */
#include <llm/llm.h>
#include <stdio.h>

enum { N = 2 };
static const char *const prompts[N] = {"Once upon a time", "The little dog"};

static llm_status run(llm_engine *engine, llm_request **requests) {
    llm_generate_options options;
    llm_generate_options_init(&options);
    options.max_tokens = 24;
    llm_status status = LLM_OK;
    for (int i = 0; i < N && !status; i++)
        status = llm_request_submit(&requests[i], engine, prompts[i], LLM_NTS, &options);
    for (int32_t n_active = N; n_active > 0 && !status;) {
        status = llm_engine_step(&n_active, engine);
        for (int i = 0; i < N; i++) {
            llm_event event;
            while (llm_request_next(&event, requests[i]) > 0) {
                if (event.text.len) printf("%d: %.*s\n", i + 1, (int)event.text.len, event.text.ptr);
                if (event.finish) printf("%d: [%s]\n", i + 1, llm_finish_name(event.finish));
            }
        }
    }
    for (int i = 0; i < N && !status; i++) status = llm_request_status(requests[i]);
    return status;
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_request *requests[N] = {NULL};
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = run(engine, requests);
    if (status) fprintf(stderr, "%s\n", llm_last_error());
    for (int i = 0; i < N; i++) llm_request_destroy(requests[i]);
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
