/* Vocabularies and files that lie: refused with a text that names the key, or handled. */
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "unit/tokenizer/load.h"

static std::string refusal(Vocab &v, llm_status expected = LLM_E_FORMAT) {
    llm_tokenizer *t = nullptr;
    llm_status status = llmi_tokenizer_from_vocab(&t, &llmi_default_allocator, &v.v);
    EXPECT_EQ(status, expected) << llm_last_error();
    EXPECT_EQ(t, nullptr);
    llmi_tokenizer_unref(t);
    return llm_last_error();
}

static std::string refusal(const std::string &json, llm_status expected = LLM_E_FORMAT,
                           const std::string &config = "") {
    llm_tokenizer *t = nullptr;
    llmi_tokenizer_files files{};
    files.json = {json.data(), json.size()};
    if (!config.empty()) files.config = {config.data(), config.size()};
    llm_status status = llmi_tokenizer_from_json(&t, &llmi_default_allocator, &files);
    EXPECT_EQ(status, expected) << json << ": " << llm_last_error();
    EXPECT_EQ(t, nullptr) << json;
    llmi_tokenizer_unref(t);
    return llm_last_error();
}

#define EXPECT_NAMES(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

static Vocab small(const char *model) {
    Vocab v(model, strcmp(model, "gpt2") == 0 ? "gpt-2" : nullptr);
    v.add("<unk>", LLM_TOKEN_UNKNOWN);
    for (const char *c : {"a", "b", "aa", "ab"}) v.add(c, LLM_TOKEN_NORMAL, -1);
    v.add_merge("a a");
    v.get();
    return v;
}

TEST(HostileVocab, NumbersOutOfRange) {
    Vocab v = small("llama");
    v.v.special[LLM_SPECIAL_EOS] = 5;
    v.v.add_eos = 1; /* it would be put after each text */
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.eos_token_id is 5, expected 0..4");
    v.v.special[LLM_SPECIAL_EOS] = -2;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.eos_token_id is -2");
    v = small("llama");
    v.get();
    v.types[2] = 7;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.token_type: type of token 2 is 7");
    v = small("llama");
    v.get();
    v.v.n_tokens = 0;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.tokens");
    v.v.n_tokens = -1;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.tokens");
    v.v.n_tokens = 6; /* one more than lie there */
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.tokens: spelling 5 ends beyond the array");
}

TEST(HostileVocab, LengthsThatLie) {
    for (uint64_t length : {uint64_t(65537), uint64_t(1) << 40, UINT64_MAX, UINT64_MAX - 7}) {
        Vocab v = small("gpt2");
        v.get();
        memcpy(&v.tokens[0], &length, sizeof length);
        EXPECT_NAMES(refusal(v), "tokenizer.ggml.tokens: spelling 0");
        v = small("gpt2");
        v.get();
        memcpy(&v.merges[0], &length, sizeof length);
        EXPECT_NAMES(refusal(v), "tokenizer.ggml.merges: merge 0");
    }
    Vocab v = small("gpt2");
    v.get();
    v.v.n_merges = 1 << 30;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.merges");
    v.v.n_merges = -1;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.merges");
}

TEST(HostileVocab, WhatIsMissingOrUnknown) {
    Vocab v = small("rwkv");
    v.get();
    EXPECT_NAMES(refusal(v, LLM_E_UNSUPPORTED), "tokenizer.ggml.model is \"rwkv\"");
    Vocab named("gpt2", "no-such-thing");
    named.add("a");
    named.add_merge("a a");
    named.get();
    EXPECT_NAMES(refusal(named, LLM_E_UNSUPPORTED), "tokenizer.ggml.pre is \"no-such-thing\"");
    v = small("gpt2");
    v.get();
    v.v.merges = nullptr;
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.merges is missing");
    for (const char *model : {"llama", "t5"}) {
        v = small(model);
        v.get();
        v.v.scores = nullptr;
        EXPECT_NAMES(refusal(v), "tokenizer.ggml.scores is missing");
    }
    v = small("gpt2");
    for (const char *merge : {"a", "ab", "a ", " ", ""}) {
        v = small("gpt2");
        v.add_merge(merge);
        v.get();
        EXPECT_NAMES(refusal(v), "tokenizer.ggml.merges: merge 1");
    }
    v = small("t5");
    v.charsmap = "\xff\xff\xff\xff";
    v.get();
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.precompiled_charsmap");
}

