#include <cmath>

#include "engine/harness.h"
#include "stories/stories.h"

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

TEST_P(Generate, ManyJobsAnswerAsAlone) {
    Engine engine(model, options(256, 4, 16));
    std::vector<std::unique_ptr<Job>> jobs;
    for (uint32_t i = 0; i < 12; i++) {
        jobs.push_back(std::make_unique<Job>(made_tokens(1 + i * 7 % 50, i), 3 + (int32_t)i));
        jobs.back()->d.sampling.temperature = i % 2 ? 0.8f : 0;
        jobs.back()->d.sampling.seed = i;
        jobs.back()->d.n_logprobs = 2;
        jobs.back()->go(engine);
    }
    engine.run();
    for (auto &job : jobs) {
        EXPECT_EQ(alone(model, *job), job->out);
        EXPECT_TRUE(llmi_job_done(job->job));
    }
}

TEST_P(Generate, CompletionsOfOnePrefillDifferAndAreTheSameAgain) {
    Engine engine(model);
    Job job(made_tokens(40, 3), 20, 5);
    job.d.sampling.temperature = 1;
    job.go(engine);
    engine.run();
    for (auto &c : job.out) EXPECT_EQ(20u, c.tokens.size());
    for (size_t i = 1; i < 5; i++) EXPECT_NE(job.out[0].tokens, job.out[i].tokens);
    EXPECT_EQ(alone(model, job), job.out);
    EXPECT_EQ(100, job.stats().n_tokens);
    EXPECT_EQ(40, job.stats().n_prompt_tokens);
}

TEST_P(Generate, SinkEndsACompletion) {
    Engine engine(model);
    Job job(made_tokens(10, 4), 20, 2);
    job.d.sampling.temperature = 1;
    job.on = [&](int32_t index, llm_token) {
        return index == 1 && job.out[1].tokens.size() == 3 ? LLM_FINISH_STOP : LLM_FINISH_NONE;
    };
    job.go(engine);
    engine.run();
    EXPECT_EQ(20u, job.out[0].tokens.size());
    EXPECT_EQ(LLM_FINISH_LENGTH, job.out[0].finish);
    EXPECT_EQ(3u, job.out[1].tokens.size());
    EXPECT_EQ(LLM_FINISH_STOP, job.out[1].finish);
}

TEST_P(Generate, FailureOfTheSinkIsTheJobsFailure) {
    Engine engine(model);
    Job job(made_tokens(10, 4)), other(made_tokens(10, 5));
    job.on = [&](int32_t, llm_token) { return llmi_error(LLM_E_CALLBACK, "the host said no"); };
    job.go(engine);
    other.go(engine);
    engine.run();
    EXPECT_EQ(LLM_FINISH_ERROR, job.out[0].finish);
    EXPECT_EQ(LLM_E_CALLBACK, job.out[0].error);
    EXPECT_EQ("the host said no", job.out[0].error_text);
    EXPECT_EQ(LLM_FINISH_LENGTH, other.out[0].finish);
}

TEST_P(Generate, NoTokensStillComputeThePrompt) {
    Engine engine(model);
    Job job(made_tokens(100, 6), 0), again(made_tokens(100, 6), 1);
    job.go(engine);
    engine.run();
    EXPECT_EQ(LLM_FINISH_LENGTH, job.out[0].finish);
    EXPECT_TRUE(job.out[0].tokens.empty());
    again.go(engine);
    engine.run();
    EXPECT_EQ(99, again.stats().n_cached_tokens);
}

TEST_P(Generate, ContextEndsACompletion) {
    Engine engine(model, options(40));
    Job job(made_tokens(30, 7), -1);
    job.go(engine);
    engine.run();
    EXPECT_EQ(LLM_FINISH_CONTEXT, job.out[0].finish);
    EXPECT_EQ(10u, job.out[0].tokens.size());
    Job last(made_tokens(39, 9), 5);
    last.go(engine);
    engine.run();
    EXPECT_EQ(1u, last.out[0].tokens.size());
    EXPECT_EQ(LLM_FINISH_CONTEXT, last.out[0].finish);
}

TEST_P(Generate, APromptWithoutRoomIsAnError) {
    Engine engine(model, options(40));
    for (int32_t n : {40, 41}) {
        Job job(made_tokens((size_t)n, 8), 1), nothing(made_tokens((size_t)n, 8), 0);
        EXPECT_EQ(LLM_E_LIMIT, job.submit(engine));
        std::string text = std::string("the prompt: ") + std::to_string(n) + " tokens, the context holds 40";
        EXPECT_EQ(0u, std::string(llm_last_error()).find(text)) << llm_last_error();
        EXPECT_NE(std::string::npos, std::string(llm_last_error()).find("n_ctx; the model was trained for"));
        EXPECT_EQ(n == 40 ? LLM_OK : LLM_E_LIMIT, nothing.submit(engine));
        engine.run();
    }
}

