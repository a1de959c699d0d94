#include "unit/tokenizer/load.h"

#include <cstring>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

extern "C" {
#include "base/utf8.h"
#include "format/weights.h"
}

static void put_string(std::string *out, const std::string &text) {
    uint64_t n = text.size();
    out->append(reinterpret_cast<const char *>(&n), sizeof n);
    out->append(text);
}

static llmi_vocab_desc empty_vocab() {
    llmi_vocab_desc v{};
    for (llm_token &id : v.special) id = LLM_TOKEN_NONE;
    v.add_bos = v.add_eos = v.add_space_prefix = v.remove_extra_whitespaces = v.escape_whitespaces = -1;
    return v;
}

Vocab::Vocab(const char *model_name, const char *pre_name)
    : v(empty_vocab()), model(model_name), pre(pre_name ? pre_name : "") {}

void Vocab::add(const std::string &token, int32_t type, float score) {
    put_string(&tokens, token);
    types.push_back(type);
    scores.push_back(score);
    v.n_tokens++;
}

void Vocab::add_merge(const std::string &merge) {
    put_string(&merges, merge);
    v.n_merges++;
}

void Vocab::add_byte_tokens() {
    char text[8];
    for (int i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "<0x%02X>", i);
        add(text, LLM_TOKEN_BYTE);
    }
}

const llmi_vocab_desc *Vocab::get() {
    v.model = model.c_str();
    v.pre = pre.empty() ? nullptr : pre.c_str();
    v.tokens = tokens.data();
    v.tokens_bytes = tokens.size();
    v.scores = scores.data();
    v.types = types.data();
    v.merges = merges.empty() ? nullptr : merges.data();
    v.merges_bytes = merges.size();
    v.charsmap = charsmap.empty() ? nullptr : charsmap.data();
    v.charsmap_bytes = charsmap.size();
    return &v;
}

static const void *array_of(const llmi_weights *w, const char *key, int32_t *n = nullptr, size_t *n_bytes = nullptr) {
    llmi_meta_array array{};
    if (llmi_weights_get_array(&array, w, key) != LLM_OK) return nullptr;
    if (n) *n = static_cast<int32_t>(array.n);
    if (n_bytes) *n_bytes = array.n_bytes;
    return array.data;
}

static std::string string_of(const llmi_weights *w, const char *key) {
    llm_span s{};
    return llmi_weights_get_string(&s, w, key) == LLM_OK ? std::string(s.ptr, s.len) : "";
}

static int8_t flag_of(const llmi_weights *w, const char *key) {
    bool value;
    return llmi_weights_get_bool(&value, w, key) == LLM_OK ? value : -1;
}

Tokenizer from_gguf(const std::string &path) {
    static const char *const KEYS[8] = {"bos", "eos", "eot", "unknown", "padding", "seperator", "cls", "mask"};
    llmi_weights *w = nullptr;
    llmi_weights_options options{true, true};
    if (llmi_weights_open(&w, &llmi_default_allocator, path.c_str(), &options) != LLM_OK) {
        ADD_FAILURE() << llm_last_error();
        return nullptr;
    }
    llmi_vocab_desc v = empty_vocab();
    std::string model = string_of(w, "tokenizer.ggml.model"), pre = string_of(w, "tokenizer.ggml.pre");
    v.model = model.c_str();
    v.pre = pre.empty() ? nullptr : pre.c_str();
    v.tokens = array_of(w, "tokenizer.ggml.tokens", &v.n_tokens, &v.tokens_bytes);
    v.scores = static_cast<const float *>(array_of(w, "tokenizer.ggml.scores"));
    v.types = static_cast<const int32_t *>(array_of(w, "tokenizer.ggml.token_type"));
    v.merges = array_of(w, "tokenizer.ggml.merges", &v.n_merges, &v.merges_bytes);
    for (int i = 0; i < 8; i++) {
        int64_t id;
        std::string key = std::string("tokenizer.ggml.") + KEYS[i] + "_token_id";
        if (llmi_weights_get_int(&id, w, key.c_str(), INT32_MIN, INT32_MAX) == LLM_OK)
            v.special[i] = static_cast<llm_token>(id);
    }
    v.add_bos = flag_of(w, "tokenizer.ggml.add_bos_token");
    v.add_eos = flag_of(w, "tokenizer.ggml.add_eos_token");
    v.add_space_prefix = flag_of(w, "tokenizer.ggml.add_space_prefix");
    llm_tokenizer *t = nullptr;
    llm_status status = llmi_tokenizer_from_vocab(&t, &llmi_default_allocator, &v);
    EXPECT_EQ(status, LLM_OK) << path << ": " << llm_last_error();
    if (t)
        llmi_tokenizer_on_free(
            t, [](void *user) { llmi_weights_unref(static_cast<llmi_weights *>(user)); }, w);
    else
        llmi_weights_unref(w);
    return Tokenizer(t);
}

