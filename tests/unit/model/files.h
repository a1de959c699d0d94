/* Small model files made by tests: GGUF v3 (docs/gguf.md) and Hugging Face directories. */
#ifndef TEST_MODEL_FILES_H
#define TEST_MODEL_FILES_H

#include <gtest/gtest.h>
#include <llm/tokenizer.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

/* A folder that goes with the object. */
class Folder {
  public:
    Folder() {
        std::string pattern = ::testing::TempDir() + "llm-XXXXXX";
        path = mkdtemp(pattern.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string write(const std::string &name, const std::string &bytes) const {
        std::ofstream(path + "/" + name, std::ios::binary) << bytes;
        return path + "/" + name;
    }
    std::string path;
};

struct Tensor {
    std::vector<int64_t> shape; /* contiguous dimension first */
    std::vector<float> values;
};

/* Values that differ everywhere and stay small. */
inline Tensor made_up(std::vector<int64_t> shape, uint32_t seed, float base = 0, float spread = 0.5f) {
    Tensor t{shape, {}};
    size_t n = 1;
    for (int64_t dim : shape) n *= (size_t)dim;
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        t.values.push_back(base + spread * ((float)(state >> 8) / 8388608.0f - 1.0f));
    }
    return t;
}

inline uint32_t name_seed(const std::string &name) {
    uint32_t h = 2166136261u;
    for (unsigned char c : name) h = (h ^ c) * 16777619u;
    return h;
}

class Gguf {
  public:
    void set_string(const std::string &key, const std::string &value) { keys[key] = bytes<uint32_t>(8) + text(value); }
    void set_int(const std::string &key, int64_t value) { keys[key] = bytes<uint32_t>(11) + bytes(value); }
    void set_float(const std::string &key, float value) { keys[key] = bytes<uint32_t>(6) + bytes(value); }
    void set_bool(const std::string &key, bool value) { keys[key] = bytes<uint32_t>(7) + std::string(1, (char)value); }
    void set_ints(const std::string &key, const std::vector<int32_t> &values) {
        keys[key] = bytes<uint32_t>(9) + bytes<uint32_t>(5) + bytes<uint64_t>(values.size());
        for (int32_t value : values) keys[key] += bytes(value);
    }

    std::string encode() const {
        std::string out = "GGUF" + bytes<uint32_t>(3) + bytes<uint64_t>(tensors.size()) + bytes<uint64_t>(keys.size());
        for (auto &[key, value] : keys) out += text(key) + value;
        uint64_t offset = 0;
        for (auto &[name, t] : tensors) {
            out += text(name) + bytes<uint32_t>((uint32_t)t.shape.size());
            for (int64_t dim : t.shape) out += bytes(dim);
            out += bytes<uint32_t>(0) + bytes(offset);
            offset += padded(t.values.size() * 4);
        }
        out.resize(padded(out.size()));
        for (auto &[name, t] : tensors) {
            out.append(reinterpret_cast<const char *>(t.values.data()), t.values.size() * 4);
            out.resize(padded(out.size()));
        }
        return out;
    }

    std::map<std::string, std::string> keys;
    std::map<std::string, Tensor> tensors;

