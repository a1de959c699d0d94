#include <functional>
#include <limits>
#include <memory>

#include "unit/format/reader.h"

namespace {

llm_status parse(const std::string &bytes, bool metadata_only = false) {
    return Weights().parse(bytes, LLMI_FORMAT_GGUF, metadata_only);
}

TEST(Gguf, GoodFileGivesItsTensorsAndKeys) {
    for (uint32_t version : {2u, 3u}) {
        for (bool use_mmap : {false, true}) {
            Folder folder;
            Weights f;
            GgufFile g = good_gguf();
            g.version = version;
            std::string path = folder.write("m.gguf", g.encode());
            ASSERT_EQ(LLM_OK, f.open(path, use_mmap)) << llm_last_error();
            EXPECT_EQ(LLMI_FORMAT_GGUF, llmi_weights_format(f.w));
            EXPECT_EQ(path, llmi_weights_path(f.w));
            ASSERT_EQ(3, llmi_weights_tensor_count(f.w));
            for (size_t i = 0; i < 3; i++) {
                const llmi_tensor *t = llmi_weights_tensor(f.w, g.infos[i].name.c_str());
                ASSERT_EQ(t, llmi_weights_tensor_at(f.w, (int)i));
                EXPECT_EQ((int)g.infos[i].shape.size(), t->n_dims);
                EXPECT_EQ((int)g.infos[i].dtype, t->dtype);
                for (size_t d = 0; d < 4; d++)
                    EXPECT_EQ(d < g.infos[i].shape.size() ? (int64_t)g.infos[i].shape[d] : 1, t->shape[d]);
                ASSERT_EQ(g.infos[i].n_bytes, t->n_bytes);
                EXPECT_EQ(0, memcmp(t->data, g.data.data() + g.infos[i].offset, t->n_bytes));
                EXPECT_EQ(0u, (uintptr_t)t->data % 32);
            }
            EXPECT_EQ(nullptr, llmi_weights_tensor(f.w, "none"));
            EXPECT_EQ(nullptr, llmi_weights_tensor_at(f.w, -1));
            EXPECT_EQ(nullptr, llmi_weights_tensor_at(f.w, 3));
            EXPECT_EQ("[2 values of string]", f.text("a.names"));
            EXPECT_EQ("test", f.text("general.architecture"));
            EXPECT_EQ(nullptr, llmi_weights_config(f.w));
            llm_span span;
            EXPECT_EQ(LLM_E_NOT_FOUND, llmi_weights_side_file(&span, f.w, "tokenizer.json"));
        }
    }
}

/* Written by the Python package gguf (tests/fuzz/make_corpus.py). */
TEST(Gguf, ValuesWrittenByThePythonPackage) {
    Weights f;
    ASSERT_EQ(LLM_OK, f.open(LLM_SOURCE_DIR "/tests/fuzz/corpus/gguf/values")) << llm_last_error();
    const char *rows[][2] = {{"u8", "200"},
                             {"i8", "-100"},
                             {"u16", "60000"},
                             {"i16", "-30000"},
                             {"u32", "4000000000"},
                             {"i32", "-2000000000"},
                             {"f32", "0.1"},
                             {"bool", "true"},
                             {"u64", "18446744073709551615"},
                             {"i64", "-9223372036854775808"},
                             {"f64", "1e+300"},
                             {"array.strings", "[3 values of string]"},
                             {"array.floats", "[2 values of f32]"},
                             {"array.bools", "[2 values of bool]"}};
    for (auto &row : rows) EXPECT_EQ(row[1], f.text(row[0])) << row[0];
    EXPECT_EQ(std::string("héllo \n\x00 \U0001f600", 14), f.text("string"));
    llmi_meta_array array;
    ASSERT_EQ(LLM_OK, llmi_weights_get_array(&array, f.w, "array.strings"));
    EXPECT_EQ(LLMI_META_STRING, array.type);
    EXPECT_EQ(str("a") + str("") + str("ccc"), std::string((const char *)array.data, array.n_bytes));
}

TEST(Gguf, EveryTypeWrittenByThePythonPackage) {
    Weights f;
    ASSERT_EQ(LLM_OK, f.open(LLM_SOURCE_DIR "/tests/fuzz/corpus/gguf/quants")) << llm_last_error();
    ASSERT_EQ(12, llmi_weights_tensor_count(f.w));
    for (int i = 0; i < 12; i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(f.w, i);
        const llmi_dtype_size *d = llmi_dtype_size_get(t->dtype);
        EXPECT_EQ(d->name, std::string(t->name.ptr, t->name.len));
        EXPECT_EQ(2, t->shape[1]);
        EXPECT_EQ((size_t)(t->shape[0] / d->block_elems * 2 * d->block_bytes), t->n_bytes);
    }
    ASSERT_EQ(LLM_OK, f.open(LLM_SOURCE_DIR "/tests/fuzz/corpus/gguf/aligned-64"));
    for (int i = 0; i < llmi_weights_tensor_count(f.w); i++)
        EXPECT_EQ(0u, (uintptr_t)llmi_weights_tensor_at(f.w, i)->data % 64);
}

TEST(Gguf, GettersCheckTypeAndRange) {
    Weights f;
    GgufFile g;
    g.metas = {{"u8", 0, le<uint8_t>(255)}, {"i64", 11, le<int64_t>(INT64_MIN)},
               {"u64", 10, le(UINT64_MAX)}, {"f64", 12, le(2.5)},
               {"f32", 6, le(0.5f)},        {"yes", 7, le<uint8_t>(1)},
               {"no", 7, le<uint8_t>(0)},   meta_string("s", "text"),
               meta_array("l", 4, 0, ""),   {"i16", 3, le<int16_t>(-5)}};
    ASSERT_EQ(LLM_OK, f.parse(g.encode(), LLMI_FORMAT_GGUF)) << llm_last_error();
    int64_t i = 0;
    double x = 0;
    bool truth = false;
    llm_span s;
    llmi_meta_array l;
    EXPECT_EQ(LLM_OK, llmi_weights_get_int(&i, f.w, "u8", 0, 255));
    EXPECT_EQ(255, i);
    EXPECT_EQ(LLM_OK, llmi_weights_get_int(&i, f.w, "i64", INT64_MIN, INT64_MAX));
    EXPECT_EQ(INT64_MIN, i);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "u64"));
    EXPECT_EQ(18446744073709551615.0, x);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "f32"));
    EXPECT_EQ(0.5, x);
    EXPECT_EQ(LLM_OK, llmi_weights_get_float(&x, f.w, "i16"));
    EXPECT_EQ(-5.0, x);
    EXPECT_EQ(LLM_OK, llmi_weights_get_bool(&truth, f.w, "yes"));
    EXPECT_TRUE(truth);
    EXPECT_EQ(LLM_OK, llmi_weights_get_bool(&truth, f.w, "no"));
    EXPECT_FALSE(truth);
    EXPECT_EQ(LLM_OK, llmi_weights_get_string(&s, f.w, "s"));
    EXPECT_EQ("text", std::string(s.ptr, s.len));
    EXPECT_EQ(LLM_OK, llmi_weights_get_array(&l, f.w, "l"));
    EXPECT_EQ(0u, l.n);
    EXPECT_TRUE(llmi_weights_has(f.w, "s"));
    EXPECT_FALSE(llmi_weights_has(f.w, "none"));
    auto no = [](llm_status want, const char *says, llm_status got) { expect_error(want, says, got, says); };
    no(LLM_E_FORMAT, "key \"u8\" is 255, expected 0..254", llmi_weights_get_int(&i, f.w, "u8", 0, 254));
    no(LLM_E_FORMAT, "key \"u64\"", llmi_weights_get_int(&i, f.w, "u64", 0, INT64_MAX));
    no(LLM_E_FORMAT, "key \"f64\" is \"2.5\" of type f64, expected an integer",
       llmi_weights_get_int(&i, f.w, "f64", 0, 9));
    no(LLM_E_FORMAT, "\"text\" of type string, expected a number", llmi_weights_get_float(&x, f.w, "s"));
    no(LLM_E_FORMAT, "expected true or false", llmi_weights_get_bool(&truth, f.w, "u8"));
    no(LLM_E_FORMAT, "expected a string", llmi_weights_get_string(&s, f.w, "l"));
    no(LLM_E_FORMAT, "expected an array", llmi_weights_get_array(&l, f.w, "s"));
    no(LLM_E_NOT_FOUND, "key \"none\" is missing", llmi_weights_get_int(&i, f.w, "none", 0, 9));
}

