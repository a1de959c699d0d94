#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "engine/hooks.h"

namespace {

class Cancel : public ::testing::Test {
  protected:
    Model model;
    Hooks hooks{model};
};

TEST_F(Cancel, QueuedJobEnds) {
    Engine engine(model);
    Job job(made_tokens(10, 1));
    job.go(engine);
    llmi_job_cancel(job.job);
    EXPECT_EQ(0, engine.step());
    EXPECT_EQ(LLM_FINISH_CANCELLED, job.out[0].finish);
    EXPECT_EQ(0, hooks.n_steps);
}

TEST_F(Cancel, AllCompletionsEnd) {
    Engine engine(model);
    Job unforked(made_tokens(10, 1), 5, 3), forked(made_tokens(10, 2), 50, 3);
    forked.go(engine);
    for (int i = 0; i < 4; i++) engine.step();
    unforked.go(engine);
    llmi_job_cancel(unforked.job);
    llmi_job_cancel(forked.job);
    EXPECT_EQ(0, engine.step());
    for (auto *j : {&unforked, &forked})
        for (auto &c : j->out) {
            EXPECT_EQ(LLM_FINISH_CANCELLED, c.finish);
            EXPECT_EQ(1, c.n_finished);
        }
    EXPECT_EQ(4u, forked.out[2].tokens.size());
}

TEST_F(Cancel, InTheMiddleOfAStepStopsIt) {
    Engine engine(model);
    Job job(made_tokens(60, 1));
    hooks.on_kv_write = [&](const llm_step &) { llmi_job_cancel(job.job); };
    job.go(engine);
    EXPECT_EQ(0, engine.step());
    EXPECT_EQ(LLM_FINISH_CANCELLED, job.out[0].finish);
}

/* Every step is stopped once or more by a job that goes: the others do not notice. */
TEST_F(Cancel, StoppedStepsLeaveNoTrace) {
    Engine engine(model, options(256, 8, 24));
    std::vector<std::unique_ptr<Job>> jobs, victims;
    for (uint32_t i = 0; i < 4; i++) {
        jobs.push_back(std::make_unique<Job>(made_tokens(20 + 9 * i, i / 2), 20, i == 3 ? 2 : 1));
        jobs.back()->d.sampling.temperature = 1;
        jobs.back()->d.n_logprobs = 1;
        jobs.back()->go(engine);
    }
    int n_calls = 0, n_stopped = 0;
    hooks.on_kv_write = [&](const llm_step &) {
        if (++n_calls % 3 == 0 && !victims.empty() && !llmi_job_done(victims.back()->job))
            llmi_job_cancel(victims.back()->job);
    };
    hooks.on_copy = [&] {
        if (!victims.empty()) llmi_job_cancel(victims.back()->job);
    };
    for (uint32_t i = 0; i < 300; i++) {
        if (victims.empty() || llmi_job_done(victims.back()->job)) {
            victims.push_back(std::make_unique<Job>(made_tokens(5, i % 3), 50));
            victims.back()->go(engine);
        }
        int before = hooks.n_steps;
        engine.step();
        n_stopped += hooks.n_steps > before && victims.back()->out[0].finish == LLM_FINISH_CANCELLED;
    }
    llmi_job_cancel(victims.back()->job);
    engine.run();
    EXPECT_GT(n_stopped, 20);
    for (auto &job : jobs) EXPECT_EQ(alone(model, *job), job->out);
}

TEST_F(Cancel, AnInterruptedStepLosesNothing) {
    Engine engine(model);
    Job job(made_tokens(60, 1), 10, 2);
    job.d.sampling.temperature = 1;
    job.go(engine);
    hooks.on_kv_write = [&](const llm_step &) { llmi_engine_interrupt(engine.e, true); };
    int32_t active = 0;
    for (int i = 0; i < 3; i++) EXPECT_EQ(LLM_E_CANCELLED, llmi_engine_step(&active, engine.e));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "llm_engine_cancel")) << llm_last_error();
    EXPECT_EQ(1, active);
    hooks.on_kv_write = nullptr;
    EXPECT_EQ(LLM_E_CANCELLED, llmi_engine_step(&active, engine.e)) << "until it is off again";
    llmi_engine_interrupt(engine.e, false);
    engine.run();
    EXPECT_EQ(alone(model, job), job.out);
}

TEST_F(Cancel, AnInterruptedSequenceKeepsWhatItHad) {
    Engine engine(model);
    llm_sequence *seq = nullptr;
    ASSERT_EQ(LLM_OK, llmi_sequence_create(&seq, engine.e));
    Tokens ids = made_tokens(20, 1);
    EXPECT_EQ(LLM_OK, llmi_sequence_eval(seq, ids.data(), 10, nullptr, 0));
    hooks.on_kv_write = [&](const llm_step &) { llmi_engine_interrupt(engine.e, true); };
    EXPECT_EQ(LLM_E_CANCELLED, llmi_sequence_eval(seq, ids.data() + 10, 10, nullptr, 0));
    EXPECT_EQ(10u, llmi_sequence_tokens(nullptr, seq));
    hooks.on_kv_write = nullptr;
    EXPECT_EQ(LLM_OK, llmi_sequence_eval(seq, ids.data() + 10, 10, nullptr, 0)) << "each call begins anew";
    llmi_sequence_destroy(seq);
}

