// Models as llm/model.h promises them.
#include <algorithm>
#include <filesystem>

#include "api.h"
#include "golden/golden.h"

namespace {

TEST(ModelLoad, AModelWithoutTokenizerLoadsAndTextCallsSayWhy) {
    Folder folder;
    Model m = load_model(folder.write("m.gguf", tiny_gguf().encode()));
    ASSERT_NE(nullptr, m);
    EXPECT_EQ(nullptr, llm_model_get_tokenizer(m.get()));
    Engine e = make_engine(m.get());
    FAILS(LLM_E_UNSUPPORTED, "m.gguf holds no tokenizer",
          llm_generate(nullptr, e.get(), "a", 1, nullptr, nullptr, nullptr));
    llm_score_item item = {{"a", 1}, {"b", 1}};
    llm_result *r = nullptr;
    FAILS(LLM_E_UNSUPPORTED, "no tokenizer", llm_score(&r, e.get(), &item, 1, nullptr));
    llm_span text = {"a", 1};
    float row[16];
    FAILS(LLM_E_UNSUPPORTED, "no tokenizer", llm_embed(row, e.get(), &text, 1, LLM_POOL_MEAN, 0));
    llm_generate_options o = generate_options(4);
    o.stop_strings = &text;
    o.n_stop_strings = 1;
    llm_token prompt[] = {1, 5, 6};
    FAILS(LLM_E_UNSUPPORTED, "no tokenizer", llm_generate_tokens(&r, e.get(), prompt, 3, &o, nullptr, nullptr));
}

TEST(ModelLoad, IdsWorkWithoutTokenizerAndGiveEmptyText) {
    Folder folder;
    Model m = load_model(folder.write("m.gguf", tiny_gguf().encode()));
    Engine e = make_engine(m.get());
    llm_generate_options o = generate_options(5);
    llm_token prompt[] = {1, 5, 6};
    llm_result *r = nullptr;
    OK(llm_generate_tokens(&r, e.get(), prompt, 3, &o, nullptr, nullptr));
    Result result(r);
    EXPECT_EQ(5u, tokens_of(r).size());
    EXPECT_EQ("", text_of(r));
    EXPECT_EQ(LLM_FINISH_LENGTH, finish_of(r));
}

TEST(ModelLoad, ActivationsAreF32Bf16OrTheLibrarysChoice) {
    Folder folder;
    std::string path = folder.write("m.gguf", tiny_gguf().encode());
    llm_model_options o;
    llm_model_options_init(&o);
    EXPECT_EQ(LLM_DTYPE_AUTO, o.activation_dtype);
    llm_model *m = nullptr;
    for (int32_t bad : {(int32_t)LLM_DTYPE_F16, (int32_t)LLM_DTYPE_Q8_0, 999, -2}) {
        o.activation_dtype = bad;
        FAILS(LLM_E_ARGUMENT, "activation_dtype is", llm_model_load(&m, nullptr, path.c_str(), &o));
    }
    for (int32_t good : {LLM_DTYPE_AUTO, LLM_DTYPE_F32, LLM_DTYPE_BF16}) {
        o.activation_dtype = good;
        OK(llm_model_load(&m, nullptr, path.c_str(), &o));
        llm_model_unref(m);
    }
}

TEST(ModelLoad, TokenizerOnlyNeedsNoWeights) {
    Folder folder;
    Gguf g = tiny_with_text("rwkv9");
    g.tensors.clear();
    std::string path = folder.write("v.gguf", g.encode());
    llm_model_options o;
    llm_model_options_init(&o);
    o.tokenizer_only = 1;
    llm_model *loaded = nullptr;
    OK(llm_model_load(&loaded, nullptr, path.c_str(), &o));
    Model m(loaded);
    ASSERT_NE(nullptr, llm_model_get_tokenizer(loaded));
    EXPECT_EQ(32, llm_tokenizer_size(llm_model_get_tokenizer(loaded)));
    llm_model_info info = {};
    info.struct_size = sizeof info;
    OK(llm_model_get_info(&info, loaded));
    EXPECT_EQ(0, info.n_layers);
    EXPECT_EQ(0, info.n_params);
    llm_engine *e = nullptr;
    FAILS(LLM_E_STATE, "tokenizer_only", llm_engine_create(&e, loaded, nullptr));
}

TEST(ModelLoad, ATokenizerThatContradictsItselfIsRefusedByKey) {
    Folder folder;
    struct {
        const char *key;
        std::string value;
    } rows[] = {
        {"tokenizer.ggml.scores", tiny_gguf().keys["general.architecture"]},
        {"tokenizer.ggml.tokens", std::string("\x07\0\0\0\1", 5)},
        {"tokenizer.ggml.bos_token_id", std::string("\x07\0\0\0\1", 5)},
        {"tokenizer.ggml.token_type", tiny_with_text().keys["tokenizer.ggml.scores"]},
        {"tokenizer.ggml.scores", tiny_with_text().keys["tokenizer.ggml.tokens"]},
    };
    for (auto &row : rows) {
        Gguf g = tiny_with_text();
        g.keys[row.key] = row.value;
        llm_model *m = nullptr;
        FAILS(LLM_E_FORMAT, row.key, llm_model_load(&m, nullptr, folder.write("m.gguf", g.encode()).c_str(), nullptr));
        EXPECT_EQ(nullptr, m);
    }
    Gguf g = tiny_with_text();
    g.keys["tokenizer.ggml.scores"] =
        g.keys["tokenizer.ggml.scores"].substr(0, 8) + std::string("\1\0\0\0\0\0\0\0\0\0\0\0", 12);
    llm_model *m = nullptr;
    FAILS(LLM_E_FORMAT, "has 1 elements, expected 32",
          llm_model_load(&m, nullptr, folder.write("m.gguf", g.encode()).c_str(), nullptr));
}

TEST(ModelLoad, ProgressEndsAtOneAfterTheTokenizerAndMayStopAnywhere) {
    Folder folder;
    std::string path = folder.write("m.gguf", tiny_with_text().encode());
    std::vector<double> seen;
    llm_model_options o;
    llm_model_options_init(&o);
    o.progress_user = &seen;
    o.progress = [](void *user, double done) {
        static_cast<std::vector<double> *>(user)->push_back(done);
        return 0;
    };
    llm_model *m = nullptr;
    OK(llm_model_load(&m, nullptr, path.c_str(), &o));
    llm_model_unref(m);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(1.0, seen.back());
    EXPECT_EQ(1, std::count(seen.begin(), seen.end(), 1.0));
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    for (size_t stop = 0; stop < seen.size(); stop++) {
        size_t left = stop;
        o.progress_user = &left;
        o.progress = [](void *user, double) { return (*static_cast<size_t *>(user))-- ? 0 : -1; };
        FAILS(LLM_E_CALLBACK, "stopped", llm_model_load(&m, nullptr, path.c_str(), &o));
        EXPECT_EQ(nullptr, m);
    }
}

std::vector<float> all_logits(const std::string &path, const std::vector<llm_token> &ids, const char *backend,
                              int32_t pack) {
    llm_model_options o;
    llm_model_options_init(&o);
    o.backend = backend;
    o.pack_weights = pack;
    llm_model *m = nullptr;
    llm_sequence *s = nullptr;
    EXPECT_EQ(LLM_OK, llm_model_load(&m, nullptr, path.c_str(), &o)) << llm_last_error();
    Model model(m);
    Engine e = make_engine(m);
    EXPECT_EQ(LLM_OK, llm_sequence_create(&s, e.get()));
    Sequence owner(s);
    llm_model_info info = {};
    info.struct_size = sizeof info;
    llm_model_get_info(&info, m);
    std::vector<float> rows(ids.size() * static_cast<size_t>(info.n_vocab));
    for (int round = 0; round < 3; round++) { /* by then copies are packed */
        EXPECT_EQ(LLM_OK, llm_sequence_rewind(s, 0));
        EXPECT_EQ(LLM_OK, llm_sequence_eval(s, ids.data(), ids.size(), rows.data(), ids.size())) << llm_last_error();
    }
    return rows;
}

// safetensors asks for no alignment, and some writers give none.
TEST(ModelLoad, TensorsAtAnyByteOfAFileComputeTheSame) {
    for (const golden::File &file : golden::files()) {
        if (!std::filesystem::exists(file.path / "model.safetensors")) continue;
        SCOPED_TRACE(file.name);
        Folder folder;
        std::filesystem::copy(file.path / "config.json", folder.path + "/config.json");
        std::ifstream in(file.path / "model.safetensors", std::ios::binary);
        std::string bytes((std::istreambuf_iterator<char>(in)), {});
        uint64_t n_header = 0;
        memcpy(&n_header, bytes.data(), 8);
        std::vector<llm_token> ids = {1, 2, 3, 5, 8, 13, 21, 31};
        for (const char *backend : {"reference", "cpu"})
            for (int32_t pack : {0, 1}) {
                std::vector<float> expected = all_logits(file.path.string(), ids, backend, pack);
                for (uint64_t shift : {1, 2, 3}) {
                    uint64_t n = n_header + shift;
                    folder.write("model.safetensors", std::string(reinterpret_cast<const char *>(&n), 8) +
                                                          bytes.substr(8, n_header) + std::string(shift, ' ') +
                                                          bytes.substr(8 + n_header));
                    EXPECT_EQ(expected, all_logits(folder.path, ids, backend, pack)) << backend << shift;
                }
            }
    }
}

TEST(ModelInfo, StructuresOfAnotherSizeAreReadAndWrittenSafely) {
    Folder folder;
    Model m = load_model(folder.write("m.gguf", tiny_gguf().encode()));
    struct {
        llm_model_info info;
        int64_t newer[2];
    } larger = {};
    larger.info.struct_size = sizeof larger;
    larger.newer[0] = larger.newer[1] = 7;
    OK(llm_model_get_info(&larger.info, m.get()));
    EXPECT_EQ(2, larger.info.n_layers);
    EXPECT_EQ(0, larger.newer[0]);
    EXPECT_EQ(sizeof larger, larger.info.struct_size);
    llm_model_info info = {};
    FAILS(LLM_E_ARGUMENT, "struct_size is 0", llm_model_get_info(&info, m.get()));
}

TEST_F(Stories, InfoTensorsAndMetadata) {
    llm_model_info info = {};
    info.struct_size = sizeof info;
    OK(llm_model_get_info(&info, model.get()));
    EXPECT_STREQ("llama", info.arch);
    EXPECT_STREQ("gguf", info.format);
    EXPECT_STREQ("cpu", info.backend);
    EXPECT_EQ(stories.n_layers, info.n_layers);
    EXPECT_EQ(64, info.n_embd);
    EXPECT_EQ(512, info.n_vocab);
    EXPECT_EQ(512, info.n_ctx_train);
    EXPECT_EQ(99136, info.n_params);
    EXPECT_EQ(99136 * 4, info.n_bytes);
    EXPECT_EQ(LLM_DTYPE_F32, info.dtype);
    int64_t bytes = 0;
    for (int32_t i = 0; i < info.n_tensors; i++) {
        llm_tensor_info t = {};
        t.struct_size = sizeof t;
        OK(llm_model_get_tensor(&t, model.get(), i));
        EXPECT_EQ(t.shape[0] * t.shape[1] * t.shape[2] * t.shape[3] * 4, t.n_bytes);
        bytes += t.n_bytes;
    }
    EXPECT_EQ(info.n_bytes, bytes);
    llm_tensor_info t = {};
    t.struct_size = sizeof t;
    FAILS(LLM_E_ARGUMENT, "expected 0..", llm_model_get_tensor(&t, model.get(), info.n_tensors));
    llm_span key, value, found;
    for (int32_t i = 0; i < llm_model_meta_count(model.get()); i++) {
        OK(llm_model_get_meta(&key, &value, model.get(), i));
        OK(llm_model_find_meta(&found, model.get(), str(key).c_str()));
        EXPECT_EQ(str(value), str(found));
    }
    OK(llm_model_find_meta(&value, model.get(), "general.architecture"));
    EXPECT_EQ("llama", str(value));
    FAILS(LLM_E_NOT_FOUND, "no.such.key", llm_model_find_meta(&value, model.get(), "no.such.key"));
    FAILS(LLM_E_ARGUMENT, "expected 0..", llm_model_get_meta(&key, &value, model.get(), -1));
}

// The last user frees it, whichever that is.
TEST_F(Stories, ObjectsKeepWhatTheyNeed) {
    llm_tokenizer *t = llm_tokenizer_ref(const_cast<llm_tokenizer *>(tokenizer));
    model.reset();
    Result r = generate(generate_options(40));
    engine.reset();
    EXPECT_EQ(0u, text_of(r.get()).find(story)) << text_of(r.get());
    EXPECT_EQ(5u, encode(t, prompt, LLM_ENCODE_ADD_SPECIAL).size());
    llm_tokenizer_unref(t);
}

} // namespace
