// Prompts with examples, and answers: what llm/fewshot.h and llm/reason.h promise.
#include "unit/api/api.h"

#include <algorithm>
#include <jansson.h>
#include <map>
#include <set>
#include <thread>

namespace {

using Prompt = Owner<llm_prompt, llm_prompt_unref>;
using Filled = Owner<llm_filled, llm_filled_destroy>;
using Answer = Owner<llm_answer, llm_answer_destroy>;

const char *const SHOTS = "{\"question\":\"Is the sun hot?\",\"answer\":\"yes\",\"rationale\":\"The sun burns.\"}\n"
                          "{\"question\":\"Is ice hot?\",\"answer\":\"no\",\"rationale\":\"Ice is frozen.\"}\n"
                          "{\"question\":\"What is 2 + 3?\",\"answer\":\"5\",\"rationale\":\"2 + 3 = 5.\"}\n"
                          "{\"question\":\"What is 4 + 1?\",\"answer\":\"5\",\"rationale\":\"4 + 1 = 5.\"}\n"
                          "{\"question\":\"Is fire hot?\",\"answer\":\"yes\",\"rationale\":\"Fire burns.\"}\n";

llm_prompt_options prompt_options() {
    llm_prompt_options o;
    llm_prompt_options_init(&o);
    return o;
}

llm_fill_options fill_options(int32_t k = 2, const char *select = nullptr, const char *order = nullptr) {
    llm_fill_options o;
    llm_fill_options_init(&o);
    o.k = k;
    o.select = select;
    o.order = order;
    return o;
}

llm_ask_options ask_options(const char *cot = nullptr, int32_t n_samples = 1, const char *extract = nullptr) {
    llm_ask_options o;
    llm_ask_options_init(&o);
    o.cot = cot;
    o.n_samples = n_samples;
    o.extract = extract;
    return o;
}

Prompt make_prompt(const llm_prompt_options *o = nullptr, const char *shots = SHOTS) {
    llm_prompt *p = nullptr;
    EXPECT_EQ(LLM_OK, llm_prompt_create(&p, nullptr, o)) << llm_last_error();
    if (shots) {
        EXPECT_EQ(LLM_OK, llm_prompt_add_examples(p, shots, LLM_NTS, LLM_EXAMPLES_AUTO)) << llm_last_error();
    }
    return Prompt(p);
}

Filled fill(const Prompt &p, const std::string &query, const llm_fill_options &o, llm_engine *e = nullptr) {
    llm_filled *f = nullptr;
    EXPECT_EQ(LLM_OK, llm_prompt_fill(&f, p.get(), e, query.data(), query.size(), &o)) << llm_last_error();
    return Filled(f);
}

std::string text_of(const Filled &f) {
    llm_span text = {};
    EXPECT_EQ(LLM_OK, llm_filled_text(&text, f.get()));
    return str(text);
}

std::string messages_of(const Filled &f) {
    llm_span text = {};
    EXPECT_EQ(LLM_OK, llm_filled_messages(&text, f.get()));
    return str(text);
}

std::vector<llm_token> tokens_of(const Filled &f) {
    const llm_token *ids = nullptr;
    size_t n = 0;
    EXPECT_EQ(LLM_OK, llm_filled_tokens(&ids, &n, nullptr, f.get()));
    return {ids, ids + n};
}

std::vector<int32_t> shots_of(const Filled &f) {
    std::vector<int32_t> out;
    for (int32_t i = 0; i < llm_filled_shot_count(f.get()); i++) {
        llm_shot shot = {};
        EXPECT_EQ(LLM_OK, llm_filled_shot(&shot, f.get(), i));
        out.push_back(shot.index);
    }
    return out;
}

const std::string QUERY = R"({"question":"Is snow hot?"})";

// ---- formats ----

// A field that is not there would leave a hole: "Q: \nA: ".
TEST(PromptText, AFieldThatIsMissingIsNamed) {
    llm_filled *f = nullptr;
    auto with = [&](const Prompt &p, const char *query, int32_t chat = -1, int32_t rationales = 0) {
        llm_fill_options o = fill_options(4);
        o.chat = chat;
        o.rationales = rationales;
        return llm_prompt_fill(&f, p.get(), nullptr, query, LLM_NTS, &o);
    };
    Prompt other = make_prompt(nullptr, "input,output\n2+2?,4\n5+3?,8\n");
    FAILS(LLM_E_NOT_FOUND,
          "example 0: user_format shows the field \"question\", which is not there: it shows question; "
          "the fields are input, output",
          with(other, QUERY.c_str()));
    Prompt tabs = make_prompt(nullptr, "question\tanswer\n2+2?\t4\n");
    OK(with(tabs, QUERY.c_str()));
    EXPECT_EQ("Q: 2+2?\nA: 4\n\nQ: Is snow hot?\nA:", text_of(Filled(f)));
    FAILS(LLM_E_NOT_FOUND, "the question: user_format shows the field \"question\"", with(tabs, R"({"text": "3+4?"})"));
    FAILS(LLM_E_NOT_FOUND, "the fields are none", with(tabs, "{}"));

    llm_prompt_options o = prompt_options();
    o.example_format = "{{ input }} -> {{ output | upper }}{{ unit | default('') }}{% if note %} {{ note }}{% endif %}";
    o.query_format = "{{ prefix }}{{ input }} ->";
    o.variables = R"({"prefix": ""})";
    Prompt own = make_prompt(&o, R"([{"input": "a", "output": "b"}])");
    OK(with(own, R"({"input": "c"})"));
    Filled filled(f);
    EXPECT_EQ("a -> B\n\nc ->", text_of(filled));
    llm_span span = {};
    FAILS(LLM_E_NOT_FOUND, "example 0: assistant_format shows the field \"answer\"", llm_filled_messages(&span, f));
    OK(llm_filled_json(&span, f));
    EXPECT_NE(std::string::npos, str(span).find("\"messages\":null"));
    FAILS(LLM_E_NOT_FOUND, "assistant_format", with(own, R"({"input": "c"})", 1));
    FAILS(LLM_E_NOT_FOUND, "\"input\"", with(own, R"({"question": "c"})"));

    o = prompt_options();
    o.example_format = "{{ rationale ~ answer }}";
    Prompt reasons = make_prompt(&o);
    FAILS(LLM_E_NOT_FOUND, "\"rationale\", which only shows with rationales", with(reasons, QUERY.c_str()));
    OK(with(reasons, QUERY.c_str(), -1, 1));
    llm_filled_destroy(f);
}

TEST(PromptText, WhatAFormatShows) {
    auto lacks = [](const char *format) {
        llm_prompt_options o = prompt_options();
        o.query_format = format;
        Prompt p = make_prompt(&o, nullptr);
        llm_filled *f = nullptr;
        llm_status status = llm_prompt_fill(&f, p.get(), nullptr, R"({"a": {"b": 1}, "l": [1]})", LLM_NTS, nullptr);
        llm_filled_destroy(f);
        return status == LLM_E_NOT_FOUND;
    };
    for (const char *format :
         {"{{ x }}", "{{x}}", "{{- x -}}", "{{ x | trim }}", "{{ x.y }}", "{{ x['y'] }}", "{{ 'x' ~ x }}",
          "{{ a.b + x }}", "{% if a %}{{ x }}{% endif %}", "{{ [x] }}", "{{ x == 1 }}"})
        EXPECT_TRUE(lacks(format)) << format;
    for (const char *format : {"{{ a }}", "{{ a.x }}", "{{ 'x' }}", "{{ \"x }} x\" }}", "{# {{ x }} #}",
                               "{{ x | default('') }}", "{{ x or '' }}", "{{ x if x else 1 }}",
                               "{% set x = 1 %}{{ x }}", "{% for x in l %}{{ x }}{{ loop.index }}{% endfor %}",
                               "{% if x is defined %}{{ x }}{% endif %}", "{{ l | join(d=', ') }}",
                               "{{ range(2) | list }}", "x", "{% raw %}{{ x }}{% endraw %}", "{{ 1e5 }}", "{{ true }}"})
        EXPECT_FALSE(lacks(format)) << format;
}

TEST(PromptText, Golden) {
    Prompt p = make_prompt();
    EXPECT_EQ("Q: Is the sun hot?\nA: yes\n\nQ: Is snow hot?\nA:", text_of(fill(p, QUERY, fill_options(1))));
    EXPECT_EQ("Q: Is snow hot?\nA:", text_of(fill(p, QUERY, fill_options(0))));
    llm_fill_options o = fill_options(1);
    o.rationales = 1;
    EXPECT_EQ("Q: Is the sun hot?\nA: The sun burns. The answer is yes.\n\nQ: Is snow hot?\nA:",
              text_of(fill(p, QUERY, o)));
    EXPECT_EQ(R"({"messages":[{"role":"user","content":"Is the sun hot?"},)"
              R"({"role":"assistant","content":"yes"},{"role":"user","content":"Is snow hot?"}],)"
              R"("add_generation_prompt":true})",
              messages_of(fill(p, QUERY, fill_options(1))));
}

TEST(PromptText, FormatsAndVariables) {
    llm_prompt_options o = prompt_options();
    o.instruction = "Translate to {{ language }}.";
    o.separator = "\n";
    o.example_format = "{{ src | upper }} => {{ dst }}{% if n %} ({{ n }}){% endif %}";
    o.query_format = "{{ src | upper }} =>";
    o.assistant_format = "<{{ dst }}>";
    o.variables = R"({"language":"French","n":1})";
    Prompt p = make_prompt(&o, "src,dst,n\ncat,chat,\ndog,chien,2\n");
    Filled f = fill(p, R"({"src":"cow"})", fill_options());
    EXPECT_EQ("Translate to French.\nDOG => chien (2)\nCAT => chat\nCOW =>", text_of(f));
    EXPECT_EQ(R"({"messages":[{"role":"system","content":"Translate to French."},)"
              R"({"role":"user","content":"DOG =>"},{"role":"assistant","content":"<chien>"},)"
              R"({"role":"user","content":"CAT =>"},{"role":"assistant","content":"<chat>"},)"
              R"({"role":"user","content":"COW =>"}],"add_generation_prompt":true})",
              messages_of(f));
}

TEST(PromptText, Json) {
    Prompt p = make_prompt();
    Filled f = fill(p, R"({"question":"IS  ice hot?"})", fill_options(1, "bm25"));
    llm_span text = {};
    OK(llm_filled_json(&text, f.get()));
    json_t *j = json_loadb(text.ptr, text.len, 0, nullptr);
    ASSERT_NE(nullptr, j);
    EXPECT_STREQ(text_of(f).c_str(), json_string_value(json_object_get(j, "text")));
    EXPECT_EQ(1, json_integer_value(json_object_get(j, "n_leaks")));
    EXPECT_EQ(3u, json_array_size(json_object_get(j, "messages")));
    json_t *shot = json_array_get(json_object_get(j, "shots"), 0);
    llm_shot expected = {};
    OK(llm_filled_shot(&expected, f.get(), 0));
    EXPECT_EQ(expected.index, json_integer_value(json_object_get(shot, "index")));
    EXPECT_EQ(expected.score, json_real_value(json_object_get(shot, "score")));
    EXPECT_GT(expected.score, 0);
    json_decref(j);
}

TEST(PromptText, WrongThings) {
    llm_prompt *p = nullptr;
    llm_prompt_options o = prompt_options();
    o.query_format = "a\n{{ b";
    FAILS(LLM_E_FORMAT, "query_format: line 2", llm_prompt_create(&p, nullptr, &o));
    EXPECT_EQ(nullptr, p);
    o = prompt_options();
    o.variables = "[1]";
    FAILS(LLM_E_FORMAT, "variables", llm_prompt_create(&p, nullptr, &o));
    FAILS(LLM_E_ARGUMENT, "out is NULL", llm_prompt_create(nullptr, nullptr, nullptr));

    Prompt prompt = make_prompt();
    FAILS(LLM_E_FORMAT, "line 1", llm_prompt_add_examples(prompt.get(), "{", LLM_NTS, LLM_EXAMPLES_AUTO));
    EXPECT_EQ(5, llm_prompt_example_count(prompt.get()));
    llm_filled *f = nullptr;
    auto with = [&](const llm_fill_options &fo, const char *query = QUERY.c_str()) {
        return llm_prompt_fill(&f, prompt.get(), nullptr, query, LLM_NTS, &fo);
    };
    FAILS(LLM_E_ARGUMENT, "did you mean \"bm25\"", with(fill_options(1, "bm52")));
    FAILS(LLM_E_ARGUMENT, "order is \"up\"", with(fill_options(1, "first", "up")));
    FAILS(LLM_E_ARGUMENT, "needs an engine", with(fill_options(1, "knn")));
    FAILS(LLM_E_ARGUMENT, "needs an engine", with(fill_options(1, "mmr")));
    llm_fill_options budget = fill_options();
    budget.budget = 10;
    FAILS(LLM_E_ARGUMENT, "needs an engine", with(budget));
    FAILS(LLM_E_ARGUMENT, "k is -1", with(fill_options(-1)));
    FAILS(LLM_E_FORMAT, "query: found an array", with(fill_options(), "[]"));
    FAILS(LLM_E_STATE, "in use", llm_prompt_add_examples(prompt.get(), SHOTS, LLM_NTS, LLM_EXAMPLES_AUTO));
    EXPECT_EQ(nullptr, f);

    o = prompt_options();
    o.example_format = "{{ 1 // zero }}";
    Prompt broken = make_prompt(&o, R"({"zero":0,"question":"q","answer":"a"})");
    FAILS(LLM_E_FORMAT, "example 0: example_format: line 1",
          llm_prompt_fill(&f, broken.get(), nullptr, QUERY.data(), QUERY.size(), nullptr));
}

// ---- which examples, in which order ----

TEST(PromptShots, AnExampleThatIsTheQuestionIsNeverUsed) {
    Prompt p = make_prompt();
    for (const char *select : {"first", "random", "balanced", "bm25"})
        for (const char *query : {R"({"question":"Is ice hot?"})", R"({"question":"  is ICE\nhot? ","id":7})",
                                  R"({"question":"\uff29s ice hot?"})"}) {
            std::vector<int32_t> shots = shots_of(fill(p, query, fill_options(5, select)));
            EXPECT_EQ(4u, shots.size()) << select << query;
            EXPECT_EQ(0, std::count(shots.begin(), shots.end(), 1)) << select << query;
        }
    EXPECT_EQ(5u, shots_of(fill(p, R"({"question":"Is ice hot"})", fill_options(5))).size());
}

TEST(PromptShots, Orders) {
    Prompt p = make_prompt();
    const std::string query = R"({"question":"2 + 3, or 4 + 1?"})"; // words 2 3 4 1; two examples have two each
    std::vector<int32_t> best = shots_of(fill(p, query, fill_options(3, "bm25", "best_first")));
    EXPECT_EQ((std::vector<int32_t>{2, 3, 0}), best);
    std::reverse(best.begin(), best.end());
    EXPECT_EQ(best, shots_of(fill(p, query, fill_options(3, "bm25"))));
    EXPECT_EQ(best, shots_of(fill(p, query, fill_options(3, "bm25", "best_last"))));
    EXPECT_EQ((std::vector<int32_t>{0, 2, 3}), shots_of(fill(p, query, fill_options(3, "bm25", "given"))));
    std::set<std::vector<int32_t>> seen;
    for (uint64_t seed = 0; seed < 60; seed++) {
        llm_fill_options o = fill_options(3, "bm25", "random");
        o.seed = seed;
        Filled f = fill(p, query, o);
        std::vector<int32_t> shots = shots_of(f);
        EXPECT_EQ(shots, shots_of(fill(p, query, o)));
        seen.insert(shots);
        for (int32_t i = 0; i < 3; i++) {
            llm_shot shot = {};
            OK(llm_filled_shot(&shot, f.get(), i));
            EXPECT_EQ(best[2 - static_cast<size_t>(shot.rank)], shot.index);
        }
        std::sort(shots.begin(), shots.end());
        EXPECT_EQ((std::vector<int32_t>{0, 2, 3}), shots);
    }
    EXPECT_EQ(6u, seen.size());
}

TEST(PromptShots, BalancedAndRandom) {
    Prompt p = make_prompt();
    std::set<std::vector<int32_t>> seen;
    const char *const labels[] = {"yes", "no", "5", "5", "yes"};
    for (uint64_t seed = 0; seed < 40; seed++) {
        llm_fill_options o = fill_options(3, "balanced");
        o.seed = seed;
        std::set<std::string> of;
        for (int32_t i : shots_of(fill(p, QUERY, o))) of.insert(labels[i]);
        EXPECT_EQ(3u, of.size()) << "one of each label";
        o.select = "random";
        seen.insert(shots_of(fill(p, QUERY, o)));
    }
    EXPECT_GT(seen.size(), 20u);
}

TEST(PromptShots, ManyThreadsFillOnePrompt) {
    Prompt p = make_prompt();
    llm_fill_options o = fill_options(3, "bm25");
    std::string expected;
    std::vector<std::string> texts(8);
    std::vector<std::thread> threads;
    for (auto &text : texts)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; i++) {
                llm_filled *f = nullptr;
                llm_span span = {};
                if (llm_prompt_fill(&f, p.get(), nullptr, QUERY.data(), QUERY.size(), &o) == LLM_OK &&
                    llm_filled_text(&span, f) == LLM_OK)
                    text = str(span);
                llm_filled_destroy(f);
            }
        });
    for (auto &t : threads) t.join();
    expected = text_of(fill(p, QUERY, o));
    for (auto &text : texts) EXPECT_EQ(expected, text);
}

