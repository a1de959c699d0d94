// Data types: the table, the 16-bit floats, stored blocks against values computed elsewhere, and
// the error that quantizing makes.
#include "kernels/dtype.h"
#include "kernels/quant/half.h"
#include "shared_data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

std::vector<uint8_t> read_file(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return std::vector<uint8_t>(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// Copies of bytes that are aligned for any block.
std::vector<uint64_t> aligned(const uint8_t *bytes, size_t n) {
    std::vector<uint64_t> copy(n / 8 + 1);
    memcpy(copy.data(), bytes, n);
    return copy;
}

std::vector<const llmk_dtype *> all_types() {
    std::vector<const llmk_dtype *> types;
    for (int32_t i = 0; llmk_dtype_at(i); i++) types.push_back(llmk_dtype_at(i));
    return types;
}

const llmk_dtype *type_named(const std::string &name) {
    for (const llmk_dtype *t : all_types())
        if (name == t->name) return t;
    return nullptr;
}

std::vector<float> round_trip(const llmk_dtype *t, const std::vector<float> &x) {
    std::vector<uint64_t> bytes(x.size() / t->block_elems * t->block_bytes / 8 + 1);
    std::vector<float> y(x.size());
    t->quantize(bytes.data(), x.data(), (int64_t)x.size());
    t->dequantize(y.data(), bytes.data(), (int64_t)x.size());
    return y;
}

double rms(const std::vector<float> &a, const std::vector<float> &b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return std::sqrt(sum / (double)a.size());
}

void expect_values(const llmk_dtype *t, const uint8_t *bytes, size_t n_bytes, const std::vector<float> &expected) {
    ASSERT_EQ(n_bytes * t->block_elems, expected.size() * t->block_bytes) << t->name;
    std::vector<uint64_t> blocks = aligned(bytes, n_bytes);
    std::vector<float> got(expected.size());
    t->dequantize(got.data(), blocks.data(), (int64_t)got.size());
    for (size_t i = 0; i < got.size(); i++) {
        if (std::isnan(expected[i])) {
            EXPECT_TRUE(std::isnan(got[i])) << t->name << " element " << i;
        } else {
            ASSERT_EQ(got[i], expected[i]) << t->name << " element " << i;
        }
    }
}

} // namespace

TEST(Dtype, TableHoldsEachTypeOnceWithTheFormatsBlockSizes) {
    const struct {
        const char *name;
        llm_dtype dtype;
        int32_t elems, bytes;
    } expected[] = {
        {"F32", LLM_DTYPE_F32, 1, 4},       {"F16", LLM_DTYPE_F16, 1, 2},       {"BF16", LLM_DTYPE_BF16, 1, 2},
        {"Q8_0", LLM_DTYPE_Q8_0, 32, 34},   {"Q4_0", LLM_DTYPE_Q4_0, 32, 18},   {"Q4_1", LLM_DTYPE_Q4_1, 32, 20},
        {"Q5_0", LLM_DTYPE_Q5_0, 32, 22},   {"Q5_1", LLM_DTYPE_Q5_1, 32, 24},   {"Q2_K", LLM_DTYPE_Q2_K, 256, 84},
        {"Q3_K", LLM_DTYPE_Q3_K, 256, 110}, {"Q4_K", LLM_DTYPE_Q4_K, 256, 144}, {"Q5_K", LLM_DTYPE_Q5_K, 256, 176},
        {"Q6_K", LLM_DTYPE_Q6_K, 256, 210},
    };
    EXPECT_EQ(all_types().size(), std::size(expected));
    for (const auto &e : expected) {
        const llmk_dtype *t = llmk_dtype_get(e.dtype);
        ASSERT_NE(t, nullptr) << e.name;
        EXPECT_STREQ(t->name, e.name);
        EXPECT_EQ(t->dtype, e.dtype);
        EXPECT_EQ(t->block_elems, e.elems) << e.name;
        EXPECT_EQ(t->block_bytes, e.bytes) << e.name;
        EXPECT_EQ(type_named(e.name), t);
    }
}

TEST(Dtype, UnknownNumbersAndIndicesHaveNoEntry) {
    for (llm_dtype n : {-1, 4, 5, 9, 15, 31, 1000, std::numeric_limits<llm_dtype>::min()})
        EXPECT_EQ(llmk_dtype_get(n), nullptr) << n;
    EXPECT_EQ(llmk_dtype_at(-1), nullptr);
    EXPECT_EQ(llmk_dtype_at((int32_t)all_types().size()), nullptr);
}

TEST(Half, F16WidensToTheValueItsBitsDefine) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        int exponent = h >> 10 & 31, fraction = h & 0x3ff;
        float got = llmk_f16_to_f32((uint16_t)h);
        EXPECT_EQ(std::signbit(got), h >> 15 == 1) << h;
        if (exponent == 31 && fraction) {
            EXPECT_TRUE(std::isnan(got)) << h;
        } else {
            double magnitude = exponent == 31 ? INFINITY
                               : exponent     ? std::ldexp(1024 + fraction, exponent - 25)
                                              : std::ldexp(fraction, -24);
            ASSERT_EQ(std::fabs(got), magnitude) << h;
        }
    }
}

