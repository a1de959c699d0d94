#include <cmath>
#include <functional>

#include "counting.h"
#include "unit/model/files.h"
#include "unit/model/runner.h"

extern "C" {
#include "model/decoder.h"
}

namespace {

class Load : public ::testing::Test {
  protected:
    void SetUp() override { rt = runtime_with_plugins(); }
    void TearDown() override {
        llmi_model_unref(m);
        llm_runtime_unref(rt);
    }
    llm_status load_gguf(const Gguf &g) {
        llmi_model_unref(m);
        return load(&m, rt, folder.write("m.gguf", g.encode()), "tiny");
    }
    const llmi_decoder_layer &layer(int i) { return static_cast<llmi_decoder_layer *>(m->layers)[i]; }
    Folder folder;
    llm_runtime *rt = nullptr;
    llm_model *m = nullptr;
};

TEST_F(Load, TiedHeadIsTheEmbedding) {
    ASSERT_EQ(LLM_OK, load_gguf(tiny_gguf())) << llm_last_error();
    EXPECT_EQ(m->embed, m->output);
    EXPECT_EQ(32, m->hp.n_vocab);
    EXPECT_STREQ("tiny", m->backend);
    EXPECT_STREQ("llama", m->arch->name);
    EXPECT_EQ(20, m->n_owned);
}

TEST_F(Load, UntiedHeadIsItsOwn) {
    Gguf g = tiny_gguf();
    g.tensors["output.weight"] = made_up({16, 32}, 1);
    ASSERT_EQ(LLM_OK, load_gguf(g)) << llm_last_error();
    EXPECT_NE(m->embed, m->output);
}

TEST_F(Load, OptionalBiasesAreBound) {
    Gguf g = tiny_gguf();
    g.tensors["blk.1.attn_q.bias"] = made_up({16}, 2);
    ASSERT_EQ(LLM_OK, load_gguf(g)) << llm_last_error();
    EXPECT_EQ(nullptr, layer(0).attn.bq);
    EXPECT_NE(nullptr, layer(1).attn.bq);
}

TEST_F(Load, EachFamilyLoads) {
    for (const char *arch : {"llama", "qwen2", "qwen3"}) {
        ASSERT_EQ(LLM_OK, load_gguf(tiny_gguf(arch))) << llm_last_error();
        EXPECT_STREQ(arch, m->arch->name);
    }
}

TEST_F(Load, BindingFaultsNameTheTensor) {
    struct {
        const char *arch;
        std::function<void(Gguf &)> edit;
        llm_status status;
        const char *text;
    } rows[] = {
        {"llama", [](Gguf &g) { g.tensors.erase("token_embd.weight"); }, LLM_E_FORMAT,
         "\"token_embd.weight\" is missing"},
        {"llama", [](Gguf &g) { g.tensors.erase("blk.1.ffn_up.weight"); }, LLM_E_FORMAT,
         "\"blk.1.ffn_up.weight\" is missing"},
        {"qwen2", [](Gguf &g) { g.tensors.erase("blk.0.attn_k.bias"); }, LLM_E_FORMAT,
         "\"blk.0.attn_k.bias\" is missing"},
        {"qwen3", [](Gguf &g) { g.tensors.erase("blk.1.attn_k_norm.weight"); }, LLM_E_FORMAT,
         "\"blk.1.attn_k_norm.weight\" is missing"},
        {"llama",
         [](Gguf &g) {
             g.tensors["blk.0.attn_q.weight"] = made_up({16, 8}, 1);
         },
         LLM_E_FORMAT, "\"blk.0.attn_q.weight\" has shape [16, 8, 1, 1], expected [16, 16]"},
        {"llama",
         [](Gguf &g) {
             g.tensors["blk.0.ffn_down.weight"] = made_up({16, 24}, 1);
         },
         LLM_E_FORMAT, "\"blk.0.ffn_down.weight\" has shape [16, 24, 1, 1], expected [24, 16]"},
        {"llama", [](Gguf &g) { g.tensors["output_norm.weight"] = made_up({15}, 1); }, LLM_E_FORMAT,
         "\"output_norm.weight\" has shape [15, 1, 1, 1], expected [16, 1]"},
        {"llama",
         [](Gguf &g) {
             g.tensors["blk.0.attn_v.weight"] = made_up({16, 4, 2}, 1);
         },
         LLM_E_FORMAT, "\"blk.0.attn_v.weight\" has shape [16, 4, 2, 1], expected [16, 8]"},
        {"llama",
         [](Gguf &g) {
             g.tensors["output.weight"] = made_up({16, 33}, 1);
         },
         LLM_E_FORMAT, "\"output.weight\" has shape [16, 33, 1, 1], expected [16, 32]"},
        {"llama", [](Gguf &g) { g.set_int("llama.block_count", 3); }, LLM_E_FORMAT,
         "\"blk.2.attn_norm.weight\" is missing"},
        {"llama", [](Gguf &g) { g.tensors["rope_freqs.weight"] = made_up({3}, 1, 2); }, LLM_E_FORMAT,
         "\"rope_freqs.weight\""},
        {"llama",
         [](Gguf &g) {
             g.tensors["rope_freqs.weight"] = Tensor{{2}, {1, 0}};
         },
         LLM_E_FORMAT, "element 1 is 0, expected above 0"},
    };
    for (auto &row : rows) {
        Gguf g = tiny_gguf(row.arch);
        row.edit(g);
        EXPECT_EQ(row.status, load_gguf(g)) << row.text;
        EXPECT_EQ(nullptr, m);
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.text)) << llm_last_error();
        EXPECT_NE(nullptr, strstr(llm_last_error(), "m.gguf")) << llm_last_error();
    }
}