TEST(HostileVocab, OddScoresTokensAndMergesAreHandled) {
    for (const char *model : {"llama", "t5", "bert", "gpt2"}) {
        Vocab v = small(model);
        for (const char *token : {"", "aa", "aa", "\xff", "\xe2\x96", "\xe2\x96\x81", "ba", "aaa"})
            v.add(token, LLM_TOKEN_NORMAL, strcmp(model, "t5") == 0 ? -3e38f : NAN);
        v.add("aaaa", LLM_TOKEN_NORMAL, INFINITY);
        v.add("", LLM_TOKEN_CONTROL);
        v.add("bbb", LLM_TOKEN_NORMAL, -INFINITY);
        v.add_merge("x y");
        v.add_merge("a a");
        v.add_merge("aa aa");
        v.add_merge("aaaa aaaa");
        Tokenizer t = from_vocab(v);
        ASSERT_TRUE(t) << model;
        for (std::string text : {"aaaaaaab bbb", "", "\xff\xfe", "a\xe2\x96"}) decode(t, encode(t, text, 3));
    }
    Vocab v = small("t5");
    v.add("c", LLM_TOKEN_NORMAL, NAN);
    v.get();
    EXPECT_NAMES(refusal(v), "tokenizer.ggml.scores: score 5 is not a number");
}

/* Random bytes as charsmap: whatever they mean, they are not followed out of the map. */
TEST(HostileVocab, RandomCharsmaps) {
    std::mt19937 random(1);
    for (int i = 0; i < 2000; i++) {
        Vocab v = small("t5");
        uint32_t n_units = random() % 64 + 1, n_bytes = n_units * 4;
        v.charsmap.assign(reinterpret_cast<const char *>(&n_bytes), 4);
        for (uint32_t k = 0; k < n_units; k++) {
            uint32_t unit = random() & (random() % 2 ? 0x7fffu : 0x800001ffu);
            v.charsmap.append(reinterpret_cast<const char *>(&unit), 4);
        }
        for (uint32_t k = random() % 20; k > 0; k--) v.charsmap += static_cast<char>(random() % 3 ? 'a' : 0);
        Tokenizer t = from_vocab(v);
        ASSERT_TRUE(t);
        std::string text;
        for (int k = 0; k < 50; k++) text += static_cast<char>(random() % 128);
        encode(t, text);
    }
}

static std::string with(const std::string &members, const std::string &model = "") {
    std::string whole = model.empty() ? R"("type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"])" : model;
    return "{" + members + (members.empty() ? "" : ",") + "\"model\":{" + whole + "}}";
}