TEST(Half, F16NarrowsToTheNearestAndTiesToEven) {
    for (uint32_t h = 0; h < 0x7c00; h++) {
        float low = llmk_f16_to_f32((uint16_t)h);
        // above the largest finite number the next one would be 2^16
        float high = h == 0x7bff ? 65536.0f : llmk_f16_to_f32((uint16_t)(h + 1));
        float middle = (float)(((double)low + high) / 2);
        ASSERT_EQ(llmk_f32_to_f16(low), h);
        ASSERT_EQ(llmk_f32_to_f16(middle), h & 1 ? h + 1 : h);
        ASSERT_EQ(llmk_f32_to_f16(std::nextafter(middle, 0.0f)), h);
        ASSERT_EQ(llmk_f32_to_f16(std::nextafter(middle, INFINITY)), h + 1);
        ASSERT_EQ(llmk_f32_to_f16(-low), h | 0x8000);
        ASSERT_EQ(llmk_f32_to_f16(-std::nextafter(middle, INFINITY)), (h + 1) | 0x8000);
    }
    EXPECT_EQ(llmk_f32_to_f16(3e38f), 0x7c00);
    EXPECT_EQ(llmk_f32_to_f16(-INFINITY), 0xfc00);
    EXPECT_EQ(llmk_f32_to_f16(1e-40f), 0);
}

TEST(Half, Bf16NarrowsToTheNearestAndTiesToEven) {
    for (uint32_t h = 0; h < 0x7f80; h++) {
        uint32_t middle = h << 16 | 0x8000;
        ASSERT_EQ(llmk_f32_to_bf16(llmk_bf16_to_f32((uint16_t)h)), h);
        ASSERT_EQ(llmk_f32_to_bf16(llmk_f32_from_bits(middle)), h & 1 ? h + 1 : h);
        ASSERT_EQ(llmk_f32_to_bf16(llmk_f32_from_bits(middle - 1)), h);
        ASSERT_EQ(llmk_f32_to_bf16(llmk_f32_from_bits(middle + 1)), h + 1);
        ASSERT_EQ(llmk_f32_to_bf16(-llmk_f32_from_bits(middle + 1)), (h + 1) | 0x8000);
    }
}

TEST(Half, NanStaysNan) {
    for (uint32_t bits : {0x7f800001u, 0x7fc00000u, 0xff800001u, 0x7fffffffu, 0xffffffffu}) {
        float nan = llmk_f32_from_bits(bits);
        EXPECT_TRUE(std::isnan(llmk_f16_to_f32(llmk_f32_to_f16(nan)))) << bits;
        EXPECT_TRUE(std::isnan(llmk_bf16_to_f32(llmk_f32_to_bf16(nan)))) << bits;
    }
}

TEST(Dequantize, EqualsTheSharedVectors) {
    const std::string folder = LLM_SHARED_DATA "/quant-blocks/";
    NEEDS_SHARED(folder, "Dequantize.EqualsThePackageGgufForEveryType");
    for (const char *name : {"F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"}) {
        std::string stem = folder + name;
        std::vector<uint8_t> blocks = read_file(stem + ".blocks.bin"), values = read_file(stem + ".f32.bin");
        ASSERT_FALSE(blocks.empty()) << stem;
        std::vector<float> expected(values.size() / 4);
        memcpy(expected.data(), values.data(), expected.size() * 4);
        expect_values(type_named(name), blocks.data(), blocks.size(), expected);
    }
}

TEST(Dequantize, EqualsThePackageGgufForEveryType) {
    std::vector<uint8_t> file = read_file(LLM_SOURCE_DIR "/tests/kernels/quant_golden.bin");
    ASSERT_FALSE(file.empty());
    size_t at = 0, n_types = 0;
    while (at < file.size()) {
        ASSERT_LE(at + 16, file.size());
        uint32_t n_bytes, n_elems;
        std::string name((const char *)&file[at]);
        memcpy(&n_bytes, &file[at + 8], 4);
        memcpy(&n_elems, &file[at + 12], 4);
        at += 16;
        ASSERT_LE(at + n_bytes + 4 * (size_t)n_elems, file.size());
        const llmk_dtype *t = type_named(name);
        ASSERT_NE(t, nullptr) << name;
        std::vector<float> expected(n_elems);
        memcpy(expected.data(), &file[at + n_bytes], 4 * (size_t)n_elems);
        expect_values(t, &file[at], n_bytes, expected);
        at += n_bytes + 4 * (size_t)n_elems;
        n_types++;
    }
    EXPECT_EQ(n_types, all_types().size() - 1); // all but F32
}

TEST(Dequantize, PlainTypesNeedNoAlignment) {
    std::vector<float> x = {1.5f, -2.0f, 0.25f};
    for (const char *name : {"F32", "F16", "BF16"}) {
        const llmk_dtype *t = type_named(name);
        uint8_t bytes[16];
        float y[3];
        t->quantize(bytes + 1, x.data(), 3);
        t->dequantize(y, bytes + 1, 3);
        EXPECT_EQ(std::vector<float>(y, y + 3), x) << name;
    }
}

