// llm ask: examples from files, reasoning and votes on the model of tests/stories, which answers nonsense the same way
// each time.
#include <gtest/gtest.h>

#include <set>

#include "command.h"

namespace {

const std::string shots_jsonl = "{\"question\":\"Is the sun hot?\",\"answer\":\"yes\",\"rationale\":\"It burns.\"}\n"
                                "{\"question\":\"Is ice hot?\",\"answer\":\"no\",\"rationale\":\"It is frozen.\"}\n"
                                "{\"question\":\"Is fire hot?\",\"answer\":\"yes\",\"rationale\":\"It burns.\"}\n";

class CliAsk : public testing::Test {
  protected:
    void SetUp() override {
        path = temporary_path("shots.jsonl");
        write_file(path, shots_jsonl);
    }
    // "llm ask MODEL QUESTION --json" with few tokens.
    Json ask(Args more, int rc = 0) {
        Args all = {"ask", stories_gguf, "Is snow hot?", "-n", "8"};
        all.insert(all.end(), more.begin(), more.end());
        return llm_json(all, "", rc);
    }
    std::string path;
};

TEST_F(CliAsk, ShowsThePromptItBuilt) {
    Json j = ask({"--shots", path, "-k", "1"});
    EXPECT_EQ("Q: Is the sun hot?\nA: yes\n\nQ: Is snow hot?\nA:", j["prompt"]["text"].text());
    EXPECT_EQ("Q: Is the sun hot?\nA: It burns. The answer is yes.\n\nQ: Is snow hot?\nA:",
              ask({"--shots", path, "-k", "1", "--cot", "few"})["prompt"]["text"].text());
    EXPECT_EQ("Q: Is snow hot?\nA:", ask({})["prompt"]["text"].text());
    EXPECT_EQ("Is snow hot? =", ask({"--query-format", "{{ question }} ="})["prompt"]["text"].text());
}

TEST_F(CliAsk, EverySelector) {
    for (const char *select : {"first", "random", "balanced", "knn", "bm25", "mmr"}) {
        Json j = ask({"--shots", path, "-k", "2", "--select", select, "--seed", "3"});
        ASSERT_EQ(2u, j["prompt"]["shots"].size()) << select;
        std::set<double> indexes = {j["prompt"]["shots"][0]["index"].number(),
                                    j["prompt"]["shots"][1]["index"].number()};
        EXPECT_EQ(2u, indexes.size());
    }
    Json wrong = ask({"--shots", path, "--select", "best"}, 1);
    EXPECT_EQ("LLM_E_ARGUMENT", wrong["error"]["status"].text());
}

TEST_F(CliAsk, BudgetCountsTokens) {
    Json whole = ask({"--shots", path}), cut = ask({"--shots", path, "--budget", "40"});
    EXPECT_GT(whole["prompt"]["n_tokens"].number(), 40);
    EXPECT_LE(cut["prompt"]["n_tokens"].number(), 40);
    EXPECT_LT(cut["prompt"]["shots"].size(), whole["prompt"]["shots"].size());
}

TEST_F(CliAsk, SamplesVote) {
    Args args = {"--samples", "5", "--temperature", "1", "--extract", "regex:[a-zA-Z]", "--no-early-stop"};
    Json j = ask(args);
    ASSERT_EQ(5u, j["samples"].size());
    double sum = 0;
    for (size_t i = 0; i < j["votes"].size(); i++) sum += j["votes"][i]["n"].number();
    EXPECT_EQ(5, sum);
    EXPECT_EQ(j["answer"].text(), j["votes"][0]["answer"].text());
    EXPECT_EQ(40, j["usage"]["generated"].number());
    Json again = ask(args);
    EXPECT_EQ(j["answer"].text(), again["answer"].text());
    EXPECT_EQ(j["samples"][4]["text"].text(), again["samples"][4]["text"].text());
}

TEST_F(CliAsk, EveryWayToReason) {
    for (const char *cot : {"none", "zero", "few", "least_to_most", "tree"}) {
        Json j = ask({"--cot", cot, "--shots", path, "--step-tokens", "6", "--answer-tokens", "4"});
        EXPECT_FALSE(j["answer"].is_null()) << cot;
        EXPECT_GT(j["samples"].size(), 0u);
    }
    EXPECT_EQ("LLM_E_ARGUMENT", ask({"--cot", "much"}, 1)["error"]["status"].text());
}

TEST_F(CliAsk, TheAnswerFollowsAGrammar) {
    for (const char *cot : {"none", "zero", "least_to_most", "tree"}) {
        Json j = ask({"--choices", "hot,cold", "--cot", cot, "--samples", "3", "--temperature", "1", "--step-tokens",
                      "6", "--no-early-stop"});
        size_t n_answers = 0;
        for (size_t i = 0; i < j["samples"].size(); i++) {
            if (j["samples"][i]["stage"].text() != "answer") continue;
            n_answers++;
            std::string text = j["samples"][i]["text"].text();
            EXPECT_TRUE(text == "hot" || text == "cold") << cot << ": " << text;
        }
        EXPECT_EQ(3u, n_answers) << cot;
        EXPECT_LE(j["votes"].size(), 2u);
    }
    std::string schema = temporary_path("schema.json");
    write_file(schema, R"({"type":"object","properties":{"n":{"enum":[4,5]}},"required":["n"]})");
    Json j = ask({"--schema", schema, "--extract", "json:n", "-n", "40"});
    EXPECT_TRUE(j["answer"].text() == "4" || j["answer"].text() == "5") << j["answer"].text();
    EXPECT_EQ(2, llm({"ask", stories_gguf, "x", "--choices", "a,b", "--regex", "a"}).rc);
}

TEST_F(CliAsk, PrintsTheAnswer) {
    Output o = llm({"ask", stories_gguf, "{\"question\":\"Is snow hot?\"}", "-n", "8"});
    EXPECT_EQ(0, o.rc);
    EXPECT_EQ(ask({})["answer"].text() + "\n", o.out);
    Output verbose = llm({"ask", stories_gguf, "Is snow hot?", "-n", "8", "-v"});
    EXPECT_NE(std::string::npos, verbose.err.find("Q: Is snow hot?"));
    EXPECT_NE(std::string::npos, verbose.out.find("1 of 1 votes"));
    EXPECT_TRUE(ask({"--extract", "json:x"})["answer"].is_null());
    EXPECT_EQ(1, llm({"ask", stories_gguf, "Is snow hot?", "-n", "8", "--extract", "json:x"}).rc);
    EXPECT_EQ(2, llm({"ask", stories_gguf}).rc);
}

} // namespace
