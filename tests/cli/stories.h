// The model that most tests run, what it must answer, and a reader of JSON.
#pragma once

#include <jansson.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

// A JSON value that somebody owns; reading what is not there gives a null value, never a crash.
class Json {
  public:
    Json() = default;
    explicit Json(json_t *owned) : value_(owned, [](json_t *v) { json_decref(v); }) {}
    static Json parse(const std::string &text); // exactly one value, nothing after it
    static Json load(const std::string &path);
    Json operator[](const char *key) const { return share(json_object_get(value_.get(), key)); }
    Json operator[](size_t i) const { return share(json_array_get(value_.get(), i)); }
    Json operator[](int i) const { return (*this)[static_cast<size_t>(i)]; }
    explicit operator bool() const { return value_ != nullptr; }
    bool is_null() const { return json_is_null(value_.get()); }
    bool is_object() const { return json_is_object(value_.get()); }
    bool is_true() const { return json_is_true(value_.get()); }
    size_t size() const { return json_array_size(value_.get()); }
    double number() const { return json_number_value(value_.get()); }
    std::string text() const;
    std::vector<int> ints() const;
    std::vector<double> numbers() const;

  private:
    static Json share(json_t *borrowed) { return Json(json_incref(borrowed)); }
    std::shared_ptr<json_t> value_;
};

inline const std::string stories = LLM_SHARED_DATA "/models/stories260K/";
inline const std::string stories_gguf = stories + "stories260K-f32.gguf";
inline const std::string stories_hf = stories + "stories260K-hf";
// The model that comes with the project.
inline const std::string reasoner = LLM_SOURCE_DIR "/examples/models/tiny-reasoner.gguf";
bool exists(const std::string &path);

#define NEEDS(path)                                                                                                    \
    if (!exists(path)) GTEST_SKIP() << "no " << path
