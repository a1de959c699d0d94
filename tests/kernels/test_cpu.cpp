// The CPU back end: its device, and its operations on rows, against the reference back end.
#include "kernels/cpu_device.h"

#include <atomic>
#include <limits>

namespace {

const float inf = std::numeric_limits<float>::infinity();
const float nan_ = std::numeric_limits<float>::quiet_NaN();

class CpuRows : public ::testing::TestWithParam<int32_t> {
  protected:
    Device cpu{llmk_cpu_backend(), GetParam(), 2, 1024, 4096}, ref{llmk_ref_backend(), 0, 1, 1024, 4096};
    std::mt19937 random{7};

    llm_weight *put(Device &d, const Floats &x) {
        llm_tensor t{};
        t.name = "w", t.data = x.data(), t.n_bytes = x.size() * 4, t.rows = 1, t.cols = (int64_t)x.size();
        llm_weight *w = nullptr;
        size_t private_bytes;
        EXPECT_EQ(d.device->ops->weight_put(&w, &private_bytes, d.device, &t), LLM_OK);
        return w;
    }

    // Runs an operation on both devices and compares: relative to the element, or absolute.
    void same(const char *what, size_t n, const std::function<void(Device &, Floats &)> &op, double relative,
              double absolute = 0) {
        Floats got(n, -7.0f), expected(n, -7.0f);
        op(cpu, got);
        op(ref, expected);
        cpu.ok();
        ref.ok();
        for (size_t i = 0; i < n; i++) {
            if (std::isnan(expected[i]) && std::isnan(got[i])) continue;
            if (got[i] == expected[i]) continue;
            ASSERT_LE(std::fabs((double)got[i] - expected[i]), relative * std::fabs((double)expected[i]) + absolute)
                << what << ": element " << i << " is " << got[i] << ", expected " << expected[i];
        }
    }
};

const int widths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 100, 257, 1000, 4096};

} // namespace

TEST_P(CpuRows, RmsNormIsTheReferenceAtEveryWidthAndSize) {
    for (int n : widths)
        for (float size : {1.0f, 1e-3f, 1e18f, 1e-30f}) {
            const int rows = n < 100 ? 9 : 3, stride = n + 3;
            Floats x = gaussian(random, rows * stride, size), w = gaussian(random, n);
            for (bool scaled : {true, false}) {
                llm_weight *weight[2] = {put(cpu, w), put(ref, w)};
                same(
                    "rms_norm", x.size(),
                    [&](Device &d, Floats &out) {
                        d.ops->rms_norm(d.s, view(out, rows, n, stride), view(x, rows, n, stride),
                                        scaled ? weight[&d == &ref] : nullptr, 1e-5f);
                    },
                    3e-7);
                cpu.device->ops->weight_free(cpu.device, weight[0]);
                ref.device->ops->weight_free(ref.device, weight[1]);
            }
        }
}

TEST_P(CpuRows, RmsNormOfStrangeRows) {
    Floats zeros(40, 0.0f), denormal(40, 1e-41f), spoilt = gaussian(random, 40);
    spoilt[17] = nan_;
    for (const Floats &x : {zeros, denormal, spoilt})
        same(
            "rms_norm", 40,
            [&](Device &d, Floats &out) { d.ops->rms_norm(d.s, view(out, 2, 20), view(x, 2, 20), nullptr, 1e-6f); },
            1e-5, 1e-44);
}

TEST_P(CpuRows, RopeTurnsPairsInBothStyles) {
    for (int n_freq : {1, 2, 3, 4, 5, 8, 9, 16, 20, 24, 32, 40, 64})
        for (int more : {0, 3}) {
            const int dim = 2 * n_freq + more, heads = 3, rows = 5;
            Floats angles = gaussian(random, rows * 2 * n_freq), x = gaussian(random, rows * heads * dim);
            for (int style : {LLM_ROPE_HALF, LLM_ROPE_ADJACENT})
                same(
                    "rope", x.size(),
                    [&](Device &d, Floats &out) {
                        out = x;
                        d.ops->rope(d.s, view(out, rows, heads * dim), view(angles, rows, 2 * n_freq), dim, style);
                    },
                    0, 2e-6);
        }
}

