/* llm_sequence: the host's own sequences. */
#include "engine/hooks.h"

namespace {

class Handle {
  public:
    explicit Handle(Engine &engine, int32_t n_vocab_ = 32) : n_vocab((size_t)n_vocab_) {
        EXPECT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
    }
    explicit Handle(Handle &from) : n_vocab(from.n_vocab) { EXPECT_EQ(LLM_OK, llmi_sequence_fork(&s, from.s)); }
    ~Handle() { llmi_sequence_destroy(s); }
    /* Logits after the last n_rows tokens. */
    std::vector<float> eval(const Tokens &tokens, size_t n_rows) {
        std::vector<float> logits(n_rows * n_vocab, -777);
        EXPECT_EQ(LLM_OK, llmi_sequence_eval(s, tokens.data(), tokens.size(), logits.data(), n_rows))
            << llm_last_error();
        return logits;
    }
    llm_status try_eval(const Tokens &tokens) {
        return llmi_sequence_eval(s, tokens.data(), tokens.size(), nullptr, 0);
    }
    Tokens tokens() const {
        const llm_token *ids = nullptr;
        size_t n = llmi_sequence_tokens(&ids, s);
        return Tokens(ids, ids + n);
    }
    llm_sequence *s = nullptr;
    size_t n_vocab;
};

class Handles : public ::testing::Test {
  protected:
    std::vector<float> expected(const Tokens &tokens) {
        llm_engine_options o = options(256, 1, 256);
        o.prefix_cache = 0;
        Engine engine(model, o);
        return Handle(engine).eval(tokens, tokens.size());
    }
    Model model;
    Hooks hooks{model};
};

TEST_F(Handles, LogitsOfTheRowsThatAreAskedFor) {
    Tokens tokens = made_tokens(150, 1);
    std::vector<float> all = expected(tokens);
    for (size_t n_rows : {0, 1, 2, 70, 149, 150}) {
        Engine engine(model, options(256, 2, 70));
        Handle seq(engine);
        std::vector<float> some = seq.eval(tokens, n_rows);
        EXPECT_EQ(std::vector<float>(all.end() - (ptrdiff_t)(n_rows * 32), all.end()), some) << n_rows;
        EXPECT_EQ(tokens, seq.tokens());
    }
}

TEST_F(Handles, ForkAndRewindAreAsIfComputedAfresh) {
    Engine engine(model);
    Handle a(engine);
    Tokens head = made_tokens(45, 1), x = made_tokens(7, 2), y = made_tokens(9, 3);
    a.eval(head, 0);
    Handle b(a);
    int64_t rows = hooks.n_rows;
    std::vector<float> ax = a.eval(x, 7), by = b.eval(y, 9);
    EXPECT_EQ(rows + 16, hooks.n_rows) << "the head is shared";
    auto check = [&](Tokens tail, const std::vector<float> &got) {
        Tokens whole = head;
        whole.insert(whole.end(), tail.begin(), tail.end());
        std::vector<float> all = expected(whole);
        EXPECT_EQ(std::vector<float>(all.end() - (ptrdiff_t)got.size(), all.end()), got);
    };
    check(x, ax);
    check(y, by);
    ASSERT_EQ(LLM_OK, llmi_sequence_rewind(a.s, 45));
    EXPECT_EQ(head, a.tokens());
    check(y, a.eval(y, 9));
    check(y, by);
    ASSERT_EQ(LLM_OK, llmi_sequence_rewind(b.s, 0));
    b.eval(head, 0);
    EXPECT_EQ(ax, b.eval(x, 7));
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_sequence_rewind(b.s, 53));
}

TEST_F(Handles, FullContextAndFullCacheAppendNothing) {
    Engine engine(model, options(100, 2, 32, 96));
    Handle a(engine), b(engine);
    a.eval(made_tokens(60, 1), 0);
    EXPECT_EQ(LLM_E_LIMIT, a.try_eval(made_tokens(41, 2)));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "context is full")) << llm_last_error();
    EXPECT_EQ(60u, a.tokens().size());
    EXPECT_EQ(LLM_E_LIMIT, b.try_eval(made_tokens(40, 3)));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "cache is full")) << llm_last_error();
    EXPECT_EQ(0u, b.tokens().size());
    b.eval(made_tokens(32, 3), 1);
    a.eval(made_tokens(4, 5), 1);
    EXPECT_EQ(LLM_E_LIMIT, a.try_eval({1}));
    EXPECT_EQ(64u, a.tokens().size());
}

