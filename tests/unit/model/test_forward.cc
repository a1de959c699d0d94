#include <cmath>

#include "stories/stories.h"
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

static llm_program record(const llm_model *m, llm_limits limits, std::vector<uint64_t> *memory = nullptr) {
    llm_program program;
    llmi_program_record(&program, m, &limits, nullptr);
    if (memory) {
        memory->resize(llmi_program_bytes(&program) / sizeof(uint64_t));
        llmi_program_record(&program, m, &limits, memory->data());
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
    size_t small = record(m, {{16, 1, 1}, 1, 16, LLM_DTYPE_F32}).workspace_bytes;
    /* x, angles, then the wider of attention and feed-forward: (16 + 4 + 16 + 24 + 24) floats a row */
    EXPECT_EQ(16u * 84 * 4, small);
    EXPECT_EQ(2 * small, record(m, {{32, 1, 1}, 1, 16, LLM_DTYPE_F32}).workspace_bytes);
    EXPECT_GE(record(m, {{16, 16, 16}, 1, 16, LLM_DTYPE_F32}).workspace_bytes, small);
}

TEST_F(Program, HasRoomForEveryValueAndWritesNoneThatItReads) {
    std::vector<uint64_t> memory;
    llm_limits limits = {{5, 3, 2}, 1, 16, LLM_DTYPE_F32};
    llm_program program = record(m, limits, &memory);
    auto end = [&](const llm_value &v) {
        int32_t rows = limits.rows[v.rows];
        return v.offset + 4 * ((int64_t)(rows - 1) * v.stride + v.cols);
    };
    for (int32_t n = 0; n < program.n_ops; n++) {
        const llm_op &op = program.ops[n];
        for (const llm_value &v : op.in) EXPECT_LE(end(v), (int64_t)program.workspace_bytes) << "kind " << op.kind;
        for (const llm_value &v : op.out) EXPECT_LE(end(v), (int64_t)program.workspace_bytes) << "kind " << op.kind;
        if (op.kind != LLM_OP_LINEAR) continue;
        for (int32_t i = 0; i < op.u.linear.n; i++) {
            const llm_value &in = op.in[0], &out = op.out[i];
            EXPECT_TRUE(end(out) <= in.offset || end(in) <= out.offset) << "layer " << op.layer << ", product " << i;
        }
    }
}

TEST_F(Program, DeclaresTheKeysAndValuesOfEachLayer) {
    std::vector<uint64_t> memory;
    llm_program program = record(m, {{5, 3, 2}, 1, 16, LLM_DTYPE_F16}, &memory);
    ASSERT_EQ(m->hp.n_layers, program.n_states);
    EXPECT_EQ(1, program.n_groups);
    std::vector<int32_t> written, read;
    for (int32_t i = 0; i < program.n_states; i++) {
        const llm_state_desc &d = program.states[i];
        EXPECT_EQ(LLM_STATE_PAGED, d.kind);
        EXPECT_EQ(llmi_hparams_get_int(m, "attention.head_count_kv"), d.n_heads);
        EXPECT_EQ(llmi_hparams_get_int(m, "attention.key_length"), d.k_dim);
        EXPECT_EQ(LLM_DTYPE_F16, d.dtype);
    }
    for (int32_t i = 0; i < program.n_ops; i++) {
        const llm_op &op = program.ops[i];
        if (op.kind == LLM_OP_KV_WRITE) written.push_back(op.u.kv_write.state);
        if (op.kind == LLM_OP_ATTEND) read.push_back(op.u.attend.state);
    }
    EXPECT_EQ((std::vector<int32_t>{0, 1}), written);
    EXPECT_EQ(written, read);
}

/* Of the golden models: no window, one in every layer, one in the second of two layers. */
TEST(Groups, HoldTheLayersOfOneWindow) {
    const struct {
        const char *name;
        std::vector<int32_t> windows, groups;
    } rows[] = {{"mistral-full", {0}, {0, 0}}, {"mistral", {5}, {0, 0}}, {"qwen3-window", {0, 7}, {0, 1}}};
    llm_runtime *rt = runtime_with_plugins();
    for (auto &row : rows) {
        llm_model *m = nullptr;
        std::string path = std::string(LLM_SOURCE_DIR "/tests/golden/data/") + row.name;
        ASSERT_EQ(LLM_OK, load(&m, rt, path, "checked-cpu")) << llm_last_error();
        int32_t windows[LLMI_MAX_GROUPS];
        int32_t n = llmi_program_windows(windows, m);
        EXPECT_EQ(row.windows, std::vector<int32_t>(windows, windows + n)) << row.name;
        std::vector<uint64_t> memory;
        llm_program program = record(m, {{5, 3, 2}, 1, 16, LLM_DTYPE_F32}, &memory);
        EXPECT_EQ(n, program.n_groups);
        for (int32_t i = 0; i < program.n_states; i++) {
            EXPECT_EQ(row.groups[(size_t)i], program.states[i].group) << row.name;
            EXPECT_EQ(windows[program.states[i].group], program.states[i].window) << row.name;
        }
        Runner(m, 8, 16).append({1, 5, 9, 30, 2});
        llmi_model_unref(m);
    }
    llm_runtime_unref(rt);
}

/* ---- trained models: the reference is a forward pass in float64 over the same weights ---- */

struct Trained {
    const StoryModel &files;
    bool is_hf;
    const char *backend;
};

void PrintTo(const Trained &t, std::ostream *out) {
    *out << t.files.name << (t.is_hf ? " hf " : " gguf ") << t.backend;
}

class Stories : public ::testing::TestWithParam<Trained> {};

TEST_P(Stories, LogitsEqualTheReference) {
    const StoryModel &files = GetParam().files;
    if (&files == &stories260k) NEEDS_STORIES260K();
    Json runs = Json::load(files.reference)["runs"];
    ASSERT_EQ(3u, runs.size());
    llm_runtime *rt = runtime_with_plugins();
    llm_model *m = nullptr;
    ASSERT_EQ(LLM_OK, load(&m, rt, GetParam().is_hf ? files.hf : files.gguf, GetParam().backend)) << llm_last_error();
    for (size_t r = 0; r < runs.size(); r++) {
        std::vector<int32_t> prompt = runs[r]["prompt_ids"].ints();
        std::vector<float> logits = Runner(m, 16, 64).append(prompt);
        std::vector<float> last(logits.end() - m->hp.n_vocab, logits.end());
        std::vector<double> expected = runs[r]["prompt_last_logits_full"].numbers();
        EXPECT_LE(rounding::relative_gap(last, expected), files.bound());
    }
    llmi_model_unref(m);
    llm_runtime_unref(rt);
}

std::vector<Trained> trained() {
    std::vector<Trained> all;
    for (const StoryModel *files : {&stories, &stories260k})
        for (bool is_hf : {false, true})
            for (const char *backend : {"reference", "cpu", "tiny"}) all.push_back({*files, is_hf, backend});
    return all;
}

INSTANTIATE_TEST_SUITE_P(Files, Stories, ::testing::ValuesIn(trained()), [](const auto &row) {
    return std::string(row.param.files.name) + (row.param.is_hf ? "_hf_" : "_gguf_") + row.param.backend;
});

} // namespace
