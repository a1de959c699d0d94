#include "terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

namespace {
// Far beyond what any of it takes; only a failing test waits so long.
constexpr int patience_ms = 30000;
} // namespace

Terminal::Terminal(const Args &args, const char *term) {
    std::vector<char *> argv{const_cast<char *>(LLM_COMMAND)};
    for (const std::string &arg : args) argv.push_back(const_cast<char *>(arg.c_str()));
    argv.push_back(nullptr);
    struct winsize size = {24, 80, 0, 0};
    pid_ = forkpty(&fd_, nullptr, nullptr, &size);
    if (pid_ == 0) {
        setenv("TERM", term, 1);
        setenv("HOME", "/nonexistent", 1);
        execv(LLM_COMMAND, argv.data());
        _exit(127);
    }
}

Terminal::~Terminal() {
    if (fd_ >= 0) close(fd_);
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

bool Terminal::read_more() {
    char bytes[4096];
    struct pollfd ready = {fd_, POLLIN, 0};
    if (poll(&ready, 1, patience_ms) <= 0) return false;
    ssize_t n = read(fd_, bytes, sizeof bytes);
    if (n > 0) shown_.append(bytes, static_cast<size_t>(n));
    return n > 0;
}

bool Terminal::wait(const std::string &text) {
    auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
    while (std::chrono::steady_clock::now() < until) {
        size_t at = shown_.find(text, seen_);
        if (at != std::string::npos) {
            seen_ = at + text.size();
            return true;
        }
        if (!read_more()) break;
    }
    ADD_FAILURE() << "\"" << text << "\" did not come after:\n" << shown_;
    return false;
}

void Terminal::type(const std::string &keys) {
    EXPECT_EQ(write(fd_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

void Terminal::enter(const std::string &line) {
    if (wait_for_prompt()) type(line + "\r");
}

int Terminal::end() {
    while (read_more()) {
    }
    int status = -1;
    for (int i = 0; i < patience_ms / 10; i++) {
        if (waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        usleep(10000);
    }
    return -1;
}
