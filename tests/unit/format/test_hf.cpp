#include <cmath>
#include <thread>

#include "unit/format/reader.h"

namespace {

std::string shard(const std::vector<std::string> &names) {
    std::string header = "{";
    for (size_t i = 0; i < names.size(); i++)
        header += (i ? ",\"" : "\"") + names[i] + R"(":{"dtype":"F32","shape":[1],"data_offsets":[)" +
                  std::to_string(i * 4) + "," + std::to_string(i * 4 + 4) + "]}";
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    return safetensors(header, std::string(names.size() * 4, 'x'));
}

class Hf : public ::testing::Test {
  protected:
    void SetUp() override { folder.write("config.json", R"({"model_type":"test","a":{"b":[1,2],"c":null}})"); }
    void index(const std::string &map) {
        folder.write("model.safetensors.index.json", R"({"metadata":{"total_size":1},"weight_map":)" + map + "}");
    }
    void two_shards() {
        folder.write("s1.safetensors", shard({"a", "b"}));
        folder.write("s2.safetensors", shard({"c"}));
        index(R"({"a":"s1.safetensors","c":"s2.safetensors","b":"s1.safetensors"})");
    }
    void refused(llm_status want, const std::string &says, const std::string &what) {
        for (bool use_mmap : {false, true}) {
            llm_status status = f.open(folder.path, use_mmap);
            expect_error(want, says, status, what);
            EXPECT_NE(nullptr, strstr(llm_last_error(), folder.path.c_str())) << llm_last_error();
        }
    }
    Folder folder;
    Weights f;
};

TEST_F(Hf, OneFileOrShardsByIndexOrTheOnlyFile) {
    folder.write("other.safetensors", shard({"x"}));
    ASSERT_EQ(LLM_OK, f.open(folder.path)) << llm_last_error();
    EXPECT_NE(nullptr, llmi_weights_tensor(f.w, "x"));
    two_shards();
    ASSERT_EQ(LLM_OK, f.open(folder.path + "/")) << llm_last_error();
    EXPECT_EQ(3, llmi_weights_tensor_count(f.w));
    for (const char *name : {"a", "b", "c"}) EXPECT_NE(nullptr, llmi_weights_tensor(f.w, name)) << name;
    EXPECT_EQ(nullptr, llmi_weights_tensor(f.w, "x"));
    folder.write("model.safetensors", shard({"m"}));
    ASSERT_EQ(LLM_OK, f.open(folder.path)) << llm_last_error();
    EXPECT_EQ(1, llmi_weights_tensor_count(f.w));
    EXPECT_EQ(LLMI_FORMAT_SAFETENSORS, llmi_weights_format(f.w));
}

TEST_F(Hf, MetadataOnlyNeedsNoWeights) {
    ASSERT_EQ(LLM_OK, f.open(folder.path, true, true)) << llm_last_error();
    EXPECT_EQ(0, llmi_weights_tensor_count(f.w));
    EXPECT_EQ("test", f.text("model_type"));
}

TEST_F(Hf, ConfigIsReadByDottedPath) {
    folder.write("config.json", R"({"i":-5,"r":1e-5,"t":true,"s":"x\u0000y","z":null,"big":9223372036854775807,)"
                                R"("o":{"p":{"q":3}},"e":{},"l":[1,2,3],"u":"é"})");
    folder.write("model.safetensors", shard({"x"}));
    ASSERT_EQ(LLM_OK, f.open(folder.path)) << llm_last_error();
    int64_t i;
    double x;
    bool truth;
    llm_span s;
    llmi_meta_array l;
    EXPECT_EQ(LLM_OK, llmi_weights_get_int(&i, f.w, "o.p.q", 0, 9));
    EXPECT_EQ(3, i);
    EXPECT_EQ(LLM_OK, llmi_weights_get_int(&i, f.w, "big", 0, INT64_MAX));
    EXPECT_EQ(INT64_MAX, i);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "i"));
    EXPECT_EQ(-5.0, x);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "r"));
    EXPECT_EQ(1e-5, x);
    EXPECT_EQ(LLM_OK, llmi_weights_get_bool(&truth, f.w, "t"));
    EXPECT_TRUE(truth);
    EXPECT_EQ(LLM_OK, llmi_weights_get_string(&s, f.w, "s"));
    EXPECT_EQ(std::string("x\0y", 3), std::string(s.ptr, s.len));
    expect_error(LLM_E_NOT_FOUND, "\"z\" is missing", llmi_weights_get_int(&i, f.w, "z", 0, 1), "null");
    EXPECT_FALSE(llmi_weights_has(f.w, "z"));
    EXPECT_FALSE(llmi_weights_has(f.w, "e"));
    EXPECT_TRUE(llmi_weights_has(f.w, "l"));
    expect_error(LLM_E_FORMAT, "of a GGUF file", llmi_weights_get_array(&l, f.w, "l"), "array");
    expect_error(LLM_E_FORMAT, "key \"t\" is \"true\" of type bool, expected an integer",
                 llmi_weights_get_int(&i, f.w, "t", 0, 1), "bool");
    EXPECT_EQ("[3 values]", f.text("l"));
    EXPECT_EQ("1e-5", f.text("r"));
    EXPECT_EQ("null", f.text("z"));
    EXPECT_TRUE(llmi_json_is(llmi_weights_config(f.w), LLMI_JSON_OBJECT));
}

