// The cache and the attention of the CPU back end: against the reference, and the same bits however a
// sequence is cut into steps, batched, placed in pages or spread over threads.
#include "kernels/cpu_device.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <thread>

namespace {

struct Shape {
    int32_t dim, n_kv, group, page_tokens, window;
    llm_dtype dtype;

    int32_t n_heads() const { return n_kv * group; }
    int64_t q_width() const { return (int64_t)n_heads() * dim; }
    llm_state_desc desc() const { return {LLM_STATE_PAGED, 0, n_kv, dim, dim, dtype, 0}; }
    llm_attend_args args(int32_t layer = 0) const { return {layer, n_heads(), window, 1.0f / std::sqrt((float)dim)}; }
    std::string text() const {
        char t[120];
        snprintf(t, sizeof t, "head_dim %d, %d kv heads, %d heads of each, pages of %d, window %d, dtype %d", dim, n_kv,
                 group, page_tokens, window, dtype);
        return t;
    }
};

// Queries, keys and values of every position of some sequences.
struct Data {
    std::vector<Floats> q, k, v;

    Data(const Shape &shape, const Ints &lengths, std::mt19937 &random, float size = 1.0f) {
        for (int32_t n : lengths) {
            q.push_back(gaussian(random, n * shape.q_width(), size));
            k.push_back(gaussian(random, (size_t)n * shape.n_kv * shape.dim));
            v.push_back(gaussian(random, (size_t)n * shape.n_kv * shape.dim));
        }
    }
};

// One step: stores keys and values, attends, and puts the rows into out[seq].
void run(Device &d, Cache &cache, const Shape &shape, const Data &data, const std::vector<Step::Run> &runs,
         std::vector<Floats> &out, int32_t layer = 0) {
    Step step(cache, runs);
    Floats k = step.pick(data.k, cache.width()), v = step.pick(data.v, cache.width());
    Floats q = step.pick(data.q, shape.q_width()), result(q.size(), -7.0f);
    int64_t n = step.n_rows();
    Program both;
    both.on(step.step);
    both.kv_write(layer, view(k, n, cache.width()), view(v, n, cache.width()));
    both.attend(view(q, n, shape.q_width()), view(result, n, shape.q_width()), shape.args(layer));
    d.run(both);
    d.ok();
    const float *from = result.data();
    for (const Step::Run &r : runs) {
        int64_t begin = r.first * shape.q_width(), count = r.n * shape.q_width();
        out[r.seq].resize(data.q[r.seq].size());
        std::copy(from, from + count, out[r.seq].begin() + begin);
        from += count;
    }
}

// Every sequence from its start in steps of `chunk` rows; together or one after the other.
std::vector<Floats> run_all(Device &d, const Shape &shape, const Data &data, const Ints &lengths, int32_t chunk,
                            bool together, uint32_t seed) {
    Cache cache(d, shape.desc(), 1, shape.page_tokens, lengths, seed);
    std::vector<Floats> out(lengths.size());
    int32_t longest = *std::max_element(lengths.begin(), lengths.end());
    for (int32_t first = 0; first < longest; first += chunk) {
        std::vector<Step::Run> runs;
        for (int32_t q = 0; q < (int32_t)lengths.size(); q++)
            if (first < lengths[q]) runs.push_back({q, first, std::min(chunk, lengths[q] - first)});
        if (together)
            run(d, cache, shape, data, runs, out);
        else
            for (const Step::Run &one : runs) run(d, cache, shape, data, {one}, out);
    }
    return out;
}

void expect_close(const std::vector<Floats> &got, const std::vector<Floats> &expected, double tolerance,
                  const std::string &what) {
    for (size_t q = 0; q < expected.size(); q++) {
        ASSERT_EQ(got[q].size(), expected[q].size());
        for (size_t i = 0; i < expected[q].size(); i++) {
            if (std::isnan(expected[q][i]) && std::isnan(got[q][i])) continue;
            ASSERT_NEAR(got[q][i], expected[q][i], tolerance) << what << ": sequence " << q << ", element " << i;
        }
    }
}

void expect_same_bits(const std::vector<Floats> &got, const std::vector<Floats> &expected, const std::string &what) {
    for (size_t q = 0; q < expected.size(); q++)
        ASSERT_TRUE(bits(got[q]) == bits(expected[q])) << what << ": sequence " << q;
}

class CpuAttention : public ::testing::TestWithParam<int32_t> {
  protected:
    std::mt19937 random{11};