  private:
    template <class T> static std::string bytes(T value) {
        return std::string(reinterpret_cast<const char *>(&value), sizeof value);
    }
    static std::string text(const std::string &s) { return bytes<uint64_t>(s.size()) + s; }
    static size_t padded(size_t n) { return (n + 31) / 32 * 32; }
};

/* Two layers, width 16, 4 heads that share 2 keys, head size 4, feed-forward 24, 32 tokens. */
inline Gguf tiny_gguf(const std::string &arch = "llama") {
    Gguf g;
    g.set_string("general.architecture", arch);
    g.set_int(arch + ".block_count", 2);
    g.set_int(arch + ".context_length", 64);
    g.set_int(arch + ".embedding_length", 16);
    g.set_int(arch + ".feed_forward_length", 24);
    g.set_int(arch + ".attention.head_count", 4);
    g.set_int(arch + ".attention.head_count_kv", 2);
    g.set_float(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
    auto add = [&](const std::string &name, std::vector<int64_t> shape, float base) {
        g.tensors[name] = made_up(shape, name_seed(name), base);
    };
    add("token_embd.weight", {16, 32}, 0);
    add("output_norm.weight", {16}, 1);
    for (int i = 0; i < 2; i++) {
        std::string blk = "blk." + std::to_string(i) + ".";
        add(blk + "attn_norm.weight", {16}, 1);
        add(blk + "attn_q.weight", {16, 16}, 0);
        add(blk + "attn_k.weight", {16, 8}, 0);
        add(blk + "attn_v.weight", {16, 8}, 0);
        add(blk + "attn_output.weight", {16, 16}, 0);
        add(blk + "ffn_norm.weight", {16}, 1);
        add(blk + "ffn_gate.weight", {16, 24}, 0);
        add(blk + "ffn_up.weight", {16, 24}, 0);
        add(blk + "ffn_down.weight", {24, 16}, 0);
        if (arch == "qwen2") {
            add(blk + "attn_q.bias", {16}, 0);
            add(blk + "attn_k.bias", {8}, 0);
            add(blk + "attn_v.bias", {8}, 0);
        }
        if (arch == "qwen3") {
            add(blk + "attn_q_norm.weight", {4}, 1);
            add(blk + "attn_k_norm.weight", {4}, 1);
        }
    }
    return g;
}

/* tiny_gguf() with a vocabulary of 32 tokens: three special ones, a space, letters, "," and ".". */
inline Gguf tiny_with_text(const std::string &arch = "llama") {
    auto raw = [](auto value) { return std::string(reinterpret_cast<const char *>(&value), sizeof value); };
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "\xE2\x96\x81", ",", "."};
    for (char c = 'a'; c <= 'z'; c++) tokens.push_back(std::string(1, c));
    std::string texts, scores, types;
    for (size_t i = 0; i < tokens.size(); i++) {
        texts += raw(static_cast<uint64_t>(tokens[i].size())) + tokens[i];
        scores += raw(-static_cast<float>(i));
        types += raw(static_cast<int32_t>(i == 0 ? LLM_TOKEN_UNKNOWN : i < 3 ? LLM_TOKEN_CONTROL : LLM_TOKEN_NORMAL));
    }
    Gguf g = tiny_gguf(arch);
    auto array = [&](uint32_t type, const std::string &bytes) {
        return raw(uint32_t{9}) + raw(type) + raw(static_cast<uint64_t>(tokens.size())) + bytes;
    };
    g.set_string("tokenizer.ggml.model", "llama");
    g.keys["tokenizer.ggml.tokens"] = array(8, texts);
    g.keys["tokenizer.ggml.scores"] = array(6, scores);
    g.keys["tokenizer.ggml.token_type"] = array(5, types);
    g.set_int("tokenizer.ggml.bos_token_id", 1);
    g.set_int("tokenizer.ggml.eos_token_id", 2);
    g.set_int("tokenizer.ggml.unknown_token_id", 0);
    return g;
}

/* A value as its file stores it, cut to the bits that BF16 and F16 (normal numbers) have. */
inline std::string stored(float value, const std::string &dtype) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t half = bits << 1 ? (bits >> 16 & 0x8000) | ((bits >> 13 & 0x3ffff) - (112 << 10)) : 0;
    bits = dtype == "F32" ? bits : dtype == "BF16" ? bits >> 16 : half;
    return std::string(reinterpret_cast<const char *>(&bits), dtype == "F32" ? 4 : 2);
}

/* A file of tensors of type F32, BF16 or F16. */
inline std::string safetensors(const std::map<std::string, Tensor> &tensors, const std::string &dtype = "F32") {
    std::string header = "{", data;
    for (auto &[name, t] : tensors) {
        size_t begin = data.size();
        for (float value : t.values) data += stored(value, dtype);
        header += (header.size() > 1 ? ",\"" : "\"") + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[";
        for (size_t i = t.shape.size(); i-- > 0;) header += std::to_string(t.shape[i]) + (i ? "," : "");
        header += "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
    }
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    uint64_t n = header.size();
    return std::string(reinterpret_cast<const char *>(&n), 8) + header + data;
}

#endif
