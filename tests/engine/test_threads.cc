/* Everything that other threads may do while one steps. */
#include <atomic>
#include <random>
#include <thread>

#include "engine/harness.h"

namespace {

TEST(Threads, SubmitCancelAndDestroyFromManyWhileOneSteps) {
    Model model;
    Engine engine(model, options(256, 6, 24, 256));
    std::atomic<int> n_busy{4};
    std::vector<std::thread> threads;
    for (uint32_t t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            std::mt19937 random(t);
            for (int i = 0; i < 40; i++) {
                Job job(made_tokens(1 + random() % 40, random() % 4), (int32_t)(random() % 20),
                        1 + (int32_t)(random() % 2));
                job.d.sampling.temperature = 1;
                if (random() % 5 == 0) job.d.kind = LLMI_JOB_SCORE;
                ASSERT_EQ(LLM_OK, job.submit(engine));
                switch (random() % 4) {
                case 0:
                    break; /* destroyed at once */
                case 1:
                    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
                    llmi_job_cancel(job.job);
                    job.stats();
                    break;
                case 2:
                    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
                    break;
                default:
                    while (!llmi_job_done(job.job)) std::this_thread::yield();
                    for (auto &c : job.out) EXPECT_EQ(1, c.n_finished);
                }
            }
            n_busy--;
        });
    while (n_busy > 0) engine.step();
    for (auto &t : threads) t.join();
    EXPECT_EQ(0, engine.step());
}

TEST(Threads, OnlyOneSteps) {
    Model model;
    Engine engine(model);
    Job job(made_tokens(10, 1), 5);
    std::thread other;
    job.on = [&](int32_t, llm_token) {
        std::thread([&] {
            int32_t n;
            EXPECT_EQ(LLM_E_BUSY, llmi_engine_step(&n, engine.e));
            EXPECT_NE(nullptr, strstr(llm_last_error(), "another call computes"));
        }).join();
        return 0;
    };
    job.go(engine);
    engine.run();
}

/* After destroy has returned, the sink is silent: it waits for a call that is under way. */
TEST(Threads, DestroyWaitsForTheSink) {
    Model model;
    Engine engine(model);
    Job job(made_tokens(10, 1), 200), other(made_tokens(10, 2), 50);
    std::atomic<bool> inside{false}, asked{false}, destroyed{false};
    std::atomic<int> n_inside{0};
    job.on = [&](int32_t, llm_token) {
        EXPECT_FALSE(destroyed);
        if (job.out[0].tokens.size() < 3) return 0;
        n_inside++;
        inside = true;
        while (!asked) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(5)); /* by now, or in a later token, it waits */
        n_inside--;
        return 0;
    };
    job.go(engine);
    other.go(engine);
    std::thread destroyer([&] {
        while (!inside) std::this_thread::yield();
        asked = true;
        job.destroy();
        EXPECT_EQ(0, n_inside);
        destroyed = true;
    });
    engine.run();
    destroyer.join();
    EXPECT_GE(job.out[0].tokens.size(), 3u);
    EXPECT_LT(job.out[0].tokens.size(), 200u);
    EXPECT_EQ(0, job.out[0].n_finished);
    EXPECT_EQ(50u, other.out[0].tokens.size());
}

TEST(Threads, DestroyWaitsForTheMasks) {
    struct Source {
        std::atomic<bool> inside{false}, left{false};
        static llm_status mask(void *user, uint64_t *, int32_t) {
            Source *s = static_cast<Source *>(user);
            s->inside = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            s->left = true;
            return LLM_OK;
        }
        static llm_status accept(void *, llm_token) { return LLM_OK; }
    } source;
    llmi_sampler_mask mask = {&source, Source::mask, Source::accept};
    Model model;
    Engine engine(model);
    Job job(made_tokens(10, 1), 50);
    job.d.masks = &mask;
    job.go(engine);
    std::thread destroyer([&] {
        while (!source.inside) std::this_thread::yield();
        job.destroy();
        EXPECT_TRUE(source.left);
    });
    engine.run();
    destroyer.join();
}

TEST(Callbacks, MaySubmitCancelAndDestroyOthers) {
    Model model;
    Engine engine(model);
    Job first(made_tokens(10, 1), 10), gone(made_tokens(10, 2), 50), stopped(made_tokens(10, 3), 50),
        late(made_tokens(10, 4), 5);
    first.on = [&](int32_t, llm_token) {
        if (first.out[0].tokens.size() == 2) {
            gone.destroy();
            llmi_job_cancel(stopped.job);
            late.go(engine);
            llm_sequence *s = nullptr;
            EXPECT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
            llmi_sequence_destroy(s);
        }
        return 0;
    };
    for (Job *j : {&first, &gone, &stopped}) j->go(engine);
    engine.run();
    EXPECT_EQ(LLM_FINISH_LENGTH, first.out[0].finish);
    EXPECT_EQ(0, gone.out[0].n_finished);
    EXPECT_LE(gone.out[0].tokens.size(), 2u);
    EXPECT_EQ(LLM_FINISH_CANCELLED, stopped.out[0].finish);
    EXPECT_EQ(5u, late.out[0].tokens.size());
}

TEST(Callbacks, MayDestroyTheirOwnJob) {
    Model model;
    Engine engine(model);
    Job job(made_tokens(10, 1), 50, 3), other(made_tokens(10, 2), 10);
    int n_calls = 0;
    job.on = [&](int32_t, llm_token) {
        if (++n_calls == 4) job.destroy();
        return 0;
    };
    job.go(engine);
    other.go(engine);
    engine.run();
    EXPECT_EQ(4, n_calls);
    for (auto &c : job.out) EXPECT_EQ(0, c.n_finished);
    EXPECT_EQ(10u, other.out[0].tokens.size());
}

} // namespace
