// What the files of a model say besides weights: where a generation ends, how embeddings are made, in which types
// GGUF states a tokenizer; and that llm_quantize carries it along.
#include <filesystem>

#include "api.h"
#include "golden/golden.h"

namespace {

template <class T> std::string raw(T value) {
    return std::string(reinterpret_cast<const char *>(&value), sizeof value);
}

const char *tokenizer_json = R"({"model":{"type":"BPE","byte_fallback":true,"unk_token":"<unk>","merges":[],"vocab":{
    "<unk>":0,"<s>":1,"</s>":2,"a":3,"b":4,"c":5,"d":6,"e":7,"f":8,"g":9,"h":10,"i":11,"j":12,"k":13,"l":14,"m":15,
    "n":16,"o":17,"p":18,"q":19,"r":20,"s":21,"t":22,"u":23,"v":24,"w":25,"x":26,"y":27,"z":28,".":29,",":30,"!":31}},
    "added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true},
                    {"id":2,"content":"</s>","special":true}]})";

// A golden model of 32 tokens with a tokenizer. `edit` changes the text of its config.json.
struct Directory {
    explicit Directory(const char *golden_name = "llama-tied") : golden_path(golden::folder() / golden_name) {
        std::filesystem::copy(golden_path / "model.safetensors", folder.path + "/model.safetensors");
        folder.write("tokenizer.json", tokenizer_json);
        config("");
    }
    void config(const std::string &members) {
        std::ifstream in(golden_path / "config.json");
        std::string text((std::istreambuf_iterator<char>(in)), {});
        size_t at = text.find("\"eos_token_id\"");
        if (!members.empty()) text = text.substr(0, at) + members + text.substr(text.find(',', at));
        folder.write("config.json", text);
    }
    std::string quantize() const {
        std::string out = folder.path + "/out.gguf";
        EXPECT_EQ(LLM_OK, llm_quantize(nullptr, folder.path.c_str(), out.c_str(), LLM_DTYPE_F32, nullptr))
            << llm_last_error();
        return out;
    }
    Folder folder;
    std::filesystem::path golden_path;
};

std::vector<llm_token> ends_of(const llm_model *m) {
    std::vector<llm_token> ids;
    const llm_tokenizer *t = llm_model_get_tokenizer(m);
    for (llm_token id = 0; t && id < llm_tokenizer_size(t); id++)
        if (llm_tokenizer_is_eog(t, id)) ids.push_back(id);
    return ids;
}

TEST(FileEnds, EveryIdOfBothConfigsEndsAGeneration) {
    Directory d;
    EXPECT_EQ((std::vector<llm_token>{2}), ends_of(load_model(d.folder.path).get()));
    d.config("\"eos_token_id\": [2, 5]");
    EXPECT_EQ((std::vector<llm_token>{2, 5}), ends_of(load_model(d.folder.path).get()));
    d.folder.write("generation_config.json", R"({"eos_token_id":[7,5]})");
    EXPECT_EQ((std::vector<llm_token>{2, 5, 7}), ends_of(load_model(d.folder.path).get()));
    d.folder.write("generation_config.json", R"({"eos_token_id":9})");
    Model m = load_model(d.folder.path);
    EXPECT_EQ((std::vector<llm_token>{2, 5, 9}), ends_of(m.get()));
    EXPECT_EQ((std::vector<llm_token>{2, 5, 9}), ends_of(load_model(d.quantize()).get()));

    Engine e = make_engine(m.get());
    llm_generate_options o = generate_options(5);
    llm_logit_bias bias = {9, 1000};
    o.logit_bias = &bias;
    o.n_logit_bias = 1;
    llm_token prompt[] = {1, 3};
    llm_result *r = nullptr;
    OK(llm_generate_tokens(&r, e.get(), prompt, 2, &o, nullptr, nullptr));
    Result result(r);
    EXPECT_EQ(LLM_FINISH_EOS, finish_of(r));
}

