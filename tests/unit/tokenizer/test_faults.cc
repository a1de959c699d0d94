/* Every allocation fails once: the answer is LLM_E_MEMORY, nothing leaks, the next try succeeds. */
#include <cstring>

#include <gtest/gtest.h>
#include <jansson.h>

#include "counting.h"
#include "unit/tokenizer/load.h"

struct Source {
    std::string name, json; /* json empty: the vocabulary */
    Vocab *vocab;
};

static llm_status create(llm_tokenizer **out, const llm_allocator *a, const Source &s) {
    if (s.json.empty()) return llmi_tokenizer_from_vocab(out, a, s.vocab->get());
    llmi_tokenizer_files files{};
    files.json = {s.json.data(), s.json.size()};
    static const std::string config = "{\"bos_token\":\"<s>\",\"extra_special_tokens\":[\"<x>\"]}",
                             added = "{\"<y>\":999}";
    files.config = {config.data(), config.size()};
    files.added_tokens = {added.data(), added.size()};
    return llmi_tokenizer_from_json(out, a, &files);
}

/* Fails allocation 0, 1, ... of `run` until it succeeds without reaching the failure. */
template <class Run> static void fail_each(Counting &f, const std::string &name, Run run) {
    int alive = f.alive;
    for (int i = 0;; i++) {
        f.n = 0;
        f.fail_at = i;
        llm_status status = run();
        bool reached = f.n > i;
        f.fail_at = -1;
        ASSERT_EQ(f.alive, alive) << name << ", allocation " << i;
        if (!reached) {
            ASSERT_EQ(status, LLM_OK) << name << ": " << llm_last_error();
            ASSERT_GT(i, 0) << name;
            return;
        }
        ASSERT_TRUE(status == LLM_E_MEMORY || status == LLM_OK) << name << ", allocation " << i << ": " << status;
    }
}

static void check(const Source &s) {
    Counting f;
    fail_each(f, s.name + ": create", [&] {
        llm_tokenizer *t = nullptr;
        llm_status status = create(&t, &f.allocator, s);
        EXPECT_EQ(t == nullptr, status != LLM_OK);
        llmi_tokenizer_unref(t);
        return status;
    });
    llm_tokenizer *t = nullptr;
    ASSERT_EQ(create(&t, &f.allocator, s), LLM_OK) << s.name << ": " << llm_last_error();
    std::string text = "The quick e\xcc\x81 <s> brown \xff fox, don't 12345 [MASK] abc ";
    text += std::string(3000, 'a') + std::string(100, '\n') + "\xe4\xb8\xad\xf0\x9f\x98\x80";
    Ids ids;
    fail_each(f, s.name + ": encode", [&] {
        llmi_buf out;
        llmi_buf_init(&out, &f.allocator);
        uint32_t flags = LLM_ENCODE_ADD_SPECIAL | LLM_ENCODE_PARSE_SPECIAL;
        llm_status status = llmi_tokenizer_encode(&out, t, text.data(), text.size(), flags);
        if (status != LLM_OK) {
            EXPECT_EQ(out.len, 0u);
        }
        const auto *begin = reinterpret_cast<const llm_token *>(out.data);
        ids.assign(begin, begin + llmi_buf_count(&out, llm_token));
        llmi_buf_free(&out);
        return status;
    });
    fail_each(f, s.name + ": decode", [&] {
        llmi_buf out;
        llmi_buf_init(&out, &f.allocator);
        llm_status status = llmi_tokenizer_decode(&out, t, ids.data(), ids.size(), 0, true);
        if (status != LLM_OK) {
            EXPECT_EQ(out.len, 0u);
        }
        llmi_buf_free(&out);
        return status;
    });
    llmi_tokenizer_unref(t);
    EXPECT_EQ(f.alive, 0) << s.name;
}

TEST(Faults, OfEveryKindOfVocabulary) {
    for (const char *model : {"gpt2", "llama", "t5", "bert"}) {
        Vocab v(model, strcmp(model, "gpt2") == 0 ? "deepseek-llm" : nullptr);
        v.add("<unk>", LLM_TOKEN_UNKNOWN);
        v.add("<s>", LLM_TOKEN_CONTROL);
        v.add("[MASK]", LLM_TOKEN_USER_DEFINED);
        v.add_byte_tokens();
        for (const char *c : {"a", "b", "aa", "aaaa", "\xe2\x96\x81",
                              "\xe2\x96\x81"
                              "a"})
            v.add(c, LLM_TOKEN_NORMAL, -1);
        v.add_merge("a a");
        v.add_merge("aa aa");
        check({model, "", &v});
    }
}

TEST(Faults, OfEveryKindOfJson) {
    std::string lines;
    ASSERT_TRUE(read_file(&lines, LLM_SOURCE_DIR "/tests/unit/tokenizer/golden.json"));
    size_t begin = 0, n = 0;
    for (size_t end; (end = lines.find('\n', begin)) != std::string::npos; begin = end + 1) {
        json_t *entry = json_loadb(lines.data() + begin, end - begin, JSON_ALLOW_NUL, nullptr);
        ASSERT_TRUE(entry);
        if (!json_object_get(entry, "like")) {
            char *json = json_dumps(json_object_get(entry, "tokenizer"), 0);
            check({json_string_value(json_object_get(entry, "name")), json, nullptr});
            free(json);
            n++;
        }
        json_decref(entry);
    }
    EXPECT_GE(n, 6u);
    /* Every step in a row, on few tokens. */
    check({"steps", R"({"normalizer":{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"Lowercase"},
        {"type":"Replace","pattern":{"Regex":"x+"},"content":"y"},{"type":"Replace","pattern":{"String":"yy"},"content":"zzz"},
        {"type":"Prepend","prepend":"_"},{"type":"Strip"},{"type":"StripAccents"},{"type":"Nmt"},{"type":"BertNormalizer"},
        {"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAAAAAAA"}]},
        "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Metaspace","split":false},
        {"type":"Split","pattern":{"Regex":"q|r"},"behavior":"MergedWithNext"},{"type":"Punctuation"},{"type":"Digits"},
        {"type":"ByteLevel"},{"type":"Whitespace"}]},
        "decoder":{"type":"Sequence","decoders":[{"type":"ByteLevel"},{"type":"Replace","pattern":{"Regex":"a"},"content":"b"},
        {"type":"Replace","pattern":{"String":"b"},"content":"c"},{"type":"ByteFallback"},{"type":"WordPiece"},{"type":"Fuse"},
        {"type":"Strip","content":"c","start":1,"stop":0}]},
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],
        "special_tokens":{"<s>":{"ids":[0]}}},
        "added_tokens":[{"id":0,"content":"<s>","special":true},{"id":9,"content":"[MASK]","normalized":true,"lstrip":true}],
        "model":{"type":"BPE","unk_token":"u","vocab":{"<s>":0,"u":1,"a":2,"b":3,"aa":4,"_":5},"merges":["a a"]}})",
           nullptr});
}
