#include "unit/model/files.h"

#include <cmath>
#include <functional>
#include <limits>

extern "C" {
#include "base/alloc.h"
#include "model/decoder.h"
}

namespace {

/* Those of a family that is a decoder as most are. */
struct Read {
    llm_status status;
    llmi_decoder_hparams hp;
    std::vector<int32_t> windows;
    std::string text;
};

Read read_path(const std::string &path) {
    Read r = {};
    llmi_weights_options how = {true, true};
    llmi_weights *w = nullptr;
    const llmi_arch *arch = nullptr;
    r.status = llmi_weights_open(&w, &llmi_default_allocator, path.c_str(), &how);
    if (r.status == LLM_OK) r.status = llmi_arch_check_kind(w);
    if (r.status == LLM_OK) r.status = llmi_arch_of(&arch, w);
    if (r.status == LLM_OK) r.status = llmi_hparams_read(&r.hp, arch, w);
    if (r.status == LLM_OK) r.windows.resize((size_t)r.hp.base.n_layers);
    for (size_t i = 0; i < r.windows.size() && r.status == LLM_OK; i++)
        r.status = llmi_attention_window(&r.windows[i], &r.hp.attn, (int32_t)i, r.hp.base.n_layers, w);
    r.text = r.status == LLM_OK ? "" : llm_last_error();
    llmi_weights_unref(w);
    return r;
}

Read read_gguf(const Gguf &g) {
    Folder folder;
    return read_path(folder.write("m.gguf", g.encode()));
}

Read read_config(const std::string &json) {
    Folder folder;
    folder.write("config.json", json);
    return read_path(folder.path);
}

/* A config.json with `extra` members; those of the same name replace. */
std::string config(const std::map<std::string, std::string> &extra, const std::string &type = "llama") {
    std::map<std::string, std::string> members = {
        {"model_type", "\"" + type + "\""}, {"hidden_size", "64"},        {"num_hidden_layers", "4"},
        {"intermediate_size", "96"},        {"num_attention_heads", "8"}, {"vocab_size", "100"},
        {"hidden_act", "\"silu\""},         {"num_key_value_heads", "4"},
    };
    for (auto &[key, value] : extra) {
        if (value.empty())
            members.erase(key);
        else
            members[key] = value;
    }
    std::string out = "{";
    for (auto &[key, value] : members) out += (out.size() > 1 ? ",\"" : "\"") + key + "\":" + value;
    return out + "}";
}

TEST(Hparams, GgufDefaults) {
    Read r = read_gguf(tiny_gguf());
    ASSERT_EQ(LLM_OK, r.status) << r.text;
    EXPECT_EQ(2, r.hp.base.n_layers);
    EXPECT_EQ(4, r.hp.attn.head_dim);
    EXPECT_EQ(4, r.hp.rope.n_rot);
    EXPECT_EQ(2, r.hp.attn.n_kv_heads);
    EXPECT_EQ(64, r.hp.base.n_ctx_train);
    EXPECT_EQ(0, r.hp.base.n_vocab); /* the embedding says it */
    EXPECT_FLOAT_EQ(10000, r.hp.rope.base);
    EXPECT_EQ(LLM_ROPE_INTERLEAVED, r.hp.rope.style);
    EXPECT_EQ((std::vector<int32_t>{0, 0}), r.windows);
}

TEST(Hparams, GgufHeadsWithoutGroupsShareNothing) {
    Gguf g = tiny_gguf();
    g.keys.erase("llama.attention.head_count_kv");
    EXPECT_EQ(4, read_gguf(g).hp.attn.n_kv_heads);
}

TEST(Hparams, GgufRopeScalingKeys) {
    Gguf g = tiny_gguf();
    g.set_float("llama.rope.scaling.factor", 4);
    EXPECT_EQ(LLMI_ROPE_SCALING_LINEAR, read_gguf(g).hp.rope.scaling) << "a factor without a type is linear";
    g.set_string("llama.rope.scaling.type", "yarn");
    g.set_int("llama.rope.scaling.original_context_length", 32);
    Read r = read_gguf(g);
    EXPECT_EQ(LLMI_ROPE_SCALING_YARN, r.hp.rope.scaling);
    EXPECT_EQ(32, r.hp.rope.ctx_original);
    g.set_string("llama.rope.scaling.type", "none");
    EXPECT_EQ(LLMI_ROPE_SCALING_NONE, read_gguf(g).hp.rope.scaling);
}

TEST(Hparams, GgufScalingWithoutFactorScalesByOne) {
    for (const char *type : {"linear", "yarn"}) {
        Gguf g = tiny_gguf();
        g.set_string("llama.rope.scaling.type", type);
        EXPECT_FLOAT_EQ(1, read_gguf(g).hp.rope.factor) << type;
        g.set_float("llama.rope.scaling.factor", 0);
        EXPECT_FLOAT_EQ(1, read_gguf(g).hp.rope.factor) << type;
    }
}

TEST(Hparams, GgufTypesThatLoseNothingAreRead) {
    Gguf g = tiny_gguf();
    g.set_ints("llama.attention.head_count", {4, 4});
    g.set_ints("llama.attention.head_count_kv", {2, 2});
    g.set_ints("llama.feed_forward_length", {24, 24});
    g.set_int("llama.rope.freq_base", 500000);
    g.set_int("llama.attention.causal", 1);
    g.set_int("llama.vocab_size", 5); /* the embedding says it */
    Read r = read_gguf(g);
    ASSERT_EQ(LLM_OK, r.status) << r.text;
    EXPECT_EQ(4, r.hp.attn.n_heads);
    EXPECT_EQ(2, r.hp.attn.n_kv_heads);
    EXPECT_EQ(24, r.hp.ffn.n_ff);
    EXPECT_FLOAT_EQ(500000, r.hp.rope.base);
    EXPECT_EQ(0, r.hp.base.n_vocab);
}

TEST(Hparams, GgufWindowIsForAllLayers) {
    Gguf g = tiny_gguf();
    g.set_int("llama.attention.sliding_window", 8);
    EXPECT_EQ((std::vector<int32_t>{8, 8}), read_gguf(g).windows);
}

struct Hostile {
    const char *name;
    std::function<void(Gguf &)> edit;
    llm_status status;
    const char *text; /* part of the error */
};

class GgufHostile : public ::testing::TestWithParam<Hostile> {};

TEST_P(GgufHostile, IsRefusedByName) {
    Gguf g = tiny_gguf();
    GetParam().edit(g);
    Read r = read_gguf(g);
    EXPECT_EQ(GetParam().status, r.status) << r.text;
    EXPECT_NE(std::string::npos, r.text.find(GetParam().text)) << r.text;
}

const float nan_f = std::numeric_limits<float>::quiet_NaN();
const float inf_f = std::numeric_limits<float>::infinity();

const Hostile hostile[] = {
    {"NoLayers", [](Gguf &g) { g.set_int("llama.block_count", 0); }, LLM_E_FORMAT, "llama.block_count"},
    {"TooManyLayers", [](Gguf &g) { g.set_int("llama.block_count", 1025); }, LLM_E_FORMAT, "llama.block_count"},
    {"LayersMissing", [](Gguf &g) { g.keys.erase("llama.block_count"); }, LLM_E_FORMAT, "llama.block_count is missing"},
    {"NoHeads", [](Gguf &g) { g.set_int("llama.attention.head_count", 0); }, LLM_E_FORMAT, "head_count"},
    {"NegativeHeads", [](Gguf &g) { g.set_int("llama.attention.head_count", -4); }, LLM_E_FORMAT, "head_count"},
    {"Heads2To31", [](Gguf &g) { g.set_int("llama.attention.head_count", 1ll << 31); }, LLM_E_FORMAT, "head_count"},
    {"HeadsThatDiffer",
     [](Gguf &g) {
         g.set_ints("llama.attention.head_count", {4, 2});
     },
     LLM_E_UNSUPPORTED, "llama.attention.head_count is 4 in layer 0 and 2 in layer 1: implemented is one for all"},
    {"HeadsOfTooManyLayers",
     [](Gguf &g) {
         g.set_ints("llama.attention.head_count", {4, 4, 4});
     },
     LLM_E_FORMAT, "has 3 values, expected a number or one for each of 2 layers"},
    {"HeadsOfNoLayers", [](Gguf &g) { g.set_ints("llama.attention.head_count", {}); }, LLM_E_FORMAT, "has 0 values"},
    {"LayersAsArray", [](Gguf &g) { g.set_ints("llama.block_count", {2}); }, LLM_E_FORMAT,
     "llama.block_count has 1 values"},
    {"HeadsAsText", [](Gguf &g) { g.set_string("llama.attention.head_count", "4"); }, LLM_E_FORMAT, "head_count"},
    {"NoKvHeads", [](Gguf &g) { g.set_int("llama.attention.head_count_kv", 0); }, LLM_E_FORMAT, "head_count_kv"},
    {"KvHeadsDoNotDivide", [](Gguf &g) { g.set_int("llama.attention.head_count_kv", 3); }, LLM_E_FORMAT,
     "3 key/value heads do not divide 4 heads"},
    {"MoreKvHeads", [](Gguf &g) { g.set_int("llama.attention.head_count_kv", 8); }, LLM_E_FORMAT, "do not divide"},
    {"WidthNoMultiple", [](Gguf &g) { g.set_int("llama.embedding_length", 18); }, LLM_E_FORMAT,
     "18 is no multiple of 4"},
    {"WidthHuge", [](Gguf &g) { g.set_int("llama.embedding_length", 1ll << 62); }, LLM_E_FORMAT, "embedding_length"},
    {"HeadOfNothing", [](Gguf &g) { g.set_int("llama.attention.key_length", 0); }, LLM_E_FORMAT, "key_length"},
    {"ValueHeadDiffers", [](Gguf &g) { g.set_int("llama.attention.value_length", 8); }, LLM_E_UNSUPPORTED,
     "value_length is 8"},
    {"OddRotation", [](Gguf &g) { g.set_int("llama.rope.dimension_count", 3); }, LLM_E_FORMAT, "even"},
    {"RotationBeyondHead", [](Gguf &g) { g.set_int("llama.rope.dimension_count", 6); }, LLM_E_FORMAT,
     "up to its size 4"},
    {"EpsNan", [](Gguf &g) { g.set_float("llama.attention.layer_norm_rms_epsilon", nan_f); }, LLM_E_FORMAT,
     "rms_epsilon"},
    {"EpsNegative", [](Gguf &g) { g.set_float("llama.attention.layer_norm_rms_epsilon", -1e-5f); }, LLM_E_FORMAT,
     "rms_epsilon"},
    {"EpsOfAnIntegerType", [](Gguf &g) { g.set_int("llama.attention.layer_norm_rms_epsilon", 1); }, LLM_E_FORMAT,
     "rms_epsilon is 1, of an integer type"},
    {"EpsMissing", [](Gguf &g) { g.keys.erase("llama.attention.layer_norm_rms_epsilon"); }, LLM_E_FORMAT,
     "rms_epsilon is missing"},
    {"BaseInfinite", [](Gguf &g) { g.set_float("llama.rope.freq_base", inf_f); }, LLM_E_FORMAT, "freq_base"},
    {"BaseZero", [](Gguf &g) { g.set_float("llama.rope.freq_base", 0); }, LLM_E_FORMAT, "freq_base"},
    {"ContextZero", [](Gguf &g) { g.set_int("llama.context_length", 0); }, LLM_E_FORMAT, "context_length"},
    {"FactorNegative", [](Gguf &g) { g.set_float("llama.rope.scaling.factor", -1); }, LLM_E_FORMAT, "scaling.factor"},
    {"ScalingUnknown", [](Gguf &g) { g.set_string("llama.rope.scaling.type", "longrope"); }, LLM_E_UNSUPPORTED,
     "\"longrope\""},
    {"Experts", [](Gguf &g) { g.set_int("llama.expert_count", 8); }, LLM_E_UNSUPPORTED, "llama.expert_count is 8"},
    {"NotCausal", [](Gguf &g) { g.set_bool("llama.attention.causal", false); }, LLM_E_UNSUPPORTED,
     "llama.attention.causal is false"},
    {"Adapter", [](Gguf &g) { g.set_string("general.type", "adapter"); }, LLM_E_UNSUPPORTED,
     "this is an adapter (LoRA)"},
    {"Imatrix", [](Gguf &g) { g.set_string("general.type", "imatrix"); }, LLM_E_UNSUPPORTED, "an importance matrix"},
    {"Mmproj", [](Gguf &g) { g.set_string("general.architecture", "clip"); }, LLM_E_UNSUPPORTED, "(mmproj)"},
    {"UnknownFamily", [](Gguf &g) { g.set_string("general.architecture", "rwkv9"); }, LLM_E_UNSUPPORTED,
     "\"rwkv9\", known are llama, qwen2, qwen3"},
    {"FamilyMissing", [](Gguf &g) { g.keys.erase("general.architecture"); }, LLM_E_NOT_FOUND, "general.architecture"},
};

INSTANTIATE_TEST_SUITE_P(Table, GgufHostile, ::testing::ValuesIn(hostile),
                         [](const auto &row) { return std::string(row.param.name); });

/* ---- config.json ---- */

TEST(Hparams, ConfigDefaultsAreThoseOfTransformers) {
    Read r = read_config(config({{"num_key_value_heads", ""}}));
    ASSERT_EQ(LLM_OK, r.status) << r.text;
    EXPECT_EQ(8, r.hp.attn.n_kv_heads);
    EXPECT_EQ(8, r.hp.attn.head_dim);
    EXPECT_EQ(2048, r.hp.base.n_ctx_train);
    EXPECT_FLOAT_EQ(1e-6f, r.hp.eps);
    EXPECT_FLOAT_EQ(10000, r.hp.rope.base);
    EXPECT_EQ(LLM_ROPE_NEOX, r.hp.rope.style);
    EXPECT_EQ(LLMI_ROPE_SCALING_NONE, r.hp.rope.scaling);
}

TEST(Hparams, ConfigNullIsNone) {
    Read r = read_config(config(
        {{"num_key_value_heads", "null"}, {"head_dim", "null"}, {"sliding_window", "null"}, {"rope_scaling", "null"}},
        "mistral"));
    ASSERT_EQ(LLM_OK, r.status) << r.text;
    EXPECT_EQ(8, r.hp.attn.n_kv_heads);
    EXPECT_EQ(8, r.hp.attn.head_dim);
    EXPECT_EQ(0, r.hp.attn.n_window);
}

TEST(Hparams, MistralHasItsWindowInAllLayers) {
    EXPECT_EQ((std::vector<int32_t>(4, 4096)), read_config(config({}, "mistral")).windows);
    EXPECT_EQ((std::vector<int32_t>(4, 16)), read_config(config({{"sliding_window", "16"}}, "mistral")).windows);
}

TEST(Hparams, QwenWindowNeedsItsFlagAndStartsAtALayer) {
    std::map<std::string, std::string> members = {{"sliding_window", "16"}, {"max_window_layers", "2"}};
    for (const char *family : {"qwen2", "qwen3"}) {
        EXPECT_EQ((std::vector<int32_t>{0, 0, 0, 0}), read_config(config(members, family)).windows);
        members["use_sliding_window"] = "true";
        EXPECT_EQ((std::vector<int32_t>{0, 0, 16, 16}), read_config(config(members, family)).windows);
        members.erase("use_sliding_window");
    }
}

TEST(Hparams, LayerTypesDecideWhereTheyAreGiven) {
    std::map<std::string, std::string> members = {
        {"sliding_window", "16"},
        {"use_sliding_window", "true"},
        {"layer_types", R"(["sliding_attention","full_attention","sliding_attention","full_attention"])"}};
    EXPECT_EQ((std::vector<int32_t>{16, 0, 16, 0}), read_config(config(members, "qwen3")).windows);
    members["layer_types"] = R"(["full_attention"])";
    EXPECT_EQ(LLM_E_FORMAT, read_config(config(members, "qwen3")).status);
    members["layer_types"] = R"(["full_attention","full_attention","full_attention","linear_attention"])";
    Read r = read_config(config(members, "qwen3"));
    EXPECT_EQ(LLM_E_UNSUPPORTED, r.status);
    EXPECT_NE(std::string::npos, r.text.find("layer_types[3] is \"linear_attention\"")) << r.text;
}

TEST(Hparams, Qwen3HeadSizeIsItsOwn) {
    EXPECT_EQ(128, read_config(config({}, "qwen3")).hp.attn.head_dim);
    EXPECT_EQ(32, read_config(config({{"head_dim", "32"}}, "qwen3")).hp.attn.head_dim);
}

TEST(Hparams, RopeScalingInBothSpellings) {
    const char *values = R"("factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                            "original_max_position_embeddings": 8192)";
    std::string older = config(
        {{"rope_theta", "500000.0"}, {"rope_scaling", std::string("{\"rope_type\":\"llama3\",") + values + "}"}});
    std::string newer =
        config({{"rope_parameters", std::string("{\"rope_theta\":500000.0,\"rope_type\":\"llama3\",") + values + "}"}});
    for (const std::string &json : {older, newer}) {
        Read r = read_config(json);
        ASSERT_EQ(LLM_OK, r.status) << r.text;
        EXPECT_EQ(LLMI_ROPE_SCALING_LLAMA3, r.hp.rope.scaling);
        EXPECT_FLOAT_EQ(500000, r.hp.rope.base);
        EXPECT_FLOAT_EQ(8, r.hp.rope.factor);
        EXPECT_FLOAT_EQ(1, r.hp.rope.low);
        EXPECT_FLOAT_EQ(4, r.hp.rope.high);
        EXPECT_EQ(8192, r.hp.rope.ctx_original);
    }
    Read r = read_config(config({{"rope_scaling", R"({"type":"linear","factor":2.0})"}}));
    EXPECT_EQ(LLMI_ROPE_SCALING_LINEAR, r.hp.rope.scaling) << r.text;
}