// ---- with a model ----

class Reason : public Stories {
  protected:
    Answer ask(const llm_ask_options &o, const llm_generate_options &g, llm_prompt *p = nullptr,
               const std::string &query = QUERY, const llm_fill_options *fo = nullptr) {
        llm_answer *a = nullptr;
        EXPECT_EQ(LLM_OK, llm_ask(&a, engine.get(), p, query.data(), query.size(), fo, &o, &g)) << llm_last_error();
        return Answer(a);
    }
    static llm_sample sample_of(const Answer &a, int32_t i) {
        llm_sample s = {};
        s.struct_size = sizeof s;
        EXPECT_EQ(LLM_OK, llm_answer_sample(&s, a.get(), i)) << llm_last_error();
        return s;
    }
    static std::string json_of(const Answer &a) {
        llm_span text = {};
        EXPECT_EQ(LLM_OK, llm_answer_json(&text, a.get()));
        return str(text);
    }
    static llm_result_stats stats_of(const Answer &a) {
        llm_result_stats s = {};
        s.struct_size = sizeof s;
        EXPECT_EQ(LLM_OK, llm_answer_get_stats(&s, a.get()));
        return s;
    }
    static llm_generate_options warm(int32_t max_tokens, uint64_t seed = 1) {
        llm_generate_options g = generate_options(max_tokens);
        g.temperature = 1;
        g.seed = seed;
        return g;
    }
};