TEST(HostileJson, IsRefusedByName) {
    const struct {
        std::string json;
        llm_status status;
        const char *part;
    } CASES[] = {
        {"", LLM_E_FORMAT, "tokenizer.json: line 1"},
        {"[]", LLM_E_FORMAT, "tokenizer.json is an array, expected an object"},
        {"{}", LLM_E_FORMAT, "\"model\" is nothing"},
        {R"({"model":3})", LLM_E_FORMAT, "\"model\" is an integer"},
        {with("", R"("vocab":7)"), LLM_E_FORMAT, "\"vocab\" is an integer"},
        {with("", R"("type":"Magic","vocab":{"a":0})"), LLM_E_UNSUPPORTED, "\"Magic\" is not supported"},
        {with("", R"("type":7,"vocab":{"a":0})"), LLM_E_FORMAT, "\"type\" is an integer"},
        {with("", R"("type":"BPE","vocab":{},"merges":[])"), LLM_E_FORMAT, "vocabulary"},
        {with("", R"("type":"BPE","vocab":{"a":-1},"merges":[])"), LLM_E_FORMAT, "id of \"a\" is -1"},
        {with("", R"("type":"BPE","vocab":{"a":99999999999},"merges":[])"), LLM_E_FORMAT, "id of \"a\" is 99999999999"},
        {with("", R"("type":"BPE","vocab":{"a":1.5},"merges":[])"), LLM_E_FORMAT, "id of \"a\" is a number"},
        {with("", R"("type":"BPE","vocab":{"a":0})"), LLM_E_FORMAT, "\"merges\" is nothing"},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":["a"])"), LLM_E_FORMAT, "merge 0 is not two spellings"},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":[["a"]])"), LLM_E_FORMAT, "merge 0 is not two spellings"},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":[["a",1]])"), LLM_E_FORMAT, "merge 0 is not two spellings"},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":["a x"])"), LLM_E_FORMAT, "names \"x\""},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":["a a"])"), LLM_E_FORMAT, "names \"aa\""},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1)"), LLM_E_UNSUPPORTED, "dropout"},
        {with("", R"("type":"BPE","vocab":{"a":0},"merges":[],"fuse_unk":1)"), LLM_E_FORMAT, "fuse_unk"},
        {with("", R"("type":"Unigram","vocab":[["a"]])"), LLM_E_FORMAT, "entry 0 is not a spelling and a score"},
        {with("", R"("type":"Unigram","vocab":[["a",-1]],"unk_id":1)"), LLM_E_FORMAT, "unk_id"},
        {with("", R"("type":"Unigram","vocab":{"a":0})"), LLM_E_FORMAT, "\"vocab\" is an object"},
        {with("", R"("type":"WordPiece","vocab":{"a":0},"unk_token":"x")"), LLM_E_FORMAT, "unk_token"},
        {with(R"("normalizer":{"type":"Unknown"})"), LLM_E_UNSUPPORTED, "normalizer: type \"Unknown\""},
        {with(R"("normalizer":{})"), LLM_E_FORMAT, "normalizer: \"type\" is missing"},
        {with(R"("normalizer":[])"), LLM_E_FORMAT, "normalizer is an array"},
        {with(R"("normalizer":{"type":"Sequence"})"), LLM_E_FORMAT, "\"normalizers\" is nothing"},
        {with(R"("normalizer":{"type":"Replace","content":"x"})"), LLM_E_FORMAT, "pattern"},
        {with(R"("normalizer":{"type":"Replace","content":"x","pattern":{"Regex":"(("}})"), LLM_E_UNSUPPORTED, "(("},
        {with(R"("normalizer":{"type":"Precompiled","precompiled_charsmap":"!"})"), LLM_E_FORMAT, "base64"},
        {with(R"("pre_tokenizer":{"type":"UnicodeScripts"})"), LLM_E_UNSUPPORTED, "\"UnicodeScripts\""},
        {with(R"("pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Odd"})"), LLM_E_UNSUPPORTED,
         "Odd"},
        {with(R"("decoder":{"type":"CTC"})"), LLM_E_UNSUPPORTED, "decoder: type \"CTC\""},
        {with(R"("decoder":{"type":"Strip","content":" ","start":-1,"stop":0})"), LLM_E_FORMAT, "start"},
        {with(R"("post_processor":{"type":"Odd"})"), LLM_E_UNSUPPORTED, "post_processor: type \"Odd\""},
        {with(R"("post_processor":{"type":"BertProcessing","cls":["a",0],"sep":["b",7]})"), LLM_E_FORMAT, "7"},
        {with(R"("post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"q"}}]})"), LLM_E_FORMAT,
         "\"q\""},
        {with(R"("added_tokens":{})"), LLM_E_FORMAT, "added_tokens"},
        {with(R"("added_tokens":[{"id":3}])"), LLM_E_FORMAT, "content"},
        {with(R"("added_tokens":[{"content":"x"}])"), LLM_E_FORMAT, "id"},
        {with(R"("added_tokens":[{"content":"x","id":1e99}])"), LLM_E_FORMAT, "id"},
        {with(R"("added_tokens":[{"content":"x","id":3,"special":"yes"}])"), LLM_E_FORMAT, "special"},
        {std::string(100000, '['), LLM_E_LIMIT, "nested deeper"},
        {"{\"model\":{\"vocab\":{\"\xff\":0}}}", LLM_E_FORMAT, "tokenizer.json: line 1"},
    };
    for (const auto &c : CASES) EXPECT_NAMES(refusal(c.json, c.status), c.part);
    EXPECT_NAMES(refusal(with(""), LLM_E_FORMAT, "[]"), "tokenizer_config.json");
    EXPECT_NAMES(refusal(with(""), LLM_E_FORMAT, R"({"bos_token":7})"), "bos_token");
    EXPECT_NAMES(refusal(with(""), LLM_E_FORMAT, R"({"added_tokens_decoder":{"x":{"content":"y"}}})"),
                 "added_tokens_decoder");
    EXPECT_NAMES(refusal(with(""), LLM_E_FORMAT, R"({"extra_special_tokens":[7]})"), "tokenizer_config.json");
}

