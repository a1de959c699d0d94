// The command on a terminal: editing, pasting, interrupting, and signs of life.
#include <gtest/gtest.h>
#include <unistd.h>

#include "terminal.h"

namespace {

const std::string paste_on = "\033[200~", paste_off = "\033[201~", up = "\033[A";

class CliTerminal : public testing::Test {
  protected:
    void SetUp() override {
        path = temporary_path("terminal.json");
        args = {"chat", reasoner, "-n", "8", "--ignore-eos", "--seed", "7"};
    }
    void TearDown() override { remove(path.c_str()); }

    // Saves and leaves; the messages of the user.
    std::vector<std::string> questions(Terminal &t) {
        t.enter("/save " + path);
        t.wait("saved");
        t.enter("/exit");
        EXPECT_EQ(t.end(), 0);
        Json messages = Json::load(path)["messages"];
        std::vector<std::string> out;
        for (size_t i = 0; i < messages.size(); i++)
            if (messages[i]["role"].text() == "user") out.push_back(messages[i]["content"].text());
        return out;
    }

    std::string path;
    Args args;
};

#ifdef LLM_HAS_LIBEDIT
TEST_F(CliTerminal, LinesAreEditedAndRemembered) {
    Terminal t(args);
    t.enter("abd\b\bx\033[Fc\x01>"); // two back, to the end, to the beginning
    t.enter(up + "!");
    EXPECT_EQ(questions(t), (std::vector<std::string>{">axc", ">axc!"}));
}

TEST_F(CliTerminal, TextBeyondAsciiIsEditedByCharacter) {
    Terminal t(args);
    t.enter("gr\xc3\xbc\xc3\xb6\b\xc3\x9f");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"gr\xc3\xbc\xc3\x9f"}));
}

TEST_F(CliTerminal, PastedLinesAreOneMessage) {
    Terminal t(args);
    t.enter(paste_on + "/* first */\rsecond\r\tthird\r" + paste_off);
    EXPECT_EQ(questions(t), (std::vector<std::string>{"/* first */\nsecond\n\tthird"}));
}

TEST_F(CliTerminal, AltEnterBeginsAnotherLine) {
    Terminal t(args);
    t.enter("one\033\rtwo");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"one\ntwo"}));
}
#endif

TEST_F(CliTerminal, ADumbTerminalGetsPlainLines) {
    Terminal t(args, "dumb");
    t.enter("Hi");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"Hi"}));
    EXPECT_EQ(t.shown().find('\033'), std::string::npos);
}

TEST_F(CliTerminal, FaultsAreToldAndTheConversationGoesOn) {
    Terminal t(args);
    t.enter("/nonsense");
    t.wait("is no command");
    t.enter("/load /nonexistent.json");
    t.wait("No such file");
    t.enter("/undo");
    t.wait("no question");
    t.enter("Hi");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"Hi"}));
}

TEST_F(CliTerminal, SavingAsksBeforeItReplaces) {
    write_file(path, "precious");
    Terminal t(args);
    t.enter("/save " + path);
    t.wait("[y/N] ");
    t.type("\r");
    t.wait("not saved");
    t.enter("Hi");
    t.enter("/save " + path);
    t.wait("[y/N] ");
    t.type("y\r");
    t.wait("messages: 2");
    t.enter("/exit");
    EXPECT_EQ(t.end(), 0);
}

TEST_F(CliTerminal, CtrlCEndsAnAnswerAndTheConversationGoesOn) {
    Terminal t({"chat", reasoner, "-n", "1000000", "-c", "200000", "--ignore-eos"});
    t.enter("Hi");
    t.wait("\n");
    t.wait(" ");
    t.type("\x03");
    t.wait("(interrupted");
    t.enter("/set max-tokens 4");
    t.enter("Again");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"Hi", "Again"}));
}

TEST_F(CliTerminal, CtrlCTwiceEndsTheProgram) {
    Terminal t(args);
    t.wait_for_prompt();
    t.type("half a line");
    t.wait("half a line");
    t.type("\x03");
    t.wait("Ctrl-C again");
    t.wait_for_prompt();
    t.type("\x03");
    EXPECT_EQ(t.end(), 0);
}

TEST_F(CliTerminal, CtrlDEndsTheProgram) {
    Terminal t(args);
    t.wait_for_prompt();
    t.type("\x04");
    EXPECT_EQ(t.end(), 0);
}

TEST_F(CliTerminal, AFullContextOffersToDropTheOldestTurns) {
    Terminal t({"chat", reasoner, "-n", "-1", "-c", "64", "--ignore-eos"});
    t.enter("One");
    t.wait("the context is full, 64 tokens");
    t.enter("Two");
    t.wait("Drop the oldest turns to make room? [Y/n]");
    t.type("\r");
    t.wait("oldest turns dropped: 1;");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"Two"}));
}

TEST_F(CliTerminal, AQuestionThatCanNeverFitDropsNothing) {
    Terminal t({"chat", reasoner, "-n", "4", "-c", "64", "--ignore-eos"});
    t.enter("One");
    t.enter(std::string(600, 'x'));
    t.wait("[Y/n");
    t.type("\r");
    t.wait("tokens, the context holds 64");
    EXPECT_EQ(questions(t), (std::vector<std::string>{"One"}));
}

TEST_F(CliTerminal, WhatTakesLongSaysSo) {
    Terminal t({"bench", reasoner, "--backend", "reference", "-r", "1000"});
    EXPECT_TRUE(t.wait("measuring"));
}

TEST_F(CliTerminal, APromptThatTakesLongShowsItsRateAndWhatIsLeft) {
    std::string text = temporary_path("long.txt");
    write_file(text, std::string(40000, 'x') + "\n");
    Terminal t({"generate", reasoner, "-f", text, "--backend", "reference", "-c", "60000", "--n-batch", "16"});
    EXPECT_TRUE(t.wait("prompt ["));
    EXPECT_TRUE(t.wait(" tokens, "));
    EXPECT_TRUE(t.wait(" left"));
    remove(text.c_str());
}

TEST_F(CliTerminal, NothingGivenOnATerminalIsWrongUsage) {
    Terminal t({"generate", reasoner});
    EXPECT_TRUE(t.wait("no prompt"));
    EXPECT_EQ(t.end(), 2);
}

} // namespace
