// Linear operations of the CPU back end, for every data type and instruction set, against the reference
// back end; and what must not change a bit: rows beside a row, threads, packing.
#include "kernels/backends.h"
#include "kernels/host.h"
#include "kernels/matrix.h"
#include "kernels/operations.h"
#include "kernels/quant/half.h"

extern "C" {
#include "kernels/cpu/features.h"
#include "kernels/cpu/kernels.h"
}

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

// Starts its threads for each loop, which a test can afford.
struct Pool {
    llm_pool pool{};
    explicit Pool(int n_threads) {
        pool.user = this;
        pool.n_threads = n_threads;
        pool.run = [](void *user, int32_t n_tasks, void (*task)(void *, int32_t), void *arg) {
            std::vector<std::thread> threads;
            int32_t n = ((Pool *)user)->pool.n_threads;
            for (int32_t t = 0; t < n; t++)
                threads.emplace_back([=] {
                    for (int32_t i = t; i < n_tasks; i += n) task(arg, i);
                });
            for (std::thread &t : threads) t.join();
        };
    }
};

// A device; weights are given back at the end.
struct Device : Operations {
    static constexpr int N_USES = 5; // the last of which makes a copy at the latest
    Host host;
    int32_t stop_flag = 0;
    std::vector<llm_weight *> weights;
    std::vector<std::pair<int64_t, int64_t>> shapes; // rows, cols of each
    size_t n_used = 0;                               // by pack()

    Device(const llm_backend *backend, int32_t mask, const llm_pool *threads = nullptr,
           int32_t activations = LLM_ACTIVATIONS_AUTO) {
        host.host.cpu_mask = mask;
        host.host.activations = activations;
        EXPECT_EQ(backend->open(&device, &host.host), LLM_OK);
        pool = threads;
        stop = &stop_flag;
    }
    ~Device() {
        for (llm_weight *w : weights) device->ops->weight_free(device, w);
        device->ops->close(device);
        EXPECT_EQ(host.live_bytes, 0u);
    }
    Device(const Device &) = delete;

    llm_weight *put(const void *data, size_t n_bytes, int64_t rows, int64_t cols, llm_dtype dtype, bool in_place) {
        llm_tensor tensor = {"w", data, n_bytes, rows, cols, dtype, in_place};
        llm_weight *w = nullptr;
        size_t private_bytes = 1;
        EXPECT_EQ(device->ops->weight_put(&w, &private_bytes, device, &tensor), LLM_OK) << host.text;
        if (w) weights.push_back(w), shapes.emplace_back(rows, cols);
        return w;
    }
    void prepare() {
        if (!device->ops->weights_prepare) return;
        EXPECT_EQ(device->ops->weights_prepare(device, nullptr), LLM_OK) << host.text;
    }
    // Uses all new matrices until their copies are made.
    void pack() {
        prepare();
        for (; n_used < weights.size(); n_used++) {
            auto [rows, cols] = shapes[n_used];
            if (rows == 1) continue; // a vector
            Floats x((size_t)cols), out((size_t)rows);
            Product p = {weights[n_used], nullptr, {out.data(), 1, rows, rows}, false};
            for (int use = 0; use < N_USES; use++) linear({x.data(), 1, cols, cols}, {p});
            expect_ok();
        }
    }
    void expect_ok() { EXPECT_EQ(sync(), LLM_OK) << host.text; }
};

Floats gaussian(std::mt19937 &random, size_t n, float size = 1.0f) {
    std::normal_distribution<float> normal;
    Floats x(n);
    for (float &v : x) v = size * normal(random);
    return x;
}

Floats multiply(Device &d, const llm_weight *w, const Floats &x, int64_t n_rows, int64_t n_cols, int64_t n_out,
                const llm_weight *bias = nullptr, const Floats *sum = nullptr) {
    const int64_t around = 16, stride = n_out + around; // canaries before the output, after it and between its rows
    const float canary = -1234567.0f;
    Floats wide((size_t)(n_rows * stride + around), canary), in = x, out;
    float *first = wide.data() + around;
    for (int64_t r = 0; r < n_rows && sum; r++) std::copy_n(&(*sum)[(size_t)(r * n_out)], n_out, first + r * stride);
    llm_view out_view = {first, n_rows, n_out, stride};
    d.linear({in.data(), n_rows, n_cols, (int64_t)x.size() / n_rows}, {{w, bias, out_view, sum != nullptr}});
    d.expect_ok();
    EXPECT_EQ(memcmp(in.data(), x.data(), x.size() * sizeof(float)), 0) << "the input was written";
    EXPECT_EQ(std::count(wide.begin(), wide.begin() + around, canary), around) << "before the output";
    for (int64_t r = 0; r < n_rows; r++) {
        const float *row = first + r * stride;
        EXPECT_EQ(std::count(row + n_out, row + stride, canary), around) << "after row " << r;
        out.insert(out.end(), row, row + n_out);
    }
    return out;
}