TEST(Gguf, HostileFilesAreRefusedByName) {
    const uint64_t huge = UINT64_MAX, half = (uint64_t)1 << 63;
    const std::string long_name(1025, 'n');
    const struct {
        const char *what;
        std::function<void(GgufFile &)> edit;
        llm_status status;
        const char *says;
    } rows[] = {
        {"version 0", [](GgufFile &g) { g.version = 0; }, LLM_E_UNSUPPORTED, "GGUF version 0, expected 2 or 3"},
        {"version 1", [](GgufFile &g) { g.version = 1; }, LLM_E_UNSUPPORTED, "GGUF version 1, expected 2 or 3"},
        {"version 4", [](GgufFile &g) { g.version = 4; }, LLM_E_UNSUPPORTED, "GGUF version 4"},
        {"big-endian", [](GgufFile &g) { g.version = 0x03000000; }, LLM_E_UNSUPPORTED, "big-endian"},
        {"swapped magic", [](GgufFile &g) { g.magic = "FUGG"; }, LLM_E_FORMAT, "bytes swapped"},
        {"old ggml", [](GgufFile &g) { g.magic = "lmgg"; }, LLM_E_FORMAT, "old ggml format"},
        {"old ggjt", [](GgufFile &g) { g.magic = "tjgg"; }, LLM_E_FORMAT, "old ggjt format"},
        {"other magic", [](GgufFile &g) { g.magic = "\x01\x02zz"; }, LLM_E_FORMAT, "begins with \"\\x01\\x02zz"},
        {"too many keys", [=](GgufFile &g) { g.n_metas = huge; }, LLM_E_FORMAT,
         "metadata count is 18446744073709551615"},
        {"one key more", [](GgufFile &g) { g.n_metas = 5; }, LLM_E_FORMAT, ""},
        {"one key less", [](GgufFile &g) { g.n_metas = 3; }, LLM_E_FORMAT, ""},
        {"too many tensors", [=](GgufFile &g) { g.n_tensors = half; }, LLM_E_FORMAT,
         "number of tensors is 9223372036854775808, but"},
        {"tensors beyond the file", [](GgufFile &g) { g.n_tensors = 100; }, LLM_E_FORMAT, ""},
        {"empty key", [](GgufFile &g) { g.metas[1].key = ""; }, LLM_E_FORMAT, "a key before byte"},
        {"key of 70000 bytes", [](GgufFile &g) { g.metas[1].key = std::string(70000, 'k'); }, LLM_E_FORMAT,
         "has 70000 bytes, expected 1..65535"},
        {"NUL in a key", [](GgufFile &g) { g.metas[1].key = std::string("a\0b", 3); }, LLM_E_FORMAT,
         "a key \"a\\x00b\" holds a NUL byte"},
        {"key twice", [](GgufFile &g) { g.metas.push_back(meta_u32("a.u32", 8)); }, LLM_E_FORMAT,
         "key \"a.u32\" occurs twice"},
        {"value type 13", [](GgufFile &g) { g.metas[1].type = 13; }, LLM_E_FORMAT,
         "key \"a.u32\": value type 13, expected 0..12"},
        {"value type -1", [](GgufFile &g) { g.metas[1].type = ~0u; }, LLM_E_FORMAT, "value type 4294967295"},
        {"long string", [=](GgufFile &g) { g.metas[0].value = le(huge) + "x"; }, LLM_E_FORMAT,
         "key \"general.architecture\": the file ends too early"},
        {"string to the end", [](GgufFile &g) { g.metas[0].value = le<uint64_t>(100000) + "x"; }, LLM_E_FORMAT,
         "needs 100000 bytes"},
        {"boolean 2",
         [](GgufFile &g) {
             g.metas.push_back({"b", 7, "\x02"});
         },
         LLM_E_FORMAT, "key \"b\": a boolean is 2, expected 0 or 1"},
        {"booleans 255", [](GgufFile &g) { g.metas.push_back(meta_array("b", 7, 2, "\x01\xff")); }, LLM_E_FORMAT,
         "a boolean is 255"},
        {"array of arrays", [](GgufFile &g) { g.metas.push_back(meta_array("aa", 9, 1, le(4u) + le<uint64_t>(0))); },
         LLM_E_UNSUPPORTED, "key \"aa\": an array of arrays"},
        {"array type 99", [](GgufFile &g) { g.metas.push_back(meta_array("aa", 99, 0, "")); }, LLM_E_FORMAT,
         "key \"aa\": array elements of type 99"},
        {"array of 2^64-1 u64", [=](GgufFile &g) { g.metas.push_back(meta_array("aa", 10, huge, "")); }, LLM_E_FORMAT,
         "key \"aa\": 18446744073709551615 values of type u64"},
        {"array of 2^61 u64", [](GgufFile &g) { g.metas.push_back(meta_array("aa", 10, (uint64_t)1 << 61, "")); },
         LLM_E_FORMAT, "2305843009213693952 values of type u64"},
        {"array of 2^63 strings", [=](GgufFile &g) { g.metas.push_back(meta_array("aa", 8, half, "")); }, LLM_E_FORMAT,
         "key \"aa\": 9223372036854775808 strings"},
        {"array with a long string",
         [=](GgufFile &g) { g.metas.push_back(meta_array("aa", 8, 2, str("x") + le(huge))); }, LLM_E_FORMAT,
         "key \"aa\": the file ends too early"},
        {"alignment 0", [](GgufFile &g) { g.metas.push_back(meta_u32("general.alignment", 0)); }, LLM_E_FORMAT,
         "key \"general.alignment\" is 0, expected a power of two in 8..1048576"},
        {"alignment 48", [](GgufFile &g) { g.metas.push_back(meta_u32("general.alignment", 48)); }, LLM_E_FORMAT,
         "is 48, expected a power of two"},
        {"alignment 2^31", [](GgufFile &g) { g.metas.push_back(meta_u32("general.alignment", 1u << 31)); },
         LLM_E_FORMAT, "is 2147483648"},
        {"alignment -32",
         [](GgufFile &g) {
             g.metas.push_back({"general.alignment", 5, le(-32)});
         },
         LLM_E_FORMAT, "is -32, expected a power of two"},
        {"alignment string", [](GgufFile &g) { g.metas.push_back(meta_string("general.alignment", "32")); },
         LLM_E_FORMAT, "of type string, expected an integer"},
        {"alignment 64 of data at 32", [](GgufFile &g) { g.metas.push_back(meta_u32("general.alignment", 64)); },
         LLM_E_FORMAT, "tensor \"q8\": offset 32, expected a multiple of the alignment 64"},
        {"empty tensor name", [](GgufFile &g) { g.infos[0].name = ""; }, LLM_E_FORMAT, "a tensor name before byte"},
        {"long tensor name", [=](GgufFile &g) { g.infos[0].name = long_name; }, LLM_E_FORMAT,
         "has 1025 bytes, expected 1..1024"},
        {"NUL in a tensor name", [](GgufFile &g) { g.infos[0].name = std::string("a\0", 2); }, LLM_E_FORMAT,
         "holds a NUL byte"},
        {"tensor twice", [](GgufFile &g) { g.infos[2].name = "f32"; }, LLM_E_FORMAT, "tensor \"f32\" occurs twice"},
        {"5 dimensions",
         [](GgufFile &g) {
             g.infos[0].shape = {1, 1, 1, 3, 2};
         },
         LLM_E_FORMAT, "tensor \"f32\": 5 dimensions, expected 0..4"},
        {"2^32-1 dimensions", [](GgufFile &g) { g.infos[0].n_dims = ~0u; }, LLM_E_FORMAT, "4294967295 dimensions"},
        {"dimension 2^63", [=](GgufFile &g) { g.infos[0].shape[0] = half; }, LLM_E_FORMAT,
         "dimension 0 is 9223372036854775808"},
        {"product wraps to 0",
         [](GgufFile &g) {
             g.infos[0].shape = {(uint64_t)1 << 32, (uint64_t)1 << 32};
         },
         LLM_E_FORMAT, "the product of its dimensions is too large"},
        {"product wraps to 6",
         [](GgufFile &g) {
             g.infos[0].shape = {3, 2, half - 1, half - 1};
         },
         LLM_E_FORMAT, "too large"},
        {"bytes wrap", [](GgufFile &g) { g.infos[0].shape = {(uint64_t)1 << 62}; }, LLM_E_FORMAT,
         "tensor \"f32\": 4611686018427387904 elements of F32 are too large"},
        {"row of no whole block", [](GgufFile &g) { g.infos[1].shape[0] = 63; }, LLM_E_FORMAT,
         "tensor \"q8\": rows of 63 elements, Q8_0 needs a multiple of 32"},
        {"type 99", [](GgufFile &g) { g.infos[0].dtype = 99; }, LLM_E_UNSUPPORTED,
         "tensor \"f32\": data type number 99 is not supported"},
        {"type 4", [](GgufFile &g) { g.infos[0].dtype = 4; }, LLM_E_UNSUPPORTED, "data type number 4"},
        {"type -1", [](GgufFile &g) { g.infos[0].dtype = ~0u; }, LLM_E_UNSUPPORTED, "data type number 4294967295"},
        {"unaligned offset", [](GgufFile &g) { g.infos[1].offset = 33; }, LLM_E_FORMAT,
         "tensor \"q8\": offset 33, expected a multiple of the alignment 32"},
        {"offset at the end", [](GgufFile &g) { g.infos[2].offset = g.data.size(); }, LLM_E_FORMAT,
         "tensor \"f16\": 10 bytes at offset 224, but the file holds 224 bytes of tensor data"},
        {"offset wraps", [](GgufFile &g) { g.infos[2].offset = huge - 31; }, LLM_E_FORMAT, "tensor \"f16\": 10 bytes"},
        {"tensor beyond the end", [](GgufFile &g) { g.infos[2].shape[0] = 500; }, LLM_E_FORMAT, "truncated?"},
        {"same offset", [](GgufFile &g) { g.infos[1].offset = 0; }, LLM_E_FORMAT, "overlap at offset 0"},
        {"overlap", [](GgufFile &g) { g.infos[2].offset = 64; }, LLM_E_FORMAT,
         "tensors \"q8\" and \"f16\" overlap at offset 64"},
    };
    for (auto &row : rows) {
        GgufFile g = good_gguf();
        row.edit(g);
        expect_error(row.status, row.says, parse(g.encode()), row.what);
    }
}

