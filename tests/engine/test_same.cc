/* Same request, same bits: for any number of threads, in any company, from any cache, in any chunks. */
#include "engine/harness.h"

namespace {

struct Answers {
    std::vector<float> logits;
    std::vector<Completion> completions;
    bool operator==(const Answers &o) const { return logits == o.logits && completions == o.completions; }
};

class Same : public ::testing::TestWithParam<std::tuple<std::string, Seen>> {
  protected:
    static std::vector<float> eval(Engine &engine, const Tokens &tokens, size_t chunk) {
        llm_sequence *s = nullptr;
        EXPECT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
        std::vector<float> logits(tokens.size() * 32);
        for (size_t at = 0; at < tokens.size(); at += chunk) {
            size_t n = std::min(chunk, tokens.size() - at);
            EXPECT_EQ(LLM_OK, llmi_sequence_eval(s, &tokens[at], n, &logits[at * 32], n)) << llm_last_error();
        }
        llmi_sequence_destroy(s);
        return logits;
    }
    static void describe(Job &job) {
        job.prompt = made_tokens(70, 5);
        job.d.max_tokens = 24;
        job.d.n = 2;
        job.d.sampling.temperature = 0.8f;
        job.d.n_logprobs = 4;
    }
    Answers run(const llm_engine_options &o, size_t chunk = 1000, int n_beside = 0, bool warm = false) {
        Engine engine(model, o);
        Answers result;
        std::vector<std::unique_ptr<Job>> beside;
        if (warm) {
            Job before;
            describe(before);
            before.go(engine);
            engine.run();
        }
        for (int i = 0; i < n_beside; i++) {
            beside.push_back(std::make_unique<Job>(made_tokens(3 + (size_t)i * 11, (uint32_t)i), 40));
            beside.back()->go(engine);
            engine.step();
        }
        Job job;
        describe(job);
        job.go(engine);
        engine.step();
        result.logits = eval(engine, made_tokens(90, 6), chunk);
        engine.run();
        result.completions = job.out;
        EXPECT_EQ(24u, job.out[1].tokens.size());
        return result;
    }
    Model model{std::get<1>(GetParam()), 20, std::get<0>(GetParam())};
    Answers first = run(options(256, 8, 512));
};

TEST_P(Same, ForAnyNumberOfThreads) {
    for (int32_t n : {1, 2, 3, 7}) {
        llm_engine_options o = options(256, 8, 512);
        o.n_threads = n;
        EXPECT_EQ(first, run(o)) << n << " threads";
    }
}

TEST_P(Same, InAnyCompany) {
    for (int n : {1, 3, 6}) EXPECT_EQ(first, run(options(256, 8, 512), 1000, n)) << n << " others";
    EXPECT_EQ(first, run(options(256, 3, 40), 1000, 6)) << "in a queue";
    EXPECT_EQ(first, run(options(256, 8, 64, 320), 1000, 6)) << "with few pages";
    EXPECT_EQ(first, run(options(256, 2, 16, 2048), 1000, 6)) << "with few frames";
}

TEST_P(Same, FromAColdAndAWarmCache) {
    EXPECT_EQ(first, run(options(256, 8, 512), 1000, 0, true));
    llm_engine_options o = options(256, 8, 512);
    o.prefix_cache = 0;
    EXPECT_EQ(first, run(o, 1000, 0, true));
    EXPECT_EQ(first, run(options(256, 2, 16, 2048), 1000, 6, true)) << "with few frames";
}

TEST_P(Same, InAnyChunks) {
    for (int32_t n_batch : {1, 2, 13, 33, 64}) EXPECT_EQ(first, run(options(256, 8, n_batch))) << n_batch << " rows";
    for (size_t chunk : {1, 5, 32, 50}) EXPECT_EQ(first, run(options(256, 8, 512), chunk)) << chunk << " tokens";
}

INSTANTIATE_TEST_SUITE_P(Backends, Same,
                         ::testing::Combine(::testing::ValuesIn(backends()),
                                            ::testing::Values(SEES_ALL, SEES_WINDOW, SEES_BOTH)),
                         [](const auto &row) {
                             return std::get<0>(row.param) + "_" + seen_name(std::get<1>(row.param));
                         });

} // namespace
