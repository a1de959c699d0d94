/* Token for token what the reference implementations answer, for the vocabularies that are at hand. */
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "shared_data.h"
#include "unit/tokenizer/golden_file.h"

static const std::string DATA = LLM_SHARED_DATA "/tokenizers/";

#define OPEN(text, path)                                                                                               \
    std::string text;                                                                                                  \
    NEEDS_SHARED(path, "Golden.SmallTokenizersOfEveryKind");                                                           \
    ASSERT_TRUE(read_file(&text, path))

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

/* ---- expectations of another library's tests, which add special tokens ---- */

struct Expectations {
    const char *model, *file; /* key of tokenizer_tests.json, or a file of one case */
    const char *tokenizer;
    bool gguf;
};

static void PrintTo(const Expectations &e, std::ostream *out) {
    *out << (e.model ? e.model : e.file);
}

class OtherCases : public testing::TestWithParam<Expectations> {};

static void check_other(const Tokenizer &t, const std::string &text, const Ids &expected) {
    Ids found = encode(t, text, LLM_ENCODE_PARSE_SPECIAL | LLM_ENCODE_ADD_SPECIAL);
    EXPECT_EQ(found, expected) << text << "\n" << show(found) << "\n" << show(expected);
}

TEST_P(OtherCases, EncodeTokenForToken) {
    Expectations e = GetParam();
    OPEN(text, DATA + "swift-transformers/" + (e.model ? "tokenizer_tests.json" : e.file));
    Tokenizer t = open({e.tokenizer, e.gguf, e.tokenizer});
    ASSERT_TRUE(t);
    json_t *root = json_loadb(text.data(), text.size(), 0, nullptr), *one;
    ASSERT_TRUE(root);
    if (!e.model) {
        check_other(t, text_of(root, "text"), ids_of(json_object_get(root, "token_ids")));
    } else {
        size_t i;
        ASSERT_GT(json_array_size(json_object_get(root, e.model)), 0u);
        json_array_foreach(json_object_get(root, e.model), i, one) {
            const json_t *ids = json_object_get(json_object_get(one, "encoded"), "input_ids");
            check_other(t, text_of(one, "input"), ids_of(ids));
        }
    }
    json_decref(root);
}

static const char BERT[] = "ggml-vocab/ggml-vocab-bert-bge.gguf", BERT_JSON[] = "hf/bert-base-uncased.tokenizer.json";
static const char GPT2[] = "ggml-vocab/ggml-vocab-gpt-2.gguf", GPT2_JSON[] = "hf/gpt-2.tokenizer.json";
static const char LLAMA2[] = "ggml-vocab/ggml-vocab-llama-spm.gguf", LLAMA3[] = "ggml-vocab/ggml-vocab-llama-bpe.gguf";

INSTANTIATE_TEST_SUITE_P(Others, OtherCases,
                         testing::Values(Expectations{"bert-base-uncased", nullptr, BERT, true},
                                         Expectations{"bert-base-uncased", nullptr, BERT_JSON, false},
                                         Expectations{"distilgpt2", nullptr, GPT2, true},
                                         Expectations{"distilgpt2", nullptr, GPT2_JSON, false},
                                         Expectations{"coreml-projects/Llama-2-7b-chat-coreml", nullptr, LLAMA2, true},
                                         Expectations{"pcuenq/Llama-3.2-1B-Instruct-tokenizer", nullptr, LLAMA3, true},
                                         Expectations{nullptr, "bert_uncased_encoded.json", BERT, true},
                                         Expectations{nullptr, "bert_uncased_encoded.json", BERT_JSON, false},
                                         Expectations{nullptr, "gpt2_encoded_tokens.json", GPT2, true},
                                         Expectations{nullptr, "gpt2_encoded_tokens.json", GPT2_JSON, false},
                                         Expectations{nullptr, "llama_encoded.json", LLAMA2, true},
                                         Expectations{nullptr, "llama_3.2_encoded.json", LLAMA3, true}));

/* ---- made by make_golden.py ---- */

static void check_case(const Tokenizer &t, const std::string &name, const json_t *one, bool trailing_blank) {
    auto string_at = [one](size_t i) {
        const json_t *v = json_array_get(one, i);
        return std::string(json_string_value(v), json_string_length(v));
    };
    bool same_ids = json_is_null(json_array_get(one, 2)), same_text = json_is_null(json_array_get(one, 3));
    std::string text = string_at(0), decoded = same_text ? text : string_at(3);
    Ids ids = ids_of(json_array_get(one, 1)), whole = same_ids ? ids : ids_of(json_array_get(one, 2));
    Ids found = encode(t, text, LLM_ENCODE_PARSE_SPECIAL);
    EXPECT_EQ(found, ids) << name << ": " << testing::PrintToString(text) << "\n" << show(found) << "\n" << show(ids);
    EXPECT_EQ(encode(t, text, LLM_ENCODE_PARSE_SPECIAL | LLM_ENCODE_ADD_SPECIAL), whole) << name;
    std::string back = decode(t, ids), pieces = decode_pieces(t, ids);
    EXPECT_EQ(pieces, back) << name;
    /* The reference drops the blank of the last word, which is not known to be the last while a text grows. */
    if (trailing_blank && !back.empty() && back.back() == ' ') back.pop_back();
    if (decoded.find("\xef\xbf\xbd") == std::string::npos) {
        EXPECT_EQ(back, decoded) << name << ": " << testing::PrintToString(text);
    }
}

static void check_file(const std::string &path, size_t *n_cases) {
    each_golden_tokenizer(path, [&](const std::string &name, const std::string &json, const json_t *cases) {
        Tokenizer t = from_json(json);
        ASSERT_TRUE(t) << name;
        bool trailing_blank = json.find("BPEDecoder") != std::string::npos;
        size_t i;
        json_t *one;
        json_array_foreach(cases, i, one) check_case(t, name, one, trailing_blank);
        *n_cases += json_array_size(cases);
    });
}

TEST(Golden, SmallTokenizersOfEveryKind) {
    size_t n = 0;
    check_file(LLM_SOURCE_DIR "/tests/unit/tokenizer/golden.json", &n);
    EXPECT_GT(n, 500u);
}

/* GOLDEN_FILE=out.json, written by make_golden.py --files. */
TEST(DISABLED_Golden, AnyFile) {
    const char *path = getenv("GOLDEN_FILE");
    if (!path) GTEST_SKIP() << "GOLDEN_FILE is not set";
    size_t n = 0;
    check_file(path, &n);
    printf("%zu cases\n", n);
}
