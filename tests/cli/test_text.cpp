// Tokens, text and generation on the model of tests/stories, against its reference.json.
#include <gtest/gtest.h>

#include <cmath>

#include "command.h"
#include "unit/model/files.h"

class CliText : public testing::Test {
  protected:
    void SetUp() override {
        runs = Json::load(stories.reference)["runs"];
        ASSERT_EQ(runs.size(), 3u);
        prompt = runs[0]["prompt"].text();
        continuation = runs[0]["greedy_text"].text().substr(prompt.size());
        ids = runs[0]["greedy_ids"].ints();
    }
    std::vector<int> first(size_t n) const { return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n)}; }

    Json runs;
    std::string prompt, continuation;
    std::vector<int> ids;
};

/* ---- tokenize, detokenize ---- */

TEST_F(CliText, TokenizeGivesTheReferenceIdsFromEveryKindOfModel) {
    for (const std::string &model : {stories_gguf, stories_hf, stories_hf + "/tokenizer.json"}) {
        SCOPED_TRACE(model);
        for (size_t i = 0; i < runs.size(); i++)
            EXPECT_EQ(llm_json({"tokenize", model, runs[i]["prompt"].text()})["ids"].ints(),
                      runs[i]["prompt_ids"].ints());
    }
}

TEST_F(CliText, NoBosLeavesOutTheFirstId) {
    std::vector<int> with = runs[0]["prompt_ids"].ints();
    EXPECT_EQ(llm_json({"tokenize", stories_gguf, prompt, "--no-bos"})["ids"].ints(),
              std::vector<int>(with.begin() + 1, with.end()));
}

TEST_F(CliText, SpecialTurnsSpelledTokensIntoTokens) {
    std::vector<int> plain = llm_json({"tokenize", stories_gguf, "</s>", "--no-bos"})["ids"].ints();
    EXPECT_GT(plain.size(), 1u);
    std::vector<int> special = llm_json({"tokenize", stories_gguf, "</s>", "--no-bos", "--special"})["ids"].ints();
    EXPECT_EQ(special, std::vector<int>{2});
}

TEST_F(CliText, TokenizePrintsIdTabPiece) {
    Output table = llm({"tokenize", stories_gguf, "a\nb", "--no-bos"});
    EXPECT_EQ(table.rc, 0);
    size_t lines = 0;
    for (char c : table.out) lines += c == '\n';
    EXPECT_EQ(lines, llm_json({"tokenize", stories_gguf, "a\nb", "--no-bos"})["ids"].size());
    EXPECT_NE(table.out.find('\t'), std::string::npos);
}

TEST_F(CliText, AnyBytesFromStandardInputComeBack) {
    std::string text("nul\0 and \xff, then\n\ttabs \xF0\x9F\x98\x80", 27);
    std::vector<int> all = llm_json({"tokenize", stories_gguf, "--file", "-", "--no-bos"}, text)["ids"].ints();
    std::string back = llm_json({"detokenize", stories_gguf, join(all)})["text"].text();
    std::string expected = text;
    expected.replace(expected.find('\xff'), 1, "\xEF\xBF\xBD");
    EXPECT_EQ(back, expected);
}

TEST_F(CliText, DetokenizeTakesSpacesAndCommasAndKeepsSpecialTokens) {
    Args spaced{"detokenize", stories_gguf};
    for (int id : runs[0]["prompt_ids"].ints()) spaced.push_back(std::to_string(id));
    std::string text = llm_json(spaced)["text"].text();
    EXPECT_EQ(text, llm_json({"detokenize", stories_gguf, join(runs[0]["prompt_ids"].ints())})["text"].text());
    EXPECT_NE(text.find("<s>"), std::string::npos) << text;
    EXPECT_NE(text.find(prompt), std::string::npos) << text;
    EXPECT_EQ(llm(spaced).out, text + "\n");
    llm_json({"detokenize", stories_gguf, "512"}, "", 1);
}

