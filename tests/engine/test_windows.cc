/* Layers that see a window: their memory is bounded by it, and no bit changes. The truth is a cache of one sequence
 * that keeps all pages. */
#include "engine/hooks.h"
#include "sanitized.h"
#include "unit/model/runner.h"

namespace {

enum { WINDOW = 64, N_CTX = 4096 };

Tokens operator+(Tokens a, const Tokens &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/* Logits of all rows. */
std::vector<float> expected(const Model &model, const Tokens &tokens) {
    Runner runner(model.m, 64, (int32_t)tokens.size());
    std::vector<float> all;
    for (size_t at = 0; at < tokens.size(); at += 64) {
        std::vector<float> rows = runner.append(
            {tokens.begin() + (ptrdiff_t)at, tokens.begin() + (ptrdiff_t)std::min(at + 64, tokens.size())});
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

llm_engine_memory memory_of(const Model &model, const llm_engine_options &o) {
    llm_engine_options resolved = {};
    llm_engine_memory memory = {};
    EXPECT_EQ(LLM_OK, llmi_engine_resolve(&resolved, model.m, &o));
    EXPECT_EQ(LLM_OK, llmi_engine_estimate(&memory, model.m, &resolved));
    return memory;
}

class Windows : public ::testing::TestWithParam<Seen> {
  protected:
    Model model{GetParam(), WINDOW, "reference", nullptr, N_CTX};
    /* Of the last n rows. */
    std::vector<float> truth(const Tokens &tokens, size_t n) {
        std::vector<float> all = expected(model, tokens);
        return {all.end() - (ptrdiff_t)(n * 32), all.end()};
    }
    std::vector<float> eval(llm_sequence *s, const Tokens &tokens, size_t n) {
        std::vector<float> logits(n * 32);
        EXPECT_EQ(LLM_OK, llmi_sequence_eval(s, tokens.data(), tokens.size(), logits.data(), n)) << llm_last_error();
        return logits;
    }
};

/* Entries of a step's table of one group that name pages, and the largest of them. */
void look_at(const llm_state_table &table, int32_t seqs, int32_t *n, int32_t *largest) {
    *n = 0;
    for (int32_t i = 0; i < seqs * table.width; i++) {
        *n += table.pages[i] >= 0;
        *largest = std::max(*largest, table.pages[i]);
    }
}

TEST_P(Windows, ALongGenerationStaysInTheMemoryOfItsWindow) {
    const size_t n_tokens = SANITIZED ? 800 : 3000; /* sanitizers take ten times as long */
    Hooks hooks(model);
    llm_engine_options o = options(N_CTX, 1, 32);
    Engine engine(model, o);
    /* A window of 64 lies in 3 pages; of 3 sequences with one more each and a step of one page: 3 * 4 + 1. */
    int32_t windowed = GetParam() == SEES_WINDOW ? 0 : 1, largest = 0, most = 0;
    hooks.on_kv_write = [&](const llm_step &step) {
        int32_t n = 0;
        if (GetParam() == SEES_ALL) return;
        look_at(step.tables[windowed], step.seqs, &n, &largest);
        most = std::max(most, n);
    };
    Job job(made_tokens(100, 1), (int32_t)n_tokens);
    job.go(engine);
    engine.run();
    hooks.on_kv_write = nullptr;
    ASSERT_EQ(n_tokens, job.out[0].tokens.size());
    Tokens all = job.prompt + job.out[0].tokens;
    all.pop_back();
    std::vector<float> logits = expected(model, all);
    for (size_t i = 0; i < n_tokens; i++) {
        const float *row = &logits[(99 + i) * 32];
        ASSERT_EQ(job.out[0].tokens[i], std::max_element(row, row + 32) - row) << i;
    }
    if (GetParam() == SEES_ALL) return;
    EXPECT_LE(most, 4);
    EXPECT_LT(largest, 13);
}

TEST_P(Windows, MemoryIsCountedAsItIs) {
    llm_engine_options o = options(N_CTX, 1, 32);
    int64_t all = memory_of(Model(SEES_ALL, WINDOW, "reference", nullptr, N_CTX), o).kv_bytes;
    int64_t own = memory_of(model, o).kv_bytes, n_pages = 2 * N_CTX / 32, n_frames = 13;
    int64_t share = GetParam() == SEES_ALL      ? 2 * n_pages
                    : GetParam() == SEES_WINDOW ? 2 * n_frames
                                                : n_pages + n_frames;
    EXPECT_NEAR((double)share / (double)(2 * n_pages), (double)own / (double)all, 0.002);
}

TEST_P(Windows, ForkAndRewindAreAsIfComputedAfresh) {
    for (int32_t keep : {0, 1}) {
        llm_engine_options o = options(N_CTX, 2, 50);
        o.prefix_cache = keep;
        Engine engine(model, o);
        llm_sequence *a = nullptr, *b = nullptr;
        Tokens head = made_tokens(500, 1), x = made_tokens(40, 2), y = made_tokens(70, 3);
        ASSERT_EQ(LLM_OK, llmi_sequence_create(&a, engine.e));
        EXPECT_EQ(truth(head, 9), eval(a, head, 9));
        ASSERT_EQ(LLM_OK, llmi_sequence_fork(&b, a));
        EXPECT_EQ(truth(head + x, 40), eval(a, x, 40));
        EXPECT_EQ(truth(head + y, 70), eval(b, y, 70));
        for (size_t n : {530, 500, 495, 300, 64, 63, 20, 1, 0}) {
            Tokens rest = head + x;
            rest.resize(n);
            ASSERT_EQ(LLM_OK, llmi_sequence_rewind(a, n));
            EXPECT_EQ(n, llmi_sequence_tokens(nullptr, a));
            EXPECT_EQ(truth(rest + y, 70), eval(a, y, 70)) << n;
            ASSERT_EQ(LLM_OK, llmi_sequence_rewind(a, n));
        }
        EXPECT_EQ(truth(head + y + x, 3), eval(b, x, 3));
        llmi_sequence_destroy(a);
        llmi_sequence_destroy(b);
    }
}

TEST_P(Windows, ARewindWithinTheLastPagesComputesLittle) {
    Hooks hooks(model);
    Engine engine(model, options(N_CTX, 1, 50));
    llm_sequence *s = nullptr;
    Tokens head = made_tokens(500, 1);
    ASSERT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
    eval(s, head, 0);
    hooks.n_rows = 0;
    ASSERT_EQ(LLM_OK, llmi_sequence_rewind(s, 495));
    head.resize(495);
    EXPECT_EQ(truth(head + Tokens{3, 4}, 2), eval(s, {3, 4}, 2));
    EXPECT_EQ(2, hooks.n_rows - 495 - 2) << "truth() computes all of them";
    llmi_sequence_destroy(s);
}

TEST_P(Windows, ChatTurnsAndCommonBeginningsAreReused) {
    Engine engine(model, options(N_CTX, 2, 64));
    Job first(made_tokens(300, 1), 40);
    first.go(engine);
    engine.run();
    Job turn(first.prompt + first.out[0].tokens + made_tokens(20, 2), 10);
    Job other(made_tokens(300, 1) + made_tokens(30, 3), 10), apart(made_tokens(150, 1) + made_tokens(30, 4), 10);
    for (Job *job : {&turn, &other, &apart}) {
        job->go(engine);
        engine.run();
        EXPECT_EQ(alone(model, *job, N_CTX), job->out);
    }
    EXPECT_EQ(339, turn.stats().n_cached_tokens);
    EXPECT_EQ(300, other.stats().n_cached_tokens) << "its window has frames still";
    if (GetParam() != SEES_ALL) return;
    EXPECT_EQ(150, apart.stats().n_cached_tokens);
}

TEST_P(Windows, ABeginningWhoseWindowPassedWithinOneStepIsReused) {
    Engine engine(model, options(N_CTX, 2, 512));
    Job first(made_tokens(300, 1), 1), second(made_tokens(150, 1) + made_tokens(30, 2), 10);
    for (Job *job : {&first, &second}) {
        job->go(engine);
        engine.run();
        EXPECT_EQ(alone(model, *job, N_CTX, 512), job->out);
    }
    EXPECT_EQ(150, second.stats().n_cached_tokens);
}

/* Handles of the host use frames as long as they live; jobs make room for them, and what has none is refused. */
TEST_P(Windows, MoreSequencesThanThereAreFramesFor) {
    Hooks hooks(model);
    Engine engine(model, options(N_CTX, 1, 32));
    Job job(made_tokens(200, 50), 300);
    std::vector<llm_sequence *> all;
    std::vector<Tokens> tokens;
    job.go(engine);
    int n_refused = 0;
    for (uint32_t i = 0; i < 12; i++) {
        llm_sequence *s = nullptr;
        ASSERT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
        Tokens own = made_tokens(100 + i * 7, i);
        llm_status status = llmi_sequence_eval(s, own.data(), own.size(), nullptr, 0);
        EXPECT_TRUE(status == LLM_OK || status == LLM_E_LIMIT);
        n_refused += status == LLM_E_LIMIT;
        if (status != LLM_OK) own.clear();
        EXPECT_EQ(own.size(), llmi_sequence_tokens(nullptr, s));
        all.push_back(s);
        tokens.push_back(own);
        engine.step();
    }
    EXPECT_EQ(GetParam() != SEES_ALL, n_refused > 0);
    for (size_t i = 0; i < all.size(); i++) { /* one after the other goes: there is room for the next */
        if (!tokens[i].empty()) {
            Tokens more = made_tokens(50, 99);
            EXPECT_EQ(truth(tokens[i] + more, 50), eval(all[i], more, 50));
        }
        llmi_sequence_destroy(all[i]);
    }
    engine.run();
    Completion whole = alone(model, job, N_CTX)[0];
    ASSERT_LE(job.out[0].tokens.size(), whole.tokens.size());
    whole.tokens.resize(job.out[0].tokens.size());
    EXPECT_EQ(whole.tokens, job.out[0].tokens);
}

TEST_P(Windows, StoppedStepsLeaveNoTrace) {
    Hooks hooks(model);
    llm_engine_options o = options(1024, 3, 20);
    Engine engine(model, o);
    Job a(made_tokens(150, 1), 300, 2), b(made_tokens(150, 1) + made_tokens(70, 2), 200);
    a.d.sampling.temperature = 1;
    int n = 0;
    hooks.on_sync = [&] { return ++n % 3 ? LLM_OK : LLM_E_CANCELLED; };
    a.go(engine);
    b.go(engine);
    engine.run();
    hooks.on_sync = nullptr;
    EXPECT_EQ(alone(model, a, 1024), a.out);
    EXPECT_EQ(alone(model, b, 1024), b.out);
}

TEST_P(Windows, OnEveryBackEnd) {
    for (const char *backend : {"cpu", "checked-cpu", "tiny", "checked-tiny"}) {
        Model other(GetParam(), WINDOW, backend, nullptr, N_CTX);
        Engine engine(other, options(N_CTX, 2, 40));
        Job job(made_tokens(150, 1), 100, 2);
        job.d.sampling.temperature = 1;
        job.go(engine);
        engine.run();
        for (const Completion &c : job.out) ASSERT_EQ(LLM_FINISH_LENGTH, c.finish) << c.error_text;
        EXPECT_EQ(alone(other, job, N_CTX), job.out) << backend;
    }
}

INSTANTIATE_TEST_SUITE_P(Layers, Windows, ::testing::Values(SEES_ALL, SEES_WINDOW, SEES_BOTH),
                         [](const auto &row) { return std::string("see_") + seen_name(row.param); });

} // namespace
