/* Time: linear in the text whatever it holds (checked), and figures to read (disabled tests, run with
 * --gtest_also_run_disabled_tests --gtest_filter='*Figures*'). */
#include <algorithm>
#include <ctime>
#include <set>

#include <gtest/gtest.h>

#include "shared_data.h"
#include "unit/tokenizer/golden_file.h"

static const std::string DATA = LLM_SHARED_DATA;

/* Of the processor, which other programs take less from than from the clock on the wall. */
static double now() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

static double seconds_of(const Tokenizer &t, const std::string &text) {
    double begin = now();
    Ids ids = encode(t, text);
    return now() - begin;
}

static std::string repeat(const std::string &text, size_t n_bytes) {
    std::string out;
    while (out.size() + text.size() <= n_bytes) out += text;
    return out;
}

/* Questions in English, once through. */
static std::string english() {
    std::string text, all;
    for (const char *name : {"/eval/gsm8k/test.jsonl", "/eval/gsm8k/train-first200.jsonl", "/eval/svamp/SVAMP.json"})
        if (read_file(&text, DATA + name)) all += text;
    return all;
}

static const struct {
    const char *name, *unit;
} RUNS[] = {{"letters", "a"},
            {"spaces", " "},
            {"newlines", "\n"},
            {"digits", "7"},
            {"emoji", "\xf0\x9f\x98\x80"},
            {"family emoji", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"},
            {"accents", "\xcc\x81"},
            {"two accents", "\xcc\x81\xcc\xa3"},
            {"ideographs", "\xe4\xb8\xad\xe6\x96\x87"},
            {"not UTF-8", "\xff"},
            {"punctuation", "!?"},
            {"mixed", "ab1 "},
            {"blanks and lines", " \n"},
            {"syllables", "banana"}};

static std::string path_of(const std::string &name) {
    if (name == "stories260K") return DATA + "/models/stories260K/stories260K-f32.gguf";
    return DATA + "/tokenizers/ggml-vocab/ggml-vocab-" + name + ".gguf";
}

/* Ten times the text may not take much more than ten times as long. */
static void expect_linear(const Tokenizer &t, const std::string &name) {
    for (const auto &run : RUNS) {
        std::string small = repeat(run.unit, 20000), large = repeat(run.unit, 200000);
        double one = 1e9, ten = 1e9;
        for (int i = 0; i < 3; i++) {
            one = std::min(one, seconds_of(t, small));
            ten = std::min(ten, seconds_of(t, large));
        }
        EXPECT_LT(ten, one * 30 + 0.02) << name << ", " << run.name << ": " << one << " s, ten times the text: " << ten
                                        << " s";
    }
}

TEST(Linear, TimeOfEveryKindOfTokenizer) {
    Tokenizer stories = from_gguf(LLM_SOURCE_DIR "/tests/stories/data/stories.gguf");
    ASSERT_TRUE(stories);
    expect_linear(stories, "stories");
    std::set<std::string> kinds = {"byte-level", "llama3", "qwen2", "llama", "unigram", "wordpiece"};
    each_golden_tokenizer(LLM_SOURCE_DIR "/tests/unit/tokenizer/golden.json",
                          [&](const std::string &name, const std::string &json, const json_t *) {
                              if (kinds.erase(name)) expect_linear(from_json(json), name);
                          });
    EXPECT_TRUE(kinds.empty());
}

class LinearIn : public testing::TestWithParam<const char *> {};

TEST_P(LinearIn, TimeOfAPublishedVocabulary) {
    NEEDS_SHARED(path_of(GetParam()), "Linear.TimeOfEveryKindOfTokenizer");
    Tokenizer t = from_gguf(path_of(GetParam()));
    ASSERT_TRUE(t);
    expect_linear(t, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, LinearIn,
                         testing::Values("gpt-2", "llama-bpe", "qwen2", "llama-spm", "bert-bge"));

TEST(DISABLED_Figures, English) {
    std::string text = repeat(english(), 12000000);
    if (text.empty()) GTEST_SKIP() << "no texts";
    for (const char *name : {"gpt-2", "llama-bpe", "qwen2", "llama-spm", "phi-3", "bert-bge"}) {
        Tokenizer t = from_gguf(path_of(name));
        if (!t) continue;
        std::vector<double> times;
        for (int i = 0; i < 5; i++) times.push_back(seconds_of(t, text));
        std::sort(times.begin(), times.end());
        printf("%-10s English %6.1f MB/s (median of 5; best %.1f)\n", name, text.size() / times[2] / 1e6,
               text.size() / times[0] / 1e6);
    }
}

TEST(DISABLED_Figures, TenMegabytesOfOneThing) {
    for (const char *name : {"gpt-2", "llama-bpe", "qwen2", "llama-spm", "bert-bge"}) {
        Tokenizer t = from_gguf(path_of(name));
        if (!t) continue;
        for (const auto &run : RUNS)
            printf("%-10s 10 MB of %-16s %6.2f s\n", name, run.name, seconds_of(t, repeat(run.unit, 10000000)));
    }
}

TEST(DISABLED_Figures, Creation) {
    for (const char *name : {"gpt-2", "llama-bpe", "qwen2", "llama-spm", "bert-bge"}) {
        std::vector<double> times;
        for (int i = 0; i < 7; i++) {
            double begin = now();
            Tokenizer t = from_gguf(path_of(name));
            times.push_back(now() - begin);
        }
        std::sort(times.begin(), times.end());
        printf("%-10s created in %.1f ms (median of 7, best %.1f, opening the file included)\n", name, times[3] * 1e3,
               times[0] * 1e3);
    }
}

/* 128k tokens: bytes, then each a merge of two earlier ones; 280k merges. */
TEST(DISABLED_Figures, CreationOfAMadeUpVocabulary) {
    Vocab v("gpt2", "llama-bpe");
    std::vector<std::string> words;
    for (int c = 0x21; c < 0x7f; c++) words.push_back(std::string(1, static_cast<char>(c)));
    uint32_t state = 1;
    auto next = [&state](size_t n) {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) % n;
    };
    for (const std::string &w : words) v.add(w);
    while (words.size() < 128000) {
        std::string l = words[next(words.size())], r = words[next(words.size())];
        if (l.size() + r.size() > 12) continue;
        words.push_back(l + r);
        v.add(l + r);
        v.add_merge(l + " " + r);
    }
    while (v.v.n_merges < 280000) {
        std::string l = words[next(words.size())], r = words[next(94)];
        v.add_merge(l + " " + r);
    }
    v.get();
    std::vector<double> times;
    for (int i = 0; i < 7; i++) {
        double begin = now();
        Tokenizer t = from_vocab(v);
        times.push_back(now() - begin);
    }
    std::sort(times.begin(), times.end());
    printf("128000 tokens, 280000 merges: created in %.1f ms (median of 7, best %.1f)\n", times[3] * 1e3,
           times[0] * 1e3);
}