TEST_F(Reason, BudgetsAreNeverExceededAndUsed) {
    Prompt p = make_prompt();
    size_t alone = tokens_of(fill(p, QUERY, fill_options(0), engine.get())).size();
    size_t whole = tokens_of(fill(p, QUERY, fill_options(5), engine.get())).size();
    std::set<size_t> counts;
    for (const char *select : {"first", "random", "bm25", "knn", "mmr"})
        for (const char *order : {"best_last", "random"})
            for (int32_t budget = static_cast<int32_t>(alone); budget < static_cast<int32_t>(whole) + 3; budget += 3) {
                llm_fill_options o = fill_options(5, select, order);
                o.budget = budget;
                Filled f = fill(p, QUERY, o, engine.get());
                std::vector<llm_token> ids = tokens_of(f);
                EXPECT_LE(ids.size(), static_cast<size_t>(budget)) << select;
                EXPECT_EQ(encode(tokenizer, text_of(f), LLM_ENCODE_ADD_SPECIAL), ids);
                counts.insert(static_cast<size_t>(llm_filled_shot_count(f.get())));
                if (budget >= static_cast<int32_t>(whole)) {
                    EXPECT_EQ(5, llm_filled_shot_count(f.get()));
                }
            }
    EXPECT_EQ(6u, counts.size()) << "from none to all five";
    llm_fill_options o = fill_options(5);
    o.budget = static_cast<int32_t>(alone) - 1;
    llm_filled *f = nullptr;
    FAILS(LLM_E_LIMIT, "the question alone has",
          llm_prompt_fill(&f, p.get(), engine.get(), QUERY.data(), QUERY.size(), &o));
}