TEST_F(Hf, ConfigIsReadAsPythonReadsIt) {
    folder.write("model.safetensors", shard({"x"}));
    folder.write("config.json", "\xEF\xBB\xBF \n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                                R"({"a":1,"a":2,"max":18446744073709551615,"len":1000000000000000019884624838656,)"
                                R"("x":NaN,"y":-Infinity,"n\u0000l":true})");
    ASSERT_EQ(LLM_OK, f.open(folder.path)) << llm_last_error();
    int64_t i;
    double x;
    EXPECT_EQ(LLM_OK, llmi_weights_get_int(&i, f.w, "a", 0, 9));
    EXPECT_EQ(2, i);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "len"));
    EXPECT_EQ(1e30, x);
    EXPECT_EQ("1000000000000000019884624838656", f.text("len"));
    expect_error(LLM_E_FORMAT, "key \"max\" is 18446744073709551615, expected 0..9",
                 llmi_weights_get_int(&i, f.w, "max", 0, 9), "2^64 - 1");
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "y"));
    EXPECT_EQ(-INFINITY, x);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "x"));
    EXPECT_TRUE(std::isnan(x));
}

TEST_F(Hf, NamesMayBeEmpty) { /* found by fuzzing */
    for (const char *text : {R"({"":true})", R"({"":{"":true}})"}) {
        folder.write("config.json", text);
        ASSERT_EQ(LLM_OK, f.open(folder.path, true, true)) << llm_last_error();
        bool truth = false;
        EXPECT_EQ(LLM_OK, llmi_weights_get_bool(&truth, f.w, strlen(text) > 10 ? "." : "")) << llm_last_error();
        EXPECT_TRUE(truth);
    }
}

TEST_F(Hf, KeysThatMeetAsPathsAreRefused) {
    folder.write("config.json", R"({"a":{"b":1},"a.b":2})");
    refused(LLM_E_NOT_FOUND, "no *.safetensors", "no weights yet");
    folder.write("model.safetensors", shard({"x"}));
    refused(LLM_E_FORMAT, "key \"a.b\" occurs twice", "paths");
}

TEST_F(Hf, BadConfigsAreRefused) {
    folder.write("model.safetensors", shard({"x"}));
    const struct {
        std::string text;
        llm_status status;
        const char *says;
    } rows[] = {
        {"", LLM_E_FORMAT, "config.json: expected a JSON object, but the file is empty"},
        {"[1]", LLM_E_FORMAT, "config.json"},
        {" [{}]", LLM_E_FORMAT, "config.json: expected a JSON object"},
        {"{\"a\":", LLM_E_FORMAT, "config.json: line 1"},
        {"version https://git-lfs.github.com/spec/v1\n", LLM_E_FORMAT, "git lfs pull"},
        {"<html>", LLM_E_FORMAT, "HTML page"},
        {"{\"a\":" + std::string(1000, '[') + std::string(1000, ']') + "}", LLM_E_LIMIT, "nested deeper"},
        {"{\"" + std::string(5000, 'k') + "\":{\"a\":1}}", LLM_E_LIMIT, "member names are longer"},
    };
    for (auto &row : rows) {
        folder.write("config.json", row.text);
        refused(row.status, row.says, row.text.substr(0, 40));
    }
    unlink((folder.path + "/config.json").c_str());
    ASSERT_EQ(0, mkfifo((folder.path + "/config.json").c_str(), 0600));
    refused(LLM_E_IO, "is a pipe", "fifo");
}

