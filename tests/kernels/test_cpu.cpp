// The CPU back end: its device, and its operations on rows, against the reference back end.
#include "kernels/cpu_device.h"

#include <atomic>
#include <limits>

namespace {

const float inf = std::numeric_limits<float>::infinity();
const float nan_ = std::numeric_limits<float>::quiet_NaN();

class CpuRows : public ::testing::TestWithParam<int32_t> {
  protected:
    Device cpu{llmk_cpu_backend(), GetParam(), 2}, ref{llmk_ref_backend()};
    std::mt19937 random{7};

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

TEST_P(CpuRows, NormIsTheReferenceAtEveryWidthAndSize) {
    for (int n : widths)
        for (float size : {1.0f, 1e-3f, 1e18f, 1e-30f}) {
            const int rows = n < 100 ? 9 : 3, stride = n + 3;
            Floats x = gaussian(random, rows * stride, size), w = gaussian(random, n);
            for (bool scaled : {true, false}) {
                llm_weight *weight[2] = {cpu.put(w), ref.put(w)};
                same(
                    "norm", x.size(),
                    [&](Device &d, Floats &out) {
                        d.norm(view(out, rows, n, stride), view(x, rows, n, stride),
                               scaled ? weight[&d == &ref] : nullptr, 1e-5f);
                    },
                    3e-7);
                cpu.drop(weight[0]);
                ref.drop(weight[1]);
            }
        }
}

TEST_P(CpuRows, NormOfStrangeRows) {
    Floats zeros(40, 0.0f), denormal(40, 1e-41f), spoilt = gaussian(random, 40);
    spoilt[17] = nan_;
    for (const Floats &x : {zeros, denormal, spoilt})
        same(
            "norm", 40, [&](Device &d, Floats &out) { d.norm(view(out, 2, 20), view(x, 2, 20), nullptr, 1e-6f); }, 1e-5,
            1e-44);
}

TEST_P(CpuRows, RopeTurnsPairsInBothStyles) {
    for (int n_freq : {1, 2, 3, 4, 5, 8, 9, 16, 20, 24, 32, 40, 64})
        for (int more : {0, 3}) {
            const int dim = 2 * n_freq + more, heads = 3, rows = 5;
            Floats angles = gaussian(random, rows * 2 * n_freq), x = gaussian(random, rows * heads * dim);
            for (int style : {LLM_ROPE_NEOX, LLM_ROPE_INTERLEAVED})
                same(
                    "rope", x.size(),
                    [&](Device &d, Floats &out) {
                        out = x;
                        d.rope(view(out, rows, heads * dim), view(angles, rows, 2 * n_freq), dim, style);
                    },
                    0, 2e-6);
        }
}

TEST_P(CpuRows, RopeAnglesOfLongContexts) {
    const Ints positions = {0, 1, 2, 1000, 131071, 1 << 24};
    Floats inv_freq;
    for (int i = 0; i < 37; i++) inv_freq.push_back((float)std::pow(10000.0, -i / 37.0));
    llm_weight *weight[2] = {cpu.put(inv_freq), ref.put(inv_freq)};
    for (float scale : {1.0f, 1.19f})
        same(
            "angles", 6 * 74,
            [&](Device &d, Floats &out) { d.angles(view(out, 6, 74), positions.data(), weight[&d == &ref], scale); },
            3e-7, 1e-12);
    cpu.drop(weight[0]);
    ref.drop(weight[1]);
}

TEST_P(CpuRows, NormOfHeadsIsThatOfEachHeadAlone) {
    const int n = 24, heads = 5, rows = 7, stride = n * heads + 3;
    Floats x = gaussian(random, rows * stride), w = gaussian(random, n), out(rows * stride, -7.0f);
    for (Device *d : {&cpu, &ref}) {
        llm_weight *weight = d->put(w);
        d->norm(view(out, rows, n * heads, stride), view(x, rows, n * heads, stride), weight, 1e-5f, n);
        d->ok();
        for (int h = 0; h < heads; h++) {
            Floats alone(rows * stride, -7.0f);
            llm_view one = {x.data() + h * n, rows, n, stride};
            d->norm(view(alone, rows, n, stride), one, weight, 1e-5f);
            d->ok();
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < n; c++) ASSERT_EQ(out[r * stride + h * n + c], alone[r * stride + c]);
        }
        for (int r = 0; r < rows; r++) EXPECT_EQ(out[r * stride + n * heads], -7.0f); // nothing beyond the row
        d->drop(weight);
    }
}

TEST_P(CpuRows, ActIsTheReferenceOnEveryKindOfNumber) {
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
                    d.act(view(out, 1, (int64_t)x.size()), view(x, 1, (int64_t)x.size()), view(u, 1, (int64_t)x.size()),
                          act);
                },
                act == LLM_ACT_SILU ? 5e-7 : 2e-6, act == LLM_ACT_SILU ? 3e-43 : 2e-7);
    for (int n : widths) { // remainders, strides, in place
        Floats gate = gaussian(random, 4 * (n + 2));
        same(
            "act", gate.size(),
            [&](Device &d, Floats &out) {
                out = gate;
                d.act(view(out, 4, n, n + 2), view(out, 4, n, n + 2), view(gate, 4, n, n + 2), LLM_ACT_SILU);
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

TEST_P(CpuRows, GatherIsExact) {
    for (int n : widths) {
        Floats a = gaussian(random, 6 * n);
        const Ints rows = {5, 0, 0, 3, 1};
        same(
            "gather", 5 * (n + 1),
            [&](Device &d, Floats &out) { d.gather(view(out, 5, n, n + 1), view(a, 6, n), rows.data()); }, 0);
    }
}

TEST_P(CpuRows, RowsDoNotDependOnEachOtherNorOnThreads) {
    const int n = 300, rows = 700;
    Floats x = gaussian(random, rows * n), y = gaussian(random, rows * n), angles = gaussian(random, rows * 60);
    auto all = [&](Device &d, int first, int count) {
        Floats a(x.begin() + first * n, x.begin() + (first + count) * n);
        Floats b(y.begin() + first * n, y.begin() + (first + count) * n);
        Floats turns(angles.begin() + first * 60, angles.begin() + (first + count) * 60), out(a.size());
        d.norm(view(out, count, n), view(a, count, n), nullptr, 1e-5f);
        d.rope(view(out, count, n), view(turns, count, 60), 100, LLM_ROPE_NEOX);
        d.rope(view(out, count, n), view(turns, count, 60), 60, LLM_ROPE_INTERLEAVED);
        d.act(view(out, count, n), view(out, count, n), view(b, count, n), LLM_ACT_GELU);
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
    Floats x(6, 1.0f), picked(6, 7.0f), out(6, 7.0f);
    const Ints bad = {0, 5}, good = {0, 1};
    Program p;
    p.gather(view(picked, 2, 3), view(x, 2, 3), bad.data());
    p.norm(view(out, 2, 3), view(x, 2, 3), nullptr, 0.1f);
    llm_stream *s = d.open(p);
    s->ops->run(s, &p.step, 0, 2);
    s->ops->upload(s, out.data(), x.data(), 24);
    EXPECT_EQ(out, Floats(6, 7.0f));
    EXPECT_EQ(s->ops->sync(s), LLM_E_INTERNAL);
    EXPECT_NE(d.host.text.find("GATHER"), std::string::npos);
    p.step.out_rows = good.data();
    s->ops->run(s, &p.step, 0, 1);
    EXPECT_EQ(s->ops->sync(s), LLM_OK) << "told once";
    EXPECT_EQ(picked, x);
    EXPECT_EQ(out, Floats(6, 7.0f)) << "not asked for";
    d.device->ops->stream_destroy(s);
}

TEST(CpuDevice, OperandsThatDoNotFitAreRefusedWithTheProgram) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    Floats x(64), out(64);
    const Ints rows = {0};
    llm_weight *w = d.put(Floats(5));
    d.norm(view(out, 2, 3), view(x, 2, 4), nullptr, 0.1f);
    d.fails(LLM_E_INTERNAL, "operation NORM of layer -1: input and output differ in shape");
    d.norm(view(out, 2, 4), view(x, 2, 4), w, 0.1f);
    d.fails(LLM_E_INTERNAL, "NORM of layer -1: the scale is not as long as what it scales");
    d.norm(view(out, 2, 4), view(x, 2, 4), nullptr, 0.1f, 3);
    d.fails(LLM_E_INTERNAL, "NORM of layer -1: rows are not a multiple of a head");
    d.embed(view(out, 1, 4), w, rows.data());
    d.fails(LLM_E_INTERNAL, "EMBED of layer -1: the table's rows are not as wide as the output");
    d.angles(view(out, 1, 8), rows.data(), w, 1.0f);
    d.fails(LLM_E_INTERNAL, "ANGLES of layer -1: the output has not two columns for each frequency");
    d.rope(view(out, 2, 8), view(x, 2, 10), 8, LLM_ROPE_NEOX);
    d.fails(LLM_E_INTERNAL, "ROPE of layer -1: there are more angles than a head has elements");
    d.rope(view(out, 2, 8), view(x, 2, 8), 8, LLM_N_ROPE_STYLES);
    d.fails(LLM_E_INTERNAL, "ROPE of layer -1: the style is unknown");
    d.act(view(out, 2, 8), view(x, 2, 8), view(x, 2, 8), LLM_N_ACTS);
    d.fails(LLM_E_INTERNAL, "ACT of layer -1: the activation is unknown");
    d.act(view(out, 2, 8), view(x, 2, 8), view(x, 2, 7), LLM_ACT_SILU);
    d.fails(LLM_E_INTERNAL, "ACT of layer -1: inputs and output differ in shape");
    d.gather(view(out, 1, 7), view(x, 2, 8), rows.data());
    d.fails(LLM_E_INTERNAL, "GATHER of layer -1: input and output differ in width");
    d.linear(view(x, 1, 5), {{w, w, view(out, 1, 1), false}});
    d.fails(LLM_E_INTERNAL, "LINEAR of layer -1: a bias is not as long as its output is wide");
    d.linear(view(x, 1, 4), {{w, nullptr, view(out, 1, 1), false}});
    d.fails(LLM_E_INTERNAL, "LINEAR of layer -1: a weight's rows are not as wide as the input");
    d.linear(view(x, 1, 5), {{w, nullptr, view(out, 1, 2), false}});
    d.fails(LLM_E_INTERNAL, "LINEAR of layer -1: a weight has not one row for each column of its output");
    d.linear(view(x, 1, 5), {});
    d.fails(LLM_E_INTERNAL, "LINEAR of layer -1: the number of products is out of range");
    d.linear(view(x, 1, 5), {{nullptr, nullptr, view(out, 1, 1), false}});
    d.fails(LLM_E_INTERNAL, "LINEAR of layer -1: a product has no weight");
    d.drop(w);
}

TEST(CpuDevice, AnOperationThatItDoesNotKnowRefusesTheProgramByName) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    Program p;
    p.add(LLM_N_OPS).layer = 3;
    d.run(p);
    d.fails(LLM_E_UNSUPPORTED, "of layer 3 is not implemented by this back end");
}

TEST(CpuDevice, ValuesOutsideTheWorkspaceAreRefused) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL);
    Floats x(64);
    for (int64_t offset : {int64_t{-4}, int64_t{2}, int64_t{4}, INT64_MAX - 3}) {
        Program p;
        p.norm(view(x, 8, 8), view(x, 8, 8), nullptr, 0.1f);
        p.ops[0].in[0].offset = offset;
        p.sealed();
        p.program.workspace_bytes = 64 * sizeof(float);
        p.ops[0].out[0].offset = 0;
        llm_stream *s = nullptr;
        llm_stream_options o = d.options(&p.program);
        EXPECT_EQ(d.device->ops->stream_create(&s, d.device, &o), LLM_E_INTERNAL) << offset;
        EXPECT_NE(d.host.text.find("an input is not inside the workspace"), std::string::npos) << d.host.text;
    }
}

