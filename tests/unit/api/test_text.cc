// Tokenizers and decoders as llm/tokenizer.h promises them.
#include <fstream>
#include <random>
#include <sstream>

#include "api.h"

namespace {

Tokenizer load(const std::string &path) {
    llm_tokenizer *t = nullptr;
    EXPECT_EQ(LLM_OK, llm_tokenizer_load(&t, nullptr, path.c_str())) << llm_last_error();
    return Tokenizer(t);
}

TEST_F(Stories, EveryKindOfFileGivesTheSameIds) {
    std::vector<llm_token> expected = encode(tokenizer, prompt, LLM_ENCODE_ADD_SPECIAL);
    ASSERT_EQ(5u, expected.size());
    for (const std::string &path : {stories_gguf, stories_hf, stories_hf + "/", stories_hf + "/tokenizer.json"}) {
        Tokenizer t = load(path);
        ASSERT_NE(nullptr, t) << path;
        EXPECT_EQ(expected, encode(t.get(), prompt, LLM_ENCODE_ADD_SPECIAL)) << path;
        EXPECT_EQ(512, llm_tokenizer_size(t.get()));
        EXPECT_EQ(1, llm_tokenizer_special(t.get(), LLM_SPECIAL_BOS)) << path;
        EXPECT_EQ(2, llm_tokenizer_special(t.get(), LLM_SPECIAL_EOS)) << path;
        EXPECT_EQ(1, llm_tokenizer_is_eog(t.get(), 2));
    }
}

TEST_F(Stories, EncodingIntoTooLittleRoomSaysHowMuchIsNeeded) {
    std::vector<llm_token> all = encode(tokenizer, prompt, LLM_ENCODE_ADD_SPECIAL);
    size_t n = 0;
    llm_token ids[3] = {-5, -5, -5};
    FAILS(LLM_E_CAPACITY, "room for 2",
          llm_tokenizer_encode(&n, tokenizer, prompt, LLM_NTS, LLM_ENCODE_ADD_SPECIAL, ids, 2));
    EXPECT_EQ(all.size(), n);
    EXPECT_EQ(all[0], ids[0]);
    EXPECT_EQ(all[1], ids[1]);
    EXPECT_EQ(-5, ids[2]);
    OK(llm_tokenizer_encode(&n, tokenizer, "", 0, 0, nullptr, 0));
    EXPECT_EQ(0u, n);
    OK(llm_tokenizer_encode(&n, tokenizer, nullptr, 0, 0, nullptr, 0));
    FAILS(LLM_E_ARGUMENT, "text is NULL", llm_tokenizer_encode(&n, tokenizer, nullptr, 1, 0, ids, 3));
    FAILS(LLM_E_ARGUMENT, "flags are 0x8", llm_tokenizer_encode(&n, tokenizer, "a", 1, 8, ids, 3));
}

TEST_F(Stories, DecodingRefusesIdsOutsideTheVocabulary) {
    size_t n = 0;
    for (llm_token bad : {-1, 512, INT32_MAX}) {
        llm_token ids[] = {5, bad};
        FAILS(LLM_E_ARGUMENT, "id 1 of 2: token is " + std::to_string(bad),
              llm_tokenizer_decode(&n, tokenizer, ids, 2, 0, nullptr, 0));
    }
    std::vector<llm_token> ids = encode(tokenizer, prompt, 0);
    char text[4];
    FAILS(LLM_E_CAPACITY, "16 elements", llm_tokenizer_decode(&n, tokenizer, ids.data(), ids.size(), 0, text, 4));
    EXPECT_EQ(16u, n);
    EXPECT_EQ(0, memcmp(text, "Once", 4));
}

std::string push_all(const llm_tokenizer *t, const std::vector<llm_token> &ids, uint32_t flags) {
    llm_decoder *d = nullptr;
    EXPECT_EQ(LLM_OK, llm_decoder_create(&d, t, flags)) << llm_last_error();
    Decoder owner(d);
    std::string text;
    llm_span piece;
    for (llm_token id : ids) {
        EXPECT_EQ(LLM_OK, llm_decoder_push(&piece, d, id)) << llm_last_error();
        text += str(piece);
    }
    EXPECT_EQ(LLM_OK, llm_decoder_finish(&piece, d));
    return text + str(piece);
}

// Whole characters only: each piece is valid UTF-8 by itself.
bool is_utf8(const std::string &s) {
    json_t *j = json_stringn(s.data(), s.size());
    bool ok = j != nullptr;
    json_decref(j);
    return ok;
}

TEST_F(Stories, DecoderEqualsDecodeOnAnyIds) {
    std::mt19937 random(7);
    std::vector<std::string> files = {stories_gguf, stories_hf};
    for (const char *name : {"gpt-2", "llama-bpe", "qwen2", "llama-spm", "phi-3", "bert-bge"}) {
        std::string path = LLM_SHARED_DATA "/tokenizers/ggml-vocab/ggml-vocab-" + std::string(name) + ".gguf";
        if (exists(path)) files.push_back(path);
    }
    for (const std::string &path : files) {
        SCOPED_TRACE(path);
        Tokenizer t = load(path);
        ASSERT_NE(nullptr, t);
        auto n_vocab = static_cast<uint32_t>(llm_tokenizer_size(t.get()));
        for (int round = 0; round < 60; round++) {
            std::vector<llm_token> ids;
            uint32_t range = round % 2 ? n_vocab : 300; /* the low ids hold special tokens and bytes */
            for (size_t n = random() % 12; n > 0; n--) ids.push_back(static_cast<llm_token>(random() % range));
            for (uint32_t flags = 0; flags < 4; flags++)
                EXPECT_EQ(decode(t.get(), ids, flags), push_all(t.get(), ids, flags)) << "flags " << flags;
        }
    }
}

TEST_F(Stories, DecoderHandsOutWholeCharacters) {
    std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 z";
    std::vector<llm_token> ids = encode(tokenizer, text, 0);
    EXPECT_GE(ids.size(), 9u) << "the small vocabulary spells these as bytes";
    llm_decoder *d = nullptr;
    OK(llm_decoder_create(&d, tokenizer, 0));
    Decoder owner(d);
    std::string all;
    for (int round = 0; round < 2; round++, all.clear()) {
        llm_span piece;
        for (llm_token id : ids) {
            OK(llm_decoder_push(&piece, d, id));
            EXPECT_TRUE(is_utf8(str(piece))) << str(piece);
            all += str(piece);
        }
        OK(llm_decoder_finish(&piece, d)); /* and begins anew */
        EXPECT_EQ(text, all + str(piece));
    }
    llm_span piece;
    OK(llm_decoder_push(&piece, d, 3 + 0xE2));
    EXPECT_EQ(0u, piece.len);
    OK(llm_decoder_finish(&piece, d));
    EXPECT_EQ("\xEF\xBF\xBD", str(piece));
    FAILS(LLM_E_ARGUMENT, "token is 512", llm_decoder_push(&piece, d, 512));
    FAILS(LLM_E_ARGUMENT, "flags", llm_decoder_create(&d, tokenizer, 16));
}

TEST_F(Stories, TokensCanBeLookedUp) {
    for (llm_token id = 0; id < 512; id++) {
        llm_token_info info = {};
        info.struct_size = sizeof info;
        OK(llm_tokenizer_get_token(&info, tokenizer, id));
        EXPECT_EQ(id, llm_tokenizer_find(tokenizer, info.text.ptr, info.text.len));
        EXPECT_GE(info.type, LLM_TOKEN_NORMAL);
    }
    EXPECT_EQ(LLM_TOKEN_NONE, llm_tokenizer_find(tokenizer, "no such token", LLM_NTS));
    EXPECT_EQ(LLM_TOKEN_NONE, llm_tokenizer_special(tokenizer, 99));
    EXPECT_EQ(LLM_TOKEN_NONE, llm_tokenizer_special(tokenizer, -1));
    EXPECT_EQ(0, llm_tokenizer_is_eog(tokenizer, -1));
    EXPECT_EQ(0, llm_tokenizer_is_eog(tokenizer, 5000));
    llm_token_info info = {};
    info.struct_size = sizeof info;
    FAILS(LLM_E_ARGUMENT, "token is 512", llm_tokenizer_get_token(&info, tokenizer, 512));
}

static int executable_and_writable() {
    std::ifstream maps("/proc/self/maps");
    int n = 0;
    for (std::string line; std::getline(maps, line);) n += line.find(" rwx") != std::string::npos;
    return n;
}

TEST(TokenizerLoad, PatternsBecomeMachineCodeOnlyWhereItIsAllowed) {
    Folder folder;
    std::string path = folder.write("tokenizer.json", R"({"pre_tokenizer":{"type":"Split","pattern":{"Regex":"b+|a"},
        "behavior":"Isolated"},"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}})");
    int before = executable_and_writable();
    for (int32_t use_jit : {0, 1}) {
        llm_runtime_options o;
        llm_runtime_options_init(&o);
        o.use_jit = use_jit;
        llm_runtime *rt = nullptr;
        llm_tokenizer *t = nullptr;
        llm_token ids[4];
        size_t n = 0;
        OK(llm_runtime_create(&rt, &o));
        OK(llm_tokenizer_load(&t, rt, path.c_str()));
        OK(llm_tokenizer_encode(&n, t, "abba", 4, 0, ids, 4));
        EXPECT_EQ(4u, n);
        EXPECT_TRUE(use_jit || executable_and_writable() == before);
        llm_tokenizer_unref(t);
        llm_runtime_unref(rt);
        EXPECT_EQ(before, executable_and_writable());
    }
}

