// The reference back end against the definitions, written here once more as small loops in double.
#include "kernels/backends.h"
#include "kernels/dtype.h"
#include "kernels/host.h"
#include "kernels/operations.h"
#include "kernels/quant/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using Floats = std::vector<float>;

llm_view view(Floats &x, int64_t rows, int64_t cols, int64_t stride = 0) {
    return {x.data(), rows, cols, stride ? stride : cols};
}

class Ref : public ::testing::Test, protected Operations {
  protected:
    Host host;
    int32_t stop_flag = 0;
    std::vector<llm_weight *> weights;
    std::mt19937 random{42};

    void SetUp() override {
        ASSERT_EQ(llmk_ref_backend()->open(&device, &host.host), LLM_OK);
        stop = &stop_flag;
    }

    void TearDown() override {
        for (llm_weight *w : weights) device->ops->weight_free(device, w);
        device->ops->close(device);
        EXPECT_EQ(host.live_bytes, 0u);
    }

    Floats gaussian(size_t n) {
        std::normal_distribution<float> normal;
        Floats x(n);
        for (float &v : x) v = normal(random);
        return x;
    }

    llm_weight *put(const void *data, size_t n_bytes, int64_t rows, int64_t cols, llm_dtype dtype = LLM_DTYPE_F32) {
        llm_tensor tensor = {"w", data, n_bytes, rows, cols, dtype, 0};
        llm_weight *w = nullptr;
        size_t private_bytes = 1;
        EXPECT_EQ(device->ops->weight_put(&w, &private_bytes, device, &tensor), LLM_OK) << host.text;
        EXPECT_EQ(private_bytes, 0u);
        weights.push_back(w);
        return w;
    }
    llm_weight *put(const Floats &x, int64_t rows, int64_t cols) { return put(x.data(), x.size() * 4, rows, cols); }

    void expect_near(const Floats &got, const std::vector<double> &expected, double tolerance = 1e-6) {
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); i++)
            ASSERT_NEAR(got[i], expected[i], tolerance * (1 + std::fabs(expected[i]))) << "element " << i;
    }

    void expect_ok() { EXPECT_EQ(sync(), LLM_OK) << host.text; }
    void expect_failure(llm_status status, const char *words) {
        EXPECT_EQ(sync(), status);
        EXPECT_EQ(host.status, status);
        EXPECT_NE(host.text.find(words), std::string::npos) << host.text;
        expect_ok(); // told once
    }
};

} // namespace

TEST_F(Ref, NamesItselfAndIsAlwaysUsable) {
    char text[80];
    EXPECT_STREQ(llmk_ref_backend()->name, "reference");
    EXPECT_EQ(llmk_ref_backend()->abi, LLM_BACKEND_ABI);
    EXPECT_EQ(llmk_ref_backend()->probe(&host.host, text, sizeof text), LLM_OK);
    EXPECT_GT(std::string(text).size(), 0u);
}

TEST_F(Ref, MemoryIsAlignedAndCopiedUpAndDown) {
    void *memory = nullptr;
    ASSERT_EQ(device->ops->mem_alloc(&memory, device, 100), LLM_OK);
    EXPECT_EQ((uintptr_t)memory % 64, 0u);
    Floats x = gaussian(25), y(25);
    Program none;
    llm_stream_options o = options(none.sealed());
    llm_stream *s = nullptr;
    ASSERT_EQ(device->ops->stream_create(&s, device, &o), LLM_OK);
    s->ops->upload(s, memory, x.data(), 100);
    s->ops->download(s, y.data(), memory, 100);
    EXPECT_EQ(s->ops->sync(s), LLM_OK);
    device->ops->stream_destroy(s);
    EXPECT_EQ(x, y);
    device->ops->mem_free(device, memory, 100);
}

TEST_F(Ref, EmbedTakesRowsOfEveryType) {
    Floats table = gaussian(3 * 256), out(2 * 256);
    const int32_t ids[] = {2, 0};
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        const llmk_dtype *t = llmk_dtype_at(i);
        std::vector<uint64_t> bytes(3 * 256 / t->block_elems * t->block_bytes / 8 + 1);
        Floats all(3 * 256);
        t->quantize(bytes.data(), table.data(), 3 * 256);
        t->dequantize(all.data(), bytes.data(), 3 * 256);
        size_t n_bytes = (size_t)(3 * 256 / t->block_elems * t->block_bytes);
        embed(view(out, 2, 256), put(bytes.data(), n_bytes, 3, 256, t->dtype), ids);
        expect_ok();
        EXPECT_EQ(Floats(out.begin(), out.begin() + 256), Floats(all.begin() + 512, all.end())) << t->name;
        EXPECT_EQ(Floats(out.begin() + 256, out.end()), Floats(all.begin(), all.begin() + 256)) << t->name;
    }
}

