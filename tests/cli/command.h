// Runs the llm command with real arguments and keeps what it wrote.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "stories/stories.h"

struct Output {
    int rc; // exit code; -1: it was killed
    std::string out, err;
};

using Args = std::vector<std::string>;

Output llm(const Args &args, const std::string &input = "");

// With standard output going to a file or device.
Output llm_into(const std::string &path, const Args &args);

// Sends SIGINT once the command has written something to standard output.
Output llm_interrupted(const Args &args, const std::string &input = "");

// Runs with --json added; the test fails unless exit code is rc and standard output one JSON object.
Json llm_json(Args args, const std::string &input = "", int rc = 0);

std::string temporary_path(const std::string &name);
void write_file(const std::string &path, const std::string &bytes);

std::string join(const std::vector<int> &ids, const char *separator = ",");
