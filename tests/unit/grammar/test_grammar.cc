/* Grammars: what they take and refuse, that what they let through is right, and what hostile ones cost. */
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "counting.h"
#include "unit/tokenizer/load.h"

extern "C" {
#include "base/json.h"
#include "grammar/grammar.h"
}

struct GrammarFree {
    void operator()(llmi_grammar *g) const { llmi_grammar_unref(g); }
};
using Grammar = std::unique_ptr<llmi_grammar, GrammarFree>;
struct MatcherFree {
    void operator()(llmi_grammar_matcher *m) const { llmi_grammar_matcher_destroy(m); }
};
using Matcher = std::unique_ptr<llmi_grammar_matcher, MatcherFree>;

static const char *const PIECES[] = {"{\"",
                                     "\":",
                                     "\",",
                                     "\"}",
                                     "\":\"",
                                     "},",
                                     "]}",
                                     "[]",
                                     "{}",
                                     "null",
                                     "true",
                                     "fal",
                                     "se",
                                     "\xe2\x96\x81",
                                     "\xe2\x96\x81\"",
                                     "na",
                                     "me",
                                     "id",
                                     "12",
                                     "345",
                                     "0.",
                                     "00",
                                     "a",
                                     "b",
                                     "ab",
                                     "abc",
                                     "x",
                                     "\xc3\xa9",
                                     "\xe6\x97\xa5",
                                     "\xe6\x97\xa5\xe6\x9c\xac",
                                     "\\n",
                                     "\\u",
                                     "\\\"",
                                     "-",
                                     "1",
                                     "2",
                                     "cat",
                                     "dog",
                                     "\xe2\x96\x81the",
                                     ",\xe2\x96\x81",
                                     "\xe2\x96\x81,",
                                     "))",
                                     "(("};

/* Ids 0 unknown, 1 begin, 2 end, then 256 bytes, then pieces. Tokenizers borrow it. */
static Vocab &vocabulary() {
    static Vocab vocab = [] {
        Vocab v("llama", nullptr);
        v.add("<unk>", LLM_TOKEN_UNKNOWN);
        v.add("<s>", LLM_TOKEN_CONTROL);
        v.add("</s>", LLM_TOKEN_CONTROL);
        v.add_byte_tokens();
        for (const char *piece : PIECES) v.add(piece);
        v.v.special[LLM_SPECIAL_UNK] = 0;
        v.v.special[LLM_SPECIAL_BOS] = 1;
        v.v.special[LLM_SPECIAL_EOS] = 2;
        return v;
    }();
    return vocab;
}

using Make = llm_status (*)(llmi_grammar **, const llm_allocator *, llm_tokenizer *, const char *, size_t);

static Grammar make(Make fn, const Tokenizer &t, const std::string &text) {
    llmi_grammar *g = nullptr;
    EXPECT_EQ(LLM_OK, fn(&g, &llmi_default_allocator, t.get(), text.data(), text.size()))
        << text << ": " << llm_last_error();
    return Grammar(g);
}

static Matcher match(const Grammar &g, bool at_start = false) {
    llmi_grammar_matcher *m = nullptr;
    EXPECT_EQ(LLM_OK, llmi_grammar_matcher_create(&m, g.get(), &llmi_default_allocator, at_start)) << llm_last_error();
    return Matcher(m);
}

static std::vector<llm_token> allowed(llmi_grammar_matcher *m, const Tokenizer &t) {
    int32_t n = llmi_tokenizer_size(t.get());
    std::vector<uint64_t> bits((static_cast<size_t>(n) + 63) / 64, ~uint64_t{0});
    std::vector<llm_token> ids;
    if (llmi_grammar_matcher_mask(m, bits.data(), n) != LLM_OK) return ids;
    for (llm_token i = 0; i < n; i++)
        if (bits[static_cast<size_t>(i) / 64] >> (i & 63) & 1) ids.push_back(i);
    return ids;
}

/* Byte by byte, each of which must be in the set of tokens. 1: taken and complete, 0: taken, -1: refused. */
static int takes(const Grammar &g, const Tokenizer &t, const std::string &text) {
    Matcher m = match(g);
    for (char c : text) {
        llm_token token = 3 + static_cast<unsigned char>(c);
        std::vector<llm_token> ids = allowed(m.get(), t);
        bool is_allowed = std::find(ids.begin(), ids.end(), token) != ids.end();
        llm_status status = llmi_grammar_matcher_accept(m.get(), token);
        EXPECT_EQ(is_allowed, status == LLM_OK) << text << ": " << llm_last_error();
        if (!is_allowed) return -1;
    }
    return llmi_grammar_matcher_is_complete(m.get());
}

class Grammars : public testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(t); }
    void takes_all(Make fn, const std::string &source, const std::vector<std::string> &good,
                   const std::vector<std::string> &bad) {
        Grammar g = make(fn, t, source);
        if (!g) return;
        for (const std::string &text : good) EXPECT_EQ(1, takes(g, t, text)) << source << " takes " << text;
        for (const std::string &text : bad) EXPECT_NE(1, takes(g, t, text)) << source << " refuses " << text;
    }
    void fails(Make fn, llm_status status, const std::string &words, const std::string &source) {
        llmi_grammar *g = nullptr;
        EXPECT_EQ(status, fn(&g, &llmi_default_allocator, t.get(), source.data(), source.size()))
            << source.substr(0, 200);
        EXPECT_EQ(nullptr, g);
        EXPECT_NE(std::string::npos, std::string(llm_last_error()).find(words)) << llm_last_error();
        llmi_grammar_unref(g);
    }
    Tokenizer t = from_vocab(vocabulary());
};

