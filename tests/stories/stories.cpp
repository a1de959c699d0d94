#include "stories.h"

#include <unistd.h>

bool exists(const std::string &path) {
    return access(path.c_str(), R_OK) == 0;
}

Json Json::parse(const std::string &text) {
    json_error_t error;
    return Json(json_loadb(text.data(), text.size(), JSON_ALLOW_NUL, &error));
}

Json Json::load(const std::string &path) {
    json_error_t error;
    return Json(json_load_file(path.c_str(), JSON_ALLOW_NUL, &error));
}

std::string Json::text() const {
    const char *bytes = json_string_value(value_.get());
    return bytes ? std::string(bytes, json_string_length(value_.get())) : std::string();
}

std::vector<int> Json::ints() const {
    std::vector<int> all;
    for (size_t i = 0; i < size(); i++) all.push_back(static_cast<int>(json_integer_value((*this)[i].value_.get())));
    return all;
}

std::vector<double> Json::numbers() const {
    std::vector<double> all;
    for (size_t i = 0; i < size(); i++) all.push_back((*this)[i].number());
    return all;
}