struct Level {
    std::string name;
    int32_t mask, activations;
};

std::vector<Level> levels() {
    const struct {
        const char *name;
        int32_t mask;
    } sets[] = {
        {"portable", 0},
        {"avx2", LLM_CPU_AVX2},
        {"avx512", LLM_CPU_AVX2 | LLM_CPU_AVX512},
        {"avx512_vnni", LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI},
        {"avx512_bf16", LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_BF16},
        {"neon", LLM_CPU_NEON},
        {"dotprod", LLM_CPU_NEON | LLM_CPU_DOTPROD},
        {"i8mm", LLM_CPU_NEON | LLM_CPU_DOTPROD | LLM_CPU_I8MM},
        {"all", LLM_CPU_ALL},
    };
    std::vector<Level> all;
    for (auto &set : sets) {
        all.push_back({set.name, set.mask, LLM_ACTIVATIONS_AUTO});
        all.push_back({set.name + std::string("_by_f32"), set.mask, LLM_ACTIVATIONS_F32});
        if (set.mask & LLM_CPU_AVX512_BF16)
            all.push_back({set.name + std::string("_by_bf16"), set.mask, LLM_ACTIVATIONS_BF16});
    }
    return all;
}

class Linear : public ::testing::TestWithParam<Level> {
  protected:
    std::mt19937 random{7};
    int32_t mask = 0, activations = LLM_ACTIVATIONS_AUTO;

    void SetUp() override {
        mask = GetParam().mask;
        activations = GetParam().activations;
        char words[80];
        llmk_features_describe(words, sizeof words, mask);
        if (mask != LLM_CPU_ALL && llmk_features_limit(llmk_features_detect(), mask) != mask)
            GTEST_SKIP() << "this processor has no " << words;
    }

    void check(Matrix &m, const Floats &x, int64_t n_rows, Device &tested) {
        Device reference(llmk_ref_backend(), 0);
        Floats w = m.dequantize(), reach = reach_of(m);
        Floats expected = multiply(reference, m.put(reference), x, n_rows, m.cols, m.rows);
        for (bool in_place : {false, true}) {
            llm_weight *weight = m.put(tested, in_place);
            tested.pack();
            Floats got = multiply(tested, weight, x, n_rows, m.cols, m.rows);
            int64_t stride = (int64_t)x.size() / n_rows;
            int32_t kind = product_of(m.type->dtype, mask, activations).x;
            for (int64_t r = 0; r < n_rows; r++)
                for (int64_t o = 0; o < m.rows; o++) {
                    size_t i = (size_t)(r * m.rows + o);
                    double bound = bound_of(m, w, reach, &x[(size_t)(r * stride)], o, kind);
                    ASSERT_LE(std::fabs((double)got[i] - expected[i]), bound + std::fabs(expected[i]) * 1e-7)
                        << m.type->name << " " << m.rows << "x" << m.cols << ", " << n_rows << " rows, row " << r
                        << " output " << o << ": " << got[i] << " expected " << expected[i]
                        << (in_place ? " in place" : "");
                }
        }
    }
};

std::vector<int64_t> widths(const llmk_dtype *t) {
    if (t->block_elems == 1) return {1, 7, 48, 130, 513};
    if (t->block_elems == 32) return {32, 96, 544};
    return {256, 768};
}

} // namespace

TEST_P(Linear, IsWithinItsBoundOfTheReference) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    for (int32_t i = 0; llmk_dtype_at(i); i++)
        for (int64_t cols : widths(llmk_dtype_at(i)))
            for (int64_t rows : {2, 16, 33, 70}) {
                Matrix m(llmk_dtype_at(i), rows, cols);
                m.quantize(gaussian(random, (size_t)(rows * cols)));
                for (int64_t n_rows : {1, 3, 8}) {
                    Floats x = gaussian(random, (size_t)(n_rows * (cols + 5))); // a stride beyond the width
                    check(m, x, n_rows, tested);
                }
            }
}

