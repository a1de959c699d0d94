/* Which bytes of a text each token stands for. */
#include <cstdlib>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "shared_data.h"
#include "unit/tokenizer/golden_file.h"

extern "C" {
#include "base/utf8.h"
}

static const std::string CASES = LLM_SOURCE_DIR "/tests/unit/tokenizer/offset_cases.json";
static const std::string GOLDEN = LLM_SOURCE_DIR "/tests/unit/tokenizer/golden.json";
static const uint32_t PARSE = LLM_ENCODE_PARSE_SPECIAL, ADD = LLM_ENCODE_ADD_SPECIAL;

using Spans = std::vector<std::pair<size_t, size_t>>;

/* The spans, which are in order and apart, of the ids that a call without them gives. */
static Spans spans_of(const Tokenizer &t, const std::string &text, uint32_t flags = PARSE) {
    llmi_buf ids, spans;
    llmi_buf_init(&ids, &llmi_default_allocator);
    llmi_buf_init(&spans, &llmi_default_allocator);
    EXPECT_EQ(llmi_tokenizer_encode_mixed(&ids, t.get(), text.data(), text.size(), flags, nullptr, 0, &spans), LLM_OK);
    const llm_token *id = reinterpret_cast<const llm_token *>(ids.data);
    EXPECT_EQ(Ids(id, id + llmi_buf_count(&ids, llm_token)), encode(t, text, flags)) << testing::PrintToString(text);
    EXPECT_EQ(llmi_buf_count(&spans, llmi_text_range), llmi_buf_count(&ids, llm_token));
    Spans out;
    size_t at = 0;
    for (size_t i = 0; i < llmi_buf_count(&spans, llmi_text_range); i++) {
        llmi_text_range s = llmi_buf_at(&spans, llmi_text_range, i);
        EXPECT_LE(at, s.begin) << testing::PrintToString(text);
        EXPECT_LE(s.begin, s.end);
        EXPECT_LE(s.end, text.size());
        at = s.end;
        out.emplace_back(s.begin, s.end);
    }
    llmi_buf_free(&ids);
    llmi_buf_free(&spans);
    return out;
}

static bool inside(const std::string &text, size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

/* The reference counts whole characters, and gives a character to every token that has some of it; here it belongs to
 * the first of them. */
static Spans characters(const std::string &text, Spans spans) {
    size_t at = 0;
    for (auto &s : spans) {
        while (inside(text, s.first)) s.first--;
        while (inside(text, s.second)) s.second++;
        s.first = std::max(s.first, at);
        s.second = std::max(s.second, s.first);
        at = s.second;
    }
    return spans;
}

static std::string show(const std::string &text, const Spans &spans) {
    std::string out;
    for (auto &s : spans)
        out += std::to_string(s.first) + ".." + std::to_string(s.second) + " " +
               testing::PrintToString(text.substr(s.first, s.second - s.first)) + "\n";
    return out;
}

/* Where the reference's ranges mean something else: a text put before gets the first character, and a replacement only
 * the last of what it replaces; characters that are sorted or composed have ranges of their own; of bytes of unigram
 * models it counts the letters of their spelling <0xNN>. There the tokens must only have something in common. */
static const std::set<std::string> OTHERWISE = {
    "Metaspace first",
    "Metaspace whole",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Replace",
    "StripAccents",
    "byte-level, prefix",
    "hf/phi-3.tokenizer.json",
    "hf/qwen2.tokenizer.json",
    "llama",
    "prefix",
    "qwen2",
    "suffix",
    "unigram",
};
static const std::string NOT_COMPARED = "unigram bytes";
/* Nothing of a text is dropped. */
static const std::set<std::string> COVERS = {
    "byte-level",
    "byte-level, prefix",
    "llama3",
    "llama",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Metaspace whole",
    "hf/gpt-2.tokenizer.json",
    "hf/phi-3.tokenizer.json",
    "hf/qwen2.tokenizer.json",
    "hf/roberta-base.tokenizer.json",
};

static bool agree(const Spans &a, const Spans &b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); i++) {
        bool empty = a[i].first == a[i].second || b[i].first == b[i].second;
        if (!empty && (a[i].first >= b[i].second || b[i].first >= a[i].second)) return false;
    }
    return true;
}

