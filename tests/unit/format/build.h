/* GGUF and safetensors files byte by byte, so that each field can lie. */
#ifndef TEST_FORMAT_BUILD_H
#define TEST_FORMAT_BUILD_H

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

template <class T> std::string le(T value) {
    return std::string(reinterpret_cast<const char *>(&value), sizeof value);
}

inline std::string str(const std::string &s) {
    return le<uint64_t>(s.size()) + s;
}

struct Meta {
    std::string key;
    uint32_t type;
    std::string value; /* as encoded */
};

struct Info {
    std::string name;
    std::vector<uint64_t> shape;
    uint32_t dtype;
    uint64_t offset;
    size_t n_bytes; /* what the data section gets for it */
    std::optional<uint32_t> n_dims = {};
};

struct GgufFile {
    std::string magic = "GGUF";
    uint32_t version = 3;
    std::optional<uint64_t> n_tensors, n_metas;
    std::vector<Meta> metas;
    std::vector<Info> infos;
    size_t alignment = 32;
    std::string data; /* tensor data; grows with add() */

    void add(const std::string &name, std::vector<uint64_t> shape, uint32_t dtype, size_t n_bytes) {
        infos.push_back({name, shape, dtype, data.size(), n_bytes});
        for (size_t i = 0; i < n_bytes; i++) data += (char)(name.size() * 31 + i);
        data.resize((data.size() + alignment - 1) / alignment * alignment);
    }
    std::string head() const {
        std::string out =
            magic + le(version) + le(n_tensors.value_or(infos.size())) + le(n_metas.value_or(metas.size()));
        for (auto &m : metas) out += str(m.key) + le(m.type) + m.value;
        return out;
    }
    std::string encode() const {
        std::string out = head();
        for (auto &t : infos) {
            out += str(t.name) + le(t.n_dims.value_or((uint32_t)t.shape.size()));
            for (uint64_t dim : t.shape) out += le(dim);
            out += le(t.dtype) + le(t.offset);
        }
        if (!infos.empty()) out.resize((out.size() + alignment - 1) / alignment * alignment);
        return out + data;
    }
};

inline Meta meta_string(const std::string &key, const std::string &value) {
    return {key, 8, str(value)};
}
inline Meta meta_u32(const std::string &key, uint32_t value) {
    return {key, 4, le(value)};
}
inline Meta meta_array(const std::string &key, uint32_t type, uint64_t n, const std::string &elements) {
    return {key, 9, le(type) + le(n) + elements};
}

/* Three tensors of different types and a few keys. */
inline GgufFile good_gguf() {
    GgufFile g;
    g.metas = {meta_string("general.architecture", "test"), meta_u32("a.u32", 7),
               meta_array("a.names", 8, 2, str("x") + str("yz")), meta_array("a.ids", 5, 3, le(1) + le(-2) + le(3))};
    g.add("f32", {3, 2}, 0, 24);
    g.add("q8", {64, 2}, 8, 136);
    g.add("f16", {5}, 1, 10);
    return g;
}

inline std::string safetensors(const std::string &header, const std::string &data,
                               std::optional<uint64_t> n_header = {}) {
    return le(n_header.value_or(header.size())) + header + data;
}

#endif