TEST_F(Grammars, GbnfTakesWhatItsRulesSay) {
    Make f = llmi_grammar_from_gbnf;
    takes_all(f, "root ::= \"a\" | \"b\" \"c\"", {"a", "bc"}, {"", "b", "ac", "aa"});
    takes_all(f, "root ::= [a-c]+ [^a-c\\n]? \"\\x41\"{2}", {"aAA", "abcxAA"}, {"AA", "a\nAA", "aAAAA"});
    takes_all(f, "root ::= (\"x\" | \"yy\")* # note\n", {"", "xyyx"}, {"y", "xyx"});
    takes_all(f, "root ::= \"(\" root \")\" | \"x\"", {"x", "(((x)))"}, {"(x", "x)", "()"});
    takes_all(f, "root ::= \"a\"{2,4} \"b\"{,1} \"c\"{1,}", {"aac", "aaaabcc"}, {"ac", "aaaaac", "aabb", "aa"});
    takes_all(f, "root ::= list\nlist ::= item\n  (\",\" item)*\nitem ::=\n  [0-9] |\n  \"[\" list \"]\"",
              {"1", "1,[2,[3]],4"}, {"1,", "[1"});
    takes_all(f, "root ::= . \"\\u00e9\" [\\u4e00-\\u9fff]",
              {"x\xc3\xa9\xe6\x97\xa5", "\xf0\x9f\x98\x80\xc3\xa9\xe4\xb8\x80"},
              {"x\xc3\xa9z", "\xff\xc3\xa9\xe6\x97\xa5"});
    takes_all(f, "root ::= (\"a\"?){3} \"b\"", {"b", "ab", "aaab"}, {"aaaab"});
    takes_all(f, "root ::= ((\"a\"*)*)* \"b\"", {"b", "aaaaaab"}, {"a"});
    takes_all(f, "root ::= ((\"a\"?){2,3} \"c\"){2}", {"cc", "acaac", "aaacc"}, {"c", "aaaacc"});
    takes_all(f, "root ::= (\"a\" | \"ab\" | \"abc\" | \"b\" | \"\" | \"ab\" | \"bc\" | \"abd\" | \"\\u00e9\") \"!\"",
              {"a!", "ab!", "abc!", "abd!", "b!", "bc!", "!", "\xc3\xa9!"}, {"abcd!", "c!", "ac!", "a", "\xc3!"});
    takes_all(f, "root ::= e e e\ne ::= \"x\" | \"\"", {"", "x", "xxx"}, {"xxxx"});
    takes_all(f, "root ::= (\"a\" | \"aa\" | \"aaa\"){3,5}", {"aaa", "aaaaaaaaaaaaaaa", "aaaa"},
              {"aa", "aaaaaaaaaaaaaaaa"});
}

TEST_F(Grammars, GbnfErrorsNameThePlace) {
    Make f = llmi_grammar_from_gbnf;
    fails(f, LLM_E_FORMAT, "left recursion", "root ::= root");
    fails(f, LLM_E_FORMAT, "left recursion", "root ::= a \"x\"\na ::= \"y\"? b\nb ::= a | \"z\"");
    fails(f, LLM_E_FORMAT, "no finite text", "root ::= \"a\" root");
    fails(f, LLM_E_FORMAT, "no finite text", "root ::= []");
    fails(f, LLM_E_FORMAT, "line 2, column 6: the group has no end", "root ::= a\na::= (\"x\"");
    fails(f, LLM_E_FORMAT, "line 1, column 10: there is no rule \"x\"", "root ::= x");
    fails(f, LLM_E_FORMAT, "nothing to repeat", "root ::= *");
    fails(f, LLM_E_FORMAT, "nothing to repeat", "root ::= \"a\" | +");
    fails(f, LLM_E_FORMAT, "no rule \"root\"", "top ::= \"a\"");
    fails(f, LLM_E_FORMAT, "no rule \"root\"", "");
    fails(f, LLM_E_FORMAT, "defined twice", "root ::= \"a\"\nroot ::= \"b\"");
    fails(f, LLM_E_FORMAT, "n <= m", "root ::= \"a\"{3,2}");
    fails(f, LLM_E_FORMAT, "more than 1000000", "root ::= \"a\"{99999999999}");
    fails(f, LLM_E_FORMAT, "the text has no end", "root ::= \"a");
    fails(f, LLM_E_FORMAT, "the class has no end", "root ::= [a");
    fails(f, LLM_E_FORMAT, "no escape", "root ::= \"\\q\"");
    fails(f, LLM_E_FORMAT, "hexadecimal", "root ::= \"\\xg0\"");
    fails(f, LLM_E_FORMAT, "is no character", "root ::= \"\\uD800\"");
    fails(f, LLM_E_FORMAT, "ends before it begins", "root ::= [z-a]");
    fails(f, LLM_E_FORMAT, "not UTF-8", "root ::= \"\xff\"");
    fails(f, LLM_E_FORMAT, "expected a rule", "\"a\"");
    fails(f, LLM_E_FORMAT, "expected a text", "root ::= )");
    fails(f, LLM_E_LIMIT, "nested deeper", "root ::= " + std::string(300, '(') + "\"a\"" + std::string(300, ')'));
}

