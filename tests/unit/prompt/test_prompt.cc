// Chat templates as llm/prompt.h promises them.
#include <jansson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "unit/api/api.h"

namespace {

using Template = Owner<llm_template, llm_template_unref>;
using Rendering = Owner<llm_rendering, llm_rendering_destroy>;

constexpr const char *chat = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}"
                             "{% if add_generation_prompt %}<s>assistant: {% endif %}";

Template parse(const std::string &source) {
    llm_template *t = nullptr;
    EXPECT_EQ(LLM_OK, llm_template_parse(&t, nullptr, source.data(), source.size())) << llm_last_error();
    return Template(t);
}

std::string text_of(const llm_rendering *r) {
    llm_span text = {};
    EXPECT_EQ(LLM_OK, llm_rendering_text(&text, r));
    return str(text);
}

std::vector<llm_token> tokens_of(const llm_rendering *r) {
    const llm_token *ids = nullptr;
    size_t n = 0;
    EXPECT_EQ(LLM_OK, llm_rendering_tokens(&ids, &n, r));
    return {ids, ids + n};
}

Rendering apply(const llm_model *m, const llm_template *t, const std::string &context) {
    llm_rendering *r = nullptr;
    EXPECT_EQ(LLM_OK, llm_chat_apply(&r, m, t, context.data(), context.size(), nullptr)) << llm_last_error();
    return Rendering(r);
}

TEST(Prompt, RendersAContext) {
    Template t = parse(chat);
    llm_rendering *r = nullptr;
    OK(llm_template_render(&r, t.get(), R"({"messages": [{"role": "user", "content": "é"}]})", LLM_NTS, nullptr));
    Rendering owner(r);
    EXPECT_EQ("<s>user: é</s>", text_of(r));
    EXPECT_TRUE(tokens_of(r).empty());
    llm_origin o;
    ASSERT_EQ(3, llm_rendering_origin_count(r));
    OK(llm_rendering_origin(&o, r, 1));
    EXPECT_EQ(9u, o.begin);
    EXPECT_EQ(11u, o.end);
    EXPECT_EQ(1, o.given);
    EXPECT_EQ(0, o.message);
    EXPECT_EQ(1, o.line);
    FAILS(LLM_E_ARGUMENT, "index is 3, expected 0..2", llm_rendering_origin(&o, r, 3));
    FAILS(LLM_E_ARGUMENT, "the rendering has 0 tokens", llm_rendering_token_origin(&o, r, 0));
}

TEST(Prompt, RefusalsSayWhereAndWhy) {
    llm_template *t = nullptr;
    llm_rendering *r = nullptr;
    FAILS(LLM_E_FORMAT, "chat template, line 2, column 4", llm_template_parse(&t, nullptr, "\n{{ }}", LLM_NTS));
    EXPECT_EQ(nullptr, t);
    FAILS(LLM_E_UNSUPPORTED, "\"include\"", llm_template_parse(&t, nullptr, "{% include 'x' %}", LLM_NTS));
    FAILS(LLM_E_FORMAT, "UTF-8", llm_template_parse(&t, nullptr, "\xff", LLM_NTS));
    FAILS(LLM_E_ARGUMENT, "source is NULL", llm_template_parse(&t, nullptr, nullptr, 1));
    Template refuses = parse("{{ raise_exception('roles must alternate') }}");
    FAILS(LLM_E_ARGUMENT, "roles must alternate", llm_template_render(&r, refuses.get(), "{}", LLM_NTS, nullptr));
    FAILS(LLM_E_FORMAT, "expected an object", llm_template_render(&r, refuses.get(), "[]", LLM_NTS, nullptr));
    FAILS(LLM_E_FORMAT, "context", llm_template_render(&r, refuses.get(), "{", LLM_NTS, nullptr));
    EXPECT_EQ(nullptr, r);
    Template endless = parse("{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}");
    llm_template_options o;
    llm_template_options_init(&o);
    o.max_steps = 1000;
    FAILS(LLM_E_LIMIT, "1000 steps", llm_template_render(&r, endless.get(), "{}", LLM_NTS, &o));
    o.max_depth = 129;
    FAILS(LLM_E_ARGUMENT, "max_depth", llm_template_render(&r, endless.get(), "{}", LLM_NTS, &o));
}