TEST_P(CpuRows, RopeAnglesOfLongContexts) {
    const Ints positions = {0, 1, 2, 1000, 131071, 1 << 24};
    Floats inv_freq;
    for (int i = 0; i < 37; i++) inv_freq.push_back((float)std::pow(10000.0, -i / 37.0));
    for (float scale : {1.0f, 1.19f})
        same(
            "rope_angles", 6 * 74,
            [&](Device &d, Floats &out) {
                d.ops->rope_angles(d.s, view(out, 6, 74), positions.data(), inv_freq.data(), scale);
            },
            3e-7, 1e-12);
}

TEST_P(CpuRows, GluIsTheReferenceOnEveryKindOfNumber) {
    Floats x = {0.0f, -0.0f, 1.0f,  -1.0f,  1e-40f, -1e-40f, 88.0f, -88.0f, 89.5f,  -89.5f, 103.0f, -103.0f,
                1e4f, -1e4f, 1e20f, -1e20f, inf,    -inf,    nan_,  3e38f,  -3e38f, -12.9f, 12.9f};
    for (int i = 0; i < 4000; i++) x.push_back(-110.0f + 0.055f * (float)i + 0.0001f);
    for (const Floats &more : {gaussian(random, 5000), gaussian(random, 5000, 1e-3f), gaussian(random, 5000, 10.0f)})
        x.insert(x.end(), more.begin(), more.end());
    Floats ones(x.size(), 1.0f), up = gaussian(random, x.size());
    for (int act : {LLM_ACT_SILU, LLM_ACT_GELU_TANH, LLM_ACT_GELU})
        for (const Floats &u : {ones, up})
            same(
                act == LLM_ACT_SILU   ? "silu"
                : act == LLM_ACT_GELU ? "gelu"
                                      : "gelu_tanh",
                x.size(),
                [&](Device &d, Floats &out) {
                    d.ops->glu(d.s, view(out, 1, (int64_t)x.size()), view(x, 1, (int64_t)x.size()),
                               view(u, 1, (int64_t)x.size()), act);
                },
                act == LLM_ACT_SILU ? 5e-7 : 2e-6, act == LLM_ACT_SILU ? 3e-43 : 2e-7);
    for (int n : widths) { // remainders, strides, in place
        Floats gate = gaussian(random, 4 * (n + 2));
        same(
            "glu", gate.size(),
            [&](Device &d, Floats &out) {
                out = gate;
                d.ops->glu(d.s, view(out, 4, n, n + 2), view(out, 4, n, n + 2), view(gate, 4, n, n + 2), LLM_ACT_SILU);
            },
            5e-7);
    }
}

TEST_P(CpuRows, SiluIsGoodToTwoUnitsInTheLastPlace) {
    llmk_kernels k;
    llmk_kernels_init(&k, GetParam(), LLM_ACTIVATIONS_AUTO);
    const int n = 1 << 16;
    Floats x(n), out(n), ones(n, 1.0f);
    for (int i = 0; i < n; i++) x[i] = -86.0f + (float)i * (180.0f / n);
    k.rows.glu[LLM_ACT_SILU](out.data(), x.data(), ones.data(), n);
    double worst = 0;
    for (int i = 0; i < n; i++) {
        double expected = x[i] / (1.0 + std::exp(-(double)x[i]));
        double unit = std::ldexp(1.0, std::max(std::ilogb(expected), -126) - 23);
        worst = std::max(worst, std::fabs(out[i] - expected) / unit);
    }
    RecordProperty("worst", std::to_string(worst));
    EXPECT_LE(worst, 3.0); // exp, the sum, the quotient and the product round
}