    void compare(const Shape &shape, const Ints &lengths, int32_t chunk, float size = 1.0f, double tolerance = 3e-6) {
        Device cpu(llmk_cpu_backend(), GetParam(), 2), ref(llmk_ref_backend());
        Data data(shape, lengths, random, size);
        expect_close(run_all(cpu, shape, data, lengths, chunk, true, 1),
                     run_all(ref, shape, data, lengths, 100000, true, 2), tolerance, shape.text());
    }
};

} // namespace

TEST_P(CpuAttention, IsTheReferenceForEveryHeadSize) {
    for (int32_t dim : {1, 2, 3, 7, 8, 15, 16, 17, 33, 40, 64, 80, 96, 112, 128, 200, 256})
        for (llm_dtype dtype : {LLM_DTYPE_F32, LLM_DTYPE_F16})
            compare({dim, 2, 2, 16, 0, dtype}, {75, 1, 20}, dim % 2 ? 9 : 75);
}

TEST_P(CpuAttention, IsTheReferenceForEveryGroupOfHeads) {
    const struct {
        int32_t n_kv, group;
    } heads[] = {{1, 1}, {3, 1}, {1, 2}, {2, 3}, {1, 5}, {2, 7}, {1, 8}, {1, 12}, {1, 32}, {1, 71}};
    for (auto h : heads)
        for (int32_t chunk : {1, 70}) compare({16, h.n_kv, h.group, 32, 0, LLM_DTYPE_F16}, {70, 33}, chunk);
}

TEST_P(CpuAttention, IsTheReferenceForEveryPageAndWindow) {
    for (int32_t page_tokens : {1, 4, 10, 16, 20, 32, 64, 100, 1000})
        for (int32_t window : {0, 1, 2, 17, 64, 100}) {
            compare({8, 1, 2, page_tokens, window, LLM_DTYPE_F32}, {150, 64, 16}, 50);
            compare({8, 3, 2, page_tokens, window, LLM_DTYPE_F16}, {150, 64, 16}, 3); // several heads of an item
        }
}

TEST_P(CpuAttention, IsTheReferenceInLongContexts) {
    compare({16, 1, 2, 16, 0, LLM_DTYPE_F16}, {1100}, 1100);
    compare({16, 1, 2, 50, 700, LLM_DTYPE_F16}, {1300}, 1300);
    compare({8, 1, 1, 64, 0, LLM_DTYPE_F32}, {1025, 3000}, 1500);
}

TEST_P(CpuAttention, IsTheReferenceForHugeAndTinyScores) {
    for (float size : {0.0f, 1e-30f, 30.0f}) compare({64, 1, 3, 16, 0, LLM_DTYPE_F32}, {200}, 200, size, 2e-4);
    compare({64, 1, 3, 16, 0, LLM_DTYPE_F32}, {90}, 90, 1e6f, 8.0); // one token takes all: no NaN, no infinity
}

TEST_P(CpuAttention, InfiniteScoresAndNaNEndUpWhereTheReferencePutsThem) {
    const float inf = std::numeric_limits<float>::infinity(), nan_ = std::numeric_limits<float>::quiet_NaN();
    const Ints lengths = {100};
    for (float strange : {inf, -inf, nan_})
        for (int32_t at : {0, 5, 63, 64, 70})
            for (int which : {0, 1, 2}) {
                Shape shape = {8, 1, 2, 16, 20, LLM_DTYPE_F32};
                Data data(shape, lengths, random);
                Floats &victim = which == 0 ? data.q[0] : which == 1 ? data.k[0] : data.v[0];
                victim[(size_t)at * victim.size() / 100] = strange;
                Device cpu(llmk_cpu_backend(), GetParam(), 1), ref(llmk_ref_backend());
                auto got = run_all(cpu, shape, data, lengths, 100, true, 1);
                auto expected = run_all(ref, shape, data, lengths, 100, true, 1);
                for (size_t i = 0; i < got[0].size(); i++) {
                    bool bad = !std::isfinite(expected[0][i]);
                    ASSERT_EQ(!std::isfinite(got[0][i]), bad) << strange << " at " << at << ", element " << i;
                    if (bad) continue;
                    ASSERT_NEAR(got[0][i], expected[0][i], 3e-6);
                }
            }
}