TEST_F(Hf, LongPathsDoNotAddUp) { /* the square of the file's size would be 100 GB */
    std::string text;
    for (int i = 0; i < 100; i++) text += "{\"" + std::string(40, 'k') + "\":";
    text += "{\"x\":0";
    for (int i = 0; i < 30000; i++) text += ",\"x" + std::to_string(i) + "\":0";
    text += "}" + std::string(100, '}');
    folder.write("config.json", text);
    folder.write("model.safetensors", shard({"x"}));
    refused(LLM_E_LIMIT, "in all", "deep and wide");
}

TEST_F(Hf, IncompleteFoldersSayWhatIsMissing) {
    refused(LLM_E_NOT_FOUND, "no *.safetensors beside config.json", "no weights");
    folder.write("pytorch_model.bin", "x");
    refused(LLM_E_UNSUPPORTED, "the weights are pickled (\"pytorch_model.bin\")", "pickle");
    folder.write("one.safetensors", shard({"a"}));
    folder.write("two.safetensors", shard({"b"}));
    refused(LLM_E_NOT_FOUND, "2 files *.safetensors, but no model.safetensors.index.json", "no index");
    unlink((folder.path + "/config.json").c_str());
    refused(LLM_E_NOT_FOUND, "it needs config.json beside its *.safetensors", "no config");
    folder.write("m.gguf", good_gguf().encode());
    refused(LLM_E_NOT_FOUND, "it holds \"m.gguf\": give the path of that file", "gguf");
}

TEST_F(Hf, ShardNamesArePlainFileNames) {
    two_shards();
    std::filesystem::create_directory(folder.path + "/sub");
    folder.write("sub/x.safetensors", shard({"a"}));
    for (const char *name : {"../x.safetensors", "/etc/passwd", "sub/x.safetensors", "sub\\\\x", ".", "..", "",
                             "./s1.safetensors", "s1.safetensors/"}) {
        index(std::string(R"({"a":")") + name + "\"}");
        refused(LLM_E_FORMAT, "is not a plain file name", name);
        EXPECT_NE(nullptr, strstr(llm_last_error(), "\"weight_map\": the file of \"a\"")) << llm_last_error();
    }
    index(R"({"a":"s1.safetensors\u0000.x"})");
    refused(LLM_E_FORMAT, "\"weight_map\": the file of \"a\" is not a file name", "NUL");
    index(R"({"a":5})");
    refused(LLM_E_FORMAT, "is not a file name", "number");
    index(R"({"a":"sub"})");
    refused(LLM_E_IO, "is a directory", "directory");
    index(R"({"a":"gone.safetensors"})");
    refused(LLM_E_NOT_FOUND, "gone.safetensors", "missing shard");
}

TEST_F(Hf, IndexMustAgreeWithItsShards) {
    two_shards();
    index(R"({"a":"s1.safetensors","zz":"s1.safetensors","yy":"s1.safetensors"})");
    ASSERT_EQ(LLM_OK, f.open(folder.path)) << llm_last_error();
    EXPECT_STREQ("model.safetensors.index.json names 2 tensors that are in no file, such as zz",
                 llmi_weights_note(f.w));
    folder.write("s2.safetensors", shard({"a"}));
    index(R"({"a":"s1.safetensors","b":"s2.safetensors"})");
    refused(LLM_E_FORMAT, "tensor \"a\" occurs twice", "twice");
    folder.write("s2.safetensors", "version https://git-lfs.github.com/spec/v1\n");
    index(R"({"a":"s1.safetensors","c":"s2.safetensors"})");
    refused(LLM_E_FORMAT, "git lfs pull", "pointer");
    EXPECT_NE(nullptr, strstr(llm_last_error(), "s2.safetensors")) << llm_last_error();
    for (const char *text : {"{}", R"({"weight_map":[]})", R"({"weight_map":null})"}) {
        folder.write("model.safetensors.index.json", text);
        refused(LLM_E_FORMAT, ", expected an object", text);
    }
    folder.write("model.safetensors.index.json", "{\"weight_map\":{");
    refused(LLM_E_FORMAT, "model.safetensors.index.json: line 1", "syntax");
}

