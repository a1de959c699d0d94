/* What a user relies on: special tokens, roles, decoding, bytes that are not text. */
#include <random>

#include <gtest/gtest.h>

#include "unit/tokenizer/load.h"

static const std::string MARK = "\xe2\x96\x81";

/* SentencePiece with byte tokens: 0 <unk>, 1 <s>, 2 </s>, 3..258 bytes, then pieces. */
static Vocab spm_vocab() {
    Vocab v("llama", "default");
    v.add("<unk>", LLM_TOKEN_UNKNOWN);
    v.add("<s>", LLM_TOKEN_CONTROL);
    v.add("</s>", LLM_TOKEN_CONTROL);
    v.add_byte_tokens();
    for (const char *c : {"h", "e", "l", "o"}) v.add(c, LLM_TOKEN_NORMAL, -100);
    v.add(MARK, LLM_TOKEN_NORMAL, -100);
    v.add("he", LLM_TOKEN_NORMAL, -1);
    v.add("ll", LLM_TOKEN_NORMAL, -2);
    v.add("hell", LLM_TOKEN_NORMAL, -3);
    v.add("hello", LLM_TOKEN_NORMAL, -4);
    v.add(MARK + "hello", LLM_TOKEN_NORMAL, -5);
    v.add("<|im_end|>", LLM_TOKEN_CONTROL);
    v.add("<|tool|>", LLM_TOKEN_USER_DEFINED);
    return v;
}

/* Byte-level: 256 bytes, then "he", "<s>", "<|eot_id|>", "<|tool|>". */
static Vocab bpe_vocab(const char *pre = "gpt-2") {
    Vocab v("gpt2", pre);
    for (int i = 0; i < 256; i++) {
        bool visible = (i > 0x20 && i < 0x7f) || (i > 0xa0 && i < 0x100 && i != 0xad);
        int c = visible ? i : 0x100 + (i <= 0x20 ? i : i <= 0xa0 ? i - 0x7f + 0x21 : 0x43);
        std::string token;
        if (c < 0x80) {
            token = static_cast<char>(c);
        } else {
            token += static_cast<char>(0xc0 | c >> 6);
            token += static_cast<char>(0x80 | (c & 63));
        }
        v.add(token);
    }
    v.add("he");
    v.add("<s>", LLM_TOKEN_CONTROL);
    v.add("<|eot_id|>", LLM_TOKEN_CONTROL);
    v.add("<|tool|>", LLM_TOKEN_USER_DEFINED);
    v.add_merge("h e");
    v.v.special[LLM_SPECIAL_BOS] = 257;
    return v;
}

TEST(Use, SpecialTextIsTextUnlessAsked) {
    Vocab v = bpe_vocab();
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    EXPECT_EQ(encode(t, "he<s>"), (Ids{256, '<', 's', '>'}));
    EXPECT_EQ(encode(t, "he<s>", LLM_ENCODE_PARSE_SPECIAL), (Ids{256, 257}));
    EXPECT_EQ(encode(t, "<|tool|>"), (Ids{259})); /* of the user: always */
    EXPECT_EQ(encode(t, ""), Ids{});
    EXPECT_EQ(encode(t, "<|eot_id|><s><s>he", LLM_ENCODE_PARSE_SPECIAL), (Ids{258, 257, 257, 256}));
}

TEST(Use, WholeWordsAreNotSpecialTokensUnlessAsked) {
    Vocab v = bpe_vocab("llama-bpe"); /* where a word that is a token is that token */
    v.add("!!", LLM_TOKEN_CONTROL);
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    EXPECT_EQ(encode(t, "!!"), (Ids{'!', '!'}));
    EXPECT_EQ(encode(t, "!!", LLM_ENCODE_PARSE_SPECIAL), (Ids{260}));
}

TEST(Use, BosAndEosAreAddedIfAsked) {
    Vocab v = spm_vocab();
    v.v.special[LLM_SPECIAL_BOS] = 1;
    v.v.special[LLM_SPECIAL_EOS] = 2;
    v.v.add_eos = 1;
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    llm_token hello = llmi_tokenizer_find(t.get(), (MARK + "hello").data(), MARK.size() + 5);
    EXPECT_EQ(encode(t, "hello"), (Ids{hello}));
    EXPECT_EQ(encode(t, "hello", LLM_ENCODE_ADD_SPECIAL), (Ids{1, hello, 2}));
    EXPECT_EQ(encode(t, "", LLM_ENCODE_ADD_SPECIAL), (Ids{1, 2}));
}