Tokenizer from_vocab(Vocab &vocab) {
    llm_tokenizer *t = nullptr;
    llm_status status = llmi_tokenizer_from_vocab(&t, &llmi_default_allocator, vocab.get());
    EXPECT_EQ(status, LLM_OK) << llm_last_error();
    return Tokenizer(t);
}

bool read_file(std::string *out, const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return false;
    std::ostringstream text;
    text << in.rdbuf();
    *out = text.str();
    return true;
}

Ids encode(const Tokenizer &t, const std::string &text, uint32_t flags) {
    llmi_buf ids;
    llmi_buf_init(&ids, &llmi_default_allocator);
    llm_status status = llmi_tokenizer_encode(&ids, t.get(), text.data(), text.size(), flags);
    EXPECT_EQ(status, LLM_OK) << llm_last_error();
    const auto *begin = reinterpret_cast<const llm_token *>(ids.data);
    Ids out(begin, begin + llmi_buf_count(&ids, llm_token));
    llmi_buf_free(&ids);
    return out;
}

static void decode_to(llmi_buf *bytes, const Tokenizer &t, const llm_token *ids, size_t n, uint32_t flags, bool first) {
    llm_status status = llmi_tokenizer_decode(bytes, t.get(), ids, n, flags, first);
    EXPECT_EQ(status, LLM_OK) << llm_last_error();
}

static std::string take(llmi_buf *bytes) {
    std::string out(bytes->data ? bytes->data : "", bytes->len);
    llmi_buf_free(bytes);
    return out;
}

std::string decode(const Tokenizer &t, const Ids &ids, uint32_t flags) {
    llmi_buf bytes;
    llmi_buf_init(&bytes, &llmi_default_allocator);
    decode_to(&bytes, t, ids.data(), ids.size(), flags, true);
    return take(&bytes);
}

std::string decode_pieces(const Tokenizer &t, const Ids &ids, uint32_t flags) {
    llmi_buf bytes;
    llmi_buf_init(&bytes, &llmi_default_allocator);
    for (size_t i = 0; i < ids.size(); i++) decode_to(&bytes, t, &ids[i], 1, flags, i == 0);
    return take(&bytes);
}

std::string repaired(const std::string &text) {
    llmi_buf bytes;
    llmi_buf_init(&bytes, &llmi_default_allocator);
    EXPECT_EQ(llmi_utf8_repair(&bytes, text.data(), text.size()), LLM_OK);
    return take(&bytes);
}

std::string show(const Ids &ids) {
    std::string out;
    for (llm_token id : ids) out += std::to_string(id) + " ";
    return out;
}

Tokenizer from_json(const std::string &json, const std::string &config) {
    llm_tokenizer *t = nullptr;
    llmi_tokenizer_files files{};
    files.json = {json.data(), json.size()};
    if (!config.empty()) files.config = {config.data(), config.size()};
    llm_status status = llmi_tokenizer_from_json(&t, &llmi_default_allocator, &files);
    EXPECT_EQ(status, LLM_OK) << llm_last_error();
    return Tokenizer(t);
}
