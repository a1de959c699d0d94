// Example sets and selectors: against golden data of make_fewshot_golden.py, and by what they promise.
#include <gtest/gtest.h>

#include <jansson.h>

#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "base/json.h"
#include "base/status.h"
#include "prompt/bm25.h"
#include "prompt/example_reader.h"
#include "prompt/selectors.h"
}

namespace {

struct Json {
    json_t *j;
    explicit Json(json_t *value) : j(value) {}
    ~Json() { json_decref(j); }
    Json(const Json &) = delete;
};

json_t *load_golden() {
    std::ifstream file(std::string(LLM_SOURCE_DIR) + "/tests/unit/prompt/fewshot_golden.json");
    std::stringstream text;
    text << file.rdbuf();
    return json_loads(text.str().c_str(), 0, nullptr);
}

// ---- readers ----

struct Examples {
    llmi_json_doc doc;
    llmi_buf list;
    Examples() {
        llmi_json_doc_init(&doc, &llmi_default_allocator, 0);
        llmi_buf_init(&list, &llmi_default_allocator);
    }
    ~Examples() {
        llmi_buf_free(&list);
        llmi_json_doc_free(&doc);
    }
    llm_status read(const std::string &text, int32_t format = LLMI_FEWSHOT_AUTO) {
        return llmi_prompt_read_examples(&list, &doc, text.data(), text.size(), format);
    }
    size_t count() const { return llmi_buf_count(&list, llmi_json); }
};

std::string read(const std::string &text, int32_t format = LLMI_FEWSHOT_AUTO) {
    Examples e;
    llmi_error_clear();
    llm_status status = e.read(text, format);
    if (status != LLM_OK) {
        EXPECT_EQ(0u, e.count());
        EXPECT_STRNE("", llm_last_error());
        return std::string(llm_status_name(status)) + " " + llm_last_error();
    }
    const llmi_json *list =
        llmi_json_new_array(&e.doc, static_cast<const llmi_json *>(static_cast<void *>(e.list.data)), e.count());
    llmi_buf text_of;
    llmi_buf_init(&text_of, &llmi_default_allocator);
    EXPECT_TRUE(llmi_json_write(&text_of, list, LLMI_JSON_COMPACT));
    std::string out(text_of.data, text_of.len);
    llmi_buf_free(&text_of);
    return out;
}

TEST(Examples, JsonLines) {
    EXPECT_EQ(R"([{"a":1},{"b":"x"}])", read("{\"a\":1}\n\n  \r\n{\"b\":\"x\"}\r\n"));
    EXPECT_EQ(R"([{"a":1}])", read("\xef\xbb\xbf{\"a\":1}"));
    EXPECT_EQ("[]", read(""));
    EXPECT_EQ("[]", read("\n\n"));
    EXPECT_NE(std::string::npos, read("{\"a\":1}\n{\"a\":").find("line 2"));
    EXPECT_NE(std::string::npos, read("{\"a\":1}\n[1]").find("expected an object"));
    EXPECT_NE(std::string::npos, read("{\"a\":1,\"a\":2}").find("LLM_E_FORMAT"));
    EXPECT_NE(std::string::npos, read("{\"a\":\"\xff\"}").find("byte 6 is not UTF-8"));
}

TEST(Examples, JsonArray) {
    EXPECT_EQ(R"([{"a":1},{"a":2}])", read(" [{\"a\":1},{\"a\":2}]"));
    EXPECT_NE(std::string::npos, read("[{\"a\":1},2]").find("example 1"));
    EXPECT_NE(std::string::npos, read("[" + std::string(100000, '[')).find("LLM_E_LIMIT"));
}

TEST(Examples, Csv) {
    EXPECT_EQ(R"([{"q":"1","a":"2"},{"q":"3","a":"4"}])", read("q,a\n1,2\r\n3,4"));
    EXPECT_EQ(R"([{"q":"1","a":"2"}])", read("q,a\r1,2\r"));
    EXPECT_EQ(R"([{"q":"x, \"y\"\nz","a":""}])", read("q,a\n\"x, \"\"y\"\"\nz\",\n"));
    EXPECT_EQ(R"([{"q":"","a":""}])", read("q,a\n\"\",\"\"\n\n"));
    EXPECT_EQ("[]", read("q,a\n"));
    EXPECT_EQ(R"([{"q":"{}"}])", read("q\n{}"));
    EXPECT_NE(std::string::npos, read("q,a\n1\n").find("line 2: found 1 fields, expected the 2"));
    EXPECT_NE(std::string::npos, read("q,a\n1,2,3\n").find("more fields"));
    EXPECT_NE(std::string::npos, read("q,a\n\"1,2\n3,4").find("line 2: a quoted field has no end"));
    EXPECT_NE(std::string::npos, read("q,a\n\"1\"2,3").find("after a closing quote"));
    EXPECT_NE(std::string::npos, read("q,a\n1\"2\",3").find("a quote inside"));
    EXPECT_NE(std::string::npos, read("q,q\n1,2").find("two fields are called"));
    EXPECT_NE(std::string::npos, read("q,\n1,2").find("field 2 has no name"));
    std::string wide = "c0";
    for (int i = 1; i <= LLMI_FEWSHOT_MAX_COLUMNS; i++) wide += ",c" + std::to_string(i);
    EXPECT_NE(std::string::npos, read(wide).find("LLM_E_LIMIT"));
}

