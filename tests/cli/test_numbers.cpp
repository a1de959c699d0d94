// Logits, scores, perplexity, embeddings and what describes a model, on the model of tests/stories.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "command.h"

class CliNumbers : public testing::Test {
  protected:
    void SetUp() override {
        reference = Json::load(stories.reference);
        ASSERT_TRUE(reference.is_object());
        nll = reference["nll"];
        text = nll["text"].text();
    }
    // A log-probability: the logit of its token, and the logarithm of all.
    double logprob_bound() const {
        return std::sqrt(2.0) * stories.bound() *
               rounding::rms(reference["runs"][0]["prompt_last_logits_full"].numbers());
    }
    // What printing in nine digits may change.
    static double nine_digits(double x) { return std::fabs(x) * 5e-9; }
    Json reference, nll;
    std::string text;
};

TEST_F(CliNumbers, LogitsEqualTheReference) {
    for (size_t r = 0; r < reference["runs"].size(); r++) {
        Json run = reference["runs"][r];
        std::vector<int> ids = run["prompt_ids"].ints();
        Json all = llm_json({"logits", stories_gguf, "--ids", join(ids), "--all"})["positions"];
        ASSERT_EQ(all.size(), ids.size());
        std::vector<double> found = all[ids.size() - 1]["logits"].numbers();
        std::vector<double> expected = run["prompt_last_logits_full"].numbers();
        EXPECT_LE(rounding::relative_gap(found, expected), stories.bound());
    }
}

TEST_F(CliNumbers, TopLogitsAreSortedAndEqualTheReference) {
    Json run = reference["runs"][0];
    Json positions = llm_json({"logits", stories_gguf, "--ids", join(run["prompt_ids"].ints())})["positions"];
    Json top = positions[positions.size() - 1]["top"], expected = run["top10_logits_first8_steps"][0];
    ASSERT_EQ(top.size(), 10u);
    std::vector<double> found, best;
    for (size_t i = 0; i < 10; i++) {
        EXPECT_EQ(top[i]["id"].number(), expected[i][0].number());
        found.push_back(top[i]["logit"].number());
        best.push_back(expected[i][1].number());
    }
    EXPECT_TRUE(std::is_sorted(found.rbegin(), found.rend()));
    EXPECT_LE(rounding::relative_gap(found, best), stories.bound());
    EXPECT_EQ(llm_json({"logits", stories_gguf, "--ids", "1", "--top", "3"})["positions"][0]["top"].size(), 3u);
}

TEST_F(CliNumbers, AllLogitsRoundTripFloat32) {
    std::vector<double> found =
        llm_json({"logits", stories_gguf, "--ids", "1", "--all"})["positions"][0]["logits"].numbers();
    size_t exact = 0;
    for (double value : found) {
        char digits[32];
        snprintf(digits, sizeof digits, "%.9g", static_cast<double>(static_cast<float>(value)));
        exact += strtod(digits, nullptr) == value;
    }
    EXPECT_EQ(exact, found.size());
}

TEST_F(CliNumbers, ScoresEqualTheReference) {
    std::string prompt = "Once upon a time";
    Json list = llm_json(
        {"score", stories_gguf, "-p", prompt, "-c", text.substr(prompt.size()), "-c", " zzz"})["continuations"];
    ASSERT_EQ(list.size(), 2u);
    std::vector<double> expected = nll["nll_per_token"].numbers(), found = list[0]["logprobs"].numbers();
    ASSERT_EQ(found.size(), expected.size() - 4);
    double sum = 0;
    std::vector<double> gaps;
    for (size_t i = 0; i < found.size(); i++) {
        gaps.push_back(found[i] + expected[i + 4]);
        sum += static_cast<double>(static_cast<float>(found[i]));
    }
    EXPECT_LE(rounding::rms(gaps), logprob_bound());
    EXPECT_NEAR(list[0]["sum"].number(), sum, nine_digits(sum));
    sum /= static_cast<double>(found.size());
    EXPECT_NEAR(list[0]["mean"].number(), sum, nine_digits(sum));
    EXPECT_EQ(list[0]["bytes"].number(), static_cast<double>(text.size() - prompt.size()));
    EXPECT_EQ(list[0]["tokens"].size(), found.size());
    EXPECT_EQ(list[0]["text"].text(), text.substr(prompt.size()));
    EXPECT_FALSE(list[0]["greedy"].is_true());
}

TEST_F(CliNumbers, AGreedyContinuationIsCalledSo) {
    Json list =
        llm_json({"score", stories_gguf, "-p", "Once upon a time", ", there was a little girl"})["continuations"];
    ASSERT_EQ(list.size(), 1u);
    EXPECT_TRUE(list[0]["greedy"].is_true());
}

TEST_F(CliNumbers, PerplexityInOneWindowEqualsTheReference) {
    Json out = llm_json({"perplexity", stories_gguf, "-"}, text);
    EXPECT_EQ(out["tokens"].number(), static_cast<double>(nll["nll_per_token"].size()));
    EXPECT_NEAR(out["nll"].number(), nll["mean_nll"].number(), logprob_bound());
    double mean = out["nll"].number(), perplexity = std::exp(mean);
    EXPECT_NEAR(out["perplexity"].number(), perplexity, nine_digits(perplexity) + perplexity * nine_digits(mean));
    EXPECT_EQ(out["ctx"].number(), 512);
}

