/* Token for token what the reference implementations answer, for the vocabularies that are at hand. */
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <jansson.h>

#include "unit/text/load.h"

static const std::string DATA = LLM_SHARED_DATA "/tokenizers/";

#define OPEN(text, path)                                                                                               \
    std::string text;                                                                                                  \
    if (!read_file(&text, path)) GTEST_SKIP() << "no " << (path)

static std::vector<std::string> split(const std::string &text, const std::string &at) {
    std::vector<std::string> out;
    size_t begin = 0, end;
    for (; (end = text.find(at, begin)) != std::string::npos; begin = end + at.size())
        out.push_back(text.substr(begin, end - begin));
    return out;
}

/* ---- the 46 strings of each GGUF vocabulary ---- */

class GgufCases : public testing::TestWithParam<const char *> {};

TEST_P(GgufCases, EncodeTokenForToken) {
    std::string path = DATA + "ggml-vocab/ggml-vocab-" + GetParam() + ".gguf";
    OPEN(inputs, path + ".inp");
    OPEN(outputs, path + ".out");
    Tokenizer t = from_gguf(path);
    ASSERT_TRUE(t);
    std::vector<std::string> in = split(inputs, "\n__ggml_vocab_test__\n"), out = split(outputs, "\n");
    ASSERT_EQ(in.size(), 46u);
    ASSERT_GE(out.size(), in.size());
    for (size_t i = 0; i < in.size(); i++) {
        Ids expected;
        for (const char *at = out[i].c_str(); *at;) {
            char *end;
            long id = strtol(at, &end, 10);
            if (end == at) break;
            expected.push_back(static_cast<llm_token>(id));
            at = end;
        }
        Ids found = encode(t, in[i]);
        EXPECT_EQ(found, expected) << "case " << i << ": " << in[i] << "\n" << show(found) << "\n" << show(expected);
    }
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, GgufCases,
                         testing::Values("bert-bge", "gpt-2", "llama-bpe", "llama-spm", "phi-3", "qwen2"));

/* ---- longer texts, with special tokens and decoded ---- */

struct Encodings {
    const char *name;
    bool gguf;
    const char *file; /* of the tokenizer, below DATA */
};

static void PrintTo(const Encodings &e, std::ostream *out) {
    *out << e.name << (e.gguf ? " gguf" : " json");
}

class TextCases : public testing::TestWithParam<Encodings> {};

static Ids ids_of(const json_t *array) {
    Ids out;
    size_t i;
    json_t *id;
    json_array_foreach(array, i, id) out.push_back(static_cast<llm_token>(json_integer_value(id)));
    return out;
}

static std::string text_of(const json_t *object, const char *key) {
    const json_t *s = json_object_get(object, key);
    return std::string(json_string_value(s), json_string_length(s));
}

static Tokenizer open(const Encodings &e) {
    std::string path = DATA + e.file, json;
    if (e.gguf) return from_gguf(path);
    return read_file(&json, path) ? from_json(json) : nullptr;
}

TEST_P(TextCases, EncodeAndDecodeAsTheReference) {
    Encodings e = GetParam();
    OPEN(lines, DATA + "encodings/" + e.name + ".encodings.jsonl");
    Tokenizer t = open(e);
    ASSERT_TRUE(t);
    size_t n = 0;
    bool same_special = !e.gguf || strcmp(e.name, "llama-spm") != 0; /* its special tokens are phi-3's */
    for (const std::string &line : split(lines, "\n")) {
        json_t *object = json_loadb(line.data(), line.size(), 0, nullptr);
        ASSERT_TRUE(object);
        std::string text = text_of(object, "text"), decoded = text_of(object, "decoded");
        Ids ids = ids_of(json_object_get(object, "ids")), whole = ids_of(json_object_get(object, "ids_with_special"));
        json_decref(object);
        Ids found = encode(t, text, LLM_ENCODE_PARSE_SPECIAL);
        ASSERT_EQ(found, ids) << "line " << n << ": " << text << "\n" << show(found) << "\n" << show(ids);
        if (!e.gguf) {
            found = encode(t, text, LLM_ENCODE_PARSE_SPECIAL | LLM_ENCODE_ADD_SPECIAL);
            ASSERT_EQ(found, whole) << "line " << n << ": " << text << "\n" << show(found) << "\n" << show(whole);
        }
        if (same_special) {
            ASSERT_EQ(repaired(decode(t, ids)), decoded) << "line " << n;
        }
        ASSERT_EQ(decode_pieces(t, ids), decode(t, ids)) << "line " << n;
        n++;
    }
    EXPECT_GT(n, 200u);
}

INSTANTIATE_TEST_SUITE_P(Gguf, TextCases,
                         testing::Values(Encodings{"bert-bge", true, "ggml-vocab/ggml-vocab-bert-bge.gguf"},
                                         Encodings{"gpt-2", true, "ggml-vocab/ggml-vocab-gpt-2.gguf"},
                                         Encodings{"llama-bpe", true, "ggml-vocab/ggml-vocab-llama-bpe.gguf"},
                                         Encodings{"llama-spm", true, "ggml-vocab/ggml-vocab-llama-spm.gguf"},
                                         Encodings{"phi-3", true, "ggml-vocab/ggml-vocab-phi-3.gguf"},
                                         Encodings{"qwen2", true, "ggml-vocab/ggml-vocab-qwen2.gguf"},
                                         Encodings{"stories260K", true, "../models/stories260K/stories260K-f32.gguf"}));

INSTANTIATE_TEST_SUITE_P(Json, TextCases,
                         testing::Values(Encodings{"bert-bge", false, "hf/bert-base-uncased.tokenizer.json"},
                                         Encodings{"gpt-2", false, "hf/gpt-2.tokenizer.json"},
                                         Encodings{"phi-3", false, "hf/phi-3.tokenizer.json"},
                                         Encodings{"qwen2", false, "hf/qwen2.tokenizer.json"},
                                         Encodings{"roberta-base", false, "hf/roberta-base.tokenizer.json"},
                                         Encodings{"stories260K", false,
                                                   "../models/stories260K/stories260K-hf/tokenizer.json"}));
