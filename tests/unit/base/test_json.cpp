#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "oom/failing.h"

extern "C" {
#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
}

namespace {

llm_span span(const std::string &text) {
    return {text.data(), text.size()};
}

class Json : public ::testing::Test {
  protected:
    Json() { llmi_json_doc_init(&doc, &memory.allocator, 0); }
    ~Json() override {
        llmi_json_doc_free(&doc);
        EXPECT_EQ(0, memory.n_alive());
        EXPECT_EQ(0, memory.n_bytes());
    }
    llm_status parse(const std::string &text, unsigned flags = 0) {
        return llmi_json_parse(&root, &doc, span(text), "x.json", flags);
    }
    std::string write(const llmi_json *value, unsigned flags) {
        llmi_buf out;
        llmi_buf_init(&out, &memory.allocator);
        bool ok = llmi_json_write(&out, value, flags);
        std::string text = ok ? std::string(out.data, out.len) : "no memory";
        llmi_buf_free(&out);
        return text;
    }
    Failing memory;
    llmi_json_doc doc;
    const llmi_json *root = nullptr;
};

std::string bytes_of(const std::string &hex) {
    std::string out;
    for (size_t i = 0; hex != "-" && i < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return out;
}

TEST_F(Json, AgreesWithPython) {
    std::ifstream file(LLM_SOURCE_DIR "/tests/unit/base/json_cases.txt");
    std::string line, text, verdict, value;
    int n = 0;
    for (; std::getline(file, line); n++) {
        std::istringstream(line) >> text >> verdict >> value;
        text = bytes_of(text);
        EXPECT_EQ(verdict == "valid" ? LLM_OK : LLM_E_FORMAT, parse(text)) << text << ": " << llm_last_error();
        EXPECT_EQ(verdict == "refused" ? LLM_E_FORMAT : LLM_OK, parse(text, LLMI_JSON_PYTHON)) << text;
        if (root) {
            EXPECT_EQ(bytes_of(value), write(root, LLMI_JSON_SPACED | LLMI_JSON_ASCII)) << text;
        }
    }
    EXPECT_GT(n, 500);
}

TEST_F(Json, FaultsNameTheirPlaceAndWhatWasFound) {
    const struct {
        std::string text, says;
    } rows[] = {
        {"", "x.json: line 1, column 1: expected a value, found the end"},
        {"{\n\"a\": }", "x.json: line 2, column 6: expected a value, found \"}\""},
        {"[1 2]", "line 1, column 4: expected \",\" or \"]\", found \"2\""},
        {"{\"a\":1", "expected \",\" or \"}\", found the end"},
        {"{\"a\" 1}", "expected \":\" after a key, found \"1\""},
        {"{é:1}", "line 1, column 2: expected a key in quotes, found \"é\""},
        {"[\"é\", x]", "line 1, column 7"},
        {"[1] 2", "line 1, column 5: expected the end, found \"2\""},
        {"{\"a\":1,\"\\u0061\":2}", "duplicate key \"a\""},
        {"\"\xff\"", "a string that is not UTF-8: byte 0xff"},
        {"\"\\ud800\"", "an unpaired surrogate \\ud800"},
        {"\"\\q\"", "an escape that JSON does not have"},
        {"\"a\nb\"", "a control character in a string, expected its escape \\u000a"},
        {"01", "a number with a leading zero"},
        {"1.x", "expected a digit, found \"x\""},
        {"NaN", "expected a value, found \"N\""},
        {std::string("[\0]", 3), "found \"\\x00\""},
    };
    for (auto &row : rows) {
        EXPECT_EQ(LLM_E_FORMAT, parse(row.text));
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.says.c_str())) << row.says << "\n" << llm_last_error();
    }
}