TEST_F(Load, RopeFactorsReachTheFrequencies) {
    Gguf g = tiny_gguf();
    g.tensors["rope_freqs.weight"] = Tensor{{2}, {1, 4}};
    ASSERT_EQ(LLM_OK, load_gguf(g)) << llm_last_error();
    const float *inv_freq = static_cast<llmi_decoder_model *>(m->family)->rope.inv_freq;
    EXPECT_FLOAT_EQ(1.0f, inv_freq[0]);
    EXPECT_FLOAT_EQ(0.01f / 4, inv_freq[1]);
}

TEST_F(Load, FeedForwardBiasesAreBound) {
    Gguf g = tiny_gguf();
    g.tensors["blk.1.ffn_down.bias"] = made_up({16}, 2);
    g.tensors["blk.1.ffn_gate.bias"] = made_up({24}, 3);
    ASSERT_EQ(LLM_OK, load_gguf(g)) << llm_last_error();
    EXPECT_EQ(nullptr, layer(0).ffn.down_bias);
    EXPECT_NE(nullptr, layer(1).ffn.down_bias);
    EXPECT_NE(nullptr, layer(1).ffn.gate_bias);
    EXPECT_EQ(nullptr, layer(1).ffn.up_bias);
}

/* A runtime that collects its warnings. */
class Warned : public Load {
  protected:
    void SetUp() override {
        llm_runtime_options o = llmi_runtime_defaults;
        o.plugin_dir = LLM_PLUGIN_DIR;
        o.log_user = &lines;
        o.log = [](void *user, int32_t level, const char *text) {
            if (level == LLM_LOG_WARNING) static_cast<std::vector<std::string> *>(user)->push_back(text);
        };
        ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, &o));
    }
    /* The model loads, with one warning that contains `text`; or with none. */
    void expect_warning(const std::string &path, const char *text) {
        lines.clear();
        llmi_model_unref(m);
        ASSERT_EQ(LLM_OK, load(&m, rt, path, "tiny")) << llm_last_error();
        ASSERT_EQ(text ? 1u : 0u, lines.size()) << (lines.empty() ? text : lines[0]);
        if (!text) return;
        EXPECT_NE(std::string::npos, lines[0].find(text)) << lines[0];
    }
    std::vector<std::string> lines;
};

TEST_F(Warned, WeightsThatChangeNothingAreSkipped) {
    Gguf g = tiny_gguf();
    expect_warning(folder.write("m.gguf", g.encode()), nullptr);
    g.tensors["blk.0.attn_rot_embd"] = made_up({2}, 1);
    expect_warning(folder.write("m.gguf", g.encode()), nullptr);
    for (const char *name : {"blk.2.attn_q.weight", "v.blk.0.attn_q.weight", "mm.0.weight"}) {
        Gguf more = g;
        more.tensors[name] = made_up({16, 16}, 1);
        expect_warning(folder.write("m.gguf", more.encode()), name);
    }
}

