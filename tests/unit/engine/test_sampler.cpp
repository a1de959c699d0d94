#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "base/philox.h"
#include "engine/sampler/logits.h"
#include "engine/sampler/portable_math.h"
#include "engine/sampler/sampler.h"
}

namespace {

const float inf = std::numeric_limits<float>::infinity();
const float nan_f = std::numeric_limits<float>::quiet_NaN();

llmi_sampler_options neutral() {
    llmi_sampler_options how = {};
    how.temperature = 1;
    how.top_p = how.typical_p = how.repetition_penalty = 1;
    how.penalty_window = 64;
    return how;
}

/* An allocator that fails from some allocation on, and counts. */
struct Counting {
    int n = 0, alive = 0, fail_from = 1 << 30;
    size_t n_bytes = 0;
    llm_allocator allocator{this, alloc, release};
    static void *alloc(void *user, size_t n_bytes, size_t alignment) {
        auto *c = static_cast<Counting *>(user);
        if (c->n++ >= c->fail_from) return nullptr;
        c->alive++;
        c->n_bytes += n_bytes;
        return llmi_default_allocator.alloc(nullptr, n_bytes, alignment);
    }
    static void release(void *user, void *ptr, size_t n_bytes) {
        static_cast<Counting *>(user)->alive--;
        llmi_default_allocator.free(nullptr, ptr, n_bytes);
    }
};

class Sampler {
  public:
    explicit Sampler(int n_vocab) {
        EXPECT_EQ(LLM_OK, llmi_sampler_create(&s, &counting.allocator, n_vocab)) << llm_last_error();
    }
    ~Sampler() {
        llmi_sampler_destroy(s);
        EXPECT_EQ(1, counting.n) << "allocations after creation";
        EXPECT_EQ(0, counting.alive);
    }
    int draw(const llmi_sampler_options &how, const std::vector<float> &logits,
             const std::vector<llm_token> &history = {}, int index = 0, const llmi_sampler_mask *mask = nullptr) {
        std::vector<float> before = logits;
        llm_token token = -7;
        status = llmi_sampler_draw(&token, s, &how, mask, logits.data(), history.data(), history.size(), index);
        EXPECT_EQ(0, memcmp(before.data(), logits.data(), logits.size() * sizeof(float)));
        if (status != LLM_OK) {
            EXPECT_EQ(LLM_TOKEN_NONE, token);
        }
        return token;
    }
    Counting counting;
    llmi_sampler *s = nullptr;
    llm_status status = LLM_OK;
};

/* ---- the definition, in double precision and with full sorts ---- */

struct Candidate {
    int id;
    double logit, p;
};

void normalise(std::vector<Candidate> &c) {
    double total = 0;
    for (auto &t : c) total += t.p;
    for (auto &t : c) t.p /= total;
}

/* The smallest head whose probability reaches p. */
void cut(std::vector<Candidate> &c, double p) {
    double sum = 0;
    size_t n = 0;
    while (n < c.size() && sum < p) sum += c[n++].p;
    c.resize(n);
    normalise(c);
}

std::vector<double> penalised(const llmi_sampler_options &how, const std::vector<float> &logits,
                              const std::vector<llm_token> &history) {
    std::vector<double> x(logits.begin(), logits.end());
    for (size_t i = 0; i < how.n_bias; i++) x[(size_t)how.bias[i].token] += how.bias[i].bias;
    size_t window = how.penalty_window < 0 ? history.size() : std::min(history.size(), (size_t)how.penalty_window);
    for (size_t id = 0; id < x.size(); id++) {
        double n = (double)std::count(history.end() - (long)window, history.end(), (llm_token)id);
        if (n == 0) continue;
        x[id] = x[id] > 0 ? x[id] / how.repetition_penalty : x[id] * how.repetition_penalty;
        x[id] -= how.presence_penalty + n * how.frequency_penalty;
        x[id] = std::max(x[id], -(double)std::numeric_limits<float>::max());
    }
    return x;
}

/* slack moves every limit a little. */
std::vector<Candidate> distribution(const llmi_sampler_options &how, const std::vector<double> &x, double slack) {
    std::vector<Candidate> c;
    double top = *std::max_element(x.begin(), x.end());
    for (size_t i = 0; i < x.size(); i++) c.push_back({(int)i, x[i], std::exp((x[i] - top) / (double)how.temperature)});
    auto by_logit = [](const Candidate &a, const Candidate &b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    std::sort(c.begin(), c.end(), by_logit);
    if (how.top_k > 0 && (size_t)how.top_k < c.size()) c.resize((size_t)how.top_k);
    normalise(c);
    if (how.typical_p < 1) {
        /* -log p - entropy is mean - d, where d = (logit - top) / temperature */
        double mean = 0;
        auto d = [&](const Candidate &t) { return (t.logit - top) / (double)how.temperature; };
        for (auto &t : c)
            if (t.p > 0) mean += t.p * d(t);
        std::sort(c.begin(), c.end(), [&](const Candidate &a, const Candidate &b) {
            double u = std::fabs(mean - d(a)), v = std::fabs(mean - d(b));
            return u != v ? u < v : a.id < b.id;
        });
        cut(c, how.typical_p + slack);
        std::sort(c.begin(), c.end(), by_logit);
    }
    if (how.top_p < 1) cut(c, how.top_p + slack);
    if (how.min_p > 0) {
        double least = how.min_p * (c[0].p + slack);
        c.erase(std::remove_if(c.begin(), c.end(), [&](const Candidate &t) { return t.p < least; }), c.end());
        normalise(c);
    }
    std::sort(c.begin(), c.end(), [](const Candidate &a, const Candidate &b) { return a.id < b.id; });
    return c;
}

int at(const std::vector<Candidate> &c, double u) {
    double sum = 0;
    int last = -1;
    for (auto &t : c) {
        if (t.p <= 0) continue;
        sum += t.p;
        last = t.id;
        if (sum > u) break;
    }
    return last;
}

/* What may come out when every limit is known to about 1e-6. */
std::set<int> expected(const llmi_sampler_options &how, const std::vector<float> &logits,
                       const std::vector<llm_token> &history, int index) {
    std::vector<double> x = penalised(how, logits, history);
    if (how.temperature == 0) return {(int)(std::max_element(x.begin(), x.end()) - x.begin())};
    double u = llmi_philox_uniform(how.seed, history.size(), (uint32_t)index);
    std::set<int> out;
    for (double slack : {-3e-6, 0.0, 3e-6}) {
        auto c = distribution(how, x, slack);
        for (double du : {-3e-6, 0.0, 3e-6}) out.insert(at(c, u + du));
    }
    return out;
}

/* ---- logits of many shapes ---- */

struct Shape {
    const char *name;
    std::function<std::vector<float>(int n, std::mt19937 &rng)> make;
};

std::vector<float> normal(int n, std::mt19937 &rng, float spread) {
    std::normal_distribution<float> d(0, spread);
    std::vector<float> x((size_t)n);
    for (float &v : x) v = d(rng);
    return x;
}

const Shape shapes[] = {{"normal", [](int n, std::mt19937 &rng) { return normal(n, rng, 3); }},
                        {"flat", [](int n, std::mt19937 &rng) { return normal(n, rng, 0.01f); }},
                        {"equal", [](int n, std::mt19937 &) { return std::vector<float>((size_t)n, 1.5f); }},
                        {"peaked",
                         [](int n, std::mt19937 &rng) {
                             auto x = normal(n, rng, 1);
                             x[rng() % x.size()] = 20;
                             return x;
                         }},
                        {"tied",
                         [](int n, std::mt19937 &rng) {
                             auto x = normal(n, rng, 2);
                             for (float &v : x) v = std::round(v);
                             return x;
                         }},
                        {"zeros of both signs",
                         [](int n, std::mt19937 &rng) {
                             std::vector<float> x((size_t)n);
                             for (float &v : x) v = rng() % 2 ? 0.0f : -0.0f;
                             return x;
                         }},
                        {"mostly banned",
                         [](int n, std::mt19937 &rng) {
                             auto x = normal(n, rng, 3);
                             for (float &v : x)
                                 if (rng() % 8) v = -inf;
                             x[rng() % x.size()] = 1;
                             return x;
                         }},
                        {"huge",
                         [](int n, std::mt19937 &rng) {
                             auto x = normal(n, rng, 1e30f);
                             x[rng() % x.size()] = -3.4e38f;
                             return x;
                         }},
                        {"tiny", [](int n, std::mt19937 &rng) { return normal(n, rng, 1e-30f); }},
                        {"geometric", [](int n, std::mt19937 &) {
                             std::vector<float> x((size_t)n);
                             for (int i = 0; i < n; i++) x[(size_t)i] = -0.05f * (float)i;
                             return x;
                         }}};

llmi_sampler_options random_setting(std::mt19937 &rng, int n_vocab) {
    llmi_sampler_options how = neutral();
    const float temperatures[] = {0, 0.1f, 0.7f, 1, 1, 2.5f};
    const float ps[] = {1, 1, 1, 0.05f, 0.5f, 0.9f, 0.99f};
    const float min_ps[] = {0, 0, 0, 0.05f, 0.5f, 1};
    const int ks[] = {0, 0, 1, 2, 7, 40, n_vocab / 2, n_vocab, n_vocab + 5};
    how.temperature = temperatures[rng() % 6];
    how.top_p = ps[rng() % 7];
    how.typical_p = ps[rng() % 7];
    how.min_p = min_ps[rng() % 6];
    how.top_k = ks[rng() % 9];
    if (rng() % 3 == 0) how.repetition_penalty = 1.3f;
    if (rng() % 3 == 0) how.presence_penalty = 0.4f;
    if (rng() % 3 == 0) how.frequency_penalty = 0.2f;
    how.penalty_window = (int)(rng() % 20) - 1;
    how.seed = (uint64_t)rng() << 32 | rng();
    return how;
}

TEST(Sampler, AgreesWithTheDefinitionOnEveryShape) {
    std::mt19937 rng(1);
    int n_sharp = 0, n_all = 0;
    for (int n_vocab : {1, 3, 63, 64, 65, 500, 3000}) {
        Sampler sampler(n_vocab);
        for (const Shape &shape : shapes) {
            for (int round = 0; round < (n_vocab > 1000 ? 40 : 150); round++) {
                auto logits = shape.make(n_vocab, rng);
                llmi_sampler_options how = random_setting(rng, n_vocab);
                std::vector<llm_token> history(rng() % 30);
                for (auto &t : history) t = (int)(rng() % (unsigned)n_vocab);
                std::vector<llm_logit_bias> bias(rng() % 3);
                for (auto &b : bias) b = {(int)(rng() % (unsigned)n_vocab), (float)(rng() % 7) - 3};
                how.bias = bias.data();
                how.n_bias = bias.size();
                int index = (int)(rng() % 4);
                auto want = expected(how, logits, history, index);
                int got = sampler.draw(how, logits, history, index);
                ASSERT_EQ(LLM_OK, sampler.status) << llm_last_error();
                ASSERT_TRUE(want.count(got))
                    << shape.name << ", " << n_vocab << " tokens, round " << round << ": " << got << ", expected "
                    << *want.begin() << " of " << want.size() << "; temperature " << how.temperature << " k "
                    << how.top_k << " p " << how.top_p << " typical " << how.typical_p << " min " << how.min_p;
                n_sharp += want.size() == 1;
                n_all++;
            }
        }
    }
    EXPECT_GT(n_sharp, n_all * 80 / 100); /* others: limits that fall on a sum exactly */
}

TEST(Sampler, AgreesWithTheDefinitionOnALargeVocabulary) {
    std::mt19937 rng(2);
    const int n_vocab = 150001;
    Sampler sampler(n_vocab);
    for (int at : {0, 1, 4, 9}) {
        const Shape &shape = shapes[at];
        auto logits = shape.make(n_vocab, rng);
        for (auto [k, p, typical, min] : {std::tuple{0, 0.95f, 1.0f, 0.0f},
                                          {50, 1.0f, 1.0f, 0.0f},
                                          {9000, 0.5f, 1.0f, 0.0f},
                                          {0, 1.0f, 0.9f, 0.0f},
                                          {0, 1.0f, 1.0f, 0.02f}}) {
            llmi_sampler_options how = neutral();
            how.top_k = k, how.top_p = p, how.typical_p = typical, how.min_p = min, how.seed = rng();
            auto want = expected(how, logits, {}, 0);
            EXPECT_TRUE(want.count(sampler.draw(how, logits))) << shape.name << " " << k << " " << p << " " << typical;
        }
    }
}

/* ---- frequencies ---- */

/* Draws at many positions against the probabilities of the definition. */
void expect_frequencies(const llmi_sampler_options &how, const std::vector<float> &logits) {
    const size_t n_draws = 40000;
    Sampler sampler((int)logits.size());
    std::vector<llm_token> history(n_draws, 0);
    std::vector<double> counts(logits.size()), p(logits.size());
    for (auto &c : distribution(how, penalised(how, logits, {}), 0)) p[(size_t)c.id] = c.p;
    for (size_t i = 0; i < n_draws; i++) {
        llm_token token;
        ASSERT_EQ(LLM_OK, llmi_sampler_draw(&token, sampler.s, &how, nullptr, logits.data(), history.data(), i, 3));
        counts[(size_t)token]++;
    }
    double chi2 = 0, freedom = -1;
    for (size_t i = 0; i < p.size(); i++) {
        if (p[i] == 0) {
            EXPECT_EQ(0, counts[i]) << i;
            continue;
        }
        double want = p[i] * n_draws;
        chi2 += (counts[i] - want) * (counts[i] - want) / want;
        freedom++;
    }
    EXPECT_LT(chi2, freedom + 5 * std::sqrt(2 * freedom));
    EXPECT_GT(chi2, freedom - 5 * std::sqrt(2 * freedom));
}

TEST(Sampler, FrequenciesAreTheProbabilities) {
    std::mt19937 rng(3);
    auto logits = normal(200, rng, 0.5f);
    llmi_sampler_options how = neutral();
    how.seed = 12345;
    expect_frequencies(how, logits);
    how.temperature = 0.5f;
    how.top_p = 0.7f;
    expect_frequencies(how, logits);
    how.top_k = 20;
    how.min_p = 0.4f;
    expect_frequencies(how, logits);
}

/* ---- determinism ---- */

/* Logits made of integers alone, so that they are the same everywhere. */
std::vector<float> exact_logits(int n) {
    std::vector<float> x((size_t)n);
    for (int i = 0; i < n; i++) {
        uint32_t h = (uint32_t)i * 2654435761u;
        h ^= h >> 15;
        x[(size_t)i] = (float)(int32_t)(h * 2246822519u >> 12) / 65536.0f - 8;
    }
    return x;
}

TEST(Sampler, TokensAreTheSameOnEveryMachine) {
    auto logits = exact_logits(5000);
    Sampler sampler(5000);
    std::vector<llm_token> history;
    uint64_t hash = 1469598103934665603u;
    for (int i = 0; i < 400; i++) {
        llmi_sampler_options how = neutral();
        how.temperature = 0.5f + 0.01f * (float)(i % 100);
        how.seed = (uint64_t)i << 40 | 99;
        if (i % 4 == 1) how.top_p = 0.9f;
        if (i % 4 == 2) how.typical_p = 0.8f;
        if (i % 4 == 3) how.top_k = 100, how.min_p = 0.01f, how.repetition_penalty = 1.2f;
        int token = sampler.draw(how, logits, history, i % 3);
        history.push_back(token);
        hash = (hash ^ (uint64_t)token) * 1099511628211u;
    }
    EXPECT_EQ(7658671909901263635u, hash);
}

TEST(Sampler, DrawDependsOnSeedIndexAndPositionOnly) {
    std::mt19937 rng(5);
    auto logits = normal(1000, rng, 0.1f);
    llmi_sampler_options how = neutral();
    Sampler a(1000), b(1000);
    b.draw(how, normal(1000, rng, 1));
    std::vector<llm_token> history(10, 3), other(10, 4);
    EXPECT_EQ(a.draw(how, logits, history, 1), b.draw(how, logits, other, 1));
    std::set<int> differing;
    for (int i = 0; i < 20; i++) differing.insert(a.draw(how, logits, history, i));
    for (size_t i = 0; i < 20; i++) differing.insert(a.draw(how, logits, std::vector<llm_token>(20 + i), 0));
    for (int bit = 0; bit < 64; bit++) {
        how.seed = (uint64_t)1 << bit;
        differing.insert(a.draw(how, logits, history, 0));
    }
    EXPECT_GT(differing.size(), 90u);
}

TEST(Philox, KnownAnswers) { /* Random123's kat_vectors, philox4x32 10 */
    const struct {
        uint32_t counter[4], key[2], out[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (auto &row : rows) {
        uint32_t out[4];
        llmi_philox(out, row.counter, row.key);
        for (int i = 0; i < 4; i++) EXPECT_EQ(row.out[i], out[i]);
    }
    EXPECT_EQ((double)((uint64_t)0xe169c58d6627e8d5u >> 11) / 9007199254740992.0, llmi_philox_uniform(0, 0, 0));
}

TEST(Exact, FunctionsAreCloseToTheTrueOnes) {
    double worst_exp = 0, worst_log = 0;
    for (int i = 0; i <= 126 * 997; i++) {
        float x = -(float)i / 997.0f, got = llmi_portable_exp2(llmi_vf_all(x))[0];
        if (x < -125.9f) continue;
        worst_exp = std::max(worst_exp, std::fabs(got / std::exp2((double)x) - 1));
    }
    for (int i = 1; i < 100000; i++) {
        double x = i < 50000 ? i / 20000.0 : std::exp2((i - 75000) / 50.0);
        worst_log = std::max(worst_log, std::fabs(llmi_portable_log(x) - std::log(x)) / (std::fabs(std::log(x)) + 0.1));
    }
    EXPECT_LT(worst_exp, 2.5e-7);
    EXPECT_LT(worst_log, 1e-15);
    EXPECT_EQ(1.0f, llmi_portable_exp2(llmi_vf_all(0.0f))[0]);
    EXPECT_EQ(1.0f, llmi_portable_exp2(llmi_vf_all(-0.0f))[0]);
    for (float x : {-126.1f, -1e9f, -3e38f, -inf}) EXPECT_EQ(0.0f, llmi_portable_exp2(llmi_vf_all(x))[0]);
}

/* Everything that the passes of one instruction set find in some logits, as bytes. */
std::vector<unsigned char> all_passes(const llmi_logits_kernels *p, std::vector<float> logits) {
    const int n_blocks = (int)(logits.size() / LLMI_BLOCK);
    std::vector<unsigned char> out;
    auto add = [&](const void *data, size_t n) {
        out.insert(out.end(), (const unsigned char *)data, (const unsigned char *)data + n);
    };
    auto add_floats = [&](const std::vector<float> &v) { add(v.data(), v.size() * sizeof(float)); };
    std::vector<float> x(logits.size()), w = x, rank = x, tops((size_t)n_blocks), sums = tops;
    out.push_back(p->scan(x.data(), tops.data(), logits.data(), n_blocks));
    const float top = *std::max_element(tops.begin(), tops.end()), scale = 1.7f;
    for (float &t : tops) t += 0.0f; /* either zero may be called the largest */
    p->weigh(w.data(), sums.data(), x.data(), n_blocks, top, scale);
    double mean = p->mean(w.data(), x.data(), n_blocks, top, scale);
    p->nearness(rank.data(), x.data(), n_blocks, top, scale, mean / 1e3);
    for (auto *v : {&x, &w, &rank, &tops, &sums}) add_floats(*v);
    for (auto *r : {&x, &rank, &w}) {
        float least, most;
        p->measure(&least, &most, r->data(), w.data(), n_blocks);
        const float from[LLMI_TALLIES] = {least, (least + most) / 2, -0.0f, most};
        double weight[LLMI_TALLIES];
        std::vector<int32_t> index(x.size());
        p->tally(weight, r->data(), w.data(), n_blocks, from);
        index.resize((size_t)p->select(index.data(), r->data(), n_blocks, from[1], most));
        p->sum(sums.data(), r->data(), w.data(), n_blocks, from[1], most);
        std::vector<float> kept = w, kept_sums = sums;
        p->keep(kept.data(), kept_sums.data(), r->data(), n_blocks, from[1]);
        add(weight, sizeof weight);
        add(index.data(), index.size() * sizeof index[0]);
        for (auto *v : {&sums, &kept, &kept_sums}) add_floats(*v);
    }
    add(&mean, sizeof mean);
    return out;
}

TEST(Passes, EveryInstructionSetGivesTheSameBits) {
    std::mt19937 rng(11);
    const llmi_logits_kernels *const *list = llmi_logits_list();
    for (int n_blocks : {1, 2, 3, 5, 64, 2344}) {
        for (const Shape &shape : shapes) {
            auto logits = shape.make(n_blocks * LLMI_BLOCK, rng);
            auto want = all_passes(list[0], logits);
            for (int i = 1; list[i]; i++)
                EXPECT_EQ(want, all_passes(list[i], logits)) << shape.name << ", " << list[i]->name;
        }
    }
    std::vector<float> logits((size_t)LLMI_BLOCK * 3, 1.0f), x = logits, tops(3);
    for (int i = 0; list[i]; i++) {
        for (size_t at : {0u, 17u, 127u, 128u, 191u}) {
            logits[at] = nan_f;
            EXPECT_TRUE(list[i]->scan(x.data(), tops.data(), logits.data(), 3)) << list[i]->name;
            logits[at] = 1;
        }
        EXPECT_FALSE(list[i]->scan(x.data(), tops.data(), logits.data(), 3)) << list[i]->name;
    }
}

/* ---- single stages ---- */

TEST(Sampler, GreedyTakesTheLowestOfEqualLogits) {
    Sampler s(200);
    std::vector<float> logits(200, -1.0f);
    logits[150] = logits[70] = logits[71] = 2;
    llmi_sampler_options how = neutral();
    how.temperature = 0;
    EXPECT_EQ(70, s.draw(how, logits));
    llm_logit_bias bias[] = {{70, -inf}, {150, 0.5f}, {150, -0.5f}};
    how.bias = bias;
    how.n_bias = 3;
    EXPECT_EQ(71, s.draw(how, logits));
    how.repetition_penalty = 1.5f;
    EXPECT_EQ(150, s.draw(how, logits, {71}));
    EXPECT_EQ(71, s.draw(how, logits, {150}));
}

TEST(Sampler, PenaltiesReachBackAsFarAsTheWindow) {
    Sampler s(4);
    std::vector<float> logits = {4, 3.5f, 1, 0};
    llmi_sampler_options how = neutral();
    how.temperature = 0;
    how.presence_penalty = 1;
    how.penalty_window = 2;
    EXPECT_EQ(1, s.draw(how, logits, {0, 3}));
    EXPECT_EQ(0, s.draw(how, logits, {0, 3, 3}));
    how.penalty_window = -1;
    EXPECT_EQ(1, s.draw(how, logits, {0, 3, 3}));
    how.penalty_window = 0;
    EXPECT_EQ(0, s.draw(how, logits, {0, 0, 0}));
    how.penalty_window = 3;
    how.presence_penalty = 0;
    how.frequency_penalty = 0.3f;
    EXPECT_EQ(0, s.draw(how, logits, {0, 2, 2}));
    EXPECT_EQ(1, s.draw(how, logits, {0, 0, 2}));
}

struct Mask {
    std::set<int> allowed;
    std::vector<int> accepted;
    llm_status answer = LLM_OK, accept_answer = LLM_OK;
    uint64_t tail = 0;
    llmi_sampler_mask source{this, mask, accept};
    static llm_status mask(void *user, uint64_t *bits, int32_t n_vocab) {
        auto *m = static_cast<Mask *>(user);
        m->tail = bits[(n_vocab - 1) / 64];
        for (int i = 0; i < n_vocab; i++)
            if (!m->allowed.count(i)) bits[i / 64] &= ~((uint64_t)1 << i % 64);
        return m->answer;
    }
    static llm_status accept(void *user, llm_token token) {
        static_cast<Mask *>(user)->accepted.push_back(token);
        return static_cast<Mask *>(user)->accept_answer;
    }
};

TEST(Sampler, MaskForbidsAndIsTold) {
    Sampler s(130);
    std::vector<float> logits(130);
    for (int i = 0; i < 130; i++) logits[(size_t)i] = (float)i;
    Mask m;
    m.allowed = {3, 64, 65};
    llmi_sampler_options how = neutral();
    how.temperature = 0;
    EXPECT_EQ(65, s.draw(how, logits, {}, 0, &m.source));
    EXPECT_EQ(3u, m.tail);
    how.temperature = 100;
    std::set<int> seen;
    for (int i = 0; i < 200; i++) seen.insert(s.draw(how, logits, {}, i, &m.source));
    EXPECT_EQ(m.allowed, seen);
    EXPECT_EQ(201u, m.accepted.size());

    m.allowed = {};
    s.draw(how, logits, {}, 0, &m.source);
    EXPECT_EQ(LLM_E_NUMERIC, s.status);
    EXPECT_EQ(201u, m.accepted.size());
    m.answer = LLM_E_LIMIT;
    s.draw(how, logits, {}, 0, &m.source);
    EXPECT_EQ(LLM_E_LIMIT, s.status);
    m.answer = LLM_OK, m.accept_answer = LLM_E_STATE, m.allowed = {1};
    s.draw(how, logits, {}, 0, &m.source);
    EXPECT_EQ(LLM_E_STATE, s.status);
}

TEST(Sampler, NonNumbersAreAnErrorThatNamesTheToken) {
    Sampler s(300);
    for (float temperature : {0.0f, 1.0f}) {
        llmi_sampler_options how = neutral();
        how.temperature = temperature;
        for (int at : {0, 5, 63, 64, 256, 299}) {
            std::vector<float> logits(300, 1.0f);
            logits[(size_t)at] = nan_f;
            Mask all_but;
            s.draw(how, logits, {7, 7}, 0, &all_but.source); /* also where a mask would hide it */
            EXPECT_EQ(LLM_E_NUMERIC, s.status);
            EXPECT_NE(nullptr, strstr(llm_last_error(), ("token " + std::to_string(at) + " at position 2").c_str()))
                << llm_last_error();
            float logprob;
            EXPECT_EQ(LLM_E_NUMERIC, llmi_sampler_logprobs(&logprob, nullptr, 0, s.s, logits.data(), 0));
        }
        s.draw(how, std::vector<float>(300, -inf));
        EXPECT_EQ(LLM_E_NUMERIC, s.status);
        EXPECT_NE(nullptr, strstr(llm_last_error(), "-infinity")) << llm_last_error();
    }
}

TEST(Sampler, InfiniteLogitsOutdoAllOthersEqually) {
    Sampler s(300);
    std::vector<float> logits(300, 1.0f);
    logits[100] = logits[250] = inf;
    llmi_sampler_options how = neutral();
    how.temperature = 0;
    EXPECT_EQ(100, s.draw(how, logits));
    how.temperature = 1;
    how.repetition_penalty = 2;
    how.presence_penalty = 1;
    std::set<int> seen;
    for (int i = 0; i < 64; i++) seen.insert(s.draw(how, logits, {100, 250}, i));
    EXPECT_EQ((std::set<int>{100, 250}), seen);
    for (float *p : {&how.top_p, &how.typical_p}) {
        *p = 0.3f;
        EXPECT_EQ(100, s.draw(how, logits));
        *p = 1;
    }
    float logprob;
    llm_token_logprob top[3];
    ASSERT_EQ(LLM_OK, llmi_sampler_logprobs(&logprob, top, 3, s.s, logits.data(), 250));
    EXPECT_FLOAT_EQ(std::log(0.5f), logprob);
    EXPECT_EQ(100, top[0].token);
    EXPECT_EQ(250, top[1].token);
    EXPECT_EQ(-inf, top[2].logprob);
}

TEST(Sampler, BannedTokensNeverComeOut) {
    std::mt19937 rng(8);
    Sampler s(500);
    for (int round = 0; round < 300; round++) {
        std::vector<float> logits(500, -inf);
        std::set<int> allowed;
        for (int i = 0; i < 3; i++) allowed.insert((int)(rng() % 500));
        for (int id : allowed) logits[(size_t)id] = (float)(rng() % 200) - 100;
        llmi_sampler_options how = random_setting(rng, 500);
        EXPECT_TRUE(allowed.count(s.draw(how, logits, {}, round)));
    }
}

/* ---- log-probabilities ---- */

TEST(Logprobs, AgreeWithTheDefinition) {
    std::mt19937 rng(4);
    for (int n_vocab : {1, 64, 65, 3000, 150001}) {
        Sampler sampler(n_vocab);
        for (const Shape &shape : shapes) {
            auto x = shape.make(n_vocab, rng);
            double top = *std::max_element(x.begin(), x.end()), total = 0;
            for (float v : x) total += std::exp((double)v - top);
            std::vector<int> order(x.size());
            std::iota(order.begin(), order.end(), 0);
            std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return x[(size_t)a] > x[(size_t)b]; });
            for (int n_top : {0, 1, 5, 50, n_vocab}) {
                if (n_top > n_vocab || (n_top == 150001 && shape.name != shapes[4].name)) continue;
                std::vector<llm_token_logprob> got((size_t)n_top);
                float logprob;
                int token = (int)(rng() % (unsigned)n_vocab);
                ASSERT_EQ(LLM_OK, llmi_sampler_logprobs(&logprob, got.data(), n_top, sampler.s, x.data(), token));
                auto want = [&](int id) { return (float)((double)x[(size_t)id] - top - std::log(total)); };
                auto tolerance = [&](int id) { return 2e-6f + 1e-7f * std::fabs(want(id)); };
                if (want(token) == -inf)
                    EXPECT_EQ(-inf, logprob);
                else
                    EXPECT_NEAR(want(token), logprob, tolerance(token)) << shape.name;
                for (size_t i = 0; i < got.size(); i++) {
                    ASSERT_EQ(order[i], got[i].token) << shape.name << " " << i << " of " << n_top;
                    if (want(order[i]) == -inf)
                        EXPECT_EQ(-inf, got[i].logprob);
                    else
                        ASSERT_NEAR(want(order[i]), got[i].logprob, tolerance(order[i]));
                }
            }
        }
    }
}

TEST(Logprobs, RangesAreChecked) {
    Sampler s(10);
    std::vector<float> x(10);
    std::vector<llm_token_logprob> top(11);
    float logprob;
    for (int token : {-1, 10}) {
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_sampler_logprobs(&logprob, nullptr, 0, s.s, x.data(), token));
        EXPECT_NE(nullptr, strstr(llm_last_error(), "expected 0..9")) << llm_last_error();
    }
    for (int n_top : {-1, 11})
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_sampler_logprobs(&logprob, top.data(), n_top, s.s, x.data(), 0));
}