// The largest and smallest scales with the largest and smallest numbers, and activations that add up.
TEST_P(Linear, HoldsAtTheEndsOfTheFormats) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    for (const Numbers &n : numbers) {
        const llmk_dtype *t = llmk_dtype_get(n.dtype);
        Matrix m(t, 18, 512);
        for (int value : {0x00, 0xff, 0x7f, 0x80, 0x5a}) {
            std::uniform_int_distribution<int> byte(0, 255);
            for (size_t i = 0; i < m.n_bytes; i++) m.data()[i] = (uint8_t)byte(random);
            fill_numbers(m, (uint8_t)value);
            // scales: F16 that are no infinity or NaN, by clearing the top bit of each exponent
            for (size_t at = 0; at < m.n_bytes; at += (size_t)t->block_bytes)
                for (size_t i = 0; i < (size_t)t->block_bytes; i++)
                    if (i < n.begin || i >= n.end) m.data()[at + i] &= 0xbf;
            for (int kind = 0; kind < 3; kind++) {
                Floats x(3 * 512);
                for (size_t i = 0; i < x.size(); i++)
                    x[i] = kind == 0 ? 1e4f : kind == 1 ? (i % 2 ? 3.0f : -3.0f) : 0.0f;
                if (kind == 2) x[5] = 1e-20f, x[600] = -1e20f;
                check(m, x, 3, tested);
            }
        }
    }
}

TEST_P(Linear, AddsBiasAndAccumulates) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        Matrix m(llmk_dtype_at(i), 37, 256);
        m.quantize(gaussian(random, 37 * 256));
        Floats x = gaussian(random, 9 * 256), b = gaussian(random, 37), before = gaussian(random, 9 * 37);
        llm_weight *w = m.put(tested), *bias = tested.put(b.data(), 37 * 4, 1, 37, LLM_DTYPE_F32, false);
        tested.pack();
        Floats plain = multiply(tested, w, x, 9, 256, 37), with = multiply(tested, w, x, 9, 256, 37, bias);
        Floats sum = multiply(tested, w, x, 9, 256, 37, bias, &before);
        for (size_t j = 0; j < plain.size(); j++) {
            ASSERT_EQ(with[j], plain[j] + b[j % 37]) << m.type->name;
            ASSERT_EQ(sum[j], plain[j] + b[j % 37] + before[j]) << m.type->name;
        }
    }
}

// Up to six rows are multiplied as the weights are packed, more by panels.
TEST_P(Linear, ARowIsTheSameAloneAndAmongOthers) {
    const int64_t out = 70, most = 200; // whole strips and a part of one
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    for (int32_t i = 0; llmk_dtype_at(i); i++)
        for (int64_t cols : widths(llmk_dtype_at(i))) {
            Matrix m(llmk_dtype_at(i), out, cols);
            m.quantize(gaussian(random, (size_t)(out * cols)));
            Floats x = gaussian(random, (size_t)(most * cols));
            llm_weight *w = m.put(tested), *in_place = m.put(tested, true);
            tested.pack();
            Floats all = multiply(tested, w, x, most, cols, out);
            ASSERT_EQ(all, multiply(tested, in_place, x, most, cols, out)) << m.type->name << " in place";
            for (int64_t n : {1, 2, 3, 4, 5, 6, 7, 16, 33}) {
                int64_t first = most - n; // the last rows of all are the first here
                Floats some(x.begin() + first * cols, x.end());
                Floats expected(all.begin() + first * out, all.end());
                ASSERT_EQ(multiply(tested, w, some, n, cols, out), expected)
                    << m.type->name << ", " << n << " rows of " << cols;
                ASSERT_EQ(multiply(tested, in_place, some, n, cols, out), expected)
                    << m.type->name << " in place, " << n << " rows of " << cols;
            }
        }
}

TEST_P(Linear, WhatLiesBetweenRowsDoesNotCount) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    for (int32_t i = 0; llmk_dtype_at(i); i++)
        for (int64_t cols : widths(llmk_dtype_at(i))) {
            Matrix m(llmk_dtype_at(i), 40, cols);
            m.quantize(gaussian(random, (size_t)(40 * cols)));
            llm_weight *w = m.put(tested);
            tested.pack();
            for (int64_t n : {1, 6, 7}) {
                Floats tight = gaussian(random, (size_t)(n * cols)), wide((size_t)(n * (cols + 3)), NAN);
                for (int64_t r = 0; r < n; r++)
                    std::copy_n(&tight[(size_t)(r * cols)], cols, &wide[(size_t)(r * (cols + 3))]);
                ASSERT_EQ(multiply(tested, w, wide, n, cols, 40), multiply(tested, w, tight, n, cols, 40))
                    << m.type->name << ", " << n << " rows of " << cols;
            }
        }
}