TEST(CliVocabulary, AFileWithOnlyAVocabularyTokenizes) {
    Gguf g = tiny_with_text();
    g.tensors.clear();
    std::string vocabulary = temporary_path("vocabulary.gguf");
    write_file(vocabulary, g.encode());
    EXPECT_EQ(llm_json({"tokenize", vocabulary, "a.", "--no-bos"})["ids"].ints(), (std::vector<int>{3, 6, 5}));
    remove(vocabulary.c_str());
}

/* ---- generate ---- */

TEST_F(CliText, GreedyIdsEqualTheReferenceInBothFormats) {
    for (const std::string &model : {stories_gguf, stories_hf})
        for (size_t i = 0; i < runs.size(); i++) {
            SCOPED_TRACE(model + ": " + runs[i]["prompt"].text());
            Json out = llm_json({"generate", model, "-p", runs[i]["prompt"].text(), "-n", "200"});
            EXPECT_EQ(out["ids"].ints(), runs[i]["greedy_ids"].ints());
            EXPECT_EQ(out["finish"].text(), "length");
            EXPECT_TRUE(out["logprobs"].is_null());
        }
}

TEST_F(CliText, TextEqualsTheReferenceStreamedOrNot) {
    EXPECT_EQ(llm_json({"generate", stories_gguf, "-p", prompt, "-n", "200"})["text"].text(), continuation);
    EXPECT_EQ(llm({"generate", stories_gguf, "-p", prompt, "-n", "200"}).out, continuation + "\n");
    EXPECT_EQ(llm({"generate", stories_gguf, "-p", prompt, "-n", "200", "--echo"}).out, prompt + continuation + "\n");
}

TEST_F(CliText, PromptsComeFromFilesStandardInputAndIds) {
    std::string path = temporary_path("prompt");
    write_file(path, prompt);
    std::vector<int> expected = first(8);
    EXPECT_EQ(llm_json({"generate", stories_gguf, "-f", path, "-n", "8"})["ids"].ints(), expected);
    EXPECT_EQ(llm_json({"generate", stories_gguf, "-f", "-", "-n", "8"}, prompt)["ids"].ints(), expected);
    std::string list = join(runs[0]["prompt_ids"].ints());
    EXPECT_EQ(llm_json({"generate", stories_gguf, "--ids", list, "-n", "8"})["ids"].ints(), expected);
    EXPECT_EQ(llm({"generate", stories_gguf, "--ids", list, "-n", "200", "--echo"}).out, prompt + continuation + "\n");
    remove(path.c_str());
}

TEST_F(CliText, StopTextsAndTokensEndWithoutBeingPrinted) {
    Args base{"generate", stories_gguf, "-p", prompt, "-n", "200"};
    Args text = base, token = base;
    text.insert(text.end(), {"--stop", "unused", "--stop", "named Lily"});
    Json out = llm_json(text);
    EXPECT_EQ(out["text"].text(), continuation.substr(0, continuation.find("named Lily")));
    EXPECT_EQ(out["finish"].text(), "stop");
    token.insert(token.end(), {"--stop-token", std::to_string(ids[3])});
    out = llm_json(token);
    EXPECT_EQ(out["ids"].ints(), first(3));
    EXPECT_EQ(out["finish"].text(), "stop");
}

TEST_F(CliText, ABannedTokenDoesNotAppear) {
    Json out =
        llm_json({"generate", stories_gguf, "-p", prompt, "-n", "1", "--logit-bias", std::to_string(ids[0]) + "=-inf"});
    ASSERT_EQ(out["ids"].size(), 1u);
    EXPECT_EQ(out["ids"].ints()[0], runs[0]["top10_logits_first8_steps"][0][1][0].number()); /* the second best */
}

TEST_F(CliText, AFullContextIsAFinishReason) {
    Json out = llm_json({"generate", stories_gguf, "-p", prompt, "-n", "100", "--n-ctx", "16"});
    EXPECT_EQ(out["finish"].text(), "context");
    EXPECT_LE(out["ids"].size(), 12u);
}

