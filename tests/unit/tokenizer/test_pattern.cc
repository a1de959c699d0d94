/* Oniguruma's syntax: pieces and replacements as the reference makes them, or a pattern that is refused. */
#include <cstring>
#include <sstream>

#include <gtest/gtest.h>

#include "unit/tokenizer/load.h"

extern "C" {
#include "base/json.h"
#include "unit/tokenizer/pattern.h"
}

static std::string string_of(const llmi_json *v) {
    llm_span s = llmi_json_text(v);
    return std::string(s.ptr, s.len);
}

using Matches = std::vector<std::pair<size_t, size_t>>;

struct Pattern {
    test_pattern *p = nullptr;
    llm_status status;
    int64_t steps = 0, most = 0; /* of the last call */

    explicit Pattern(const std::string &text, bool jit = true)
        : status(pattern_create(&p, text.data(), text.size(), jit)) {}
    ~Pattern() { pattern_destroy(p); }
    Pattern(const Pattern &) = delete;
    Pattern &operator=(const Pattern &) = delete;

    llm_status find(const std::string &text, Matches *out) {
        llmi_buf found;
        llmi_buf_init(&found, &llmi_default_allocator);
        llm_status answer = pattern_find(p, &found, text.data(), text.size(), &steps, &most);
        out->clear();
        for (size_t i = 0; i < llmi_buf_count(&found, size_t); i += 2)
            out->push_back({llmi_buf_at(&found, size_t, i), llmi_buf_at(&found, size_t, i + 1)});
        llmi_buf_free(&found);
        return answer;
    }
};

static void check_case(Pattern &p, const std::string &pattern, const llmi_json *one) {
    std::string text = string_of(llmi_json_item(one, 0)), replaced;
    std::vector<std::string> pieces, expected;
    Matches matches;
    llm_status status = p.find(text, &matches);
    EXPECT_TRUE(status == LLM_OK || status == LLM_E_LIMIT) << pattern;
    if (status != LLM_OK) return;
    size_t at = 0;
    for (auto [begin, end] : matches) {
        if (begin > at) pieces.push_back(text.substr(at, begin - at));
        if (end > begin) pieces.push_back(text.substr(begin, end - begin));
        replaced += text.substr(at, begin - at) + "\x01";
        at = end;
    }
    if (at < text.size()) pieces.push_back(text.substr(at));
    replaced += text.substr(at);
    const llmi_json *list = llmi_json_item(one, 1);
    for (size_t i = 0; i < llmi_json_count(list); i++) expected.push_back(string_of(llmi_json_item(list, i)));
    EXPECT_EQ(pieces, expected) << pattern << " on " << text;
    EXPECT_EQ(replaced, string_of(llmi_json_item(one, 2))) << pattern << " on " << text;
}

static void check_all(bool jit) {
    std::string file;
    ASSERT_TRUE(read_file(&file, LLM_SOURCE_DIR "/tests/unit/tokenizer/pattern_cases.json"));
    std::istringstream in(file);
    int n = 0, n_refused = 0;
    for (std::string line; std::getline(in, line); n++) {
        llmi_json_doc doc;
        llmi_json_doc_init(&doc, &llmi_default_allocator, 0);
        const llmi_json *root = nullptr;
        ASSERT_EQ(llmi_json_parse(&root, &doc, {line.data(), line.size()}, "pattern_cases.json", 0), LLM_OK);
        std::string pattern = string_of(llmi_json_item(root, 0));
        const llmi_json *cases = llmi_json_item(root, 1);
        Pattern p(pattern, jit);
        bool may_refuse = !llmi_json_item(root, 2), must_refuse = llmi_json_is(cases, LLMI_JSON_NULL);
        EXPECT_TRUE(p.status == (must_refuse ? LLM_E_UNSUPPORTED : LLM_OK) ||
                    (may_refuse && p.status == LLM_E_UNSUPPORTED))
            << pattern << ": " << llm_last_error();
        if (p.status != LLM_OK) n_refused++;
        for (size_t i = 0; p.status == LLM_OK && i < llmi_json_count(cases); i++)
            check_case(p, pattern, llmi_json_item(cases, i));
        llmi_json_doc_free(&doc);
    }
    EXPECT_GE(n, 1200);
    EXPECT_LT(n_refused, n / 8); /* lookbehinds of no fixed length, mostly */
}

TEST(Pattern, CutsAsTheReferenceDoes) {
    check_all(true);
}

TEST(Pattern, CutsTheSameWithoutMachineCode) {
    check_all(false);
}