TEST_F(Json, DepthSizeAndMemoryAreLimited) {
    auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    EXPECT_EQ(LLM_OK, parse(nested(128)));
    EXPECT_EQ(LLM_E_LIMIT, parse(nested(129)));
    EXPECT_STREQ("x.json: JSON nested deeper than 128", llm_last_error());
    EXPECT_EQ(LLM_E_LIMIT, parse(std::string(10000000, '[')));
    EXPECT_EQ(LLM_OK, parse("\"" + std::string(1000, '[') + "\""));
    EXPECT_EQ(LLM_E_LIMIT, llmi_json_parse(&root, &doc, {"1", (256u << 20) + 1}, "x.json", 0));

    std::string ones = "[1";
    for (int i = 0; i < 100000; i++) ones += ",1";
    ones += "]";
    llmi_json_doc small;
    llmi_json_doc_init(&small, &memory.allocator, 1 << 20);
    EXPECT_EQ(LLM_E_LIMIT, llmi_json_parse(&root, &small, span(ones), "x.json", 0));
    EXPECT_STREQ("x.json: JSON that takes more than 1048576 bytes of memory", llm_last_error());
    EXPECT_EQ(nullptr, root);
    EXPECT_LE(small.n_held, 1u << 20);
    EXPECT_EQ(LLM_OK, llmi_json_parse(&root, &small, {"[1,2]", 5}, "x.json", 0));
    llmi_json_doc_free(&small);
}

TEST_F(Json, ReadsNoFurtherThanItsBytes) {
    for (const char *text : {"{\"a\":\"bcd\\u00e9\\ud83d\\ude00\"}", "[1.5e3,true,null,-Infinity]", "\"\\\\\""}) {
        for (size_t n = 0; n < strlen(text); n++) {
            char *exact = new char[n + !n];
            memcpy(exact, text, n);
            EXPECT_EQ(LLM_E_FORMAT, llmi_json_parse(&root, &doc, {exact, n}, "x.json", LLMI_JSON_PYTHON))
                << std::string(text, n);
            delete[] exact;
        }
    }
}

TEST_F(Json, EveryAllocationMayFail) {
    std::string text = "{\"long\":\"" + std::string(5000, 'x') + "\",\"a\":[";
    for (int i = 0; i < 300; i++) text += "{\"k" + std::to_string(i) + "\":[1.5,\"\\n\"]},";
    text += "null]";
    for (int i = 0; i < 40; i++) text += ",\"m" + std::to_string(i % 30) + "\":" + std::to_string(i);
    text += "}";
    long n = 0;
    for (;; n++) {
        llmi_json_doc_free(&doc);
        memory.arm(n);
        llm_status status = parse(text, LLMI_JSON_PYTHON);
        std::string written = status == LLM_OK ? write(root, LLMI_JSON_COMPACT) : "";
        bool failed = memory.n_calls() > n;
        memory.arm(-1);
        if (!failed) {
            EXPECT_EQ(LLM_OK, status);
            break;
        }
        if (status != LLM_OK) {
            EXPECT_EQ(LLM_E_MEMORY, status) << n;
            EXPECT_EQ(nullptr, root);
        } else {
            EXPECT_EQ("no memory", written) << n;
        }
    }
    EXPECT_GT(n, 20);
}

TEST_F(Json, MarksAndNulInKeysAreRead) {
    ASSERT_EQ(LLM_OK, parse("\xef\xbb\xbf{\"a\\u0000b\":1,\"a\":2}"));
    int64_t i = 0;
    EXPECT_TRUE(llmi_json_int64(&i, llmi_json_find(root, {"a\0b", 3})));
    EXPECT_EQ(1, i);
    EXPECT_TRUE(llmi_json_int64(&i, llmi_json_get(root, "a")));
    EXPECT_EQ(2, i);
}