TEST(HostileJson, TooManySteps) {
    std::string list;
    for (int i = 0; i < 17; i++) list += (i ? "," : "") + std::string(R"({"type":"NFC"})");
    EXPECT_NAMES(refusal(with(R"("normalizer":{"type":"Sequence","normalizers":[)" + list + "]}"), LLM_E_LIMIT),
                 "more than 16 normalizers");
    std::string nested = R"({"type":"NFC"})";
    for (int i = 0; i < 50; i++) nested = R"({"type":"Sequence","normalizers":[)" + nested + "]}";
    EXPECT_TRUE(from_json(with("\"normalizer\":" + nested)));
}

/* Patterns whose steps explode end, and the text stays whole. */
static Tokenizer with_pattern(const std::string &pattern) {
    return from_json(
        with(R"("decoder":{"type":"Fuse"},"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":")" +
             pattern + "\"}}"));
}

/* They end, with the ids or with an error: never with other ids. */
TEST(HostileJson, PatternsThatExplode) {
    for (const char *pattern : {"(a+)+$", "(a|aa)+b", "(.*)*x", "(a*)*b", "a++b", "a+b", "(?=(a+))b", "", "a*?",
                                "(?<=a)b|\\\\K", "(?:a?){64}a{64}b"}) {
        Tokenizer t = with_pattern(pattern);
        ASSERT_TRUE(t) << pattern;
        for (size_t n : {2000, 20000}) {
            std::string text = std::string(n, 'a') + "c";
            llmi_buf ids;
            llmi_buf_init(&ids, &llmi_default_allocator);
            llm_status status = llmi_tokenizer_encode(&ids, t.get(), text.data(), text.size(), 0);
            EXPECT_TRUE(status == LLM_OK || status == LLM_E_LIMIT) << pattern << ": " << llm_last_error();
            llmi_buf_free(&ids);
            if (status != LLM_OK) continue;
            EXPECT_EQ(decode(t, encode(t, text)), std::string(n, 'a')) << pattern;
        }
    }
}

static llm_status try_encode(const Tokenizer &t, const std::string &text, uint32_t flags = LLM_ENCODE_PARSE_SPECIAL) {
    llmi_buf ids;
    llmi_buf_init(&ids, &llmi_default_allocator);
    llm_status status = llmi_tokenizer_encode(&ids, t.get(), text.data(), text.size(), flags);
    llmi_buf_free(&ids);
    return status;
}

/* A token of 60,000 letters is nearly found at every place of a longer run: that is counted, in every model. */
TEST(HostileJson, LongTokensThatNearlyMatch) {
    std::string nearly = std::string(60000, 'a') + "b", run(200000, 'a');
    Tokenizer t = from_json(R"({"added_tokens":[{"id":3,"content":")" + nearly +
                            R"("}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})");
    ASSERT_TRUE(t);
    EXPECT_EQ(try_encode(t, run), LLM_E_LIMIT);
    EXPECT_EQ(try_encode(t, std::string(200, 'a')), LLM_OK);
    t = from_json(R"({"model":{"type":"Unigram","unk_id":0,"vocab":[["?",0],["a",-1],[")" + nearly + R"(",-2]]}})");
    ASSERT_TRUE(t);
    EXPECT_EQ(try_encode(t, run), LLM_E_LIMIT);
    t = from_json(R"({"model":{"type":"WordPiece","unk_token":"?","max_input_chars_per_word":10000000,
        "vocab":{"?":0,"a":1,"##a":2,"##)" +
                  nearly + R"(":3}}})");
    ASSERT_TRUE(t);
    EXPECT_EQ(try_encode(t, run), LLM_E_LIMIT);
}

/* What normalizers make of a text is limited: by many steps, by one long text, by one of a pattern. */
TEST(HostileJson, NormalizersThatGrow) {
    std::string many, hundred(100, 'a'), thousands(10000, 'z');
    for (int i = 0; i < 10; i++)
        many +=
            std::string(i ? "," : "") + R"({"type":"Replace","pattern":{"String":"a"},"content":")" + hundred + "\"}";
    for (const std::string &steps :
         {many, R"({"type":"Replace","pattern":{"String":"a"},"content":")" + thousands + "\"}",
          R"({"type":"Replace","pattern":{"Regex":"a"},"content":")" + thousands + "\"}",
          R"({"type":"Replace","pattern":{"Regex":""},"content":")" + thousands + "\"}"}) {
        Tokenizer t = from_json(with(R"("normalizer":{"type":"Sequence","normalizers":[)" + steps + "]}"));
        ASSERT_TRUE(t);
        EXPECT_EQ(try_encode(t, std::string(2000, 'a')), LLM_E_LIMIT);
        EXPECT_EQ(try_encode(t, ""), LLM_OK);
    }
}
