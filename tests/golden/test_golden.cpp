/* Every golden model from each of its files, through the public calls, on each back end that can be used here. */
#include <llm/llm.h>

#include "golden/golden.h"

#include <memory>

namespace {

template <class T> using Owner = std::unique_ptr<T, void (*)(T *)>;

struct Device {
    const char *name, *backend;
    int32_t cpu_mask;
    const char *words; /* that describe the instruction sets; NULL: whatever this processor has */
};

const Device devices[] = {
    {"reference", "reference", LLM_CPU_ALL, nullptr},
    {"cpu", "cpu", LLM_CPU_ALL, nullptr},
#if defined(__aarch64__)
    {"cpu_dotprod", "cpu", LLM_CPU_NEON | LLM_CPU_DOTPROD, "NEON with DOTPROD"},
    {"cpu_neon", "cpu", LLM_CPU_NEON, "NEON"},
#else
    {"cpu_avx512_vnni", "cpu", LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI, "AVX-512 with VNNI"},
    {"cpu_avx512", "cpu", LLM_CPU_AVX2 | LLM_CPU_AVX512, "AVX-512"},
    {"cpu_avx2", "cpu", LLM_CPU_AVX2, "AVX2"},
#endif
    {"cpu_portable", "cpu", LLM_CPU_REFERENCE, "portable C"},
    {"checked_cpu", "checked-cpu", LLM_CPU_ALL, nullptr}, /* each operation beside the reference's */
    {"openblas", "openblas", LLM_CPU_ALL, nullptr},
};

struct Case {
    golden::File file;
    Device device;
};

void PrintTo(const Case &c, std::ostream *out) {
    *out << c.file.path << " on " << c.device.name;
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const golden::File &file : golden::files())
        for (const Device &device : devices) all.push_back({file, device});
    return all;
}

/* Why a device cannot be tested here; "" if it can. */
std::string reason(const llm_runtime *rt, const Device &device) {
    for (int32_t i = 0; i < llm_runtime_device_count(rt); i++) {
        llm_device_info info = {};
        info.struct_size = sizeof info;
        if (llm_runtime_device_get(&info, rt, i) != LLM_OK) continue;
        if (device.backend != std::string(info.name) && device.backend != std::string("checked-") + info.name) continue;
        if (!info.usable) return info.reason;
        bool others = device.words && std::string(device.words) != info.description;
        return others ? std::string("this processor has no ") + device.words : "";
    }
    return "it is not listed";
}

/* What may lie between a back end and transformers by what is rounded, as llm_model_options.activation_dtype promises.
 * 0: nothing is rounded below F32. */
double relative_bound(const Case &c, int32_t n_layers, int32_t activation_dtype, int32_t kv_dtype) {
    bool exact = std::string(c.device.backend) == "reference" || activation_dtype == LLM_DTYPE_F32;
    double product = exact                                                                  ? 0
                     : c.file.storage == golden::QUANTIZED                                  ? rounding::to_int8()
                     : c.file.storage == golden::BF16 && activation_dtype == LLM_DTYPE_BF16 ? rounding::to_bits(9)
                                                                                            : 0;
    return rounding::of_logits(n_layers, product, kv_dtype == LLM_DTYPE_F16 ? rounding::to_bits(11) : 0);
}

class Golden : public ::testing::TestWithParam<Case> {
  protected:
    void SetUp() override {
        llm_runtime_options options;
        llm_runtime_options_init(&options);
        options.cpu_mask = GetParam().device.cpu_mask;
        options.n_threads = 2;
        llm_runtime *made = nullptr;
        ASSERT_EQ(LLM_OK, llm_runtime_create(&made, &options)) << llm_last_error();
        rt.reset(made);
        std::string why = reason(made, GetParam().device);
        if (!why.empty()) GTEST_SKIP() << why;
        ASSERT_TRUE(expected.complete) << GetParam().file.expected;
    }

