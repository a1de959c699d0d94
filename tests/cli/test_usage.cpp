// What holds for every subcommand: help, exit codes, errors, where output goes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "command.h"

static const char *const commands[] = {"info",  "tokenize",   "detokenize", "generate", "chat",  "logits",
                                       "score", "perplexity", "embed",      "quantize", "bench", "backends"};

// Arguments with which each subcommand would work on MODEL.
static std::vector<Args> uses_of(const std::string &model) {
    return {{"info", model},
            {"tokenize", model, "a"},
            {"detokenize", model, "1"},
            {"generate", model, "-p", "a"},
            {"chat", model},
            {"logits", model, "--ids", "1"},
            {"score", model, "-p", "a", "-c", "b"},
            {"perplexity", model, "/dev/null"},
            {"embed", model, "a"},
            {"quantize", model, temporary_path("never.gguf"), "Q8_0"},
            {"bench", model, "-p", "1", "-n", "1"}};
}

static void expect_error(const Args &args, int rc, const std::string &status) {
    SCOPED_TRACE(args[0]);
    Output plain = llm(args);
    EXPECT_EQ(plain.rc, rc);
    EXPECT_EQ(plain.out, "");
    EXPECT_NE(plain.err, "");
    Json error = llm_json(args, "", rc)["error"];
    EXPECT_NE(error["message"].text(), "");
    if (status.empty())
        EXPECT_EQ(error["status"].text().substr(0, 6), "LLM_E_");
    else
        EXPECT_EQ(error["status"].text(), status) << error["message"].text();
}

TEST(CliUsage, NoArgumentsAndHelpShowTheOverview) {
    Output bare = llm({});
    EXPECT_EQ(bare.rc, 0);
    for (const char *name : commands)
        EXPECT_NE(bare.out.find(std::string("\n  ") + name + " "), std::string::npos) << name;
    EXPECT_EQ(llm({"help"}).out, bare.out);
    EXPECT_EQ(llm({"--help"}).out, bare.out);
}

TEST(CliUsage, EverySubcommandHasHelpOnStandardOutput) {
    for (const char *name : commands) {
        SCOPED_TRACE(name);
        Output help = llm({"help", name});
        EXPECT_EQ(help.rc, 0);
        EXPECT_EQ(help.err, "");
        EXPECT_EQ(help.out.rfind(std::string("usage: llm ") + name, 0), 0u);
        EXPECT_NE(help.out.find("--json"), std::string::npos);
        EXPECT_EQ(llm({name, "--help"}).out, help.out);
    }
}

TEST(CliUsage, HelpListsTheLibrarysOptionsWithDashes) {
    std::string help = llm({"help", "generate"}).out;
    for (const char *option : {"--top-p X", "-n, --max-tokens N", "--kv-dtype TYPE", "-c, --n-ctx, --ctx N",
                               "--no-mmap", "--backend TEXT", "-t, --n-threads, --threads N", "--ignore-eos"})
        EXPECT_NE(help.find(option), std::string::npos) << option << "\n" << help;
}

TEST(CliUsage, VersionIsOneLine) {
    Output version = llm({"--version"});
    EXPECT_EQ(version.rc, 0);
    EXPECT_EQ(version.out.rfind("llm ", 0), 0u);
    EXPECT_EQ(version.out.find('\n'), version.out.size() - 1);
}

TEST(CliUsage, UnknownNamesAreUsageErrorsThatNameTheNearest) {
    Output command = llm({"genrate"});
    EXPECT_EQ(command.rc, 2);
    EXPECT_EQ(command.out, "");
    EXPECT_NE(command.err.find("'generate'"), std::string::npos) << command.err;
    Output option = llm({"generate", "m", "-p", "a", "--temprature", "1"});
    EXPECT_EQ(option.rc, 2);
    EXPECT_NE(option.err.find("'--temperature'"), std::string::npos) << option.err;
}

