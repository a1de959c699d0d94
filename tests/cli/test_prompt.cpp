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
    NEEDS(stories_gguf);
    Output o = llm({"prompt", "explain", stories_gguf, "--context", "-"}, context);
    EXPECT_EQ(o.rc, 1);
    EXPECT_NE(o.err.find("no chat template"), std::string::npos) << o.err;
}

} // namespace
