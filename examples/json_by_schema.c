/* Text that a program can read: whatever the model would say, it validates against a JSON Schema. */
#include <llm/llm.h>
#include <stdio.h>

static const char SCHEMA[] =
    "{\"type\": \"object\","
    " \"properties\": {"
    "   \"name\":    {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 12},"
    "   \"age\":     {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 120},"
    "   \"animal\":  {\"enum\": [\"cat\", \"dog\", \"bird\"]},"
    "   \"friends\": {\"type\": \"array\", \"items\": {\"type\": \"boolean\"}, \"maxItems\": 3}},"
    " \"required\": [\"name\", \"age\", \"animal\"]}";

static llm_status write_json(llm_engine *engine, const llm_grammar *grammar, uint64_t seed) {
    llm_generate_options options;
    llm_generate_options_init(&options);
    options.grammar = grammar;
    options.temperature = 1;
    options.max_tokens = 100;
    options.seed = seed;
    llm_result *result = NULL;
    llm_span text;
    int32_t finish;
    llm_status status = llm_generate(&result, engine, "Once upon a time there was ", LLM_NTS, &options, NULL, NULL);
    if (!status) status = llm_result_text(&text, result, 0);
    if (!status) status = llm_result_finish(&finish, result, 0);
    if (!status) printf("%s: %.*s\n", llm_finish_name(finish), (int)text.len, text.ptr);
    llm_result_unref(result);
    return status;
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_grammar *grammar = NULL;
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = llm_grammar_from_json_schema(&grammar, llm_model_get_tokenizer(model), SCHEMA, LLM_NTS);
    for (uint64_t seed = 1; seed <= 3 && !status; seed++) status = write_json(engine, grammar, seed);
    if (status) fprintf(stderr, "%s\n", llm_last_error());
    llm_grammar_unref(grammar);
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