TEST(Gguf, IntegersOfAnyTypeAndTensorsOfNoElementsAreRead) {
    GgufFile g = good_gguf();
    g.metas.push_back({"general.alignment", 5, le(32)}); /* i32 */
    g.metas.push_back({"yes", 0, std::string(1, 1)});    /* u8 */
    g.metas.push_back({"no", 10, le((uint64_t)0)});
    g.metas.push_back({"two", 4, le(2)});
    g.add("empty", {3, 0}, 0, 0);
    Weights f;
    ASSERT_EQ(LLM_OK, f.parse(g.encode(), LLMI_FORMAT_GGUF)) << llm_last_error();
    EXPECT_EQ(0u, llmi_weights_tensor(f.w, "empty")->n_bytes);
    bool yes = false, no = true;
    EXPECT_EQ(LLM_OK, llmi_weights_get_bool(&yes, f.w, "yes"));
    EXPECT_EQ(LLM_OK, llmi_weights_get_bool(&no, f.w, "no"));
    EXPECT_TRUE(yes);
    EXPECT_FALSE(no);
    expect_error(LLM_E_FORMAT, "key \"two\" is \"2\" of type u32, expected true or false",
                 llmi_weights_get_bool(&no, f.w, "two"), "two");
}

TEST(Gguf, TruncatedAtEveryByteIsAnError) {
    std::string good = good_gguf().encode();
    size_t needed = good.size() - 22; /* the last tensor has 10 bytes of its 32 */
    size_t head = good_gguf().head().size();
    ASSERT_EQ(LLM_OK, parse(good));
    ASSERT_EQ(LLM_OK, parse(good.substr(0, needed)));
    for (size_t n = 0; n < needed; n++) {
        llm_status status = parse(good.substr(0, n));
        EXPECT_EQ(LLM_E_FORMAT, status) << n << ": " << llm_last_error();
        if (n >= 4) {
            EXPECT_TRUE(strstr(llm_last_error(), "truncated") || strstr(llm_last_error(), "left in the file"))
                << n << ": " << llm_last_error();
        }
        EXPECT_EQ(n < head ? LLM_E_FORMAT : LLM_OK, parse(good.substr(0, n), true)) << n;
    }
}