TEST_P(CpuRows, AddAndGatherAreExact) {
    for (int n : widths) {
        Floats a = gaussian(random, 6 * n), b = gaussian(random, 6 * n);
        const Ints rows = {5, 0, 0, 3, 1};
        same(
            "add", 6 * n,
            [&](Device &d, Floats &out) { d.ops->add(d.s, view(out, 6, n), view(a, 6, n), view(b, 6, n)); }, 0);
        same(
            "gather", 5 * (n + 1),
            [&](Device &d, Floats &out) { d.ops->gather(d.s, view(out, 5, n, n + 1), view(a, 6, n), rows.data()); }, 0);
    }
}

TEST_P(CpuRows, RowsDoNotDependOnEachOtherNorOnThreads) {
    const int n = 300, rows = 700;
    Floats x = gaussian(random, rows * n), y = gaussian(random, rows * n), angles = gaussian(random, rows * 60);
    auto all = [&](Device &d, int first, int count) {
        Floats a(x.begin() + first * n, x.begin() + (first + count) * n);
        Floats b(y.begin() + first * n, y.begin() + (first + count) * n);
        Floats turns(angles.begin() + first * 60, angles.begin() + (first + count) * 60), out(a.size());
        d.ops->rms_norm(d.s, view(out, count, n), view(a, count, n), nullptr, 1e-5f);
        d.ops->rope(d.s, view(out, count, n), view(turns, count, 60), 100, LLM_ROPE_HALF);
        d.ops->rope(d.s, view(out, count, n), view(turns, count, 60), 60, LLM_ROPE_ADJACENT);
        d.ops->glu(d.s, view(out, count, n), view(out, count, n), view(b, count, n), LLM_ACT_GELU);
        d.ops->add(d.s, view(out, count, n), view(out, count, n), view(a, count, n));
        d.ok();
        return out;
    };
    Floats expected = all(cpu, 0, rows);
    for (int n_threads : {1, 3}) {
        Device other(llmk_cpu_backend(), GetParam(), n_threads);
        EXPECT_EQ(bits(all(other, 0, rows)), bits(expected));
        for (int first : {0, 1, 333, 699}) {
            Floats part(expected.begin() + first * n, expected.begin() + (first + 1) * n);
            EXPECT_EQ(bits(all(other, first, 1)), bits(part)) << "row " << first;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Isa, CpuRows, ::testing::ValuesIn(masks()), mask_name);

/* ---- the device ---- */

TEST(CpuFeatures, ABitNeverComesWithoutWhatItBuildsOn) {
    const int32_t all = LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI | LLM_CPU_AVX512_BF16;
    EXPECT_EQ(llmk_features_limit(all, LLM_CPU_ALL), all);
    EXPECT_EQ(llmk_features_limit(all, 0), 0);
    EXPECT_EQ(llmk_features_limit(all, all & ~LLM_CPU_AVX2), 0);
    EXPECT_EQ(llmk_features_limit(all, all & ~LLM_CPU_AVX512), LLM_CPU_AVX2);
    EXPECT_EQ(llmk_features_limit(LLM_CPU_AVX2, LLM_CPU_ALL), LLM_CPU_AVX2);
    const int32_t arm = LLM_CPU_NEON | LLM_CPU_DOTPROD | LLM_CPU_I8MM;
    EXPECT_EQ(llmk_features_limit(arm, LLM_CPU_ALL), arm);
    EXPECT_EQ(llmk_features_limit(arm, arm & ~LLM_CPU_DOTPROD), LLM_CPU_NEON);
    EXPECT_EQ(llmk_features_limit(arm, arm & ~LLM_CPU_NEON), 0);
}

TEST(CpuFeatures, AreDescribedInWords) {
    const struct {
        int32_t features;
        const char *text;
    } rows[] = {
        {0, "portable C"},
        {LLM_CPU_AVX2, "AVX2"},
        {LLM_CPU_AVX2 | LLM_CPU_AVX512, "AVX-512"},
        {LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI, "AVX-512 with VNNI"},
        {LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_BF16, "AVX-512 with BF16"},
        {LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI | LLM_CPU_AVX512_BF16, "AVX-512 with VNNI and BF16"},
        {LLM_CPU_NEON, "NEON"},
        {LLM_CPU_NEON | LLM_CPU_DOTPROD, "NEON with DOTPROD"},
        {LLM_CPU_NEON | LLM_CPU_DOTPROD | LLM_CPU_I8MM, "NEON with DOTPROD and I8MM"},
    };
    for (const auto &row : rows) {
        char text[80];
        llmk_features_describe(text, sizeof text, row.features);
        EXPECT_STREQ(text, row.text);
    }
}

TEST(CpuDevice, ProbeSaysWhatTheMaskAllows) {
    char text[80], small[5];
    Host portable(0), all(LLM_CPU_ALL);
    EXPECT_EQ(llmk_cpu_backend()->probe(&portable.host, text, sizeof text), LLM_OK);
    EXPECT_STREQ(text, "portable C");
    EXPECT_EQ(llmk_cpu_backend()->probe(&all.host, small, sizeof small), LLM_OK);
    EXPECT_LT(strlen(small), sizeof small);
}

TEST(CpuDevice, TheFirstFailureSticksUntilSyncAndStopsTheRest) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    Floats x(6, 1.0f), out(6, 7.0f);
    const Ints bad = {0, 5}, negative = {-1};
    d.ops->gather(d.s, view(out, 2, 3), view(x, 2, 3), bad.data());
    d.ops->add(d.s, view(out, 1, 3), view(x, 2, 3), view(x, 2, 3));
    d.ops->add(d.s, view(out, 2, 3), view(x, 2, 3), view(x, 2, 3));
    d.ops->upload(d.s, out.data(), x.data(), 24);
    EXPECT_EQ(out, Floats(6, 7.0f));
    d.fails(LLM_E_INTERNAL, "gather");
    d.ops->gather(d.s, view(out, 1, 3), view(x, 2, 3), negative.data());
    d.fails(LLM_E_INTERNAL, "gather");
    d.ops->add(d.s, view(out, 2, 3), view(x, 2, 3), view(x, 2, 3));
    d.ok();
    EXPECT_EQ(out, Floats(6, 2.0f));
}

TEST(CpuDevice, ArgumentsThatDoNotFitAreReported) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    Floats x(64), out(64);
    d.ops->rms_norm(d.s, view(out, 2, 3), view(x, 2, 4), nullptr, 0.1f);
    d.fails(LLM_E_INTERNAL, "rms_norm");
    d.ops->rope_angles(d.s, view(out, 1, 3), nullptr, nullptr, 1.0f);
    d.fails(LLM_E_INTERNAL, "rope_angles");
    d.ops->rope(d.s, view(out, 2, 8), view(x, 2, 10), 8, LLM_ROPE_HALF);
    d.fails(LLM_E_INTERNAL, "rope");
    d.ops->rope(d.s, view(out, 2, 8), view(x, 2, 8), 8, 2);
    d.fails(LLM_E_INTERNAL, "rope");
    d.ops->glu(d.s, view(out, 2, 8), view(x, 2, 8), view(x, 2, 8), 3);
    d.fails(LLM_E_INTERNAL, "glu");
    d.ops->add(d.s, view(out, 2, 8), view(x, 2, 8), view(x, 1, 8));
    d.fails(LLM_E_INTERNAL, "add");
}