TEST(Use, RolesAndEnds) {
    Vocab v = spm_vocab();
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    const llm_tokenizer *p = t.get();
    EXPECT_EQ(llmi_tokenizer_special(p, LLM_SPECIAL_UNK), 0);
    EXPECT_EQ(llmi_tokenizer_special(p, LLM_SPECIAL_BOS), 1);
    EXPECT_EQ(llmi_tokenizer_special(p, LLM_SPECIAL_EOS), 2);
    llm_token end = llmi_tokenizer_find(p, "<|im_end|>", 10);
    EXPECT_EQ(llmi_tokenizer_special(p, LLM_SPECIAL_EOT), end);
    EXPECT_TRUE(llmi_tokenizer_is_eog(p, 2));
    EXPECT_TRUE(llmi_tokenizer_is_eog(p, end));
    EXPECT_FALSE(llmi_tokenizer_is_eog(p, 1));
    EXPECT_FALSE(llmi_tokenizer_is_eog(p, LLM_TOKEN_NONE));
    EXPECT_EQ(llmi_tokenizer_special(p, LLM_SPECIAL_MASK), LLM_TOKEN_NONE);
    EXPECT_EQ(llmi_tokenizer_special(p, -1), LLM_TOKEN_NONE);
    EXPECT_EQ(llmi_tokenizer_special(p, 8), LLM_TOKEN_NONE);
    EXPECT_STREQ(llmi_tokenizer_kind(p), "spm");
    EXPECT_EQ(llmi_tokenizer_size(p), v.v.n_tokens);
    EXPECT_EQ(llmi_tokenizer_find(p, "hell", 4), 266);
    EXPECT_EQ(llmi_tokenizer_find(p, "hellp", 5), LLM_TOKEN_NONE);
    EXPECT_EQ(llmi_tokenizer_find(p, "", 0), LLM_TOKEN_NONE);
    llm_span text;
    int32_t type;
    float score;
    llmi_tokenizer_token(p, 3, &text, &type, &score);
    EXPECT_EQ(std::string(text.ptr, text.len), "<0x00>");
    EXPECT_EQ(type, LLM_TOKEN_BYTE);
    llmi_tokenizer_token(p, 266, nullptr, nullptr, &score);
    EXPECT_EQ(score, -3.0f);
}

/* Files give the ends of turns and the like wrong types: their spelling decides. */
TEST(Use, TheSpellingDecidesWhatIsControl) {
    for (int32_t type : {LLM_TOKEN_NORMAL, LLM_TOKEN_USER_DEFINED, LLM_TOKEN_UNUSED, LLM_TOKEN_CONTROL}) {
        for (const char *text : {"<|im_end|>", "<|eom_id|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>", "[EOT]"}) {
            Vocab v = bpe_vocab();
            v.add(text, type);
            Tokenizer t = from_vocab(v);
            ASSERT_TRUE(t);
            EXPECT_TRUE(llmi_tokenizer_is_eog(t.get(), 260)) << text << " of type " << type;
            EXPECT_EQ(encode(t, text).size(), strlen(text)) << text << " of type " << type;
            EXPECT_EQ(encode(t, text, LLM_ENCODE_PARSE_SPECIAL), Ids{260}) << text << " of type " << type;
            EXPECT_EQ(decode(t, {260}, LLM_DECODE_SKIP_SPECIAL), "");
        }
        for (const char *text : {"<|im_start|>", "<|fim_prefix|>", "<|user|>", "[INST]", "<start_of_turn>"}) {
            Vocab v = bpe_vocab();
            v.add(text, type);
            Tokenizer t = from_vocab(v);
            ASSERT_TRUE(t);
            EXPECT_FALSE(llmi_tokenizer_is_eog(t.get(), 260)) << text;
            EXPECT_EQ(encode(t, text).size(), strlen(text)) << text << " of type " << type;
        }
    }
}