TEST(FileEnds, IdsBeyondTheVocabularyAreWarnedOfAndOtherTypesRefused) {
    Directory d;
    std::vector<std::string> lines;
    llm_runtime_options o;
    llm_runtime_options_init(&o);
    o.log_user = &lines;
    o.log = [](void *user, int32_t, const char *text) {
        static_cast<std::vector<std::string> *>(user)->push_back(text);
    };
    llm_runtime *rt = nullptr;
    OK(llm_runtime_create(&rt, &o));
    Runtime owner(rt);
    llm_model *m = nullptr;
    for (const char *ids : {"[2, 32]", "[2, 4294967295]", "[2, 1000000000000000019884624838656]"}) {
        lines.clear();
        d.config(std::string("\"eos_token_id\": ") + ids);
        OK(llm_model_load(&m, rt, d.folder.path.c_str(), nullptr));
        EXPECT_EQ((std::vector<llm_token>{2}), ends_of(m));
        llm_model_unref(m);
        ASSERT_EQ(1u, lines.size()) << ids;
        EXPECT_NE(std::string::npos, lines[0].find("config.json: eos_token_id is")) << lines[0];
    }
    for (const char *ids : {"\"2\"", "true", "[[2]]", "{}"}) {
        d.folder.write("generation_config.json", std::string("{\"eos_token_id\":") + ids + "}");
        FAILS(LLM_E_FORMAT, "generation_config.json: eos_token_id is",
              llm_model_load(&m, rt, d.folder.path.c_str(), nullptr));
    }
    std::string many = "[3";
    for (int i = 4; i < 32; i++) many += "," + std::to_string(i);
    d.folder.write("generation_config.json", "{\"eos_token_id\":" + many + "]}");
    OK(llm_model_load(&m, rt, d.folder.path.c_str(), nullptr));
    EXPECT_EQ(30u, ends_of(m).size());
    llm_model_unref(m);
}

std::vector<float> embedding(llm_model *m, int32_t pooling, int32_t normalize) {
    llm_model_info info = {};
    info.struct_size = sizeof info;
    llm_model_get_info(&info, m);
    std::vector<float> row(static_cast<size_t>(info.n_embd));
    llm_span text = {"abc", 3};
    Engine e = make_engine(m);
    EXPECT_EQ(LLM_OK, llm_embed(row.data(), e.get(), &text, 1, pooling, normalize)) << llm_last_error();
    return row;
}

TEST(FilePooling, GgufStatesIt) {
    Folder folder;
    Gguf g = tiny_with_text();
    const struct {
        int type;
        int32_t pooling;
    } rows[] = {{0, LLM_POOL_MEAN}, {1, LLM_POOL_MEAN}, {2, LLM_POOL_FIRST}, {3, LLM_POOL_LAST}};
    for (auto &row : rows) {
        g.set_int("llama.pooling_type", row.type);
        Model m = load_model(folder.write("m.gguf", g.encode()));
        EXPECT_EQ(embedding(m.get(), row.pooling, 0), embedding(m.get(), LLM_POOL_FILE, -1)) << row.type;
    }
    g.set_int("llama.pooling_type", 4);
    Model m = load_model(folder.write("m.gguf", g.encode()));
    Engine e = make_engine(m.get());
    float row[16];
    llm_span text = {"abc", 3};
    FAILS(LLM_E_UNSUPPORTED, "made with rank, which is not computed", llm_embed(row, e.get(), &text, 1, -1, -1));
    FAILS(LLM_E_ARGUMENT, "pooling is 3", llm_embed(row, e.get(), &text, 1, 3, 0));
    FAILS(LLM_E_ARGUMENT, "normalize is 2", llm_embed(row, e.get(), &text, 1, 0, 2));
}

