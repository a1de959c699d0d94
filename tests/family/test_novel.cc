// A family that was added to a copy of the tree as one file and one line: what it stores in its own way is what Qwen2
// stores, so that both compute the same, bit for bit.
#include <llm/llm.h>

#include <cmath>

#include "counting.h"
#include "family/families.h"

namespace {

const llm_token tokens[] = {1, 5, 9, 30, 2, 2, 17};
constexpr size_t n_tokens = sizeof tokens / sizeof tokens[0];

const char *config = R"({"model_type":"novel","n_layer":2,"n_embd":32,"n_head":4,"n_kv_head":2,"n_inner":64,
    "vocab_size":32,"n_positions":64,"layer_norm_epsilon":1e-5,"activation_function":"silu",
    "architectures":["NovelLMHeadModel"]})";

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

/* A Qwen2 whose values any floating type holds. */
struct Plain : TinyFamily {
    Plain() : TinyFamily(llmi_arch_find(LLMI_FORMAT_SAFETENSORS, "qwen2", 5)) {
        for (auto &[name, t] : tensors)
            for (float &value : t.values) value = std::round(value * 64) / 64;
        write();
    }
};

/* Its weights under the names, and in the form, of the family. */
Tensors novel_tensors(const Tensors &plain, const std::string &body = "transformer.") {
    Tensors out;
    out[body + "wte.weight"] = plain.at("model.embed_tokens.weight");
    out[body + "ln_f.weight"] = without_one(plain.at("model.norm.weight"));
    for (int i = 0; i < 2; i++) {
        std::string from = "model.layers." + std::to_string(i) + ".", to = body + "h." + std::to_string(i) + ".";
        auto get = [&](const std::string &name) { return plain.at(from + name); };
        auto qkv = [&](const std::string &end) {
            return merged(
                {get("self_attn.q_proj." + end), get("self_attn.k_proj." + end), get("self_attn.v_proj." + end)});
        };
        out[to + "ln_1.weight"] = without_one(get("input_layernorm.weight"));
        out[to + "attn.c_attn.weight"] = transposed(qkv("weight"));
        out[to + "attn.c_attn.bias"] = qkv("bias");
        out[to + "attn.bias"] = made_up({8, 8}, 1); /* a mask */
        out[to + "attn.c_proj.weight"] = transposed(get("self_attn.o_proj.weight"));
        out[to + "ln_2.weight"] = without_one(get("post_attention_layernorm.weight"));
        out[to + "mlp.gate_up.weight"] = merged({get("mlp.gate_proj.weight"), get("mlp.up_proj.weight")}, 4);
        Tensor down = get("mlp.down_proj.weight");
        down.shape = {64, 16, 2};
        out[to + (i ? "mlp.down" : "mlp.down_stack")] = down;
    }
    return out;
}

/* Logits of the last token; empty if the model does not load. */
std::vector<float> logits(const std::string &path, const char *backend = "cpu") {
    llm_model_options options;
    llm_model_options_init(&options);
    options.backend = backend;
    llm_engine_options engine;
    llm_engine_options_init(&engine);
    engine.kv_dtype = LLM_DTYPE_F32; /* also for models that are not stored in F32 */
    llm_model *m = nullptr;
    llm_engine *e = nullptr;
    llm_sequence *s = nullptr;
    std::vector<float> row(32);
    llm_status status = llm_model_load(&m, nullptr, path.c_str(), &options);
    if (status == LLM_OK) status = llm_engine_create(&e, m, &engine);
    if (status == LLM_OK) status = llm_sequence_create(&s, e);
    if (status == LLM_OK) status = llm_sequence_eval(s, tokens, n_tokens, row.data(), 1);
    EXPECT_EQ(LLM_OK, status) << llm_last_error();
    llm_sequence_destroy(s);
    llm_engine_destroy(e);
    llm_model_unref(m);
    return row;
}

std::string write(const Folder &folder, const Tensors &tensors, const std::string &text = config,
                  const std::string &dtype = "F32") {
    folder.write("config.json", text);
    folder.write("model.safetensors", safetensors(tensors, dtype));
    return folder.path;
}