TEST(Gguf, AnyByteMayBeWrong) {
    std::string good = good_gguf().encode();
    size_t end = good.size() - good_gguf().data.size();
    int n_refused = 0;
    for (size_t at = 0; at < end; at++) {
        for (int value : {0, 1, 0x7f, 0x80, 0xff, good[at] ^ 1, good[at] + 1}) {
            std::string bytes = good;
            bytes[at] = (char)value;
            n_refused += parse(bytes) != LLM_OK; /* what is accepted is proved to lie inside */
            parse(bytes, true);
        }
    }
    EXPECT_GT(n_refused, 500);
}

TEST(Gguf, MetadataOnlyNeedsNoTensorsAndMayBeEmpty) {
    GgufFile g = good_gguf();
    g.infos[1].dtype = 99;
    g.n_tensors = UINT64_MAX;
    EXPECT_EQ(LLM_OK, parse(g.encode(), true)) << llm_last_error();
    EXPECT_EQ(LLM_OK, parse(GgufFile().encode())) << llm_last_error();
    g = {};
    g.add("scalar", {}, 0, 4);
    EXPECT_EQ(LLM_OK, parse(g.encode())) << llm_last_error();
}

TEST(Gguf, HolesAndAnyOrderAreAllowed) { /* the format asks for neither */
    GgufFile g = good_gguf();
    std::swap(g.infos[0], g.infos[2]);
    g.data.resize(g.data.size() + 64);
    g.infos[2].offset = g.data.size() - 32;
    EXPECT_EQ(LLM_OK, parse(g.encode())) << llm_last_error();
}

