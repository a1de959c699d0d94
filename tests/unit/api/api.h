// What the tests of the public calls share: objects that free themselves, and a small model with text.
#pragma once

#include <gtest/gtest.h>
#include <llm/llm.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "stories/stories.h"
#include "unit/model/files.h"

#define OK(call) ASSERT_EQ(LLM_OK, (call)) << llm_last_error()

// The call fails with this status, and its text holds these words.
#define FAILS(status, words, call)                                                                                     \
    do {                                                                                                               \
        EXPECT_EQ((status), (call));                                                                                   \
        EXPECT_NE(std::string::npos, std::string(llm_last_error()).find(words)) << llm_last_error();                   \
    } while (0)

template <class T, void (*release)(T *)> struct Releaser {
    void operator()(T *object) const { release(object); }
};
template <class T, void (*release)(T *)> using Owner = std::unique_ptr<T, Releaser<T, release>>;
using Runtime = Owner<llm_runtime, llm_runtime_unref>;
using Model = Owner<llm_model, llm_model_unref>;
using Tokenizer = Owner<llm_tokenizer, llm_tokenizer_unref>;
using Decoder = Owner<llm_decoder, llm_decoder_destroy>;
using Engine = Owner<llm_engine, llm_engine_destroy>;
using Request = Owner<llm_request, llm_request_destroy>;
using Result = Owner<llm_result, llm_result_unref>;
using Sequence = Owner<llm_sequence, llm_sequence_destroy>;

inline std::string str(llm_span span) {
    return std::string(span.ptr, span.len);
}

inline llm_span span(const std::string &text) {
    return {text.data(), text.size()};
}

inline std::vector<llm_token> encode(const llm_tokenizer *t, const std::string &text, uint32_t flags) {
    size_t n = 0;
    llm_tokenizer_encode(&n, t, text.data(), text.size(), flags, nullptr, 0);
    std::vector<llm_token> ids(n);
    EXPECT_EQ(LLM_OK, llm_tokenizer_encode(&n, t, text.data(), text.size(), flags, ids.data(), n)) << llm_last_error();
    return ids;
}

inline std::string decode(const llm_tokenizer *t, const std::vector<llm_token> &ids, uint32_t flags) {
    size_t n = 0;
    llm_tokenizer_decode(&n, t, ids.data(), ids.size(), flags, nullptr, 0);
    std::string text(n, 0);
    EXPECT_EQ(LLM_OK, llm_tokenizer_decode(&n, t, ids.data(), ids.size(), flags, text.data(), n)) << llm_last_error();
    return text;
}

inline std::vector<llm_token> tokens_of(const llm_result *r, int32_t index = 0) {
    const llm_token *ids = nullptr;
    size_t n = 0;
    EXPECT_EQ(LLM_OK, llm_result_tokens(&ids, &n, r, index)) << llm_last_error();
    return {ids, ids + n};
}

inline std::string text_of(const llm_result *r, int32_t index = 0) {
    llm_span text = {};
    EXPECT_EQ(LLM_OK, llm_result_text(&text, r, index)) << llm_last_error();
    return str(text);
}

inline int32_t finish_of(const llm_result *r, int32_t index = 0) {
    int32_t finish = -1;
    EXPECT_EQ(LLM_OK, llm_result_finish(&finish, r, index)) << llm_last_error();
    return finish;
}

inline std::vector<float> logprobs_of(const llm_result *r, int32_t index = 0) {
    const float *values = nullptr;
    size_t n = 0;
    EXPECT_EQ(LLM_OK, llm_result_logprobs(&values, &n, r, index)) << llm_last_error();
    return {values, values + n};
}

inline llm_generate_options generate_options(int32_t max_tokens = 20) {
    llm_generate_options o;
    llm_generate_options_init(&o);
    o.max_tokens = max_tokens;
    return o;
}

inline Model load_model(const std::string &path) {
    llm_model *m = nullptr;
    EXPECT_EQ(LLM_OK, llm_model_load(&m, nullptr, path.c_str(), nullptr)) << llm_last_error();
    return Model(m);
}

inline Engine make_engine(llm_model *m, int32_t n_ctx = 0, int32_t n_seqs = 8) {
    llm_engine_options o;
    llm_engine_options_init(&o);
    o.n_ctx = n_ctx;
    o.n_seqs = n_seqs;
    llm_engine *e = nullptr;
    EXPECT_EQ(LLM_OK, llm_engine_create(&e, m, &o)) << llm_last_error();
    return Engine(e);
}

// A test that runs the model of tests/stories.
class Stories : public testing::Test {
  protected:
    void SetUp() override {
        model = load_model(stories_gguf);
        engine = make_engine(model.get());
        tokenizer = llm_model_get_tokenizer(model.get());
        ASSERT_NE(nullptr, tokenizer);
    }
    // Generates from "Once upon a time".
    Result generate(const llm_generate_options &o, llm_event_fn on_event = nullptr, void *user = nullptr) {
        llm_result *r = nullptr;
        EXPECT_EQ(LLM_OK, llm_generate(&r, engine.get(), prompt, LLM_NTS, &o, on_event, user)) << llm_last_error();
        return Result(r);
    }
    static constexpr const char *prompt = "Once upon a time";
    static constexpr const char *story = ", there was a little girl named Lily. She loved to play outside in the park.";
    Model model;
    Engine engine;
    const llm_tokenizer *tokenizer = nullptr;
};