TEST_F(Grammars, RegularExpressionsMatchTheWholeText) {
    Make f = llmi_grammar_from_regex;
    takes_all(f, "a|b+", {"a", "bbb"}, {"", "ab"});
    takes_all(f, "^(?:cat|dog)s?$", {"cat", "dogs"}, {"cats!", "ca"});
    takes_all(f, "\\d{2,3}[-/]\\w*\\s?", {"12-", "123/a_B9 "}, {"1-", "1234-"});
    takes_all(f, "[^\\d]\\D\\W\\S", {"aa!a"}, {"1a!a", "a1!a", "aaaa", "aa! "});
    takes_all(f, ".\\.\\x41\\u00e9\\u{1F600}\\t", {"z.A\xc3\xa9\xf0\x9f\x98\x80\t"},
              {"\n.A\xc3\xa9\xf0\x9f\x98\x80\t"});
    takes_all(f, "(?<year>\\d+)|(?P<x>y)", {"12", "y"}, {"x"});
    takes_all(f, "a*?b+?", {"b", "aabb"}, {"a"});
    takes_all(f, "(a*)*b|()", {"", "aab"}, {"a"});
    takes_all(f, "[\\]\\-a\\b]+", {"]-a\b"}, {"\\"});
    takes_all(f, "[^\\D]+|[^\\W]x|[^\\S]y", {"12", "ax", " y"}, {"\xc3\xa9", "\xc3\xa9x", "\xc2\xa0y", "!x"});
    takes_all(f, "[^\\d][^\\w][^\\s]", {"a!b"},
              {"1!b", "\xd9\xa1!b",
               "a\xc3\xa9"
               "b",
               "a!\xc2\xa0", "aab"});
    takes_all(f, "\\uD83D\\uDE00\\ud7ff", {"\xf0\x9f\x98\x80\xed\x9f\xbf"}, {"\xed\x9f\xbf"});
    takes_all(f, "[[:a]]", {"[]", ":]", "a]"}, {"b"});
    const char *const refused[][2] = {
        {"[[:alpha:]]", "POSIX class [:alpha:]"},
        {"x[a[:digit:]]", "POSIX class [:digit:]"},
        {"[^[=a=]]", "POSIX class"},
        {"[]a]", "\"]\" as the first"},
        {"[^]]", "\"]\" as the first"},
        {"a(?=b)", "a lookahead"},
        {"a(?!b)", "a negative lookahead"},
        {"(?<=a)b", "a lookbehind"},
        {"(?<!a)b", "a negative lookbehind"},
        {"(?P<x>a)(?P=x)", "a back reference"},
        {"(?i)a", "an option"},
        {"(?i:a)", "an option"},
        {"(?>a)", "an atomic group"},
        {"(?#note)a", "a comment"},
        {"a\\b", "\\\\b"},
        {"\\Aa", "\\\\A"},
        {"\\p{L}", "\\\\p"},
        {"\\cA", "\\\\c"},
        {"\\01", "\\\\0"},
        {"(?:^a|b)", "an anchor"},
        {"a$b", "an anchor"},
        {"a++", "possessive"},
    };
    for (const auto &row : refused) fails(f, LLM_E_UNSUPPORTED, row[1], row[0]);
    for (const char *twice : {"a**", "a+*", "a{2}{3}", "a?{2}", "(a)*{2}", "^*a", "a|*"})
        fails(f, LLM_E_FORMAT, "nothing to repeat", twice);
    fails(f, LLM_E_FORMAT, "U+D83D is no character", "\\uD83Dx");
    fails(f, LLM_E_FORMAT, "U+D83D is no character", "\\uD83D\\u0041");
    fails(f, LLM_E_UNSUPPORTED, "column 4", "(a)\\1");
    fails(f, LLM_E_UNSUPPORTED, "anchor", "a^b");
    fails(f, LLM_E_UNSUPPORTED, "anchor", "(a$)b");
    fails(f, LLM_E_UNSUPPORTED, "possessive", "a++");
    fails(f, LLM_E_FORMAT, "nothing to repeat", "+a");
    fails(f, LLM_E_FORMAT, "the group has no end", "(a");
    fails(f, LLM_E_FORMAT, "was not opened", "a)");
    fails(f, LLM_E_FORMAT, "escape has no character", "a\\");
}

TEST_F(Grammars, ChoicesAreTakenByteForByte) {
    const llm_span choices[] = {{"red", 3}, {"reddish", 7}, {"\xc3\xa9", 2}};
    llmi_grammar *made = nullptr;
    ASSERT_EQ(LLM_OK, llmi_grammar_from_choices(&made, &llmi_default_allocator, t.get(), choices, 3));
    Grammar g(made);
    EXPECT_EQ(1, takes(g, t, "red"));
    EXPECT_EQ(1, takes(g, t, "reddish"));
    EXPECT_EQ(1, takes(g, t, "\xc3\xa9"));
    EXPECT_EQ(0, takes(g, t, "redd"));
    EXPECT_EQ(-1, takes(g, t, "blue"));
}

/* Every token alone: allowed if and only if its text can be read byte by byte. */
static void check_masks(const Grammar &g, const Tokenizer &t, const std::string &before) {
    Matcher m = match(g);
    for (char c : before) ASSERT_EQ(LLM_OK, llmi_grammar_matcher_accept(m.get(), 3 + static_cast<unsigned char>(c)));
    std::vector<llm_token> ids = allowed(m.get(), t);
    for (llm_token id = 3; id < llmi_tokenizer_size(t.get()); id++) {
        llmi_buf text;
        llmi_buf_init(&text, &llmi_default_allocator);
        ASSERT_EQ(LLM_OK, llmi_tokenizer_decode(&text, t.get(), &id, 1, 0, false));
        bool expected = takes(g, t, before + std::string(text.data, text.len)) >= 0;
        bool found = std::find(ids.begin(), ids.end(), id) != ids.end();
        EXPECT_EQ(expected, found) << "after \"" << before << "\": \"" << std::string(text.data, text.len) << "\"";
        llmi_buf_free(&text);
    }
}