    void open(int32_t pack_weights = 1, int32_t activation_dtype = LLM_DTYPE_AUTO) {
        llm_model_options options;
        llm_model_options_init(&options);
        options.backend = GetParam().device.backend;
        options.pack_weights = pack_weights;
        options.activation_dtype = activation_dtype;
        llm_model *loaded = nullptr;
        ASSERT_EQ(LLM_OK, llm_model_load(&loaded, rt.get(), GetParam().file.path.c_str(), &options))
            << llm_last_error();
        model.reset(loaded);
        info.struct_size = sizeof info;
        ASSERT_EQ(LLM_OK, llm_model_get_info(&info, loaded)) << llm_last_error();
    }

    /* Logits after each of the golden tokens. */
    void eval(std::vector<float> *out, int32_t kv_dtype) {
        llm_engine_options options;
        llm_engine_options_init(&options);
        options.n_ctx = 64;
        options.kv_dtype = kv_dtype;
        llm_engine *e = nullptr;
        ASSERT_EQ(LLM_OK, llm_engine_create(&e, model.get(), &options)) << llm_last_error();
        Owner<llm_engine> engine(e, llm_engine_destroy);
        llm_sequence *s = nullptr;
        ASSERT_EQ(LLM_OK, llm_sequence_create(&s, e)) << llm_last_error();
        Owner<llm_sequence> sequence(s, llm_sequence_destroy);
        size_t n = expected.tokens.size();
        out->resize(n * (size_t)info.n_vocab);
        ASSERT_EQ(expected.logits.size(), out->size());
        ASSERT_EQ(LLM_OK, llm_sequence_eval(s, expected.tokens.data(), n, out->data(), n)) << llm_last_error();
    }

    const golden::Expected expected{GetParam().file.expected};
    Owner<llm_runtime> rt{nullptr, llm_runtime_unref};
    Owner<llm_model> model{nullptr, llm_model_unref};
    llm_model_info info = {};
};

/* Quantized models are also those of their dequantized weights, which is what transformers computed with. */
TEST_P(Golden, ComputesWhatTransformersDoes) {
    for (int32_t activation_dtype : {LLM_DTYPE_AUTO, LLM_DTYPE_F32, LLM_DTYPE_BF16}) {
        ASSERT_NO_FATAL_FAILURE(open(1, activation_dtype));
        for (int32_t kv_dtype : {LLM_DTYPE_F32, LLM_DTYPE_F16}) {
            SCOPED_TRACE("activations " + std::to_string(activation_dtype) + ", cache " + std::to_string(kv_dtype));
            std::vector<float> logits;
            ASSERT_NO_FATAL_FAILURE(eval(&logits, kv_dtype));
            double bound = relative_bound(GetParam(), info.n_layers, activation_dtype, kv_dtype);
            double gap = bound > 0 ? rounding::relative_gap(logits, expected.logits)
                                   : golden::largest_gap(logits.data(), expected.logits.data(), logits.size());
            if (bound == 0) bound = 1e-4;
            RecordProperty("used_of_bound_" + std::to_string(activation_dtype + 1) + "_" + std::to_string(kv_dtype),
                           std::to_string(gap / bound));
            EXPECT_LT(gap, bound);
        }
    }
}

TEST_P(Golden, ComputesTheSameFromTheFilesOwnBytes) {
    for (int32_t activation_dtype : {LLM_DTYPE_AUTO, LLM_DTYPE_F32, LLM_DTYPE_BF16}) {
        std::vector<float> packed, in_place;
        ASSERT_NO_FATAL_FAILURE(open(1, activation_dtype));
        ASSERT_NO_FATAL_FAILURE(eval(&packed, LLM_DTYPE_F32));
        ASSERT_NO_FATAL_FAILURE(open(0, activation_dtype));
        ASSERT_NO_FATAL_FAILURE(eval(&in_place, LLM_DTYPE_F32));
        EXPECT_EQ(packed, in_place) << "activations " << activation_dtype;
    }
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, ::testing::ValuesIn(cases()),
                         [](const auto &row) { return row.param.file.name + "_on_" + row.param.device.name; });

} // namespace