TEST_F(Ref, RmsNormDividesByTheRootMeanSquare) {
    Floats x = gaussian(3 * 10), w = gaussian(10), out(3 * 12, -1.0f);
    for (const llm_weight *scale : {(const llm_weight *)put(w, 1, 10), (const llm_weight *)nullptr}) {
        norm(view(out, 3, 10, 12), view(x, 3, 10), scale, 0.01f);
        expect_ok();
        for (int r = 0; r < 3; r++) {
            double squares = 0;
            for (int c = 0; c < 10; c++) squares += (double)x[r * 10 + c] * x[r * 10 + c];
            double root = std::sqrt(squares / 10 + 0.01f);
            for (int c = 0; c < 10; c++) ASSERT_NEAR(out[r * 12 + c], x[r * 10 + c] / root * (scale ? w[c] : 1), 1e-6);
            EXPECT_EQ(out[r * 12 + 10], -1.0f); // nothing beyond the row
        }
    }
    Floats in_place = x;
    norm(view(in_place, 3, 10), view(in_place, 3, 10), nullptr, 0.01f);
    for (int i = 0; i < 10; i++) EXPECT_EQ(in_place[i], out[i]);
}

TEST_F(Ref, LinearMultipliesAddsBiasAndAccumulates) {
    Floats x = gaussian(2 * 8), w = gaussian(5 * 8), u = gaussian(3 * 8), b = gaussian(5);
    Floats out(2 * 5), sum = gaussian(2 * 3), before = sum;
    linear(view(x, 2, 8),
           {{put(w, 5, 8), put(b, 1, 5), view(out, 2, 5), false}, {put(u, 3, 8), nullptr, view(sum, 2, 3), true}});
    expect_ok();
    std::vector<double> expected(10), expected_sum(6);
    for (int r = 0; r < 2; r++) {
        for (int o = 0; o < 5; o++) {
            expected[r * 5 + o] = b[o];
            for (int i = 0; i < 8; i++) expected[r * 5 + o] += (double)x[r * 8 + i] * w[o * 8 + i];
        }
        for (int o = 0; o < 3; o++) {
            expected_sum[r * 3 + o] = before[r * 3 + o];
            for (int i = 0; i < 8; i++) expected_sum[r * 3 + o] += (double)x[r * 8 + i] * u[o * 8 + i];
        }
    }
    expect_near(out, expected);
    expect_near(sum, expected_sum);
}

TEST_F(Ref, LinearUsesTheValuesThatAQuantizedWeightStandsFor) {
    Floats x = gaussian(2 * 256), w = gaussian(4 * 256), out(2 * 4);
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        const llmk_dtype *t = llmk_dtype_at(i);
        size_t n_bytes = (size_t)(4 * 256 / t->block_elems * t->block_bytes);
        std::vector<uint64_t> bytes(n_bytes / 8 + 1);
        Floats values(4 * 256);
        t->quantize(bytes.data(), w.data(), 4 * 256);
        t->dequantize(values.data(), bytes.data(), 4 * 256);
        linear(view(x, 2, 256), {{put(bytes.data(), n_bytes, 4, 256, t->dtype), nullptr, view(out, 2, 4), false}});
        expect_ok();
        std::vector<double> expected(8);
        for (int r = 0; r < 2; r++)
            for (int o = 0; o < 4; o++)
                for (int c = 0; c < 256; c++) expected[r * 4 + o] += (double)x[r * 256 + c] * values[o * 256 + c];
        expect_near(out, expected);
    }
}