TEST_P(Linear, ThreadsDoNotChangeABit) {
    const int64_t cols = 512, out = 130, n_rows = 250;
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        Matrix m(llmk_dtype_at(i), out, cols);
        m.quantize(gaussian(random, (size_t)(out * cols)));
        Floats x = gaussian(random, (size_t)(n_rows * cols)), first;
        for (int n_threads : {1, 2, 5}) {
            Pool pool(n_threads);
            Device tested(llmk_cpu_backend(), mask, &pool.pool, activations);
            llm_weight *w = m.put(tested);
            tested.pack();
            Floats got = multiply(tested, w, x, n_rows, cols, out);
            if (n_threads == 1) first = got;
            ASSERT_EQ(got, first) << m.type->name << ", " << n_threads << " threads";
        }
    }
}

TEST_P(Linear, ProductsThatShareAnInputMayBeOfAnyType) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    Floats x = gaussian(random, 7 * 256);
    std::vector<Operations::Product> products;
    std::vector<Floats> outs, expected;
    std::vector<Matrix> matrices;
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        matrices.emplace_back(llmk_dtype_at(i), 20 + 3 * i, 256);
        matrices.back().quantize(gaussian(random, (size_t)matrices.back().rows * 256));
    }
    for (Matrix &m : matrices) {
        outs.emplace_back((size_t)(7 * m.rows));
        products.push_back({m.put(tested), nullptr, {outs.back().data(), 7, m.rows, m.rows}, false});
    }
    tested.pack();
    for (size_t i = 0; i < products.size(); i += LLM_MAX_PRODUCTS - 1) { // four at a time, of which the last one again
        size_t end = std::min(i + LLM_MAX_PRODUCTS, products.size());
        tested.linear({x.data(), 7, 256, 256}, {products.begin() + (long)i, products.begin() + (long)end});
    }
    tested.expect_ok();
    for (size_t i = 0; i < products.size(); i++)
        ASSERT_EQ(outs[i], multiply(tested, products[i].w, x, 7, 256, matrices[i].rows)) << matrices[i].type->name;
}

TEST_P(Linear, WhatIsNotFiniteStaysSo) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        Matrix m(llmk_dtype_at(i), 20, 256);
        m.quantize(gaussian(random, 20 * 256));
        llm_weight *w = m.put(tested);
        tested.pack();
        for (float bad : {NAN, INFINITY, -INFINITY}) {
            Floats x = gaussian(random, 3 * 256);
            x[256 + 77] = bad;
            Floats out = multiply(tested, w, x, 3, 256, 20);
            for (size_t o = 0; o < 20; o++) {
                EXPECT_TRUE(std::isfinite(out[o]) && std::isfinite(out[40 + o])) << m.type->name;
                EXPECT_FALSE(std::isfinite(out[20 + o])) << m.type->name << " " << bad;
            }
        }
    }
}

TEST_P(Linear, EmbedTakesRowsOfPackedAndUnpackedTables) {
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    const int32_t ids[] = {19, 0, 7};
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        Matrix m(llmk_dtype_at(i), 20, 256, 0);
        m.quantize(gaussian(random, 20 * 256));
        Floats all = m.dequantize(), out(3 * 256);
        for (bool in_place : {false, true}) {
            llm_weight *w = m.put(tested, in_place);
            tested.pack();
            tested.embed(llm_view{out.data(), 3, 256, 256}, w, +ids);
            tested.expect_ok();
            for (int r = 0; r < 3; r++)
                for (int c = 0; c < 256; c++) ASSERT_EQ(out[(size_t)(r * 256 + c)], all[(size_t)(ids[r] * 256 + c)]);
        }
    }
}

