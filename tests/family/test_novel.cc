// A family that was added to a copy of the tree as one file and one line: what it stores in its own way is what Qwen2
// stores, so that both compute the same, bit for bit.
#include <llm/llm.h>

#include <cmath>

#include "unit/model/counting.h"
#include "unit/model/files.h"

namespace {

const llm_token tokens[] = {1, 5, 9, 30, 2, 2, 17};
constexpr size_t n_tokens = sizeof tokens / sizeof tokens[0];

const char *config = R"({"model_type":"novel","n_layer":2,"n_embd":16,"n_head":4,"n_kv_head":2,"n_inner":24,
    "vocab_size":32,"n_positions":64,"layer_norm_epsilon":1e-5,"activation_function":"silu"})";

using Tensors = std::map<std::string, Tensor>;

/* [rows, cols] to [cols, rows] */
Tensor transposed(const Tensor &t) {
    size_t cols = (size_t)t.shape[0], rows = (size_t)t.shape[1];
    Tensor out{{t.shape[1], t.shape[0]}, std::vector<float>(t.values.size())};
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) out.values[c * rows + r] = t.values[r * cols + c];
    return out;
}

/* Rows below rows; `group` of each in turn, or all. */
Tensor merged(const std::vector<Tensor> &parts, size_t group = 0) {
    Tensor out = parts[0];
    size_t width = out.shape.size() == 1 ? 1 : (size_t)out.shape[0];
    size_t n_rounds = group ? parts[0].values.size() / (width * group) : 1;
    out.values.clear();
    for (size_t round = 0; round < n_rounds; round++)
        for (const Tensor &part : parts) {
            size_t n = part.values.size() / n_rounds;
            auto begin = part.values.begin() + (ptrdiff_t)(round * n);
            out.values.insert(out.values.end(), begin, begin + (ptrdiff_t)n);
        }
    out.shape.back() = (int64_t)(out.values.size() / width);
    return out;
}

/* w - 1, of which w is 1 more exactly: 0.5 <= w <= 1.5 */
Tensor without_one(Tensor t) {
    for (float &value : t.values) value -= 1;
    return t;
}

/* The weights of a Qwen2 under the names, and in the form, of the family. */
Tensors novel_tensors(const Gguf &g, const std::string &body = "transformer.") {
    Tensors out;
    out[body + "wte.weight"] = g.tensors.at("token_embd.weight");
    out[body + "ln_f.weight"] = without_one(g.tensors.at("output_norm.weight"));
    for (int i = 0; i < 2; i++) {
        auto get = [&](const std::string &name) { return g.tensors.at("blk." + std::to_string(i) + "." + name); };
        std::string to = body + "h." + std::to_string(i) + ".";
        out[to + "ln_1.weight"] = without_one(get("attn_norm.weight"));
        out[to + "attn.c_attn.weight"] =
            transposed(merged({get("attn_q.weight"), get("attn_k.weight"), get("attn_v.weight")}));
        out[to + "attn.c_attn.bias"] = merged({get("attn_q.bias"), get("attn_k.bias"), get("attn_v.bias")});
        out[to + "attn.c_proj.weight"] = transposed(get("attn_output.weight"));
        out[to + "ln_2.weight"] = without_one(get("ffn_norm.weight"));
        out[to + "mlp.gate_up.weight"] = merged({get("ffn_gate.weight"), get("ffn_up.weight")}, 4);
        Tensor down = get("ffn_down.weight");
        down.shape = {24, 8, 2};
        out[to + (i ? "mlp.down" : "mlp.down_stack")] = down;
    }
    return out;
}

/* Logits of the last token; empty if the model does not load. */
std::vector<float> logits(const std::string &path, const char *backend = "cpu") {
    llm_model_options options;
    llm_model_options_init(&options);
    options.backend = backend;
    llm_model *m = nullptr;
    llm_engine *e = nullptr;
    llm_sequence *s = nullptr;
    std::vector<float> row(32);
    llm_status status = llm_model_load(&m, nullptr, path.c_str(), &options);
    if (status == LLM_OK) status = llm_engine_create(&e, m, nullptr);
    if (status == LLM_OK) status = llm_sequence_create(&s, e);
    if (status == LLM_OK) status = llm_sequence_eval(s, tokens, n_tokens, row.data(), 1);
    EXPECT_EQ(LLM_OK, status) << llm_last_error();
    llm_sequence_destroy(s);
    llm_engine_destroy(e);
    llm_model_unref(m);
    return row;
}

std::string write(const Folder &folder, const Tensors &tensors, const std::string &text = config) {
    folder.write("config.json", text);
    folder.write("model.safetensors", safetensors(tensors));
    return folder.path;
}

TEST(Novel, ComputesWhatItsWeightsMean) {
    Folder folder;
    Gguf g = tiny_gguf("qwen2");
    std::string plain = folder.write("plain.gguf", g.encode());
    for (const char *backend : {"reference", "cpu"}) {
        std::vector<float> expected = logits(plain, backend);
        EXPECT_TRUE(std::isfinite(expected[0]));
        for (const char *body : {"transformer.", ""})
            EXPECT_EQ(expected, logits(write(folder, novel_tensors(g, body)), backend)) << backend << body;
    }
}