TEST_F(Ref, RopeTurnsPairsInBothStyles) {
    const int32_t positions[] = {0, 3, 1000};
    const Floats inv_freq = {1.0f, 0.25f, 0.0625f};
    const int head_dim = 8, n_heads = 2; // elements 6 and 7 of a head stay
    Floats turns(3 * 6);
    angles(view(turns, 3, 6), positions, put(inv_freq, 1, 3), 1.5f);
    for (int r = 0; r < 3; r++)
        for (int i = 0; i < 3; i++) {
            EXPECT_NEAR(turns[r * 6 + i], 1.5 * std::cos((double)positions[r] * inv_freq[i]), 1e-6);
            EXPECT_NEAR(turns[r * 6 + 3 + i], 1.5 * std::sin((double)positions[r] * inv_freq[i]), 1e-6);
        }
    for (int style : {LLM_ROPE_NEOX, LLM_ROPE_INTERLEAVED}) {
        Floats x = gaussian(3 * 16), before = x;
        rope(view(x, 3, 16), view(turns, 3, 6), head_dim, style);
        expect_ok();
        std::vector<double> expected(before.begin(), before.end());
        for (int r = 0; r < 3; r++)
            for (int h = 0; h < n_heads; h++)
                for (int i = 0; i < 3; i++) {
                    int a = r * 16 + h * 8 + (style == LLM_ROPE_NEOX ? i : 2 * i);
                    int b = r * 16 + h * 8 + (style == LLM_ROPE_NEOX ? i + 3 : 2 * i + 1);
                    double angle = (double)positions[r] * inv_freq[i];
                    expected[a] = 1.5 * (before[a] * std::cos(angle) - before[b] * std::sin(angle));
                    expected[b] = 1.5 * (before[a] * std::sin(angle) + before[b] * std::cos(angle));
                }
        expect_near(x, expected);
    }
}

TEST_F(Ref, ActAndGatherAreElementWise) {
    Floats gate = gaussian(6), up = gaussian(6), out(6);
    for (int kind : {LLM_ACT_SILU, LLM_ACT_GELU_TANH, LLM_ACT_GELU}) {
        act(view(out, 2, 3), view(gate, 2, 3), view(up, 2, 3), kind);
        std::vector<double> expected;
        for (int i = 0; i < 6; i++) {
            double x = gate[i], y = x / (1 + std::exp(-x));
            if (kind == LLM_ACT_GELU) y = x * 0.5 * std::erfc(-x / std::sqrt(2.0));
            if (kind == LLM_ACT_GELU_TANH)
                y = x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
            expected.push_back(y * up[i]);
        }
        expect_near(out, expected);
    }
    const int32_t rows[] = {1, 1, 0};
    Floats picked(9);
    gather(view(picked, 3, 3), view(gate, 2, 3), rows);
    expect_ok();
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 3; c++) EXPECT_EQ(picked[i * 3 + c], gate[rows[i] * 3 + c]);
}

namespace {

// Two sequences in pages of 4 tokens, scattered over the cache; 2 layers, 2 key/value heads, 4 heads.
struct Cache {
    static constexpr int32_t dim = 6, n_kv = 2, n_heads = 4, page_tokens = 4, n_pages = 8, max_pages = 3;
    std::vector<int32_t> pages = {6, 1, 3, 2, 7, -1}; // sequence 0 has three pages, sequence 1 has two
};

} // namespace

class RefAttention : public Ref, public ::testing::WithParamInterface<std::tuple<llm_dtype, int32_t>> {
  protected:
    Cache c;
    llm_state *state = nullptr;
    llm_state_table table{};

    void open(llm_dtype dtype) {
        states.assign(2, {LLM_STATE_PAGED, 0, Cache::n_kv, Cache::dim, Cache::dim, dtype, 0});
        page_tokens = Cache::page_tokens;
        Program p;
        p.states = states;
        p.limits.page_tokens = page_tokens;
        size_t n_bytes = 0, before = host.live_bytes;
        ASSERT_EQ(device->ops->state_bytes(&n_bytes, device, p.sealed(), 0, Cache::n_pages), LLM_OK);
        EXPECT_GE(n_bytes, 2u * 2 * 8 * 4 * 12 * (dtype == LLM_DTYPE_F32 ? 4 : 2));
        ASSERT_EQ(device->ops->state_create(&state, device, p.sealed(), 0, Cache::n_pages), LLM_OK);
        EXPECT_EQ(host.live_bytes - before, n_bytes); // the handle counts too
        table = {state, c.pages.data(), Cache::max_pages};
    }
    void TearDown() override {
        device->ops->state_free(device, state);
        Ref::TearDown();
    }

    llm_step step_of(int32_t n_rows, int32_t n_seqs, const int32_t *positions, const int32_t *row_seq,
                     const int32_t *seq_rows) {
        llm_step step{};
        step.struct_size = sizeof step;
        step.rows[LLM_ROWS_STEP] = n_rows;
        step.seqs = n_seqs;
        step.positions = positions;
        step.row_seq = row_seq;
        step.seq_rows = seq_rows;
        step.tables = &table;
        return step;
    }

    // Writes keys and values of n tokens of one sequence and returns them as the cache rounds them.
    void write(int32_t layer, int32_t seq, int32_t first, int32_t n, Floats &k, Floats &v) {
        std::vector<int32_t> positions, row_seq(n, seq), seq_rows = {0, seq == 0 ? n : 0, n};
        for (int32_t i = 0; i < n; i++) positions.push_back(first + i);
        kv_write(layer, view(k, n, 12), view(v, n, 12),
                 step_of(n, 2, positions.data(), row_seq.data(), seq_rows.data()));
        expect_ok();
        if (states[layer].dtype == LLM_DTYPE_F16)
            for (Floats *x : {&k, &v})
                for (float &f : *x) f = llmk_f16_to_f32(llmk_f32_to_f16(f));
    }
};