TEST(CliLimit, APromptLongerThanTheContextIsAnError) {
    Output out = llm({"generate", reasoner, "-p", std::string(4000, 'x'), "-n", "1", "--n-ctx", "16"});
    EXPECT_EQ(1, out.rc);
    EXPECT_EQ("", out.out);
    EXPECT_NE(std::string::npos, out.err.find("tokens, the context holds 16 (engine option n_ctx"));
}

TEST_F(CliText, LogprobsComeWithAlternatives) {
    Json out = llm_json({"generate", stories_gguf, "-p", prompt, "-n", "4", "--logprobs", "2"});
    Json list = out["logprobs"];
    ASSERT_EQ(list.size(), 4u);
    for (size_t i = 0; i < 4; i++) {
        EXPECT_EQ(static_cast<int>(list[i]["id"].number()), ids[i]);
        ASSERT_EQ(list[i]["top"].size(), 2u);
        EXPECT_EQ(list[i]["top"][0]["logprob"].number(), list[i]["logprob"].number());
        EXPECT_GE(list[i]["top"][0]["logprob"].number(), list[i]["top"][1]["logprob"].number());
    }
}

TEST_F(CliText, TimingsCountTokens) {
    Json timings = llm_json({"generate", stories_gguf, "-p", prompt, "-n", "10"})["timings"];
    EXPECT_EQ(timings["tokens"].number(), 10);
    EXPECT_EQ(timings["prompt_tokens"].number(), 5);
    EXPECT_EQ(timings["cached_tokens"].number(), 0);
    for (const char *name : {"load_ms", "queue_ms", "prompt_ms", "decode_ms"}) {
        EXPECT_TRUE(timings[name]) << name;
        EXPECT_GE(timings[name].number(), 0) << name;
    }
}

TEST_F(CliText, SamplingDependsOnTheSeedAlone) {
    Args base{"generate", stories_gguf, "-p", prompt, "-n", "30", "--temperature", "1", "--completions", "3", "--seed"};
    auto with = [&](const char *seed, const char *threads) {
        Args args = base;
        args.insert(args.end(), {seed, "--threads", threads});
        return llm_json(args)["completions"];
    };
    Json a = with("7", "1"), b = with("7", "2"), c = with("8", "1");
    ASSERT_EQ(a.size(), 3u);
    for (size_t i = 0; i < 3; i++) EXPECT_EQ(a[i]["ids"].ints(), b[i]["ids"].ints());
    EXPECT_NE(a[0]["ids"].ints(), a[1]["ids"].ints());
    EXPECT_NE(a[0]["ids"].ints(), c[0]["ids"].ints());
}

TEST_F(CliText, CtrlCEndsACompletionAndKeepsWhatIsThere) {
    Args args{"generate", stories_gguf, "-p", prompt, "-n", "1000000", "--n-ctx", "40000", "--ignore-eos"};
    Output out = llm_interrupted(args);
    EXPECT_EQ(out.rc, 1);
    EXPECT_EQ(out.out.rfind(continuation.substr(0, 1), 0), 0u);
    EXPECT_EQ(out.out.back(), '\n');
}

/* ---- chat ---- */

TEST_F(CliText, ChatKeepsTheTranscriptAndResets) {
    Json turns = llm_json({"chat", stories_gguf, "-n", "5", "--temperature", "0"}, "Hi\n\nHow are you?\n")["messages"];
    ASSERT_EQ(turns.size(), 4u);
    EXPECT_EQ(turns[0]["role"].text(), "user");
    EXPECT_EQ(turns[0]["content"].text(), "Hi");
    EXPECT_EQ(turns[1]["role"].text(), "assistant");
    Json after =
        llm_json({"chat", stories_gguf, "-n", "5", "--temperature", "0"}, "Bye\n/reset\nHi\n/exit\nno\n")["messages"];
    ASSERT_EQ(after.size(), 2u);
    EXPECT_EQ(after[1]["content"].text(), turns[1]["content"].text());
    Output plain = llm({"chat", stories_gguf, "-n", "5", "--temperature", "0"}, "Hi\n");
    EXPECT_EQ(plain.rc, 0);
    EXPECT_EQ(plain.out, turns[1]["content"].text() + "\n");
}