TEST(Examples, Tsv) {
    EXPECT_EQ(R"([{"q":"2+2?","a":"4"}])", read("q\ta\n2+2?\t4\n"));
    EXPECT_EQ(R"([{"q":"1, 2","a":"he said \"no\""}])", read("\xef\xbb\xbfq\ta\r\n1, 2\the said \"no\"\r\n"));
    EXPECT_EQ(R"([{"q":"x\ty","a":"z"}])", read("q\ta\n\"x\ty\"\tz"));
    EXPECT_EQ(R"([{"q":"1","a":""}])", read("q\ta\n1\t"));
    EXPECT_EQ(R"([{"q,a":"1,2"}])", read("q,a\n1,2", LLMI_FEWSHOT_TSV));
    EXPECT_NE(std::string::npos, read("q\ta\n1").find("TSV: line 2: found 1 fields, expected the 2"));
    EXPECT_NE(std::string::npos, read("q\ta\n\"1\" x\t2").find("expected a tab or the end"));
}

TEST(Examples, NumbersKeepTheirSpelling) {
    EXPECT_EQ(R"([{"a":19.990,"b":123456789012345678901234567890}])",
              read("{\"a\": 19.990, \"b\": 123456789012345678901234567890}"));
}

TEST(Examples, WhatWasThereStaysAfterAFailure) {
    Examples e;
    ASSERT_EQ(LLM_OK, e.read("{\"a\":1}"));
    EXPECT_EQ(LLM_E_FORMAT, e.read("{\"a\":2}\n{"));
    EXPECT_EQ(1u, e.count());
    EXPECT_EQ(LLM_E_ARGUMENT, e.read("{\"a\":1}", 9));
}

// ---- BM25 and MMR ----

TEST(Select, Bm25AsComputedElsewhere) {
    Json golden(load_golden());
    ASSERT_NE(nullptr, golden.j);
    std::vector<llm_span> docs;
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(golden.j, "docs"), i, value)
        docs.push_back({json_string_value(value), json_string_length(value)});
    size_t n_above_zero = 0;
    json_array_foreach(json_object_get(golden.j, "bm25"), i, value) {
        json_t *query = json_object_get(value, "query");
        std::vector<double> scores(docs.size());
        ASSERT_EQ(LLM_OK, llmi_bm25_score(scores.data(), &llmi_default_allocator, docs.data(), docs.size(),
                                          {json_string_value(query), json_string_length(query)},
                                          json_number_value(json_object_get(value, "k1")),
                                          json_number_value(json_object_get(value, "b"))));
        for (size_t k = 0; k < docs.size(); k++) {
            double expected = json_number_value(json_array_get(json_object_get(value, "scores"), k));
            EXPECT_NEAR(expected, scores[k], 1e-12) << json_string_value(query) << " doc " << k;
            n_above_zero += expected > 0;
        }
    }
    EXPECT_GT(n_above_zero, 30u);
}