TEST_P(RefAttention, IsTheSoftmaxOverTheRowsOwnSequence) {
    auto [dtype, window] = GetParam();
    open(dtype);
    const int32_t lengths[] = {10, 7};
    Floats k[2], v[2];
    for (int32_t seq = 0; seq < 2; seq++) {
        k[seq] = gaussian(lengths[seq] * 12), v[seq] = gaussian(lengths[seq] * 12);
        write(1, seq, 0, lengths[seq], k[seq], v[seq]);
        Floats other_k = gaussian(lengths[seq] * 12), other_v = gaussian(lengths[seq] * 12);
        write(0, seq, 0, lengths[seq], other_k, other_v); // another layer must not show
    }
    // the last three rows of sequence 0 and the last row of sequence 1
    const int32_t positions[] = {7, 8, 9, 6}, row_seq[] = {0, 0, 0, 1}, seq_rows[] = {0, 3, 4};
    llm_step step = step_of(4, 2, positions, row_seq, seq_rows);
    Floats q = gaussian(4 * 24), out(4 * 24);
    attend(view(q, 4, 24), view(out, 4, 24), {1, Cache::n_heads, window, 0.4f}, step);
    expect_ok();

    std::vector<double> expected(4 * 24);
    for (int r = 0; r < 4; r++)
        for (int h = 0; h < 4; h++) {
            const Floats &keys = k[row_seq[r]], &values = v[row_seq[r]];
            std::vector<double> p;
            double total = 0;
            for (int t = 0; t <= positions[r]; t++) {
                double score = 0;
                for (int i = 0; i < 6; i++) score += (double)q[r * 24 + h * 6 + i] * keys[t * 12 + h / 2 * 6 + i];
                bool seen = window == 0 || positions[r] - t < window;
                p.push_back(seen ? std::exp(0.4f * score) : 0.0);
                total += p.back();
            }
            for (int t = 0; t <= positions[r]; t++)
                for (int i = 0; i < 6; i++)
                    expected[r * 24 + h * 6 + i] += p[t] / total * values[t * 12 + h / 2 * 6 + i];
        }
    expect_near(out, expected);

    // in place gives the same bits
    attend(view(q, 4, 24), view(q, 4, 24), {1, Cache::n_heads, window, 0.4f}, step);
    expect_ok();
    EXPECT_EQ(q, out);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RefAttention,
                         ::testing::Combine(::testing::Values(LLM_DTYPE_F32, LLM_DTYPE_F16),
                                            ::testing::Values(0, 1, 5, 100)));

TEST_F(RefAttention, CopyingAPageCopiesTheFirstTokensInEveryLayer) {
    open(LLM_DTYPE_F32);
    Floats k[2], v[2];
    for (int layer = 0; layer < 2; layer++) {
        k[layer] = gaussian(3 * 12), v[layer] = gaussian(3 * 12);
        write(layer, 0, 0, 3, k[layer], v[layer]);
    }
    copy_page(state, 0, 6, 3); // sequence 0's first page to page 0
    std::vector<int32_t> copies = {0, -1, -1};
    const int32_t position[] = {2}, row_seq[] = {0}, seq_rows[] = {0, 1};
    for (int layer = 0; layer < 2; layer++) {
        Floats q = gaussian(24), original(24), copied(24);
        table.pages = c.pages.data();
        attend(view(q, 1, 24), view(original, 1, 24), {layer, 4, 0, 1.0f}, step_of(1, 1, position, row_seq, seq_rows));
        table.pages = copies.data();
        attend(view(q, 1, 24), view(copied, 1, 24), {layer, 4, 0, 1.0f}, step_of(1, 1, position, row_seq, seq_rows));
        expect_ok();
        EXPECT_EQ(original, copied);
    }
}

TEST_F(RefAttention, APageThatIsNotThereIsReported) {
    open(LLM_DTYPE_F32);
    Floats x(12);
    const int32_t position[] = {8}, row_seq[] = {1}, seq_rows[] = {0, 0, 1}; // sequence 1 has no third page
    kv_write(0, view(x, 1, 12), view(x, 1, 12), step_of(1, 2, position, row_seq, seq_rows));
    expect_failure(LLM_E_INTERNAL, "KV_WRITE: no such page");
}

