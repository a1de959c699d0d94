// The model that most tests run, what it must answer, and a reader of JSON. README.md says how it is made.
#pragma once

#include <jansson.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "rounding.h"
#include "shared_data.h"

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

// A small model in both forms, and what a forward pass in float64 computes from it.
struct StoryModel {
    const char *name;
    std::string gguf, hf, reference;
    int32_t n_layers, n_cols; // n_cols: of its widest product

    // What F32 may change in its logits, relative to their root mean square.
    double bound() const { return rounding::of_logits(n_layers, rounding::of_sum(n_cols), 0); }
};

// data/: what tests run. stories260K, which others trained, is run where the shared data are there.
inline const std::string stories_data = LLM_SOURCE_DIR "/tests/stories/data/";
inline const StoryModel stories = {
    "Stories", stories_data + "stories.gguf", stories_data + "hf", stories_data + "reference.json", 2, 108};
inline const std::string stories260k_data = LLM_SHARED_DATA "/models/stories260K/stories260K-";
inline const StoryModel stories260k = {
    "Stories260K", stories260k_data + "f32.gguf", stories260k_data + "hf", stories260k_data + "reference.json", 5, 172};
inline const std::string stories_gguf = stories.gguf, stories_hf = stories.hf;
// The model that comes with the project.
inline const std::string reasoner = LLM_SOURCE_DIR "/examples/models/tiny-reasoner.gguf";
bool exists(const std::string &path);

#define NEEDS_STORIES260K() NEEDS_SHARED(stories260k.gguf, "the same with the model of tests/stories")