TEST(CpuDevice, NothingToDoIsNoFailure) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    llm_view none = {nullptr, 0, 16, 16};
    d.norm(none, none, nullptr, 0.1f);
    d.rope(none, none, 16, LLM_ROPE_NEOX);
    d.act(none, none, none, LLM_ACT_SILU);
    d.gather(none, none, nullptr);
    d.ok();
}

TEST(CpuDevice, TheStopFlagSkipsWhatIsLeft) {
    Device d(llmk_cpu_backend(), LLM_CPU_ALL, 2);
    Floats x(6, 1.0f), out(6, 7.0f);
    d.stop_flag = 1;
    d.norm(view(out, 2, 3), view(x, 2, 3), nullptr, 0.1f);
    EXPECT_EQ(out, Floats(6, 7.0f));
    EXPECT_EQ(d.sync(), LLM_E_CANCELLED);
    d.stop_flag = 0;
    d.ok();
}

namespace {

llm_state_desc paged(int32_t n_heads, int32_t dim, llm_dtype dtype) {
    return {LLM_STATE_PAGED, 0, n_heads, dim, dim, dtype, 0};
}

} // namespace

TEST(CpuDevice, ImpossibleCachesAreRefused) {
    llm_state_desc narrow_values = paged(1, 32, LLM_DTYPE_F16);
    narrow_values.v_dim = 16;
    const struct {
        llm_state_desc desc;
        int32_t n_layers, page_tokens, n_pages;
        llm_status status;
    } cases[] = {
        {paged(INT32_MAX, 1 << 30, LLM_DTYPE_F32), 9, INT32_MAX, INT32_MAX, LLM_E_MEMORY},
        {paged(1, INT32_MAX, LLM_DTYPE_F32), 1, INT32_MAX, INT32_MAX, LLM_E_MEMORY},
        {paged(0, 32, LLM_DTYPE_F16), 1, 16, 1, LLM_E_ARGUMENT},
        {paged(1, 32, LLM_DTYPE_F16), 1, 0, 1, LLM_E_ARGUMENT},
        {paged(1, 32, LLM_DTYPE_F16), 1, 16, 0, LLM_E_ARGUMENT},
        {paged(1, 32, LLM_DTYPE_Q8_0), 1, 16, 1, LLM_E_UNSUPPORTED},
        {narrow_values, 1, 16, 1, LLM_E_UNSUPPORTED},
    };
    for (const llm_backend *backend : {llmk_cpu_backend(), llmk_ref_backend()})
        for (const auto &c : cases) {
            Device d(backend, LLM_CPU_ALL);
            Program p;
            p.states.assign((size_t)c.n_layers, c.desc);
            p.limits.page_tokens = c.page_tokens;
            size_t n_bytes = 1;
            llm_state *state = nullptr;
            EXPECT_EQ(d.device->ops->state_bytes(&n_bytes, d.device, p.sealed(), 0, c.n_pages), c.status);
            EXPECT_EQ(d.device->ops->state_create(&state, d.device, p.sealed(), 0, c.n_pages), c.status);
            EXPECT_EQ(state, nullptr);
            EXPECT_EQ(d.host.status, c.status);
        }
}