// The formula of `llm help perplexity`, from the logits of each window.
TEST_F(CliNumbers, StridedPerplexityFollowsItsFormula) {
    const size_t n_ctx = 16, stride = 6;
    std::vector<int> ids = nll["ids"].ints();
    double sum = 0;
    for (size_t start = 0, scored = 1; scored < ids.size(); start += stride) {
        size_t end = std::min(ids.size(), start + n_ctx);
        std::vector<int> window(ids.begin() + static_cast<long>(start), ids.begin() + static_cast<long>(end));
        Json rows = llm_json({"logits", stories_gguf, "--ids", join(window), "--all"})["positions"];
        ASSERT_EQ(rows.size(), window.size());
        for (; scored < end; scored++) {
            std::vector<double> row = rows[scored - 1 - start]["logits"].numbers();
            for (double &logit : row) logit = static_cast<double>(static_cast<float>(logit)); // nine digits are enough
            double total = 0;
            for (double logit : row) total += std::exp(logit);
            sum -= row[static_cast<size_t>(ids[scored])] - std::log(total);
        }
    }
    Json out = llm_json({"perplexity", stories_gguf, "-", "--ctx", "16", "--stride", "6"}, text);
    sum /= static_cast<double>(ids.size() - 1);
    EXPECT_NEAR(out["nll"].number(), sum, nine_digits(sum));
    EXPECT_EQ(out["tokens"].number(), static_cast<double>(ids.size() - 1));
}

TEST_F(CliNumbers, EmbeddingsHaveTheModelsWidth) {
    Json out = llm_json({"embed", stories_gguf, "a dog", "a dog", "one two three", "--normalize"});
    EXPECT_EQ(out["dim"].number(), 64);
    ASSERT_EQ(out["embeddings"].size(), 3u);
    std::vector<double> a = out["embeddings"][0].numbers(), c = out["embeddings"][2].numbers();
    ASSERT_EQ(a.size(), 64u);
    EXPECT_EQ(a, out["embeddings"][1].numbers());
    EXPECT_NE(a, c);
    double length = 0;
    for (double v : a) length += v * v;
    EXPECT_NEAR(length, 1, std::ldexp(1, -23)); // 64 numbers below 1 in F32
    EXPECT_NE(llm_json({"embed", stories_gguf, "a dog", "--normalize", "--pool", "last"})["embeddings"][0].numbers(),
              a);
}

TEST_F(CliNumbers, InfoDescribesTheModelInBothFormats) {
    for (const std::string &model : {stories_gguf, stories_hf}) {
        SCOPED_TRACE(model);
        Json info = llm_json({"info", model});
        EXPECT_EQ(info["arch"].text(), "llama");
        EXPECT_EQ(info["format"].text(), model == stories_gguf ? "gguf" : "safetensors");
        EXPECT_EQ(info["n_layers"].number(), stories.n_layers);
        EXPECT_EQ(info["n_embd"].number(), 64);
        EXPECT_EQ(info["n_heads"].number(), 8);
        EXPECT_EQ(info["n_kv_heads"].number(), 4);
        EXPECT_EQ(info["n_vocab"].number(), 512);
        EXPECT_EQ(info["n_ctx_train"].number(), 512);
        EXPECT_GT(info["dtypes"]["F32"]["bytes"].number(), 0);
        EXPECT_EQ(info["tokenizer"]["size"].number(), 512);
        EXPECT_EQ(info["tokenizer"]["bos"].number(), 1);
        EXPECT_GT(info["memory"]["kv_bytes"].number(), 0);
        EXPECT_EQ(info["memory"]["total_bytes"].number(), info["memory"]["kv_bytes"].number() +
                                                              info["memory"]["workspace_bytes"].number() +
                                                              info["memory"]["weight_bytes"].number());
    }
    EXPECT_NE(llm({"info", stories_gguf}).out.find("llama"), std::string::npos);
}

TEST_F(CliNumbers, QuantizeWritesAModelThatStillWrites) {
    std::string path = temporary_path("q8.gguf");
    Json out = llm_json({"quantize", stories_hf, path, "q8_0"});
    EXPECT_EQ(out["type"].text(), "Q8_0");
    EXPECT_GT(out["bytes"].number(), 0);
    EXPECT_TRUE(llm_json({"info", path})["dtypes"]["Q8_0"].is_object());
    std::string story = llm_json({"generate", path, "-p", "Once upon a time", "-n", "8"})["text"].text();
    EXPECT_EQ(story.rfind(", there was", 0), 0u) << story;
    remove(path.c_str());
}

TEST_F(CliNumbers, BenchReportsMedianLeastAndMost) {
    Json out = llm_json({"bench", stories_gguf, "-p", "32", "-n", "8", "-d", "16", "-b", "2", "-r", "3"});
    for (const char *kind : {"prompt", "decode"}) {
        Json rate = out[kind]["tokens_per_s"];
        EXPECT_GT(rate["min"].number(), 0) << kind;
        EXPECT_LE(rate["min"].number(), rate["median"].number()) << kind;
        EXPECT_LE(rate["median"].number(), rate["max"].number()) << kind;
    }
    EXPECT_EQ(out["prompt"]["tokens"].number(), 32);
    EXPECT_EQ(out["batch"].number(), 2);
    EXPECT_GT(out["peak_rss_bytes"].number(), 0);
    EXPECT_TRUE(llm_json({"bench", stories_gguf, "-p", "0", "-n", "4", "-r", "1"})["prompt"].is_null());
}

TEST_F(CliNumbers, BenchTracesOperationsByLayerOnStandardError) {
    Output out = llm({"bench", reasoner, "--trace", "-p", "8", "-n", "2", "-r", "1", "--json"});
    EXPECT_EQ(out.rc, 0) << out.err;
    EXPECT_EQ(out.out.rfind("{\"model\"", 0), 0u) << out.out;
    for (const char *word : {"trace of prompts: ", "trace of decoding: ", "LINEAR", "share", "100.0 %", "GB/s"})
        EXPECT_NE(out.err.find(word), std::string::npos) << word;
}
