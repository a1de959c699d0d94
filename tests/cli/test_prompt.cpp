// llm render and llm prompt explain.
#include <gtest/gtest.h>

#include "command.h"

namespace {

const char *const context = R"({"messages": [{"role": "user", "content": "Hi <s>"}], "add_generation_prompt": true})";

TEST(CliPrompt, RendersATemplateFile) {
    std::string path = temporary_path("t.jinja");
    write_file(
        path,
        "{% for m in messages %}\n[{{ m.role }}] {{ m.content }}\n{% endfor %}\n{{ strftime_now('%Y-%m-%d') }}\n");
    Args args = {"render", "--template", path, "--context", "-", "--now", "2026-01-15T12:00:00"};
    Output plain = llm(args, context);
    EXPECT_EQ(plain.rc, 0) << plain.err;
    EXPECT_EQ(plain.out, "[user] Hi <s>\n2026-01-15");
    EXPECT_EQ(llm_json(args, context)["text"].text(), plain.out);
}

TEST(CliPrompt, RefusalsAreErrors) {
    std::string path = temporary_path("bad.jinja");
    write_file(path, "{{ raise_exception('no such role') }}");
    Json refused = llm_json({"render", "--template", path, "--context", "-"}, context, 1);
    EXPECT_NE(refused["error"]["message"].text().find("no such role"), std::string::npos);
    EXPECT_EQ(llm({"render", "--template", path}).rc, 2);
    EXPECT_EQ(llm({"render", "--template", path, "--context", "-", "--now", "today"}, context).rc, 2);
    EXPECT_EQ(llm({"render", "--template", path, "--context", "-"}, "[1]").rc, 1);
    EXPECT_EQ(llm({"prompt", "explain"}).rc, 2);
}

TEST(CliPrompt, AModelWithoutTemplateSaysSo) {
    Output o = llm({"prompt", "explain", stories_gguf, "--context", "-"}, context);
    EXPECT_EQ(o.rc, 1);
    EXPECT_NE(o.err.find("no chat template"), std::string::npos) << o.err;
}

// Without the fields that the formats show an example would be "Q: \nA: ".
TEST(CliShots, AreReadByWhatTheyAreAndRefusedWithHoles) {
    auto ask = [](const std::string &name, const std::string &text) {
        std::string path = temporary_path(name);
        write_file(path, text);
        return llm({"ask", reasoner, "3+4?", "--plain", "-n", "2", "--json", "--shots", path});
    };
    const std::string prompt = "Q: 2+2?\\nA: 4\\n\\nQ: 3+4?\\nA:";
    for (auto &[name, text] : std::vector<std::pair<std::string, std::string>>{
             {"a.tsv", "question\tanswer\n2+2?\t4\n"},
             {"a.csv", "question\tanswer\r\n2+2?\t4\r\n"},
             {"b.csv", "\xef\xbb\xbfquestion,answer\r\n\"2+2?\",4\r\n"},
             {"a.txt", "{\"question\": \"2+2?\", \"answer\": 4}\n"},
             {"a.json", "[{\"question\": \"2+2?\", \"answer\": \"4\"}]"}}) {
        Output out = ask(name, text);
        EXPECT_EQ(0, out.rc) << name << out.err;
        EXPECT_NE(std::string::npos, out.out.find(prompt)) << name << out.out;
    }
    Output holes = ask("holes.csv", "input,output\n2+2?,4\n");
    EXPECT_EQ(1, holes.rc);
    EXPECT_NE(std::string::npos, holes.out.find("the fields are input, output")) << holes.out;
    Output twice = ask("twice.jsonl", "{\"question\": \"a\", \"question\": \"b\"}\n");
    EXPECT_EQ(1, twice.rc);
    EXPECT_NE(std::string::npos, twice.out.find("twice.jsonl: examples: line 1")) << twice.out;
}

} // namespace