// Those with fused multiply-adds round alike: the same number on x86 and on ARM.
TEST_P(Linear, InstructionSetsAgreeInEveryBit) {
    if (!(mask & llmk_features_detect() & (LLM_CPU_AVX2 | LLM_CPU_NEON))) GTEST_SKIP() << "no fused multiply-adds";
    if (activations == LLM_ACTIVATIONS_BF16) GTEST_SKIP() << "rounds activations as no other set does";
    Device tested(llmk_cpu_backend(), mask, nullptr, activations);
    auto even = [&](size_t n) { // without functions of the C library, which round in their own ways
        Floats x(n);
        for (float &v : x) v = (float)((int32_t)(random() >> 8) - 0x800000) / 0x800000;
        return x;
    };
    uint64_t digest = 0xcbf29ce484222325u; // FNV-1a
    for (llm_dtype dtype :
         {LLM_DTYPE_F32, LLM_DTYPE_F16, LLM_DTYPE_BF16, LLM_DTYPE_Q8_0, LLM_DTYPE_Q4_0, LLM_DTYPE_Q4_1, LLM_DTYPE_Q5_0,
          LLM_DTYPE_Q5_1, LLM_DTYPE_Q2_K, LLM_DTYPE_Q3_K, LLM_DTYPE_Q4_K, LLM_DTYPE_Q5_K, LLM_DTYPE_Q6_K}) {
        Matrix m(llmk_dtype_get(dtype), 45, 512);
        m.quantize(even(45 * 512));
        llm_weight *w = m.put(tested);
        tested.pack();
        for (float y : multiply(tested, w, even(17 * 512), 17, 512, 45)) {
            uint32_t bits;
            memcpy(&bits, &y, sizeof bits);
            digest = (digest ^ bits) * 0x100000001b3u;
        }
    }
    EXPECT_EQ(digest, activations == LLM_ACTIVATIONS_F32 ? 0x57f083ebdb0bc354u : 0x6338131de1d7f96bu);
}

static std::string name_of(const ::testing::TestParamInfo<Level> &level) {
    return level.param.name;
}

INSTANTIATE_TEST_SUITE_P(Isa, Linear, ::testing::ValuesIn(levels()), name_of);

TEST(LinearWeights, SurviveEveryRefusedAllocation) {
    std::mt19937 random{3};
    Matrix m(llmk_dtype_get(LLM_DTYPE_Q4_0), 40, 64);
    m.quantize(gaussian(random, 40 * 64));
    Floats x = gaussian(random, 64);
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    llm_weight *good = m.put(d);
    Floats expected = multiply(d, good, x, 1, 64, 40); // before it is packed
    llm_tensor tensor = {"w", m.data(), m.n_bytes, 40, 64, LLM_DTYPE_Q4_0, 0};
    llm_weight *w = (llm_weight *)&tensor;
    size_t private_bytes = 1;
    d.host.refuse_at = d.host.n_allocs;
    EXPECT_EQ(d.device->ops->weight_put(&w, &private_bytes, d.device, &tensor), LLM_E_MEMORY);
    EXPECT_EQ(w, nullptr);
    EXPECT_EQ(private_bytes, 0u);
    d.host.refuse_at = d.host.n_allocs;
    EXPECT_EQ(d.device->ops->weights_prepare(d.device, nullptr), LLM_E_MEMORY);
    EXPECT_EQ(multiply(d, good, x, 1, 64, 40), expected); // slower, not wrong
    d.prepare();
    d.prepare();
    for (int use = 0; use <= Device::N_USES; use++) EXPECT_EQ(multiply(d, good, x, 1, 64, 40), expected);
}

TEST(LinearWeights, SayWhatTheirCopiesTake) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        Matrix m(llmk_dtype_at(i), 64, 512);
        size_t before = d.host.live_bytes, own = 0, none = 1;
        llm_tensor tensor = {"w", m.data(), m.n_bytes, 64, 512, m.type->dtype, 0}, in_place = tensor;
        in_place.in_place = 1;
        llm_weight *w = nullptr, *v = nullptr;
        ASSERT_EQ(d.device->ops->weight_put(&w, &own, d.device, &tensor), LLM_OK);
        size_t self = d.host.live_bytes - before;
        d.prepare();
        EXPECT_EQ(d.host.live_bytes - before, self + own);
        EXPECT_GE(own, m.n_bytes);
        bool widened = llmk_layout_get(m.type->dtype) == llmk_layout_widened(m.type->dtype);
        double most = widened ? 64.0 * 512 * sizeof(float) : (double)m.n_bytes * 1.04; // else bits per weight stay
        EXPECT_LE((double)own, most) << m.type->name;
        ASSERT_EQ(d.device->ops->weight_put(&v, &none, d.device, &in_place), LLM_OK);
        EXPECT_EQ(none, 0u);
        d.device->ops->weight_free(d.device, v);
        d.device->ops->weight_free(d.device, w);
        EXPECT_EQ(d.host.live_bytes, before);
    }
}

