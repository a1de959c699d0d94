// llm_score, llm_embed and sequences as llm/engine.h promises them.
#include <atomic>
#include <cmath>
#include <functional>
#include <thread>

#include "unit/api/api.h"

namespace {

Result score(llm_engine *e, const std::vector<std::pair<std::string, std::string>> &texts,
             const llm_generate_options *o = nullptr) {
    std::vector<llm_score_item> items;
    for (auto &[prompt, continuation] : texts) items.push_back({span(prompt), span(continuation)});
    llm_result *r = nullptr;
    EXPECT_EQ(LLM_OK, llm_score(&r, e, items.data(), items.size(), o)) << llm_last_error();
    return Result(r);
}

// log softmax of the row before each scored token, by a sequence of its own.
std::vector<double> by_logits(llm_engine *e, const std::vector<llm_token> &ids, size_t from) {
    llm_sequence *s = nullptr;
    EXPECT_EQ(LLM_OK, llm_sequence_create(&s, e));
    Sequence owner(s);
    std::vector<float> logits(512 * ids.size());
    EXPECT_EQ(LLM_OK, llm_sequence_eval(s, ids.data(), ids.size(), logits.data(), ids.size())) << llm_last_error();
    std::vector<double> out;
    for (size_t i = from; i < ids.size(); i++) {
        const float *row = logits.data() + 512 * (i - 1);
        double sum = 0;
        for (int k = 0; k < 512; k++) sum += std::exp(static_cast<double>(row[k]));
        out.push_back(static_cast<double>(row[ids[i]]) - std::log(sum));
    }
    return out;
}

// Cancelled again and again until it has returned: what the host's thread does while another one computes.
llm_status cancelled_from_outside(llm_engine *e, const std::function<llm_status()> &call) {
    std::atomic<bool> runs{false}, returned{false};
    std::thread other([&] {
        while (!returned) {
            llm_engine_cancel(e);
            runs = true;
            std::this_thread::yield();
        }
    });
    while (!runs) std::this_thread::yield(); // a short call could return before the thread has begun
    llm_status status = call();
    returned = true;
    other.join();
    return status;
}

TEST_F(Stories, ACallThatComputesIsCancelledFromOutside) {
    std::string text, before = prompt;
    for (int i = 0; i < 30; i++) text += " the little dog ran home";
    std::vector<llm_score_item> items(50, {span(before), span(text)});
    std::vector<llm_span> texts(50, span(text));
    std::vector<float> rows(50 * 64 + 1);
    llm_result *r = nullptr;
    llm_answer *answer = nullptr;
    llm_request *along = nullptr;
    llm_engine *e = engine.get();
    const char *question = "{\"question\":\"2+2?\"}";
    llm_generate_options o = generate_options(20);
    OK(llm_request_submit(&along, e, prompt, LLM_NTS, &o));
    Request owner(along);
    EXPECT_EQ(LLM_E_CANCELLED, cancelled_from_outside(e, [&] { return llm_score(&r, e, items.data(), 50, nullptr); }));
    EXPECT_EQ(nullptr, r);
    EXPECT_EQ(LLM_E_CANCELLED,
              cancelled_from_outside(e, [&] { return llm_embed(rows.data(), e, texts.data(), 50, LLM_POOL_MEAN, 1); }));
    EXPECT_EQ(LLM_E_CANCELLED, cancelled_from_outside(e, [&] {
                  return llm_ask(&answer, e, nullptr, question, LLM_NTS, nullptr, nullptr, nullptr);
              }));
    EXPECT_EQ(nullptr, answer);
    EXPECT_EQ(LLM_E_CANCELLED, cancelled_from_outside(e, [&] {
                  return llm_generate(&r, e, text.data(), text.size(), nullptr, nullptr, nullptr);
              }));
    while (!llm_request_done(along)) OK(llm_engine_step(nullptr, e));
    OK(llm_request_status(along));
    OK(llm_request_result(&r, along));
    Result whole(r);
    OK(llm_generate(&r, e, prompt, LLM_NTS, &o, nullptr, nullptr));
    Result alone(r);
    EXPECT_EQ(tokens_of(alone.get()), tokens_of(whole.get())) << "a request that ran along lost nothing";
    llm_engine_cancel(e);
    llm_engine_cancel(nullptr);
    EXPECT_EQ(1u, logprobs_of(score(e, {{prompt, ","}}).get()).size()) << "a call begins anew";
}

TEST_F(Stories, ScoresFollowTheLogits) {
    std::vector<std::pair<std::string, std::string>> texts = {
        {prompt, ", there was a dog"}, {prompt, " a"},     {"", "Once"}, {"The dog", " ran.\n"},
        {prompt, ", there was a cat"}, {"The d", "og ran"}};
    Result r = score(engine.get(), texts);
    ASSERT_EQ(static_cast<int32_t>(texts.size()), llm_result_count(r.get()));
    int32_t n_tokens = 0;
    for (size_t i = 0; i < texts.size(); i++) {
        SCOPED_TRACE(i);
        auto &[before, after] = texts[i];
        size_t from = encode(tokenizer, before, LLM_ENCODE_ADD_SPECIAL).size();
        std::vector<llm_token> all = encode(tokenizer, before + after, LLM_ENCODE_ADD_SPECIAL);
        std::vector<double> expected = by_logits(engine.get(), all, from);
        std::vector<float> found = logprobs_of(r.get(), static_cast<int32_t>(i));
        ASSERT_EQ(expected.size(), found.size());
        for (size_t k = 0; k < found.size(); k++)
            EXPECT_NEAR(expected[k], static_cast<double>(found[k]), rounding::of_logprob(expected[k]));
        EXPECT_EQ(std::vector<llm_token>(all.begin() + static_cast<long>(from), all.end()),
                  tokens_of(r.get(), static_cast<int32_t>(i)));
        EXPECT_EQ(after, text_of(r.get(), static_cast<int32_t>(i)));
        n_tokens += static_cast<int32_t>(found.size());
    }
    llm_result_stats stats = {};
    stats.struct_size = sizeof stats;
    OK(llm_result_get_stats(&stats, r.get()));
    EXPECT_EQ(n_tokens, stats.n_tokens);
}

TEST_F(Stories, WithoutBosTheFirstTokenIsLeftOut) {
    llm_generate_options o = generate_options();
    o.add_special = 0;
    Result r = score(engine.get(), {{"", "Once upon"}}, &o);
    std::vector<llm_token> all = encode(tokenizer, "Once upon", 0);
    EXPECT_EQ(std::vector<llm_token>(all.begin() + 1, all.end()), tokens_of(r.get(), 0));
    llm_score_item alone = {{"", 0}, {"a", 1}};
    llm_result *none = nullptr;
    ASSERT_EQ(1u, encode(tokenizer, "a", 0).size());
    FAILS(LLM_E_ARGUMENT, "item 0: the continuation \"a\" is one token with nothing before it",
          llm_score(&none, engine.get(), &alone, 1, &o));
}

// A model of the project's own, so that these run in every checkout.
class Reasoner : public testing::Test {
  protected:
    void SetUp() override {
        model = load_model(LLM_SOURCE_DIR "/examples/models/tiny-reasoner.gguf");
        engine = make_engine(model.get());
    }
    Model model;
    Engine engine;
};

// A tokenizer joins white space with what follows it, so where it stands must not matter.
TEST_F(Reasoner, WhiteSpaceAtThePromptsEndIsScoredWithTheContinuation) {
    const std::vector<std::string> words = {"greenish", "blue", "dark", "7"};
    std::vector<std::pair<std::string, std::string>> in_prompt, in_continuation, all_space;
    for (const char *space : {" ", "\n", " \n ", "\u00a0", "\u3000"})
        for (auto &word : words) {
            in_prompt.push_back({std::string("The sky is") + space, word});
            in_continuation.push_back({"The sky is", space + word});
        }
    Result a = score(engine.get(), in_prompt), b = score(engine.get(), in_continuation);
    for (size_t i = 0; i < in_prompt.size(); i++) {
        auto k = static_cast<int32_t>(i);
        EXPECT_EQ(tokens_of(a.get(), k), tokens_of(b.get(), k)) << i;
        EXPECT_EQ(logprobs_of(a.get(), k), logprobs_of(b.get(), k)) << i;
        EXPECT_FALSE(logprobs_of(a.get(), k).empty());
        EXPECT_EQ(in_prompt[i].second, text_of(a.get(), k)) << "the text stays as given";
    }
    Result space = score(engine.get(), {{" ", "blue"}}), none = score(engine.get(), {{"", " blue"}});
    EXPECT_EQ(tokens_of(none.get()), tokens_of(space.get()));
}

TEST_F(Reasoner, AContinuationWithoutATokenIsAnError) {
    llm_result *r = nullptr;
    auto with = [&](const char *prompt, const char *continuation) {
        llm_score_item items[] = {{{"The", 3}, {" sky", 4}}, {{prompt, LLM_NTS}, {continuation, LLM_NTS}}};
        return llm_score(&r, engine.get(), items, 2, nullptr);
    };
    FAILS(LLM_E_ARGUMENT, "item 1: the continuation is empty", with("The sky", ""));
    FAILS(LLM_E_ARGUMENT, "item 1: the continuation is empty", with("The sky ", ""));
    EXPECT_EQ(nullptr, r);
    OK(with("The sky", " "));
    llm_result_unref(r);
}

// Every span of a caller may end with its NUL, and none is read where it is NULL.
TEST_F(Reasoner, SpansMayBeNulTerminated) {
    std::string prompt = "The sky is", word = " blue";
    llm_score_item items[] = {{span(prompt), span(word)}, {{"The sky is", LLM_NTS}, {" blue", LLM_NTS}}};
    llm_result *r = nullptr;
    OK(llm_score(&r, engine.get(), items, 2, nullptr));
    EXPECT_EQ(logprobs_of(r, 0), logprobs_of(r, 1));
    EXPECT_EQ(" blue", text_of(r, 1));
    llm_result_unref(r);
    llm_model_info info = {};
    info.struct_size = sizeof info;
    OK(llm_model_get_info(&info, model.get()));
    size_t dim = static_cast<size_t>(info.n_embd);
    std::vector<float> rows(2 * dim);
    llm_span texts[] = {span(prompt), {"The sky is", LLM_NTS}}, nowhere[] = {{nullptr, 3}, {nullptr, LLM_NTS}};
    OK(llm_embed(rows.data(), engine.get(), texts, 2, LLM_POOL_MEAN, 0));
    EXPECT_TRUE(std::equal(rows.begin(), rows.begin() + static_cast<long>(dim), rows.begin() + static_cast<long>(dim)));
    llm_generate_options o = generate_options(5);
    o.n_stop_strings = 1;
    for (llm_span &bad : nowhere) {
        llm_score_item wrong[] = {{bad, span(word)}, {span(prompt), bad}};
        FAILS(LLM_E_ARGUMENT, "item 0: it is NULL", llm_score(&r, engine.get(), &wrong[0], 1, nullptr));
        FAILS(LLM_E_ARGUMENT, "item 0: it is NULL", llm_score(&r, engine.get(), &wrong[1], 1, nullptr));
        FAILS(LLM_E_ARGUMENT, "text 0: it is NULL", llm_embed(rows.data(), engine.get(), &bad, 1, LLM_POOL_MEAN, 0));
        o.stop_strings = &bad;
        FAILS(LLM_E_ARGUMENT, "stop string 0: it is NULL",
              llm_generate(&r, engine.get(), "x", LLM_NTS, &o, nullptr, nullptr));
    }
    llm_span stop = {"e", LLM_NTS};
    o.stop_strings = &stop;
    o.max_tokens = 30;
    OK(llm_generate(&r, engine.get(), "The ", LLM_NTS, &o, nullptr, nullptr));
    EXPECT_EQ(std::string::npos, text_of(r).find('e'));
    llm_result_unref(r);
}

TEST_F(Reasoner, ARandomSeedIsToldAndGivesTheSameAgain) {
    llm_generate_options o = generate_options(12);
    o.temperature = 1.5f;
    o.ignore_eos = 1;
    o.seed = LLM_SEED_RANDOM;
    auto run = [&](uint64_t *seed) {
        llm_result *r = nullptr;
        EXPECT_EQ(LLM_OK, llm_generate(&r, engine.get(), "Once", LLM_NTS, &o, nullptr, nullptr)) << llm_last_error();
        Result owner(r);
        llm_result_stats stats = {};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(LLM_OK, llm_result_get_stats(&stats, r));
        *seed = stats.seed;
        return tokens_of(r);
    };
    uint64_t first = 0, second = 0, again = 0;
    auto a = run(&first), b = run(&second);
    EXPECT_NE(first, second);
    EXPECT_LT(first, uint64_t{1} << 53);
    o.seed = first;
    EXPECT_EQ(a, run(&again));
    EXPECT_EQ(first, again);
    OK(llm_option_set(&o, "generate", "seed", "random"));
    EXPECT_EQ(LLM_SEED_RANDOM, o.seed);
    llm_fill_options fill;
    llm_fill_options_init(&fill);
    FAILS(LLM_E_ARGUMENT, "seed", llm_option_set(&fill, "fill", "seed", "random"));
}

// Far more is taken from the cache than computed.
TEST_F(Stories, CommonPrefixesAreComputedOnce) {
    std::string common;
    for (int i = 0; i < 12; i++) common += "Once upon a time, there was a little girl named Lily. ";
    std::vector<std::pair<std::string, std::string>> texts;
    for (char c = 'a'; c < 'a' + 24; c++) texts.push_back({common, std::string(" ") + c});
    Result r = score(engine.get(), texts);
    llm_result_stats stats = {};
    stats.struct_size = sizeof stats;
    OK(llm_result_get_stats(&stats, r.get()));
    int32_t n = static_cast<int32_t>(encode(tokenizer, common, LLM_ENCODE_ADD_SPECIAL).size());
    EXPECT_GE(stats.n_prompt_tokens, 24 * n);
    EXPECT_LE(stats.n_prompt_tokens - stats.n_cached_tokens, n + 24 * 40);
    Engine cold = make_engine(model.get());
    for (size_t i : {0, 23}) {
        Result one = score(cold.get(), {texts[i]});
        EXPECT_EQ(logprobs_of(one.get(), 0), logprobs_of(r.get(), static_cast<int32_t>(i)));
    }
}

TEST_F(Stories, ScoreAlternativesAreMostProbableFirst) {
    llm_generate_options o = generate_options();
    o.n_logprobs = 4;
    Result r = score(engine.get(), {{prompt, ", there was"}}, &o);
    const llm_token_logprob *top = nullptr;
    size_t n = 0, n_top = 0;
    OK(llm_result_top(&top, &n, &n_top, r.get(), 0));
    ASSERT_EQ(4u, n_top);
    ASSERT_EQ(logprobs_of(r.get()).size(), n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 1; k < n_top; k++) EXPECT_GE(top[4 * i + k - 1].logprob, top[4 * i + k].logprob);
    EXPECT_EQ(tokens_of(r.get())[0], top[0].token) << "a greedy continuation";
}

TEST_F(Stories, WhatExceedsTheContextIsNamed) {
    std::string text(2000, 'x');
    llm_score_item items[] = {{{"a", 1}, {"b", 1}}, {{"a", 1}, span(text)}};
    llm_result *r = nullptr;
    FAILS(LLM_E_LIMIT, "item 1: 20", llm_score(&r, engine.get(), items, 2, nullptr));
    EXPECT_EQ(nullptr, r);
    llm_span texts[] = {{"a", 1}, span(text)};
    std::vector<float> rows(128);
    FAILS(LLM_E_LIMIT, "text 1: 20", llm_embed(rows.data(), engine.get(), texts, 2, LLM_POOL_MEAN, 0));
    OK(llm_score(&r, engine.get(), items, 0, nullptr));
    EXPECT_EQ(0, llm_result_count(r));
    llm_result_unref(r);
}

/* ---- embeddings ---- */

TEST_F(Stories, EmbeddingsArePooledAndNormalized) {
    llm_span texts[] = {{"a dog", 5}, {"The little girl played in the park.", 35}, {"a dog", 5}};
    std::vector<float> mean(3 * 64), last(3 * 64), unit(3 * 64);
    OK(llm_embed(mean.data(), engine.get(), texts, 3, LLM_POOL_MEAN, 0));
    OK(llm_embed(last.data(), engine.get(), texts, 3, LLM_POOL_LAST, 0));
    OK(llm_embed(unit.data(), engine.get(), texts, 3, LLM_POOL_MEAN, 1));
    EXPECT_TRUE(std::equal(mean.begin(), mean.begin() + 64, mean.begin() + 128)) << "same text, same vector";
    EXPECT_NE(mean, last);
    for (size_t i = 0; i < 3; i++) {
        double length = 0, full = 0;
        for (size_t k = 0; k < 64; k++) {
            length += std::pow(static_cast<double>(unit[64 * i + k]), 2);
            full += std::pow(static_cast<double>(mean[64 * i + k]), 2);
        }
        EXPECT_NEAR(1, length, std::ldexp(1, -23)) << "64 numbers below 1 in F32";
        for (size_t k = 0; k < 64; k++)
            EXPECT_NEAR(static_cast<double>(mean[64 * i + k]) / std::sqrt(full), static_cast<double>(unit[64 * i + k]),
                        std::ldexp(1, -24));
    }
    /* The mean of prefixes' last rows is the mean. */
    std::vector<llm_token> ids = encode(tokenizer, "a dog", LLM_ENCODE_ADD_SPECIAL);
    EXPECT_GT(ids.size(), 1u);
    FAILS(LLM_E_ARGUMENT, "pooling is 3", llm_embed(mean.data(), engine.get(), texts, 3, 3, 0));
}

/* ---- sequences ---- */

TEST_F(Stories, SequencesForkAndRewindWithoutChangingLogits) {
    std::vector<llm_token> ids = encode(tokenizer, "Once upon a time, there was a little girl", 1);
    llm_sequence *s = nullptr, *f = nullptr;
    OK(llm_sequence_create(&s, engine.get()));
    Sequence a(s);
    std::vector<float> whole(512 * ids.size()), row(512), other(512);
    OK(llm_sequence_eval(s, ids.data(), ids.size(), whole.data(), ids.size()));
    const llm_token *kept = nullptr;
    ASSERT_EQ(ids.size(), llm_sequence_tokens(&kept, s));
    EXPECT_EQ(ids, std::vector<llm_token>(kept, kept + ids.size()));
    OK(llm_sequence_fork(&f, s));
    Sequence b(f);
    for (size_t n : {ids.size() - 1, size_t{4}, size_t{1}}) {
        OK(llm_sequence_rewind(s, n));
        OK(llm_sequence_eval(s, &ids[n], 1, row.data(), 1));
        EXPECT_EQ(0, memcmp(row.data(), whole.data() + 512 * n, 512 * sizeof(float)));
    }
    llm_token next = 300;
    OK(llm_sequence_eval(f, &next, 1, row.data(), 1));
    OK(llm_sequence_rewind(f, 0));
    ids.push_back(next);
    OK(llm_sequence_eval(f, ids.data(), ids.size(), other.data(), 1));
    EXPECT_EQ(row, other);
    OK(llm_sequence_eval(f, nullptr, 0, nullptr, 0));
    FAILS(LLM_E_ARGUMENT, "", llm_sequence_rewind(f, ids.size() + 1));
    FAILS(LLM_E_ARGUMENT, "n_rows is 2", llm_sequence_eval(f, &next, 1, row.data(), 2));
    next = 512;
    FAILS(LLM_E_ARGUMENT, "512", llm_sequence_eval(f, &next, 1, row.data(), 1));
    EXPECT_EQ(ids.size(), llm_sequence_tokens(nullptr, f));
    std::vector<llm_token> many(600, 5);
    FAILS(LLM_E_LIMIT, "", llm_sequence_eval(f, many.data(), many.size(), nullptr, 0));
    EXPECT_EQ(ids.size(), llm_sequence_tokens(nullptr, f)) << "nothing was appended";
}

} // namespace