/* Ids beyond the vocabulary are ignored where nothing depends on them; ids that end a generation are taken. */
TEST(Use, IdsThatFilesState) {
    Vocab v = bpe_vocab();
    v.add("<stop>", LLM_TOKEN_NORMAL);
    v.get();
    v.v.special[LLM_SPECIAL_PAD] = 261;
    v.v.special[LLM_SPECIAL_EOT] = INT32_MAX;
    v.v.ends[v.v.n_ends++] = 260;
    v.v.ends[v.v.n_ends++] = 4000;
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    EXPECT_EQ(llmi_tokenizer_special(t.get(), LLM_SPECIAL_PAD), LLM_TOKEN_NONE);
    EXPECT_TRUE(llmi_tokenizer_is_eog(t.get(), 260));
    EXPECT_EQ(encode(t, "<stop>").size(), 6u);
}

/* gpt-oss ends a completion with <|return|> or <|call|>; <|end|> only parts it. */
TEST(Use, AnEndThatOnlyParts) {
    Vocab v = bpe_vocab();
    for (const char *text : {"<|end|>", "<|return|>", "<|call|>"}) v.add(text, LLM_TOKEN_CONTROL);
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    EXPECT_FALSE(llmi_tokenizer_is_eog(t.get(), 260));
    EXPECT_TRUE(llmi_tokenizer_is_eog(t.get(), 261));
    EXPECT_TRUE(llmi_tokenizer_is_eog(t.get(), 262));
}

/* The arrays of a file are copied: what becomes of them later does not matter. */
TEST(Use, NothingOfTheFileIsReadAfterLoading) {
    for (bool bytes : {true, false}) {
        Vocab v = bytes ? bpe_vocab() : spm_vocab();
        Tokenizer t = from_vocab(v);
        ASSERT_TRUE(t);
        std::string text = "hello <|tool|> world";
        Ids before = encode(t, text, 3);
        std::string decoded = decode(t, before);
        for (std::string *s : {&v.tokens, &v.merges, &v.charsmap}) std::fill(s->begin(), s->end(), '\xff');
        std::fill(v.types.begin(), v.types.end(), -1);
        std::fill(v.scores.begin(), v.scores.end(), 1e30f);
        EXPECT_EQ(encode(t, text, 3), before);
        EXPECT_EQ(decode(t, before), decoded);
    }
}

TEST(Use, DecodingFlags) {
    Vocab v = spm_vocab();
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    llm_token hello = llmi_tokenizer_find(t.get(), (MARK + "hello").data(), MARK.size() + 5);
    Ids ids{1, hello, hello, 2};
    EXPECT_EQ(decode(t, ids), "<s> hello hello</s>");
    EXPECT_EQ(decode(t, ids, LLM_DECODE_SKIP_SPECIAL), "hello hello");
    EXPECT_EQ(decode(t, {hello}, LLM_DECODE_KEEP_PREFIX), " hello");
    EXPECT_EQ(decode(t, {hello}), "hello");
    EXPECT_EQ(decode(t, {3 + 0xe2, 3 + 0x82}), "\xe2\x82"); /* as the ids have it: half a character */
    llmi_buf bytes;
    llmi_buf_init(&bytes, &llmi_default_allocator);
    for (llm_token id : {-1, v.v.n_tokens, INT32_MAX, INT32_MIN}) {
        EXPECT_EQ(llmi_tokenizer_decode(&bytes, t.get(), &id, 1, 0, true), LLM_E_ARGUMENT);
        EXPECT_NE(std::string(llm_last_error()).find(std::to_string(id)), std::string::npos) << llm_last_error();
    }
    EXPECT_EQ(bytes.len, 0u);
    llmi_buf_free(&bytes);
}

TEST(Use, BytesThatAreNoTextComeBack) {
    Vocab spm = spm_vocab(), bpe = bpe_vocab(), llama3 = bpe_vocab("llama-bpe");
    for (Vocab *v : {&spm, &bpe, &llama3}) {
        Tokenizer t = from_vocab(*v);
        ASSERT_TRUE(t);
        std::mt19937 random(3);
        for (int i = 0; i < 3000; i++) {
            std::string text;
            for (size_t n = random() % 20; n > 0; n--)
                text += random() % 3 ? static_cast<char>("hello \n'"[random() % 8]) : static_cast<char>(random());
            Ids ids = encode(t, text);
            ASSERT_EQ(decode(t, ids), text) << testing::PrintToString(text);
            ASSERT_EQ(decode_pieces(t, ids), text);
        }
    }
}