TEST_F(Hf, SideFilesAreOpenedOnceAndStay) {
    folder.write("model.safetensors", shard({"x"}));
    folder.write("tokenizer.json", "{}");
    folder.write("empty.txt", "");
    ASSERT_EQ(LLM_OK, f.open(folder.path));
    llm_span first, again, other;
    ASSERT_EQ(LLM_OK, llmi_weights_side_file(&first, f.w, "tokenizer.json"));
    EXPECT_EQ("{}", std::string(first.ptr, first.len));
    unlink((folder.path + "/tokenizer.json").c_str());
    ASSERT_EQ(LLM_OK, llmi_weights_side_file(&again, f.w, "tokenizer.json"));
    EXPECT_EQ(first.ptr, again.ptr);
    ASSERT_EQ(LLM_OK, llmi_weights_side_file(&other, f.w, "empty.txt"));
    EXPECT_EQ(0u, other.len);
    std::filesystem::create_directory(folder.path + "/sub");
    folder.write("sub/x.json", "[1]");
    ASSERT_EQ(LLM_OK, llmi_weights_side_file(&other, f.w, "sub/x.json"));
    EXPECT_EQ("[1]", std::string(other.ptr, other.len));
    EXPECT_EQ(LLM_E_NOT_FOUND, llmi_weights_side_file(&other, f.w, "none/x.json"));
    for (const char *name : {"../sub/x.json", "/etc/passwd", "sub/../x", "./x.json"})
        EXPECT_EQ(LLM_E_FORMAT, llmi_weights_side_file(&other, f.w, name)) << name;
    EXPECT_EQ(LLM_E_NOT_FOUND, llmi_weights_side_file(&other, f.w, "none.json"));
    EXPECT_EQ(LLM_E_FORMAT, llmi_weights_side_file(&other, f.w, "../x"));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            llm_span span;
            for (const char *name : {"config.json", "tokenizer.json", "empty.txt"})
                EXPECT_EQ(LLM_OK, llmi_weights_side_file(&span, f.w, name));
        });
    for (auto &t : threads) t.join();
}

TEST_F(Hf, SideFilesThatAreSomethingElseAreNamed) {
    folder.write("model.safetensors", shard({"x"}));
    const struct {
        const char *text, *says;
    } rows[] = {
        {"version https://git-lfs.github.com/spec/v1\noid", "tokenizer.json: expected JSON: this is a Git LFS pointer"},
        {"<!DOCTYPE html>", "HTML page"},
        {"Access to model a/b is restricted", "a gated model needs an account"},
        {"Entry not found", "error page of a download"},
        {"", "the file is empty"},
    };
    for (auto &row : rows) {
        folder.write("tokenizer.json", row.text);
        ASSERT_EQ(LLM_OK, f.open(folder.path));
        llm_span text;
        expect_error(LLM_E_FORMAT, row.says, llmi_weights_side_file(&text, f.w, "tokenizer.json"), row.text);
    }
}

TEST_F(Hf, FoldersThatAreNoModelSayWhatTheyAre) {
    auto only = [&](const std::vector<std::string> &names) {
        std::filesystem::remove_all(folder.path);
        for (const std::string &name : names) {
            std::filesystem::create_directories(std::filesystem::path(folder.path + "/" + name).parent_path());
            folder.write(name, name.find(".json") == std::string::npos ? "x" : "{\"model_type\":\"test\"}");
        }
    };
    const struct {
        std::vector<std::string> names;
        llm_status status;
        std::string says;
    } rows[] = {
        {{"adapter_config.json", "adapter_model.safetensors"}, LLM_E_UNSUPPORTED, "this is an adapter (PEFT, LoRA)"},
        {{"config.json", "adapter_config.json", "adapter_model.safetensors"}, LLM_E_UNSUPPORTED, "this is an adapter"},
        {{"snapshots/abc/config.json"}, LLM_E_NOT_FOUND, "give the path \"" + folder.path + "/snapshots/abc\""},
        {{"snapshots/abc/config.json", "snapshots/x/config.json", "refs/main"},
         LLM_E_NOT_FOUND,
         "give the path \"" + folder.path + "/snapshots/x\""},
        {{"models--a--b/snapshots/abc/config.json"}, LLM_E_NOT_FOUND, "/models--a--b/snapshots/..."},
        {{"params.json", "tekken.json", "consolidated.safetensors"}, LLM_E_UNSUPPORTED, "authors' own form"},
        {{"config.json", "consolidated.safetensors"}, LLM_E_UNSUPPORTED, "consolidated.safetensors has the weights"},
        {{"model.onnx"}, LLM_E_UNSUPPORTED, "ONNX"},
        {{"config.json", "model.onnx"}, LLM_E_UNSUPPORTED, "the weights are of ONNX (\"model.onnx\")"},
        {{"config.json", "m.gguf"}, LLM_E_UNSUPPORTED, "the weights are GGUF (\"m.gguf\"): give the path of that file"},
        {{"tokenizer.json"}, LLM_E_UNSUPPORTED, "it contains a tokenizer, but no model"},
    };
    for (auto &row : rows) {
        only(row.names);
        refused(row.status, row.says, row.names[0]);
    }
}