TEST(Prompt, TheLastMessageGoesOnWhereItsContentEnds) {
    Template t = parse(chat),
             trims = parse("{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}</s>{% endfor %}"),
             parts = parse("{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}</s>{% endfor %}");
    llm_template_options o;
    llm_template_options_init(&o);
    o.continue_final_message = 1;
    struct {
        const Template &t;
        const char *messages, *text;
    } cases[] = {
        {t, R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": "It is "}])",
         "<s>user: a</s><s>assistant: It is "},
        {trims, R"([{"role": "assistant", "content": " It is "}])", "[assistant]It is"},
        {parts, R"([{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}])", "ab"},
        {t, R"([{"role": "user", "content": "x"}, {"role": "x", "content": "x"}])", "<s>user: x</s><s>x: x"},
    };
    for (const auto &c : cases) {
        llm_rendering *r = nullptr;
        std::string context = "{\"messages\": " + std::string(c.messages) + "}";
        OK(llm_template_render(&r, c.t.get(), context.data(), context.size(), &o));
        Rendering owner(r);
        EXPECT_EQ(c.text, text_of(r));
        llm_origin last;
        OK(llm_rendering_origin(&last, r, llm_rendering_origin_count(r) - 1));
        EXPECT_EQ(text_of(r).size(), last.end);
    }
    llm_rendering *r = nullptr;
    FAILS(LLM_E_ARGUMENT, "exclude each other",
          llm_template_render(&r, t.get(), R"({"messages": [{"content": "a"}], "add_generation_prompt": true})",
                              LLM_NTS, &o));
    FAILS(LLM_E_ARGUMENT, "no text", llm_template_render(&r, t.get(), R"({"messages": []})", LLM_NTS, &o));
    FAILS(LLM_E_ARGUMENT, "does not print",
          llm_template_render(&r, parse("x").get(), R"({"messages": [{"content": "a"}]})", LLM_NTS, &o));
}

TEST(Prompt, TheClockCanBeGiven) {
    Template t = parse("{{ strftime_now('%d %b %Y %H:%M') }}");
    llm_template_options o;
    llm_template_options_init(&o);
    llm_rendering *r = nullptr;
    OK(llm_template_render(&r, t.get(), "{}", LLM_NTS, &o));
    EXPECT_EQ(17u, text_of(r).size());
    llm_rendering_destroy(r);
    o.now = 1768478400;
    OK(llm_template_render(&r, t.get(), "{}", LLM_NTS, &o));
    EXPECT_EQ("15 Jan 2026 12:00", text_of(r));
    llm_rendering_destroy(r);
}

class ModelTemplates : public testing::Test {
  protected:
    Folder folder;
    Model load(Gguf &g) { return load_model(folder.write("m.gguf", g.encode())); }
};

TEST_F(ModelTemplates, AreFoundByName) {
    Gguf g = tiny_with_text();
    g.set_string("tokenizer.chat_template", "plain");
    g.set_string("tokenizer.chat_template.tool_use", "tools");
    Model m = load(g);
    llm_template *t = nullptr;
    for (auto [name, text] :
         {std::pair<const char *, const char *>{nullptr, "plain"}, {"default", "plain"}, {"tool_use", "tools"}}) {
        OK(llm_template_of_model(&t, m.get(), name));
        Template owner(t);
        EXPECT_EQ(text, text_of(apply(m.get(), t, "{}").get()));
    }
    FAILS(LLM_E_NOT_FOUND, "\"rag\"; it has \"default\", \"tool_use\"", llm_template_of_model(&t, m.get(), "rag"));
    Gguf none = tiny_with_text();
    Model bare = load(none);
    FAILS(LLM_E_NOT_FOUND, "it has none", llm_template_of_model(&t, bare.get(), nullptr));
    llm_rendering *r = nullptr;
    FAILS(LLM_E_NOT_FOUND, "no chat template", llm_chat_apply(&r, bare.get(), nullptr, "{}", LLM_NTS, nullptr));
    Gguf broken = tiny_with_text();
    broken.set_string("tokenizer.chat_template", "{{ x");
    Model bad = load(broken);
    FAILS(LLM_E_FORMAT, "chat template, line 1", llm_template_of_model(&t, bad.get(), nullptr));
}