TEST_F(Ref, TheFirstFailureSticksUntilSyncAndStopsTheRest) {
    Floats x = gaussian(6), picked(6, 7.0f), out(6, 7.0f);
    const int32_t bad[] = {0, 5};
    Program p;
    p.gather(view(picked, 2, 3), view(x, 2, 3), bad);
    p.norm(view(out, 2, 3), view(x, 2, 3), nullptr, 0.1f);
    run(p);
    EXPECT_EQ(out, Floats(6, 7.0f));
    expect_failure(LLM_E_INTERNAL, "GATHER: no such row");
}

TEST_F(Ref, TheStopFlagSkipsWhatIsLeft) {
    Floats x = gaussian(6), out(6, 7.0f);
    stop_flag = 1;
    norm(view(out, 2, 3), view(x, 2, 3), nullptr, 0.1f);
    EXPECT_EQ(out, Floats(6, 7.0f));
    EXPECT_EQ(sync(), LLM_E_CANCELLED);
    stop_flag = 0;
    expect_ok();
}

TEST_F(Ref, NumbersThatDoNotFitAreReported) {
    Floats x = gaussian(12), out(12);
    llm_weight *w = put(x, 3, 4);
    for (int32_t id : {-1, 3}) {
        embed(view(out, 1, 4), w, &id);
        expect_failure(LLM_E_INTERNAL, "EMBED: id outside the table");
    }
    linear(view(x, 1, 4), {{w, nullptr, view(out, 1, 4), false}});
    expect_failure(LLM_E_INTERNAL, "LINEAR of layer -1: a weight has not one row for each column of its output");
}

TEST_F(Ref, WeightsThatContradictThemselvesAreRefused) {
    const struct {
        llm_tensor tensor;
        llm_status status;
        const char *words;
    } cases[] = {
        {{"odd", "", 34, 1, 33, LLM_DTYPE_Q8_0, 0}, LLM_E_FORMAT, "odd"},
        {{"short", "", 33, 1, 32, LLM_DTYPE_Q8_0, 0}, LLM_E_FORMAT, "33 bytes"},
        {{"wide", "", 8, INT64_MAX / 2, INT64_MAX / 2, LLM_DTYPE_F32, 0}, LLM_E_FORMAT, "wide"},
        {{"minus", "", 8, -1, 2, LLM_DTYPE_F32, 0}, LLM_E_FORMAT, "minus"},
        {{"strange", "", 8, 1, 2, 77, 0}, LLM_E_UNSUPPORTED, "77"},
    };
    for (const auto &c : cases) {
        llm_weight *w = (llm_weight *)&w;
        size_t private_bytes;
        EXPECT_EQ(device->ops->weight_put(&w, &private_bytes, device, &c.tensor), c.status);
        EXPECT_EQ(w, nullptr);
        EXPECT_NE(host.text.find(c.words), std::string::npos) << host.text;
    }
}

TEST(RefMemory, EachRefusedAllocationLeavesNothingBehind) {
    llm_status status = LLM_E_MEMORY;
    int n = 0;
    for (; status != LLM_OK; n++) {
        Host host;
        host.refuse_at = n;
        llm_device *device = nullptr;
        llm_stream *stream = nullptr;
        llm_weight *w = nullptr;
        llm_state *state = nullptr;
        size_t private_bytes;
        llm_tensor tensor = {"w", &host, 4, 1, 1, LLM_DTYPE_F32, 0};
        Program p;
        p.states.assign(2, {LLM_STATE_PAGED, 0, Cache::n_kv, Cache::dim, Cache::dim, LLM_DTYPE_F32, 0});
        p.limits.page_tokens = Cache::page_tokens;
        llm_stream_options options{};
        options.program = p.sealed();
        status = llmk_ref_backend()->open(&device, &host.host);
        if (status == LLM_OK) {
            status = device->ops->stream_create(&stream, device, &options);
            if (status == LLM_OK) status = device->ops->weight_put(&w, &private_bytes, device, &tensor);
            if (status == LLM_OK)
                status = device->ops->state_create(&state, device, options.program, 0, Cache::n_pages);
            device->ops->state_free(device, state);
            device->ops->weight_free(device, w);
            device->ops->stream_destroy(stream);
            device->ops->close(device);
        }
        if (status != LLM_OK) {
            EXPECT_EQ(status, LLM_E_MEMORY) << n;
            EXPECT_EQ(host.status, LLM_E_MEMORY) << n;
        }
        EXPECT_EQ(host.live_bytes, 0u) << n;
    }
    EXPECT_EQ(n, 5); // four allocations were refused
}
