// The model of tests/stories, and stories260K, in both forms against an independent forward pass in float64.
#include <algorithm>
#include <cmath>

#include "api.h"

namespace {

struct Form {
    const StoryModel &files;
    bool is_hf;
};

void PrintTo(const Form &form, std::ostream *out) {
    *out << form.files.name << (form.is_hf ? " hf" : " gguf");
}

class Reference : public testing::TestWithParam<Form> {
  protected:
    void SetUp() override {
        const StoryModel &files = GetParam().files;
        if (&files == &stories260k) NEEDS_STORIES260K();
        path = GetParam().is_hf ? files.hf : files.gguf;
        reference = Json::load(files.reference);
        ASSERT_EQ(3u, reference["runs"].size());
        model = load_model(path);
        engine = make_engine(model.get());
        ASSERT_NE(nullptr, engine);
    }
    std::string path;
    Json reference;
    Model model;
    Engine engine;
};

TEST_P(Reference, GreedyIdsAndText) {
    for (size_t i = 0; i < 3; i++) {
        Json run = reference["runs"][i];
        std::string prompt = run["prompt"].text(), whole = run["greedy_text"].text();
        std::vector<int> ids = run["greedy_ids"].ints();
        SCOPED_TRACE(prompt);
        llm_generate_options o = generate_options(static_cast<int32_t>(ids.size()));
        llm_result *r = nullptr;
        OK(llm_generate(&r, engine.get(), prompt.data(), prompt.size(), &o, nullptr, nullptr));
        Result result(r);
        EXPECT_EQ(ids, tokens_of(r));
        EXPECT_EQ(whole, prompt + text_of(r));
        EXPECT_EQ(LLM_FINISH_LENGTH, finish_of(r));
        EXPECT_EQ(run["prompt_ids"].ints(),
                  encode(llm_model_get_tokenizer(model.get()), prompt, LLM_ENCODE_ADD_SPECIAL));
    }
}

TEST_P(Reference, LogitsOfTheFirstSteps) {
    for (size_t i = 0; i < 3; i++) {
        Json run = reference["runs"][i];
        std::vector<int> prompt = run["prompt_ids"].ints(), ids = run["greedy_ids"].ints();
        llm_sequence *s = nullptr;
        OK(llm_sequence_create(&s, engine.get()));
        Sequence sequence(s);
        std::vector<float> logits(512);
        OK(llm_sequence_eval(s, prompt.data(), prompt.size(), logits.data(), 1));
        std::vector<double> all = run["prompt_last_logits_full"].numbers();
        EXPECT_LE(rounding::relative_gap(logits, all), GetParam().files.bound());
        for (size_t step = 0; step < 8; step++) {
            Json top = run["top10_logits_first8_steps"][step];
            std::vector<double> best, found;
            for (size_t k = 0; k < 10; k++) {
                best.push_back(top[k][1].number());
                found.push_back(static_cast<double>(logits[static_cast<size_t>(top[k][0].number())]));
            }
            EXPECT_LE(rounding::relative_gap(found, best), GetParam().files.bound());
            EXPECT_EQ(ids[step], std::max_element(logits.begin(), logits.end()) - logits.begin());
            OK(llm_sequence_eval(s, &ids[step], 1, logits.data(), 1));
        }
    }
}

TEST_P(Reference, ScoresEqualTheNegativeLogLikelihoods) {
    Json nll = reference["nll"];
    std::string text = nll["text"].text();
    std::vector<double> expected = nll["nll_per_token"].numbers(),
                        logits = reference["runs"][0]["prompt_last_logits_full"].numbers();
    /* the logit of the token, and the logarithm of all */
    const double bound = std::sqrt(2.0) * GetParam().files.bound() * rounding::rms(logits);
    for (size_t cut : {size_t{0}, size_t{4}, size_t{16}, size_t{40}}) {
        SCOPED_TRACE(cut);
        llm_score_item item = {{text.data(), cut}, {text.data() + cut, text.size() - cut}};
        llm_result *r = nullptr;
        OK(llm_score(&r, engine.get(), &item, 1, nullptr));
        Result result(r);
        std::vector<float> found = logprobs_of(r);
        ASSERT_LE(found.size(), expected.size());
        size_t skipped = expected.size() - found.size();
        EXPECT_EQ(cut == 0, skipped == 0) << "BOS stands before the first token";
        std::vector<double> gaps;
        for (size_t k = 0; k < found.size(); k++) gaps.push_back(expected[skipped + k] + static_cast<double>(found[k]));
        EXPECT_LE(rounding::rms(gaps), bound);
        EXPECT_EQ(text.substr(cut), text_of(r));
        std::vector<int> ids = nll["ids"].ints();
        EXPECT_EQ(std::vector<int>(ids.end() - static_cast<long>(found.size()), ids.end()), tokens_of(r));
    }
}

INSTANTIATE_TEST_SUITE_P(Forms, Reference,
                         testing::Values(Form{stories, false}, Form{stories, true}, Form{stories260k, false},
                                         Form{stories260k, true}),
                         [](const auto &p) { return p.param.files.name + std::string(p.param.is_hf ? "Hf" : "Gguf"); });

} // namespace
