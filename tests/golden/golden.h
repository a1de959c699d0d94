/* The golden models of data/: tiny random models with what Hugging Face transformers computes from them. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "rounding.h"

namespace golden {

inline const std::filesystem::path &folder() {
    static const std::filesystem::path at = std::filesystem::path(LLM_SOURCE_DIR) / "tests/golden/data";
    return at;
}

/* expected.bin, as make_models.py writes it. */
struct Expected {
    std::vector<int32_t> tokens;
    std::vector<float> logits; /* [n_tokens, n_vocab] */
    std::vector<float> hidden; /* [n_hidden, n_embd], of the last n_hidden tokens */
    bool complete;

    explicit Expected(const std::filesystem::path &path) {
        std::ifstream in(path, std::ios::binary);
        std::vector<int32_t> head(4);
        take(in, head);
        tokens.resize((size_t)head[0]);
        logits.resize((size_t)head[0] * (size_t)head[1]);
        hidden.resize((size_t)head[2] * (size_t)head[3]);
        take(in, tokens);
        take(in, logits);
        take(in, hidden);
        complete = in.good();
    }

  private:
    template <class T> static void take(std::ifstream &in, std::vector<T> &out) {
        in.read(reinterpret_cast<char *>(out.data()), (std::streamsize)(out.size() * sizeof(T)));
    }
};

/* How the matrices are stored decides what a back end may round. */
enum Storage { F32, F16, BF16, QUANTIZED };

/* One way to load one model. */
struct File {
    std::string name;
    std::filesystem::path path, expected;
    Storage storage;
};

inline void PrintTo(const File &file, std::ostream *out) {
    *out << file.path;
}

inline std::vector<File> files() {
    std::vector<File> all;
    for (const auto &entry : std::filesystem::directory_iterator(folder())) {
        const std::filesystem::path dir = entry.path();
        std::string name = dir.filename().string();
        auto has = [&](const char *text) { return name.find(text) != std::string::npos; };
        Storage storage = has("-bf16") ? BF16 : has("-f16") ? F16 : F32;
        std::replace(name.begin(), name.end(), '-', '_');
        if (std::filesystem::exists(dir / "config.json"))
            all.push_back({name + "_safetensors", dir, dir / "expected.bin", storage});
        for (const char *gguf : {"model.gguf", "model-00001-of-00003.gguf"})
            if (std::filesystem::exists(dir / gguf))
                all.push_back({name + "_gguf", dir / gguf, dir / "expected.bin", storage});
    }
    for (const auto &entry : std::filesystem::directory_iterator(folder() / "quants"))
        if (entry.path().extension() == ".gguf") {
            std::filesystem::path expected = entry.path();
            expected.replace_extension(".bin");
            all.push_back({entry.path().stem().string() + "_gguf", entry.path(), expected, QUANTIZED});
        }
    std::sort(all.begin(), all.end(), [](const File &a, const File &b) { return a.name < b.name; });
    return all;
}

/* Largest difference; infinite if one is not finite. */
inline double largest_gap(const float *a, const float *b, size_t n) {
    double gap = 0;
    for (size_t i = 0; i < n; i++) gap = std::max(gap, std::isfinite(a[i]) ? std::fabs((double)a[i] - b[i]) : INFINITY);
    return gap;
}

} // namespace golden

#endif