TEST_F(Warned, WeightsOfComputedLayersThatNothingReadsAreRefused) {
    for (const char *arch : {"llama", "qwen2", "qwen3"}) {
        Gguf g = tiny_gguf(arch);
        for (const char *name : {"blk.0.attn_sub_norm.weight", "blk.1.post_ffw_norm.weight", "blk.0.ffn_norm.bias",
                                 "token_embd_norm.weight", "output.bias", "output_norm.bias", "cls.output.weight"}) {
            Gguf more = g;
            more.tensors[name] = made_up({16}, 1);
            EXPECT_EQ(LLM_E_UNSUPPORTED, load_gguf(more)) << arch << name;
            EXPECT_NE(nullptr, strstr(llm_last_error(), name)) << llm_last_error();
        }
    }
    Gguf g = tiny_gguf("qwen2");
    g.tensors["blk.0.ffn_up.bias"] = made_up({24}, 1);
    EXPECT_EQ(LLM_E_UNSUPPORTED, load_gguf(g));
}

TEST_F(Load, CheckTensorsFindsWhatIsNotFinite) {
    Gguf g = tiny_gguf();
    g.tensors["blk.1.ffn_gate.weight"].values[37] = std::nanf("");
    EXPECT_EQ(LLM_OK, load_gguf(g)) << "not looked at unless asked for";
    llmi_model_unref(m);
    llm_model_options o = llmi_model_defaults;
    o.backend = "tiny";
    o.check_tensors = 1;
    EXPECT_EQ(LLM_E_FORMAT, llmi_model_load(&m, rt, (folder.path + "/m.gguf").c_str(), &o));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "\"blk.1.ffn_gate.weight\": element 37 is nan")) << llm_last_error();
}

TEST_F(Load, ProgressRisesAndEndsAtOne) {
    std::string path = folder.write("m.gguf", tiny_gguf().encode());
    std::vector<double> seen;
    llm_model_options o = llmi_model_defaults;
    o.backend = "tiny";
    o.progress_user = &seen;
    o.progress = [](void *user, double done) {
        static_cast<std::vector<double> *>(user)->push_back(done);
        return 0;
    };
    ASSERT_EQ(LLM_OK, llmi_model_load(&m, rt, path.c_str(), &o)) << llm_last_error();
    ASSERT_GE(seen.size(), 3u);
    EXPECT_EQ(0.0, seen.front());
    EXPECT_EQ(1.0, seen.back());
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(Load, ProgressMayStopItAtAnyPoint) {
    std::string path = folder.write("m.gguf", tiny_gguf().encode());
    for (int stop_at = 0; stop_at < 4; stop_at++) {
        int left = stop_at;
        llm_model_options o = llmi_model_defaults;
        o.backend = "tiny";
        o.progress_user = &left;
        o.progress = [](void *user, double) { return (*static_cast<int *>(user))-- > 0 ? 1 : -1; };
        EXPECT_EQ(LLM_E_CALLBACK, llmi_model_load(&m, rt, path.c_str(), &o)) << stop_at;
        EXPECT_EQ(nullptr, m);
    }
}

TEST_F(Load, TokenizerOnlyNeedsNoFamilyAndNoDevice) {
    Gguf g;
    g.set_string("general.architecture", "rwkv9");
    std::string path = folder.write("vocab.gguf", g.encode());
    llm_model_options o = llmi_model_defaults;
    o.tokenizer_only = 1;
    o.backend = "nothing-of-the-kind";
    ASSERT_EQ(LLM_OK, llmi_model_load(&m, rt, path.c_str(), &o)) << llm_last_error();
    EXPECT_EQ(nullptr, m->arch);
    EXPECT_EQ(nullptr, m->device);
}

TEST_F(Load, UnknownBackEndIsSaid) {
    std::string path = folder.write("m.gguf", tiny_gguf().encode());
    EXPECT_EQ(LLM_E_NOT_FOUND, load(&m, rt, path, "abacus"));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "abacus")) << llm_last_error();
}

TEST_F(Load, OptionsOfAnotherSizeAreRefused) {
    llm_model_options o = {};
    EXPECT_EQ(LLM_E_ARGUMENT, llmi_model_load(&m, rt, "x", &o));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "llm_model_options_init()")) << llm_last_error();
}