// The bounds are a few percent above what the quantizers reach; the RMS of the input is 1.
TEST(Quantize, ErrorOnGaussianNumbersStaysInItsBound) {
    const struct {
        const char *name;
        double rms_bound;
    } bounds[] = {
        {"F32", 0},       {"F16", 0.00022}, {"BF16", 0.0018}, {"Q8_0", 0.0056}, {"Q4_0", 0.084},
        {"Q4_1", 0.074},  {"Q5_0", 0.0415}, {"Q5_1", 0.036},  {"Q2_K", 0.272},  {"Q3_K", 0.149},
        {"Q4_K", 0.0732}, {"Q5_K", 0.036},  {"Q6_K", 0.0178},
    };
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<float> x(256 * 256);
    for (float &v : x) v = normal(random);
    EXPECT_EQ(std::size(bounds), all_types().size());
    for (const auto &b : bounds) {
        double error = rms(x, round_trip(type_named(b.name), x));
        EXPECT_LE(error, b.rms_bound) << b.name;
        RecordProperty(b.name, std::to_string(error));
    }
}

TEST(Quantize, OffsetTypesFollowNumbersFarFromZero) {
    std::mt19937 random(8);
    std::uniform_real_distribution<float> spread(0.0f, 0.1f);
    std::vector<float> x(32 * 64);
    for (float &v : x) v = 3.0f + spread(random);
    // 16 and 32 levels over a tenth, and the rounding of F16 near 3, which is 0.001
    EXPECT_LE(rms(x, round_trip(type_named("Q4_1"), x)), 0.0025);
    EXPECT_LE(rms(x, round_trip(type_named("Q5_1"), x)), 0.0018);
}

TEST(Quantize, ZerosStayZeroAndConstantsStayClose) {
    for (const llmk_dtype *t : all_types()) {
        for (float v : round_trip(t, std::vector<float>(512, 0.0f))) ASSERT_EQ(v, 0.0f) << t->name;
        for (float constant : {0.75f, -0.75f})
            for (float v : round_trip(t, std::vector<float>(512, constant)))
                ASSERT_NEAR(v, constant, 0.011f) << t->name;
    }
}

TEST(Quantize, ScaleOfTheInputDoesNotMatter) {
    std::mt19937 random(9);
    std::normal_distribution<float> normal;
    std::vector<float> x(2048), scaled(2048);
    for (float &v : x) v = normal(random);
    for (const llmk_dtype *t : all_types()) {
        double base = rms(x, round_trip(t, x));
        for (float factor : {0x1p-6f, 0x1p6f}) {
            for (size_t i = 0; i < x.size(); i++) scaled[i] = x[i] * factor;
            // the F16 factors of the smallest blocks lose a little to subnormal numbers
            EXPECT_LE(rms(scaled, round_trip(t, scaled)) / factor, base * 1.03 + 1e-12) << t->name << " " << factor;
        }
    }
}

TEST(Quantize, AnyInputGivesFiniteNumbers) {
    const float nasty[] = {NAN,      INFINITY, -INFINITY, 3.4e38f, -3.4e38f, 65504.0f, -65504.0f,
                           65520.0f, 1e-8f,    1e-20f,    1e-40f,  -1e-40f,  0.0f,     1.0f};
    std::mt19937 random(10);
    for (const llmk_dtype *t : all_types()) {
        if (t->block_elems == 1) continue;
        for (float one : nasty) {
            for (float v : round_trip(t, std::vector<float>(256, one))) ASSERT_TRUE(std::isfinite(v)) << t->name << one;
            std::vector<float> x(256, 0.5f);
            x[17] = one;
            for (float v : round_trip(t, x)) ASSERT_TRUE(std::isfinite(v)) << t->name << one;
        }
        std::vector<float> mixed(256 * 64);
        for (float &v : mixed) v = nasty[random() % std::size(nasty)];
        for (float v : round_trip(t, mixed)) ASSERT_TRUE(std::isfinite(v)) << t->name;
    }
}

TEST(Quantize, OneNanSpoilsNobodyElse) {
    std::mt19937 random(11);
    std::normal_distribution<float> normal;
    std::vector<float> x(512);
    for (float &v : x) v = normal(random);
    std::vector<float> with_nan = x, with_zero = x;
    with_nan[5] = NAN;
    with_zero[5] = 0.0f;
    for (const llmk_dtype *t : all_types()) {
        if (t->block_elems == 1) continue;
        EXPECT_EQ(round_trip(t, with_nan), round_trip(t, with_zero)) << t->name;
    }
}

TEST(Quantize, BlocksDoNotInfluenceEachOther) {
    std::mt19937 random(12);
    std::normal_distribution<float> normal;
    std::vector<float> x(1024);
    for (float &v : x) v = normal(random);
    for (const llmk_dtype *t : all_types()) {
        std::vector<float> whole = round_trip(t, x);
        std::vector<float> half = round_trip(t, std::vector<float>(x.begin() + 512, x.end()));
        EXPECT_EQ(std::vector<float>(whole.begin() + 512, whole.end()), half) << t->name;
    }
}