TEST_F(Json, LargeObjectsAreFoundByKeyWhateverTheKeys) {
    std::string text = "{";
    for (int i = 0; i < 5000; i++) text += "\"" + std::to_string(i * 7919 % 5000) + "\":" + std::to_string(i) + ",";
    text += "\"17\":-1}";
    ASSERT_EQ(LLM_E_FORMAT, parse(text));
    ASSERT_EQ(LLM_OK, parse(text, LLMI_JSON_PYTHON));
    EXPECT_EQ(5000u, llmi_json_count(root));
    int64_t value;
    for (int i = 0; i < 5000; i++) {
        ASSERT_TRUE(llmi_json_int64(&value, llmi_json_get(root, std::to_string(i * 7919 % 5000).c_str())));
        EXPECT_EQ(i * 7919 % 5000 == 17 ? -1 : i, value);
    }
    EXPECT_EQ(nullptr, llmi_json_get(root, "5000"));
    EXPECT_EQ(nullptr, llmi_json_get(root, ""));
}

TEST_F(Json, NumbersAreReadAsWhatTheReaderAsksFor) {
    const struct {
        const char *text;
        bool is_integer, is_int64, is_uint64;
        int64_t value;
        double as_double;
    } rows[] = {
        {"0", true, true, true, 0, 0},
        {"-0", true, true, true, 0, -0.0},
        {"12", true, true, true, 12, 12},
        {"1200", true, true, true, 1200, 1200},
        {"2.0", false, true, true, 2, 2},
        {"20e-1", false, true, true, 2, 2},
        {"0.02e2", false, true, true, 2, 2},
        {"1.50e2", false, true, true, 150, 150},
        {"0.0e99999999999999999999", false, true, true, 0, 0},
        {"2.5", false, false, false, 0, 2.5},
        {"1e-1", false, false, false, 0, 0.1},
        {"-7", true, true, false, -7, -7},
        {"9223372036854775807", true, true, true, INT64_MAX, 9223372036854775807.0},
        {"9223372036854775808", true, false, true, INT64_MIN, 9223372036854775808.0},
        {"-9223372036854775808", true, true, false, INT64_MIN, -9223372036854775808.0},
        {"-9223372036854775809", true, false, false, 0, -9223372036854775809.0},
        {"18446744073709551615", true, false, true, -1, 18446744073709551615.0},
        {"18446744073709551616", true, false, false, 0, 18446744073709551616.0},
        {"1000000000000000019884624838656", true, false, false, 0, 1e30},
        {"1e400", false, false, false, 0, INFINITY},
        {"-1e400", false, false, false, 0, -INFINITY},
        {"1e-400", false, false, false, 0, 0},
        {"1e18", false, true, true, 1000000000000000000, 1e18},
        {"1e20", false, false, false, 0, 1e20},
        {"NaN", false, false, false, 0, NAN},
        {"-Infinity", false, false, false, 0, -INFINITY},
        {"0.1", false, false, false, 0, 0.1},
        {"123456789012345678", true, true, true, 123456789012345678, 123456789012345678.0},
    };
    for (auto &row : rows) {
        ASSERT_EQ(LLM_OK, parse(row.text, LLMI_JSON_PYTHON)) << row.text;
        int64_t i = 0;
        uint64_t u = 0;
        EXPECT_EQ(row.is_integer, llmi_json_is_integer(root)) << row.text;
        EXPECT_EQ(row.is_int64, llmi_json_int64(&i, root)) << row.text;
        if (row.is_int64) {
            EXPECT_EQ(row.value, i) << row.text;
        }
        EXPECT_EQ(row.is_uint64, llmi_json_uint64(&u, root)) << row.text;
        if (row.is_uint64) {
            EXPECT_EQ(static_cast<uint64_t>(row.value), u) << row.text;
        }
        double x = llmi_json_double(root);
        EXPECT_TRUE(x == row.as_double || (std::isnan(x) && std::isnan(row.as_double))) << row.text << " " << x;
    }
    ASSERT_EQ(LLM_OK, parse("\"5\""));
    EXPECT_TRUE(std::isnan(llmi_json_double(root)));
}