TEST_P(CpuAttention, DoesNotDependOnStepsBatchPagesOrThreads) {
    const Shape shapes[] = {
        {64, 2, 4, 16, 0, LLM_DTYPE_F16},  {40, 1, 3, 32, 0, LLM_DTYPE_F32},   {16, 2, 1, 10, 0, LLM_DTYPE_F16},
        {64, 1, 7, 64, 37, LLM_DTYPE_F16}, {16, 1, 9, 16, 600, LLM_DTYPE_F32}, {128, 1, 2, 16, 90, LLM_DTYPE_F16},
    };
    const Ints lengths = {600, 70, 1};
    for (const Shape &shape : shapes) {
        Data data(shape, lengths, random);
        Device one(llmk_cpu_backend(), GetParam(), 1);
        auto expected = run_all(one, shape, data, lengths, 1000, true, 1);
        for (int32_t n_threads : {1, 3})
            for (int32_t chunk : {1, 16, 100}) {
                if (chunk == 1 && n_threads > 1) continue;
                Device d(llmk_cpu_backend(), GetParam(), n_threads);
                auto got = run_all(d, shape, data, lengths, chunk, chunk != 16, (uint32_t)(chunk + n_threads));
                expect_same_bits(got, expected, shape.text() + ", steps of " + std::to_string(chunk));
            }
    }
}

TEST_P(CpuAttention, PartsSharedOutAreThePartsOfOneThread) {
    const Ints lengths = {3000, 700};
    const Shape shapes[] = {{64, 1, 4, 32, 0, LLM_DTYPE_F16}, {16, 3, 2, 20, 0, LLM_DTYPE_F16}};
    for (const Shape &shape : shapes) {
        Data data(shape, lengths, random);
        std::vector<Floats> expected;
        for (int32_t n_threads : {1, 2, 4}) {
            Device d(llmk_cpu_backend(), GetParam(), n_threads);
            Cache cache(d, shape.desc(), 1, shape.page_tokens, lengths, (uint32_t)n_threads);
            std::vector<Floats> out(2);
            run(d, cache, shape, data, {{0, 0, 2999}, {1, 0, 699}}, out);
            run(d, cache, shape, data, {{0, 2999, 1}}, out); // one row, six parts
            run(d, cache, shape, data, {{1, 699, 1}}, out);
            if (expected.empty()) {
                expected = out;
                std::vector<Floats> together(2); // both rows in one step, among the rows before them
                run(d, cache, shape, data, {{0, 2900, 100}, {1, 650, 50}}, together);
                for (int q : {0, 1}) {
                    size_t tail = (size_t)shape.q_width();
                    ASSERT_EQ(bits(Floats(together[q].end() - tail, together[q].end())),
                              bits(Floats(out[q].end() - tail, out[q].end())));
                }
            }
            expect_same_bits(out, expected, std::to_string(n_threads) + " threads");
        }
    }
}

// Sequences with the same first pages are read together; some share less of them, nothing, or all they have.
TEST_P(CpuAttention, ACommonBeginningIsReadAsByEachAlone) {
    const Shape shapes[] = {
        {64, 2, 2, 32, 0, LLM_DTYPE_F16}, {40, 1, 3, 16, 0, LLM_DTYPE_F32},    {16, 2, 1, 10, 0, LLM_DTYPE_F16},
        {64, 1, 7, 32, 0, LLM_DTYPE_F16}, {64, 2, 2, 16, 200, LLM_DTYPE_F16},  {16, 1, 4, 64, 90, LLM_DTYPE_F32},
        {64, 2, 2, 32, 0, LLM_DTYPE_F32}, {128, 2, 1, 32, 600, LLM_DTYPE_F16},
    };
    const int32_t common[] = {650, 650, 650, 650, 300, 650, 650, 650, 650, 0, 650, 650, 650, 650, 650, 650, 650, 650};
    const int32_t n_seqs = sizeof common / sizeof *common;
    for (const Shape &shape : shapes) {
        Ints lengths;
        for (int32_t q = 0; q < n_seqs; q++) lengths.push_back(q == 7 ? 400 : 655 + 13 * q);
        Data data(shape, lengths, random);
        for (int32_t n_threads : {1, 3}) {
            Device d(llmk_cpu_backend(), GetParam(), n_threads);
            Cache cache(d, shape.desc(), 1, shape.page_tokens, lengths, 5);
            std::vector<Step::Run> last;
            for (int32_t q = 0; q < n_seqs; q++) {
                int32_t n_pages = std::min(common[q], lengths[q]) / shape.page_tokens;
                int64_t n = (int64_t)n_pages * shape.page_tokens * cache.width();
                std::copy(data.k[0].begin(), data.k[0].begin() + n, data.k[q].begin());
                std::copy(data.v[0].begin(), data.v[0].begin() + n, data.v[q].begin());
                std::copy(cache.pages[0].begin(), cache.pages[0].begin() + n_pages, cache.pages[q].begin());
                Step all(cache, {{q, 0, lengths[q]}});
                d.kv_write(0, view(data.k[q], lengths[q], cache.width()), view(data.v[q], lengths[q], cache.width()),
                           all.step);
                int32_t n_last = q == 12 ? 5 : 1; // one of them is a prompt
                last.push_back({q, lengths[q] - n_last, n_last});
            }
            std::vector<Floats> alone(n_seqs), together(n_seqs);
            for (const Step::Run &one : last) run(d, cache, shape, data, {one}, alone);
            run(d, cache, shape, data, last, together);
            expect_same_bits(together, alone, shape.text() + ", " + std::to_string(n_threads) + " threads");
        }
    }
}

