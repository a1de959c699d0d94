/* Loads a model and streams what it writes.
 * cc hello.c $(pkg-config --cflags --libs libllm) -o hello && ./hello MODEL.gguf */
#include <llm/llm.h>
#include <stdio.h>

static int32_t print(void *user, const llm_event *event) {
    fwrite(event->text.ptr, 1, event->text.len, stdout);
    return fflush(stdout);
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = llm_generate(NULL, engine, "Once upon a time", LLM_NTS, NULL, print, NULL);
    if (status) fprintf(stderr, "%s\n", llm_last_error());
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