/* Texts that are longer than what a match sees first. */
TEST(Pattern, SeesAsFarAsItMust) {
    for (bool jit : {true, false}) {
        for (size_t n : {10, 255, 256, 257, 1000, 5000, 70000}) {
            for (const char *unit : {"a", "\xc3\xa9", "\xe4\xb8\xad"}) {
                std::string run;
                for (size_t i = 0; i < n; i++) run += unit;
                Matches found;
                Pattern words("[^b]+(?=b)", jit);
                ASSERT_EQ(words.find(run + "b", &found), LLM_OK) << llm_last_error();
                ASSERT_EQ(found.size(), 1u);
                EXPECT_EQ(found[0], std::make_pair(size_t(0), run.size()));
                Pattern last("b\\z|(?<=bc)d", jit);
                ASSERT_EQ(last.find(run + "b" + run + "bcd" + run + "b", &found), LLM_OK) << llm_last_error();
                ASSERT_EQ(found.size(), 2u);
                EXPECT_EQ(found[0].first, 2 * run.size() + 3);
                EXPECT_EQ(found[1].first, 3 * run.size() + 4);
            }
        }
    }
}

/* The steps of a whole call are limited, however they are spread over the matches. */
TEST(Pattern, StepsAreCountedForTheWholeCall) {
    for (bool jit : {true, false}) {
        for (const char *pattern : {"(a+)+b", "(a|aa)+b", "a++b", "(?:a?){20}a{20}b", "a*?b"}) {
            Matches found;
            Pattern p(pattern, jit);
            ASSERT_EQ(p.status, LLM_OK);
            std::string text(20000, 'a');
            llm_status status = p.find(text, &found);
            EXPECT_TRUE(status == LLM_E_LIMIT || status == LLM_OK) << pattern << ": " << status;
            EXPECT_LE(p.steps, p.most * 2) << pattern;
        }
        /* What cuts text into words takes a small part of that. */
        Pattern p("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                  jit);
        std::string text;
        while (text.size() < 100000) text += "Some words, in 2024:\n\n   and more of them ... ";
        Matches found;
        ASSERT_EQ(p.find(text, &found), LLM_OK);
        EXPECT_LT(p.steps, int64_t(text.size()) * 64);
        text = std::string(1000000, ' ') + "x";
        ASSERT_EQ(p.find(text, &found), LLM_OK) << llm_last_error();
    }
}

TEST(Pattern, RefusalsNameThePlace) {
    Pattern p("abc\\Xdef");
    EXPECT_EQ(p.status, LLM_E_UNSUPPORTED);
    EXPECT_NE(std::string(llm_last_error()).find("at byte 3"), std::string::npos) << llm_last_error();
    std::string deep(3000, '('), classes(3000, '['), brackets;
    for (const std::string &pattern :
         {deep, classes, std::string(70000, 'a'), std::string("a{70000}"), std::string("a") + std::string(3000, '*')}) {
        Pattern bad(pattern);
        EXPECT_NE(bad.status, LLM_OK);
    }
}

/* ---- pre-tokenizers that GGUF files state by name ---- */

static void check_preset(const std::string &name, const llmi_json *cases) {
    for (size_t i = 0; i < llmi_json_count(cases); i++) {
        const llmi_json *one = llmi_json_item(cases, i), *list = llmi_json_item(one, 1);
        std::string text = string_of(llmi_json_item(one, 0));
        llmi_buf found;
        llmi_buf_init(&found, &llmi_default_allocator);
        ASSERT_EQ(preset_cut(&found, name.c_str(), text.data(), text.size()), LLM_OK) << llm_last_error();
        const auto *begin = reinterpret_cast<const llm_token *>(found.data);
        Ids pieces(begin, begin + llmi_buf_count(&found, llm_token)), expected;
        llmi_buf_free(&found);
        for (size_t k = 0; k < llmi_json_count(list); k++) {
            int64_t length = -1;
            llmi_json_int64(&length, llmi_json_item(list, k));
            expected.push_back(static_cast<llm_token>(length));
        }
        EXPECT_EQ(pieces, expected) << name << " on " << text << "\n" << show(pieces) << "\n" << show(expected);
    }
}

TEST(Preset, EveryNameCutsAsTheReferenceDoes) {
    std::string file;
    ASSERT_TRUE(read_file(&file, LLM_SOURCE_DIR "/tests/unit/tokenizer/preset_cases.json"));
    std::istringstream in(file);
    int n_names = 0;
    for (std::string line; std::getline(in, line);) {
        llmi_json_doc doc;
        llmi_json_doc_init(&doc, &llmi_default_allocator, 0);
        const llmi_json *root = nullptr;
        ASSERT_EQ(llmi_json_parse(&root, &doc, {line.data(), line.size()}, "preset_cases.json", 0), LLM_OK);
        const llmi_json *names = llmi_json_get(root, "names");
        for (size_t i = 0; i < llmi_json_count(names); i++, n_names++)
            check_preset(string_of(llmi_json_item(names, i)), llmi_json_get(root, "cases"));
        llmi_json_doc_free(&doc);
    }
    EXPECT_GE(n_names, 85);
}