TEST_F(Json, SameComparesByValue) {
    const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"1", "1.0", true},
        {"100", "1e2", true},
        {"0.010", "1e-2", true},
        {"-0", "0.000e5", true},
        {"12345678901234567890123", "12345678901234567890124", false},
        {"12345678901234567890123", "1.2345678901234567890123e22", true},
        {"0.1", "0.10000000000000001", false},
        {"1", "-1", false},
        {"1", "true", false},
        {"1", "\"1\"", false},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[]", "{}", false},
        {"\"a\\u0000b\"", "\"a\\u0000c\"", false},
        {"null", "null", true},
    };
    for (auto &row : rows) {
        ASSERT_EQ(LLM_OK, parse(row.a));
        const llmi_json *a = root;
        ASSERT_EQ(LLM_OK, parse(row.b));
        EXPECT_EQ(row.same, llmi_json_same(a, root, nullptr)) << row.a << " " << row.b;
        EXPECT_EQ(row.same, llmi_json_same(root, a, nullptr)) << row.a << " " << row.b;
        EXPECT_TRUE(llmi_json_same(a, a, nullptr));
        int64_t none = 0;
        EXPECT_FALSE(llmi_json_same(a, a, &none));
    }
    EXPECT_FALSE(llmi_json_same(root, nullptr, nullptr));
}

TEST_F(Json, ValuesAreMadeFromOthers) {
    ASSERT_EQ(LLM_OK, parse("{\"a\":[1,{}],\"b\":\"x\"}"));
    const llmi_json *object = llmi_json_with(&doc, root, "c", llmi_json_new_int(&doc, INT64_MIN));
    EXPECT_EQ("{\"a\":[1,{}],\"b\":\"x\",\"c\":-9223372036854775808}", write(object, 0));
    object = llmi_json_with(&doc, object, "a", &llmi_json_null);
    EXPECT_EQ("{\"a\":null,\"b\":\"x\",\"c\":-9223372036854775808}", write(object, 0));
    object = llmi_json_without(&doc, object, "c");
    EXPECT_EQ("{\"a\":null,\"b\":\"x\"}", write(object, 0));
    EXPECT_EQ("{\"a\":null,\"b\":\"x\"}", write(llmi_json_without(&doc, object, "none"), 0));
    const llmi_json items[] = {*object, *llmi_json_new_string(&doc, {"\"\x01\xc3\xa9", 4}),
                               *llmi_json_new_number(&doc, {"1.50", 4})};
    const llmi_json *array = llmi_json_new_array(&doc, items, 3);
    EXPECT_EQ("[{\"a\":null,\"b\":\"x\"},\"\\\"\\u0001é\",1.50]", write(array, 0));
    EXPECT_EQ("[{\"a\": null, \"b\": \"x\"}, \"\\\"\\u0001\\u00e9\", 1.50]",
              write(array, LLMI_JSON_SPACED | LLMI_JSON_ASCII));
    EXPECT_EQ("[]", write(llmi_json_new_array(&doc, nullptr, 0), 0));
    EXPECT_EQ("{}", write(llmi_json_new_object(&doc, nullptr, 0), 0));
    EXPECT_EQ("{\"a\":[1,{}],\"b\":\"x\"}", write(root, 0)) << "a value never changes";
}