TEST(CpuDevice, NothingToDoIsNoFailure) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    llm_view none = {nullptr, 0, 16, 16};
    d.ops->rms_norm(d.s, none, none, nullptr, 0.1f);
    d.ops->rope(d.s, none, none, 16, LLM_ROPE_HALF);
    d.ops->glu(d.s, none, none, none, LLM_ACT_SILU);
    d.ops->add(d.s, none, none, none);
    d.ops->gather(d.s, none, none, nullptr);
    d.ops->upload(d.s, nullptr, nullptr, 0);
    d.ok();
}

TEST(CpuDevice, TheStopFlagSkipsWhatIsLeft) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    Floats x(6, 1.0f), out(6, 7.0f);
    d.stop = 1;
    d.ops->add(d.s, view(out, 2, 3), view(x, 2, 3), view(x, 2, 3));
    EXPECT_EQ(out, Floats(6, 7.0f));
    EXPECT_EQ(d.ops->sync(d.s), LLM_E_CANCELLED);
    d.stop = 0;
    d.ok();
}

TEST(CpuDevice, ImpossibleSizesAreRefused) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    const llm_device_ops *ops = d.device->ops;
    size_t n_bytes = 1;
    llm_kv *kv = nullptr;
    const llm_kv_desc huge = {INT32_MAX, INT32_MAX, 1 << 30, INT32_MAX, INT32_MAX, LLM_DTYPE_F32};
    EXPECT_EQ(ops->kv_bytes(&n_bytes, d.device, &huge), LLM_E_MEMORY);
    EXPECT_EQ(n_bytes, 0u);
    EXPECT_EQ(ops->kv_create(&kv, d.device, &huge), LLM_E_MEMORY);
    const llm_kv_desc wide = {1, 1, INT32_MAX, 1, 1, LLM_DTYPE_F32}, empty = {1, 0, 32, 16, 1, LLM_DTYPE_F16};
    const llm_kv_desc quantized = {1, 1, 32, 16, 1, LLM_DTYPE_Q8_0};
    EXPECT_EQ(ops->kv_create(&kv, d.device, &wide), LLM_E_ARGUMENT);
    EXPECT_EQ(ops->kv_create(&kv, d.device, &empty), LLM_E_ARGUMENT);
    EXPECT_EQ(ops->kv_create(&kv, d.device, &quantized), LLM_E_UNSUPPORTED);
    EXPECT_EQ(kv, nullptr);
    llm_stream *s = nullptr;
    llm_stream_options o{};
    o.max_cols = INT64_MAX;
    EXPECT_EQ(ops->stream_create(&s, d.device, &o), LLM_E_ARGUMENT);
    o.max_cols = -1;
    EXPECT_EQ(ops->stream_create(&s, d.device, &o), LLM_E_ARGUMENT);
    EXPECT_EQ(s, nullptr);
}

