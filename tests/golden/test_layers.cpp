/* The model layer on the reference back end: every golden model from each of its files, the state after the last
 * layer included. All of its sums run in double, so that what is left is the rounding of F32 between operations. */
#define LLM_PLUGIN_DIR nullptr
#include "golden/golden.h"
#include "unit/model/runner.h"

namespace {

class Layers : public ::testing::TestWithParam<golden::File> {
  protected:
    void SetUp() override {
        rt = runtime_with_plugins();
        ASSERT_TRUE(expected.complete) << GetParam().expected;
        ASSERT_EQ(LLM_OK, load(&m, rt, GetParam().path.string(), "reference")) << llm_last_error();
    }
    void TearDown() override {
        llmi_model_unref(m);
        llm_runtime_unref(rt);
    }
    const golden::Expected expected{GetParam().expected};
    llm_runtime *rt = nullptr;
    llm_model *m = nullptr;
};

TEST_P(Layers, ComputeWhatTransformersDoes) {
    Runner runner(m, 64, 64);
    std::vector<float> logits = runner.append(expected.tokens);
    ASSERT_EQ(expected.logits.size(), logits.size());
    EXPECT_LT(golden::largest_gap(logits.data(), expected.logits.data(), logits.size()), 1e-4);
    size_t n = expected.hidden.size();
    ASSERT_LE(n, runner.hidden.size());
    const float *last = runner.hidden.data() + runner.hidden.size() - n;
    EXPECT_LT(golden::largest_gap(last, expected.hidden.data(), n), 1e-4);
}

TEST_P(Layers, DoNotDependOnChunks) {
    std::vector<float> whole = Runner(m, 64, 64).append(expected.tokens);
    EXPECT_EQ(whole, Runner(m, 1, 64).append_singly(expected.tokens));
}

INSTANTIATE_TEST_SUITE_P(Files, Layers, ::testing::ValuesIn(golden::files()),
                         [](const auto &row) { return row.param.name; });

TEST(Layers, AreTriedOnEveryFamilyAndType) {
    EXPECT_GE(golden::files().size(), 48u); /* a folder that is not there would pass every test above */
}

} // namespace
