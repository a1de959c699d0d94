#include <cmath>
#include <filesystem>

#include <jansson.h>

#include "engine/harness.h"

namespace {

class Generate : public ::testing::TestWithParam<std::string> {
  protected:
    Model model{GetParam()};
};

TEST_P(Generate, OneJobGreedily) {
    Engine engine(model);
    Job job(made_tokens(10, 1));
    job.go(engine);
    EXPECT_FALSE(llmi_job_done(job.job));
    engine.run();
    EXPECT_TRUE(llmi_job_done(job.job));
    ASSERT_EQ(8u, job.out[0].tokens.size());
    EXPECT_EQ(LLM_FINISH_LENGTH, job.out[0].finish);
    EXPECT_EQ(1, job.out[0].n_finished);
    EXPECT_EQ(10, job.stats().n_prompt_tokens);
    EXPECT_EQ(8, job.stats().n_tokens);
    EXPECT_EQ(0, job.stats().n_cached_tokens);
}

/* The reference: a greedy run of the same file in float64. */
TEST_P(Generate, StoriesEqualTheReference) {
    std::string folder = std::string(LLM_SHARED_DATA) + "/models/stories260K/";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is missing";
    json_error_t error;
    json_t *reference = json_load_file((folder + "stories260K-reference.json").c_str(), 0, &error);
    ASSERT_NE(nullptr, reference) << error.text;
    Model stories(folder + "stories260K-f32.gguf", GetParam());
    Engine engine(stories, options(256, 8, 32));
    size_t i, k;
    json_t *run, *id;
    std::vector<std::unique_ptr<Job>> jobs;
    std::vector<Tokens> expected;
    json_array_foreach(json_object_get(reference, "runs"), i, run) {
        Tokens prompt, ids;
        json_array_foreach(json_object_get(run, "prompt_ids"), k, id) prompt.push_back((int)json_integer_value(id));
        json_array_foreach(json_object_get(run, "greedy_ids"), k, id) ids.push_back((int)json_integer_value(id));
        ASSERT_FALSE(prompt.empty());
        ASSERT_FALSE(ids.empty());
        expected.push_back(ids);
        jobs.push_back(std::make_unique<Job>(prompt, (int32_t)ids.size()));
        jobs.back()->go(engine);
    }
    ASSERT_FALSE(jobs.empty());
    engine.run();
    for (i = 0; i < jobs.size(); i++) EXPECT_EQ(expected[i], jobs[i]->out[0].tokens) << "run " << i;
    json_decref(reference);
}

INSTANTIATE_TEST_SUITE_P(Backends, Generate, ::testing::ValuesIn(backends()),
                         [](const auto &row) { return row.param; });

} // namespace
