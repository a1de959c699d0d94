/* Tiny models of any family, made from its rows: a family that is added is tested without a line of its own. */
#ifndef TEST_FAMILY_FAMILIES_H
#define TEST_FAMILY_FAMILIES_H

#include "unit/model/files.h"

extern "C" {
#include "base/alloc.h"
#include "model/arch.h"
}

/* Hyper-parameters by their GGUF keys: two layers, width 32, 4 heads of 8 that share 2 keys. */
inline const std::map<std::string, std::string> &tiny_values() {
    static const std::map<std::string, std::string> values = {
        {"block_count", "2"},
        {"context_length", "64"},
        {"embedding_length", "32"},
        {"vocab_size", "32"},
        {"feed_forward_length", "64"},
        {"attention.head_count", "4"},
        {"attention.head_count_kv", "2"},
        {"attention.key_length", "8"},
        {"attention.layer_norm_rms_epsilon", "1e-5"},
        {"attention.layer_norm_epsilon", "1e-5"},
    };
    return values;
}

/* What a row stands for, as GGUF calls it: its own key, or that of another row of the same member. */
inline std::string gguf_key(const llmi_arch *arch, const llmi_hparam_row &row) {
    if (row.gguf) return std::string(row.gguf).substr(0, strcspn(row.gguf, "|"));
    for (int32_t i = 0; i < arch->n_hparams; i++) {
        const llmi_hparam_row &other = arch->hparams[i];
        if (other.gguf && other.offset == row.offset && !(other.flags & LLMI_HPARAM_REFUSE)) return other.gguf;
    }
    return "";
}

/* A config.json with a value for each row that tiny_values() knows, and all weights that some models have. */
inline std::string tiny_config(const llmi_arch *arch) {
    std::map<std::string, std::string> members = {{"tie_word_embeddings", "true"}};
    members["model_type"] = "\"" + std::string(arch->hf_names[0]) + "\"";
    for (int32_t i = 0; i < arch->n_hparams; i++) {
        const llmi_hparam_row &row = arch->hparams[i];
        if (!row.hf || row.flags & LLMI_HPARAM_REFUSE) continue;
        std::string name = std::string(row.hf).substr(0, strcspn(row.hf, "|"));
        auto value = tiny_values().find(gguf_key(arch, row));
        if (value != tiny_values().end())
            members[name] = value->second;
        else
            EXPECT_FALSE(std::isnan(row.fallback)) << "tiny_values() has none for " << name << " of " << arch->name;
    }
    for (int32_t i = 0; i < arch->n_weights; i++)
        if (arch->weights[i].only_if) members[arch->weights[i].only_if] = "true";
    std::string out = "{";
    for (auto &[key, value] : members) out += (out.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
    return out + "}";
}

/* The tensor of a row in a Hugging Face's file. */
inline Tensor tiny_tensor(const llmi_weight_row &row, const void *hparams, const std::string &name) {
    auto dim = [&](llmi_dim d) { return llmi_rows_dim(hparams, d); };
    bool vector = !row.rows.at;
    int64_t width = vector ? 1 : dim(row.cols), count = dim(row.count);
    int64_t lines = vector ? dim(row.cols) : dim(row.rows) * count;
    if (row.slice.period.at) lines = lines / dim(row.slice.n) * dim(row.slice.period);
    std::vector<int64_t> shape = {width, lines};
    if (row.flags & LLMI_TRANSPOSED) shape = {lines, width};
    if (count > 1) shape = {width, lines / count, count};
    if (vector) shape = {lines};
    bool is_norm = vector && name.find("bias") == std::string::npos && !(row.flags & LLMI_PLUS_ONE);
    return made_up(shape, name_seed(name), is_norm ? 1 : 0);
}

/* All that the family binds; its head is the embedding. */
inline std::map<std::string, Tensor> tiny_tensors(const llmi_arch *arch, const void *hparams) {
    std::map<std::string, Tensor> out;
    int32_t n_layers = static_cast<const llmi_hparams *>(hparams)->n_layers;
    for (int32_t i = 0; i < arch->n_weights; i++) {
        const llmi_weight_row &row = arch->weights[i];
        if (row.role == LLMI_ROLE_HEAD) continue;
        for (int32_t layer = 0; layer < (row.role == LLMI_ROLE_LAYER ? n_layers : 1); layer++) {
            llmi_row_name name;
            if (llmi_rows_name(name, arch, &row, LLMI_FORMAT_SAFETENSORS, layer))
                out[name] = tiny_tensor(row, hparams, name);
        }
    }
    return out;
}

/* A Hugging Face directory. */
struct TinyFamily {
    Folder folder;
    std::map<std::string, Tensor> tensors;

    explicit TinyFamily(const llmi_arch *arch) {
        std::vector<char> hparams(arch->hparams_bytes);
        llmi_weights_options how = {true, true};
        llmi_weights *w = nullptr;
        folder.write("config.json", tiny_config(arch));
        EXPECT_EQ(LLM_OK, llmi_weights_open(&w, &llmi_default_allocator, folder.path.c_str(), &how));
        llm_status status = llmi_hparams_read(hparams.data(), arch, w);
        llmi_weights_unref(w);
        EXPECT_EQ(LLM_OK, status) << llm_last_error();
        reinterpret_cast<llmi_hparams *>(hparams.data())->n_vocab = 32; /* of which the embedding is the word */
        if (status == LLM_OK) tensors = tiny_tensors(arch, hparams.data());
        write();
    }
    void write() const { folder.write("model.safetensors", safetensors(tensors)); }
};

#endif