TEST_F(ModelTemplates, ChatHasOneBosAndSpecialTokensFromTheTemplateAlone) {
    Gguf g = tiny_with_text();
    g.set_string("tokenizer.chat_template",
                 "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}");
    Model m = load(g);
    Rendering r = apply(m.get(), nullptr, R"({"messages": [{"role": "user", "content": "a<s>b</s>c"}]})");
    EXPECT_EQ("<s>a<s>b</s>c</s>", text_of(r.get()));
    std::vector<llm_token> ids = tokens_of(r.get());
    EXPECT_EQ(1, std::count(ids.begin(), ids.end(), 1));
    EXPECT_EQ(1, std::count(ids.begin(), ids.end(), 2));
    EXPECT_EQ(1, ids.front());
    EXPECT_EQ(2, ids.back());
    for (const char *source : {"{{ m }}", "<s>{{ m }}", "<s><s>{{ m }}", "{{ bos_token }}<s>{{ m }}"}) {
        Template t = parse(source);
        Rendering one = apply(m.get(), t.get(), R"({"m": "abc"})");
        std::vector<llm_token> all = tokens_of(one.get());
        EXPECT_EQ(1, std::count(all.begin(), all.end(), 1)) << source;
        EXPECT_EQ(1, all.front()) << source;
        EXPECT_GE(all.size(), 4u);
    }
    // A variable of the caller's own is text like any other.
    Template t = parse("{{ bos_token }}a");
    EXPECT_EQ("<s>a", text_of(apply(m.get(), t.get(), "{}").get()));
    EXPECT_EQ("na", text_of(apply(m.get(), t.get(), R"({"bos_token": "n"})").get()));
}

TEST_F(ModelTemplates, EachTokenKnowsItsOrigin) {
    Gguf g = tiny_with_text();
    Model m = load(g);
    Template t = parse("{% for m in messages %}\na{{ m.content }}\n</s>{% endfor %}");
    Rendering r = apply(m.get(), t.get(), R"({"messages": [{"content": "xy"}, {"content": "z"}]})");
    std::string text = text_of(r.get()), lines, messages, spelled;
    for (size_t i = 0; i < tokens_of(r.get()).size(); i++) {
        llm_origin o;
        OK(llm_rendering_token_origin(&o, r.get(), i));
        lines += static_cast<char>('0' + o.line);
        messages += o.message < 0 ? '.' : static_cast<char>('0' + o.message);
        spelled += text.substr(o.begin, o.end - o.begin);
    }
    EXPECT_EQ('0', lines[0]); // the BOS that the template did not write
    EXPECT_NE(std::string::npos, messages.find("00")) << messages;
    EXPECT_NE(std::string::npos, messages.find('1')) << messages;
    EXPECT_NE(std::string::npos, spelled.find("axy")) << spelled;
}

TEST_F(ModelTemplates, AHuggingFaceFolderMayHoldThemInTwoPlaces) {
    std::string config;
    {
        std::ifstream in(stories_hf + "/tokenizer_config.json");
        config.assign(std::istreambuf_iterator<char>(in), {});
    }
    json_t *j = json_loads(config.c_str(), 0, nullptr);
    ASSERT_NE(nullptr, j);
    for (const char *name : {"config.json", "model.safetensors", "tokenizer.json"})
        std::filesystem::copy_file(stories_hf + "/" + name, folder.path + "/" + name);
    json_object_set_new(
        j, "chat_template",
        json_pack("[{s:s,s:s},{s:s,s:s}]", "name", "default", "template", "one", "name", "rag", "template", "two"));
    json_dump_file(j, (folder.path + "/tokenizer_config.json").c_str(), 0);
    json_decref(j);
    llm_template *t = nullptr;
    {
        Model m = load_model(folder.path);
        OK(llm_template_of_model(&t, m.get(), "rag"));
        EXPECT_EQ("two", text_of(apply(m.get(), t, "{}").get()));
        llm_template_unref(t);
        EXPECT_EQ("one", text_of(apply(m.get(), nullptr, "{}").get()));
    }
    folder.write("chat_template.jinja", "three{{ eos_token }}");
    Model m = load_model(folder.path);
    EXPECT_EQ("three</s>", text_of(apply(m.get(), nullptr, "{}").get()));
}

} // namespace