/* As AutoConfig of transformers 5.24.0 reads them. */
TEST(Hparams, RopeIsReadFromOneObject) {
    const struct {
        std::map<std::string, std::string> members;
        float base, factor;
        int scaling;
    } rows[] = {
        {{{"rope_theta", "10000.0"}, {"rope_parameters", R"({"rope_theta":5e5,"rope_type":"default"})"}},
         5e5f,
         0,
         LLMI_ROPE_SCALING_NONE},
        {{{"rope_theta", "7.0"}, {"rope_parameters", R"({"rope_type":"default"})"}}, 7, 0, LLMI_ROPE_SCALING_NONE},
        {{{"rope_scaling", "null"}, {"rope_parameters", R"({"rope_theta":9})"}}, 9, 0, LLMI_ROPE_SCALING_NONE},
        {{{"rope_scaling", "{}"}, {"rope_parameters", R"({"rope_theta":9,"rope_type":"linear","factor":3})"}},
         9,
         3,
         LLMI_ROPE_SCALING_LINEAR},
        {{{"rope_scaling", R"({"type":"linear","factor":2})"}, {"rope_parameters", R"({"rope_theta":9,"factor":3})"}},
         10000,
         2,
         LLMI_ROPE_SCALING_LINEAR},
        {{{"rope_scaling", R"({"rope_theta":8,"rope_type":"linear","factor":2})"}, {"rope_theta", "5.0"}},
         8,
         2,
         LLMI_ROPE_SCALING_LINEAR},
        {{{"rope_scaling", R"({"type":"yarn","rope_type":"linear","factor":2})"}}, 10000, 2, LLMI_ROPE_SCALING_LINEAR},
        {{{"rope_parameters", R"({"rope_theta":null})"}, {"rope_theta", "5.0"}}, 5, 0, LLMI_ROPE_SCALING_NONE},
    };
    for (auto &row : rows) {
        Read r = read_config(config(row.members));
        ASSERT_EQ(LLM_OK, r.status) << r.text;
        EXPECT_FLOAT_EQ(row.base, r.hp.rope.base) << config(row.members);
        EXPECT_FLOAT_EQ(row.factor, r.hp.rope.factor) << config(row.members);
        EXPECT_EQ(row.scaling, r.hp.rope.scaling) << config(row.members);
    }
    Read r = read_config(
        config({{"original_max_position_embeddings", "512"}, {"rope_scaling", R"({"rope_type":"yarn","factor":2,
                                                      "original_max_position_embeddings":1024})"}}));
    EXPECT_EQ(512, r.hp.rope.ctx_original) << r.text;
}

TEST(Hparams, YarnWithoutFactorTakesTheRatioOfContexts) {
    Read r =
        read_config(config({{"max_position_embeddings", "4096"}, {"rope_scaling", R"({"rope_type":"yarn","factor":null,
                                  "original_max_position_embeddings":1024})"}}));
    ASSERT_EQ(LLM_OK, r.status) << r.text;
    EXPECT_FLOAT_EQ(4, r.hp.rope.factor);
    EXPECT_FLOAT_EQ(32, r.hp.rope.beta_fast);
    EXPECT_FLOAT_EQ(1, r.hp.rope.beta_slow);
}

TEST(Hparams, FeaturesThatAreNotThereAreNamed) {
    struct {
        const char *key, *value, *text;
    } rows[] = {
        {"hidden_act", "\"gelu\"", "hidden_act is \"gelu\", implemented is \"silu\""},
        {"is_causal", "false", "is_causal is false, implemented is true"},
        {"use_bidirectional_attention", "true", "use_bidirectional_attention is true"},
        {"architectures", R"(["LlamaForSequenceClassification"])",
         "architectures[0] is \"LlamaForSequenceClassification\""},
        {"architectures", R"(["Qwen2ForRewardModel"])", "\"Qwen2ForRewardModel\": such a model is not computed"},
        {"architectures", R"(["LlamaForTokenClassification","LlamaForCausalLM"])", "LlamaForTokenClassification"},
        {"architectures", R"(["LlamaBidirectionalModel"])", "LlamaBidirectionalModel"},
        {"rope_parameters", R"({"full_attention":{"rope_theta":1e6},"sliding_attention":{"rope_theta":1e4}})",
         "rope_parameters.full_attention is an object"},
        {"partial_rotary_factor", "0.5", "partial_rotary_factor is 0.5"},
        {"num_experts", "4", "num_experts is 4"},
        {"rope_scaling", R"({"rope_type":"dynamic","factor":2.0})", "rope_scaling.rope_type is \"dynamic\""},
        {"quantization_config", R"({"quant_method":"gptq"})", "quant_method is \"gptq\""},
        {"model_type", "\"gemma\"", "model_type is \"gemma\", known are llama, mistral, qwen2, qwen3"},
    };
    for (auto &row : rows) {
        Read r = read_config(config({{row.key, row.value}}));
        EXPECT_EQ(LLM_E_UNSUPPORTED, r.status) << row.key << ": " << r.text;
        EXPECT_NE(std::string::npos, r.text.find(row.text)) << r.text;
    }
}

TEST(Hparams, HostileConfigs) {
    struct {
        const char *key, *value;
    } rows[] = {
        {"num_hidden_layers", "0"},
        {"num_hidden_layers", "1e3"},
        {"num_hidden_layers", "\"4\""},
        {"num_attention_heads", "0"},
        {"num_attention_heads", "2147483648"},
        {"num_key_value_heads", "-1"},
        {"num_key_value_heads", "3"},
        {"hidden_size", "65"},
        {"hidden_size", "null"},
        {"rms_norm_eps", "-1"},
        {"rms_norm_eps", "2"},
        {"rope_theta", "0"},
        {"vocab_size", "0"},
        {"intermediate_size", ""},
        {"rope_scaling", R"({"rope_type":"llama3","factor":8.0})"},
        {"rope_scaling", R"({"rope_type":"llama3","factor":8.0,"original_max_position_embeddings":8192,
                             "low_freq_factor":4.0,"high_freq_factor":4.0})"},
        {"rope_scaling", R"({"rope_type":"linear"})"},
        {"rope_scaling", R"({"factor":2.0})"},
        {"rope_scaling", R"({"factor":2.0,"rope_type":null})"},
        {"rope_scaling", R"([2.0])"},
        {"rope_parameters", "8"},
        {"max_position_embeddings", "null"},
        {"rope_scaling", R"({"rope_type":"yarn","factor":-4.0})"},
    };
    for (auto &row : rows) {
        Read r = read_config(config({{row.key, row.value}}));
        EXPECT_EQ(LLM_E_FORMAT, r.status) << row.key << " " << row.value << ": " << r.text;
        EXPECT_FALSE(r.text.empty());
    }
}

} // namespace