TEST_F(Hf, TokenizersThatAreNotReadAreFound) {
    folder.write("model.safetensors", shard({"x"}));
    ASSERT_EQ(LLM_OK, f.open(folder.path));
    EXPECT_EQ(nullptr, llmi_weights_other_tokenizer(f.w));
    folder.write("tokenizer.model", "x");
    EXPECT_STREQ("tokenizer.model", llmi_weights_other_tokenizer(f.w));
}

/* What is not a model is refused before all of it is read: a file larger than memory, of holes. */
TEST_F(Hf, BytesThatAreNoModelAreNotReadWhole) {
    std::string gguf = folder.write("m.gguf", "PK\x03\x04 and so on"), weights = folder.write("model.safetensors", "x");
    for (const std::string &path : {gguf, weights}) std::filesystem::resize_file(path, (uintmax_t)1 << 40);
    expect_error(LLM_E_FORMAT, "this is a zip archive", f.open(gguf, false), "gguf");
    expect_error(LLM_E_FORMAT, "expected a safetensors file", f.open(folder.path, false), "safetensors");
}

TEST_F(Hf, FolderMayBeRenamedWhileOpen) {
    folder.write("model.safetensors", shard({"x"}));
    folder.write("tokenizer.json", "{}");
    std::string moved = folder.path + "/moved";
    std::filesystem::create_directory(folder.path + "/m");
    for (const char *name : {"config.json", "model.safetensors", "tokenizer.json"})
        std::filesystem::rename(folder.path + "/" + name, folder.path + "/m/" + name);
    ASSERT_EQ(LLM_OK, f.open(folder.path + "/m")) << llm_last_error();
    std::filesystem::rename(folder.path + "/m", moved);
    llm_span span;
    EXPECT_EQ(LLM_OK, llmi_weights_side_file(&span, f.w, "tokenizer.json"));
}

TEST_F(Hf, EachAllocationMayFail) {
    two_shards();
    folder.write("tokenizer.json", "{}");
    for (int fail_at = 0;; fail_at++) {
        Counting counting;
        counting.fail_at = fail_at;
        llm_status status;
        {
            Weights w;
            llm_span span;
            status = w.open(folder.path, fail_at % 2, false, &counting.allocator);
            if (status == LLM_OK) status = llmi_weights_side_file(&span, w.w, "tokenizer.json");
        }
        ASSERT_EQ(0, counting.alive) << fail_at;
        if (status == LLM_OK) break;
        ASSERT_EQ(LLM_E_MEMORY, status) << fail_at << ": " << llm_last_error();
    }
}

TEST_F(Hf, NoDescriptorIsLeftOpen) {
    auto n_open = [] {
        int n = 0;
        for (auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) n += !entry.path().empty();
        return n;
    };
    two_shards();
    int before = n_open();
    ASSERT_EQ(LLM_OK, f.open(folder.path));
    f.close();
    index("{\"a\":\"none\"}");
    for (int i = 0; i < 3; i++) EXPECT_NE(LLM_OK, f.open(folder.path));
    folder.write("m-00001-of-00002.gguf", GgufFile().encode());
    EXPECT_EQ(LLM_OK, f.open(folder.path + "/m-00001-of-00002.gguf"));
    f.close();
    EXPECT_EQ(before, n_open());
}

} // namespace
