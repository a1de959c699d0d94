// Answers: where they are found beside what people and models write, and what makes them comparable.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "base/status.h"
#include "prompt/extract.h"
}
#include "oom/failing.h"

namespace {

std::string extract(const std::string &spec, const std::string &text) {
    llmi_extract *x;
    llmi_error_clear();
    llm_status status = llmi_extract_create(&x, &llmi_default_allocator, spec.data(), spec.size());
    if (status != LLM_OK) return llm_status_name(status);
    llmi_buf out;
    bool found;
    llmi_buf_init(&out, &llmi_default_allocator);
    status = llmi_extract_run(&out, &found, x, text.data(), text.size());
    std::string got = status != LLM_OK ? llm_status_name(status) : found ? std::string(out.data, out.len) : "-";
    llmi_buf_free(&out);
    llmi_extract_destroy(x);
    return got;
}

std::string normal(const std::string &text) {
    llmi_buf out;
    llmi_buf_init(&out, &llmi_default_allocator);
    EXPECT_TRUE(llmi_extract_normalize(&out, text.data(), text.size()));
    std::string got(out.len ? out.data : "", out.len);
    llmi_buf_free(&out);
    return got;
}

TEST(Extract, Numbers) {
    const std::pair<const char *, const char *> cases[] = {
        {"The answer is 42.", "42"},
        {"1,234.0", "1234"},
        {"from 3 to -5", "-5"},
        {"5-3", "3"},
        {"it costs $1,234,567.50!", "1234567.5"},
        {"007", "7"},
        {"0.50", "0.5"},
        {".25 cups", "0.25"},
        {"-0", "0"},
        {"12,34", "34"},
        {"1,2,3", "3"},
        {"\xe2\x88\x92"
         "7 degrees",
         "-7"},
        {"x2 is 9", "9"},
        {"x2", "-"},
        {"none", "-"},
        {"", "-"},
        {"3.", "3"},
        {"v1.2.3", "-"},
        {"100%", "100"},
        {"0000", "0"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
    };
    for (auto &c : cases) EXPECT_EQ(c.second, extract("number", c.first)) << c.first;
}

struct Case {
    const char *text, *answer; // "-": there is none
};

void check(const char *spec, const std::vector<Case> &cases) {
    for (auto &c : cases) EXPECT_EQ(c.answer, extract(spec, c.text)) << spec << ": " << c.text;
}

TEST(ExtractNumber, BesideAnySign) {
    check("number", {{"The total is £42.", "42"},
                     {"costs €15", "15"},
                     {"≈5", "5"},
                     {"“5”", "5"},
                     {"‘5’", "5"},
                     {"«5»", "5"},
                     {"1\u00a0item, \u00a07", "7"},
                     {"3 × 5 =\u00a015", "15"},
                     {"He has 3 boxes at £7", "7"},
                     {"5€", "5"},
                     {"¥1,200円", "1200"},
                     {"₹12,34,567", "1234567"},
                     {"…5", "5"},
                     {"1–9", "9"},
                     {"Answer—5", "5"},
                     {"→ 5", "5"},
                     {"±5", "5"},
                     {"✅5", "5"},
                     {"\u200e42", "42"},
                     {"5\ufe0f\u20e3", "5"},
                     {"5°", "5"},
                     {"**5**", "5"},
                     {"`5`", "5"},
                     {"x=5", "5"},
                     {"#5", "5"},
                     {"No.5", "5"},
                     {"5\u20136", "6"},
                     {"<b>5</b>", "5"}});
}

// Words of other languages: those of scripts with spaces join, as Latin ones do.
TEST(ExtractNumber, InManyLanguages) {
    check("number", {{"答案是5", "5"},
                     {"所以答案是42。", "42"},
                     {"答えは42です。", "42"},
                     {"カタカナ42", "42"},
                     {"ｶﾅ42", "42"},
                     {"정답은42입니다", "42"},
                     {"คำตอบคือ42ครับ", "42"},
                     {"ចម្លើយ42", "42"},
                     {"第１２題：４２", "42"},
                     {"４２", "42"},
                     {"−４．５", "-4.5"},
                     {"１，２３４", "1234"},
                     {"有5，6", "6"},
                     {"步骤1：5", "5"},
                     {"Ответ: 42.", "42"},
                     {"икс2", "-"},
                     {"Ω2", "-"},
                     {"é2", "-"},
                     {"ª2", "-"},
                     {"الجواب هو ٤٢", "42"},
                     {"الجواب ٣٫١٤", "3.14"},
                     {"١٬٢٣٤", "1234"},
                     {"۴۲ است", "42"},
                     {"בערך -42 מעלות", "-42"},
                     {"ב-42", "42"},
                     {"بـ42", "42"},
                     {"उत्तर ४२ है", "42"},
                     {"উত্তর ৪২", "42"},
                     {"คำตอบคือ ๔๒", "42"},
                     {"La réponse est 1\u202f234", "1234"},
                     {"Die Antwort ist 1.234,5", "1234.5"},
                     {"Die Antwort ist 1.234.567,5", "1234567.5"},
                     {"C'est 1\u202f234,5", "1234.5"},
                     {"C'est 1\u00a0234\u00a0567,25 €", "1234567.25"},
                     {"Schweiz: 1'234.50", "1234.5"},
                     {"Schweiz: 1’234", "1234"},
                     {"四十二", "-"},
                     {"①", "-"}});
}

TEST(ExtractNumber, Signs) {
    check("number", {{"-$5", "-5"},  {"\u2212$5", "-5"}, {"-£5.50", "-5.5"}, {"$-5", "-5"},     {"-\\$5", "-5"},
                     {"−5", "-5"},   {"\uff0d5", "-5"},  {"\u20135", "-5"},  {"\u20115", "-5"}, {"it is −7", "-7"},
                     {"5−3", "3"},   {"(5)", "5"},       {"f(2)-3", "3"},    {"5%-6%", "6"},    {"$5-$6", "6"},
                     {"5€–6€", "6"}, {"10°–12°", "12"},  {"3 -5", "-5"},     {"5--3", "-3"},    {"=-5", "-5"},
                     {"+5", "5"},    {"-.5", "-0.5"},    {"COVID-19", "19"}});
}

TEST(ExtractNumber, Spellings) {
    check("number", {{"\\boxed{1{,}234}", "1234"},
                     {"\\boxed{42}", "42"},
                     {"1\\,234", "1234"},
                     {"1,\\!234", "1234"},
                     {"1_000_000", "1000000"},
                     {"1e3", "1000"},
                     {"1.5e-3", "0.0015"},
                     {"2.5E+2", "250"},
                     {"1.5 × 10^3", "1500"},
                     {"1.5\\times 10^{-3}", "0.0015"},
                     {"3*10^2", "300"},
                     {"6.02×10²³", "602000000000000000000000"},
                     {"10^6", "1000000"},
                     {"10⁻²", "0.01"},
                     {"1e400", "1e400"},
                     {"-2.50e-900", "-2.5e-900"},
                     {"1e999999999999", "1"},
                     {"5th", "5"},
                     {"the 21st", "21"},
                     {"50 %", "50"},
                     {"5 kg", "5"},
                     {"5kg", "5"},
                     {"1...5", "5"},
                     {"answer...5", "5"},
                     {"1 234", "234"},
                     {"3,5", "5"},
                     {"1234,567", "567"},
                     {"5-6", "6"},
                     {"100.", "100"}});
}

TEST(ExtractNumber, FractionsAreTheirValue) {
    check("number", {{"3/4", "0.75"},
                     {"-3/4", "-0.75"},
                     {"3⁄4", "0.75"},
                     {"1/3", "0.3333333333333333"},
                     {"1 1/2 cups", "1.5"},
                     {"½", "0.5"},
                     {"1½", "1.5"},
                     {"2 ¾", "2.75"},
                     {"\\frac{3}{4}", "0.75"},
                     {"\\boxed{-\\dfrac{3}{4}}", "-0.75"},
                     {"\\frac12", "0.5"},
                     {"1\\frac{1}{2}", "1.5"},
                     {"6/3", "2"},
                     {"1/0", "-"},
                     {"1234567890/3", "-"},
                     {"3 / 4", "4"}});
}

// Of what is spelled with digits and is not one number, no part is taken.
TEST(ExtractNumber, PartsOfSomethingElse) {
    check("number", {{"10:30", "-"},
                     {"2024-05-01", "-"},
                     {"01/05/2024", "-"},
                     {"1.5.2024", "-"},
                     {"1.2.3", "-"},
                     {"192.168.100.200", "-"},
                     {"555-123-4567", "-"},
                     {"3:2", "-"},
                     {"2^10", "-"},
                     {"2^{n+1}", "-"},
                     {"2^-3", "-"},
                     {"5²", "-"},
                     {"2π", "-"},
                     {"2\\pi", "-"},
                     {"√2", "-"},
                     {"3√2", "-"},
                     {"3\\sqrt{2}", "-"},
                     {"\\sqrt[3]{8}", "-"},
                     {"\\frac{x}{2}", "-"},
                     {"\\frac{\\sqrt{3}}{2}", "-"},
                     {"0x1F", "-"},
                     {"x2.5", "-"},
                     {"a_12", "-"},
                     {"a_{12}", "-"},
                     {"x^2", "-"},
                     {"x^{-2}", "-"},
                     {"e^-2", "-"},
                     {"5²=25", "25"},
                     {"2^10 = 1024", "1024"},
                     {"42 (at 10:30)", "42"},
                     {"5 m²", "5"}});
}

TEST(ExtractLetter, BesideAnySign) {
    check("letter", {{"答案是B", "B"},
                     {"B。", "B"},
                     {"（B）", "B"},
                     {"（b）", "B"},
                     {"“B”", "B"},
                     {"‘B’", "B"},
                     {"'B'", "B"},
                     {"\"B\"", "B"},
                     {"答案：Ｂ", "B"},
                     {"选B。", "B"},
                     {"정답은 B입니다", "B"},
                     {"(B)", "B"},
                     {"B.", "B"},
                     {"**B**", "B"},
                     {"Answer: B)", "B"},
                     {"\\boxed{B}", "B"},
                     {"\\text{B}", "B"},
                     {"Option\u00a0B", "B"},
                     {"B\u2014because", "B"},
                     {"B: Paris", "B"}});
}

TEST(ExtractLetter, NotOneThatIsPartOfAWord) {
    check("letter", {{"éB", "-"},
                     {"Bé", "-"},
                     {"A’s", "-"},
                     {"A-level", "-"},
                     {"B2", "-"},
                     {"B_1", "-"},
                     {"Washington, D.C.", "-"},
                     {"the U.S.A.", "-"},
                     {"A dog", "-"},
                     {"A\u00a0dog", "-"},
                     {"A élan", "-"},
                     {"I think so", "-"},
                     {"b", "-"},
                     {"B is wrong. A is right", "A"},
                     {"It is A because", "A"},
                     {"A\nbecause", "A"}});
}

TEST(Extract, Letters) {
    EXPECT_EQ("B", extract("letter", "The answer is B."));
    EXPECT_EQ("C", extract("letter", "(A) no, so (c)"));
    EXPECT_EQ("D", extract("letter", "D"));
    EXPECT_EQ("B", extract("letter", "B) A dog"));
    EXPECT_EQ("-", extract("letter", "A dog barks, I think"));
    EXPECT_EQ("-", extract("letter", "ABC b"));
    EXPECT_EQ("X", extract("letter:XY", "A or X"));
    EXPECT_EQ("-", extract("letter", "that's A's"));
}

TEST(Extract, Patterns) {
    EXPECT_EQ("17", extract("regex:is (\\d+)", "it is 17, is 18"));
    EXPECT_EQ("is", extract("regex:is", "it is"));
    EXPECT_EQ("b", extract("regex:(a)|(b)", "xb"));
    EXPECT_EQ("a", extract("regex:(a)(b)", "xab"));
    EXPECT_EQ("-", extract("regex:q", "x"));
    EXPECT_EQ("", extract("regex:x*", "y"));
    EXPECT_EQ("\xc3\xa9", extract("regex:caf(.)", "caf\xc3\xa9"));
    EXPECT_EQ("LLM_E_FORMAT", extract("regex:(", "x"));
    EXPECT_EQ("LLM_E_FORMAT", extract("regex:\\C", "x"));
    EXPECT_EQ("LLM_E_LIMIT", extract("regex:(a+)+$", std::string(64, 'a') + "b"));
    EXPECT_EQ("LLM_E_LIMIT", extract("regex:(?:(a|aa)+)+$", std::string(4000, 'a') + "c"));
    EXPECT_EQ("LLM_E_LIMIT", extract("regex:" + std::string(100000, 'a'), "x"));
    EXPECT_EQ("\xef\xbf\xbd", extract("regex:^.", "\xff"));
}

TEST(Extract, JsonFields) {
    EXPECT_EQ("7", extract("json:answer", "Sure: {\"x\":1} and {\"answer\": 7} end"));
    EXPECT_EQ("hi", extract("json:a.b", "{\"a\":{\"b\":\"hi\"}}"));
    EXPECT_EQ("[1,2]", extract("json:a", "```json\n{\"a\": [1, 2]}\n```"));
    EXPECT_EQ("-", extract("json:a", "{\"a\": "));
    EXPECT_EQ("2", extract("json:a", "{{\"a\": 2}"));
    EXPECT_EQ("1", extract("json:a", "{\"s\": \"}{\", \"a\": 1}"));
    EXPECT_EQ("-", extract("json:a", std::string(1000000, '{')));
    EXPECT_EQ("-", extract("json:a", std::string(1000, '{') + std::string(1000, '}')));
}

// A field keeps its spelling: 19.99 is not 19.989999999999998.
TEST(Extract, JsonFieldsAsTheyAreSpelled) {
    check("json:a", {{"{\"a\": 19.99}", "19.99"},
                     {"{\"a\": 12345678901234567890123}", "12345678901234567890123"},
                     {"{\"a\": 1e400}", "1e400"},
                     {"{\"a\": 1.0}", "1.0"},
                     {"{\"a\": true}", "true"},
                     {"{\"a\": null}", "null"},
                     {"{\"a\": \"\"}", ""},
                     {"{\"a\": {\"z\": 0.10, \"b\": [1.50, {\"y\": 1, \"x\": 2}]}}",
                      "{\"b\":[1.50,{\"x\":2,\"y\":1}],\"z\":0.10}"},
                     {"{\"a\": 1, \"a\": 2}", "-"},
                     {"{\"a\": NaN}", "-"}});
    check("json:a.b", {{"{\"a\": {\"b\": 1}}", "1"},
                       {"{\"a.b\": 2, \"a\": {\"b\": 1}}", "2"},
                       {"{\"a\": [{\"b\": 3}]}", "-"},
                       {"{\"a\": 1}", "-"}});
    check("json:a.b.c", {{"{\"a.b\": {\"c\": 4}}", "4"}, {"{\"a\": {\"b.c\": 5}}", "5"}});
    check("json:a.1.b", {{"{\"a\": [0, {\"b\": 6}]}", "6"}, {"{\"a\": {\"1\": {\"b\": 7}}}", "7"}});
    check("json:.", {{"{\"a\": 1}", "-"}, {"{\".\": 1}", "1"}, {"{\"\": {\"\": 8}}", "8"}});
}

// Costs are linear in the text, whatever it holds: each of these took minutes when it was not.
TEST(Extract, EndsSoon) {
    const size_t n = 1 << 17;
    auto repeat = [](const std::string &s, size_t times) {
        std::string out;
        for (size_t i = 0; i < times; i++) out += s;
        return out;
    };
    EXPECT_EQ("-", extract("after:" + std::string(n / 2, 'a') + "b", std::string(n, 'a')));
    EXPECT_EQ("LLM_E_LIMIT", extract("regex:[^x]*[0-9]", std::string(n, 'a')));
    EXPECT_EQ("LLM_E_LIMIT", extract("regex:(a+)+$", repeat(std::string(15, 'a') + "b", n / 16)));
    EXPECT_EQ("LLM_E_LIMIT", extract("regex:(a*)\\1[0-9]", std::string(n, 'a')));
    EXPECT_EQ("17", extract("regex:is (\\d+)", repeat("it was ", n / 7) + "it is 17"));
    EXPECT_EQ("-", extract("json:a", repeat("{\"a\":", n / 5)));
    for (const char *part :
         {"1.234.", "1,23,", "1-", "1/2/", "2^", "\\sqrt{", "\\frac{", "1e", "-", "1 1/", "(A) ", "A."})
        extract("number", repeat(part, n / strlen(part)));
    EXPECT_EQ("-", extract("letter", repeat("A.", n)));
    EXPECT_EQ("1." + std::string(n - 1, '1') + "e131071", extract("number", std::string(n, '1')));
}

TEST(Extract, Markers) {
    EXPECT_EQ("seven", extract("after:The answer is", "so the ANSWER is 6. The answer is seven.\nNext"));
    EXPECT_EQ("-", extract("after:answer:", "no"));
    EXPECT_EQ("b", extract("after:aba", "ababa b"));
    EXPECT_EQ("c", extract("after:aab", "aaabaab c"));
    EXPECT_EQ("z", extract("after:\xc3\x89T", "\xc3\x89t z"));
    EXPECT_EQ("-", extract("after:x", "x"));
    EXPECT_EQ("a b", extract("text", "  a b \n"));
    EXPECT_EQ("a", extract("", "a"));
    EXPECT_EQ("-", extract("text", " \n"));
    EXPECT_EQ("LLM_E_ARGUMENT", extract("numbers", "1"));
    EXPECT_EQ("LLM_E_ARGUMENT", extract("regex", "1"));
    EXPECT_EQ("LLM_E_ARGUMENT", extract("letter:", "A"));
    EXPECT_EQ("LLM_E_ARGUMENT", extract("number:3", "1"));
}

TEST(Extract, ComparableForms) {
    const std::pair<const char *, const char *> cases[] = {
        {" Paris. ", "paris"},
        {"\"PARIS\"", "paris"},
        {"1,234.0", "1234"},
        {"New   York\n", "new york"},
        {"$5.00", "5"},
        {"-3", "-3"},
        {"+", "+"},
        {"", ""},
        {"\xef\xbc\xa1\xef\xbc\xa2", "ab"},
        {"cafe\xcc\x81", "caf\xc3\xa9"},
        {"**Yes!**", "yes"},
        {"don't", "don't"},
        {"\xff", "\xef\xbf\xbd"},
        {"(a)", "a"},
        {"50%", "50"},
        {"...", "..."},
        {"7.", "7"},
        {"-$5", "-5"},
        {"\xc2\xa3"
         "5",
         "5"},
        {"5 \xe2\x82\xac", "5"},
        {"\xe2\x88\x92"
         "5",
         "-5"},
        {"1e3", "1000"},
        {"1{,}234", "1234"},
        {"\xd9\xa4\xd9\xa2", "42"},
        {"3/4", "3/4"},
        {"H\xcc\xb1", "\xe1\xba\x96"}, // the small letter has a character of its own
        {"10:30", "10:30"},
        {"2024-05-01", "2024-05-01"},
        {".5", "0.5"},
    };
    for (auto &c : cases) EXPECT_EQ(c.second, normal(c.first)) << c.first;
    for (auto &c : cases) EXPECT_EQ(c.second, normal(c.second)) << "normal forms stay: " << c.second;
}

TEST(Extract, EachAllocationMayFail) {
    Failing failing;
    for (const char *spec : {"text", "number", "letter:XYZ", "regex:(\\w+) ([0-9]+)", "json:a", "after:is"}) {
        bool reached = true;
        for (long n = 0; reached && n < 200; n++) {
            failing.arm(n);
            llmi_extract *x = nullptr;
            llmi_buf out;
            bool found = false;
            llmi_buf_init(&out, &failing.allocator);
            llm_status status = llmi_extract_create(&x, &failing.allocator, spec, strlen(spec));
            if (status == LLM_OK) status = llmi_extract_run(&out, &found, x, "it is 17 {\"a\":1}, is X", 23);
            reached = failing.n_calls() > n;
            if (status != LLM_OK) {
                EXPECT_EQ(LLM_E_MEMORY, status) << spec << " " << n << " " << llm_last_error();
            }
            llmi_buf_free(&out);
            llmi_extract_destroy(x);
            EXPECT_EQ(0, failing.n_alive()) << spec << " " << n;
            EXPECT_EQ(0, failing.n_bytes()) << spec << " " << n;
        }
        EXPECT_FALSE(reached);
    }
}

} // namespace