TEST(Gguf, ManyTensorsAndKeysAreQuick) {
    GgufFile g;
    for (int i = 0; i < 20000; i++) g.metas.push_back(meta_u32("key." + std::to_string(i), (uint32_t)i));
    for (int i = 0; i < 20000; i++) {
        g.infos.push_back({"tensor." + std::to_string(i), {1}, 0, (uint64_t)(19999 - i) * 32, 4});
    }
    g.data.resize(20000 * 32);
    Weights f;
    ASSERT_EQ(LLM_OK, f.parse(g.encode().substr(0), LLMI_FORMAT_GGUF, true)) << llm_last_error();
    llmi_contents c;
    std::string bytes = g.encode();
    llmi_weights_contents_init(&c, &llmi_default_allocator);
    c.format = LLMI_FORMAT_GGUF;
    ASSERT_EQ(LLM_OK, llmi_gguf_parse(&c, bytes.data(), bytes.size(), false)) << llm_last_error();
    llmi_weights *w;
    ASSERT_EQ(LLM_OK, llmi_weights_from_contents(&w, &c));
    for (int i = 0; i < 20000; i += 37) {
        int64_t value;
        EXPECT_EQ(LLM_OK, llmi_weights_get_int(&value, w, ("key." + std::to_string(i)).c_str(), i, i));
        EXPECT_EQ(llmi_weights_tensor_at(w, i), llmi_weights_tensor(w, ("tensor." + std::to_string(i)).c_str()));
    }
    llmi_weights_unref(w);
}

