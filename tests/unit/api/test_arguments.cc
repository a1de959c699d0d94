// NULL where there must be something is an error that names function and argument, never a crash; the calls
// that free ignore it.
#include <functional>

#include "api.h"

namespace {

struct Call {
    const char *words;
    std::function<llm_status()> run;
};

TEST(Arguments, NullIsAnErrorThatNamesIt) {
    llm_span s;
    size_t n;
    int32_t i;
    float f;
    llm_token id = 0;
    llm_dtype dtype;
    llm_model *m;
    llm_engine *e;
    llm_request *q;
    llm_result *r;
    llm_tokenizer *t;
    llm_decoder *d;
    llm_sequence *x;
    llm_runtime *rt;
    const float *values;
    float logprob;
    const llm_token *ids;
    const llm_token_logprob *top;
    llm_event event;
    llm_engine_memory memory;
    llm_model_info info;
    llm_tensor_info tensor;
    llm_token_info token;
    llm_option_info option;
    llm_result_stats stats;
    llm_device_info device;
    const std::vector<Call> calls = {
        {"llm_runtime_create: out", [&] { return llm_runtime_create(nullptr, nullptr); }},
        {"out or runtime", [&] { return llm_runtime_device_get(&device, nullptr, 0); }},
        {"llm_model_load: out", [&] { return llm_model_load(nullptr, nullptr, "x", nullptr); }},
        {"llm_model_load: path", [&] { return llm_model_load(&m, nullptr, nullptr, nullptr); }},
        {"llm_model_get_info: out", [&] { return llm_model_get_info(nullptr, nullptr); }},
        {"llm_model_get_info: model", [&] { return llm_model_get_info(&info, nullptr); }},
        {"llm_model_get_tensor: model", [&] { return llm_model_get_tensor(&tensor, nullptr, 0); }},
        {"llm_model_get_meta: model", [&] { return llm_model_get_meta(&s, &s, nullptr, 0); }},
        {"llm_model_find_meta: model", [&] { return llm_model_find_meta(&s, nullptr, "x"); }},
        {"llm_dtype_parse: name", [&] { return llm_dtype_parse(&dtype, nullptr); }},
        {"llm_tokenizer_load: path", [&] { return llm_tokenizer_load(&t, nullptr, nullptr); }},
        {"llm_tokenizer_encode: tokenizer", [&] { return llm_tokenizer_encode(&n, nullptr, "a", 1, 0, nullptr, 0); }},
        {"llm_tokenizer_decode: tokenizer", [&] { return llm_tokenizer_decode(&n, nullptr, &id, 1, 0, nullptr, 0); }},
        {"llm_tokenizer_get_token: tokenizer", [&] { return llm_tokenizer_get_token(&token, nullptr, 0); }},
        {"llm_decoder_create: tokenizer", [&] { return llm_decoder_create(&d, nullptr, 0); }},
        {"llm_decoder_push: decoder", [&] { return llm_decoder_push(&s, nullptr, 0); }},
        {"llm_decoder_finish: decoder", [&] { return llm_decoder_finish(&s, nullptr); }},
        {"llm_engine_estimate: model", [&] { return llm_engine_estimate(&memory, nullptr, nullptr); }},
        {"llm_engine_create: model", [&] { return llm_engine_create(&e, nullptr, nullptr); }},
        {"llm_engine_step: engine", [&] { return llm_engine_step(&i, nullptr); }},
        {"llm_request_submit: engine", [&] { return llm_request_submit(&q, nullptr, "a", 1, nullptr); }},
        {"llm_request_submit_tokens: engine", [&] { return llm_request_submit_tokens(&q, nullptr, &id, 1, nullptr); }},
        {"llm_request_next: request", [&] { return llm_request_next(&event, nullptr); }},
        {"llm_request_logprob: request", [&] { return llm_request_logprob(&logprob, &top, &n, nullptr, 0, 0); }},
        {"llm_request_status: request", [&] { return llm_request_status(nullptr); }},
        {"llm_request_result: request", [&] { return llm_request_result(&r, nullptr); }},
        {"llm_generate: engine", [&] { return llm_generate(&r, nullptr, "a", 1, nullptr, nullptr, nullptr); }},
        {"llm_generate_tokens: engine",
         [&] { return llm_generate_tokens(&r, nullptr, &id, 1, nullptr, nullptr, nullptr); }},
        {"llm_result_text: result", [&] { return llm_result_text(&s, nullptr, 0); }},
        {"llm_result_tokens: result", [&] { return llm_result_tokens(&ids, &n, nullptr, 0); }},
        {"llm_result_finish: result", [&] { return llm_result_finish(&i, nullptr, 0); }},
        {"llm_result_logprobs: result", [&] { return llm_result_logprobs(&values, &n, nullptr, 0); }},
        {"llm_result_top: result", [&] { return llm_result_top(&top, &n, &n, nullptr, 0); }},
        {"llm_result_get_stats: result", [&] { return llm_result_get_stats(&stats, nullptr); }},
        {"llm_score: engine", [&] { return llm_score(&r, nullptr, nullptr, 0, nullptr); }},
        {"llm_embed: engine", [&] { return llm_embed(&f, nullptr, nullptr, 0, 0, 0); }},
        {"llm_sequence_create: engine", [&] { return llm_sequence_create(&x, nullptr); }},
        {"llm_sequence_eval: sequence", [&] { return llm_sequence_eval(nullptr, nullptr, 0, nullptr, 0); }},
        {"llm_sequence_fork: sequence", [&] { return llm_sequence_fork(&x, nullptr); }},
        {"llm_sequence_rewind: sequence", [&] { return llm_sequence_rewind(nullptr, 0); }},
        {"llm_option_get: group", [&] { return llm_option_get(&option, nullptr, 0); }},
        {"llm_option_set: options", [&] { return llm_option_set(nullptr, "engine", "n_ctx", "1"); }},
        {"llm_quantize: in", [&] { return llm_quantize(nullptr, nullptr, "x", LLM_DTYPE_F16, nullptr); }},
    };
    for (const Call &call : calls) FAILS(LLM_E_ARGUMENT, call.words, call.run());
    OK(llm_runtime_create(&rt, nullptr));
    EXPECT_STREQ("", llm_last_error()) << "cleared by the call that succeeds";
    llm_runtime_unref(rt);
}

TEST(Arguments, WhatFreesOrOnlyAsksIgnoresNull) {
    EXPECT_EQ(LLM_E_ARGUMENT, llm_model_load(nullptr, nullptr, nullptr, nullptr));
    llm_model_unref(nullptr);
    llm_runtime_unref(nullptr);
    llm_tokenizer_unref(nullptr);
    llm_decoder_destroy(nullptr);
    llm_engine_destroy(nullptr);
    llm_request_destroy(nullptr);
    llm_result_unref(nullptr);
    llm_sequence_destroy(nullptr);
    llm_request_cancel(nullptr);
    EXPECT_STRNE("", llm_last_error()) << "freeing leaves the text";
    EXPECT_EQ(nullptr, llm_model_ref(nullptr));
    EXPECT_EQ(nullptr, llm_tokenizer_ref(nullptr));
    EXPECT_EQ(nullptr, llm_result_ref(nullptr));
    EXPECT_EQ(nullptr, llm_model_get_tokenizer(nullptr));
    EXPECT_EQ(0, llm_model_meta_count(nullptr));
    EXPECT_EQ(0, llm_tokenizer_size(nullptr));
    EXPECT_EQ(0, llm_result_count(nullptr));
    EXPECT_EQ(0, llm_request_done(nullptr));
    EXPECT_EQ(0u, llm_sequence_tokens(nullptr, nullptr));
    EXPECT_STREQ("unknown", llm_finish_name(99));
    EXPECT_STREQ("context", llm_finish_name(LLM_FINISH_CONTEXT));
    llm_engine_options_init(nullptr);
}

} // namespace
