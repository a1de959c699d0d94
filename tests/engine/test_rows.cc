/* Scoring and embedding: jobs that want something of many rows. */
#include <algorithm>
#include <cmath>

#include "engine/hooks.h"
#include "rounding.h"

namespace {

class Rows : public ::testing::Test {
  protected:
    /* Logits after each token. */
    std::vector<float> logits(const Tokens &tokens) {
        llm_engine_options o = options(256, 1, 256);
        o.prefix_cache = 0;
        Engine engine(model, o);
        llm_sequence *s = nullptr;
        EXPECT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
        std::vector<float> all(tokens.size() * 32);
        EXPECT_EQ(LLM_OK, llmi_sequence_eval(s, tokens.data(), tokens.size(), all.data(), tokens.size()));
        llmi_sequence_destroy(s);
        return all;
    }
    static double logprob(const float *row, llm_token token) {
        double max = *std::max_element(row, row + 32), sum = 0;
        for (int i = 0; i < 32; i++) sum += std::exp(row[i] - max);
        return row[token] - max - std::log(sum);
    }
    static void make_score(Job &job, size_t from) {
        job.d.kind = LLMI_JOB_SCORE;
        job.d.score_from = from;
    }
    Model model;
    Hooks hooks{model};
};

TEST_F(Rows, ScoresAreLogprobsOfTheGivenTokens) {
    Tokens tokens = made_tokens(150, 1);
    std::vector<float> all = logits(tokens);
    for (int32_t n_batch : {1, 7, 64, 256})
        for (size_t from : {0, 1, 2, 100, 149}) {
            Engine engine(model, options(256, 2, n_batch));
            Job job(tokens);
            make_score(job, from);
            job.d.n_logprobs = 3;
            job.go(engine);
            engine.run();
            size_t first = from ? from : 1;
            ASSERT_EQ(Tokens(tokens.begin() + (ptrdiff_t)first, tokens.end()), job.out[0].tokens);
            for (size_t i = 0; i < job.out[0].tokens.size(); i++) {
                const float *row = &all[(first + i - 1) * 32];
                double expected = logprob(row, tokens[first + i]);
                ASSERT_NEAR(expected, job.out[0].logprobs[i], rounding::of_logprob(expected));
                ASSERT_EQ(3u, job.out[0].tops[i].size());
                ASSERT_EQ(std::max_element(row, row + 32) - row, job.out[0].tops[i][0].token);
            }
            EXPECT_EQ(LLM_FINISH_LENGTH, job.out[0].finish);
            EXPECT_EQ((int32_t)(150 - first), job.stats().n_tokens);
        }
}

TEST_F(Rows, ScoresDoNotDependOnChunksOrCache) {
    Tokens tokens = made_tokens(200, 2);
    std::vector<Completion> first;
    for (int32_t n_batch : {200, 64, 13, 1}) {
        Engine engine(model, options(256, 4, n_batch));
        for (int warm = 0; warm < 2; warm++) {
            Job job(tokens), beside(made_tokens(90, 3), 12);
            make_score(job, 120);
            beside.go(engine);
            job.go(engine);
            engine.run();
            if (first.empty()) first = job.out;
            EXPECT_EQ(first, job.out);
            EXPECT_EQ(warm ? 119 : 0, job.stats().n_cached_tokens);
        }
    }
}

TEST_F(Rows, NothingToScoreEndsAtOnce) {
    Engine engine(model);
    for (size_t n : {0, 1, 5}) {
        Job job(made_tokens(n, 1));
        make_score(job, 5);
        job.go(engine);
        engine.run();
        EXPECT_EQ(LLM_FINISH_LENGTH, job.out[0].finish);
        EXPECT_TRUE(job.out[0].tokens.empty());
    }
    EXPECT_EQ(0, hooks.n_steps);
}

TEST_F(Rows, ContinuationsShareTheirPrompt) {
    Engine engine(model, options(256, 8, 32));
    std::vector<std::unique_ptr<Job>> jobs;
    for (uint32_t i = 0; i < 20; i++) {
        Tokens tokens = made_tokens(90, 1), tail = made_tokens(4, i + 5);
        tokens.insert(tokens.end(), tail.begin(), tail.end());
        jobs.push_back(std::make_unique<Job>(tokens));
        make_score(*jobs.back(), 90);
        jobs.back()->go(engine);
    }
    engine.run();
    EXPECT_LE(hooks.n_rows, 90 + 20 * 4);
    for (auto &job : jobs) EXPECT_EQ(alone(model, *job), job->out);
}

TEST_F(Rows, SinkEndsAScore) {
    Engine engine(model);
    Job job(made_tokens(100, 1));
    make_score(job, 1);
    job.on = [&](int32_t, llm_token) { return job.out[0].tokens.size() == 5 ? LLM_FINISH_STOP : LLM_FINISH_NONE; };
    job.go(engine);
    engine.run();
    EXPECT_EQ(5u, job.out[0].tokens.size());
    EXPECT_EQ(LLM_FINISH_STOP, job.out[0].finish);
}

TEST_F(Rows, LongerThanTheContextIsAnError) {
    Engine engine(model, options(50));
    for (int32_t kind : {LLMI_JOB_SCORE, LLMI_JOB_EMBED}) {
        Job fits(made_tokens(50, 1)), longer(made_tokens(51, 1));
        fits.d.kind = longer.d.kind = kind;
        fits.go(engine);
        EXPECT_EQ(LLM_E_LIMIT, longer.submit(engine));
        engine.run();
        EXPECT_EQ(LLM_FINISH_LENGTH, fits.out[0].finish);
    }
}

TEST_F(Rows, HiddenStatesComeInOrderAndGiveTheLogits) {
    Tokens tokens = made_tokens(130, 4);
    std::vector<float> all = logits(tokens);
    std::vector<std::vector<float>> first;
    for (int32_t n_batch : {130, 17, 1})
        for (int warm = 0; warm < 2; warm++) {
            Engine engine(model, options(256, 3, n_batch));
            Job job(tokens), beside(made_tokens(40, 3), 12);
            job.d.kind = LLMI_JOB_EMBED;
            if (warm) {
                Job before(tokens, 1);
                before.go(engine);
                engine.run();
            }
            beside.go(engine);
            job.go(engine);
            engine.run();
            ASSERT_EQ(130u, job.hidden.size());
            EXPECT_EQ(LLM_FINISH_LENGTH, job.out[0].finish);
            if (first.empty()) first = job.hidden;
            EXPECT_EQ(first, job.hidden);
        }
    const std::vector<float> head = engine_gguf().tensors["token_embd.weight"].values;
    for (size_t r : {0, 57, 129})
        for (size_t t = 0; t < 32; t++) {
            double sum = 0;
            for (size_t c = 0; c < 16; c++) sum += (double)first[r][c] * head[t * 16 + c];
            EXPECT_FLOAT_EQ((float)sum, all[r * 32 + t]) << "the reference back end sums in double";
        }
}

TEST_F(Rows, PreemptedJobsGoOnWhereTheyWere) {
    for (int32_t keep : {0, 1}) {
        llm_engine_options o = options(160, 6, 16, 192);
        o.prefix_cache = keep;
        Engine engine(model, o);
        std::vector<std::unique_ptr<Job>> jobs;
        for (uint32_t i = 0; i < 9; i++) {
            jobs.push_back(std::make_unique<Job>(made_tokens(50, i / 3), 70));
            if (i % 3) jobs.back()->d.kind = i % 3 == 1 ? LLMI_JOB_SCORE : LLMI_JOB_EMBED;
            jobs.back()->go(engine);
        }
        engine.run(5000);
        for (auto &job : jobs) {
            EXPECT_EQ(alone(model, *job, 160), job->out);
            EXPECT_EQ(job->d.kind == LLMI_JOB_EMBED ? 50u : 0u, job->hidden.size());
        }
    }
}

} // namespace