TEST_F(Reason, NearestAreThoseOfTheVectors) {
    Prompt p = make_prompt();
    llm_model_info info = {};
    info.struct_size = sizeof info;
    OK(llm_model_get_info(&info, model.get()));
    size_t dim = static_cast<size_t>(info.n_embd);
    const std::string texts[] = {"Is snow hot?",   "Is the sun hot?", "Is ice hot?",
                                 "What is 2 + 3?", "What is 4 + 1?",  "Is fire hot?"};
    std::vector<llm_span> spans;
    for (auto &t : texts) spans.push_back(span(t));
    std::vector<float> rows(6 * dim);
    OK(llm_embed(rows.data(), engine.get(), spans.data(), 6, LLM_POOL_MEAN, 1));
    std::vector<std::pair<double, int32_t>> near;
    for (size_t i = 1; i < 6; i++) {
        double dot = 0;
        for (size_t k = 0; k < dim; k++) dot += static_cast<double>(rows[k]) * static_cast<double>(rows[i * dim + k]);
        near.push_back({-dot, static_cast<int32_t>(i) - 1});
    }
    std::sort(near.begin(), near.end());
    Filled f = fill(p, QUERY, fill_options(5, "knn", "best_first"), engine.get());
    for (int32_t i = 0; i < 5; i++) {
        llm_shot shot = {};
        OK(llm_filled_shot(&shot, f.get(), i));
        EXPECT_EQ(near[static_cast<size_t>(i)].second, shot.index);
        EXPECT_DOUBLE_EQ(-near[static_cast<size_t>(i)].first, shot.score);
    }
    llm_fill_options mmr = fill_options(5, "mmr", "best_first");
    mmr.mmr_lambda = 1;
    EXPECT_EQ(shots_of(f), shots_of(fill(p, QUERY, mmr, engine.get()))) << "nearness alone";
    mmr.mmr_lambda = 0.2f;
    EXPECT_NE(shots_of(f), shots_of(fill(p, QUERY, mmr, engine.get())));
}

