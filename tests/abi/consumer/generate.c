/* A program as a user writes it, in C99: loads a model and writes what it generates to a file. Also fails once on
 * purpose, and prints nothing: whatever appears on the standard streams came from the library. */
#include <llm/llm.h>
#include <stdio.h>

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_result *result = NULL;
    llm_generate_options options;
    llm_span text;
    FILE *out;
    if (argc != 3) return 2;

    if (llm_model_load(&model, NULL, "/nowhere", NULL) != LLM_E_NOT_FOUND || !llm_last_error()[0]) return 3;

    llm_generate_options_init(&options);
    options.max_tokens = 20;
    if (llm_model_load(&model, NULL, argv[1], NULL)) return 4;
    if (llm_engine_create(&engine, model, NULL)) return 5;
    if (llm_generate(&result, engine, "Once upon a time", LLM_NTS, &options, NULL, NULL)) return 6;
    if (llm_result_text(&text, result, 0)) return 7;
    out = fopen(argv[2], "w");
    if (!out || fwrite(text.ptr, 1, text.len, out) != text.len || fclose(out)) return 8;
    llm_result_unref(result);
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return 0;
}
