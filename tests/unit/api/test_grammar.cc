// Grammars in requests: what is written follows them, how completions end, what is refused.
#include <jansson.h>

#include <regex>

#include "unit/api/api.h"

using Grammar = Owner<llm_grammar, llm_grammar_unref>;

static Grammar gbnf(const llm_tokenizer *t, const char *text) {
    llm_grammar *g = nullptr;
    EXPECT_EQ(LLM_OK, llm_grammar_from_gbnf(&g, t, text, LLM_NTS)) << llm_last_error();
    return Grammar(g);
}

class GrammarRequests : public Stories {
  protected:
    Result constrained(const llm_grammar *g, int32_t max_tokens = 200, float temperature = 0, uint64_t seed = 1) {
        llm_generate_options o = generate_options(max_tokens);
        o.grammar = g;
        o.temperature = temperature;
        o.seed = seed;
        return generate(o);
    }
};

TEST_F(GrammarRequests, TextFollowsTheGrammarAndEndsWithIt) {
    Grammar g = gbnf(tokenizer, "root ::= \" \" (\"yes\" | \"no\") \", \" [a-z]{3,5} \".\"");
    std::regex expected(" (yes|no), [a-z]{3,5}\\.");
    for (uint64_t seed = 0; seed < 20; seed++) {
        Result r = constrained(g.get(), 200, 1.5f, seed);
        EXPECT_TRUE(std::regex_match(text_of(r.get()), expected)) << text_of(r.get());
        EXPECT_EQ(LLM_FINISH_GRAMMAR, finish_of(r.get()));
    }
    EXPECT_STREQ("grammar", llm_finish_name(LLM_FINISH_GRAMMAR));
}

TEST_F(GrammarRequests, JsonBySchemaIsValid) {
    const char *schema =
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":12},"
        "\"age\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":99}},\"required\":[\"name\",\"age\"]}";
    llm_grammar *made = nullptr;
    OK(llm_grammar_from_json_schema(&made, tokenizer, schema, LLM_NTS));
    Grammar g(made);
    for (uint64_t seed = 0; seed < 20; seed++) {
        Result r = constrained(g.get(), 200, 1, seed);
        std::string text = text_of(r.get());
        json_t *value = json_loadb(text.data(), text.size(), 0, nullptr);
        EXPECT_TRUE(json_is_string(json_object_get(value, "name"))) << text;
        json_int_t age = json_integer_value(json_object_get(value, "age"));
        EXPECT_TRUE(age >= 1 && age <= 99) << text;
        EXPECT_EQ(LLM_FINISH_GRAMMAR, finish_of(r.get()));
        json_decref(value);
    }
}

TEST_F(GrammarRequests, CompletionsOfOneRequestHaveTheirOwnPlace) {
    Grammar g = gbnf(tokenizer, "root ::= [a-z]{1,6} \"!\"{3}");
    llm_generate_options o = generate_options(40);
    o.grammar = g.get();
    o.n = 6;
    o.temperature = 1;
    Result r = generate(o);
    g.reset(); // the request keeps what it needs
    for (int32_t i = 0; i < 6; i++) {
        EXPECT_TRUE(std::regex_match(text_of(r.get(), i), std::regex("[a-z]{1,6}!!!"))) << text_of(r.get(), i);
        EXPECT_EQ(LLM_FINISH_GRAMMAR, finish_of(r.get(), i));
    }
}

TEST_F(GrammarRequests, AnEarlyEndSaysSo) {
    Grammar g = gbnf(tokenizer, "root ::= [a-z ]{50} \"x\"");
    Result r = constrained(g.get(), 5);
    EXPECT_EQ(LLM_FINISH_LENGTH, finish_of(r.get()));
    EXPECT_TRUE(std::regex_match(text_of(r.get()), std::regex("[a-z ]{1,50}")));
}

TEST_F(GrammarRequests, TheModelMayEndWhereTheGrammarAllowsIt) {
    Grammar g = gbnf(tokenizer, "root ::= \".\"*");
    llm_token end = llm_tokenizer_special(tokenizer, LLM_SPECIAL_EOS);
    llm_logit_bias bias = {end, 1000};
    llm_generate_options o = generate_options(20);
    o.grammar = g.get();
    o.logit_bias = &bias;
    o.n_logit_bias = 1;
    Result r = generate(o);
    EXPECT_EQ("", text_of(r.get()));
    EXPECT_EQ(LLM_FINISH_EOS, finish_of(r.get()));
}