TEST_F(Reason, ChatOrPlain) {
    Prompt p = make_prompt();
    llm_fill_options o = fill_options(1);
    int32_t is_chat = -1;
    const llm_token *ids;
    size_t n;
    Filled f = fill(p, QUERY, o, engine.get());
    OK(llm_filled_tokens(&ids, &n, &is_chat, f.get()));
    EXPECT_EQ(0, is_chat) << "the model has no chat template";
    o.chat = 1;
    llm_filled *none = nullptr;
    FAILS(LLM_E_NOT_FOUND, "no chat template",
          llm_prompt_fill(&none, p.get(), engine.get(), QUERY.data(), QUERY.size(), &o));
}

TEST_F(Reason, AtOnceIsWhatGenerateGives) {
    Prompt p = make_prompt();
    llm_fill_options fo = fill_options(2);
    Filled f = fill(p, QUERY, fo, engine.get());
    for (float temperature : {0.0f, 1.0f}) {
        llm_generate_options g = warm(12);
        g.temperature = temperature;
        Answer a = ask(ask_options("none", 3), g, p.get(), QUERY, &fo);
        llm_span stops[] = {{"\n\n", 2}, {"\n\nQ: ", 5}};
        g.n = 3;
        g.stop_strings = stops;
        g.n_stop_strings = 2;
        llm_result *r = nullptr;
        std::vector<llm_token> ids = tokens_of(f);
        OK(llm_generate_tokens(&r, engine.get(), ids.data(), ids.size(), &g, nullptr, nullptr));
        ASSERT_EQ(3, llm_answer_sample_count(a.get()));
        for (int32_t i = 0; i < 3; i++) {
            llm_sample s = sample_of(a, i);
            if (s.finish == LLM_FINISH_CANCELLED) continue;
            EXPECT_EQ(::text_of(r, i), str(s.text));
            EXPECT_EQ(::tokens_of(r, i), std::vector<llm_token>(s.tokens, s.tokens + s.n_tokens));
            EXPECT_LT(s.logprob, 0);
            EXPECT_EQ(-1, s.parent);
            EXPECT_EQ(LLM_STAGE_ANSWER, s.stage);
        }
        llm_result_unref(r);
    }
}

TEST_F(Reason, OnePrefillForAllSamples) {
    Answer one = ask(ask_options("none", 1), warm(10)), many = ask(ask_options("none", 8), warm(10));
    EXPECT_EQ(stats_of(one).n_prompt_tokens, stats_of(many).n_prompt_tokens);
    EXPECT_GT(stats_of(many).n_cached_tokens, 0) << "the second asks the same";
    EXPECT_EQ(8 * 10, stats_of(many).n_tokens);
}

TEST_F(Reason, VotesAreCountedByComparableForms) {
    llm_ask_options o = ask_options("none", 8, "regex:(?s)[a-zA-Z]"); // the first letter
    o.early_stop = 0;
    Answer a = ask(o, warm(4));
    std::map<std::string, int32_t> expected;
    std::map<std::string, int32_t> first;
    for (int32_t i = 0; i < 8; i++) {
        llm_sample s = sample_of(a, i);
        if (!s.answer.ptr) continue;
        std::string key(1, static_cast<char>(tolower(s.answer.ptr[0])));
        expected[key]++;
        first.insert({key, i});
    }
    int32_t sum = 0, last = 1 << 20, last_first = -1;
    for (int32_t i = 0; i < llm_answer_vote_count(a.get()); i++) {
        llm_vote v = {};
        OK(llm_answer_vote(&v, a.get(), i));
        std::string key(1, static_cast<char>(tolower(v.answer.ptr[0])));
        EXPECT_EQ(expected[key], v.n_votes);
        EXPECT_EQ(first[key], v.first);
        EXPECT_TRUE(v.n_votes < last || (v.n_votes == last && v.first > last_first));
        last = v.n_votes;
        last_first = v.first;
        sum += v.n_votes;
    }
    EXPECT_EQ(expected.size(), static_cast<size_t>(llm_answer_vote_count(a.get())));
    EXPECT_GT(sum, 0);
    llm_span text = {};
    llm_vote v = {};
    OK(llm_answer_text(&text, a.get()));
    OK(llm_answer_vote(&v, a.get(), 0));
    EXPECT_EQ(str(v.answer), str(text));
}

