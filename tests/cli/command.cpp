#include "command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

extern char **environ;

std::string temporary_path(const std::string &name) {
    return testing::TempDir() + "llm-cli-" + std::to_string(getpid()) + "-" + name;
}

void write_file(const std::string &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

static std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

static pid_t start(const Args &args, const std::string &in, const std::string &out, const std::string &err) {
    std::vector<char *> argv{const_cast<char *>(LLM_COMMAND)};
    for (const std::string &arg : args) argv.push_back(const_cast<char *>(arg.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, in.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = -1;
    EXPECT_EQ(posix_spawn(&pid, LLM_COMMAND, &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

using Meanwhile = std::function<void(pid_t, const std::string &)>;

static Output run(const Args &args, const std::string &input, const std::string &out, const Meanwhile &meanwhile) {
    std::string in = temporary_path("in"), err = temporary_path("err");
    write_file(in, input);
    pid_t pid = start(args, in, out, err);
    if (meanwhile) meanwhile(pid, out);
    int status = 0;
    waitpid(pid, &status, 0);
    Output result{WIFEXITED(status) ? WEXITSTATUS(status) : -1, "", read_file(err)};
    unlink(in.c_str());
    unlink(err.c_str());
    return result;
}

static Output run_into_file(const Args &args, const std::string &input, const Meanwhile &meanwhile) {
    std::string out = temporary_path("out");
    Output result = run(args, input, out, meanwhile);
    result.out = read_file(out);
    unlink(out.c_str());
    return result;
}

Output llm(const Args &args, const std::string &input) {
    return run_into_file(args, input, nullptr);
}

Output llm_into(const std::string &path, const Args &args) {
    return run(args, "", path, nullptr);
}

Output llm_interrupted(const Args &args, const std::string &input) {
    return run_into_file(args, input, [](pid_t pid, const std::string &out) {
        struct stat st = {};
        for (int i = 0; i < 6000; i++) {
            if (stat(out.c_str(), &st) == 0 && st.st_size > 0) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        kill(pid, SIGINT);
    });
}

Json llm_json(Args args, const std::string &input, int rc) {
    args.push_back("--json");
    Output result = llm(args, input);
    EXPECT_EQ(result.rc, rc) << result.err;
    Json object = Json::parse(result.out);
    EXPECT_TRUE(object.is_object()) << result.out;
    return object;
}

std::string join(const std::vector<int> &ids, const char *separator) {
    std::string text;
    for (int id : ids) text += (text.empty() ? "" : separator) + std::to_string(id);
    return text;
}