/* In the midst of an operation, too: long before the step would have ended. */
TEST(CancelByAnotherThread, EndsTheStepWithinAnOperation) {
    using clock = std::chrono::steady_clock;
    Model large("reference", engine_gguf(4096));
    Hooks begun(large);
    Engine engine(large, options(4096, 8, 4096));
    std::atomic<bool> has_begun{false};
    clock::time_point begin, asked;
    begun.on_kv_write = [&](const llm_step &) { /* the next operation is the first layer's attention */
                                                if (!has_begun.exchange(true)) begin = clock::now();
    };
    Job whole(made_tokens(2500, 1), 1), job(made_tokens(2500, 2), 1);
    whole.go(engine);
    engine.run();
    EXPECT_EQ(LLM_FINISH_LENGTH, whole.out[0].finish);
    auto all = clock::now() - begin;
    has_begun = false;
    job.go(engine);
    std::thread other([&] {
        while (!has_begun) std::this_thread::yield();
        asked = clock::now();
        llmi_job_cancel(job.job);
    });
    EXPECT_EQ(0, engine.step());
    auto ended = clock::now();
    other.join();
    EXPECT_EQ(LLM_FINISH_CANCELLED, job.out[0].finish);
    EXPECT_LT((ended - asked) * 8, all);
}

/* ---- failures of the device ---- */

TEST_F(Cancel, FailedStepCanBeTriedAgain) {
    Engine engine(model);
    Job job(made_tokens(60, 1), 10, 2);
    job.d.sampling.temperature = 1;
    job.go(engine);
    int n = 0;
    hooks.on_sync = [&] { return ++n % 2 ? llmi_error(LLM_E_DEVICE, "the plug came out") : LLM_OK; };
    int32_t active = 1;
    for (int i = 0; i < 100 && active; i++) {
        llm_status status = llmi_engine_step(&active, engine.e);
        if (n % 2) {
            EXPECT_EQ(LLM_E_DEVICE, status);
            EXPECT_STREQ("the plug came out", llm_last_error());
        } else {
            EXPECT_EQ(LLM_OK, status);
        }
    }
    EXPECT_EQ(0, active);
    hooks.on_sync = nullptr;
    EXPECT_EQ(alone(model, job), job.out);
}

/* ---- numbers that are none ---- */

TEST(Numeric, TheJobThatOwnsTheRowEndsAndOthersGoOn) {
    Gguf g = engine_gguf();
    g.tensors["output.weight"] = made_up({16, 32}, 77);
    for (int i = 0; i < 16; i++) g.tensors["token_embd.weight"].values[(size_t)(31 * 16 + i)] = NAN;
    Model model("reference", g);
    Engine engine(model);
    Tokens clean = made_tokens(20, 1);
    for (llm_token &t : clean) t %= 31;
    Job bad(clean, 5, 2), good(clean, 5), scored(clean);
    bad.prompt.push_back(31);
    scored.prompt.insert(scored.prompt.begin() + 7, 31);
    scored.d.kind = LLMI_JOB_SCORE;
    llm_logit_bias never = {31, -INFINITY};
    good.d.sampling.bias = &never;
    good.d.sampling.n_bias = 1;
    for (Job *j : {&bad, &good, &scored}) j->go(engine);
    engine.run();
    for (auto &c : bad.out) {
        EXPECT_EQ(LLM_FINISH_ERROR, c.finish);
        EXPECT_EQ(LLM_E_NUMERIC, c.error);
        EXPECT_NE(std::string::npos, c.error_text.find("position 20")) << c.error_text;
    }
    EXPECT_EQ(LLM_E_NUMERIC, scored.out[0].error);
    EXPECT_NE(std::string::npos, scored.out[0].error_text.find("position 7")) << scored.out[0].error_text;
    EXPECT_EQ(7u, scored.out[0].tokens.size()) << "those before it are told";
    EXPECT_EQ(LLM_FINISH_LENGTH, good.out[0].finish);
    Job after(clean, 1);
    after.go(engine);
    engine.run();
    EXPECT_EQ(1u, after.out[0].tokens.size());

    llm_sequence *seq = nullptr;
    ASSERT_EQ(LLM_OK, llmi_sequence_create(&seq, engine.e));
    const llm_token ids[] = {1, 2, 31};
    std::vector<float> logits(96);
    EXPECT_EQ(LLM_E_NUMERIC, llmi_sequence_eval(seq, ids, 3, logits.data(), 3));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "position 2")) << llm_last_error();
    EXPECT_EQ(0u, llmi_sequence_tokens(nullptr, seq));
    EXPECT_EQ(LLM_OK, llmi_sequence_eval(seq, ids, 2, logits.data(), 2));
    llmi_sequence_destroy(seq);
}

} // namespace
