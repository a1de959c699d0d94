#include "unit/format/reader.h"

namespace {

llm_status parse(const std::string &bytes) {
    return Weights().parse(bytes, LLMI_FORMAT_SAFETENSORS);
}

/* 24 bytes for a [2, 3] of F32, 8 for a [4] of F16. */
const char good_header[] = R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                           R"("b":{"dtype":"F16","shape":[4],"data_offsets":[24,32]},"__metadata__":{"format":"pt"}} )";

std::string good() {
    return safetensors(good_header, "0123456789abcdefghijklmnopqrstuv");
}

TEST(Safetensors, GoodFileGivesItsTensors) {
    Weights f;
    ASSERT_EQ(LLM_OK, f.parse(good(), LLMI_FORMAT_SAFETENSORS)) << llm_last_error();
    ASSERT_EQ(2, llmi_weights_tensor_count(f.w));
    const llmi_tensor *a = llmi_weights_tensor(f.w, "a"), *b = llmi_weights_tensor(f.w, "b");
    ASSERT_NE(nullptr, a);
    ASSERT_NE(nullptr, b);
    EXPECT_EQ(2, a->n_dims);
    EXPECT_EQ(3, a->shape[0]); /* contiguous first */
    EXPECT_EQ(2, a->shape[1]);
    EXPECT_EQ(1, a->shape[2]);
    EXPECT_EQ(LLM_DTYPE_F32, a->dtype);
    EXPECT_EQ(LLM_DTYPE_F16, b->dtype);
    EXPECT_EQ("0123", std::string((const char *)a->data, 4));
    EXPECT_EQ("opqrstuv", std::string((const char *)b->data, b->n_bytes));
}

TEST(Safetensors, FileWrittenByThePythonPackage) {
    Weights f;
    std::ifstream in(LLM_SOURCE_DIR "/tests/fuzz/corpus/safetensors/good", std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    ASSERT_EQ(LLM_OK, f.parse(bytes, LLMI_FORMAT_SAFETENSORS)) << llm_last_error();
    ASSERT_EQ(3, llmi_weights_tensor_count(f.w));
    const float *ones = static_cast<const float *>(llmi_weights_tensor(f.w, "a")->data);
    for (int i = 0; i < 6; i++) EXPECT_EQ(1.0f, ones[i]);
    EXPECT_EQ(0u, llmi_weights_tensor(f.w, "empty")->n_bytes);
    EXPECT_EQ(0, llmi_weights_tensor(f.w, "empty")->shape[1]);
}

std::string one(const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST(Safetensors, HostileHeadersAreRefusedByName) {
    const std::string f32 = "\"F32\"";
    const struct {
        std::string header;
        size_t n_data;
        llm_status status;
        const char *says;
    } rows[] = {
        {one(f32, "[2]", "[0,8]"), 8, LLM_OK, ""},
        {one(f32, "[]", "[0,4]"), 4, LLM_OK, ""},
        {one(f32, "[0]", "[0,0]"), 0, LLM_OK, ""},
        {one(f32, "[1,1,1,1]", "[0,4]"), 4, LLM_OK, ""},
        {"{}", 0, LLM_OK, ""},
        {"{} ", 4, LLM_E_FORMAT, "the tensors cover 0 bytes, but the file holds 4"},
        {one("\"F64\"", "[1]", "[0,8]"), 8, LLM_OK, ""},
        {one("\"F4\"", "[2,3]", "[0,3]"), 3, LLM_OK, ""},
        {one("\"F6_E2M3\"", "[4]", "[0,3]"), 3, LLM_OK, ""},
        {one("\"F4\"", "[3]", "[0,2]"), 2, LLM_E_FORMAT, "end within a byte"},
        {one("\"F64\"", "[2]", "[0,8]"), 8, LLM_E_FORMAT, "shape and dtype need 16"},
        {one("\"F7\"", "[1]", "[0,8]"), 8, LLM_E_UNSUPPORTED, "tensor \"a\": data type \"F7\" is not known"},
        {one("\"F32\\u0000\"", "[1]", "[0,4]"), 4, LLM_E_UNSUPPORTED, "data type \"F32\\x00\""},
        {one("3", "[1]", "[0,4]"), 4, LLM_E_FORMAT, "\"dtype\" is an integer, expected a string"},
        {R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4, LLM_E_NOT_FOUND,
         "tensor \"a\": header: \"dtype\" is missing"},
        {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4, LLM_E_FORMAT, "\"shape\" is nothing, expected an array"},
        {R"({"a":{"dtype":"F32","shape":[1]}})", 4, LLM_E_FORMAT, "\"data_offsets\" is missing or not a pair"},
        {one(f32, "{}", "[0,4]"), 4, LLM_E_FORMAT, "\"shape\" is an object, expected an array"},
        {one(f32, "[1,1,1,1,1]", "[0,4]"), 4, LLM_OK, ""},
        {one(f32, "[-1]", "[0,4]"), 4, LLM_E_FORMAT, "dimension 0 of \"shape\""},
        {one(f32, "[1.0]", "[0,4]"), 4, LLM_E_FORMAT, "dimension 0 of \"shape\""},
        {one(f32, "[\"1\"]", "[0,4]"), 4, LLM_E_FORMAT, "dimension 0 of \"shape\""},
        {one(f32, "[4294967296,4294967296]", "[0,0]"), 0, LLM_E_FORMAT, "the product of its dimensions is too large"},
        {one(f32, "[4611686018427387904]", "[0,0]"), 0, LLM_E_FORMAT, "are too large"},
        {one(f32, "[9223372036854775808]", "[0,0]"), 0, LLM_E_FORMAT, "dimension 0 of \"shape\""},
        {one(f32, "[1]", "[0]"), 4, LLM_E_FORMAT, "not a pair of integers"},
        {one(f32, "[1]", "[0,4,4]"), 4, LLM_E_FORMAT, "not a pair of integers"},
        {one(f32, "[1]", "[0,4.0]"), 4, LLM_E_FORMAT, "not a pair of integers"},
        {one(f32, "[1]", "[-4,0]"), 4, LLM_E_FORMAT, "not a pair of integers from 0"},
        {one(f32, "[1]", "[4,0]"), 4, LLM_E_FORMAT, "\"data_offsets\" are 4 and 0"},
        {one(f32, "[1]", "[0,8]"), 4, LLM_E_FORMAT, "but the file holds 4 bytes of data: truncated?"},
        {one(f32, "[1]", "[0,9223372036854775807]"), 4, LLM_E_FORMAT, "truncated?"},
        {one(f32, "[2]", "[0,4]"), 4, LLM_E_FORMAT, "span 4 bytes, shape and dtype need 8"},
        {one(f32, "[1]", "[4,8]"), 8, LLM_E_FORMAT, "tensor \"a\" begins at 4, expected 0: there is a hole before it"},
        {one(f32, "[1]", "[0,4]"), 8, LLM_E_FORMAT, "the tensors cover 4 bytes, but the file holds 8 bytes of data"},
        {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         8, LLM_E_FORMAT, "tensor \"b\" begins at 4, expected 8: it overlaps another"},
        {R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
         6, LLM_OK, ""},
        {R"({"a":1})", 0, LLM_E_FORMAT, "tensor \"a\": its description is an integer, expected an object"},
        {R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, LLM_E_FORMAT, "a tensor name has 0 bytes"},
        {R"({"__metadata__":[]})", 0, LLM_E_FORMAT, "\"__metadata__\" is an array, expected an object"},
        {R"({"__metadata__":{"k":1}})", 0, LLM_E_FORMAT, "the value of \"k\" is not a string"},
        {R"({"a":1,"a":2})", 0, LLM_E_FORMAT, "duplicate"},
        {R"({"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}})", 4, LLM_E_FORMAT, "duplicate"},
        {"{\"a\":" + std::string(200, '['), 0, LLM_E_LIMIT, "header: JSON nested deeper than 128"},
        {"{\"" + std::string(1025, 'n') + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4, LLM_E_FORMAT,
         "a tensor name has 1025 bytes"},
        {"{\"a\"", 0, LLM_E_FORMAT, "header: line 1"},
        {"{\"\xff\":1}", 0, LLM_E_FORMAT, "header: line 1"},
    };
    for (auto &row : rows) {
        std::string header = row.header;
        for (int padding = 0; padding < 8; padding++) /* no position in the file matters */
            expect_error(row.status, row.says,
                         parse(safetensors(header + std::string((size_t)padding, ' '), std::string(row.n_data, 'x'))),
                         row.header.substr(0, 90));
    }
}

TEST(Safetensors, TypesThatNothingReadsTakeTheirRoom) {
    std::string header = R"({"ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]},)"
                         R"("w":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})";
    Weights f;
    ASSERT_EQ(LLM_OK, f.parse(safetensors(header, std::string(20, 'x')), LLMI_FORMAT_SAFETENSORS)) << llm_last_error();
    const llmi_tensor *ids = llmi_weights_tensor(f.w, "ids"), *w = llmi_weights_tensor(f.w, "w");
    ASSERT_TRUE(ids && w);
    EXPECT_EQ(LLMI_DTYPE_OTHER, ids->dtype);
    EXPECT_STREQ("I64", ids->other);
    EXPECT_EQ(2, ids->shape[0]);
    EXPECT_EQ(nullptr, w->other);
}