/* ---- settings, memory ---- */

TEST(SamplingCheck, NamesTheMemberTheValueAndTheRange) {
    const llm_logit_bias far = {100, 0}, below = {-1, 0}, not_number = {1, nan_f}, infinite = {1, inf},
                         ban = {99, -inf};
    const struct {
        std::function<void(llmi_sampler_options &)> edit;
        const char *text; /* NULL: accepted */
    } rows[] = {
        {[](llmi_sampler_options &) {}, nullptr},
        {[](llmi_sampler_options &h) { h.temperature = 0; }, nullptr},
        {[](llmi_sampler_options &h) { h.temperature = -0.5f; }, "temperature is -0.5, expected"},
        {[](llmi_sampler_options &h) { h.temperature = nan_f; }, "temperature is "},
        {[](llmi_sampler_options &h) { h.temperature = inf; }, "temperature is inf"},
        {[](llmi_sampler_options &h) { h.top_k = -1; }, "top_k is -1, expected 0.."},
        {[](llmi_sampler_options &h) { h.top_p = 0; }, "top_p is 0, expected above 0"},
        {[](llmi_sampler_options &h) { h.top_p = 1.01f; }, "top_p is 1.01"},
        {[](llmi_sampler_options &h) { h.min_p = -0.1f; }, "min_p is -0.1, expected 0..1"},
        {[](llmi_sampler_options &h) { h.min_p = nan_f; }, "min_p is "},
        {[](llmi_sampler_options &h) { h.typical_p = 0; }, "typical_p is 0"},
        {[](llmi_sampler_options &h) { h.repetition_penalty = 0; }, "repetition_penalty is 0"},
        {[](llmi_sampler_options &h) { h.presence_penalty = -inf; }, "presence_penalty is -inf"},
        {[](llmi_sampler_options &h) { h.presence_penalty = -2; }, nullptr},
        {[](llmi_sampler_options &h) { h.frequency_penalty = nan_f; }, "frequency_penalty is "},
        {[](llmi_sampler_options &h) { h.penalty_window = -2; }, "penalty_window is -2, expected -1.."},
        {[&](llmi_sampler_options &h) { h.bias = &far, h.n_bias = 1; }, "logit_bias[0].token is 100, expected 0..99"},
        {[&](llmi_sampler_options &h) { h.bias = &below, h.n_bias = 1; }, "logit_bias[0].token is -1"},
        {[&](llmi_sampler_options &h) { h.bias = &not_number, h.n_bias = 1; },
         "logit_bias[0].bias of token 1 is not a number"},
        {[&](llmi_sampler_options &h) { h.bias = &infinite, h.n_bias = 1; },
         "logit_bias[0].bias of token 1 is infinite"},
        {[&](llmi_sampler_options &h) { h.bias = &ban, h.n_bias = 1; }, nullptr},
    };
    for (auto &row : rows) {
        llmi_sampler_options how = neutral();
        row.edit(how);
        EXPECT_EQ(row.text ? LLM_E_ARGUMENT : LLM_OK, llmi_sampler_options_check(&how, 100))
            << (row.text ? row.text : "");
        if (row.text) {
            EXPECT_NE(nullptr, strstr(llm_last_error(), row.text)) << llm_last_error();
        }
    }
}

TEST(Sampler, CreationTakesWhatItSaysOrFailsCleanly) {
    Counting counting;
    llmi_sampler *s;
    counting.fail_from = 0;
    EXPECT_EQ(LLM_E_MEMORY, llmi_sampler_create(&s, &counting.allocator, 1000));
    EXPECT_EQ(nullptr, s);
    counting.fail_from = 1 << 30;
    ASSERT_EQ(LLM_OK, llmi_sampler_create(&s, &counting.allocator, 1000));
    EXPECT_EQ(llmi_sampler_bytes(1000), counting.n_bytes);
    llmi_sampler_destroy(s);
    EXPECT_EQ(0, counting.alive);
    for (int n : {0, -1, std::numeric_limits<int>::max()}) {
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_sampler_create(&s, &counting.allocator, n));
        EXPECT_EQ(nullptr, s);
    }
    llmi_sampler_destroy(nullptr);
}

} // namespace