TEST(CliUsage, WrongArgumentsExitWithTwo) {
    expect_error({"generate"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "--ids", "1"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "--top-p", "7"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "--temperature", "warm"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "--logit-bias", "3"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "--stop", ""}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "-Z"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "-p", "a", "--echo=1"}, 2, "LLM_E_ARGUMENT");
    expect_error({"generate", "m", "--seed"}, 2, "LLM_E_ARGUMENT");
    expect_error({"logits", "m", "--ids", "1,-2"}, 2, "LLM_E_ARGUMENT");
    expect_error({"logits", "m", "--ids", "1,99999999999"}, 2, "LLM_E_ARGUMENT");
    expect_error({"score", "m", "-p", "a"}, 2, "LLM_E_ARGUMENT");
    expect_error({"embed", "m", "a", "--pool", "max"}, 2, "LLM_E_ARGUMENT");
    expect_error({"quantize", "in", "out", "Q9_9"}, 2, "LLM_E_ARGUMENT");
    expect_error({"bench", "m", "-r", "0"}, 2, "LLM_E_ARGUMENT");
    expect_error({"perplexity", "m", "f", "--ctx", "8", "--stride", "8"}, 2, "LLM_E_ARGUMENT");
    expect_error({"backends", "x"}, 2, "LLM_E_ARGUMENT");
}

TEST(CliErrors, AMissingModelIsNotFoundInEverySubcommand) {
    for (const Args &use : uses_of("/nonexistent/model.gguf")) expect_error(use, 1, "LLM_E_NOT_FOUND");
}

TEST(CliErrors, GarbageIsRefusedByEverySubcommand) {
    std::string path = temporary_path("garbage.gguf");
    for (const std::string &bytes : {std::string(), std::string("hello"), std::string("GGUF\3\0\0\0\xff\xff\xff", 11),
                                     std::string(5000, '\xff')}) {
        write_file(path, bytes);
        for (const Args &use : uses_of(path)) expect_error(use, 1, "");
    }
    EXPECT_FALSE(exists(temporary_path("never.gguf")));
    remove(path.c_str());
}

TEST(CliErrors, AFullDiskIsAFailure) {
    Output full = llm_into("/dev/full", {"backends"});
    EXPECT_EQ(full.rc, 1);
    EXPECT_NE(full.err, "");
}

TEST(CliErrors, AMissingTextFileIsNotFound) {
    expect_error({"generate", "m", "-f", "/nonexistent/text"}, 1, "LLM_E_NOT_FOUND");
    expect_error({"tokenize", "m", "--file", "/nonexistent/text"}, 1, "LLM_E_NOT_FOUND");
}

TEST(CliErrors, AnUnusableBackendSaysWhy) {
    Json error = llm_json({"generate", stories_gguf, "-p", "a", "--backend", "nonesuch"}, "", 1)["error"];
    EXPECT_NE(error["message"].text().find("nonesuch"), std::string::npos) << error["message"].text();
}

TEST(CliBackends, ListsTheCpuAsUsableAndReasonsForTheRest) {
    Json list = llm_json({"backends"})["backends"];
    ASSERT_GE(list.size(), 1u);
    bool has_cpu = false;
    for (size_t i = 0; i < list.size(); i++) {
        has_cpu = has_cpu || (list[i]["name"].text() == "cpu" && list[i]["usable"].is_true());
        EXPECT_NE(list[i][list[i]["usable"].is_true() ? "description" : "reason"].text(), "");
    }
    EXPECT_TRUE(has_cpu);
    EXPECT_NE(llm({"backends"}).out.find("cpu"), std::string::npos);
}

TEST(CliUsage, VersionIsASubcommandToo) {
    EXPECT_EQ(llm({"version"}).out, llm({"--version"}).out);
    EXPECT_EQ("llm " + llm_json({"version"})["version"].text() + "\n", llm({"version"}).out);
}

// It is installed under another name than the build tree's.
TEST(CliUsage, MessagesNameTheProgramAsItWasCalled) {
    std::string program = temporary_path("tool"), err = program + ".err";
    ASSERT_EQ(symlink(LLM_COMMAND, program.c_str()), 0);
    EXPECT_EQ(WEXITSTATUS(std::system(("'" + program + "' generate 2>'" + err + "'").c_str())), 2);
    std::ifstream file(err);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::string name = program.substr(program.rfind('/') + 1);
    EXPECT_NE(text.find("Try '" + name + " help generate'"), std::string::npos) << text;
    remove(program.c_str());
    remove(err.c_str());
}
