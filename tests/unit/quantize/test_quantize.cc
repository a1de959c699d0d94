// llm_quantize: what it writes is the same model, in another type.
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "golden/golden.h"
#include "kernels/dtype.h"
#include "unit/api/api.h"

extern "C" {
#include "base/alloc.h"
#include "format/weights.h"
}

namespace {

std::vector<float> last_logits(llm_engine *e, const std::vector<llm_token> &ids, int32_t n_vocab) {
    llm_sequence *s = nullptr;
    std::vector<float> row(static_cast<size_t>(n_vocab));
    EXPECT_EQ(LLM_OK, llm_sequence_create(&s, e));
    Sequence owner(s);
    EXPECT_EQ(LLM_OK, llm_sequence_eval(s, ids.data(), ids.size(), row.data(), 1)) << llm_last_error();
    return row;
}

llm_dtype dtype_of(const llm_model *m, const std::string &name) {
    llm_model_info info = {};
    info.struct_size = sizeof info;
    llm_model_get_info(&info, m);
    for (int32_t i = 0; i < info.n_tensors; i++) {
        llm_tensor_info t = {};
        t.struct_size = sizeof t;
        llm_model_get_tensor(&t, m, i);
        if (str(t.name) == name) return t.dtype;
    }
    return -1;
}

size_t n_files(const std::string &folder) {
    size_t n = 0;
    for (auto &entry : std::filesystem::directory_iterator(folder)) n += entry.exists();
    return n;
}

/* Nothing is rounded below F32: neither activations nor the cache. */
Model load_exact(const std::string &path) {
    llm_model_options o;
    llm_model_options_init(&o);
    o.activation_dtype = LLM_DTYPE_F32;
    llm_model *m = nullptr;
    EXPECT_EQ(LLM_OK, llm_model_load(&m, nullptr, path.c_str(), &o)) << llm_last_error();
    return Model(m);
}

Engine make_exact_engine(llm_model *m) {
    llm_engine_options o;
    llm_engine_options_init(&o);
    o.kv_dtype = LLM_DTYPE_F32;
    llm_engine *e = nullptr;
    EXPECT_EQ(LLM_OK, llm_engine_create(&e, m, &o)) << llm_last_error();
    return Engine(e);
}

// Two models with the same weights, whatever types these are stored in: what is left is the rounding of F32 sums.
void expect_same_logits(const std::string &a, const std::string &b, const std::vector<llm_token> &ids) {
    std::vector<float> rows[2];
    llm_model_info info = {};
    info.struct_size = sizeof info;
    for (size_t i = 0; i < 2; i++) {
        Model m = load_exact(i ? b : a);
        ASSERT_NE(nullptr, m);
        OK(llm_model_get_info(&info, m.get()));
        rows[i] = last_logits(make_exact_engine(m.get()).get(), ids, info.n_vocab);
    }
    int64_t n_cols = std::max({info.n_embd, info.n_ff, info.n_heads * info.head_dim});
    EXPECT_LE(rounding::relative_gap(rows[0], rows[1]),
              rounding::of_logits(info.n_layers, std::sqrt(2.0) * rounding::of_sum(n_cols), 0));
}

// From Hugging Face: names, numbers, rotary order and tokenizer come out as GGUF's.
TEST_F(Stories, ADirectoryBecomesTheSameModelAsGguf) {
    Folder folder;
    std::string path = folder.path + "/out.gguf";
    OK(llm_quantize(nullptr, stories_hf.c_str(), path.c_str(), LLM_DTYPE_F32, nullptr));
    EXPECT_EQ(1u, n_files(folder.path));
    Model made = load_model(path);
    ASSERT_NE(nullptr, made);
    expect_same_logits(stories_gguf, path, encode(tokenizer, prompt, LLM_ENCODE_ADD_SPECIAL));
    const llm_tokenizer *t = llm_model_get_tokenizer(made.get());
    ASSERT_NE(nullptr, t);
    for (int32_t role = LLM_SPECIAL_BOS; role <= LLM_SPECIAL_UNK; role++)
        EXPECT_EQ(llm_tokenizer_special(tokenizer, role), llm_tokenizer_special(t, role)) << role;
    for (const char *text : {"Once upon a time, there was a little girl named Lily.", "", " two  spaces", "caf\xC3\xA9",
                             "line\nline", "a<s>b"})
        for (uint32_t flags = 0; flags < 4; flags++) {
            std::vector<llm_token> expected = encode(tokenizer, text, flags);
            EXPECT_EQ(expected, encode(t, text, flags)) << text;
            EXPECT_EQ(decode(tokenizer, expected, 0), decode(t, expected, 0));
        }
}

// Every family, type and rope scaling, from both forms, split and whole: the F32 copy computes the same.
TEST(Quantize, EveryGoldenModelKeepsItsLogits) {
    int n_made = 0;
    for (const golden::File &file : golden::files()) {
        SCOPED_TRACE(file.name);
        Folder folder;
        std::string out = folder.path + "/out.gguf";
        golden::Expected expected(file.expected);
        llm_status status = llm_quantize(nullptr, file.path.c_str(), out.c_str(), LLM_DTYPE_F32, nullptr);
        if (file.name == "qwen2_window_safetensors" || file.name == "qwen3_window_safetensors") {
            EXPECT_EQ(LLM_E_UNSUPPORTED, status) << "windows from one layer upward";
            EXPECT_FALSE(std::filesystem::exists(out));
            continue;
        }
        ASSERT_EQ(LLM_OK, status) << llm_last_error();
        EXPECT_EQ(LLM_DTYPE_F32, dtype_of(load_model(out).get(), "blk.0.attn_q.weight"));
        expect_same_logits(file.path, out, expected.tokens);
        n_made++;
    }
    EXPECT_GT(n_made, 30);
}

struct Weights {
    explicit Weights(const std::string &path) {
        llmi_weights_options o = {true, false};
        EXPECT_EQ(LLM_OK, llmi_weights_open(&w, &llmi_default_allocator, path.c_str(), &o)) << llm_last_error();
    }
    ~Weights() { llmi_weights_unref(w); }
    llmi_weights *w = nullptr;
};

// Each tensor of `to` is that of `from`: as it is, or taken to F32 and written in its own type.
void expect_converted(const std::string &from, const std::string &to) {
    Weights a(from), b(to);
    ASSERT_EQ(llmi_weights_tensor_count(a.w), llmi_weights_tensor_count(b.w));
    for (int32_t i = 0; i < llmi_weights_tensor_count(b.w); i++) {
        const llmi_tensor *made = llmi_weights_tensor_at(b.w, i);
        const llmi_tensor *source = llmi_weights_tensor(a.w, str(made->name).c_str());
        ASSERT_NE(nullptr, source);
        std::string expected(static_cast<const char *>(source->data), source->n_bytes);
        if (source->dtype != made->dtype) {
            int64_t n = source->shape[0] * source->shape[1] * source->shape[2] * source->shape[3];
            std::vector<float> values(static_cast<size_t>(n));
            llmk_dtype_get(source->dtype)->dequantize(values.data(), source->data, n);
            expected.resize(made->n_bytes);
            llmk_dtype_get(made->dtype)->quantize(&expected[0], values.data(), n);
        }
        EXPECT_TRUE(expected == std::string(static_cast<const char *>(made->data), made->n_bytes))
            << str(made->name) << ", " << llm_dtype_name(source->dtype) << " to " << llm_dtype_name(made->dtype);
    }
}

const llm_dtype dtypes[] = {LLM_DTYPE_F32,  LLM_DTYPE_F16,  LLM_DTYPE_BF16, LLM_DTYPE_Q8_0, LLM_DTYPE_Q4_0,
                            LLM_DTYPE_Q4_1, LLM_DTYPE_Q5_0, LLM_DTYPE_Q5_1, LLM_DTYPE_Q2_K, LLM_DTYPE_Q3_K,
                            LLM_DTYPE_Q4_K, LLM_DTYPE_Q5_K, LLM_DTYPE_Q6_K};

TEST_F(Stories, EveryTypeToEveryTypeWritesTheSourcesWeights) {
    Folder folder;
    std::vector<llm_token> ids = encode(tokenizer, prompt, LLM_ENCODE_ADD_SPECIAL);
    std::string first = folder.path + "/first.gguf", second = folder.path + "/second.gguf";
    for (llm_dtype from : dtypes) {
        SCOPED_TRACE(llm_dtype_name(from));
        OK(llm_quantize(nullptr, stories_gguf.c_str(), first.c_str(), from, nullptr));
        expect_converted(stories_gguf, first);
        for (llm_dtype to : dtypes) {
            OK(llm_quantize(nullptr, first.c_str(), second.c_str(), to, nullptr));
            expect_converted(first, second);
        }
        OK(llm_quantize(nullptr, first.c_str(), second.c_str(), LLM_DTYPE_F32, nullptr));
        expect_same_logits(first, second, ids);
    }
}

// Rows of 256: the types of large blocks are really used, from each to each.
TEST(Quantize, LargeBlocksAreWrittenWhereTheyFit) {
    for (const golden::File &file : golden::files()) {
        if (file.storage != golden::QUANTIZED) continue;
        for (llm_dtype dtype : {LLM_DTYPE_Q2_K, LLM_DTYPE_Q3_K, LLM_DTYPE_Q4_K, LLM_DTYPE_Q5_K, LLM_DTYPE_Q6_K}) {
            SCOPED_TRACE(file.name + " to " + llm_dtype_name(dtype));
            Folder folder;
            std::string out = folder.path + "/out.gguf";
            OK(llm_quantize(nullptr, file.path.c_str(), out.c_str(), dtype, nullptr));
            Model m = load_model(out);
            ASSERT_NE(nullptr, m);
            EXPECT_EQ(dtype, dtype_of(m.get(), "blk.0.attn_q.weight"));
            expect_converted(file.path, out);
        }
    }
}

TEST_F(Stories, ATypeWrittenAgainIsTheSameFile) {
    Folder folder;
    std::string first = folder.path + "/first.gguf", second = folder.path + "/second.gguf";
    for (llm_dtype dtype : {LLM_DTYPE_F32, LLM_DTYPE_Q8_0}) {
        OK(llm_quantize(nullptr, stories_gguf.c_str(), first.c_str(), dtype, nullptr));
        OK(llm_quantize(nullptr, first.c_str(), second.c_str(), dtype, nullptr));
        OK(llm_quantize(nullptr, second.c_str(), first.c_str(), dtype, nullptr)); /* over an old one */
        auto bytes = [](const std::string &path) {
            std::ifstream f(path, std::ios::binary);
            return std::string(std::istreambuf_iterator<char>(f), {});
        };
        EXPECT_EQ(bytes(second), bytes(first));
    }
}

TEST(Quantize, RowsThatDoNotDivideFallBack) {
    Folder folder;
    std::string in = folder.write("in.gguf", tiny_gguf().encode()), out = folder.path + "/out.gguf";
    OK(llm_quantize(nullptr, in.c_str(), out.c_str(), LLM_DTYPE_Q4_K, nullptr));
    Model m = load_model(out);
    ASSERT_NE(nullptr, m);
    EXPECT_EQ(LLM_DTYPE_F16, dtype_of(m.get(), "blk.0.attn_q.weight")) << "rows of 16";
    EXPECT_EQ(LLM_DTYPE_F32, dtype_of(m.get(), "blk.0.attn_norm.weight"));
}

TEST_F(Stories, TheHeadHasATypeOfItsOwn) {
    Folder folder;
    std::string out = folder.path + "/out.gguf";
    llm_quantize_options o;
    llm_quantize_options_init(&o);
    OK(llm_quantize(nullptr, stories_gguf.c_str(), out.c_str(), LLM_DTYPE_Q4_0, &o));
    EXPECT_EQ(LLM_DTYPE_Q8_0, dtype_of(load_model(out).get(), "token_embd.weight")) << "Q6_K does not divide 64";
    EXPECT_EQ(LLM_DTYPE_Q4_0, dtype_of(load_model(out).get(), "blk.0.attn_q.weight"));
    o.output_dtype = LLM_DTYPE_F16;
    OK(llm_quantize(nullptr, stories_gguf.c_str(), out.c_str(), LLM_DTYPE_Q4_0, &o));
    EXPECT_EQ(LLM_DTYPE_F16, dtype_of(load_model(out).get(), "token_embd.weight"));
}

TEST(Quantize, AnyArchitectureAndItsMetadataPassThrough) {
    Folder folder;
    Gguf g = tiny_with_text("novel");
    g.set_string("novel.note", "kept");
    g.set_int("split.count", 0);
    g.set_ints("novel.list", {1, 2, 3});
    std::string in = folder.write("in.gguf", g.encode()), out = folder.path + "/out.gguf";
    OK(llm_quantize(nullptr, in.c_str(), out.c_str(), LLM_DTYPE_F16, nullptr));
    llm_model_options o;
    llm_model_options_init(&o);
    o.tokenizer_only = 1;
    llm_model *loaded = nullptr;
    OK(llm_model_load(&loaded, nullptr, out.c_str(), &o));
    Model m(loaded);
    llm_span value;
    OK(llm_model_find_meta(&value, loaded, "novel.note"));
    EXPECT_EQ("kept", str(value));
    OK(llm_model_find_meta(&value, loaded, "novel.list"));
    EXPECT_EQ("[3 values of i32]", str(value));
    EXPECT_EQ(LLM_E_NOT_FOUND, llm_model_find_meta(&value, loaded, "split.count"));
    EXPECT_EQ(32, llm_tokenizer_size(llm_model_get_tokenizer(loaded)));
}

TEST_F(Stories, AFailureLeavesNoFileAndAnOldOneAsItWas) {
    Folder folder;
    std::string out = folder.write("out.gguf", "old");
    llm_quantize_options o;
    llm_quantize_options_init(&o);
    for (int stop = 0; stop < 6; stop++) {
        int left = stop;
        o.progress_user = &left;
        o.progress = [](void *user, double) { return (*static_cast<int *>(user))-- > 0 ? 0 : -1; };
        FAILS(LLM_E_CALLBACK, "stopped", llm_quantize(nullptr, stories_gguf.c_str(), out.c_str(), LLM_DTYPE_Q8_0, &o));
        EXPECT_EQ(1u, n_files(folder.path));
        EXPECT_EQ(3u, std::filesystem::file_size(out));
    }
    EXPECT_EQ(LLM_E_NOT_FOUND, llm_quantize(nullptr, "/nonexistent/in", out.c_str(), LLM_DTYPE_F16, nullptr));
    EXPECT_EQ(LLM_E_NOT_FOUND,
              llm_quantize(nullptr, stories_gguf.c_str(), "/nonexistent/out.gguf", LLM_DTYPE_F16, nullptr));
    FAILS(LLM_E_ARGUMENT, "dtype is 77", llm_quantize(nullptr, stories_gguf.c_str(), out.c_str(), 77, nullptr));
    FAILS(LLM_E_ARGUMENT, "dtype is -1", llm_quantize(nullptr, stories_gguf.c_str(), out.c_str(), -1, nullptr));
    o.output_dtype = 5;
    FAILS(LLM_E_ARGUMENT, "output_dtype is 5",
          llm_quantize(nullptr, stories_gguf.c_str(), out.c_str(), LLM_DTYPE_F16, &o));
    EXPECT_EQ(3u, std::filesystem::file_size(out));
}

const char *const tiny_model = LLM_SOURCE_DIR "/examples/models/tiny-reasoner.gguf";

struct Step {
    std::string path;
    int n;
};

// The file is mapped: without a guard this is a SIGBUS.
TEST(Quantize, AnInputThatBecomesShorterIsAnError) {
    for (llm_dtype dtype : {LLM_DTYPE_F16, LLM_DTYPE_Q8_0, LLM_DTYPE_F32}) {
        Folder folder;
        Step step = {folder.path + "/in.gguf", 0};
        std::filesystem::copy_file(tiny_model, step.path);
        std::string out = folder.path + "/out.gguf";
        llm_quantize_options o;
        llm_quantize_options_init(&o);
        o.progress_user = &step;
        o.progress = [](void *user, double) {
            auto *s = static_cast<Step *>(user);
            return s->n++ == 3 ? truncate(s->path.c_str(), 0) : 0;
        };
        FAILS(LLM_E_IO, "in.gguf: became shorter while tensor",
              llm_quantize(nullptr, step.path.c_str(), out.c_str(), dtype, &o));
        EXPECT_EQ(1u, n_files(folder.path));
    }
}

TEST(Quantize, TheModelThatIsReadIsNotReplaced) {
    Folder folder;
    std::string in = folder.path + "/in.gguf", hard = folder.path + "/hard.gguf", soft = folder.path + "/soft.gguf";
    std::filesystem::copy_file(tiny_model, in);
    ASSERT_EQ(0, link(in.c_str(), hard.c_str()));
    ASSERT_EQ(0, symlink("in.gguf", soft.c_str()));
    for (const std::string &out : {in, hard, soft, folder.path + "/./in.gguf"})
        FAILS(LLM_E_ARGUMENT, "is a file of the model that is read",
              llm_quantize(nullptr, in.c_str(), out.c_str(), LLM_DTYPE_F16, nullptr));
    EXPECT_EQ(std::filesystem::file_size(tiny_model), std::filesystem::file_size(in));

    std::filesystem::copy(LLM_SOURCE_DIR "/tests/golden/data/llama", folder.path + "/hf");
    for (const char *name : {"config.json", "model.safetensors"})
        FAILS(LLM_E_ARGUMENT, "is a file of the model that is read",
              llm_quantize(nullptr, (folder.path + "/hf").c_str(), (folder.path + "/hf/" + name).c_str(), LLM_DTYPE_F16,
                           nullptr));
}

TEST(Quantize, OnlyARegularFileIsReplaced) {
    Folder folder;
    std::string fifo = folder.path + "/fifo";
    ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
    for (const std::string &out : {fifo, folder.path, std::string("/dev/null"), std::string("/dev/full")})
        FAILS(LLM_E_IO, "expected a regular file",
              llm_quantize(nullptr, tiny_model, out.c_str(), LLM_DTYPE_F16, nullptr));
    EXPECT_EQ(1u, n_files(folder.path));
}

TEST_F(Stories, ProgressRisesToOne) {
    Folder folder;
    std::vector<double> seen;
    llm_quantize_options o;
    llm_quantize_options_init(&o);
    o.progress_user = &seen;
    o.progress = [](void *user, double done) {
        static_cast<std::vector<double> *>(user)->push_back(done);
        return 0;
    };
    OK(llm_quantize(nullptr, stories_gguf.c_str(), (folder.path + "/x").c_str(), LLM_DTYPE_F16, &o));
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_EQ(1.0, seen.back());
}

} // namespace