/* ---- files given by mistake ---- */

TEST(Gguf, FilesGivenByMistakeAreNamed) {
    Folder folder;
    Weights f;
    const struct {
        const char *name, *bytes, *says;
        size_t n;
    } rows[] = {
        {"empty.gguf", "", "the file is empty", 0},
        {"short.gguf", "GG", "begins with \"GG\"", 2},
        {"lfs.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "git lfs pull", 0},
        {"page.gguf", "<!DOCTYPE html><html>404</html>", "HTML page", 0},
        {"page2.gguf", "<html><body>", "HTML page", 0},
        {"old.gguf", "lmgg\x01\0\0\0", "old ggml format", 8},
        {"pickle.gguf", "\x80\x02}q", "pickled PyTorch", 0},
        {"zip.gguf", "PK\x03\x04....", "zip archive", 0},
        {"gz.gguf", "\x1f\x8b....", "gzip", 0},
        {"st.gguf", "\x10\0\0\0\0\0\0\0{\"a\":1}         ", "safetensors file: give the directory", 24},
        {"json.gguf", "{\"a\":1}", "JSON text", 0},
        {"text.gguf", "hello \x1b[31m", "begins with \"hello \\x1b[\"", 0},
    };
    for (auto &row : rows) {
        std::string path = folder.write(row.name, std::string(row.bytes, row.n ? row.n : strlen(row.bytes)));
        for (bool use_mmap : {false, true}) {
            expect_error(LLM_E_FORMAT, row.says, f.open(path, use_mmap), row.name);
            EXPECT_NE(nullptr, strstr(llm_last_error(), row.name)) << llm_last_error();
        }
    }
    ASSERT_EQ(0, mkfifo((folder.path + "/fifo").c_str(), 0600));
    expect_error(LLM_E_IO, "is a pipe, expected a regular file", f.open(folder.path + "/fifo"), "fifo");
    expect_error(LLM_E_NOT_FOUND, "none.gguf: cannot be", f.open(folder.path + "/none.gguf"), "none");
    expect_error(LLM_E_IO, "is a device", f.open("/dev/null"), "device");
}

/* ---- split sets ---- */

class Split : public ::testing::Test {
  protected:
    GgufFile part(int no, int count, const std::vector<std::string> &tensors) {
        GgufFile g;
        g.metas = {{"split.no", 2, le<uint16_t>((uint16_t)no)},
                   {"split.count", 2, le<uint16_t>((uint16_t)count)},
                   {"split.tensors.count", 5, le(3)}};
        if (no == 0) g.metas.push_back(meta_string("general.architecture", "test"));
        for (auto &name : tensors) g.add(name, {4}, 0, 16);
        return g;
    }
    std::string name(int no, int count) {
        char out[64];
        snprintf(out, sizeof out, "m-%05d-of-%05d.gguf", no + 1, count);
        return out;
    }
    void write(int no, const GgufFile &g, int count = 3) { folder.write(name(no, count), g.encode()); }
    void SetUp() override {
        parts = {part(0, 3, {"a"}), part(1, 3, {"b"}), part(2, 3, {"c"})};
        for (int i = 0; i < 3; i++) write(i, parts[(size_t)i]);
    }
    llm_status open(int no = 0) { return f.open(folder.path + "/" + name(no, 3)); }
    Folder folder;
    Weights f;
    std::vector<GgufFile> parts;
};

TEST_F(Split, AnyPartOpensTheWholeSet) {
    for (int no = 0; no < 3; no++) {
        ASSERT_EQ(LLM_OK, open(no)) << llm_last_error();
        ASSERT_EQ(3, llmi_weights_tensor_count(f.w));
        for (const char *tensor : {"a", "b", "c"}) EXPECT_NE(nullptr, llmi_weights_tensor(f.w, tensor));
        EXPECT_EQ("test", f.text("general.architecture"));
    }
    ASSERT_EQ(LLM_OK, f.open(folder.path + "/" + name(1, 3), true, true)) << llm_last_error();
    EXPECT_EQ("test", f.text("general.architecture"));
}

TEST_F(Split, OpensFromTheCurrentFolder) {
    std::string before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path);
    EXPECT_EQ(LLM_OK, f.open(name(1, 3))) << llm_last_error();
    std::filesystem::current_path(before);
}

