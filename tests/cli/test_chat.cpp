// llm chat through pipes: its commands, what it says, the files it writes.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "command.h"

namespace {

std::string slurp(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Short answers, whatever the model says.
Args chat(const Args &more = {}) {
    Args args = {"chat", reasoner, "-n", "12", "--ignore-eos", "--seed", "7"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
}

// Draws that no two of are alike.
const Args wild = {"--temperature", "4"};

std::string answer(const Json &messages, size_t index) {
    EXPECT_EQ(messages[index]["role"].text(), "assistant");
    return messages[index]["content"].text();
}

TEST(CliChat, AWordThatIsNoCommandIsAnErrorAndNeverSent) {
    Output out = llm(chat(), "/undp\nHi\n");
    EXPECT_EQ(out.rc, 1);
    EXPECT_EQ(out.out, "");
    EXPECT_NE(out.err.find("/undp is no command; did you mean /undo? /help"), std::string::npos) << out.err;
    EXPECT_EQ(llm_json(chat(), "Hi\n/nonsense\n", 1)["error"]["status"].text(), "LLM_E_ARGUMENT");
    EXPECT_EQ(llm(chat(), "/reset now\n").rc, 1);
}

TEST(CliChat, TwoSlashesBeginAMessage) {
    Json messages = llm_json(chat(), "//etc/passwd is what?\n")["messages"];
    EXPECT_EQ(messages[0]["content"].text(), "/etc/passwd is what?");
}

TEST(CliChat, LinesBetweenQuotesAreOneMessage) {
    Json messages = llm_json(chat(), "\"\"\"\n/first\n\n  second\n\"\"\"\n\"\"\"third\"\"\"\n")["messages"];
    ASSERT_EQ(messages.size(), 4u);
    EXPECT_EQ(messages[0]["content"].text(), "/first\n\n  second");
    EXPECT_EQ(messages[2]["content"].text(), "third");
    Output unended = llm(chat(), "\"\"\"\nno end\n");
    EXPECT_EQ(unended.rc, 1);
    EXPECT_EQ(unended.out, "");
    EXPECT_NE(unended.err.find("no end"), std::string::npos) << unended.err;
}

TEST(CliChat, EmptyLinesAreNoMessages) {
    EXPECT_EQ(llm_json(chat(), "\n  \n\t\n")["messages"].size(), 0u);
}

TEST(CliChat, ASeedThatWasDrawnIsShownAndRepeatsTheConversation) {
    Args args = {"chat", reasoner, "-n", "12", "--ignore-eos", "--temperature", "4"};
    Json first = llm_json(args, "Hi\nAgain\n"), other = llm_json(args, "Hi\nAgain\n");
    EXPECT_NE(answer(first["messages"], 3), answer(other["messages"], 3));
    std::string seed = std::to_string(static_cast<uint64_t>(first["seed"].number()));
    args.insert(args.end(), {"--seed", seed});
    Json again = llm_json(args, "Hi\nAgain\n");
    EXPECT_EQ(answer(again["messages"], 1), answer(first["messages"], 1));
    EXPECT_EQ(answer(again["messages"], 3), answer(first["messages"], 3));
    EXPECT_NE(llm(args, "Hi\n").err.find("seed " + seed + "\n"), std::string::npos);
}

TEST(CliChat, UndoTakesBackAndTheQuestionIsAnsweredByAnotherDraw) {
    std::string path = temporary_path("undo.json");
    Json last = llm_json(chat(wild), "Hi\n/save " + path + "\n/undo\nHi\n")["messages"];
    Json first = Json::load(path)["messages"];
    ASSERT_EQ(first.size(), 2u);
    ASSERT_EQ(last.size(), 2u);
    EXPECT_NE(answer(first, 1), answer(last, 1));
    remove(path.c_str());
    EXPECT_EQ(llm(chat(), "/undo\n").rc, 1);
    EXPECT_EQ(llm_json(chat({"--system", "Be brief."}), "Hi\n/undo\n")["messages"].size(), 1u);
}

TEST(CliChat, RegenerateDrawsAnotherAnswer) {
    std::string path = temporary_path("regenerate.json");
    Json last = llm_json(chat(wild), "Hi\n/save " + path + "\n/regenerate\n")["messages"];
    ASSERT_EQ(last.size(), 2u);
    EXPECT_EQ(last[0]["content"].text(), "Hi");
    EXPECT_NE(answer(Json::load(path)["messages"], 1), answer(last, 1));
    remove(path.c_str());
    EXPECT_EQ(llm(chat(), "/regenerate\n").rc, 1);
    Output greedy = llm(chat({"--temperature", "0"}), "Hi\n/regenerate\n");
    EXPECT_EQ(greedy.rc, 1);
    EXPECT_NE(greedy.err.find("temperature 0"), std::string::npos) << greedy.err;
}

TEST(CliChat, ResetAndDropForgetAndTheSystemMessageStays) {
    Args args = chat({"--system", "Be brief."});
    EXPECT_EQ(llm_json(args, "a\nb\n/reset\n")["messages"].size(), 1u);
    Json dropped = llm_json(args, "a\nb\nc\n/drop 2\n")["messages"];
    ASSERT_EQ(dropped.size(), 3u);
    EXPECT_EQ(dropped[0]["role"].text(), "system");
    EXPECT_EQ(dropped[1]["content"].text(), "c");
    EXPECT_EQ(llm_json(args, "a\n/drop 99\n")["messages"].size(), 1u);
    EXPECT_EQ(llm(args, "/drop none\n").rc, 1);
}

TEST(CliChat, SystemReplacesAndRemovesTheSystemMessage) {
    Json messages = llm_json(chat(), "a\n/system Speak as a pirate.\n/system Be kind.\n")["messages"];
    ASSERT_EQ(messages.size(), 3u);
    EXPECT_EQ(messages[0]["role"].text(), "system");
    EXPECT_EQ(messages[0]["content"].text(), "Be kind.");
    EXPECT_EQ(llm_json(chat(), "/system x\n/system \"\"\n")["messages"].size(), 0u);
    EXPECT_NE(llm(chat(), "/system Be kind.\n/system\n").err.find("Be kind."), std::string::npos);
}

TEST(CliChat, SetChangesTheOptionsOfGeneration) {
    std::string err = llm(chat(), "/set max-tokens 3\nHi\n/set temperature=0.25\n/set seed 11\n/set\n").err;
    EXPECT_NE(err.find("cut at 3 tokens"), std::string::npos) << err;
    EXPECT_NE(err.find("temperature          0.25"), std::string::npos) << err;
    EXPECT_NE(err.find("seed 11\n"), std::string::npos) << err;
    for (const char *wrong : {"/set top_p 7", "/set top_p", "/set warmth 1", "/set n_ctx 5", "/set n 2"}) {
        Output out = llm(chat(), std::string(wrong) + "\n");
        EXPECT_EQ(out.rc, 1) << wrong;
        EXPECT_NE(out.err.find("/set: "), std::string::npos) << out.err;
    }
}

TEST(CliChat, StatsCountTokens) {
    std::string err = llm(chat(), "Hi\n/stats\n").err;
    EXPECT_NE(err.find("1 turn, "), std::string::npos) << err;
    EXPECT_NE(err.find("last answer: 12 tokens"), std::string::npos) << err;
    EXPECT_NE(err.find("seed 7\n"), std::string::npos) << err;
}

TEST(CliChat, SavedConversationsGoOn) {
    std::string path = temporary_path("talk.json");
    EXPECT_EQ(llm(chat(), "Hi\n/save " + path + "\n").rc, 0);
    Json loaded = llm_json(chat(), "/load " + path + "\nMore\n/save " + path + "\n")["messages"];
    ASSERT_EQ(loaded.size(), 4u);
    EXPECT_EQ(loaded[0]["content"].text(), "Hi");
    EXPECT_EQ(Json::load(path)["messages"].size(), 4u) << "the file that was loaded may be written again";
    EXPECT_EQ(llm_json(chat({"--load", path}), "")["messages"].size(), 4u);
    Output other = llm(chat(), "Hi\n/save " + path + "\n");
    EXPECT_EQ(other.rc, 1);
    EXPECT_NE(other.err.find("exists"), std::string::npos) << other.err;
    EXPECT_EQ(Json::load(path)["messages"].size(), 4u);
    remove(path.c_str());
}

TEST(CliChat, AFileThatCannotBeWrittenIsAnError) {
    for (const char *path : {"/dev/full", "/nonexistent/talk.json", ""}) {
        Output out = llm(chat(), std::string("/save ") + path + "\n");
        EXPECT_EQ(out.rc, 1) << path;
        EXPECT_NE(out.err.find(path), std::string::npos) << out.err;
    }
}

TEST(CliChat, GarbageIsNotLoaded) {
    std::string path = temporary_path("garbage.json");
    for (const char *text : {"", "{", "{}", "[1]", "{\"messages\":1}", "{\"messages\":[{\"role\":\"user\"}]}",
                             "\xff\xfe", "[{\"role\":\"user\",\"content\":[1]}]", "[{\"role\":1,\"content\":\"a\"}]"}) {
        write_file(path, text);
        Output out = llm(chat(), "/load " + path + "\n");
        EXPECT_EQ(out.rc, 1) << text;
        EXPECT_NE(out.err.find(path), std::string::npos) << out.err;
    }
    for (const char *wrong : {"/nonexistent.json", "/", "/dev/zero", ""})
        EXPECT_EQ(llm(chat(), std::string("/load ") + wrong + "\n").rc, 1) << wrong;
    remove(path.c_str());
}

TEST(CliChat, AnAnswerThatIsCutIsSaidToBeCut) {
    EXPECT_NE(llm(chat(), "Hi\n").err.find("(cut at 12 tokens; --max-tokens allows more)"), std::string::npos);
    std::string err = llm({"chat", reasoner, "-n", "-1", "-c", "32", "--ignore-eos"}, "Hi\n").err;
    EXPECT_NE(err.find("the context is full, 32 tokens"), std::string::npos) << err;
}

TEST(CliChat, AConversationThatDoesNotFitIsAnError) {
    Output out = llm(chat({"-c", "32"}), std::string(2000, 'x') + "\n");
    EXPECT_EQ(out.rc, 1);
    EXPECT_EQ(out.out, "");
    EXPECT_NE(out.err.find("tokens, the context holds 32 (engine option n_ctx"), std::string::npos) << out.err;
}

TEST(CliChat, CtrlCEndsARunThroughAPipe) {
    Output out = llm_interrupted({"chat", reasoner, "-n", "-1", "-c", "1000000", "--ignore-eos"}, "Hi\nAgain\n");
    EXPECT_EQ(out.rc, 1);
    EXPECT_NE(out.err.find("interrupted"), std::string::npos) << out.err;
}

TEST(CliChat, AModelWithoutTemplateSaysSo) {
    const std::string key = "tokenizer.chat_template", other = "tokenizer.chat_temporary";
    std::string bytes = slurp(reasoner), path = temporary_path("no-template.gguf");
    size_t at = bytes.find(key);
    ASSERT_NE(at, std::string::npos);
    bytes.replace(at, key.size(), other, 0, key.size());
    write_file(path, bytes);
    Args args = chat();
    args[1] = path;
    Output out = llm(args, "Hi\n");
    EXPECT_EQ(out.rc, 0) << out.err;
    EXPECT_NE(out.err.find("no chat template"), std::string::npos) << out.err;
    EXPECT_EQ(llm(chat(), "Hi\n").err.find("no chat template"), std::string::npos);
    remove(path.c_str());
}

} // namespace