// Columns [col, col + n_cols) of a matrix of at most 32 rows.
static std::vector<uint8_t> pack(const llmk_layout *l, llmk_pack packer, Matrix &m, int64_t col, int64_t n_cols) {
    std::vector<uint8_t> strip(llmk_layout_strip_bytes(l, n_cols));
    llmk_planes planes = llmk_layout_planes(l, strip.data(), n_cols, 0);
    llmk_layout_pack(l, packer, &planes, m.data(), m.row_bytes(), (int32_t)m.rows, col, n_cols);
    return strip;
}

static std::vector<llmk_pack> packers(int32_t mask = LLM_CPU_ALL) {
    llmk_kernels k;
    llmk_kernels_init(&k, mask, LLM_ACTIVATIONS_AUTO);
    return {k.pack, k.pack + LLMK_N_LAYOUTS};
}

TEST_P(Linear, EveryInstructionSetPacksTheSameBytes) {
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        const llmk_dtype *t = llmk_dtype_at(i);
        const llmk_layout *l = llmk_layout_get(t->dtype);
        if (l->widen) continue;
        for (int64_t rows : {1, 15, 16, 31, 32}) {
            const int64_t cols = 2 * (t->block_elems == 1 ? 77 : t->block_elems);
            Matrix m(t, rows, cols);
            for (uint8_t &b : m.bytes) b = (uint8_t)random();
            EXPECT_EQ(pack(l, packers(mask)[l->index], m, 0, cols), pack(l, packers(0)[l->index], m, 0, cols))
                << t->name << " " << rows;
        }
    }
}

// A type without a row in layouts.def is computed as the numbers that it stands for, also piece by piece.
TEST(LinearWeights, WidenAnyTypeToWhatF32WouldBe) {
    const int64_t rows = 19, cols = 768;
    std::mt19937 random{3};
    for (int32_t i = 0; llmk_dtype_at(i); i++) {
        Matrix m(llmk_dtype_at(i), rows, cols, 0), plain(llmk_dtype_get(LLM_DTYPE_F32), rows, cols, 0);
        m.quantize(gaussian(random, (size_t)(rows * cols)));
        plain.quantize(m.dequantize());
        const llmk_layout *widened = llmk_layout_widened(m.type->dtype), *f32 = llmk_layout_get(LLM_DTYPE_F32);
        llmk_pack packer = packers()[f32->index];
        ASSERT_EQ(widened->index, f32->index);
        EXPECT_EQ(pack(widened, widened->widen, m, 0, cols), pack(f32, packer, plain, 0, cols)) << m.type->name;
        for (int64_t n_cols : {64, 128})
            for (int64_t col = 0; col < cols; col += n_cols)
                EXPECT_EQ(pack(widened, widened->widen, m, col, n_cols), pack(f32, packer, plain, col, n_cols))
                    << m.type->name << " " << col;
    }
}

// A file of these bytes, and zeros up to `size`, mapped for reading.
struct Mapped {
    void *at = MAP_FAILED;
    size_t n_bytes;

    Mapped(const std::vector<uint8_t> &bytes, size_t size) : n_bytes(size) {
        std::string path = ::testing::TempDir() + "/test_linear_XXXXXX";
        int fd = mkstemp(path.data());
        unlink(path.c_str());
        EXPECT_EQ(write(fd, bytes.data(), bytes.size()), (ssize_t)bytes.size());
        EXPECT_EQ(ftruncate(fd, (off_t)size), 0);
        at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
        EXPECT_NE(at, MAP_FAILED);
        close(fd);
    }
    ~Mapped() { munmap(at, n_bytes); }
    Mapped(const Mapped &) = delete;

    // KiB of the mapping in this process
    long resident() const {
        FILE *f = fopen("/proc/self/smaps", "r");
        char line[512], start[32];
        long kb = -1;
        snprintf(start, sizeof start, "%lx-", (unsigned long)at);
        bool here = false;
        while (f && fgets(line, sizeof line, f)) {
            if (strncmp(line, start, strlen(start)) == 0) here = true;
            if (here && sscanf(line, "Rss: %ld", &kb) == 1) break;
        }
        if (f) fclose(f);
        return kb;
    }
};