TEST(FilePooling, SentenceTransformersStateIt) {
    Directory d;
    std::filesystem::create_directory(d.folder.path + "/1_Pooling");
    d.folder.write("1_Pooling/config.json", R"({"pooling_mode_cls_token":false,"pooling_mode_lasttoken":true})");
    Model m = load_model(d.folder.path);
    EXPECT_EQ(embedding(m.get(), LLM_POOL_LAST, 0), embedding(m.get(), LLM_POOL_FILE, -1));
    d.folder.write("modules.json", R"([{"type":"sentence_transformers.models.Transformer","path":""},
        {"type":"sentence_transformers.models.Pooling","path":"1_Pooling"},
        {"type":"sentence_transformers.models.Normalize","path":"2_Normalize"}])");
    m = load_model(d.folder.path);
    std::vector<float> expected = embedding(m.get(), LLM_POOL_LAST, 1);
    EXPECT_EQ(expected, embedding(m.get(), LLM_POOL_FILE, -1));
    Model made = load_model(d.quantize());
    EXPECT_EQ(embedding(made.get(), LLM_POOL_LAST, 1), embedding(made.get(), LLM_POOL_FILE, -1));
    d.folder.write("1_Pooling/config.json", R"({"pooling_mode":"cls"})");
    m = load_model(d.folder.path);
    EXPECT_EQ(embedding(m.get(), LLM_POOL_FIRST, 1), embedding(m.get(), LLM_POOL_FILE, -1));
    const struct {
        const char *config, *modules, *says;
    } rows[] = {
        {R"({"pooling_mode_max_tokens":true})", nullptr, "made with max, which"},
        {R"({"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":true})", nullptr, "more than one pooling"},
        {"{}", R"([{"type":"sentence_transformers.models.Dense","path":"2_Dense"}])", "a Dense module"},
    };
    for (auto &row : rows) {
        d.folder.write("1_Pooling/config.json", row.config);
        if (row.modules) d.folder.write("modules.json", row.modules);
        for (const std::string &path : {d.folder.path, d.quantize()}) {
            m = load_model(path);
            Engine e = make_engine(m.get());
            float out[16];
            llm_span text = {"abc", 3};
            bool is_dir = path == d.folder.path;
            FAILS(LLM_E_UNSUPPORTED, is_dir ? row.says : "which is not computed",
                  llm_embed(out, e.get(), &text, 1, -1, -1));
        }
    }
}

TEST(FileGguf, ArraysOfOtherTypesAndLengthsAreReadAndScoresMayBeAbsent) {
    Folder folder;
    Gguf g = tiny_with_text();
    auto list = [](uint32_t type, uint64_t n, const std::string &bytes) {
        return raw(uint32_t{9}) + raw(type) + raw(n) + bytes;
    };
    auto ids_of = [&](const Gguf &file) {
        Model m = load_model(folder.write("m.gguf", file.encode()));
        return encode(llm_model_get_tokenizer(m.get()), "a<s>b", LLM_ENCODE_ADD_SPECIAL | LLM_ENCODE_PARSE_SPECIAL);
    };
    std::vector<llm_token> expected = ids_of(g);
    std::string doubles, bytes, longs;
    for (int i = 0; i < 33; i++) {
        doubles += raw(-static_cast<double>(i));
        longs += raw(static_cast<int64_t>(i == 0 ? 2 : i < 3 ? 3 : 0)); /* 0: undefined */
        bytes += static_cast<char>(i == 0 ? 2 : i < 3 ? 3 : 1);
    }
    Gguf other = g;
    other.keys["tokenizer.ggml.scores"] = list(12, 33, doubles);
    EXPECT_EQ(expected, ids_of(other));
    other.keys["tokenizer.ggml.token_type"] = list(11, 33, longs);
    EXPECT_EQ(expected, ids_of(other));
    other.keys["tokenizer.ggml.token_type"] = list(0, 33, bytes);
    EXPECT_EQ(expected, ids_of(other));
    other.keys.erase("tokenizer.ggml.scores");
    EXPECT_EQ(expected, ids_of(other));
    llm_model *m = nullptr;
    other.keys["tokenizer.ggml.scores"] = list(12, 31, doubles.substr(0, 31 * 8));
    FAILS(LLM_E_FORMAT, "has 31 elements, expected 32",
          llm_model_load(&m, nullptr, folder.write("m.gguf", other.encode()).c_str(), nullptr));
}

