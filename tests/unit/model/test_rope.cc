#include <gtest/gtest.h>

#include <cmath>
#include <vector>

extern "C" {
#include "model/rope.h"
}

namespace {

struct RopeCase {
    const char *name;
    int32_t n_rot;
    float base;
    int32_t scaling;
    float factor, low, high, beta_fast, beta_slow, mscale, mscale_all, attn;
    int32_t ctx_original;
    float attention_factor;
    std::vector<float> inv_freq;
};

#include "unit/model/rope_values.h"

llmi_rope_hparams hparams_of(const RopeCase &c) {
    llmi_rope_hparams hp = {};
    hp.n_rot = c.n_rot;
    hp.base = c.base;
    hp.scaling = c.scaling;
    hp.factor = c.factor;
    hp.low = c.low;
    hp.high = c.high;
    hp.beta_fast = c.beta_fast;
    hp.beta_slow = c.beta_slow;
    hp.mscale = c.mscale;
    hp.mscale_all = c.mscale_all;
    hp.attn = c.attn;
    hp.ctx_original = c.ctx_original;
    return hp;
}

class Rope : public ::testing::TestWithParam<RopeCase> {};

/* Two units in the last place: torch's own power function is no better. */
TEST_P(Rope, EqualsTransformers) {
    const RopeCase &c = GetParam();
    llmi_rope_hparams hp = hparams_of(c);
    std::vector<float> got((size_t)c.n_rot / 2);
    float scale = 0;
    ASSERT_EQ(got.size(), c.inv_freq.size());
    llmi_rope_frequencies(got.data(), &scale, &hp, nullptr, false);
    EXPECT_NEAR(c.attention_factor, scale, 1e-7f * c.attention_factor);
    for (size_t i = 0; i < got.size(); i++)
        EXPECT_NEAR(c.inv_freq[i], got[i], 2.4e-7f * c.inv_freq[i]) << "frequency " << i;
}

INSTANTIATE_TEST_SUITE_P(Values, Rope, ::testing::ValuesIn(rope_cases),
                         [](const auto &row) { return std::string(row.param.name); });

TEST(RopeFactors, DivideEachFrequency) {
    llmi_rope_hparams hp = {};
    hp.n_rot = 8;
    hp.base = 100;
    const float factors[4] = {1, 2, 4, 8};
    float plain[4], divided[4], scale;
    llmi_rope_frequencies(plain, &scale, &hp, nullptr, true);
    llmi_rope_frequencies(divided, &scale, &hp, factors, true);
    for (int i = 0; i < 4; i++) EXPECT_FLOAT_EQ(plain[i] / factors[i], divided[i]);
    EXPECT_EQ(1, scale);
}

/* In GGUF the attention factor multiplies what yarn computes; in config.json it replaces it. */
TEST(RopeFactors, AttentionFactorMeansTwoThings) {
    llmi_rope_hparams hp = {};
    hp.n_rot = 8;
    hp.base = 10000;
    hp.scaling = LLMI_ROPE_SCALING_YARN;
    hp.factor = 4;
    hp.beta_fast = 32;
    hp.beta_slow = 1;
    hp.ctx_original = 1024;
    hp.attn = 0.5f;
    float freq[4], scale;
    llmi_rope_frequencies(freq, &scale, &hp, nullptr, false);
    EXPECT_FLOAT_EQ(0.5f, scale);
    llmi_rope_frequencies(freq, &scale, &hp, nullptr, true);
    EXPECT_FLOAT_EQ(0.5f * (0.1f * std::log(4.0f) + 1), scale);
}

} // namespace
