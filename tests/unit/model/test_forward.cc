#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <jansson.h>

#include "unit/model/files.h"
#include "unit/model/runner.h"

namespace {

class Forward : public ::testing::TestWithParam<const char *> {
  protected:
    void SetUp() override { rt = runtime_with_plugins(); }
    void TearDown() override {
        llmi_model_unref(m);
        llm_runtime_unref(rt);
    }
    Folder folder;
    llm_runtime *rt = nullptr;
    llm_model *m = nullptr;
};

TEST_P(Forward, ChunksDoNotChangeABit) {
    ASSERT_EQ(LLM_OK, load(&m, rt, folder.write("m.gguf", tiny_gguf(GetParam()).encode()), "tiny"));
    const std::vector<int32_t> tokens = {1, 5, 9, 30, 2, 2, 17, 11, 0, 3};
    std::vector<float> whole = Runner(m, 16, 16).append(tokens);
    EXPECT_EQ(whole, Runner(m, 1, 16).append_singly(tokens));
    for (float value : whole) ASSERT_TRUE(std::isfinite(value));
}

TEST_P(Forward, LaterTokensDoNotReachBack) {
    ASSERT_EQ(LLM_OK, load(&m, rt, folder.write("m.gguf", tiny_gguf(GetParam()).encode()), "tiny"));
    std::vector<float> one = Runner(m, 8, 16).append({1, 5, 9, 30});
    std::vector<float> two = Runner(m, 8, 16).append({1, 5, 9, 31});
    size_t n = 3 * (size_t)m->hp.n_vocab;
    EXPECT_TRUE(std::equal(one.begin(), one.begin() + (ptrdiff_t)n, two.begin()));
    EXPECT_FALSE(std::equal(one.begin() + (ptrdiff_t)n, one.end(), two.begin() + (ptrdiff_t)n));
}

TEST_P(Forward, WindowForgets) {
    Gguf g = tiny_gguf(GetParam());
    g.set_int(std::string(GetParam()) + ".attention.sliding_window", 2);
    ASSERT_EQ(LLM_OK, load(&m, rt, folder.write("m.gguf", g.encode()), "tiny"));
    /* Two layers that see one token back each: the fourth token knows nothing of the first. */
    std::vector<float> one = Runner(m, 8, 16).append({1, 5, 9, 30});
    std::vector<float> two = Runner(m, 8, 16).append({2, 5, 9, 30});
    size_t n = (size_t)m->hp.n_vocab;
    EXPECT_FALSE(
        std::equal(one.begin() + 2 * (ptrdiff_t)n, one.begin() + 3 * (ptrdiff_t)n, two.begin() + 2 * (ptrdiff_t)n));
    EXPECT_TRUE(std::equal(one.begin() + 3 * (ptrdiff_t)n, one.end(), two.begin() + 3 * (ptrdiff_t)n));
}

TEST_P(Forward, TheCheckingDeviceFindsNothing) {
    for (const char *backend : {"checked-tiny", "checked-cpu"}) {
        ASSERT_EQ(LLM_OK, load(&m, rt, folder.write("m.gguf", tiny_gguf(GetParam()).encode()), backend))
            << llm_last_error();
        {
            Runner runner(m, 8, 16);
            runner.append({1, 5, 9, 30, 2});
            runner.append({7});
            runner.append({8, 9});
        }
        llmi_model_unref(m);
        m = nullptr;
    }
}

INSTANTIATE_TEST_SUITE_P(Families, Forward, ::testing::Values("llama", "qwen2", "qwen3"),
                         [](const auto &row) { return std::string(row.param); });

static llm_program record(const llm_model *m, llm_limits limits, std::vector<llm_op> *ops = nullptr) {
    llm_program program;
    llmi_model_record(&program, m, &limits, nullptr);
    if (ops) {
        ops->resize((size_t)program.n_ops);
        llmi_model_record(&program, m, &limits, ops->data());
    }
    return program;
}

class Program : public ::testing::Test {
  protected:
    void SetUp() override {
        rt = runtime_with_plugins();
        ASSERT_EQ(LLM_OK, load(&m, rt, folder.write("m.gguf", tiny_gguf().encode()), "tiny"));
    }
    void TearDown() override {
        llmi_model_unref(m);
        llm_runtime_unref(rt);
    }
    Folder folder;
    llm_runtime *rt = nullptr;
    llm_model *m = nullptr;
};

TEST_F(Program, CountsWhatAStepTakes) {
    size_t small = record(m, {{16, 1, 1}}).workspace_bytes;
    /* x, angles, then the wider of attention and feed-forward: (16 + 4 + 16 + 24 + 24) floats a row */
    EXPECT_EQ(16u * 84 * 4, small);
    EXPECT_EQ(2 * small, record(m, {{32, 1, 1}}).workspace_bytes);
    EXPECT_GE(record(m, {{16, 16, 16}}).workspace_bytes, small);
}

TEST_F(Program, HasRoomForEveryValueAndWritesNoneThatItReads) {
    std::vector<llm_op> ops;
    llm_limits limits = {{5, 3, 2}};
    llm_program program = record(m, limits, &ops);
    auto end = [&](const llm_value &v) {
        int32_t rows = limits.rows[v.rows];
        return v.offset + 4 * ((int64_t)(rows - 1) * v.stride + v.cols);
    };
    for (const llm_op &op : ops) {
        for (const llm_value &v : op.in) EXPECT_LE(end(v), (int64_t)program.workspace_bytes) << "kind " << op.kind;
        for (const llm_value &v : op.out) EXPECT_LE(end(v), (int64_t)program.workspace_bytes) << "kind " << op.kind;
        if (op.kind != LLM_OP_LINEAR) continue;
        for (int32_t i = 0; i < op.u.linear.n; i++) {
            const llm_value &in = op.in[0], &out = op.out[i];
            EXPECT_TRUE(end(out) <= in.offset || end(in) <= out.offset) << "layer " << op.layer << ", product " << i;
        }
    }
}

/* ---- a real model: the reference is a float64 forward pass over the same weights ---- */

class Stories : public ::testing::TestWithParam<std::pair<const char *, const char *>> {};

TEST_P(Stories, LogitsEqualTheReference) {
    std::string folder = std::string(LLM_SHARED_DATA) + "/models/stories260K/";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is missing";
    json_error_t error;
    json_t *reference = json_load_file((folder + "stories260K-reference.json").c_str(), 0, &error);
    ASSERT_NE(nullptr, reference) << error.text;

    llm_runtime *rt = runtime_with_plugins();
    llm_model *m = nullptr;
    ASSERT_EQ(LLM_OK, load(&m, rt, folder + GetParam().first, GetParam().second)) << llm_last_error();
    size_t index;
    json_t *run;
    json_array_foreach(json_object_get(reference, "runs"), index, run) {
        std::vector<int32_t> prompt;
        size_t i;
        json_t *value;
        json_array_foreach(json_object_get(run, "prompt_ids"), i, value)
            prompt.push_back((int32_t)json_integer_value(value));
        std::vector<float> logits = Runner(m, 16, 64).append(prompt);
        const float *last = logits.data() + (prompt.size() - 1) * (size_t)m->hp.n_vocab;
        json_t *expected = json_object_get(run, "prompt_last_logits_full");
        ASSERT_EQ((size_t)m->hp.n_vocab, json_array_size(expected));
        json_array_foreach(expected, i, value) ASSERT_NEAR(json_number_value(value), last[i], 1e-3) << "logit " << i;
    }
    llmi_model_unref(m);
    llm_runtime_unref(rt);
    json_decref(reference);
}

INSTANTIATE_TEST_SUITE_P(Files, Stories,
                         ::testing::Values(std::pair("stories260K-f32.gguf", "reference"),
                                           std::pair("stories260K-f32.gguf", "cpu"),
                                           std::pair("stories260K-f32.gguf", "tiny"),
                                           std::pair("stories260K-hf", "reference"),
                                           std::pair("stories260K-hf", "cpu")),
                         [](const auto &row) {
                             std::string name = std::string(row.param.first).substr(12) + row.param.second;
                             std::string out;
                             for (char c : name)
                                 if (isalnum((unsigned char)c)) out += c;
                             return out;
                         });

} // namespace