TEST_P(CpuAttention, WhatComesLaterDoesNotTouchARow) {
    for (llm_dtype dtype : {LLM_DTYPE_F32, LLM_DTYPE_F16})
        for (int32_t window : {0, 9}) {
            const Shape shape = {24, 1, 3, 16, window, dtype};
            const Ints lengths = {120};
            Data data(shape, lengths, random);
            Device d(llmk_cpu_backend(), GetParam(), 2);
            auto expected = run_all(d, shape, data, lengths, 120, true, 1);
            const int32_t at = 77; // keys and values of one token become NaN and infinite
            for (int32_t i = 0; i < 24; i++) {
                data.k[0][at * 24 + i] = std::numeric_limits<float>::quiet_NaN();
                data.v[0][at * 24 + i] = std::numeric_limits<float>::infinity();
            }
            auto got = run_all(d, shape, data, lengths, 120, true, 1);
            size_t before = (size_t)at * shape.q_width(), row = (size_t)shape.q_width();
            ASSERT_EQ(bits(Floats(got[0].begin(), got[0].begin() + before)),
                      bits(Floats(expected[0].begin(), expected[0].begin() + before)));
            EXPECT_TRUE(std::isnan(got[0][before]));
            if (window) { // and what left the window is forgotten
                size_t after = before + row * window;
                ASSERT_EQ(bits(Floats(got[0].begin() + after, got[0].end())),
                          bits(Floats(expected[0].begin() + after, expected[0].end())));
            }
        }
}

TEST_P(CpuAttention, PagesBeforeTheWindowMayBeGone) {
    const Shape shape = {16, 1, 2, 16, 20, LLM_DTYPE_F16};
    const Ints lengths = {200};
    Data data(shape, lengths, random);
    Device d(llmk_cpu_backend(), GetParam(), 2);
    Cache cache(d, shape.desc(), 1, shape.page_tokens, lengths, 1);
    std::vector<Floats> out(1), again(1);
    run(d, cache, shape, data, {{0, 0, 200}}, out);
    for (int32_t p = 0; p < 10; p++) cache.pages[0][p] = -1; // row 180 sees 161..180: pages 10 and 11
    run(d, cache, shape, data, {{0, 180, 20}}, again);
    size_t from = 180 * (size_t)shape.q_width();
    EXPECT_EQ(bits(Floats(again[0].begin() + from, again[0].end())), bits(Floats(out[0].begin() + from, out[0].end())));
}

TEST_P(CpuAttention, RowsMayBeStridedAndTheOutputMayBeTheQueries) {
    const Shape shape = {40, 2, 2, 16, 0, LLM_DTYPE_F16};
    const Ints lengths = {90};
    Data data(shape, lengths, random);
    Device d(llmk_cpu_backend(), GetParam(), 2);
    auto expected = run_all(d, shape, data, lengths, 90, true, 1);
    Cache cache(d, shape.desc(), 1, shape.page_tokens, lengths, 3);
    Step step(cache, {{0, 0, 90}});
    const int64_t stride = shape.q_width() + 5;
    Floats q(90 * stride, -3.0f);
    for (int r = 0; r < 90; r++)
        std::copy_n(data.q[0].begin() + r * shape.q_width(), shape.q_width(), q.begin() + r * stride);
    llm_view rows = view(q, 90, shape.q_width(), stride);
    d.kv_write(0, view(data.k[0], 90, 80), view(data.v[0], 90, 80), step.step);
    d.attend(rows, rows, shape.args(), step.step);
    d.ok();
    for (int r = 0; r < 90; r++) {
        const float *row = expected[0].data() + r * shape.q_width();
        ASSERT_EQ(bits(Floats(q.begin() + r * stride, q.begin() + r * stride + shape.q_width())),
                  bits(Floats(row, row + shape.q_width())));
        EXPECT_EQ(q[r * stride + shape.q_width()], -3.0f); // nothing beyond the row
    }
}