TEST(CpuDevice, EachRefusedAllocationLeavesNothingBehind) {
    llm_status status = LLM_E_MEMORY;
    int n = 0;
    for (; status != LLM_OK; n++) {
        Host host(LLM_CPU_ALL);
        host.refuse_at = n;
        llm_device *device = nullptr;
        llm_stream *stream = nullptr;
        llm_kv *kv = nullptr;
        void *memory = nullptr;
        llm_stream_options options{};
        options.max_rows = 16;
        options.max_cols = 64;
        const llm_kv_desc desc = {2, 2, 8, 16, 4, LLM_DTYPE_F16};
        status = llmk_cpu_backend()->open(&device, &host.host);
        if (status == LLM_OK) {
            status = device->ops->stream_create(&stream, device, &options);
            if (status == LLM_OK) status = device->ops->kv_create(&kv, device, &desc);
            if (status == LLM_OK) status = device->ops->mem_alloc(&memory, device, 1000);
            device->ops->mem_free(device, memory, 1000);
            device->ops->kv_free(device, kv);
            device->ops->stream_destroy(stream);
            device->ops->close(device);
        }
        ASSERT_TRUE(status == LLM_OK || (status == LLM_E_MEMORY && host.status == LLM_E_MEMORY)) << n;
        ASSERT_EQ(host.live_bytes, 0u) << n;
    }
    EXPECT_EQ(n, 6); // five allocations were refused
}