TEST(CpuDevice, EachRefusedAllocationLeavesNothingBehind) {
    llm_status status = LLM_E_MEMORY;
    int n = 0;
    for (; status != LLM_OK; n++) {
        Host host(LLM_CPU_ALL);
        host.refuse_at = n;
        llm_device *device = nullptr;
        llm_stream *stream = nullptr;
        llm_state *state = nullptr;
        void *memory = nullptr;
        Program p;
        p.states.assign(2, paged(2, 8, LLM_DTYPE_F16));
        p.limits.page_tokens = 16;
        llm_stream_options options{};
        options.program = p.sealed();
        status = llmk_cpu_backend()->open(&device, &host.host);
        if (status == LLM_OK) {
            status = device->ops->stream_create(&stream, device, &options);
            if (status == LLM_OK) status = device->ops->state_create(&state, device, options.program, 0, 4);
            if (status == LLM_OK) status = device->ops->mem_alloc(&memory, device, 1000);
            device->ops->mem_free(device, memory, 1000);
            device->ops->state_free(device, state);
            device->ops->stream_destroy(stream);
            device->ops->close(device);
        }
        ASSERT_TRUE(status == LLM_OK || (status == LLM_E_MEMORY && host.status == LLM_E_MEMORY)) << n;
        ASSERT_EQ(host.live_bytes, 0u) << n;
    }
    EXPECT_EQ(n, 6); // five allocations were refused
}