TEST_F(Grammars, ATokenIsAllowedIfItsBytesAre) {
    Grammar json = make(llmi_grammar_from_schema, t,
                        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":4},\"id\":{"
                        "\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}");
    for (const char *before : {"", "{", "{\"", "{\"name\":\"", "{\"name\":\"abc", "{\"name\":\"abcd",
                               "{\"name\":\"a\",", "{\"id\":[1", "{\"id\":[1]", "{\"name\":\"\\"})
        check_masks(json, t, before);
    Grammar nested =
        make(llmi_grammar_from_gbnf, t, "root ::= \"(\" (root | char{1,3}) \")\" root?\nchar ::= [a-z\\u00e9\\u65e5]");
    for (const char *before : {"", "(", "((", "(ab", "(abc", "((a)", "(x)", "(\xc3"}) check_masks(nested, t, before);
}

TEST_F(Grammars, EndIsAllowedWhereTheTextIsComplete) {
    Grammar g = make(llmi_grammar_from_gbnf, t, "root ::= \"a\"{1,2}");
    Matcher m = match(g);
    EXPECT_EQ(std::vector<llm_token>({3 + 'a', 3 + 256 + 22}), allowed(m.get(), t));
    ASSERT_EQ(LLM_E_ARGUMENT, llmi_grammar_matcher_accept(m.get(), 2));
    ASSERT_EQ(LLM_OK, llmi_grammar_matcher_accept(m.get(), 3 + 'a'));
    EXPECT_EQ(std::vector<llm_token>({2, 3 + 'a', 3 + 256 + 22}), allowed(m.get(), t));
    EXPECT_FALSE(llmi_grammar_matcher_is_over(m.get()));
    ASSERT_EQ(LLM_OK, llmi_grammar_matcher_accept(m.get(), 3 + 'a'));
    EXPECT_TRUE(llmi_grammar_matcher_is_over(m.get()));
    EXPECT_EQ(std::vector<llm_token>({2}), allowed(m.get(), t));
    ASSERT_EQ(LLM_OK, llmi_grammar_matcher_accept(m.get(), 2));
    EXPECT_TRUE(allowed(m.get(), t).empty());
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_grammar_matcher_accept(m.get(), 3 + 'a'));
}

TEST_F(Grammars, NoTokenIsAnError) {
    Vocab vocab("llama", nullptr);
    vocab.add("<unk>", LLM_TOKEN_UNKNOWN);
    vocab.add("<s>", LLM_TOKEN_CONTROL);
    vocab.add("a");
    Tokenizer small = from_vocab(vocab);
    Grammar g = make(llmi_grammar_from_regex, small, "ab");
    Matcher m = match(g);
    uint64_t bits = 7;
    ASSERT_EQ(LLM_OK, llmi_grammar_matcher_mask(m.get(), &bits, 3));
    EXPECT_EQ(uint64_t{4}, bits);
    ASSERT_EQ(LLM_OK, llmi_grammar_matcher_accept(m.get(), 2));
    bits = 7;
    EXPECT_EQ(LLM_E_UNSUPPORTED, llmi_grammar_matcher_mask(m.get(), &bits, 3));
    EXPECT_EQ(uint64_t{0}, bits);
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_grammar_matcher_accept(m.get(), 99));
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_grammar_matcher_accept(m.get(), -1));
}

/* Where ids begin a text, SentencePiece's first blank is not shown: such a token would not be what the grammar reads.
 */
TEST_F(Grammars, FirstBlankThatIsNotShownIsNotAllowed) {
    Grammar g = make(llmi_grammar_from_regex, t, " ?the");
    llm_token the = llmi_tokenizer_find(t.get(), "\xe2\x96\x81the", 6);
    auto has = [&](bool at_start) {
        Matcher m = match(g, at_start);
        std::vector<llm_token> ids = allowed(m.get(), t);
        return std::find(ids.begin(), ids.end(), the) != ids.end();
    };
    EXPECT_TRUE(has(false));
    EXPECT_FALSE(has(true));
}

/* ---- schemas ---- */

static std::string text_of(const llmi_json *value) {
    llmi_buf out;
    llmi_buf_init(&out, &llmi_default_allocator);
    EXPECT_TRUE(llmi_json_write(&out, value, LLMI_JSON_COMPACT));
    std::string text(out.data, out.len);
    llmi_buf_free(&out);
    return text;
}

static std::string bytes_of(const llmi_json *value) {
    llm_span text = llmi_json_text(value);
    return std::string(text.ptr, text.len);
}

class Schemas : public Grammars {
  protected:
    void SetUp() override {
        Grammars::SetUp();
        std::stringstream text;
        text << std::ifstream(path).rdbuf();
        std::string file = text.str();
        llmi_json_doc_init(&doc, &llmi_default_allocator, 0);
        ASSERT_EQ(LLM_OK, llmi_json_parse(&cases, &doc, {file.data(), file.size()}, path.c_str(), 0))
            << llm_last_error();
        ASSERT_GE(llmi_json_count(cases), 200u) << path;
    }
    void TearDown() override { llmi_json_doc_free(&doc); }
    const std::string folder = LLM_SOURCE_DIR "/tests/unit/grammar", path = folder + "/schema_cases.json";
    llmi_json_doc doc;
    const llmi_json *cases = nullptr;
};

TEST_F(Schemas, TakeValidTextsAndRefuseOthers) {
    for (size_t i = 0; i < llmi_json_count(cases); i++) {
        const llmi_json *c = llmi_json_item(cases, i);
        std::string schema = text_of(llmi_json_get(c, "schema"));
        Grammar g = make(llmi_grammar_from_schema, t, schema);
        if (!g) continue;
        for (const char *key : {"valid", "invalid"})
            for (size_t k = 0; k < llmi_json_count(llmi_json_get(c, key)); k++) {
                std::string text = bytes_of(llmi_json_item(llmi_json_get(c, key), k));
                EXPECT_EQ(*key == 'v', takes(g, t, text) == 1) << "case " << i << ": " << schema << " and " << text;
            }
    }
}