TEST_F(Json, IsWrittenPieceByPiece) {
    llmi_buf out;
    auto whole = [&] {
        out.len = 0;
        llmi_json_writer w = llmi_json_writer_to(&out);
        llmi_json_begin(&w, '{');
        llmi_json_key(&w, "a\"");
        llmi_json_begin(&w, '[');
        llmi_json_put_int(&w, -5);
        llmi_json_begin(&w, '[');
        llmi_json_end(&w, ']');
        llmi_json_put_double(&w, 0.1);
        llmi_json_put_double(&w, INFINITY);
        llmi_json_put_string(&w, {nullptr, 0});
        llmi_json_end(&w, ']');
        llmi_json_key(&w, "b");
        llmi_json_put_bool(&w, true);
        llmi_json_key(&w, "c");
        llmi_json_put_null(&w);
        llmi_json_key(&w, "d");
        llmi_json_put_value(&w, &llmi_json_false);
        llmi_json_end(&w, '}');
        return !w.failed;
    };
    for (long n = 0;; n++) {
        llmi_buf_init(&out, &memory.allocator);
        memory.arm(n);
        bool ok = whole(), failed = memory.n_calls() > n;
        memory.arm(-1);
        EXPECT_EQ(!failed, ok);
        if (ok) {
            EXPECT_EQ("{\"a\\\"\":[-5,[],0.1,null,\"\"],\"b\":true,\"c\":null,\"d\":false}",
                      std::string(out.data, out.len));
        }
        llmi_buf_free(&out);
        if (ok) break;
    }
}

TEST_F(Json, LookupsNameKeyFoundAndExpected) {
    ASSERT_EQ(LLM_OK, parse("{\"i\":5,\"r\":2.5,\"s\":\"a\\u0000b\",\"n\":null,\"b\":true,\"o\":{},\"l\":[],\"big\":"
                            "1000000000000000019884624838656}"));
    int64_t i = 99;
    double x = 99;
    llm_span s = {};
    EXPECT_EQ(LLM_OK, llmi_json_get_int(&i, root, "i", 5, 5, "x.json"));
    EXPECT_EQ(5, i);
    EXPECT_EQ(LLM_OK, llmi_json_get_number(&x, root, "i", "x.json"));
    EXPECT_EQ(5.0, x);
    EXPECT_EQ(LLM_OK, llmi_json_get_number(&x, root, "r", "x.json"));
    EXPECT_EQ(2.5, x);
    EXPECT_EQ(LLM_OK, llmi_json_get_string(&s, root, "s", "x.json"));
    EXPECT_EQ(std::string("a\0b", 3), std::string(s.ptr, s.len));
    const struct {
        llm_status got, want;
        std::string text;
        const char *says;
    } rows[] = {
#define ROW(call, want) call, want, llm_last_error()
        {ROW(llmi_json_get_int(&i, root, "i", 6, 9, "x.json"), LLM_E_FORMAT), "x.json: \"i\" is 5, expected 6..9"},
        {ROW(llmi_json_get_int(&i, root, "r", 0, 9, "x.json"), LLM_E_FORMAT), "\"r\" is a number, expected an integer"},
        {ROW(llmi_json_get_int(&i, root, "big", 0, 9, "x.json"), LLM_E_FORMAT),
         "\"big\" is 1000000000000000019884624838656, expected 0..9"},
        {ROW(llmi_json_get_int(&i, root, "gone", 0, 9, "x.json"), LLM_E_NOT_FOUND), "x.json: \"gone\" is missing"},
        {ROW(llmi_json_get_number(&x, root, "s", "x.json"), LLM_E_FORMAT), "\"s\" is a string, expected a number"},
        {ROW(llmi_json_get_number(&x, root, "n", "x.json"), LLM_E_FORMAT), "\"n\" is null"},
        {ROW(llmi_json_get_string(&s, root, "b", "x.json"), LLM_E_FORMAT), "\"b\" is true, expected a string"},
        {ROW(llmi_json_get_string(&s, root, "o", "x.json"), LLM_E_FORMAT), "\"o\" is an object"},
        {ROW(llmi_json_get_string(&s, root, "l", "x.json"), LLM_E_FORMAT), "\"l\" is an array"},
        {ROW(llmi_json_get_int(&i, llmi_json_get(root, "l"), "i", 0, 1, "x.json"), LLM_E_NOT_FOUND),
         "\"i\" is missing"},
#undef ROW
    };
    for (auto &row : rows) {
        EXPECT_EQ(row.want, row.got);
        EXPECT_NE(std::string::npos, row.text.find(row.says)) << row.text;
    }
}

} // namespace