TEST_F(Load, EveryAllocationMayFail) {
    std::string path = folder.write("m.gguf", tiny_gguf("qwen3").encode());
    for (bool mapped : {true, false}) {
        for (int fail_at = 0;; fail_at++) {
            ASSERT_LT(fail_at, 2000);
            Counting counting;
            counting.fail_at = fail_at;
            llm_runtime_options ro = llmi_runtime_defaults;
            ro.allocator = &counting.allocator;
            ro.plugin_dir = LLM_PLUGIN_DIR;
            llm_model_options o = llmi_model_defaults;
            o.backend = "tiny";
            o.use_mmap = mapped;
            llm_runtime *failing = nullptr;
            llm_model *loaded = nullptr;
            llm_status status = llm_runtime_create(&failing, &ro);
            if (status == LLM_OK) status = llmi_model_load(&loaded, failing, path.c_str(), &o);
            llmi_model_unref(loaded);
            llm_runtime_unref(failing);
            EXPECT_EQ(0, counting.alive) << "allocation " << fail_at;
            if (status == LLM_OK && counting.n <= fail_at) break;
            EXPECT_EQ(LLM_E_MEMORY, status) << "allocation " << fail_at << ": " << llm_last_error();
        }
    }
}

/* ---- Hugging Face directories ---- */

/* The tensors of a GGUF file under their other names. */
std::map<std::string, Tensor> renamed(const Gguf &g, const llmi_arch *arch, const std::string &drop) {
    std::map<std::string, Tensor> out;
    for (auto &[name, t] : g.tensors)
        for (int32_t i = 0; i < arch->n_weights; i++)
            for (int layer = 0; layer < 2; layer++) {
                llmi_row_name gguf, hf_name;
                llmi_rows_name(gguf, arch, &arch->weights[i], LLMI_FORMAT_GGUF, layer);
                llmi_rows_name(hf_name, arch, &arch->weights[i], LLMI_FORMAT_SAFETENSORS, layer);
                if (gguf != name) continue;
                std::string hf = hf_name;
                out[hf.rfind(drop, 0) == 0 ? hf.substr(drop.size()) : hf] = t;
            }
    return out;
}

const char *qwen3_config = R"({"model_type":"qwen3","hidden_size":16,"num_hidden_layers":2,"intermediate_size":24,
    "num_attention_heads":4,"num_key_value_heads":2,"head_dim":4,"vocab_size":32,"hidden_act":"silu",
    "rms_norm_eps":1e-5,"tie_word_embeddings":true})";

TEST_F(Load, DirectoryEqualsGguf) {
    Gguf g = tiny_gguf("qwen3");
    ASSERT_EQ(LLM_OK, load_gguf(g)) << llm_last_error();
    std::vector<float> expected = Runner(m, 8, 16).append({1, 7, 31, 4});
    for (std::string drop : {"", "model."}) {
        Folder hf;
        hf.write("config.json", qwen3_config);
        hf.write("model.safetensors", safetensors(renamed(g, m->arch, drop)));
        llm_model *other = nullptr;
        ASSERT_EQ(LLM_OK, load(&other, rt, hf.path, "tiny")) << llm_last_error();
        EXPECT_EQ(expected, Runner(other, 8, 16).append({1, 7, 31, 4}));
        llmi_model_unref(other);
    }
}

/* A directory of tiny_gguf("qwen3")'s weights under their other names. */
class Directory : public Warned {
  protected:
    void SetUp() override {
        Warned::SetUp();
        Gguf g = tiny_gguf("qwen3");
        ASSERT_EQ(LLM_OK, load_gguf(g)) << llm_last_error();
        tensors = renamed(g, m->arch, "");
    }
    std::string write(const std::string &config = qwen3_config) {
        folder.write("config.json", config);
        folder.write("model.safetensors", safetensors(tensors));
        return folder.path;
    }
    static std::string config_with(const std::string &members) {
        std::string text = qwen3_config;
        return text.substr(0, text.size() - 1) + "," + members + "}";
    }
    static std::string untied(const std::string &members = "\"x\":0") {
        std::string text = config_with(members);
        return text.replace(text.find("\"tie_word_embeddings\":true"), 26, "\"tie_word_embeddings\":false");
    }
    void expect_refused(const std::string &path, const char *text) {
        llmi_model_unref(m);
        EXPECT_EQ(LLM_E_UNSUPPORTED, load(&m, rt, path, "tiny"));
        EXPECT_NE(nullptr, strstr(llm_last_error(), text)) << llm_last_error();
    }
    std::map<std::string, Tensor> tensors;
};

