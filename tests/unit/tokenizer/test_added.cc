/* Special tokens outside of tokenizer.json: ids as AutoTokenizer gives them. */
#include <sstream>

#include <gtest/gtest.h>

#include "unit/tokenizer/load.h"

extern "C" {
#include "base/json.h"
}

static std::string string_of(const llmi_json *v) {
    llm_span s = llmi_json_text(v);
    return std::string(s.ptr ? s.ptr : "", s.len);
}

static Tokenizer from_files(const llmi_json *files) {
    llmi_tokenizer_files f{};
    f.json = llmi_json_text(llmi_json_get(files, "tokenizer.json"));
    f.config = llmi_json_text(llmi_json_get(files, "tokenizer_config.json"));
    f.special_tokens_map = llmi_json_text(llmi_json_get(files, "special_tokens_map.json"));
    f.added_tokens = llmi_json_text(llmi_json_get(files, "added_tokens.json"));
    llm_tokenizer *t = nullptr;
    llm_status status = llmi_tokenizer_from_json(&t, &llmi_default_allocator, &f);
    EXPECT_EQ(status, LLM_OK) << llm_last_error();
    return Tokenizer(t);
}

TEST(Added, AsAutoTokenizerDoes) {
    std::string file;
    ASSERT_TRUE(read_file(&file, LLM_SOURCE_DIR "/tests/unit/tokenizer/added_cases.json"));
    std::istringstream in(file);
    int n = 0;
    for (std::string line; std::getline(in, line); n++) {
        llmi_json_doc doc;
        llmi_json_doc_init(&doc, &llmi_default_allocator, 0);
        const llmi_json *root = nullptr;
        ASSERT_EQ(llmi_json_parse(&root, &doc, {line.data(), line.size()}, "added_cases.json", 0), LLM_OK);
        std::string name = string_of(llmi_json_get(root, "name"));
        Tokenizer t = from_files(llmi_json_get(root, "files"));
        ASSERT_TRUE(t) << name;
        const llmi_json *cases = llmi_json_get(root, "cases");
        for (size_t i = 0; i < llmi_json_count(cases); i++) {
            std::string text = string_of(llmi_json_item(cases->items + i, 0));
            const llmi_json *list = llmi_json_item(cases->items + i, 1);
            Ids expected;
            for (size_t k = 0; k < llmi_json_count(list); k++) {
                int64_t id = -1;
                llmi_json_int64(&id, list->items + k);
                expected.push_back(static_cast<llm_token>(id));
            }
            /* On purpose: of two BOS, the text's and the added one, only one. */
            llm_token bos = llmi_tokenizer_special(t.get(), LLM_SPECIAL_BOS);
            if (expected.size() > 1 && expected[0] == bos && expected[1] == bos) expected.erase(expected.begin());
            Ids found = encode(t, text, LLM_ENCODE_ADD_SPECIAL | LLM_ENCODE_PARSE_SPECIAL);
            EXPECT_EQ(found, expected) << name << ": " << text << "\n" << show(found) << "\n" << show(expected);
        }
        llmi_json_doc_free(&doc);
    }
    EXPECT_GE(n, 20);
}

static std::string variables_of(const Tokenizer &t) {
    std::string out;
    const char *name;
    llm_token id;
    for (size_t i = 0; llmi_tokenizer_variable(t.get(), i, &name, &id); i++) {
        llm_span text;
        llmi_tokenizer_token(t.get(), id, &text, nullptr, nullptr);
        out += std::string(name) + "=" + std::string(text.ptr, text.len) + " ";
    }
    return out;
}

static const char SMALL[] = R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"\u0000":2},"merges":[]}})";

TEST(Added, NamesBecomeVariables) {
    Tokenizer t = from_json(SMALL, R"({"pad_token":{"content":"<p>","__type":"AddedToken"},"image_token":"<i>",
        "model_max_length":1000000000000000019884624838656,"x":NaN,"name_or_path":"_token","sep_token":null,
        "extra_special_tokens":{"audio_token":"<a>"},"image_token":"<j>"})");
    ASSERT_TRUE(t);
    EXPECT_EQ(variables_of(t), "pad_token=<p> image_token=<j> audio_token=<a> ");
    EXPECT_EQ(llmi_tokenizer_special(t.get(), LLM_SPECIAL_PAD), 3);
    EXPECT_EQ(encode(t, std::string("a\0b", 3)), (Ids{0, 2, 1}));
}

/* A byte order mark is no part of a file; special: false does not let text spell the end of a turn. */
TEST(Added, FilesAsPeopleHaveThem) {
    Tokenizer t = from_json(std::string("\xef\xbb\xbf") + SMALL, "\xef\xbb\xbf{}");
    ASSERT_TRUE(t);
    t = from_json(R"({"added_tokens":[{"id":2,"content":"<|im_end|>","special":false}],
        "model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}})");
    ASSERT_TRUE(t);
    EXPECT_EQ(encode(t, "a<|im_end|>b"), (Ids{0, 1}));
    EXPECT_EQ(encode(t, "a<|im_end|>b", LLM_ENCODE_PARSE_SPECIAL), (Ids{0, 2, 1}));
    EXPECT_TRUE(llmi_tokenizer_is_eog(t.get(), 2));
}
