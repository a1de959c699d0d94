#include <gtest/gtest.h>

#include <cstring>
#include <string>

extern "C" {
#include "base/old_json.h"
}

namespace {

class Json : public ::testing::Test {
  protected:
    ~Json() override { json_decref(root); }
    llm_status parse(const std::string &text) {
        json_decref(root);
        return llmi_old_json_parse(&root, text.data(), text.size(), "x.json");
    }
    json_t *root = nullptr;
};

TEST_F(Json, LimitsAndFaultsAreRefusedWithPlace) {
    const struct {
        std::string text;
        llm_status status;
        const char *says;
    } rows[] = {
        {"{\"a\": 1}", LLM_OK, ""},
        {" 12 ", LLM_OK, ""},
        {"\"a\\u0000b\"", LLM_OK, ""},
        {"", LLM_E_FORMAT, "x.json: line 1"},
        {"{\n\"a\": }", LLM_E_FORMAT, "line 2, column"},
        {"{\"a\":1,\"a\":2}", LLM_E_FORMAT, "duplicate"},
        {"{\"a\":1,\"\\u0061\":2}", LLM_E_FORMAT, "duplicate"},
        {"[1,]", LLM_E_FORMAT, "x.json"},
        {"[1] 2", LLM_E_FORMAT, "x.json"},
        {"{\"a\":1}\n\0" + std::string(1, '\0'), LLM_E_FORMAT, "x.json"},
        {"\"\xff\"", LLM_E_FORMAT, "x.json"},
        {"\"\\ud800\"", LLM_E_FORMAT, "x.json"},
        {"{\"a\\u0000b\":1}", LLM_E_FORMAT, "x.json"},
        {"1e999", LLM_E_FORMAT, "x.json"},
        {"9223372036854775808", LLM_E_FORMAT, "x.json"},
        {"NaN", LLM_E_FORMAT, "x.json"},
        {"nul", LLM_E_FORMAT, "x.json"},
        {std::string(128, '[') + std::string(128, ']'), LLM_OK, ""},
        {std::string(129, '[') + std::string(129, ']'), LLM_E_LIMIT, "deeper than 128"},
        {std::string(10000000, '['), LLM_E_LIMIT, "deeper than 128"},
        {"\"" + std::string(1000, '[') + "\"", LLM_OK, ""},
        {"\"\\\"" + std::string(1000, '[') + "\"", LLM_OK, ""},
    };
    for (auto &row : rows) {
        std::string shown = row.text.substr(0, 40);
        EXPECT_EQ(row.status, parse(row.text)) << shown << ": " << llm_last_error();
        EXPECT_EQ(row.status == LLM_OK, root != nullptr);
        if (row.status != LLM_OK) {
            EXPECT_NE(nullptr, strstr(llm_last_error(), row.says)) << shown << ": " << llm_last_error();
        }
    }
}

TEST_F(Json, SizeIsLimitedBeforeReading) {
    EXPECT_EQ(LLM_E_LIMIT, llmi_old_json_parse(&root, "1", (size_t)LLMI_OLD_JSON_MAX_BYTES + 1, "x.json"));
    EXPECT_EQ(nullptr, root);
}

TEST_F(Json, ReadsNoFurtherThanItsBytes) {
    for (const char *text : {"{\"a\":\"bcd\\u00e9\"}", "[1.5e3,true,null]", "\"\\\\\""}) {
        for (size_t n = 0; n < strlen(text); n++) {
            char *exact = new char[n + !n];
            memcpy(exact, text, n);
            json_t *value;
            EXPECT_EQ(LLM_E_FORMAT, llmi_old_json_parse(&value, exact, n, "x.json")) << std::string(text, n);
            delete[] exact;
        }
    }
}

TEST_F(Json, LookupsNameKeyFoundAndExpected) {
    ASSERT_EQ(LLM_OK, parse("{\"i\":5,\"r\":2.5,\"s\":\"a\\u0000b\",\"n\":null,\"b\":true,\"o\":{},\"l\":[]}"));
    int64_t i = 99;
    double x = 99;
    llm_span s = {};
    EXPECT_EQ(LLM_OK, llmi_old_json_get_int(&i, root, "i", 5, 5, "x.json"));
    EXPECT_EQ(5, i);
    EXPECT_EQ(LLM_OK, llmi_old_json_get_number(&x, root, "i", "x.json"));
    EXPECT_EQ(5.0, x);
    EXPECT_EQ(LLM_OK, llmi_old_json_get_number(&x, root, "r", "x.json"));
    EXPECT_EQ(2.5, x);
    EXPECT_EQ(LLM_OK, llmi_old_json_get_string(&s, root, "s", "x.json"));
    EXPECT_EQ(std::string("a\0b", 3), std::string(s.ptr, s.len));
    const struct {
        llm_status got, want;
        std::string text;
        const char *says;
    } rows[] = {
#define ROW(call, want) call, want, llm_last_error()
        {ROW(llmi_old_json_get_int(&i, root, "i", 6, 9, "x.json"), LLM_E_FORMAT), "x.json: \"i\" is 5, expected 6..9"},
        {ROW(llmi_old_json_get_int(&i, root, "r", 0, 9, "x.json"), LLM_E_FORMAT), "\"r\" is a number, expected an integer"},
        {ROW(llmi_old_json_get_int(&i, root, "gone", 0, 9, "x.json"), LLM_E_NOT_FOUND), "x.json: \"gone\" is missing"},
        {ROW(llmi_old_json_get_number(&x, root, "s", "x.json"), LLM_E_FORMAT), "\"s\" is a string, expected a number"},
        {ROW(llmi_old_json_get_number(&x, root, "n", "x.json"), LLM_E_FORMAT), "\"n\" is null"},
        {ROW(llmi_old_json_get_string(&s, root, "b", "x.json"), LLM_E_FORMAT), "\"b\" is true, expected a string"},
        {ROW(llmi_old_json_get_string(&s, root, "o", "x.json"), LLM_E_FORMAT), "\"o\" is an object"},
        {ROW(llmi_old_json_get_string(&s, root, "l", "x.json"), LLM_E_FORMAT), "\"l\" is an array"},
#undef ROW
    };
    for (auto &row : rows) {
        EXPECT_EQ(row.want, row.got);
        EXPECT_NE(std::string::npos, row.text.find(row.says)) << row.text;
    }
    json_t *array = json_array();
    EXPECT_EQ(LLM_E_NOT_FOUND, llmi_old_json_get_int(&i, array, "i", 0, 1, "x.json"));
    json_decref(array);
}

} // namespace