TEST(Safetensors, HeaderLengthMayLie) {
    std::string header(good_header), data(32, 'x');
    for (uint64_t n : {(uint64_t)0, (uint64_t)1, header.size() - 2, header.size() + 1, header.size() + 33,
                       (uint64_t)100000001, (uint64_t)1 << 32, (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7})
        EXPECT_EQ(LLM_E_FORMAT, parse(safetensors(header, data, n))) << n;
    parse(safetensors(header, data, UINT64_MAX));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "the header has 18446744073709551615 bytes, expected at most"))
        << llm_last_error();
}

TEST(Safetensors, TruncatedAtEveryByteIsAnError) {
    std::string bytes = good();
    for (size_t n = 0; n < bytes.size(); n++) EXPECT_EQ(LLM_E_FORMAT, parse(bytes.substr(0, n))) << n;
    EXPECT_EQ(LLM_OK, parse(bytes));
    EXPECT_EQ(LLM_E_FORMAT, parse(bytes + "x"));
}

TEST(Safetensors, AnyByteMayBeWrong) {
    std::string bytes = good();
    int n_refused = 0;
    for (size_t at = 0; at < bytes.size() - 32; at++)
        for (int value = 0; value < 256; value += at < 8 ? 1 : 5) {
            std::string edited = bytes;
            edited[at] = (char)value;
            n_refused += parse(edited) != LLM_OK;
        }
    EXPECT_GT(n_refused, 3000);
}

TEST(Safetensors, OrderInTheHeaderDoesNotMatter) {
    std::string header = R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                         R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    Weights f;
    ASSERT_EQ(LLM_OK, f.parse(safetensors(header, "aaaabbbb"), LLMI_FORMAT_SAFETENSORS)) << llm_last_error();
    EXPECT_EQ('a', *static_cast<const char *>(llmi_weights_tensor(f.w, "a")->data));
    EXPECT_EQ('b', *static_cast<const char *>(llmi_weights_tensor(f.w, "b")->data));
    EXPECT_EQ("a", std::string(llmi_weights_tensor_at(f.w, 0)->name.ptr, 1));
}

TEST(Safetensors, EachAllocationMayFail) {
    std::string bytes = good();
    for (int fail_at = 0;; fail_at++) {
        Counting counting;
        counting.fail_at = fail_at;
        llm_status status;
        {
            Weights f;
            status = f.parse(bytes, LLMI_FORMAT_SAFETENSORS, false, &counting.allocator);
        }
        ASSERT_EQ(0, counting.alive) << fail_at;
        if (status == LLM_OK) break;
        ASSERT_EQ(LLM_E_MEMORY, status) << llm_last_error();
    }
}

} // namespace