TEST_F(Directory, TiedWeightsMayHaveEitherNameOrBoth) {
    Tensor embed = tensors["model.embed_tokens.weight"];
    tensors["lm_head.weight"] = embed;
    expect_warning(write(), nullptr);
    EXPECT_EQ(m->embed, m->output);
    std::vector<float> expected = Runner(m, 8, 16).append({1, 7, 31, 4});
    tensors.erase("model.embed_tokens.weight");
    expect_warning(write(), nullptr);
    EXPECT_EQ(m->embed, m->output);
    EXPECT_EQ(expected, Runner(m, 8, 16).append({1, 7, 31, 4}));
    tensors.erase("lm_head.weight");
    llmi_model_unref(m);
    EXPECT_EQ(LLM_E_FORMAT, load(&m, rt, write(), "tiny"));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "embed_tokens.weight\" is missing")) << llm_last_error();
}

TEST_F(Directory, TiedWeightsThatDifferAreBothUsed) { /* as transformers 5 does */
    tensors["lm_head.weight"] = made_up({16, 32}, 5);
    expect_warning(write(), "lm_head.weight and model.embed_tokens.weight differ");
    EXPECT_NE(m->embed, m->output);
}

TEST_F(Directory, AModelWithoutHeadIsRefusedUnlessItsClassHasNone) {
    expect_refused(write(untied()), "\"lm_head.weight\" is missing and tie_word_embeddings is not true");
    expect_refused(write(untied(R"("architectures":["Qwen3ForCausalLM"])")), "\"lm_head.weight\" is missing");
    expect_refused(write(untied(R"("architectures":["LlamaModel"])")), "architectures[0] is \"LlamaModel\"");
    expect_warning(write(untied(R"("architectures":["Qwen3Model"])")), nullptr);
    EXPECT_EQ(nullptr, m->output);
}

TEST_F(Directory, AClassOfAnotherNameIsWarnedOf) {
    expect_warning(write(config_with(R"("architectures":["Qwen3ForCausalLM"])")), nullptr);
    expect_warning(write(config_with(R"("architectures":["NovelForCausalLM"])")),
                   "class \"NovelForCausalLM\" is not known: it is computed as family qwen3");
}

TEST_F(Directory, FlagsSayWhichBiasesThereAre) {
    std::vector<float> expected = Runner(m, 8, 16).append({1, 7, 31, 4});
    for (int layer = 0; layer < 2; layer++)
        for (auto [name, n] : std::map<std::string, int>{{"q", 16}, {"k", 8}, {"v", 8}, {"o", 16}}) {
            std::string full = "model.layers." + std::to_string(layer) + ".self_attn." + name + "_proj.bias";
            tensors[full] = made_up({n}, name_seed(full));
        }
    expect_warning(write(), "(attention_bias is not true in config.json)");
    EXPECT_EQ(expected, Runner(m, 8, 16).append({1, 7, 31, 4}));
    expect_warning(write(config_with("\"attention_bias\":false")),
                   "8 tensors, such as model.layers.0.self_attn.k_proj");
    EXPECT_EQ(expected, Runner(m, 8, 16).append({1, 7, 31, 4}));
    expect_warning(write(config_with("\"attention_bias\":true")), nullptr);
    EXPECT_NE(expected, Runner(m, 8, 16).append({1, 7, 31, 4}));
    tensors.erase("model.layers.1.self_attn.o_proj.bias");
    llmi_model_unref(m);
    EXPECT_EQ(LLM_E_FORMAT, load(&m, rt, write(config_with("\"attention_bias\":true")), "tiny"));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "o_proj.bias\" is missing")) << llm_last_error();
}

TEST_F(Directory, WeightsThatNothingReadsAreRefusedOrSkippedByTheirPlace) {
    for (const char *name : {"model.layers.1.mlp.up_proj.bias", "model.layers.0.self_attn.sinks", "lm_head.bias",
                             "model.norm.bias", "model.embed_norm.weight"}) {
        auto saved = tensors;
        tensors[name] = made_up({16}, 1);
        expect_refused(write(), name);
        tensors = saved;
    }
    for (const char *name : {"model.layers.2.mtp.weight", "model.visual.blocks.0.weight", "v_head.summary.weight"}) {
        auto saved = tensors;
        tensors[name] = made_up({16}, 1);
        expect_warning(write(), name);
        tensors = saved;
    }
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = made_up({2}, 1);
    expect_warning(write(), nullptr);
    tensors = renamed(tiny_gguf("qwen3"), m->arch, "model.");
    tensors["model.visual.blocks.0.weight"] = made_up({16}, 1);
    expect_warning(write(), "model.visual.blocks.0.weight");
}

} // namespace