// All samples are alike, so after five of eight nothing can change; two at a time run.
TEST_F(Reason, EndsWhenTheLeaderCannotBeOvertaken) {
    engine = make_engine(model.get(), 0, 2);
    llm_ask_options o = ask_options("none", 8);
    Answer a = ask(o, generate_options(6));
    EXPECT_EQ(8, llm_answer_sample_count(a.get()));
    for (int32_t i = 0; i < 8; i++)
        EXPECT_EQ(i >= 6, sample_of(a, i).finish == LLM_FINISH_CANCELLED) << "three rounds of two";
    o.early_stop = 0;
    Answer all = ask(o, generate_options(6));
    EXPECT_EQ(8, llm_answer_sample_count(all.get()));
    llm_span x = {}, y = {};
    OK(llm_answer_text(&x, a.get()));
    OK(llm_answer_text(&y, all.get()));
    EXPECT_EQ(str(x), str(y));
    llm_vote v = {};
    OK(llm_answer_vote(&v, all.get(), 0));
    EXPECT_EQ(8, v.n_votes);
}

TEST_F(Reason, EarlyStopNeverChangesTheAnswer) {
    size_t n_cut = 0;
    for (uint64_t seed = 0; seed < 30; seed++) {
        llm_ask_options o = ask_options("none", 8, "regex:(?s)[a-zA-Z]");
        llm_generate_options g = warm(40, seed);
        llm_span stops[] = {{".", 1}, {"!", 1}};
        g.stop_strings = stops;
        g.n_stop_strings = 2; // so that they end at different times
        Answer early = ask(o, g);
        o.early_stop = 0;
        Answer late = ask(o, g);
        llm_span x = {}, y = {};
        OK(llm_answer_text(&x, early.get()));
        OK(llm_answer_text(&y, late.get()));
        // The leading answer's first sample may be one that was cut short in one of them; its form may not differ.
        EXPECT_EQ(tolower(x.ptr[0]), tolower(y.ptr[0])) << seed;
        for (int32_t i = 0; i < llm_answer_sample_count(early.get()); i++)
            n_cut += sample_of(early, i).finish == LLM_FINISH_CANCELLED;
    }
    EXPECT_GT(n_cut, 0u) << "some were cut short";
}

TEST_F(Reason, TwoStages) {
    llm_ask_options o = ask_options("zero", 2);
    o.answer_tokens = 5;
    o.think_text = "Once upon a time";
    o.answer_text = "The end is";
    o.early_stop = 0;
    Answer a = ask(o, warm(9));
    ASSERT_EQ(4, llm_answer_sample_count(a.get()));
    std::string filled = "Q: Is snow hot?\nA: Once upon a time";
    std::vector<llm_token> begin = encode(tokenizer, filled, LLM_ENCODE_ADD_SPECIAL);
    for (int32_t i = 0; i < 2; i++) {
        llm_sample reasoning = sample_of(a, i), answer = sample_of(a, 2 + i);
        EXPECT_EQ(LLM_STAGE_REASONING, reasoning.stage);
        EXPECT_EQ(nullptr, reasoning.answer.ptr);
        EXPECT_EQ(9u, reasoning.n_tokens);
        EXPECT_EQ(LLM_STAGE_ANSWER, answer.stage);
        EXPECT_EQ(i, answer.parent);
        EXPECT_EQ(5u, answer.n_tokens);
        // The second stage goes on from the very tokens of the first, greedily.
        std::vector<llm_token> ids = begin;
        ids.insert(ids.end(), reasoning.tokens, reasoning.tokens + reasoning.n_tokens);
        std::string text = str(reasoning.text);
        bool blank = strchr(" \n\t", text.back()) != nullptr;
        std::vector<llm_token> more = encode(tokenizer, "\n" + std::string(blank ? "" : " ") + "The end is", 0);
        std::vector<llm_token> anchor = encode(tokenizer, "\n", 0);
        ids.insert(ids.end(), more.begin() + static_cast<long>(anchor.size()), more.end());
        llm_generate_options g = generate_options(5);
        llm_result *r = nullptr;
        OK(llm_generate_tokens(&r, engine.get(), ids.data(), ids.size(), &g, nullptr, nullptr));
        EXPECT_EQ(::tokens_of(r), std::vector<llm_token>(answer.tokens, answer.tokens + answer.n_tokens));
        llm_result_unref(r);
    }
    llm_result_stats stats = stats_of(a);
    EXPECT_EQ(2 * 9 + 2 * 5, stats.n_tokens);
    EXPECT_GE(stats.n_cached_tokens, 2 * static_cast<int32_t>(begin.size())) << "each prefix is computed once";
}

// Reasoning that says "the answer is" itself needs no second stage.
TEST_F(Reason, AnAnswerInTheReasoningCounts) {
    llm_ask_options o = ask_options("zero", 1);
    o.think_text = "Once upon a time, there was a little girl named";
    o.answer_text = "She loved to";
    Answer a = ask(o, generate_options(20));
    ASSERT_EQ(1, llm_answer_sample_count(a.get()));
    EXPECT_EQ(LLM_STAGE_ANSWER, sample_of(a, 0).stage);
    llm_span text = {};
    OK(llm_answer_text(&text, a.get()));
    EXPECT_EQ(0u, str(text).find("play")) << str(text);
}