TEST_F(Split, WrongSetsAreRefused) {
    std::string second = folder.path + "/" + name(1, 3);
    unlink(second.c_str());
    expect_error(LLM_E_NOT_FOUND, "part 2 of 3 is missing", open(), "missing");
    write(1, part(2, 3, {"b"}));
    expect_error(LLM_E_FORMAT, "key \"split.no\" is 2, expected 1", open(), "number");
    write(1, part(1, 4, {"b"}));
    expect_error(LLM_E_FORMAT, "key \"split.count\" is 4, expected 3", open(), "count");
    write(1, part(1, 3, {"a"}));
    expect_error(LLM_E_FORMAT, "tensor \"a\" occurs twice", open(), "twice");
    write(1, part(1, 3, {"b", "d"}));
    expect_error(LLM_E_FORMAT, "key \"split.tensors.count\" is 3, but the parts hold 4", open(), "too many");
    folder.write(name(1, 3), "<html>");
    expect_error(LLM_E_FORMAT, name(1, 3), open(), "other file");
    unlink(second.c_str());
    ASSERT_EQ(0, mkfifo(second.c_str(), 0600));
    expect_error(LLM_E_IO, "is a pipe", open(), "fifo");
    unlink(second.c_str());
    folder.write("alone.gguf", parts[0].encode());
    expect_error(LLM_E_FORMAT, "expected a file name that ends in \"-00001-of-00003.gguf\"",
                 f.open(folder.path + "/alone.gguf"), "renamed");
    GgufFile g = part(0, 3, {"a"});
    g.metas[1] = {"split.count", 11, le<int64_t>(-1)};
    write(0, g);
    expect_error(LLM_E_FORMAT, "key \"split.count\": expected an integer in 0..65535", open(), "negative");
    g.metas[1] = meta_string("split.count", "3");
    write(0, g);
    expect_error(LLM_E_FORMAT, "key \"split.count\": expected an integer", open(), "string");
    folder.write("x-00001-of-65535.gguf", part(0, 65535, {"a"}).encode());
    expect_error(LLM_E_NOT_FOUND, "part 2 of 65535 is missing", f.open(folder.path + "/x-00001-of-65535.gguf"), "many");
}

/* ---- faults ---- */

template <class Open> void fail_each_allocation(Open open) {
    int n = 0;
    for (int fail_at = 0;; fail_at++, n++) {
        Counting counting;
        counting.fail_at = fail_at;
        {
            Weights f;
            llm_status status = open(f, &counting.allocator);
            if (status == LLM_OK) break;
            ASSERT_EQ(LLM_E_MEMORY, status) << fail_at << ": " << llm_last_error();
        }
        ASSERT_EQ(0, counting.alive) << fail_at;
    }
    EXPECT_GT(n, 5);
}