TEST_F(Handles, WrongCallsAreRefused) {
    Engine engine(model);
    Handle a(engine);
    float logits[64];
    const llm_token ids[] = {1, 32};
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_sequence_eval(a.s, ids, 2, logits, 1));
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_sequence_eval(a.s, ids, 1, logits, 2));
    EXPECT_EQ(LLM_OK, llmi_sequence_eval(a.s, ids, 0, logits, 0));
    EXPECT_EQ(0u, a.tokens().size());
}

TEST_F(Handles, LiveBesideJobs) {
    Engine engine(model, options(256, 4, 32, 384));
    Job job(made_tokens(60, 1), 100), other(made_tokens(60, 2), 60);
    job.go(engine);
    other.go(engine);
    Handle seq(engine);
    Tokens tokens;
    for (int i = 0; i < 40; i++) {
        engine.step();
        if (tokens.size() > 150) break;
        Tokens more = made_tokens(4, (uint32_t)i);
        tokens.insert(tokens.end(), more.begin(), more.end());
        std::vector<float> got = seq.eval(more, 4), all = expected(tokens);
        ASSERT_EQ(std::vector<float>(all.end() - 4 * 32, all.end()), got);
    }
    ASSERT_EQ(LLM_OK, llmi_sequence_rewind(seq.s, 0));
    engine.run();
    EXPECT_EQ(alone(model, job), job.out);
    EXPECT_EQ(alone(model, other), other.out);
}

TEST_F(Handles, FindWhatJobsComputed) {
    Engine engine(model);
    Job job(made_tokens(60, 1), 1);
    job.go(engine);
    engine.run();
    int64_t rows = hooks.n_rows;
    Handle seq(engine);
    std::vector<float> got = seq.eval(job.prompt, 2), all = expected(job.prompt);
    EXPECT_EQ(std::vector<float>(all.end() - 64, all.end()), got);
    EXPECT_EQ(rows + 2, hooks.n_rows - 60) << "two rows for the sequence, 60 for what is expected";
    Handle whole(engine);
    whole.eval(job.prompt, 0);
    whole.eval({5}, 1);
}

TEST_F(Handles, NotFromWithinACallback) {
    Engine engine(model);
    Handle seq(engine);
    Job job(made_tokens(5, 1), 1);
    job.on = [&](int32_t, llm_token) {
        EXPECT_EQ(LLM_E_BUSY, seq.try_eval({1}));
        int32_t n;
        EXPECT_EQ(LLM_E_BUSY, llmi_engine_step(&n, engine.e));
        return 0;
    };
    job.go(engine);
    engine.run();
}

TEST_F(Handles, AStoppedOrFailedChunkAppendsNothing) {
    Engine engine(model, options(256, 2, 16));
    Handle seq(engine);
    seq.eval(made_tokens(20, 1), 0);
    int n = 0;
    hooks.on_sync = [&] { return ++n == 2 ? llmi_error(LLM_E_DEVICE, "gone") : LLM_OK; };
    EXPECT_EQ(LLM_E_DEVICE, seq.try_eval(made_tokens(40, 2)));
    EXPECT_EQ(20u, seq.tokens().size());
    n = 0;
    hooks.on_sync = [&] { return ++n % 2 ? llmi_error(LLM_E_CANCELLED, "stopped late") : LLM_OK; };
    std::vector<float> got = seq.eval(made_tokens(40, 3), 40);
    hooks.on_sync = nullptr;
    Tokens whole = made_tokens(20, 1), tail = made_tokens(40, 3);
    whole.insert(whole.end(), tail.begin(), tail.end());
    std::vector<float> all = expected(whole);
    EXPECT_EQ(std::vector<float>(all.end() - 40 * 32, all.end()), got);
}

} // namespace
