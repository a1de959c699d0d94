// One table describes every option: it agrees with the structures, sets them, and bounds them.
#include <cmath>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "api.h"

extern "C" {
#include "base/option_table.h"
#include "base/options.h"
}

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
        llm_template_options_init(&tmpl);
        llm_prompt_options_init(&prompt);
        llm_fill_options_init(&fill);
        llm_ask_options_init(&ask);
    }
    std::vector<AnyOptions> all() {
        return {{"runtime", &runtime},   {"model", &model},       {"engine", &engine},
                {"generate", &generate}, {"quantize", &quantize}, {"template", &tmpl},
                {"prompt", &prompt},     {"fill", &fill},         {"ask", &ask}};
    }
    std::string bytes() {
        std::string s;
        for (const AnyOptions &g : all())
            s.append(static_cast<const char *>(g.options), llmi_option_group_find(g.group)->n_bytes);
        return s;
    }
    llm_runtime_options runtime;
    llm_model_options model;
    llm_engine_options engine;
    llm_generate_options generate;
    llm_quantize_options quantize;
    llm_template_options tmpl;
    llm_prompt_options prompt;
    llm_fill_options fill;
    llm_ask_options ask;
};

// "struct_size", "log_level", ...: the members of each option structure of the public headers, in their order.
std::map<std::string, std::vector<std::string>> members_of_headers() {
    std::map<std::string, std::vector<std::string>> members;
    for (const char *name : {"engine", "fewshot", "model", "prompt", "quantize", "reason", "runtime"}) {
        std::stringstream text;
        text << std::ifstream(LLM_SOURCE_DIR "/include/llm/" + std::string(name) + ".h").rdbuf();
        std::string code = std::regex_replace(text.str(), std::regex(R"(/\*[^*]*\*+([^/*][^*]*\*+)*/)"), "");
        const std::regex structure(R"(typedef struct llm_(\w+)_options \{([^}]*)\})"), member(R"((\w+)\s*;)");
        for (std::sregex_iterator s(code.begin(), code.end(), structure), end; s != end; ++s) {
            std::string body = (*s)[2];
            for (std::sregex_iterator m(body.begin(), body.end(), member); m != end; ++m)
                members[(*s)[1]].push_back((*m)[1]);
        }
    }
    return members;
}

// Whether the table has it or not, what grows in a header must be said in options.def.
TEST(OptionTable, HasARowForEveryMemberOfTheHeaders) {
    std::map<std::string, std::vector<std::string>> rows;
#define GROUP(group, last)                                       rows[#group].push_back("struct_size");
#define OPTION(group, name, type, default_as, min, max, meaning) rows[#group].push_back(#name);
#define MEMBER(group, name)                                                                                            \
    rows[#group].push_back(#name);                                                                                     \
    static_assert(offsetof(llm_##group##_options, name) > 0, "");
#define END(group)
#include "base/options.def"
#undef GROUP
#undef OPTION
#undef MEMBER
#undef END
    EXPECT_EQ(members_of_headers(), rows);
}

// A program may know less of a structure than the library, or more.
TEST(OptionTable, InitHonoursTheSizeItIsGiven) {
    using Init = void (*)(void *options, size_t n_bytes);
    std::map<std::string, Init> inits;
#define GROUP(group, last)                                                                                             \
    inits[#group] = [](void *options, size_t n_bytes) {                                                                \
        llm_##group##_options_init_sized(static_cast<llm_##group##_options *>(options), n_bytes);                      \
    };
#define OPTION(group, name, type, default_as, min, max, meaning)
#define MEMBER(group, name)
#define END(group)
#include "base/options.def"
#undef GROUP
#undef OPTION
#undef MEMBER
#undef END
    for (int32_t i = 0; llmi_option_group_at(i); i++) {
        const llmi_option_group *g = llmi_option_group_at(i);
        SCOPED_TRACE(g->name);
        EXPECT_LE(g->first_bytes, g->n_bytes);
        for (size_t n : {g->first_bytes, g->n_bytes - 1, g->n_bytes, g->n_bytes + 24}) {
            alignas(8) unsigned char room[512];
            memset(room, 0xa5, sizeof room);
            inits[g->name](room, n);
            uint32_t size;
            memcpy(&size, room, sizeof size);
            EXPECT_EQ(n, size);
            size_t known = std::min(n, g->n_bytes);
            EXPECT_EQ(0, memcmp(room + sizeof size, static_cast<const char *>(g->defaults) + sizeof size,
                                known - sizeof size));
            for (size_t k = known; k < n; k++) EXPECT_EQ(0, room[k]) << k;
            for (size_t k = n; k < sizeof room; k++) ASSERT_EQ(0xa5, room[k]) << k;
        }
    }
}

// One form of the text, wherever a value is refused.
TEST(OptionTable, RefusesWithNameValueAndRange) {
    llm_generate_options g;
    llm_generate_options_init(&g);
    g.top_p = 1.01f;
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_option_check("generate", &g));
    EXPECT_STREQ("llm_generate_options: top_p is 1.01, expected above 0 and at most 1", llm_last_error());
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_option_check_member("generate", "top_p", &g.top_p));
    EXPECT_STREQ("top_p is 1.01, expected above 0 and at most 1", llm_last_error());
    EXPECT_EQ(LLM_E_ARGUMENT, llm_option_set(&g, "generate", "top_p", "1.01"));
    EXPECT_STREQ("top_p is \"1.01\", expected above 0 and at most 1", llm_last_error());
    llm_fill_options f;
    llm_fill_options_init(&f);
    f.bm25_k1 = -1;
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_option_check("fill", &f));
    EXPECT_STREQ("llm_fill_options: bm25_k1 is -1, expected 0 or more", llm_last_error());
    llm_engine_options e;
    llm_engine_options_init(&e);
    e.n_kv_tokens = (int64_t)1 << 41;
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_option_check("engine", &e));
    EXPECT_STREQ("llm_engine_options: n_kv_tokens is 2199023255552, expected 1..1099511627776, or 0", llm_last_error());
    llm_runtime_options r;
    llm_runtime_options_init(&r);
    r.log_level = 5;
    llm_runtime *rt;
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_create(&rt, &r));
    EXPECT_STREQ("llm_runtime_options: log_level is 5, expected 0..4", llm_last_error());
}

TEST(OptionTable, TextsStandForNull) {
    llm_ask_options o;
    llm_ask_options_init(&o);
    o.judge = "verdict";
    o.extract = "";
    llmi_option_fill_texts("ask", &o);
    EXPECT_STREQ("none", o.cot);
    EXPECT_STREQ("text", o.extract);
    EXPECT_STREQ("verdict", o.judge);
    EXPECT_STREQ("cpu", llmi_option_text("model", "backend"));
}

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
            if (info.type != LLM_OPTION_INT || info.maximum > 1e18 || info.minimum == info.maximum) continue;
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