static size_t covered(const Spans &spans) {
    size_t n = 0;
    for (auto &s : spans) n += s.second - s.first;
    return n;
}

static void check(const Tokenizer &t, const std::string &name, const json_t *cases) {
    size_t i, j;
    json_t *one, *v;
    json_array_foreach(cases, i, one) {
        json_t *s = json_array_get(one, 0), *numbers = json_array_get(one, 2);
        std::string text(json_string_value(s), json_string_length(s));
        Spans expected;
        json_array_foreach(numbers, j, v) {
            size_t x = static_cast<size_t>(json_integer_value(v));
            if (j % 2 == 0)
                expected.emplace_back(x, x);
            else
                expected.back().second = x;
        }
        Spans found = characters(text, spans_of(t, text));
        expected = characters(text, expected);
        bool same = OTHERWISE.count(name) ? agree(found, expected) : found == expected;
        EXPECT_TRUE(same || name == NOT_COMPARED) << name << ": " << testing::PrintToString(text) << "\n"
                                                  << show(text, found) << "<>\n"
                                                  << show(text, expected);
        if (COVERS.count(name)) {
            EXPECT_EQ(covered(found), text.size()) << name << ": " << testing::PrintToString(text);
        }
    }
}

static void check_file(const std::string &path, bool real) {
    std::map<std::string, std::string> small;
    each_golden_tokenizer(
        GOLDEN, [&](const std::string &name, const std::string &json, const json_t *) { small[name] = json; });
    std::string text;
    ASSERT_TRUE(read_file(&text, path));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        json_t *entry = json_loadb(line.data(), line.size(), JSON_ALLOW_NUL, nullptr);
        ASSERT_TRUE(entry);
        std::string name = text_of(entry, "name"), file = text_of(entry, "file"), json = small[name];
        if (real != file.empty()) {
            if (real) {
                ASSERT_TRUE(read_file(&json, std::string(LLM_SHARED_DATA "/tokenizers/") + file)) << file;
            }
            Tokenizer t = from_json(json);
            ASSERT_TRUE(t) << name << file;
            check(t, name + file, json_object_get(entry, "cases"));
        }
        json_decref(entry);
    }
}

TEST(Offsets, SmallTokenizersAsTheReference) {
    check_file(CASES, false);
}

TEST(Offsets, RealTokenizersAsTheReference) {
    NEEDS_SHARED(LLM_SHARED_DATA "/tokenizers/hf/gpt-2.tokenizer.json", "Offsets.SmallTokenizersAsTheReference");
    check_file(CASES, true);
}

/* ---- what the spans mean here ---- */

static Tokenizer small(const std::string &wanted) {
    Tokenizer t;
    each_golden_tokenizer(GOLDEN, [&](const std::string &name, const std::string &json, const json_t *) {
        if (name == wanted) t = from_json(json);
    });
    return t;
}

TEST(Offsets, WhatIsPutBeforeIsEmpty) {
    EXPECT_EQ(spans_of(small("byte-level, prefix"), "~~"), (Spans{{0, 0}, {0, 1}, {1, 2}}));
    EXPECT_EQ(spans_of(small("llama"), "~", ADD), (Spans{{0, 0}, {0, 0}, {0, 1}}));
}

TEST(Offsets, TokensAroundATextAreEmptyAtItsEnds) {
    Tokenizer t = small("wordpiece");
    EXPECT_EQ(spans_of(t, " a ", ADD), (Spans{{0, 0}, {1, 2}, {3, 3}}));
    EXPECT_EQ(spans_of(t, "", ADD), (Spans{{0, 0}, {0, 0}}));
}