TEST(Novel, IsTheSameAsGguf) {
    Folder folder;
    std::string path = write(folder, novel_tensors(tiny_gguf("qwen2"))), out = folder.path + "/out.gguf";
    ASSERT_EQ(LLM_OK, llm_quantize(nullptr, path.c_str(), out.c_str(), LLM_DTYPE_F32, nullptr)) << llm_last_error();
    EXPECT_EQ(logits(path), logits(out));
    llm_model *m = nullptr;
    ASSERT_EQ(LLM_OK, llm_model_load(&m, nullptr, out.c_str(), nullptr)) << llm_last_error();
    llm_model_info info = {};
    info.struct_size = sizeof info;
    ASSERT_EQ(LLM_OK, llm_model_get_info(&info, m));
    EXPECT_STREQ("novel", info.arch);
    EXPECT_EQ(4, info.n_heads);
    EXPECT_EQ(24, info.n_ff);
    EXPECT_EQ(1 + 1 + 2 * 8, info.n_tensors)
        << "merged weights are written once, those that GGUF holds apart one by one";
    llm_span value;
    EXPECT_EQ(LLM_OK, llm_model_find_meta(&value, m, "novel.feed_forward_length"));
    EXPECT_EQ("24", std::string(value.ptr, value.len));
    llm_model_unref(m);
}

TEST(Novel, RefusesWhatDoesNotFit) {
    Tensors good = novel_tensors(tiny_gguf("qwen2"));
    struct {
        const char *name;
        Tensor tensor;
        const char *text;
    } rows[] = {
        {"transformer.h.0.attn.c_attn.weight", made_up({16, 32}, 1), "[16, 32, 1, 1], expected [32, 16]"},
        {"transformer.h.1.attn.c_attn.bias", made_up({31}, 1), "[31, 1, 1, 1], expected [32, 1]"},
        {"transformer.h.1.mlp.gate_up.weight", made_up({16, 24}, 1), "[16, 24, 1, 1], expected [16, 48]"},
        {"transformer.h.1.mlp.down", made_up({24, 16}, 1), "[24, 16, 1, 1], expected [24, 8, 2]"},
        {"transformer.h.1.attn.bias", made_up({16}, 1), "family novel does not compute with it"},
        {"transformer.wpe.weight", made_up({16, 64}, 1), "family novel does not compute with it"},
    };
    for (auto &row : rows) {
        Folder folder;
        Tensors tensors = good;
        tensors[row.name] = row.tensor;
        llm_model *m = nullptr;
        EXPECT_NE(LLM_OK, llm_model_load(&m, nullptr, write(folder, tensors).c_str(), nullptr)) << row.name;
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.name)) << llm_last_error();
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.text)) << llm_last_error();
    }
    Folder folder;
    std::string text = std::string(config).replace(std::string(config).find("\"silu\""), 6, "\"gelu\"");
    llm_model *m = nullptr;
    EXPECT_EQ(LLM_E_UNSUPPORTED, llm_model_load(&m, nullptr, write(folder, good, text).c_str(), nullptr));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "activation_function is \"gelu\"")) << llm_last_error();
    text = std::string(config).replace(std::string(config).find("\"n_inner\":24"), 12, "\"n_inner\":22");
    EXPECT_EQ(LLM_E_FORMAT, llm_model_load(&m, nullptr, write(folder, good, text).c_str(), nullptr));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "22 rows are not made of rows 0..3 of every 8")) << llm_last_error();
}

TEST(Novel, EveryAllocationMayFail) {
    Folder folder;
    std::string path = write(folder, novel_tensors(tiny_gguf("qwen2"))), out = folder.path + "/out.gguf";
    for (bool quantize : {false, true})
        for (int fail_at = 0;; fail_at++) {
            ASSERT_LT(fail_at, 3000);
            Counting counting;
            counting.fail_at = fail_at;
            llm_runtime_options options;
            llm_runtime_options_init(&options);
            options.allocator = &counting.allocator;
            llm_runtime *rt = nullptr;
            llm_model *m = nullptr;
            llm_status status = llm_runtime_create(&rt, &options);
            if (status == LLM_OK && quantize)
                status = llm_quantize(rt, path.c_str(), out.c_str(), LLM_DTYPE_F16, nullptr);
            if (status == LLM_OK && !quantize) status = llm_model_load(&m, rt, path.c_str(), nullptr);
            llm_model_unref(m);
            llm_runtime_unref(rt);
            EXPECT_EQ(0, counting.alive) << "allocation " << fail_at;
            if (status == LLM_OK && counting.n <= fail_at) break;
            EXPECT_EQ(LLM_E_MEMORY, status) << "allocation " << fail_at << ": " << llm_last_error();
        }
}

} // namespace
