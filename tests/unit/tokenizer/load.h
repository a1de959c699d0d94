/* Tokenizers for tests: from GGUF files, from tokenizer.json texts, from made-up vocabularies. */
#ifndef TEST_TEXT_LOAD_H
#define TEST_TEXT_LOAD_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "base/buf.h"
#include "tokenizer/tokenizer.h"
}

using Ids = std::vector<llm_token>;

struct TokenizerFree {
    void operator()(llm_tokenizer *t) const { llmi_tokenizer_unref(t); }
};
using Tokenizer = std::unique_ptr<llm_tokenizer, TokenizerFree>;

/* A vocabulary with the memory its arrays lie in. */
struct Vocab {
    llmi_vocab_desc v;
    std::string model, pre, tokens, merges, charsmap;
    std::vector<float> scores;
    std::vector<int32_t> types;

    Vocab(const char *model_name, const char *pre_name);
    void add(const std::string &token, int32_t type = LLM_TOKEN_NORMAL, float score = 0);
    void add_merge(const std::string &merge);
    void add_byte_tokens();
    const llmi_vocab_desc *get(); /* after the last change */
};

/* Null, with a failed expectation, if it cannot be made. */
Tokenizer from_gguf(const std::string &path);
Tokenizer from_vocab(Vocab &vocab);
Tokenizer from_json(const std::string &json, const std::string &config = "");

bool read_file(std::string *out, const std::string &path);
Ids encode(const Tokenizer &t, const std::string &text, uint32_t flags = 0);
std::string decode(const Tokenizer &t, const Ids &ids, uint32_t flags = 0);
/* One id at a time. */
std::string decode_pieces(const Tokenizer &t, const Ids &ids, uint32_t flags = 0);
/* What is not UTF-8 becomes U+FFFD. */
std::string repaired(const std::string &text);
std::string show(const Ids &ids);

#endif