TEST_P(CpuAttention, CopyingAPageCopiesTheFirstTokensOfAPageInEveryLayer) {
    for (int32_t page_tokens : {16, 20, 64})
        for (llm_dtype dtype : {LLM_DTYPE_F32, LLM_DTYPE_F16})
            for (int32_t n : {0, 1, 15, 16, 20, 50, 64}) {
                if (n > page_tokens) continue;
                const Shape shape = {24, 2, 2, page_tokens, 0, dtype};
                const Ints lengths = {page_tokens, page_tokens};
                Data data(shape, lengths, random), rest(shape, lengths, random);
                Device d(llmk_cpu_backend(), GetParam(), 2);
                Cache cache(d, shape.desc(), 2, shape.page_tokens, lengths, 5);
                std::vector<Floats> ours(2), theirs(2);
                for (int32_t layer : {0, 1}) {
                    run(d, cache, shape, data, {{0, 0, page_tokens}}, ours, layer);
                    run(d, cache, shape, rest, {{1, 0, page_tokens}}, theirs, layer);
                }
                d.copy_page(cache.state, cache.pages[1][0], cache.pages[0][0], n);
                // sequence 1 now begins like sequence 0, and goes on as before
                Data mixed = rest;
                std::copy_n(data.k[0].begin(), n * 48, mixed.k[1].begin());
                std::copy_n(data.v[0].begin(), n * 48, mixed.v[1].begin());
                Device fresh(llmk_cpu_backend(), GetParam(), 1);
                Cache other(fresh, shape.desc(), 2, shape.page_tokens, lengths, 6);
                std::vector<Floats> expected(2), got(2);
                run(fresh, other, shape, mixed, {{1, 0, page_tokens}}, expected, 1);
                Step step(cache, {{1, 0, page_tokens}});
                Floats out(mixed.q[1].size());
                d.attend(view(mixed.q[1], page_tokens, shape.q_width()), view(out, page_tokens, shape.q_width()),
                         shape.args(1), step.step);
                d.ok();
                ASSERT_EQ(bits(out), bits(expected[1])) << n << " tokens of " << page_tokens;
            }
}

TEST_P(CpuAttention, PagesThatAreNotThereAreReported) {
    const Shape shape = {16, 1, 2, 16, 0, LLM_DTYPE_F16};
    Device d(llmk_cpu_backend(), GetParam(), 2);
    Cache cache(d, shape.desc(), 1, shape.page_tokens, {40}, 1);
    Floats kv(70 * 16), q(70 * 32);
    auto write = [&](const Step &step) {
        d.kv_write(0, view(kv, step.n_rows(), 16), view(kv, step.n_rows(), 16), step.step);
    };
    auto attend = [&](const Step &step) {
        d.attend(view(q, step.n_rows(), 32), view(q, step.n_rows(), 32), shape.args(), step.step);
    };
    for (int32_t first : {-1, 48, INT32_MAX - 1}) { // no such position: before the first, after the last page
        Step step(cache, {{0, first, 1}});
        write(step);
        d.fails(LLM_E_INTERNAL, "KV_WRITE: no such page");
        attend(step);
        d.fails(LLM_E_INTERNAL, "ATTEND: no such page");
    }
    Step good(cache, {{0, 0, 40}});
    write(good);
    for (int32_t page : {-1, 3, INT32_MAX}) {
        Step step(cache, {{0, 0, 40}});
        step.pages[1] = page;
        write(step);
        d.fails(LLM_E_INTERNAL, "KV_WRITE: no such page");
        attend(step);
        d.fails(LLM_E_INTERNAL, "ATTEND: no such page");
    }
    Step stranger(cache, {{0, 0, 1}});
    stranger.row_seq[0] = 1;
    write(stranger);
    d.fails(LLM_E_INTERNAL, "KV_WRITE");
    attend(stranger);
    d.fails(LLM_E_INTERNAL, "ATTEND");
    d.copy_page(cache.state, 0, 3, 1);
    d.fails(LLM_E_INTERNAL, "copy of a page");
    d.copy_page(cache.state, 0, 1, 17);
    d.fails(LLM_E_INTERNAL, "copy of a page");
    attend(good);
    d.ok();
}

