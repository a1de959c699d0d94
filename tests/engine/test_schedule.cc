/* Who shares what with whom, and what happens when pages or rows are short. */
#include "engine/hooks.h"

namespace {

Tokens operator+(Tokens a, const Tokens &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

class Schedule : public ::testing::Test {
  protected:
    Model model;
    Hooks hooks{model};
};

TEST_F(Schedule, StepsKeepToTheirLimits) {
    Engine engine(model, options(256, 3, 16));
    std::vector<std::unique_ptr<Job>> jobs;
    for (uint32_t i = 0; i < 9; i++) {
        jobs.push_back(std::make_unique<Job>(made_tokens(40, i), 10));
        jobs.back()->go(engine);
    }
    hooks.on_kv_write = [](const llm_step &b) {
        EXPECT_EQ(0, b.seq_rows[0]);
        EXPECT_EQ(b.rows[LLM_ROWS_STEP], b.seq_rows[b.seqs]);
        for (int32_t s = 0; s < b.seqs; s++)
            for (int32_t r = b.seq_rows[s]; r < b.seq_rows[s + 1]; r++) {
                ASSERT_EQ(s, b.row_seq[r]);
                ASSERT_EQ(b.positions[b.seq_rows[s]] + r - b.seq_rows[s], b.positions[r]);
            }
    };
    engine.run();
    EXPECT_EQ(16, hooks.max_rows);
    EXPECT_EQ(3, hooks.max_seqs);
    for (auto &job : jobs) EXPECT_EQ(LLM_FINISH_LENGTH, job->out[0].finish);
}

TEST_F(Schedule, DecodingGoesOnWhileOthersPrefill) {
    Engine engine(model, options(256, 4, 16));
    Job quick(made_tokens(4, 1), 30), slow(made_tokens(200, 2), 1);
    quick.go(engine);
    engine.step();
    slow.go(engine);
    size_t before = quick.out[0].tokens.size();
    for (int i = 0; i < 10; i++) {
        engine.step();
        EXPECT_EQ(before + (size_t)i + 1, quick.out[0].tokens.size());
    }
    EXPECT_TRUE(slow.out[0].tokens.empty());
    engine.run();
    EXPECT_EQ(1u, slow.out[0].tokens.size());
}

TEST_F(Schedule, MoreSequencesThanRowsTakeTurns) {
    for (int32_t n_batch : {1, 2, 3, 5}) {
        Engine engine(model, options(256, 8, n_batch));
        std::vector<std::unique_ptr<Job>> jobs;
        for (uint32_t i = 0; i < 8; i++) {
            jobs.push_back(std::make_unique<Job>(made_tokens(3, i), 40));
            jobs.back()->go(engine);
        }
        for (int i = 0; i < 200; i++) engine.step();
        for (auto &job : jobs) EXPECT_GT(job->out[0].tokens.size(), 5u) << n_batch;
        engine.run();
        for (auto &job : jobs) EXPECT_EQ(alone(model, *job), job->out);
    }
}

TEST_F(Schedule, FinishedWorkIsReusedToTheToken) {
    Engine engine(model);
    Tokens prompt = made_tokens(77, 1);
    Job first(prompt, 10);
    first.go(engine);
    engine.run();
    Job same(prompt, 10), longer(prompt + first.out[0].tokens + made_tokens(5, 2), 3), part(prompt, 4);
    part.prompt.resize(45);
    part.prompt.push_back(part.prompt[44] ^ 1);
    for (Job *j : {&same, &longer, &part}) {
        int64_t rows = hooks.n_rows;
        j->go(engine);
        engine.run();
        int32_t n = (int32_t)j->prompt.size(), made = (int32_t)j->out[0].tokens.size();
        EXPECT_EQ(rows + n - j->stats().n_cached_tokens + made - 1, hooks.n_rows);
        hooks.n_rows = 0;
    }
    EXPECT_EQ(76, same.stats().n_cached_tokens);
    EXPECT_EQ(86, longer.stats().n_cached_tokens) << "all but the last token that was made";
    EXPECT_GE(part.stats().n_cached_tokens, 45 - (prompt[45] == part.prompt[45]));
    EXPECT_EQ(first.out[0].tokens, same.out[0].tokens);
    EXPECT_EQ(alone(model, longer), longer.out);
    EXPECT_EQ(alone(model, part), part.out);
}

TEST_F(Schedule, RunningWorkIsReused) {
    Engine engine(model);
    Job first(made_tokens(50, 1), 30);
    first.go(engine);
    for (int i = 0; i < 5; i++) engine.step();
    Job second(made_tokens(50, 1) + made_tokens(3, 9), 5);
    second.go(engine);
    engine.run();
    EXPECT_EQ(50, second.stats().n_cached_tokens);
    EXPECT_EQ(alone(model, first), first.out);
    EXPECT_EQ(alone(model, second), second.out);
}

TEST_F(Schedule, CommonPrefixOfQueuedJobsIsComputedOnce) {
    Engine engine(model, options(256, 8, 16));
    Tokens prefix = made_tokens(100, 1);
    std::vector<std::unique_ptr<Job>> jobs;
    for (uint32_t i = 0; i < 6; i++) {
        jobs.push_back(std::make_unique<Job>(prefix + made_tokens(5, i + 10), 1));
        jobs.back()->go(engine);
    }
    Job other(made_tokens(20, 99), 1);
    other.go(engine);
    engine.run();
    EXPECT_LE(hooks.n_rows, 100 + 6 * 5 + 20);
    for (auto &job : jobs) EXPECT_EQ(alone(model, *job), job->out);
}

TEST_F(Schedule, ShortCommonBeginningsMakeNobodyWait) {
    Engine engine(model);
    Job a(Tokens{1} + made_tokens(9, 1), 1), b(Tokens{1} + made_tokens(9, 2), 1);
    a.go(engine);
    b.go(engine);
    engine.step();
    EXPECT_EQ(1u, a.out[0].tokens.size());
    EXPECT_EQ(1u, b.out[0].tokens.size());
}

TEST_F(Schedule, CompletionsShareTheirPrefill) {
    Engine engine(model);
    Job job(made_tokens(60, 1), 4, 8);
    job.d.sampling.temperature = 1;
    job.go(engine);
    engine.run();
    EXPECT_EQ(60 + 8 * 3, hooks.n_rows);
    EXPECT_EQ(7, hooks.n_copies) << "the last page, but one goes on in place";
}

TEST_F(Schedule, WithoutTheCacheNothingIsReused) {
    llm_engine_options o = options();
    o.prefix_cache = 0;
    Engine engine(model, o);
    Job first(made_tokens(50, 1)), second(made_tokens(50, 1));
    first.go(engine);
    engine.run();
    second.go(engine);
    engine.run();
    EXPECT_EQ(0, second.stats().n_cached_tokens);
    EXPECT_EQ(first.out, second.out);
}

/* ---- tight pools ---- */

TEST_F(Schedule, TightPoolsChangeNoToken) {
    for (int32_t keep : {0, 1})
        for (int64_t kv : {128, 160, 256}) {
            llm_engine_options o = options(128, 8, 32, kv);
            o.prefix_cache = keep;
            Engine engine(model, o);
            std::vector<std::unique_ptr<Job>> jobs;
            for (uint32_t i = 0; i < 10; i++) {
                jobs.push_back(std::make_unique<Job>(made_tokens(20 + i * 3, i / 2), 60, i % 4 == 3 ? 3 : 1));
                jobs.back()->d.sampling.temperature = 0.9f;
                jobs.back()->d.sampling.seed = i;
                jobs.back()->go(engine);
            }
            engine.run(20000);
            for (auto &job : jobs) EXPECT_EQ(alone(model, *job, 128), job->out) << "pool of " << kv;
        }
}

TEST_F(Schedule, WhatCanNeverFitIsRefusedOrEndsWithContext) {
    Engine engine(model, options(256, 8, 32, 64));
    Job grows(made_tokens(40, 1), -1), huge(made_tokens(100, 2), 5), fits(made_tokens(30, 3), 30);
    for (Job *j : {&grows, &fits}) j->go(engine);
    EXPECT_EQ(LLM_E_LIMIT, huge.submit(engine));
    EXPECT_STREQ("the prompt: 100 tokens, the KV cache holds 64 (engine option n_kv_tokens)", llm_last_error());
    engine.run();
    EXPECT_EQ(LLM_FINISH_CONTEXT, grows.out[0].finish);
    EXPECT_EQ(25u, grows.out[0].tokens.size()) << "the last token needs no place";
    EXPECT_EQ(LLM_FINISH_LENGTH, fits.out[0].finish);
    EXPECT_EQ(alone(model, fits), fits.out);
}

TEST_F(Schedule, CacheLeavesRoomForWhatFills) {
    Engine engine(model, options(256, 8, 32, 64));
    Job first(made_tokens(50, 1), 1), second(made_tokens(40, 1) + made_tokens(20, 7), 4);
    first.go(engine);
    engine.run();
    second.go(engine);
    engine.run();
    EXPECT_EQ(LLM_FINISH_LENGTH, second.out[0].finish);
    EXPECT_EQ(alone(model, second), second.out);
}

TEST_F(Schedule, LargeJobIsNotKeptOutBySmallOnes) {
    Engine engine(model, options(256, 4, 32, 256));
    std::vector<std::unique_ptr<Job>> small;
    auto add = [&] {
        small.push_back(std::make_unique<Job>(made_tokens(30, (uint32_t)small.size()), 20));
        small.back()->go(engine);
    };
    for (int i = 0; i < 8; i++) add();
    Job large(made_tokens(200, 1000), 10);
    large.go(engine);
    for (int i = 0; i < 400 && !llmi_job_done(large.job); i++) {
        engine.step();
        if (i % 5 == 0) add();
    }
    EXPECT_TRUE(llmi_job_done(large.job));
    engine.run();
}

} // namespace