/* A random text, with a leaning to what closes; empty if it does not end. */
static std::string walk(const Grammar &g, const Tokenizer &t, std::mt19937 &rng) {
    Matcher m = match(g);
    Ids ids;
    for (int i = 0; i < 1500; i++) {
        if (llmi_grammar_matcher_is_over(m.get())) break;
        std::vector<llm_token> next = allowed(m.get(), t), closing;
        if (next.empty()) {
            ADD_FAILURE() << "dead end after " << decode(t, ids) << ": " << llm_last_error();
            return "";
        }
        for (llm_token id : next)
            if (id == 2 || id == 3 + '"' || id == 3 + '}' || id == 3 + ']' || id == 3 + ',') closing.push_back(id);
        bool closes = !closing.empty() && rng() % 100 < (i < 100 ? 25u : 80u);
        const std::vector<llm_token> &list = closes ? closing : next;
        llm_token id = list[rng() % list.size()];
        if (closes && list[0] == 2 && rng() % 2) id = 2;
        EXPECT_EQ(LLM_OK, llmi_grammar_matcher_accept(m.get(), id)) << llm_last_error();
        if (id == 2) break;
        ids.push_back(id);
    }
    return llmi_grammar_matcher_is_complete(m.get()) ? decode(t, ids, LLM_DECODE_KEEP_PREFIX) : "";
}

static std::string json_of(const std::string &text) {
    llmi_buf out;
    llmi_buf_init(&out, &llmi_default_allocator);
    llmi_json_writer w = llmi_json_writer_to(&out);
    llmi_json_put_string(&w, {text.data(), text.size()});
    EXPECT_FALSE(w.failed);
    std::string json(out.data, out.len);
    llmi_buf_free(&out);
    return json;
}

TEST_F(Schemas, RandomTextsAreValid) {
    std::string check = "python3 " + folder + "/make_schema_cases.py --check ";
    if (std::system("python3 -W ignore -c 'import jsonschema' >/dev/null 2>&1") != 0)
        GTEST_SKIP() << "no python3 with jsonschema";
    std::string file = testing::TempDir() + "/schema_texts_" + std::to_string(::getpid());
    std::mt19937 rng(1);
    size_t n_texts = 0, n_open = 0;
    {
        std::ofstream out(file);
        for (size_t i = 0; i < llmi_json_count(cases); i++) {
            Grammar g = make(llmi_grammar_from_schema, t, text_of(llmi_json_get(llmi_json_item(cases, i), "schema")));
            for (int k = 0; g && k < 20; k++) {
                std::string text = walk(g, t, rng);
                n_texts++;
                n_open += text.empty();
                if (!text.empty()) out << "{\"case\":" << i << ",\"text\":" << json_of(text) << "}\n";
            }
        }
    }
    EXPECT_LT(n_open * 10, n_texts);
    EXPECT_EQ(0, std::system((check + file).c_str()));
    if (!HasFailure()) std::remove(file.c_str());
}