// A mapped file's pages are given back once they are packed, other memory is left alone.
TEST(LinearWeights, ReleaseTheMappedPagesThatACopyReplaces) {
    const int64_t rows = 4096, cols = 1024;
    std::mt19937 random{3};
    Matrix m(llmk_dtype_get(LLM_DTYPE_Q8_0), rows, cols, 0);
    std::uniform_int_distribution<int> byte(0, 63);
    for (size_t i = 0; i < m.n_bytes; i++) m.bytes[i] = (uint8_t)byte(random);
    std::vector<uint8_t> before = m.bytes;
    Mapped file({m.data(), m.data() + m.n_bytes}, m.n_bytes);
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    llm_weight *w = d.put(file.at, m.n_bytes, rows, cols, LLM_DTYPE_Q8_0, false), *other = m.put(d);
    Floats x = gaussian(random, (size_t)cols);
    Floats expected = multiply(d, w, x, 1, cols, rows);
    EXPECT_GT(file.resident(), 4000);
    d.prepare();
    EXPECT_EQ(multiply(d, w, x, 1, cols, rows), expected);
    EXPECT_GT(file.resident(), 4000); // the first use is from the file's bytes
    d.pack();
    EXPECT_LT(file.resident(), 200);
    EXPECT_EQ(m.bytes, before);
    EXPECT_EQ(multiply(d, w, x, 1, cols, rows), expected);
    EXPECT_EQ(multiply(d, other, x, 1, cols, rows), expected);
    EXPECT_EQ(memcmp(file.at, m.data(), m.n_bytes), 0);
}

// Rows are read from the file where a head shares a table, and the system maps their neighbours with each.
TEST(LinearWeights, GiveBackThePagesOfRowsThatAreRead) {
    const int64_t rows = 32768, cols = 1024;
    const long kib = rows * 34 / 1024; // of Q8_0
    Mapped file({}, (size_t)kib * 1024 * 32);
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    llm_weight *w = d.put(file.at, file.n_bytes, rows, cols, LLM_DTYPE_Q8_0, false);
    auto read_all = [&] {
        for (int32_t id = 0; id < rows; id += 16) {
            float out[1024];
            d.embed(llm_view{out, 1, cols, cols}, w, &id);
        }
        return file.resident();
    };
    EXPECT_GT(read_all(), 30 * kib);
    d.pack();
    EXPECT_LT(read_all(), 8 * kib);
    d.expect_ok();
}

// Copies are made by products that go on: with few rows or many, on several threads, also after one that was stopped.
TEST(LinearWeights, GiveTheSameBitsBeforeWhileAndAfterACopyIsMade) {
    const int64_t cols = 768, out = 333;
    std::mt19937 random{3};
    struct StoppingPool : Pool { // some runs end before their work is done
        int32_t *stop = nullptr;
        int n_runs = 0;
        StoppingPool() : Pool(3) {
            pool.run = [](void *user, int32_t n_tasks, void (*task)(void *, int32_t), void *arg) {
                StoppingPool *p = (StoppingPool *)user;
                if (p->n_runs++ % 3 == 1) *p->stop = 1;
                for (int32_t i = 0; i < n_tasks; i++) task(arg, i);
            };
        }
    };
    for (int32_t i = 0; llmk_dtype_at(i); i++)
        for (int64_t n_rows : {1, 9, 400}) {
            Matrix m(llmk_dtype_at(i), out, cols);
            m.quantize(gaussian(random, (size_t)(out * cols)));
            Floats x = gaussian(random, (size_t)(n_rows * cols));
            Pool pool(3);
            StoppingPool stopping;
            Device d(llmk_cpu_backend(), LLM_CPU_ALL, &pool.pool);
            Device stopped(llmk_cpu_backend(), LLM_CPU_ALL, &stopping.pool);
            stopping.stop = &stopped.stop_flag;
            llm_weight *in_place = m.put(d, true), *w = m.put(d), *other = m.put(stopped);
            d.prepare();
            stopped.prepare();
            Floats expected = multiply(d, in_place, x, n_rows, cols, out), got = expected;
            for (int use = 0; use <= Device::N_USES; use++)
                ASSERT_EQ(multiply(d, w, x, n_rows, cols, out), expected) << m.type->name << " use " << use;
            int n_done = 0;
            for (int use = 0; use < 4 * Device::N_USES; use++) {
                stopped.stop_flag = 0;
                stopped.linear({x.data(), n_rows, cols, cols},
                               {{other, nullptr, {got.data(), n_rows, out, out}, false}});
                if (stopped.sync() == LLM_E_CANCELLED) continue;
                n_done++;
                ASSERT_EQ(got, expected) << m.type->name << " use " << use;
            }
            EXPECT_GT(n_done, Device::N_USES);
        }
}

