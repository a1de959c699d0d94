/* What an engine takes, and what happens when there is no more. */
#include "engine/harness.h"

namespace {

/* Counts bytes as well. */
struct Bytes {
    int64_t alive = 0, peak = 0, n_calls = 0, fail_at = -1;
    llm_allocator allocator{this, alloc, release};

    static void *alloc(void *user, size_t n_bytes, size_t alignment) {
        auto *b = static_cast<Bytes *>(user);
        if (b->n_calls++ == b->fail_at) return nullptr;
        void *ptr = llmi_default_allocator.alloc(nullptr, n_bytes, alignment);
        if (ptr) b->alive += (int64_t)n_bytes;
        b->peak = std::max(b->peak, b->alive);
        return ptr;
    }
    static void release(void *user, void *ptr, size_t n_bytes) {
        static_cast<Bytes *>(user)->alive -= (int64_t)n_bytes;
        llmi_default_allocator.free(nullptr, ptr, n_bytes);
    }
};

llm_engine_options resolve(const Model &model, const llm_engine_options &o) {
    llm_engine_options r = {};
    EXPECT_EQ(LLM_OK, llmi_engine_resolve(&r, model.m, &o)) << llm_last_error();
    return r;
}

class Memory : public ::testing::TestWithParam<std::string> {
  protected:
    Bytes bytes;
    Model model{GetParam(), engine_gguf(), &bytes.allocator};
};

TEST_P(Memory, EstimateIsWhatCreateTakes) {
    std::vector<llm_engine_options> rows = {options(), options(512, 1, 1), options(33, 100, 7, 1000),
                                            options(300, 3, 300, 64)};
    rows.push_back(options());
    rows.back().prefix_cache = 0;
    rows.push_back(options());
    rows.back().n_threads = 5;
    rows.push_back(options());
    rows.back().kv_dtype = LLM_DTYPE_F16;
    int64_t unpacked = bytes.alive;
    Engine first(model, rows[0]);
    llm_engine_memory memory = {};
    llm_engine_options resolved = resolve(model, rows[0]);
    ASSERT_EQ(LLM_OK, llmi_engine_estimate(&memory, model.m, &resolved));
    EXPECT_NEAR((double)memory.total_bytes, (double)(bytes.alive - unpacked), 512) << "handles of packed weights";
    for (auto &row : rows) {
        llm_engine_options o = resolve(model, row);
        int64_t before = bytes.alive;
        ASSERT_EQ(LLM_OK, llmi_engine_estimate(&memory, model.m, &o));
        EXPECT_EQ(before, bytes.alive);
        EXPECT_EQ(memory.total_bytes, memory.kv_bytes + memory.workspace_bytes + memory.weight_bytes);
        EXPECT_EQ((int64_t)model.m->private_bytes, memory.weight_bytes);
        llmi_engine *e = nullptr;
        ASSERT_EQ(LLM_OK, llmi_engine_create(&e, model.m, &o));
        EXPECT_EQ(memory.kv_bytes + memory.workspace_bytes, bytes.alive - before);
        llmi_engine_unref(e);
    }
}

TEST_P(Memory, EstimateIsWhatCreateTakesWithWindows) {
    for (Seen seen : {SEES_ALL, SEES_WINDOW, SEES_BOTH}) {
        Model own(seen, 40, GetParam(), &bytes.allocator, 4096);
        { Engine first(own); } /* weights are packed now */
        for (const llm_engine_options &row : {options(4096, 2, 30), options(300, 8, 64, 100), options(64, 1, 1, 64)}) {
            llm_engine_options o = resolve(own, row);
            llm_engine_memory memory = {};
            int64_t before = bytes.alive;
            ASSERT_EQ(LLM_OK, llmi_engine_estimate(&memory, own.m, &o));
            Engine engine(own, row);
            EXPECT_EQ(memory.kv_bytes + memory.workspace_bytes, bytes.alive - before) << seen_name(seen);
        }
    }
}

TEST_P(Memory, StepsTakeNone) {
    Engine engine(model, options(256, 4, 32, 256));
    std::vector<std::unique_ptr<Job>> jobs;
    for (uint32_t i = 0; i < 8; i++) {
        jobs.push_back(std::make_unique<Job>(made_tokens(40 + i, i / 2), 20, 1 + (int32_t)i % 3));
        jobs.back()->d.sampling.temperature = 1;
        jobs.back()->d.n_logprobs = 3;
        if (i == 5) jobs.back()->d.kind = LLMI_JOB_SCORE;
        if (i == 6) jobs.back()->d.kind = LLMI_JOB_EMBED;
        jobs.back()->go(engine);
    }
    int64_t before = bytes.n_calls;
    engine.run();
    EXPECT_EQ(before, bytes.n_calls);
}

TEST_P(Memory, AllComesBack) {
    { Engine warm_up(model); /* weights may be packed now */ }
    int64_t before = bytes.alive;
    {
        Engine engine(model, options(256, 4, 32, 256));
        Job finished(made_tokens(40, 1)), cancelled(made_tokens(50, 2)), never_stepped(made_tokens(60, 3), 5, 3);
        llm_sequence *a = nullptr, *b = nullptr;
        ASSERT_EQ(LLM_OK, llmi_sequence_create(&a, engine.e));
        ASSERT_EQ(LLM_OK, llmi_sequence_eval(a, made_tokens(30, 1).data(), 30, nullptr, 0));
        ASSERT_EQ(LLM_OK, llmi_sequence_fork(&b, a));
        finished.go(engine);
        engine.run();
        cancelled.go(engine);
        engine.step();
        llmi_job_cancel(cancelled.job);
        engine.step();
        never_stepped.go(engine);
        llmi_sequence_destroy(a);
        llmi_engine_unref(engine.e); /* jobs and sequences hold it */
        llmi_sequence_destroy(b);
        cancelled.destroy();
        finished.destroy();
        EXPECT_LT(before, bytes.alive);
        never_stepped.destroy();
        EXPECT_EQ(before, bytes.alive);
        engine.e = nullptr;
    }
    EXPECT_EQ(before, bytes.alive);
}

TEST_P(Memory, EveryAllocationMayFail) {
    { Engine warm_up(model); }
    llm_engine_options o = resolve(model, options());
    int64_t before = bytes.alive, n_failed = 0;
    for (int64_t i = 0;; i++) {
        bytes.fail_at = bytes.n_calls + i;
        llmi_engine *e = nullptr;
        llm_status status = llmi_engine_create(&e, model.m, &o);
        if (status == LLM_OK) {
            bytes.fail_at = -1;
            llmi_engine_unref(e);
            break;
        }
        n_failed++;
        EXPECT_EQ(LLM_E_MEMORY, status);
        EXPECT_EQ(nullptr, e);
        EXPECT_EQ(before, bytes.alive);
    }
    EXPECT_GE(n_failed, 6);
}

/* The first engine of a model also packs the weights. */
TEST_P(Memory, TheFirstEngineMayFailToo) {
    int64_t n_failed = 0;
    for (int64_t i = 0;; i++) {
        Bytes own;
        {
            Model fresh(GetParam(), engine_gguf(), &own.allocator);
            llm_engine_options o = resolve(fresh, options());
            llmi_engine *e = nullptr;
            own.fail_at = own.n_calls + i;
            llm_status status = llmi_engine_create(&e, fresh.m, &o);
            bool reached = own.n_calls > own.fail_at;
            own.fail_at = -1;
            EXPECT_EQ(reached ? LLM_E_MEMORY : LLM_OK, status);
            if (!reached) {
                llmi_engine_unref(e);
                break;
            }
            EXPECT_EQ(nullptr, e);
            EXPECT_EQ(LLM_OK, llmi_engine_create(&e, fresh.m, &o)) << "the next attempt";
            llmi_engine_unref(e);
            n_failed++;
        }
        EXPECT_EQ(0, own.alive);
    }
    EXPECT_GE(n_failed, 6);
}

TEST_P(Memory, EngineIsUsableAfterFailuresOfItsCalls) {
    Engine engine(model, options(256, 4, 32));
    Job good(made_tokens(20, 1), 10);
    good.go(engine);
    int64_t before = bytes.alive;
    auto failing = [&](const std::function<llm_status()> &call) -> int {
        int n = 0;
        for (int64_t i = 0; i < 100; i++) {
            bytes.fail_at = bytes.n_calls + i;
            llm_status status = call();
            bool reached = bytes.n_calls > bytes.fail_at;
            bytes.fail_at = -1;
            if (!reached) {
                EXPECT_EQ(LLM_OK, status);
                return n;
            }
            EXPECT_EQ(LLM_E_MEMORY, status);
            EXPECT_EQ(before, bytes.alive);
            n++;
        }
        ADD_FAILURE() << "no end of allocations";
        return n;
    };
    EXPECT_EQ(1, failing([&] {
                  Job job(made_tokens(20, 2), 10, 2);
                  llm_logit_bias bias = {3, 1.0f};
                  job.d.sampling.bias = &bias;
                  job.d.sampling.n_bias = 1;
                  job.d.n_logprobs = 2;
                  return job.submit(engine);
              }));
    EXPECT_EQ(3, failing([&] {
                  llm_sequence *s = nullptr;
                  llm_status status = llmi_sequence_create(&s, engine.e);
                  if (status == LLM_OK) status = llmi_sequence_eval(s, made_tokens(9, 3).data(), 9, nullptr, 0);
                  llmi_sequence_destroy(s);
                  return status;
              }));
    llm_sequence *s = nullptr;
    ASSERT_EQ(LLM_OK, llmi_sequence_create(&s, engine.e));
    ASSERT_EQ(LLM_OK, llmi_sequence_eval(s, made_tokens(9, 3).data(), 9, nullptr, 0));
    before = bytes.alive;
    EXPECT_EQ(3, failing([&] {
                  llm_sequence *f = nullptr;
                  llm_status status = llmi_sequence_fork(&f, s);
                  llmi_sequence_destroy(f);
                  return status;
              }));
    llmi_sequence_destroy(s);
    engine.run();
    EXPECT_EQ(10u, good.out[0].tokens.size());
}

INSTANTIATE_TEST_SUITE_P(Backends, Memory, ::testing::ValuesIn(backends()), [](const auto &row) { return row.param; });

TEST(Options, DefaultsAreResolved) {
    Model small("reference", engine_gguf(512)), large("reference", engine_gguf(100000));
    llm_engine_options o = options(0);
    o.n_threads = 0;
    EXPECT_EQ(512, resolve(small, o).n_ctx);
    EXPECT_EQ(8192, resolve(large, o).n_ctx);
    EXPECT_EQ(16384, resolve(large, o).n_kv_tokens);
    EXPECT_GE(resolve(large, o).n_threads, 1);
    EXPECT_EQ(LLM_DTYPE_F32, resolve(small, o).kv_dtype);
}

TEST(Options, RangesAreChecked) {
    Model model;
    const struct {
        const char *text;
        std::function<void(llm_engine_options &)> edit;
    } rows[] = {
        {"n_ctx is -1", [](auto &o) { o.n_ctx = -1; }},
        {"n_ctx is 16777217", [](auto &o) { o.n_ctx = (1 << 24) + 1; }},
        {"n_seqs is 0", [](auto &o) { o.n_seqs = 0; }},
        {"n_seqs is 1025", [](auto &o) { o.n_seqs = 1025; }},
        {"n_batch is 65537", [](auto &o) { o.n_batch = 65537; }},
        {"kv_dtype is 2", [](auto &o) { o.kv_dtype = LLM_DTYPE_Q4_0; }},
        {"prefix_cache is 2", [](auto &o) { o.prefix_cache = 2; }},
        {"n_kv_tokens is -5", [](auto &o) { o.n_kv_tokens = -5; }},
        {"n_threads is 1025", [](auto &o) { o.n_threads = 1025; }},
    };
    for (auto &row : rows) {
        llm_engine_options o = options(), r;
        row.edit(o);
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_engine_resolve(&r, model.m, &o)) << row.text;
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.text)) << llm_last_error();
    }
}

TEST(Options, TheLargestOnesAreEstimatedWithoutOverflow) {
    Model model;
    llm_engine_options o = options(1 << 24, 1024, 65536, (int64_t)1 << 32);
    o.n_threads = 1024;
    llm_engine_options r = resolve(model, o);
    llm_engine_memory memory = {};
    ASSERT_EQ(LLM_OK, llmi_engine_estimate(&memory, model.m, &r)) << llm_last_error();
    EXPECT_GT(memory.kv_bytes, (int64_t)1 << 38);
    EXPECT_GT(memory.total_bytes, memory.kv_bytes);
}

} // namespace