TEST_F(Grammars, SchemasThatCannotBeMadeSayWhy) {
    Make f = llmi_grammar_from_schema;
    fails(f, LLM_E_FORMAT, "line 1", "{");
    fails(f, LLM_E_FORMAT, "found an array, expected a schema", "[]");
    fails(f, LLM_E_FORMAT, "#/properties/a: found an integer, expected a schema", "{\"properties\":{\"a\":3}}");
    fails(f, LLM_E_UNSUPPORTED, "#/properties/a~1b: \"multipleOf\" is 30001",
          "{\"properties\":{\"a/b\":{\"type\":\"integer\",\"multipleOf\":30001}}}");
    fails(f, LLM_E_FORMAT, "expected a number above 0", R"({"type":"number","multipleOf":0})");
    for (const char *key : {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "extends"})
        fails(f, LLM_E_UNSUPPORTED, key, std::string("{\"") + key + "\":{\"a\":{}}}");
    fails(f, LLM_E_UNSUPPORTED, "\"uniqueItems\"", R"({"type":"array","uniqueItems":true})");
    fails(f, LLM_E_UNSUPPORTED, "cannot be excluded", R"({"not":{"items":{"type":"null"},"type":["object","array",
        "string","number","boolean","null"]}})");
    fails(f, LLM_E_UNSUPPORTED, "relative-json-pointer", R"({"type":"string","format":"relative-json-pointer"})");
    fails(f, LLM_E_UNSUPPORTED, "two different \"contains\"",
          R"({"allOf":[{"contains":{"type":"null"}},{"contains":{"const":1}}]})");
    fails(f, LLM_E_UNSUPPORTED, "a name may come twice", R"({"type":"object","minProperties":2})");
    fails(f, LLM_E_FORMAT, "use prefixItems", R"({"type":"array","items":[{"type":"integer"}]})");
    fails(f, LLM_E_FORMAT, "as in draft 4", R"({"type":"integer","minimum":1,"exclusiveMinimum":true})");
    fails(f, LLM_E_FORMAT, "\"required\" holds an integer", R"({"required":[1]})");
    fails(f, LLM_E_FORMAT, "\"pattern\" is an array", R"({"pattern":["a"]})");
    fails(f, LLM_E_FORMAT, "cannot be written in JSON", R"({"const":[NaN]})");
    fails(f, LLM_E_UNSUPPORTED, "$ref", "{\"$ref\":\"#/$defs/none\"}");
    fails(f, LLM_E_UNSUPPORTED, "$ref", "{\"$ref\":\"http://other\"}");
    fails(f, LLM_E_LIMIT, "in a row", "{\"$ref\":\"#\"}");
    fails(f, LLM_E_FORMAT, "no finite text",
          "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}");
    fails(f, LLM_E_FORMAT, "no finite text", "false");
    fails(f, LLM_E_FORMAT, "#/properties/outer/properties/n: no value can satisfy this",
          R"({"type":"object","properties":{"x":{"type":"object","properties":{"a":{"type":"integer"}},
              "required":["a"]},"outer":{"type":"object","properties":{"n":{"type":"integer","minimum":5,"maximum":3}},
              "required":["n"]}},"required":["x","outer"]})");
    fails(f, LLM_E_FORMAT, "#/items: no value", R"({"type":"array","minItems":1,"items":{"enum":[1],"minimum":2}})");
    fails(f, LLM_E_FORMAT, "schema: #: no value",
          R"({"$defs":{"s":{"type":"string","pattern":"^a$","minLength":2}},"$ref":"#/$defs/s"})");
    fails(f, LLM_E_FORMAT, "no finite text", "{\"allOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}");
    fails(f, LLM_E_FORMAT, "#/pattern", "{\"type\":\"string\",\"pattern\":\"(a\"}");
    fails(f, LLM_E_FORMAT, "schema: #/pattern: line 1", R"({"type":"string","pattern":"(a","maxLength":3})");
    fails(f, LLM_E_LIMIT,
          "schema: #/properties/a: ", R"({"properties":{"a":{"type":"string","pattern":"a.{30}b","maxLength":100}}})");
    fails(f, LLM_E_FORMAT, "\"type\" is \"text\"", "{\"type\":\"text\"}");
    fails(f, LLM_E_FORMAT, "\"minLength\"", "{\"type\":\"string\",\"minLength\":-1}");
    fails(f, LLM_E_LIMIT, "nested deeper", std::string(200, '[') + std::string(200, ']'));
}

/* ---- hostile grammars ---- */

static std::string join(const std::string &begin, int n, const std::string &end,
                        const std::function<std::string(int)> &one) {
    std::string out = begin;
    for (int i = 0; i < n; i++) out += (i ? "," : "") + one(i);
    return out + end;
}

static std::string repeat(const std::string &text, int n) {
    std::string out;
    for (int i = 0; i < n; i++) out += text;
    return out;
}

/* Made or refused, and then some steps, each of which may refuse; never a crash, never long. */
static void survive(Make fn, const Tokenizer &t, const std::string &source) {
    llmi_grammar *made = nullptr;
    if (fn(&made, &llmi_default_allocator, t.get(), source.data(), source.size()) != LLM_OK) {
        EXPECT_EQ(nullptr, made);
        return;
    }
    Grammar g(made);
    llmi_grammar_matcher *m = nullptr;
    if (llmi_grammar_matcher_create(&m, g.get(), &llmi_default_allocator, false) != LLM_OK) return;
    Matcher owner(m);
    std::mt19937 rng(1);
    for (int i = 0; i < 30; i++) {
        std::vector<llm_token> ids = allowed(m, t);
        if (ids.empty() || llmi_grammar_matcher_accept(m, ids[rng() % ids.size()]) != LLM_OK) return;
    }
}

TEST_F(Grammars, HostileOnesEndInAnErrorOrWorkWithinLimits) {
    Make gbnf = llmi_grammar_from_gbnf, regex = llmi_grammar_from_regex, schema = llmi_grammar_from_schema;
    survive(gbnf, t, "root ::= " + repeat("(", 60000) + "\"a\"" + repeat(")", 60000));
    survive(gbnf, t, "root ::= " + repeat("(\"a\")", 60000));
    survive(gbnf, t, "root ::= " + repeat("(", 200) + "\"a\"" + repeat(")*", 200));
    survive(gbnf, t, "root ::= " + repeat("(", 200) + "\"a\"" + repeat("?){0,1000000}", 200));
    survive(gbnf, t, "root ::= " + repeat("|", 100000));
    survive(gbnf, t, "root ::= \"\" | () | (|) | \"\"*");
    survive(gbnf, t, "root ::= \"(\" root*++++++.++++++++++");
    survive(gbnf, t, "root ::= ((((\"a\"{1000000}){1000000}){1000000}){1000000}){1000000}");
    survive(gbnf, t, "root ::= (\"a\" | \"aa\"){1,1000000} \"b\"");
    std::string many = "root ::= r0\n", exponential = "root ::= x0\n";
    for (int i = 0; i < 20000; i++) many += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
    many += "r20000 ::= \"a\"";
    survive(gbnf, t, many);
    for (int i = 0; i < 40; i++) {
        std::string next = "x" + std::to_string(i + 1);
        exponential += "x" + std::to_string(i) + " ::= " + next + " \"a\" | " + next + " \"b\"\n";
    }
    survive(gbnf, t, exponential + "x40 ::= \"c\"+");
    survive(regex, t, repeat("(a*)*", 1000));
    survive(regex, t, repeat("(", 60000) + repeat(")", 60000));
    survive(regex, t, repeat("(a|a)*", 5000));
    survive(regex, t, ".*.*.*.*.*.*.*.*x");
    survive(schema, t, "{\"anyOf\":[" + repeat("{\"anyOf\":[", 50) + "{}" + repeat("]}", 50) + "]}");
    survive(schema, t, "{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}");
    survive(schema, t,
            "{\"$defs\":{\"n\":{\"allOf\":[{\"properties\":{\"c\":{\"$ref\":\"#/$defs/"
            "n\"}}},{\"properties\":{\"c\":{\"allOf\":[{\"$ref\":\"#/$defs/"
            "n\"},{\"minProperties\":0}]}}}]}},\"$ref\":\"#/$defs/n\"}");
    survive(schema, t, R"({"$defs":{"a":{"oneOf":[{"enum":[1]},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"})");
    survive(schema, t, R"({"$defs":{"a":{"not":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"})");
    survive(schema, t, R"({"$defs":{"a":{"if":{"$ref":"#/$defs/a"},"then":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"})");
    survive(schema, t, R"({"enum":[[[1]]],"items":{"anyOf":[{"$ref":"#"},{"const":[1]}]}})");
    survive(schema, t, R"({"oneOf":[{"items":{"$ref":"#"}},{"enum":[[[[]]]]}]})");
    survive(schema, t, R"({"propertyNames":{"$ref":"#"}})");
    survive(schema, t, R"({"contains":{"not":{"$ref":"#"}},"maxContains":3})");
    survive(schema, t, "{\"type\":\"string\",\"minLength\":1000000}");
    survive(schema, t, "{\"type\":\"array\",\"minItems\":1000000,\"items\":{\"type\":\"array\",\"maxItems\":1000000}}");
    survive(schema, t, "{\"type\":\"number\",\"minimum\":1e308}");
    survive(schema, t, "{\"type\":\"number\",\"minimum\":-1e-300,\"maximum\":1e-300}");
    survive(schema, t, "{\"type\":\"integer\",\"minimum\":-1e300,\"maximum\":1e300}");
}

TEST_F(Grammars, MoreAlternativesThanCanBeRunAreRefusedWhenTheyAreMade) {
    std::string texts = "root ::= ", after = "root ::= \"x\" many\nmany ::= ", rules = "root ::= \"y\" many\nmany ::= ";
    for (int i = 0; i < 40000; i++) {
        std::string number = std::to_string(i);
        texts += (i ? " | \"" : "\"") + number + "\"";
        after += (i ? " | [a-z] \"" : "[a-z] \"") + number + "\"";
        rules += (i ? " | r" : "r") + number;
    }
    for (int i = 0; i < 40000; i++) rules += "\nr" + std::to_string(i) + " ::= \"t" + std::to_string(i % 1000) + "\"";
    takes_all(llmi_grammar_from_gbnf, texts, {"0", "39999", "123"}, {"40000", "x", ""});
    takes_all(llmi_grammar_from_gbnf, rules, {"yt0", "yt999"}, {"yt1000", "t0"});
    fails(llmi_grammar_from_gbnf, LLM_E_LIMIT, "too ambiguous: more than 32768 readings", after);
    std::string values = join("{\"enum\":[", 100000, "]}", [](int i) { return "\"v" + std::to_string(i) + "\""; });
    takes_all(llmi_grammar_from_schema, values, {"\"v0\"", "\"v99999\""}, {"\"v100000\"", "\"v\""});
}

/* ---- memory ---- */

static llm_status use(const llm_allocator *a, llm_tokenizer *t, Make fn, const std::string &source,
                      const std::string &text) {
    llmi_grammar *g = nullptr;
    llm_status status = fn(&g, a, t, source.data(), source.size());
    EXPECT_EQ(g == nullptr, status != LLM_OK);
    llmi_grammar_matcher *m = nullptr;
    if (status == LLM_OK) status = llmi_grammar_matcher_create(&m, g, a, false);
    for (size_t i = 0; i < text.size() && status == LLM_OK; i++) {
        std::vector<uint64_t> bits(8, ~uint64_t{0});
        status = llmi_grammar_matcher_mask(m, bits.data(), llmi_tokenizer_size(t));
        if (status == LLM_OK) status = llmi_grammar_matcher_accept(m, 3 + static_cast<unsigned char>(text[i]));
    }
    llmi_grammar_matcher_destroy(m);
    llmi_grammar_unref(g);
    return status;
}

/* Bytes at once, and allocations, of making a grammar: what a stranger's schema costs. */
struct Costing {
    size_t now = 0, peak = 0, n = 0;
    llm_allocator allocator{this, alloc, release};
    static void *alloc(void *user, size_t n_bytes, size_t alignment) {
        auto *c = static_cast<Costing *>(user);
        c->n++;
        c->peak = std::max(c->peak, c->now += n_bytes);
        return llmi_default_allocator.alloc(llmi_default_allocator.user, n_bytes, alignment);
    }
    static void release(void *user, void *ptr, size_t n_bytes) {
        static_cast<Costing *>(user)->now -= n_bytes;
        llmi_default_allocator.free(llmi_default_allocator.user, ptr, n_bytes);
    }
};

static void costs(const Tokenizer &t, const std::string &what, const std::string &source, size_t max_bytes,
                  size_t max_allocations, std::vector<llm_status> ends) {
    Costing c;
    llmi_grammar *g = nullptr;
    llm_status status = llmi_grammar_from_schema(&g, &c.allocator, t.get(), source.data(), source.size());
    EXPECT_NE(ends.end(), std::find(ends.begin(), ends.end(), status)) << what << ": " << llm_last_error();
    EXPECT_LE(c.peak, max_bytes) << what;
    EXPECT_LE(c.n, max_allocations) << what;
    llmi_grammar_unref(g);
    EXPECT_EQ(0u, c.now) << what;
}

/* Two schemas that refer to themselves by n properties each. */
static std::string twins(int n) {
    auto name = [](int i) { return "\"p" + std::to_string(i) + "\""; };
    auto node = [&](const std::string &self) {
        auto ref = [&](int i) { return name(i) + ":{\"$ref\":\"#/$defs/" + self + "\"}"; };
        return "\"" + self + "\":{\"type\":\"object\",\"required\":" + join("[", n, "]", name) +
               join(",\"properties\":{", n, "}}", ref);
    };
    return "{\"$defs\":{" + node("a") + "," + node("b") +
           "},\"oneOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/b\"}]}";
}

TEST_F(Grammars, WhatASchemaCostsIsLimited) {
    const size_t mb = 1 << 20;
    auto number = [](int i) { return std::to_string(i); };
    auto property = [](int i) { return "\"p" + std::to_string(i) + "\":true"; };
    auto constant = [](int i) { return "{\"const\":" + std::to_string(i) + "}"; };
    auto pattern = [](int i) { return "{\"type\":\"string\",\"pattern\":\"a.{" + std::to_string(i) + "}b\"}"; };
    auto depends = [](int i) { return "\"p" + std::to_string(i) + "\":[\"q\"]"; };
    auto optional = [](int i) { return "{\"properties\":{\"p" + std::to_string(i) + "\":{}}}"; };
    const llm_status limit = LLM_E_LIMIT, ok = LLM_OK, none = LLM_E_FORMAT;
    costs(t, "pairs of references", twins(8), 4 * mb, 20000, {none});
    costs(t, "many pairs of references", twins(40), 32 * mb, 200000, {none, limit});
    costs(t, "properties under branches",
          join("{\"properties\":{", 20000, "},", property) + join("\"anyOf\":[", 1000, "]}", optional), 48 * mb, 100000,
          {limit});
    costs(t, "pairs of enums",
          join("{\"allOf\":[{\"enum\":[", 60000, "]},", number) + join("{\"enum\":[", 60000, "]}]}", number), 64 * mb,
          100000, {ok});
    costs(t, "oneOf of constants", join("{\"oneOf\":[", 20000, "]}", constant), 64 * mb, 500000, {ok});
    costs(t, "oneOf of patterns", join("{\"oneOf\":[", 300, "]}", pattern), 96 * mb, 500000, {limit});
    costs(t, "dependencies", join("{\"dependentRequired\":{", 60, "}}", depends), 96 * mb, 500000, {limit});
    costs(t, "oneOf of optional properties", join("{\"oneOf\":[", 200, "]}", optional), 96 * mb, 500000, {limit, none});
    costs(t, "a pattern that is exponential", R"({"type":"string","pattern":"a.{30}b","maxLength":100})", 64 * mb,
          200000, {limit});
    auto link = [](int i) {
        return "\"p" + std::to_string(i) + R"(":{"title":")" + std::to_string(i) +
               R"(","type":"string","format":"uri","minLength":1,"maxLength":2083})";
    };
    costs(t, "forty addresses", join("{\"properties\":{", 40, "}}", link), 16 * mb, 5000, {ok});
    costs(t, "a pattern with a large bound", R"({"type":"string","pattern":"^[a-z]+(-[a-z]+)*$","maxLength":500000})",
          64 * mb, 1000, {ok});
    costs(t, "a long repetition with a bound", R"({"type":"string","pattern":"^a{500000}$","maxLength":600000})",
          96 * mb, 200000, {limit});
    costs(t, "bounds on the number of properties",
          join("{\"minProperties\":900,\"properties\":{", 1000, "}}", property), 96 * mb, 500000, {ok, limit});
}

TEST_F(Grammars, EveryAllocationMayFail) {
    struct {
        Make fn;
        std::string source, text;
    } rows[] = {
        {llmi_grammar_from_gbnf, "root ::= \"(\" root \")\" | c{2,5}\nc ::= [a-z\\u00e9] | \"\\n\"", "((ab))"},
        {llmi_grammar_from_regex, "(?:\\d+|[^x]{2,9})*", "12ab"},
        {llmi_grammar_from_schema,
         "{\"allOf\":[{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":3},\"b\":{\"type\":"
         "\"number\",\"minimum\":0.5}},\"additionalProperties\":{\"enum\":[1,[2]]}},{\"required\":[\"a\"]}]}",
         "{\"a\":\"b\",\"c\":[2]}"},
        {llmi_grammar_from_schema,
         R"({"oneOf":[{"type":"string","pattern":"^a+$","maxLength":3,"not":{"enum":["a"]}},{"const":"x"},
            {"type":"integer","multipleOf":3,"minimum":1,"maximum":9}]})",
         "\"aa\""},
        {llmi_grammar_from_schema,
         R"({"type":"object","properties":{"k":{"enum":[1,2,1.0]}},"patternProperties":{"^x":{"type":"array",
            "items":{"enum":["a","b"]},"uniqueItems":true}},"propertyNames":{"maxLength":2},"minProperties":1,
            "if":{"required":["k"]},"then":{"maxProperties":2},"dependentRequired":{"k":["x"]}})",
         "{\"k\":2,\"x\":[\"b\"]}"},
        {llmi_grammar_from_schema, R"({"type":"array","items":{"not":{"type":"string"}},"contains":{"const":[null]}})",
         "[1,[null]]"},
    };
    for (const auto &row : rows) {
        Counting f;
        bool reached = true;
        for (int i = 0; reached; i++) {
            f.n = 0;
            f.fail_at = i;
            llm_status status = use(&f.allocator, t.get(), row.fn, row.source, row.text);
            reached = f.n > i;
            ASSERT_EQ(reached ? LLM_E_MEMORY : LLM_OK, status)
                << row.source << ", allocation " << i << ": " << llm_last_error();
            ASSERT_EQ(0, f.alive) << row.source << ", allocation " << i;
        }
    }
}