TEST_P(Generate, LogprobsBelongToTheTokens) {
    Engine engine(model);
    Job job(made_tokens(10, 7), 6);
    job.d.n_logprobs = 32;
    job.go(engine);
    engine.run();
    for (size_t i = 0; i < 6; i++) {
        ASSERT_EQ(32u, job.out[0].tops[i].size());
        double sum = 0, bound = 0;
        for (auto &top : job.out[0].tops[i]) {
            sum += std::exp((double)top.logprob);
            bound += std::exp((double)top.logprob) * rounding::of_logprob((double)top.logprob);
        }
        EXPECT_NEAR(1, sum, bound);
        EXPECT_EQ(job.out[0].tokens[i], job.out[0].tops[i][0].token) << "greedy";
        EXPECT_EQ(job.out[0].logprobs[i], job.out[0].tops[i][0].logprob);
    }
}

TEST_P(Generate, MasksForbidAndAreTold) {
    struct Source {
        std::vector<llm_token> told;
        static llm_status mask(void *, uint64_t *allowed, int32_t) {
            allowed[0] = 1u << 5 | 1u << 6;
            return LLM_OK;
        }
        static llm_status accept(void *user, llm_token token) {
            static_cast<Source *>(user)->told.push_back(token);
            return LLM_OK;
        }
    } sources[3];
    llmi_sampler_mask masks[3];
    for (int i = 0; i < 3; i++) masks[i] = {&sources[i], Source::mask, Source::accept};
    Engine engine(model);
    Job job(made_tokens(10, 7), 20, 3);
    job.d.masks = masks;
    job.d.sampling.temperature = 2;
    job.go(engine);
    engine.run();
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(20u, job.out[i].tokens.size());
        EXPECT_EQ(job.out[i].tokens, sources[i].told);
        for (llm_token t : job.out[i].tokens) EXPECT_TRUE(t == 5 || t == 6);
    }
}

TEST_P(Generate, WrongDescriptionsAreRefused) {
    Engine engine(model);
    const struct {
        const char *text;
        std::function<void(Job &)> edit;
    } rows[] = {
        {"prompt has 0", [](Job &j) { j.prompt.clear(); }},
        {"token 2 of the prompt is 32", [](Job &j) { j.prompt[2] = 32; }},
        {"token 0 of the prompt is -1", [](Job &j) { j.prompt[0] = -1; }},
        {"n is 0", [](Job &j) { j.d.n = 0; }},
        {"n is 9", [](Job &j) { j.d.n = 9; }},
        {"max_tokens is -2", [](Job &j) { j.d.max_tokens = -2; }},
        {"log-probabilities is 33", [](Job &j) { j.d.n_logprobs = 33; }},
        {"temperature", [](Job &j) { j.d.sampling.temperature = -1; }},
    };
    for (auto &row : rows) {
        Job job(made_tokens(10, 1));
        row.edit(job);
        EXPECT_EQ(LLM_E_ARGUMENT, job.submit(engine)) << row.text;
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.text)) << llm_last_error();
        EXPECT_EQ(nullptr, job.job);
    }
    EXPECT_EQ(0, engine.step());
}

TEST_P(Generate, StatsTellWhatTheTimeWent) {
    Engine engine(model);
    Job job(made_tokens(100, 1));
    job.go(engine);
    EXPECT_GE(job.stats().queue_ms, 0);
    EXPECT_EQ(0, job.stats().prompt_ms);
    engine.run();
    llmi_job_stats s = job.stats();
    EXPECT_GE(s.queue_ms, 0);
    EXPECT_GT(s.prompt_ms, 0);
    EXPECT_GT(s.decode_ms, 0);
}

/* Greedy runs of the same file in float64, all at a time. */
void expect_reference_runs(const StoryModel &files, const std::string &backend) {
    Json runs = Json::load(files.reference)["runs"];
    ASSERT_EQ(3u, runs.size());
    Model trained(files.gguf, backend);
    Engine engine(trained, options(256, 8, 32));
    std::vector<std::unique_ptr<Job>> jobs;
    for (size_t i = 0; i < runs.size(); i++) {
        Tokens prompt = runs[i]["prompt_ids"].ints(), ids = runs[i]["greedy_ids"].ints();
        ASSERT_FALSE(prompt.empty());
        ASSERT_FALSE(ids.empty());
        jobs.push_back(std::make_unique<Job>(prompt, (int32_t)ids.size()));
        jobs.back()->go(engine);
    }
    engine.run();
    for (size_t i = 0; i < runs.size(); i++)
        EXPECT_EQ(runs[i]["greedy_ids"].ints(), jobs[i]->out[0].tokens) << "run " << i;
}

TEST_P(Generate, StoriesEqualTheReference) {
    expect_reference_runs(stories, GetParam());
}

TEST_P(Generate, Stories260KEqualsTheReference) {
    NEEDS_STORIES260K();
    expect_reference_runs(stories260k, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Backends, Generate, ::testing::ValuesIn(backends()),
                         [](const auto &row) { return row.param; });

} // namespace