// Nothing but the end may be written; with it, the completion is empty.
TEST_F(GrammarRequests, TheEmptyTextIsAText) {
    Grammar g = gbnf(tokenizer, "root ::= \"\"");
    Result r = constrained(g.get());
    EXPECT_EQ("", text_of(r.get()));
    EXPECT_EQ(LLM_FINISH_EOS, finish_of(r.get()));
}

TEST_F(GrammarRequests, ChoicesRegexAndStopStringsWorkTogether) {
    llm_span choices[] = {{"red", 3}, {"green", LLM_NTS}};
    llm_grammar *made = nullptr;
    OK(llm_grammar_from_choices(&made, tokenizer, choices, 2));
    Grammar colours(made);
    std::string text = text_of(constrained(colours.get()).get());
    EXPECT_TRUE(text == "red" || text == "green") << text;
    OK(llm_grammar_from_regex(&made, tokenizer, "a{3}b{50}", LLM_NTS));
    Grammar letters(made);
    llm_span stop = {"bb", 2};
    llm_generate_options o = generate_options(80);
    o.grammar = letters.get();
    o.stop_strings = &stop;
    o.n_stop_strings = 1;
    Result r = generate(o);
    EXPECT_EQ("aaa", text_of(r.get()));
    EXPECT_EQ(LLM_FINISH_STOP, finish_of(r.get()));
}

TEST_F(GrammarRequests, AGrammarOfAnotherTokenizerIsRefused) {
    Model other = load_model(stories_gguf);
    Grammar g = gbnf(llm_model_get_tokenizer(other.get()), "root ::= \"a\"");
    llm_generate_options o = generate_options(5);
    o.grammar = g.get();
    llm_result *r = nullptr;
    FAILS(LLM_E_ARGUMENT, "another tokenizer", llm_generate(&r, engine.get(), prompt, LLM_NTS, &o, nullptr, nullptr));
    Grammar own = gbnf(tokenizer, "root ::= \"a\"");
    o.grammar = own.get();
    o.ignore_eos = 1;
    FAILS(LLM_E_ARGUMENT, "ignore_eos", llm_generate(&r, engine.get(), prompt, LLM_NTS, &o, nullptr, nullptr));
}

// Old programs know a shorter structure, in which there is no grammar.
TEST_F(GrammarRequests, AShorterStructureHasNoGrammar) {
    Grammar g = gbnf(tokenizer, "root ::= \"zzz\"");
    llm_generate_options o = generate_options(20);
    o.grammar = g.get();
    o.struct_size = offsetof(llm_generate_options, grammar);
    Result r = generate(o);
    EXPECT_EQ(0u, std::string(story).find(text_of(r.get()).substr(0, 20))) << text_of(r.get());
}

TEST_F(GrammarRequests, ArgumentsAreChecked) {
    llm_grammar *g = nullptr;
    FAILS(LLM_E_ARGUMENT, "out is NULL", llm_grammar_from_gbnf(nullptr, tokenizer, "", 0));
    FAILS(LLM_E_ARGUMENT, "tokenizer is NULL", llm_grammar_from_regex(&g, nullptr, "a", 1));
    FAILS(LLM_E_ARGUMENT, "text is NULL", llm_grammar_from_json_schema(&g, tokenizer, nullptr, 5));
    llm_span nowhere[] = {{"a", 1}, {nullptr, LLM_NTS}};
    FAILS(LLM_E_ARGUMENT, "choice 1 of 2", llm_grammar_from_choices(&g, tokenizer, nowhere, 2));
    FAILS(LLM_E_ARGUMENT, "n_choices is 0",
          llm_grammar_from_choices(&g, tokenizer, reinterpret_cast<llm_span *>(1), 0));
    FAILS(LLM_E_FORMAT, "line 1, column 10", llm_grammar_from_gbnf(&g, tokenizer, "root ::= (", LLM_NTS));
    EXPECT_EQ(nullptr, g);
    EXPECT_EQ(nullptr, llm_grammar_ref(nullptr));
    llm_grammar_unref(nullptr);
}

// A vocabulary that cannot spell what must come: an error of the request, no other text.
TEST(GrammarErrors, NoTokenFitsIsAnErrorOfTheRequest) {
    Folder folder;
    Model m = load_model(folder.write("m.gguf", tiny_with_text().encode()));
    Engine e = make_engine(m.get());
    Grammar g = gbnf(llm_model_get_tokenizer(m.get()), "root ::= \"a7\"");
    llm_generate_options o = generate_options(5);
    o.grammar = g.get();
    llm_result *r = nullptr;
    FAILS(LLM_E_UNSUPPORTED, "no token", llm_generate(&r, e.get(), "b", LLM_NTS, &o, nullptr, nullptr));
    llm_result_unref(r);
}