TEST(Use, WithoutByteTokensWhatIsNoTextIsUnknown) {
    Vocab v("t5", nullptr);
    v.add("<unk>", LLM_TOKEN_UNKNOWN);
    v.add("a", LLM_TOKEN_NORMAL, -1);
    v.add(MARK, LLM_TOKEN_NORMAL, -1);
    v.v.add_eos = 0;
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    EXPECT_EQ(encode(t, "a\xff\xfe"
                        "a"),
              (Ids{2, 1, 0, 1}));
}

TEST(Use, EveryNamedPreTokenizerKeepsTheText) {
    for (const char *pre :
         {"default",     "gpt-2",     "llama-bpe", "llama3",    "qwen2",     "deepseek-llm", "deepseek-coder",
          "deepseek-v3", "falcon",    "starcoder", "refact",    "command-r", "mpt",          "olmo",
          "smollm",      "tekken",    "gpt-4o",    "dbrx",      "stablelm2", "bloom",        "viking",
          "chatglm-bpe", "smaug-bpe", "phi-2",     "codeshell", "exaone"}) {
        Vocab v = bpe_vocab(pre);
        Tokenizer t = from_vocab(v);
        ASSERT_TRUE(t) << pre;
        std::string text =
            "Hello  world's 12345 \xe4\xb8\xad\xe6\x96\x87!? \r\n\n  x = {y};\tWE'LL \xc3\xa9\xf0\x9f\x98\x80 ";
        EXPECT_EQ(decode(t, encode(t, text)), text) << pre;
    }
}

/* add_bos_token has no say where there is a tokenizer.json: its post_processor adds what is added. */
TEST(Use, ConfigNamesRoles) {
    const char *json = R"({"model":{"type":"BPE","vocab":{"a":0,"[B]":1,"[E]":2},"merges":[]},
        "added_tokens":[{"id":1,"content":"[B]","special":true},{"id":2,"content":"[E]","special":true}]})";
    Tokenizer t =
        from_json(json, R"({"bos_token":"[B]","eos_token":{"content":"[E]"},"add_bos_token":true,"pad_token":null})");
    ASSERT_TRUE(t);
    EXPECT_EQ(llmi_tokenizer_special(t.get(), LLM_SPECIAL_BOS), 1);
    EXPECT_EQ(llmi_tokenizer_special(t.get(), LLM_SPECIAL_EOS), 2);
    EXPECT_TRUE(llmi_tokenizer_is_eog(t.get(), 2));
    EXPECT_EQ(encode(t, "aa", LLM_ENCODE_ADD_SPECIAL), (Ids{0, 0}));
    EXPECT_EQ(encode(from_json(json), "aa", LLM_ENCODE_ADD_SPECIAL), (Ids{0, 0}));
}

TEST(Use, ReferencesAndTheEnd) {
    Vocab v = bpe_vocab();
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    int freed = 0;
    llmi_tokenizer_on_free(
        t.get(), [](void *user) { ++*static_cast<int *>(user); }, &freed);
    Tokenizer second(llmi_tokenizer_ref(t.get()));
    t.reset();
    EXPECT_EQ(freed, 0);
    EXPECT_EQ(encode(second, "he"), (Ids{256}));
    second.reset();
    EXPECT_EQ(freed, 1);
    llmi_tokenizer_unref(nullptr);
}

/* The first blank is SentencePiece's own, also where the first token is nothing but it. */
TEST(Use, ATextThatBeginsWithBlanksComesBack) {
    Vocab v = spm_vocab();
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    for (const char *text : {" hello", "  hello", " ", "", "hello "}) {
        Ids ids = encode(t, text);
        EXPECT_EQ(decode(t, ids), text);
        EXPECT_EQ(decode_pieces(t, ids), text);
    }
    EXPECT_TRUE(llmi_tokenizer_skips(t.get(), 1, LLM_DECODE_SKIP_SPECIAL));
    EXPECT_FALSE(llmi_tokenizer_skips(t.get(), 1, 0));
    EXPECT_FALSE(llmi_tokenizer_skips(t.get(), 266, LLM_DECODE_SKIP_SPECIAL));
}