TEST_P(CpuAttention, OperandsThatDoNotFitAreRefusedWithTheProgram) {
    const Shape shape = {16, 1, 2, 16, 0, LLM_DTYPE_F16};
    Device d(llmk_cpu_backend(), GetParam());
    Cache cache(d, shape.desc(), 1, shape.page_tokens, {40}, 1);
    Step step(cache, {{0, 0, 2}});
    Floats kv(4 * 16), q(4 * 48);
    d.kv_write(1, view(kv, 2, 16), view(kv, 2, 16), step.step);
    d.fails(LLM_E_INTERNAL, "KV_WRITE of layer -1: there is no such state");
    d.kv_write(0, view(kv, 2, 16), view(kv, 2, 15), step.step);
    d.fails(LLM_E_INTERNAL, "KV_WRITE of layer -1: keys or values are not as wide as the state's");
    for (int32_t state : {-1, 1}) {
        d.attend(view(q, 2, 32), view(q, 2, 32), shape.args(state), step.step);
        d.fails(LLM_E_INTERNAL, "ATTEND of layer -1: there is no such state");
    }
    d.attend(view(q, 2, 48), view(q, 2, 48), shape.args(), step.step);
    d.fails(LLM_E_INTERNAL, "ATTEND of layer -1: queries are not as wide as the state's keys");
    d.attend(view(q, 2, 32), view(q, 2, 16), shape.args(), step.step);
    d.fails(LLM_E_INTERNAL, "ATTEND of layer -1: the output is not as wide as the state's values");
    llm_attend_args none = shape.args();
    none.n_heads = 0;
    d.attend(view(q, 2, 32), view(q, 2, 32), none, step.step);
    d.fails(LLM_E_INTERNAL, "ATTEND of layer -1: heads are not a multiple of the state's");
}

namespace {

// One layer of attention on a stream that lives for several steps.
struct Layer {
    Program program;
    llm_stream *s;

    Layer(Device &d, const Shape &shape, Floats &q, Floats &k, Floats &v, int64_t n, int64_t kv_width) {
        program.states = d.states;
        program.limits.page_tokens = d.page_tokens;
        program.kv_write(0, view(k, n, kv_width), view(v, n, kv_width));
        program.attend(view(q, n, shape.q_width()), view(q, n, shape.q_width()), shape.args());
        s = d.open(program);
    }
    ~Layer() { s->device->ops->stream_destroy(s); }

    llm_status run(const Step &step) {
        program.on(step.step);
        s->ops->run(s, &program.step, 0, 2);
        return s->ops->sync(s);
    }
};

} // namespace

TEST_P(CpuAttention, AllocatesNothing) {
    const Shape shape = {16, 2, 2, 16, 0, LLM_DTYPE_F16};
    Device d(llmk_cpu_backend(), GetParam(), 3);
    Data data(shape, {600}, random);
    Cache cache(d, shape.desc(), 1, shape.page_tokens, {600}, 1);
    Layer layer(d, shape, data.q[0], data.k[0], data.v[0], 599, cache.width());
    Step prompt(cache, {{0, 0, 599}}), token(cache, {{0, 599, 1}});
    int before = d.host.n_allocs;
    EXPECT_EQ(layer.run(prompt), LLM_OK);
    EXPECT_EQ(layer.run(token), LLM_OK);
    EXPECT_EQ(d.host.n_allocs, before);
}

TEST_P(CpuAttention, StopsInTheMiddle) {
    const Shape shape = {128, 4, 4, 64, 0, LLM_DTYPE_F16};
    const int32_t n = 2048;
    Device d(llmk_cpu_backend(), GetParam(), 2);
    Data data(shape, {n}, random);
    Cache cache(d, shape.desc(), 1, shape.page_tokens, {n}, 1);
    Layer layer(d, shape, data.q[0], data.k[0], data.v[0], n, cache.width());
    Step step(cache, {{0, 0, n}});
    std::atomic<bool> go{false};
    std::thread canceller([&] {
        while (!go) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        __atomic_store_n(&d.stop_flag, 1, __ATOMIC_RELAXED);
    });
    go = true;
    llm_status status = LLM_OK;
    for (int i = 0; i < 1000 && status == LLM_OK; i++) status = layer.run(step); // some seconds if nobody stopped it
    canceller.join();
    EXPECT_EQ(status, LLM_E_CANCELLED);
    d.stop_flag = 0;
    EXPECT_EQ(layer.run(step), LLM_OK);
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuAttention, ::testing::ValuesIn(masks()), mask_name);