TEST_F(Reason, LeastToMost) {
    llm_ask_options o = ask_options("least_to_most", 2);
    o.depth = 2;
    o.step_tokens = 10;
    o.answer_tokens = 4;
    o.decompose_text = "1. One day\n2. Lily";
    o.early_stop = 0;
    Answer a = ask(o, warm(20));
    int32_t n = llm_answer_sample_count(a.get());
    ASSERT_GE(n, 4);
    EXPECT_EQ(LLM_STAGE_DECOMPOSE, sample_of(a, 0).stage);
    for (int32_t i = 1; i < n - 2; i++) {
        EXPECT_EQ(LLM_STAGE_STEP, sample_of(a, i).stage);
        EXPECT_EQ(i - 1, sample_of(a, i).parent);
        EXPECT_LE(sample_of(a, i).n_tokens, 10u);
    }
    for (int32_t i = n - 2; i < n; i++) {
        EXPECT_EQ(LLM_STAGE_ANSWER, sample_of(a, i).stage);
        EXPECT_EQ(n - 3, sample_of(a, i).parent);
    }
    EXPECT_GT(stats_of(a).n_cached_tokens, 0);
}

TEST_F(Reason, Tree) {
    for (const char *judge : {"logprob", "verdict"}) {
        llm_ask_options o = ask_options("tree", 1);
        o.depth = 3;
        o.n_thoughts = 3;
        o.breadth = 2;
        o.step_tokens = 8;
        o.answer_tokens = 4;
        o.judge = judge;
        Answer a = ask(o, warm(20, 3));
        int32_t n = llm_answer_sample_count(a.get());
        ASSERT_LE(n, 3 + 6 + 6 + 1);
        std::map<int32_t, int32_t> depth;
        std::map<int32_t, std::set<int32_t>> parents; // of each depth
        std::set<std::pair<int32_t, std::string>> seen;
        std::set<int32_t> again; // what repeats a sibling is not gone on from
        for (int32_t i = 0; i < n - 1; i++) {
            llm_sample s = sample_of(a, i);
            EXPECT_EQ(LLM_STAGE_STEP, s.stage);
            EXPECT_EQ(std::string::npos, str(s.text).find('\n'));
            depth[i] = s.parent < 0 ? 1 : depth[s.parent] + 1;
            if (s.parent >= 0) parents[depth[i]].insert(s.parent);
            if (!seen.insert({s.parent, str(s.text)}).second) {
                again.insert(i);
                EXPECT_EQ(0, s.score);
            } else if (s.parent < 0 && strcmp(judge, "logprob") == 0) {
                EXPECT_NEAR(s.logprob / static_cast<double>(s.n_tokens), s.score, 1e-9);
            }
        }
        for (auto &level : parents) {
            EXPECT_LE(level.second.size(), 2u);
            // No thought of that depth that was not gone on from is better than one that was.
            double worst_kept = 1e9, best_left = -1e9;
            for (int32_t i = 0; i < n - 1; i++) {
                if (depth[i] != level.first - 1 || again.count(i)) continue;
                double score = sample_of(a, i).score;
                if (level.second.count(i))
                    worst_kept = std::min(worst_kept, score);
                else if (level.second.size() == 2)
                    best_left = std::max(best_left, score);
            }
            EXPECT_GE(worst_kept, best_left) << judge;
        }
        EXPECT_EQ(LLM_STAGE_ANSWER, sample_of(a, n - 1).stage);
        EXPECT_GT(stats_of(a).n_cached_tokens, 0);
    }
}

TEST_F(Reason, TheSameOnAnyEngine) {
    for (const char *cot : {"none", "zero", "few", "least_to_most", "tree"}) {
        llm_ask_options o = ask_options(cot, 3, "number");
        o.extract = "text";
        o.step_tokens = 8;
        o.answer_tokens = 6;
        o.early_stop = 0;
        Prompt p = make_prompt();
        auto strip = [](const std::string &json) {
            json_t *j = json_loadb(json.data(), json.size(), 0, nullptr);
            json_object_del(j, "usage"); // depends on what the cache holds
            char *text = json_dumps(j, JSON_COMPACT);
            std::string out = text;
            free(text);
            json_decref(j);
            return out;
        };
        std::string expected = strip(json_of(ask(o, warm(12), p.get())));
        EXPECT_EQ(expected, strip(json_of(ask(o, warm(12), p.get())))) << cot << " a second time";
        EXPECT_NE(expected, strip(json_of(ask(o, warm(12, 2), p.get())))) << cot << " another seed";
        llm_engine_options eo;
        llm_engine_options_init(&eo);
        eo.n_threads = 2;
        eo.n_batch = 7;
        eo.prefix_cache = 0;
        eo.n_seqs = 2; // so that samples run in rounds
        llm_engine *e = nullptr;
        OK(llm_engine_create(&e, model.get(), &eo));
        engine.reset(e);
        EXPECT_EQ(expected, strip(json_of(ask(o, warm(12), p.get())))) << cot << " another engine";
    }
}

