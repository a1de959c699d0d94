// The same in C++11.
#include <llm/llm.h>

#include <fstream>
#include <memory>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    llm_model *m = nullptr;
    if (llm_model_load(&m, nullptr, argv[1], nullptr) != LLM_OK) return 4;
    std::unique_ptr<llm_model, void (*)(llm_model *)> model(m, llm_model_unref);
    llm_engine *e = nullptr;
    if (llm_engine_create(&e, model.get(), nullptr) != LLM_OK) return 5;
    std::unique_ptr<llm_engine, void (*)(llm_engine *)> engine(e, llm_engine_destroy);

    llm_generate_options options;
    llm_generate_options_init(&options);
    options.max_tokens = 20;
    llm_result *r = nullptr;
    if (llm_generate(&r, engine.get(), "Once upon a time", LLM_NTS, &options, nullptr, nullptr) != LLM_OK) return 6;
    std::unique_ptr<llm_result, void (*)(llm_result *)> result(r, llm_result_unref);
    llm_span text;
    if (llm_result_text(&text, result.get(), 0) != LLM_OK) return 7;
    std::ofstream(argv[2], std::ios::binary).write(text.ptr, static_cast<std::streamsize>(text.len));
    return 0;
}