TEST(Select, MmrAsComputedElsewhere) {
    Json golden(load_golden());
    ASSERT_NE(nullptr, golden.j);
    std::vector<float> vectors;
    json_t *rows = json_object_get(golden.j, "vectors"), *row, *value;
    size_t i, k;
    json_array_foreach(rows, i, row) json_array_foreach(row, k, value)
        vectors.push_back(static_cast<float>(json_number_value(value)));
    size_t n = json_array_size(rows), dim = vectors.size() / n;
    json_array_foreach(json_object_get(golden.j, "mmr"), i, value) {
        std::vector<llmi_ranked> r;
        for (k = 0; k < n; k++)
            r.push_back({k, json_number_value(json_array_get(json_object_get(golden.j, "relevance"), k))});
        size_t count = n;
        ASSERT_EQ(LLM_OK, llmi_selectors_mmr(r.data(), &count, &llmi_default_allocator, vectors.data(), dim,
                                             json_number_value(json_object_get(value, "lambda"))));
        ASSERT_EQ(n, count);
        for (k = 0; k < n; k++)
            EXPECT_EQ(json_integer_value(json_array_get(json_object_get(value, "order"), k)),
                      static_cast<json_int_t>(r[k].index))
                << "lambda " << json_number_value(json_object_get(value, "lambda")) << " place " << k;
    }
}

TEST(Select, Bm25SurvivesAnyBytes) {
    std::string junk;
    uint32_t x = 1;
    for (int i = 0; i < 20000; i++) junk += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
    llm_span docs[] = {{junk.data(), junk.size()}, {"", 0}, {junk.data() + 100, 5000}};
    double scores[3];
    ASSERT_EQ(LLM_OK, llmi_bm25_score(scores, &llmi_default_allocator, docs, 3, {junk.data(), junk.size()}, 1.2, 0.75));
    for (double s : scores) EXPECT_TRUE(std::isfinite(s) && s >= 0);
}

// ---- drawing ----

std::vector<llmi_ranked> ranked(size_t n) {
    std::vector<llmi_ranked> r(n);
    for (size_t i = 0; i < n; i++) r[i] = {i, 0};
    return r;
}

std::vector<size_t> places(const std::vector<llmi_ranked> &r) {
    std::vector<size_t> out;
    for (auto &x : r) out.push_back(x.index);
    return out;
}

TEST(Select, ShufflesArePermutationsOfTheSeed) {
    std::map<std::vector<size_t>, int> seen;
    for (uint64_t seed = 0; seed < 2400; seed++) {
        auto r = ranked(4), again = ranked(4);
        llmi_selectors_shuffle(r.data(), 4, seed, LLMI_DRAW_SELECT);
        llmi_selectors_shuffle(again.data(), 4, seed, LLMI_DRAW_SELECT);
        EXPECT_EQ(places(r), places(again));
        std::set<size_t> all;
        for (auto &x : r) all.insert(x.index);
        EXPECT_EQ(4u, all.size());
        seen[places(r)]++;
    }
    EXPECT_EQ(24u, seen.size());
    for (auto &one : seen) EXPECT_NEAR(100, one.second, 50); // five standard deviations
}

TEST(Select, SortsByScoreThenPlace) {
    for (size_t n : {0, 1, 2, 3, 7, 64, 1000}) {
        auto r = ranked(n);
        uint32_t x = 7;
        for (auto &one : r) one.score = ((x = x * 1664525 + 1013904223) >> 28);
        auto expected = r;
        std::stable_sort(expected.begin(), expected.end(),
                         [](const llmi_ranked &a, const llmi_ranked &b) { return a.score > b.score; });
        llmi_selectors_sort(r.data(), n);
        EXPECT_EQ(places(expected), places(r));
    }
}

TEST(Select, BalanceHoldsForEachBeginning) {
    std::vector<size_t> labels;
    for (size_t i = 0; i < 60; i++) labels.push_back(i < 30 ? 0 : i < 50 ? 1 : 2);
    for (uint64_t seed = 0; seed < 50; seed++) {
        auto r = ranked(60);
        ASSERT_EQ(LLM_OK, llmi_selectors_balance(r.data(), 60, &llmi_default_allocator, labels.data(), 3, seed));
        std::set<size_t> all;
        size_t counts[3] = {0, 0, 0};
        for (size_t i = 0; i < 60; i++) {
            all.insert(r[i].index);
            counts[labels[r[i].index]]++;
            size_t least = std::min({counts[0], counts[1], counts[2]}),
                   most = std::max({counts[0], counts[1], counts[2]});
            if (i < 30) {
                EXPECT_LE(most - least, 1u) << "seed " << seed << ", first " << i + 1;
            }
        }
        EXPECT_EQ(60u, all.size());
    }
}

} // namespace