TEST(TokenizerLoad, WhatIsNoTokenizerIsNamed) {
    Folder folder;
    llm_tokenizer *t = nullptr;
    FAILS(LLM_E_NOT_FOUND, "/nonexistent/x", llm_tokenizer_load(&t, nullptr, "/nonexistent/x"));
    FAILS(LLM_E_NOT_FOUND, "tokenizer.json", llm_tokenizer_load(&t, nullptr, folder.path.c_str()));
    FAILS(LLM_E_NOT_FOUND, "m.gguf holds no tokenizer",
          llm_tokenizer_load(&t, nullptr, folder.write("m.gguf", tiny_gguf().encode()).c_str()));
    FAILS(LLM_E_FORMAT, "x.json", llm_tokenizer_load(&t, nullptr, folder.write("x.json", "{\"a\":").c_str()));
    FAILS(LLM_E_FORMAT, "tokenizer.json",
          llm_tokenizer_load(&t, nullptr, folder.write("tokenizer.json", "{}").c_str()));
    FAILS(LLM_E_FORMAT, "garbage", llm_tokenizer_load(&t, nullptr, folder.write("garbage", "hello").c_str()));
    FAILS(LLM_E_FORMAT, "empty", llm_tokenizer_load(&t, nullptr, folder.write("empty", "").c_str()));
    EXPECT_EQ(nullptr, t);
}

} // namespace