TEST(Novel, ComputesWhatItsWeightsMean) {
    Folder folder;
    Plain plain;
    for (const char *backend : {"reference", "cpu"}) {
        std::vector<float> expected = logits(plain.folder.path, backend);
        EXPECT_TRUE(std::isfinite(expected[0]));
        for (const char *body : {"transformer.", ""})
            EXPECT_EQ(expected, logits(write(folder, novel_tensors(plain.tensors, body)), backend)) << backend << body;
    }
    std::vector<float> expected = logits(plain.folder.path, "reference");
    for (const char *dtype : {"BF16", "F16"})
        EXPECT_EQ(expected, logits(write(folder, novel_tensors(plain.tensors), config, dtype), "reference")) << dtype;
}

/* Of types in blocks as well: a slice of rows begins between blocks. */
TEST(Novel, IsTheSameAsGguf) {
    Folder folder;
    Plain plain;
    std::string path = write(folder, novel_tensors(plain.tensors)), out = folder.path + "/out.gguf";
    std::string plain_out = folder.path + "/plain.gguf";
    for (llm_dtype dtype : {LLM_DTYPE_F32, LLM_DTYPE_BF16, LLM_DTYPE_Q8_0, LLM_DTYPE_Q4_0}) {
        ASSERT_EQ(LLM_OK, llm_quantize(nullptr, path.c_str(), out.c_str(), dtype, nullptr)) << llm_last_error();
        ASSERT_EQ(LLM_OK, llm_quantize(nullptr, plain.folder.path.c_str(), plain_out.c_str(), dtype, nullptr));
        EXPECT_EQ(logits(plain_out, "reference"), logits(out, "reference")) << llm_dtype_name(dtype);
    }
    llm_model *m = nullptr;
    ASSERT_EQ(LLM_OK, llm_model_load(&m, nullptr, out.c_str(), nullptr)) << llm_last_error();
    llm_model_info info = {};
    info.struct_size = sizeof info;
    ASSERT_EQ(LLM_OK, llm_model_get_info(&info, m));
    EXPECT_STREQ("novel", info.arch);
    EXPECT_EQ(4, info.n_heads);
    EXPECT_EQ(64, info.n_ff);
    EXPECT_EQ(1 + 1 + 2 * 8, info.n_tensors) << "merged weights once, those that GGUF holds apart one by one";
    llm_span value;
    EXPECT_EQ(LLM_OK, llm_model_find_meta(&value, m, "novel.feed_forward_length"));
    EXPECT_EQ("64", std::string(value.ptr, value.len));
    llm_model_unref(m);
}

TEST(Novel, RefusesWhatDoesNotFit) {
    Tensors good = novel_tensors(Plain().tensors);
    struct {
        const char *name;
        Tensor tensor;
        const char *text;
    } rows[] = {
        {"transformer.h.0.attn.c_attn.weight", made_up({32, 64}, 1), "[32, 64, 1, 1], expected [64, 32]"},
        {"transformer.h.1.attn.c_attn.bias", made_up({63}, 1), "[63, 1, 1, 1], expected [64, 1]"},
        {"transformer.h.1.mlp.gate_up.weight", made_up({32, 64}, 1), "[32, 64, 1, 1], expected [32, 128]"},
        {"transformer.h.1.mlp.down", made_up({64, 32}, 1), "[64, 32, 1, 1], expected [64, 16, 2]"},
        {"transformer.h.1.attn.sinks", made_up({32}, 1), "family novel does not compute with it"},
        {"transformer.wpe.weight", made_up({32, 64}, 1), "family novel does not compute with it"},
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
    text = std::string(config).replace(std::string(config).find("\"n_inner\":64"), 12, "\"n_inner\":62");
    EXPECT_EQ(LLM_E_FORMAT, llm_model_load(&m, nullptr, write(folder, good, text).c_str(), nullptr));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "62 rows are not made of rows 0..3 of every 8")) << llm_last_error();
}

TEST(Novel, EveryAllocationMayFail) {
    Folder folder;
    std::string path = write(folder, novel_tensors(Plain().tensors)), out = folder.path + "/out.gguf";
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
