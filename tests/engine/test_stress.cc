/* Anything at any time, against a model of one sequence at a time. */
#include <map>
#include <random>

#include "engine/hooks.h"

namespace {

class Stress : public ::testing::TestWithParam<std::tuple<uint32_t, Seen>> {
  protected:
    std::mt19937 random{std::get<0>(GetParam())};
    const bool slides = std::get<1>(GetParam()) != SEES_ALL;
    uint32_t below(uint32_t n) { return (uint32_t)(random() % n); }

    /* Prompts of few kinds, so that they share beginnings. */
    Tokens prompt() {
        Tokens tokens = made_tokens(1 + below(slides ? 200 : 70), below(4));
        if (below(2)) tokens.back() = (llm_token)below(32);
        return tokens;
    }
    void make(Job &job) {
        job.prompt = prompt();
        job.d.n = 1 + (int32_t)(below(4) == 0 ? below(4) : 0);
        job.d.max_tokens = (int32_t)below(40) - 1;
        job.d.sampling.temperature = below(2) ? 1 : 0;
        job.d.sampling.seed = below(5);
        job.d.n_logprobs = (int32_t)below(4) - 1;
        if (below(6) == 0) job.d.kind = LLMI_JOB_SCORE;
        if (below(9) == 0) job.d.kind = LLMI_JOB_EMBED;
        job.d.score_from = below(20);
    }
    /* Cancelled ones, and those for which sequences left no room, have told a beginning of what they would have told
     * alone. */
    void check(const Job &job) {
        std::vector<Completion> whole = alone(model, job, n_ctx);
        for (size_t i = 0; i < whole.size(); i++) {
            const Completion &got = job.out[i];
            ASSERT_EQ(1, got.n_finished);
            bool no_room = got.finish == LLM_FINISH_ERROR && got.error == LLM_E_LIMIT && got.tokens.empty();
            if (got.finish == LLM_FINISH_CANCELLED || got.finish == LLM_FINISH_CONTEXT || no_room) {
                ASSERT_LE(got.tokens.size(), whole[i].tokens.size());
                whole[i].tokens.resize(got.tokens.size());
                whole[i].logprobs.resize(got.tokens.size());
                whole[i].finish = got.finish;
            }
            ASSERT_EQ(whole[i], got);
        }
    }
    /* Logits after the last token, computed alone. */
    std::vector<float> last_logits(const Tokens &tokens) {
        llm_engine_options o = options(n_ctx, 1, 256);
        o.prefix_cache = 0;
        Engine engine(model, o);
        llm_sequence *s = nullptr;
        EXPECT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
        std::vector<float> logits(32);
        EXPECT_EQ(LLM_OK, llmi_sequence_eval(s, tokens.data(), tokens.size(), logits.data(), 1));
        llmi_sequence_destroy(s);
        return logits;
    }
    const int32_t n_ctx = slides ? 512 : 128;
    Model model{std::get<1>(GetParam()), 20};
};

TEST_P(Stress, EveryJobAnswersAsAlone) {
    llm_engine_options o =
        options(n_ctx, 1 + (int32_t)below(6), 1 + (int32_t)below(40), n_ctx + (slides ? 128 : 32) * below(8));
    if (o.n_seqs < 4) o.n_seqs = 4; /* make() asks for up to 4 completions */
    o.prefix_cache = below(4) > 0;
    Hooks hooks(model);
    std::vector<std::unique_ptr<Job>> jobs;
    {
        Engine engine(model, o);
        hooks.on_kv_write = [&](const llm_step &) {
            if (below(25) == 0 && !jobs.empty()) llmi_job_cancel(jobs[below((uint32_t)jobs.size())]->job);
        };
        for (int i = 0; i < 250; i++) {
            if (below(4) == 0) {
                jobs.push_back(std::make_unique<Job>());
                make(*jobs.back());
                jobs.back()->go(engine);
            }
            if (below(40) == 0 && !jobs.empty()) { /* destroyed whatever it does */
                size_t k = below((uint32_t)jobs.size());
                std::swap(jobs[k], jobs.back());
                jobs.pop_back();
            }
            if (below(40) == 0 && !jobs.empty()) llmi_job_cancel(jobs[below((uint32_t)jobs.size())]->job);
            engine.step();
        }
        engine.run();
        hooks.on_kv_write = nullptr;
        for (auto &job : jobs) EXPECT_TRUE(llmi_job_done(job->job));
        for (auto &job : jobs) job->destroy();
    }
    for (auto &job : jobs) check(*job);
}

TEST_P(Stress, EverySequenceIsAsIfComputedAfresh) {
    Engine engine(model, options(n_ctx, slides ? 1 : 4, 1 + (int32_t)below(40), slides ? 1024 : 384));
    std::map<llm_sequence *, Tokens> all;
    std::vector<std::unique_ptr<Job>> jobs;
    auto any = [&] { return std::next(all.begin(), (ptrdiff_t)below((uint32_t)all.size())); };
    int n_checked = 0;
    for (int i = 0; i < 250; i++) {
        llm_sequence *s = nullptr;
        uint32_t what = below(8);
        if (all.empty() || (what == 0 && all.size() < 6)) {
            ASSERT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
            all[s] = {};
        } else if (what == 1 && all.size() < 6) {
            auto from = any();
            ASSERT_EQ(LLM_OK, llmi_sequence_fork(&s, from->first));
            all[s] = from->second;
        } else if (what == 2) {
            auto q = any();
            q->second.resize(below((uint32_t)q->second.size() + 1));
            ASSERT_EQ(LLM_OK, llmi_sequence_rewind(q->first, q->second.size()));
        } else if (what == 3 && below(2)) {
            auto q = any();
            llmi_sequence_destroy(q->first);
            all.erase(q);
        } else if (what == 4) {
            jobs.push_back(std::make_unique<Job>(prompt(), 5));
            jobs.back()->go(engine);
        } else if (what == 5) {
            engine.step();
        } else {
            auto q = any();
            Tokens more = q->second.empty() ? prompt() : made_tokens(1 + below(12), below(3)), whole = q->second;
            whole.insert(whole.end(), more.begin(), more.end());
            std::vector<float> logits(32);
            llm_status status = llmi_sequence_eval(q->first, more.data(), more.size(), logits.data(), 1);
            if (status == LLM_OK) {
                q->second = whole;
                n_checked++;
                ASSERT_EQ(last_logits(whole), logits);
            } else {
                ASSERT_EQ(LLM_E_LIMIT, status) << llm_last_error();
            }
        }
        for (auto &q : all) {
            const llm_token *ids = nullptr;
            size_t n = llmi_sequence_tokens(&ids, q.first);
            ASSERT_EQ(q.second, Tokens(ids, ids + n));
        }
    }
    EXPECT_GT(n_checked, 20);
    for (auto &q : all) llmi_sequence_destroy(q.first);
    engine.run();
    for (auto &job : jobs) check(*job);
}

INSTANTIATE_TEST_SUITE_P(
    Seeds, Stress, ::testing::Combine(::testing::Range(0u, 12u), ::testing::Values(SEES_ALL, SEES_WINDOW, SEES_BOTH)),
    [](const auto &row) { return seen_name(std::get<1>(row.param)) + std::to_string(std::get<0>(row.param)); });

} // namespace