// Two streams use a weight at the same time; one of them makes its copy.
TEST(LinearWeights, MayBeSharedWhileTheirCopiesAreMade) {
    const int64_t cols = 256, out = 640;
    std::mt19937 random{3};
    Matrix m(llmk_dtype_get(LLM_DTYPE_Q4_0), out, cols);
    m.quantize(gaussian(random, (size_t)(out * cols)));
    Floats x = gaussian(random, (size_t)cols);
    for (int round = 0; round < 20; round++) {
        Device d(llmk_cpu_backend(), LLM_CPU_ALL);
        llm_weight *w = m.put(d);
        Floats expected = multiply(d, w, x, 1, cols, out);
        d.prepare();
        std::vector<std::thread> threads;
        int n_wrong[2] = {0, 0};
        for (int t = 0; t < 2; t++)
            threads.emplace_back([&, t] {
                Operations own;
                own.device = d.device;
                for (int use = 0; use < 8; use++) {
                    Floats got((size_t)out);
                    own.linear({x.data(), 1, cols, cols}, {{w, nullptr, {got.data(), 1, out, out}, false}});
                    n_wrong[t] += got != expected;
                }
            });
        for (std::thread &t : threads) t.join();
        EXPECT_EQ(n_wrong[0] + n_wrong[1], 0);
    }
}

TEST(LinearWeights, AStopEndsTheWork) {
    std::mt19937 random{3};
    Matrix m(llmk_dtype_get(LLM_DTYPE_Q4_0), 640, 1024);
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    llm_weight *w = m.put(d);
    Floats x = gaussian(random, 1024), out(640, 5.0f);
    d.stop_flag = 1;
    d.linear({x.data(), 1, 1024, 1024}, {{w, nullptr, {out.data(), 1, 640, 640}, false}});
    EXPECT_EQ(d.sync(), LLM_E_CANCELLED);
    EXPECT_EQ(out, Floats(640, 5.0f));
}

// The table takes these kernels only where they are faster than widening to F32, so they are tried by hand.
TEST(LinearKernels, DotProductsOfBf16) {
#if defined(__x86_64__)
    const int32_t need = LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_BF16;
    if ((llmk_features_detect() & need) != need) GTEST_SKIP() << "this processor has no AVX-512 with BF16";
    llmk_linear_kernels k{};
    llmk_linear_init_avx512_bf16(&k);
    const llmk_product &product = k.bf16;
    const llmk_layout *layout = llmk_layout_get(LLM_DTYPE_BF16);
    std::mt19937 random{9};
    for (int64_t cols : {1, 7, 96, 255}) {
        Matrix m(llmk_dtype_get(LLM_DTYPE_BF16), 27, cols);
        m.quantize(gaussian(random, (size_t)(27 * cols)));
        Floats w = m.dequantize(), x = gaussian(random, (size_t)(6 * cols));
        std::vector<uint8_t> strip(llmk_layout_strip_bytes(layout, cols)), rows(6 * (size_t)(cols + 1) * 2);
        llmk_planes planes = llmk_layout_planes(layout, strip.data(), cols, 0);
        llmk_layout_pack(layout, packers()[layout->index], &planes, m.data(), m.row_bytes(), 27, 0, cols);
        size_t stride = (size_t)(cols + cols % 2) * 2;
        for (size_t r = 0; r < 6; r++) k.to_bf16(rows.data() + r * stride, &x[r * (size_t)cols], cols);
        Floats all;
        for (int32_t n = 6; n >= 1; n--) {
            Floats acc((size_t)n * 40, NAN);
            llmk_tile t{};
            t.acc = acc.data();
            t.acc_stride = 40;
            t.panel = planes.at[LLMK_PLANE_LOW];
            t.x = rows.data();
            t.x_stride = stride;
            t.n_cols = cols;
            t.n_rows = n;
            t.is_first = true;
            product.multiply(&t);
            if (n == 6) all = acc;
            for (int32_t r = 0; r < n; r++)
                for (int64_t o = 0; o < 27; o++) {
                    double sum = 0, size = 0;
                    for (int64_t c = 0; c < cols; c++) {
                        double term = (double)x[(size_t)(r * cols + c)] * w[(size_t)(o * cols + c)];
                        sum += term, size += std::fabs(term);
                    }
                    // activations rounded to 8 bits; a pair's sum may be rounded by itself
                    ASSERT_NEAR(acc[(size_t)(r * 40 + o)], sum, size * std::ldexp(1.0, -8) + 1e-30) << cols;
                    ASSERT_EQ(acc[(size_t)(r * 40 + o)], all[(size_t)(r * 40 + o)]) << n << " rows";
                }
        }
    }
#else
    GTEST_SKIP() << "x86 only";
#endif
}