TEST(Offsets, BytesThatAreTokensHaveOneByteEach) {
    EXPECT_EQ(spans_of(small("byte-level"), "\xe2\x98\x83"), (Spans{{0, 1}, {1, 2}, {2, 3}}));
    EXPECT_EQ(spans_of(small("llama"), "\xe2\x98\x83"), (Spans{{0, 0}, {0, 1}, {1, 2}, {2, 3}}));
}

TEST(Offsets, ACharacterThatBecomesSeveralBelongsToTheFirst) {
    EXPECT_EQ(spans_of(small("NFKD"), "\xef\xac\x81z"), (Spans{{0, 3}, {3, 3}, {3, 4}})); /* the ligature fi */
}

TEST(Offsets, CharactersThatBecomeOneGoTogether) {
    Spans spans = spans_of(small("NFC"), "ze\xcc\x81z");
    EXPECT_EQ(spans, (Spans{{0, 1}, {1, 4}, {4, 5}}));
}

TEST(Offsets, WhatANormalizerDropsBelongsToNoToken) {
    EXPECT_EQ(spans_of(small("Strip"), std::string(100, ' ') + "12"), (Spans{{100, 101}, {101, 102}}));
    EXPECT_EQ(spans_of(small("wordpiece"), "x\x01 \xe4\xb8\x80"), (Spans{{0, 1}, {3, 6}}));
}

TEST(Offsets, InvalidBytesHaveTheirPlace) {
    EXPECT_EQ(spans_of(small("byte-level"), "1\xff\xfe"
                                            "2"),
              (Spans{{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
    std::string text = "1\xff"
                       "2";
    EXPECT_EQ(covered(spans_of(small("llama"), text)), text.size());
    EXPECT_EQ(covered(spans_of(small("unigram bytes"), text)), text.size());
}

TEST(Offsets, LongUnknownTextIsOneSpan) {
    std::string text;
    for (int i = 0; i < 3000; i++) text += "\xe2\x98\x83";
    EXPECT_EQ(spans_of(small("suffix"), text), (Spans{{0, text.size()}}));
}

/* Characters that only together become others: nothing after them is lost. */
TEST(Offsets, HalfwidthJamoAreComposed) {
    std::string text = "1\xef\xbe\xa1\xef\xbf\x82"
                       "2";
    Spans spans = spans_of(small("NFKC"), text);
    EXPECT_EQ(covered(spans), text.size());
    EXPECT_EQ(spans.front(), (std::pair<size_t, size_t>{0, 1}));
    EXPECT_EQ(spans.back(), (std::pair<size_t, size_t>{7, 8}));
}

class GgufOffsets : public testing::TestWithParam<const char *> {};

TEST_P(GgufOffsets, AreInOrderAndCoverTheText) {
    std::string name = GetParam(), path = LLM_SHARED_DATA "/tokenizers/ggml-vocab/ggml-vocab-" + name + ".gguf", text;
    NEEDS_SHARED(path, "Offsets.SmallTokenizersAsTheReference");
    Tokenizer t = from_gguf(path);
    ASSERT_TRUE(t);
    ASSERT_TRUE(read_file(&text, path + ".inp"));
    Spans spans = spans_of(t, text), whole = spans_of(t, text, PARSE | ADD);
    EXPECT_GE(whole.size(), spans.size());
    if (name != "bert-bge") {
        EXPECT_EQ(covered(spans), text.size());
        EXPECT_EQ(covered(spans_of(t, text + "\xff\xfe" + text)), 2 * text.size() + 2);
    }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, GgufOffsets,
                         testing::Values("bert-bge", "gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2"));

/* OFFSETS_FILE=out.json, written by make_offset_cases.py. */
TEST(DISABLED_Offsets, AnyFile) {
    const char *path = getenv("OFFSETS_FILE");
    if (!path) GTEST_SKIP() << "OFFSETS_FILE is not set";
    check_file(path, false);
    check_file(path, true);
}