TEST_F(Split, EachAllocationMayFail) {
    for (bool use_mmap : {false, true})
        fail_each_allocation([&](Weights &w, const llm_allocator *a) {
            return w.open(folder.path + "/" + name(1, 3), use_mmap, false, a);
        });
}

TEST(Gguf, EachAllocationMayFail) {
    std::string bytes = good_gguf().encode();
    fail_each_allocation(
        [&](Weights &w, const llm_allocator *a) { return w.parse(bytes, LLMI_FORMAT_GGUF, false, a); });
}

/* ---- writing ---- */

TEST(GgufWriter, WritesWhatTheReaderReads) {
    Folder folder;
    llmi_gguf_writer w;
    llmi_writer out;
    std::string path = folder.path + "/out.gguf", strings = str("x") + str("");
    llmi_meta_array names = {LLMI_META_STRING, 2, strings.data(), strings.size()};
    int64_t shape[] = {3, 2};
    float a[6] = {1, 2, 3, 4, 5, 6}, b[3] = {7, 8, 9};
    llmi_gguf_writer_init(&w, &llmi_default_allocator);
    EXPECT_EQ(LLM_OK, llmi_gguf_put_string(&w, "s", "te\0xt", 5));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_u32(&w, "u", 4000000000u));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_f32(&w, "f", 0.1f));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_bool(&w, "b", true));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_array(&w, "l", &names));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_raw(&w, "raw", 3, LLMI_META_U16, "\x01\x02", 2));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_tensor(&w, "a", 2, shape, LLM_DTYPE_F32, sizeof a));
    EXPECT_EQ(LLM_OK, llmi_gguf_put_tensor(&w, "b", 1, shape, LLM_DTYPE_F32, sizeof b));
    EXPECT_EQ(LLM_E_LIMIT, llmi_gguf_put_tensor(&w, "c", 1, shape, LLM_DTYPE_F32, SIZE_MAX));
    ASSERT_EQ(LLM_OK, llmi_writer_open(&out, &llmi_default_allocator, path.c_str()));
    EXPECT_EQ(LLM_OK, llmi_gguf_write_header(&w, &out));
    for (auto [data, n] : {std::pair<float *, size_t>{a, sizeof a}, {b, sizeof b}}) {
        EXPECT_EQ(LLM_OK, llmi_writer_put(&out, data, n));
        EXPECT_EQ(LLM_OK, llmi_gguf_pad(&out));
    }
    EXPECT_EQ(LLM_OK, llmi_writer_commit(&out));
    llmi_gguf_writer_free(&w);
    Weights f;
    ASSERT_EQ(LLM_OK, f.open(path)) << llm_last_error();
    EXPECT_EQ(std::string("te\0xt", 5), f.text("s"));
    EXPECT_EQ("4000000000", f.text("u"));
    EXPECT_EQ("0.1", f.text("f"));
    EXPECT_EQ("true", f.text("b"));
    EXPECT_EQ("[2 values of string]", f.text("l"));
    EXPECT_EQ("513", f.text("raw"));
    EXPECT_EQ(0, memcmp(a, llmi_weights_tensor(f.w, "a")->data, sizeof a));
    EXPECT_EQ(0, memcmp(b, llmi_weights_tensor(f.w, "b")->data, sizeof b));
    EXPECT_EQ(2, llmi_weights_tensor(f.w, "a")->n_dims);
}

TEST(GgufWriter, FailedPutsLeaveNothing) {
    for (int fail_at = 0; fail_at < 4; fail_at++) {
        Counting counting;
        llmi_gguf_writer w;
        llmi_gguf_writer_init(&w, &counting.allocator);
        counting.fail_at = fail_at;
        int64_t shape[] = {1};
        std::string text(100, 'x');
        uint64_t n_ok = 0;
        for (int i = 0; i < 10; i++) n_ok += llmi_gguf_put_string(&w, "key", text.data(), text.size()) == LLM_OK;
        EXPECT_EQ(n_ok, w.n_meta);
        EXPECT_EQ(n_ok * (8 + 3 + 4 + 8 + 100), w.meta.len);
        size_t before = w.data_bytes;
        llm_status status = llmi_gguf_put_tensor(&w, "t", 1, shape, LLM_DTYPE_F32, 4);
        EXPECT_EQ(status == LLM_OK ? 1u : 0u, w.n_tensors);
        EXPECT_EQ(before + (status == LLM_OK ? 32 : 0), w.data_bytes);
        llmi_gguf_writer_free(&w);
        EXPECT_EQ(0, counting.alive);
    }
}

} // namespace
