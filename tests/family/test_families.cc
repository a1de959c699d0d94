// Every family of archs.def, through the public calls, from a model that is made from its rows.
#include <llm/llm.h>

#include <cmath>

#include "family/families.h"

namespace {

const std::vector<llm_token> tokens = {1, 5, 9, 30, 2, 2, 17};

const llmi_arch *arch_named(const std::string &name) {
    for (int32_t i = 0; const llmi_arch *arch = llmi_arch_at(i); i++)
        if (arch->name == name) return arch;
    return nullptr;
}

std::vector<std::string> families() {
    std::vector<std::string> all;
    for (int32_t i = 0; const llmi_arch *arch = llmi_arch_at(i); i++) all.push_back(arch->name);
    return all;
}

class Families : public ::testing::TestWithParam<std::string> {
  protected:
    /* The logits after each token, computed `chunk` tokens at a time; empty if that fails. */
    static std::vector<float> logits(const std::string &path, size_t chunk = 99, const char *backend = "cpu") {
        llm_model_options options;
        llm_model_options_init(&options);
        options.backend = backend;
        llm_model *m = nullptr;
        llm_engine *e = nullptr;
        llm_sequence *s = nullptr;
        std::vector<float> out(tokens.size() * 32);
        llm_status status = llm_model_load(&m, nullptr, path.c_str(), &options);
        if (status == LLM_OK) status = llm_engine_create(&e, m, nullptr);
        if (status == LLM_OK) status = llm_sequence_create(&s, e);
        for (size_t at = 0; at < tokens.size() && status == LLM_OK; at += chunk) {
            size_t n = std::min(chunk, tokens.size() - at);
            status = llm_sequence_eval(s, tokens.data() + at, n, out.data() + at * 32, n);
        }
        EXPECT_EQ(LLM_OK, status) << llm_last_error();
        llm_sequence_destroy(s);
        llm_engine_destroy(e);
        llm_model_unref(m);
        return status == LLM_OK ? out : std::vector<float>();
    }
    static void expect_refused(const std::string &path, const std::string &name) {
        llm_model *m = nullptr;
        EXPECT_NE(LLM_OK, llm_model_load(&m, nullptr, path.c_str(), nullptr)) << name;
        EXPECT_NE(nullptr, strstr(llm_last_error(), name.c_str())) << llm_last_error();
        llm_model_unref(m);
    }

    const llmi_arch *arch = arch_named(GetParam());
    const TinyFamily family{arch};
    const std::string path = family.folder.path;
};

TEST_P(Families, ChunksDoNotChangeABit) {
    std::vector<float> whole = logits(path);
    for (float value : whole) ASSERT_TRUE(std::isfinite(value));
    EXPECT_EQ(whole, logits(path, 1));
    EXPECT_EQ(whole, logits(path, 3));
}

TEST_P(Families, TheCheckingDeviceFindsNothing) {
    EXPECT_EQ(logits(path), logits(path, 99, "checked-cpu"));
}

TEST_P(Families, GgufOfADirectoryComputesTheSame) {
    std::string out = path + "/out.gguf", again = path + "/again.gguf";
    ASSERT_EQ(LLM_OK, llm_quantize(nullptr, path.c_str(), out.c_str(), LLM_DTYPE_F32, nullptr)) << llm_last_error();
    std::vector<float> expected = logits(path), got = logits(out);
    ASSERT_EQ(expected.size(), got.size());
    for (size_t i = 0; i < expected.size(); i++) EXPECT_NEAR(expected[i], got[i], 1e-5) << i;
    ASSERT_EQ(LLM_OK, llm_quantize(nullptr, out.c_str(), again.c_str(), LLM_DTYPE_F32, nullptr)) << llm_last_error();
    EXPECT_EQ(got, logits(again));
}

TEST_P(Families, EachWeightIsNeeded) {
    for (auto &[name, t] : family.tensors) {
        TinyFamily less(arch);
        less.tensors.erase(name);
        less.write();
        expect_refused(less.folder.path, name);
        less.tensors = family.tensors;
        less.tensors[name].shape.push_back(2);
        less.tensors[name].values.resize(2 * t.values.size());
        less.write();
        expect_refused(less.folder.path, name);
    }
}

TEST_P(Families, AWeightThatNothingReadsIsRefused) {
    TinyFamily more(arch);
    llmi_weight_row row = {};
    llmi_row_name name;
    row.hf = "made_up_norm.weight";
    row.role = LLMI_ROLE_LAYER;
    ASSERT_TRUE(llmi_rows_name(name, arch, &row, LLMI_FORMAT_SAFETENSORS, 1));
    more.tensors[name] = made_up({32}, 1);
    more.write();
    expect_refused(more.folder.path, name);
}

INSTANTIATE_TEST_SUITE_P(Archs, Families, ::testing::ValuesIn(families()), [](const auto &row) { return row.param; });

} // namespace
