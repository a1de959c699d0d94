// How arguments may be given: by any of the usual spellings, on standard input, inline; and what an output says of
// them.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "command.h"

namespace {

const char *const context = R"({"messages": [{"role": "user", "content": "Hi\n  there"}]})";

std::vector<int> ids_of(Args args, const std::string &input = "") {
    return llm_json(std::move(args), input)["ids"].ints();
}

std::string line_of(const std::string &text, const std::string &word) {
    size_t at = text.find(word);
    if (at == std::string::npos) return "";
    return text.substr(at, text.find('\n', at) - at);
}

/* ---- options ---- */

struct Switch {
    const char *group, *name, *meaning;
    bool on;
};

const Switch switches[] = {
#define GROUP(group, last)
#define MEMBER(group, name)
#define END(group)
#define OPTION(group, name, type, fallback, least, most, meaning)                                                      \
    {#group, #name, meaning, std::string(#type) == "BOOL" && std::string(#fallback) == "1"},
#include "libllm/base/options.def"
#undef GROUP
#undef OPTION
#undef MEMBER
#undef END
};

TEST(CliOptions, HelpOfANegatedSwitchSaysWhatItDoes) {
    int n = 0;
    for (const Switch &s : switches) {
        if (!s.on) continue;
        std::string option = std::string("--no-") + s.name;
        for (char &c : option) c = c == '_' ? '-' : c;
        std::string line = line_of(llm({"help", std::string(s.group) == "ask" ? "ask" : "generate"}).out, option);
        std::string meaning = s.meaning;
        size_t off = meaning.find("; 0: ");
        ASSERT_NE(off, std::string::npos) << option << ": no text for what it does when it is off";
        EXPECT_NE(line.find("  " + meaning.substr(off + 5)), std::string::npos) << line;
        EXPECT_EQ(line.find(meaning.substr(0, off)), std::string::npos) << line;
        n++;
    }
    EXPECT_GE(n, 5);
}

TEST(CliOptions, ValuesFollowAttachedOrAfterAnEqualsSign) {
    for (const Args &n : std::vector<Args>{{"-n", "3"}, {"-n3"}, {"-n=3"}, {"--max-tokens", "3"}, {"--max-tokens=3"}}) {
        Args args = {"generate", reasoner, "Once upon a time", "--ignore-eos"};
        args.insert(args.end(), n.begin(), n.end());
        EXPECT_EQ(ids_of(args).size(), 3u) << n[0];
    }
    EXPECT_EQ(llm({"generate", reasoner, "-p", "=", "-n", "0", "--echo"}).out, "=\n");
    EXPECT_EQ(llm({"generate", reasoner, "-n", "0", "--echo", "--", "-p"}).out, "-p\n");
}

TEST(CliOptions, TheModelMayBeAnOption) {
    for (const Args &rest :
         std::vector<Args>{{"generate", "Once", "-n", "4"}, {"tokenize", "a b"}, {"detokenize", "5", "6"}}) {
        Args first = rest, option = rest, name = rest;
        first.insert(first.begin() + 1, reasoner);
        option.insert(option.end(), {"-m", reasoner});
        name.insert(name.begin() + 1, "--model=" + reasoner);
        std::string out = llm(first).out;
        EXPECT_NE(out, "");
        EXPECT_EQ(llm(option).out, out);
        EXPECT_EQ(llm(name).out, out);
    }
    EXPECT_EQ(llm({"prompt", "explain", "-m", reasoner}, context).rc, 0);
}

TEST(CliOptions, SpellingsOfOtherProgramsAreTakenOrAnswered) {
    Args base = {"generate", reasoner, "Once", "--ignore-eos"};
    auto with = [&](const Args &more) {
        Args all = base;
        all.insert(all.end(), more.begin(), more.end());
        return all;
    };
    EXPECT_EQ(ids_of(with({"--n-predict", "3", "--temp", "0.5", "--ctx-size=64"})).size(), 3u);
    for (const char *option : {"-ngl", "--n-gpu-layers", "--gpu-layers"}) {
        Output layers = llm(with({option, "99"}));
        EXPECT_EQ(layers.rc, 2);
        EXPECT_NE(layers.err.find("no layers to offload: --backend"), std::string::npos) << layers.err;
    }
    Output hub = llm({"generate", "-hf", "owner/name", "hello"});
    EXPECT_EQ(hub.rc, 2);
    EXPECT_NE(hub.err.find("hf download"), std::string::npos) << hub.err;
    Json system = llm_json({"chat", reasoner, "-sys", "Be brief.", "-n", "1"}, "Hi\n")["messages"];
    EXPECT_EQ(system[0]["role"].text(), "system");
    EXPECT_EQ(system[0]["content"].text(), "Be brief.");
    Output unknown = llm({"tokenize", reasoner, "a", "-sys", "b"});
    EXPECT_EQ(unknown.rc, 2);
    EXPECT_NE(unknown.err.find("unknown option '-sys'"), std::string::npos) << unknown.err;
}

TEST(CliOptions, ABeginningThatSeveralOptionsHaveIsSaidToBeSo) {
    EXPECT_EQ(llm({"generate", reasoner, "a", "-n", "1", "--temper", "0"}).rc, 0);
    Output several = llm({"generate", reasoner, "a", "--top", "1"});
    EXPECT_EQ(several.rc, 2);
    EXPECT_NE(several.err.find("several options"), std::string::npos) << several.err;
}

TEST(CliOptions, JsonIsAnOptionNotAWord) {
    Output echo = llm({"generate", reasoner, "-p", "--json", "-n", "0", "--echo"});
    EXPECT_EQ(echo.rc, 0);
    EXPECT_EQ(echo.out, "--json\n");
}

/* ---- texts ---- */

TEST(CliInput, APromptIsAnArgumentAnOptionOrStandardInput) {
    std::vector<int> expected = ids_of({"generate", reasoner, "-p", "Once upon a time", "-n", "6"});
    EXPECT_EQ(ids_of({"generate", reasoner, "Once upon a time", "-n", "6"}), expected);
    for (const Args &how : std::vector<Args>{{}, {"-p", "-"}, {"-"}}) {
        Args args = {"generate", reasoner, "-n", "6"};
        args.insert(args.end(), how.begin(), how.end());
        EXPECT_EQ(ids_of(args, "Once upon a time\n"), expected);
    }
    // -f takes the bytes as they are.
    EXPECT_EQ(ids_of({"generate", reasoner, "-f", "-", "-n", "6"}, "Once upon a time"), expected);
    EXPECT_EQ(llm({"generate", reasoner, "-f", "-", "-n", "0", "--echo"}, "a\n").out, "a\n\n");
}

TEST(CliInput, EverySubcommandThatTakesATextReadsStandardInput) {
    EXPECT_EQ(llm({"tokenize", reasoner}, "a b\n").out, llm({"tokenize", reasoner, "a b"}).out);
    EXPECT_EQ(llm({"detokenize", reasoner}, "70 71\n72").out, llm({"detokenize", reasoner, "70", "71", "72"}).out);
    EXPECT_EQ(llm({"logits", reasoner}, "a b").out, llm({"logits", reasoner, "-p", "a b"}).out);
    EXPECT_EQ(llm({"embed", reasoner}, "a\nb\n").out, llm({"embed", reasoner, "a", "b"}).out);
    EXPECT_EQ(llm({"ask", reasoner, "-n", "4"}, "2+2?\n").out, llm({"ask", reasoner, "2+2?", "-n", "4"}).out);
    EXPECT_EQ(llm({"render", reasoner}, context).out, llm({"render", reasoner, "--context", "-"}, context).out);
    EXPECT_EQ(llm({"perplexity", reasoner}, "a b c d").out, llm({"perplexity", reasoner, "-"}, "a b c d").out);
}

TEST(CliInput, NothingAtAllIsWrongUsage) {
    for (const char *command : {"generate", "tokenize", "detokenize", "logits", "embed", "ask", "render"}) {
        Output out = llm({command, reasoner});
        EXPECT_EQ(out.rc, 2) << command;
        EXPECT_NE(out.err.find("standard input is empty"), std::string::npos) << out.err;
    }
    Output twice = llm({"generate", reasoner, "a", "-p", "b"});
    EXPECT_EQ(twice.rc, 2);
    EXPECT_NE(twice.err.find("twice"), std::string::npos) << twice.err;
    EXPECT_NE(llm({"generate", reasoner, "Once", "upon"}).err.find("quotes"), std::string::npos);
}

// A file opened in the place of a closed descriptor would be read or written as if it were that.
TEST(CliInput, ClosedDescriptorsAreErrors) {
    std::string command = std::string("'") + LLM_COMMAND + "' ", quiet = " 2>/dev/null";
    auto run = [](const std::string &line) { return WEXITSTATUS(std::system(line.c_str())); };
    EXPECT_EQ(run(command + "tokenize '" + reasoner + "' <&-" + quiet), 1);
    std::string out = temporary_path("closed.gguf");
    EXPECT_EQ(run(command + "quantize '" + reasoner + "' '" + out + "' Q4_0 >&-" + quiet), 1);
    EXPECT_EQ(llm({"generate", out, "a", "-n", "1"}).rc, 0) << "what went to standard output is in the model";
    remove(out.c_str());
}

/* ---- constraints ---- */

const char *const schema = R"({"type":"object","properties":{"n":{"enum":[4,5]}},"required":["n"]})";

TEST(CliConstraints, ASchemaMayBeGivenInline) {
    for (const char *option : {"--schema", "--json-schema"}) {
        Output out = llm({"generate", reasoner, "a", option, schema, "-n", "40"});
        EXPECT_EQ(out.rc, 0) << out.err;
        double n = Json::parse(out.out)["n"].number();
        EXPECT_TRUE(n == 4 || n == 5) << out.out;
        EXPECT_EQ(out.err, "");
    }
    EXPECT_EQ(llm({"generate", reasoner, "a", "--grammar", "root ::= \"yes\"", "-n", "9"}).out, "yes\n");
    EXPECT_NE(llm({"generate", reasoner, "a", "--schema", "{"}).rc, 0);
    EXPECT_NE(llm({"generate", reasoner, "a", "--schema", "/nonexistent.json"}).err.find("/nonexistent.json"),
              std::string::npos);
}

TEST(CliConstraints, AJsonAnswerThatIsCutIsSaidToBeCut) {
    for (const Args &args : std::vector<Args>{{"generate", reasoner, "a", "--schema", schema, "-n", "2"},
                                              {"ask", reasoner, "a", "--schema", schema, "-n", "2", "--cot", "none"}}) {
        Output cut = llm(args);
        EXPECT_EQ(cut.rc, 0) << cut.err;
        EXPECT_NE(cut.err.find("cut at --max-tokens and is not complete JSON"), std::string::npos) << cut.err;
    }
    EXPECT_EQ(llm({"generate", reasoner, "a", "-n", "2"}).err, "");
}

/* ---- tokens as people read them ---- */

TEST(CliTokens, IdsAreShownWithTheirText) {
    std::string logits = llm({"logits", reasoner, "a\nb", "--top", "2"}).out;
    EXPECT_NE(logits.find(" \"a\"\t"), std::string::npos) << logits;
    EXPECT_NE(logits.find(" \"\\n\"\t"), std::string::npos) << logits;
    Json top = llm_json({"logits", reasoner, "Hi", "--top", "2"})["positions"][0]["top"];
    ASSERT_EQ(top.size(), 2u);
    EXPECT_NE(top[0]["text"].text(), "");
    std::string table = llm({"tokenize", reasoner, "a\nb  c"}).out;
    EXPECT_NE(table.find("\t\"a\"\n"), std::string::npos) << table;
    EXPECT_EQ(table.find("\xc4\xa0"), std::string::npos) << "a space as the vocabulary spells it: " << table;
}

TEST(CliTokens, ExplainShowsSpacesAndNewlines) {
    Output out = llm({"prompt", "explain", reasoner}, context);
    EXPECT_EQ(out.rc, 0) << out.err;
    EXPECT_NE(out.out.find(" \"\\n\"\n"), std::string::npos) << out.out;
    EXPECT_EQ(out.out.find("\xc4\xa0"), std::string::npos) << "a space as the vocabulary spells it: " << out.out;
    Json tokens = llm_json({"prompt", "explain", reasoner}, context)["tokens"];
    std::string text;
    for (size_t i = 0; i < tokens.size(); i++) text += tokens[i]["text"].text();
    EXPECT_NE(text.find("Hi\n  there"), std::string::npos) << text;
}

TEST(CliTokens, LogProbabilitiesArePrintedWithoutJson) {
    Args args = {"generate", reasoner, "Once upon a time", "-n", "2", "--ignore-eos", "--n-logprobs", "2"};
    Output out = llm(args);
    size_t n_lines = 0, n_tabs = 0;
    for (char c : out.out) n_lines += c == '\n', n_tabs += c == '\t';
    EXPECT_GE(n_lines, 3u) << out.out;
    EXPECT_EQ(n_tabs, 4u) << out.out;
    Json list = llm_json(args)["logprobs"];
    ASSERT_EQ(list.size(), 2u);
    for (size_t i = 0; i < 2; i++) {
        char number[32];
        snprintf(number, sizeof number, "\n%.6f ", list[i]["logprob"].number());
        EXPECT_NE(out.out.find(number), std::string::npos) << out.out;
    }
}

/* ---- files ---- */

TEST(CliQuantize, ReplacesNothingThatWasNotMeant) {
    std::string out = temporary_path("out.gguf");
    write_file(out, "precious");
    Output refused = llm({"quantize", reasoner, out, "Q4_0"});
    EXPECT_EQ(refused.rc, 1);
    EXPECT_NE(refused.err.find(out + ": exists; --force"), std::string::npos) << refused.err;
    EXPECT_EQ(llm({"quantize", reasoner, out, "Q4_0", "--force"}).rc, 0);
    Output in_place = llm({"quantize", out, out, "Q8_0", "--force"});
    EXPECT_EQ(in_place.rc, 1);
    EXPECT_NE(in_place.err.find("is the model that is read"), std::string::npos) << in_place.err;
    std::string other = temporary_path("link.gguf");
    ASSERT_EQ(symlink(out.c_str(), other.c_str()), 0);
    EXPECT_EQ(llm({"quantize", out, other, "Q8_0", "--force"}).rc, 1);
    EXPECT_TRUE(llm_json({"info", out})["dtypes"]["Q4_0"].is_object());
    remove(other.c_str());
    remove(out.c_str());
}

TEST(CliQuantize, ErrorsNameOut) {
    Output nowhere = llm({"quantize", reasoner, "/nonexistent/x.gguf", "Q4_0"});
    EXPECT_EQ(nowhere.rc, 1);
    EXPECT_NE(nowhere.err.find("/nonexistent/x.gguf: cannot be created"), std::string::npos) << nowhere.err;
    std::string out = temporary_path("big.gguf");
    std::string line = std::string("ulimit -f 100; '") + LLM_COMMAND + "' quantize '" + reasoner + "' '" + out +
                       "' Q8_0 2>'" + out + ".err'";
    EXPECT_EQ(WEXITSTATUS(std::system(("sh -c \"" + line + "\"").c_str())), 1);
    std::ifstream file(out + ".err");
    std::string err((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_NE(err.find(out + ": cannot be written"), std::string::npos) << err;
    EXPECT_FALSE(exists(out));
    EXPECT_EQ(err.find(".tmp"), std::string::npos) << err;
    remove((out + ".err").c_str());
}

TEST(CliModel, ANameOfAHubIsNotDownloaded) {
    for (const Args &args : std::vector<Args>{{"generate", "No-Such-Owner/Qwen3-0.6B", "a"},
                                              {"tokenize", "No-Such-Owner/Qwen3-0.6B", "a"}}) {
        Output out = llm(args);
        EXPECT_EQ(out.rc, 1);
        EXPECT_NE(out.err.find("libllm downloads nothing"), std::string::npos) << out.err;
        EXPECT_NE(out.err.find("hf download No-Such-Owner/Qwen3-0.6B --local-dir Qwen3-0.6B"), std::string::npos);
    }
    for (const char *path : {"/nonexistent/model", "./nonexistent/model", "nonexistent.gguf", "a/b/c", "folder/x.gguf"})
        EXPECT_EQ(llm({"info", path}).err.find("downloads"), std::string::npos) << path;
    Output no_command = llm({"Qwen/Qwen3-0.6B"});
    EXPECT_EQ(no_command.rc, 2);
    EXPECT_NE(no_command.err.find("llm generate"), std::string::npos) << no_command.err;
}

TEST(CliModel, BackendsListWhatThereIs) {
    EXPECT_EQ(llm({"backends"}).out.find("cuda"), std::string::npos);
}

} // namespace
