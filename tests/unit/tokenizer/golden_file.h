/* Reads golden.json, as make_golden.py writes it: a small tokenizer in each line, and what it must answer. */
#ifndef TEST_TEXT_GOLDEN_FILE_H
#define TEST_TEXT_GOLDEN_FILE_H

#include <jansson.h>

#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>

#include "unit/tokenizer/load.h"

inline std::string text_of(const json_t *object, const char *key) {
    const json_t *s = json_object_get(object, key);
    return std::string(json_string_value(s), json_string_length(s));
}

/* The first entry is what others may be like. */
inline std::string description_of(const json_t *entry, const json_t *first) {
    json_t *whole =
        json_object_get(entry, "like") ? json_deep_copy(json_object_get(first, "tokenizer")) : json_object();
    json_object_update(whole, json_object_get(entry, "tokenizer"));
    char *text = json_dumps(whole, 0);
    std::string out = text;
    free(text);
    json_decref(whole);
    return out;
}

/* each: a name, a tokenizer.json, and the cases. An entry may name a file instead. */
inline void each_golden_tokenizer(
    const std::string &path,
    const std::function<void(const std::string &name, const std::string &json, const json_t *cases)> &each) {
    std::string text, json;
    ASSERT_TRUE(read_file(&text, path)) << path;
    std::istringstream lines(text);
    json_t *first = nullptr;
    for (std::string line; std::getline(lines, line);) {
        json_t *entry = json_loadb(line.data(), line.size(), JSON_ALLOW_NUL, nullptr);
        ASSERT_TRUE(entry);
        if (!first) first = json_incref(entry);
        if (json_object_get(entry, "path")) {
            ASSERT_TRUE(read_file(&json, text_of(entry, "path")));
        } else {
            json = description_of(entry, first);
        }
        each(text_of(entry, "name"), json, json_object_get(entry, "cases"));
        json_decref(entry);
    }
    json_decref(first);
}

#endif