TEST_F(Reason, WrongThings) {
    llm_answer *a = nullptr;
    auto with = [&](const llm_ask_options &o) {
        return llm_ask(&a, engine.get(), nullptr, QUERY.data(), QUERY.size(), nullptr, &o, nullptr);
    };
    FAILS(LLM_E_ARGUMENT, "cot is \"deep\"", with(ask_options("deep")));
    FAILS(LLM_E_ARGUMENT, "no extractor \"nr\"", with(ask_options("none", 1, "nr")));
    FAILS(LLM_E_FORMAT, "pattern", with(ask_options("none", 1, "regex:(")));
    FAILS(LLM_E_ARGUMENT, "n_samples is 0", with(ask_options("none", 0)));
    llm_ask_options o = ask_options("tree");
    o.judge = "me";
    FAILS(LLM_E_ARGUMENT, "judge is \"me\"", with(o));
    FAILS(LLM_E_ARGUMENT, "engine is NULL", llm_ask(&a, nullptr, nullptr, "{}", 2, nullptr, nullptr, nullptr));
    FAILS(LLM_E_FORMAT, "query: line 1", llm_ask(&a, engine.get(), nullptr, "{", 1, nullptr, nullptr, nullptr));
    EXPECT_EQ(nullptr, a);
    llm_generate_options g = generate_options(30);
    o = ask_options("none", 1, "regex:(?:[^#]+)+(?:#|%)");
    FAILS(LLM_E_LIMIT, "a pattern takes too many steps",
          llm_ask(&a, engine.get(), nullptr, QUERY.data(), QUERY.size(), nullptr, &o, &g));
    EXPECT_EQ(nullptr, a);
    Answer none = ask(ask_options("none", 2, "json:x"), generate_options(4));
    llm_span text = {};
    FAILS(LLM_E_NOT_FOUND, "none of 2 samples", llm_answer_text(&text, none.get()));
    EXPECT_EQ(0, llm_answer_vote_count(none.get()));
}

// With a chat template the examples are turns, and what is put behind the prompt is the assistant's.
TEST(ReasonChat, GoesThroughTheTemplate) {
    Folder folder;
    Gguf g = tiny_with_text();
    g.set_string("tokenizer.chat_template",
                 "{% for m in messages %}{{ m.role[0] }},{{ m.content }}.{% endfor %}{% if add_generation_prompt %}a,"
                 "{% endif %}");
    Model m = load_model(folder.write("m.gguf", g.encode()));
    Engine e = make_engine(m.get());
    Prompt p = make_prompt(nullptr, R"({"question":"bc","answer":"d"})");
    const std::string query = R"({"question":"ef"})";
    llm_filled *f = nullptr;
    const llm_token *ids = nullptr;
    size_t n = 0;
    int32_t is_chat = 0;
    OK(llm_prompt_fill(&f, p.get(), e.get(), query.data(), query.size(), nullptr));
    OK(llm_filled_tokens(&ids, &n, &is_chat, f));
    EXPECT_EQ(1, is_chat);
    const llm_tokenizer *t = llm_model_get_tokenizer(m.get());
    EXPECT_EQ("u,bc.a,d.u,ef.a,", decode(t, {ids, ids + n}, LLM_DECODE_SKIP_SPECIAL));
    llm_span context = {};
    llm_rendering *r = nullptr;
    OK(llm_filled_messages(&context, f));
    OK(llm_chat_apply(&r, m.get(), nullptr, context.ptr, context.len, nullptr));
    const llm_token *applied = nullptr;
    size_t n_applied = 0;
    OK(llm_rendering_tokens(&applied, &n_applied, r));
    std::vector<llm_token> expected(applied, applied + n_applied);
    EXPECT_EQ(expected, std::vector<llm_token>(ids, ids + n));
    llm_rendering_destroy(r);
    llm_filled_destroy(f);

    llm_ask_options o = ask_options("zero");
    o.think_text = "xyz";
    llm_generate_options gen = generate_options(4);
    llm_answer *a = nullptr;
    OK(llm_ask(&a, e.get(), p.get(), query.data(), query.size(), nullptr, &o, &gen));
    Answer answer(a);
    for (char c : std::string("xyz")) expected.push_back(llm_tokenizer_find(t, &c, 1));
    llm_result *result = nullptr;
    OK(llm_generate_tokens(&result, e.get(), expected.data(), expected.size(), &gen, nullptr, nullptr));
    llm_sample s = {};
    s.struct_size = sizeof s;
    OK(llm_answer_sample(&s, a, 0));
    EXPECT_EQ(::tokens_of(result), std::vector<llm_token>(s.tokens, s.tokens + s.n_tokens));
    llm_result_unref(result);
    llm_fill_options plain = fill_options();
    plain.chat = 0;
    EXPECT_EQ("Q: bc\nA: d\n\nQ: ef\nA:", text_of(fill(p, query, plain, e.get())));
}

TEST(Answers, PublicExtraction) {
    char out[32];
    size_t n = 0;
    OK(llm_extract(&n, "number", "so 1,234.0 it is", LLM_NTS, out, sizeof out));
    EXPECT_EQ("1234", std::string(out, n));
    FAILS(LLM_E_CAPACITY, "4 bytes", llm_extract(&n, "number", "1234", LLM_NTS, out, 2));
    EXPECT_EQ(4u, n);
    EXPECT_EQ("12", std::string(out, 2));
    FAILS(LLM_E_NOT_FOUND, "no answer", llm_extract(&n, "number", "none", LLM_NTS, out, sizeof out));
    OK(llm_extract(&n, nullptr, " a ", LLM_NTS, out, sizeof out));
    EXPECT_EQ("a", std::string(out, n));
    OK(llm_normalize(&n, " Paris. ", LLM_NTS, out, sizeof out));
    EXPECT_EQ("paris", std::string(out, n));
    FAILS(LLM_E_ARGUMENT, "text is NULL", llm_extract(&n, "number", nullptr, 1, out, sizeof out));
}

} // namespace