TEST(FileGguf, ATemplateOfAnotherTypeIsRefused) {
    Folder folder;
    llm_model *m = nullptr;
    for (const char *key : {"tokenizer.chat_template", "tokenizer.chat_template.tool_use"}) {
        Gguf g = tiny_with_text();
        g.set_int(key, 5);
        FAILS(LLM_E_FORMAT, "is \"5\", expected a string",
              llm_model_load(&m, nullptr, folder.write("m.gguf", g.encode()).c_str(), nullptr));
    }
}

std::vector<float> last_logits(llm_model *m) {
    llm_sequence *s = nullptr;
    Engine e = make_engine(m);
    std::vector<float> row(32);
    std::vector<llm_token> ids = {1, 7, 31, 4};
    EXPECT_EQ(LLM_OK, llm_sequence_create(&s, e.get()));
    Sequence owner(s);
    EXPECT_EQ(LLM_OK, llm_sequence_eval(s, ids.data(), ids.size(), row.data(), 1)) << llm_last_error();
    return row;
}

// Tied weights under the head's name alone, and a base without head.
TEST(FileHead, QuantizeCarriesWhatHeadThereIs) {
    Directory d;
    std::vector<float> expected = last_logits(load_model(d.quantize()).get());
    std::ifstream in(d.folder.path + "/model.safetensors", std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const std::string name = "model.embed_tokens.weight";
    size_t at = bytes.find(name);
    ASSERT_NE(std::string::npos, at);
    std::string tied = bytes;
    tied.replace(at, name.size() + 1, "lm_head.weight\"" + std::string(name.size() - 14, ' ')); /* the same length */
    d.folder.write("model.safetensors", tied);
    EXPECT_EQ(expected, last_logits(load_model(d.quantize()).get()));

    d.folder.write("model.safetensors", bytes);
    std::ifstream config_in(d.folder.path + "/config.json");
    std::string config((std::istreambuf_iterator<char>(config_in)), {});
    config.replace(config.find("LlamaForCausalLM"), 16, "LlamaModel");
    config.replace(config.find("\"tie_word_embeddings\": true"), 27, "\"tie_word_embeddings\": false");
    d.folder.write("config.json", config);
    std::vector<float> vectors[2];
    int n = 0;
    for (const std::string &path : {d.folder.path, d.quantize()}) {
        Model m = load_model(path);
        vectors[n++] = embedding(m.get(), LLM_POOL_LAST, 0);
        Engine e = make_engine(m.get());
        llm_result *r = nullptr;
        FAILS(LLM_E_UNSUPPORTED, "is a model without a head",
              llm_generate(&r, e.get(), "abc", 3, nullptr, nullptr, nullptr));
        llm_score_item item = {{"a", 1}, {"b", 1}};
        FAILS(LLM_E_UNSUPPORTED, "is a model without a head", llm_score(&r, e.get(), &item, 1, nullptr));
    }
    for (size_t i = 0; i < vectors[0].size(); i++) EXPECT_NEAR(vectors[0][i], vectors[1][i], 1e-5);
}

TEST(FileLog, DebugTellsOfModelTokenizerEngineAndSteps) {
    Folder folder;
    std::vector<std::string> lines;
    llm_runtime_options o;
    llm_runtime_options_init(&o);
    o.log_level = LLM_LOG_DEBUG;
    o.log_user = &lines;
    o.log = [](void *user, int32_t level, const char *text) {
        if (level == LLM_LOG_DEBUG) static_cast<std::vector<std::string> *>(user)->push_back(text);
    };
    llm_runtime *rt = nullptr;
    OK(llm_runtime_create(&rt, &o));
    Runtime owner(rt);
    llm_model *m = nullptr;
    OK(llm_model_load(&m, rt, folder.write("m.gguf", tiny_with_text().encode()).c_str(), nullptr));
    Model model(m);
    embedding(m, LLM_POOL_MEAN, 0);
    std::string all;
    for (const std::string &line : lines) all += line + "\n";
    for (const char *part : {"family llama, 2 layers of width 16", "mostly F32, head tied", "generations end at 2",
                             "engine: ", "KV cache ", "step: 5 rows of 1 sequences"})
        EXPECT_NE(std::string::npos, all.find(part)) << part << " in\n" << all;
}

} // namespace
