// One table describes every option: it agrees with the structures, sets them, and bounds them.
#include <cmath>

#include "api.h"

namespace {

struct AnyOptions {
    const char *group;
    void *options;
};

class Options : public testing::Test {
  protected:
    void SetUp() override { init(); }
    void init() {
        llm_runtime_options_init(&runtime);
        llm_model_options_init(&model);
        llm_engine_options_init(&engine);
        llm_generate_options_init(&generate);
        llm_quantize_options_init(&quantize);
    }
    std::vector<AnyOptions> all() {
        return {{"runtime", &runtime},
                {"model", &model},
                {"engine", &engine},
                {"generate", &generate},
                {"quantize", &quantize}};
    }
    std::string bytes() const {
        std::string s;
        s.append(reinterpret_cast<const char *>(&runtime), sizeof runtime);
        s.append(reinterpret_cast<const char *>(&model), sizeof model);
        s.append(reinterpret_cast<const char *>(&engine), sizeof engine);
        s.append(reinterpret_cast<const char *>(&generate), sizeof generate);
        s.append(reinterpret_cast<const char *>(&quantize), sizeof quantize);
        return s;
    }
    llm_runtime_options runtime;
    llm_model_options model;
    llm_engine_options engine;
    llm_generate_options generate;
    llm_quantize_options quantize;
};

// Each default, set from its text, changes nothing that init wrote.
TEST_F(Options, TableEqualsInit) {
    std::string before = bytes();
    for (const AnyOptions &g : all()) {
        int32_t n = llm_option_count(g.group);
        EXPECT_GT(n, 0) << g.group;
        for (int32_t i = 0; i < n; i++) {
            llm_option_info info = {};
            info.struct_size = sizeof info;
            OK(llm_option_get(&info, g.group, i));
            EXPECT_GT(strlen(info.meaning), 0u);
            if (info.type == LLM_OPTION_STRING) continue; /* init says NULL, the text says what NULL means */
            OK(llm_option_set(g.options, g.group, info.name, info.default_as));
            EXPECT_EQ(before, bytes()) << g.group << " " << info.name;
        }
    }
}

// Both ends of a range are accepted, what lies outside is not and changes nothing.
TEST_F(Options, RangesBindBothWays) {
    for (const AnyOptions &g : all()) {
        for (int32_t i = 0; i < llm_option_count(g.group); i++) {
            llm_option_info info = {};
            info.struct_size = sizeof info;
            OK(llm_option_get(&info, g.group, i));
            if (info.type != LLM_OPTION_INT || info.maximum > 1e18) continue;
            SCOPED_TRACE(info.name);
            OK(llm_option_set(g.options, g.group, info.name, std::to_string((long long)info.minimum).c_str()));
            OK(llm_option_set(g.options, g.group, info.name, std::to_string((long long)info.maximum).c_str()));
            std::string before = bytes();
            for (const std::string &bad :
                 {std::to_string((long long)info.maximum + 1), std::to_string((long long)info.minimum - 5),
                  std::string("9999999999999999999999"), std::string(""), std::string("1x"), std::string(" 1"),
                  std::string("1.5")})
                FAILS(LLM_E_ARGUMENT, info.name, llm_option_set(g.options, g.group, info.name, bad.c_str()));
            EXPECT_EQ(before, bytes());
        }
    }
}

TEST_F(Options, EveryKindIsReadFromText) {
    OK(llm_option_set(&generate, "generate", "temperature", "0.75"));
    EXPECT_EQ(0.75f, generate.temperature);
    OK(llm_option_set(&generate, "generate", "seed", "18446744073709551615"));
    EXPECT_EQ(UINT64_MAX, generate.seed);
    FAILS(LLM_E_ARGUMENT, "seed", llm_option_set(&generate, "generate", "seed", "-1"));
    FAILS(LLM_E_ARGUMENT, "seed", llm_option_set(&generate, "generate", "seed", "18446744073709551616"));
    for (const char *yes : {"1", "true", "yes", "on"}) {
        OK(llm_option_set(&generate, "generate", "ignore_eos", "no"));
        OK(llm_option_set(&generate, "generate", "ignore_eos", yes));
        EXPECT_EQ(1, generate.ignore_eos);
    }
    OK(llm_option_set(&engine, "engine", "kv_dtype", "f16"));
    EXPECT_EQ(LLM_DTYPE_F16, engine.kv_dtype);
    FAILS(LLM_E_ARGUMENT, "kv_dtype", llm_option_set(&engine, "engine", "kv_dtype", "Q4_0"));
    OK(llm_option_set(&quantize, "quantize", "output_dtype", "Q4_K"));
    EXPECT_EQ(LLM_DTYPE_Q4_K, quantize.output_dtype);
    OK(llm_option_set(&engine, "engine", "n_kv_tokens", "5000000000"));
    EXPECT_EQ(5000000000, engine.n_kv_tokens);
    OK(llm_option_set(&model, "model", "backend", "openblas"));
    EXPECT_STREQ("openblas", model.backend);
    OK(llm_option_set(&model, "model", "pack_weights", "0"));
    EXPECT_EQ(0, model.pack_weights);
    EXPECT_EQ(LLM_DTYPE_AUTO, model.activation_dtype);
    OK(llm_option_set(&model, "model", "activation_dtype", "f32"));
    EXPECT_EQ(LLM_DTYPE_F32, model.activation_dtype);
}

TEST_F(Options, NumbersThatAreNoNumbersAreRefused) {
    for (const char *bad : {"nan", "inf", "-0.5", "0x1p3", "1,5", "warm", "", "1e99"})
        FAILS(LLM_E_ARGUMENT, "temperature is", llm_option_set(&generate, "generate", "temperature", bad));
    FAILS(LLM_E_ARGUMENT, "top_p is \"0\", expected above 0 and at most 1",
          llm_option_set(&generate, "generate", "top_p", "0"));
}

TEST_F(Options, UnknownNamesGetTheNearest) {
    FAILS(LLM_E_NOT_FOUND, "\"temperature\"", llm_option_set(&generate, "generate", "temprature", "1"));
    FAILS(LLM_E_NOT_FOUND, "\"engine\"", llm_option_set(&engine, "engin", "n_ctx", "1"));
    FAILS(LLM_E_NOT_FOUND, "zzzzzzzz", llm_option_set(&generate, "generate", "zzzzzzzz", "1"));
    EXPECT_EQ(std::string::npos, std::string(llm_last_error()).find("did you mean")) << llm_last_error();
    EXPECT_EQ(0, llm_option_count("engin"));
    EXPECT_EQ(0, llm_option_count(nullptr));
    llm_option_info info = {};
    info.struct_size = sizeof info;
    FAILS(LLM_E_ARGUMENT, "expected 0..", llm_option_get(&info, "engine", 99));
    FAILS(LLM_E_ARGUMENT, "expected 0..", llm_option_get(&info, "engine", -1));
    FAILS(LLM_E_NOT_FOUND, "nothing", llm_option_get(&info, "nothing", 0));
}

TEST(DtypeNames, GoBothWays) {
    for (llm_dtype d : {LLM_DTYPE_F32, LLM_DTYPE_F16, LLM_DTYPE_BF16, LLM_DTYPE_Q8_0, LLM_DTYPE_Q2_K, LLM_DTYPE_Q6_K}) {
        llm_dtype back = -7;
        ASSERT_NE(nullptr, llm_dtype_name(d));
        OK(llm_dtype_parse(&back, llm_dtype_name(d)));
        EXPECT_EQ(d, back);
    }
    llm_dtype d;
    OK(llm_dtype_parse(&d, "q4_k"));
    EXPECT_EQ(LLM_DTYPE_Q4_K, d);
    EXPECT_EQ(nullptr, llm_dtype_name(999));
    FAILS(LLM_E_NOT_FOUND, "known are F32, F16", llm_dtype_parse(&d, "Q4"));
    FAILS(LLM_E_NOT_FOUND, "Q4_KX", llm_dtype_parse(&d, "Q4_KX"));
}

} // namespace
