// The llm command on a terminal of its own, as a person runs it.
#pragma once

#include <sys/types.h>

#include <string>

#include "command.h"

class Terminal {
  public:
    explicit Terminal(const Args &args, const char *term = "xterm");
    ~Terminal();
    Terminal(const Terminal &) = delete;
    Terminal &operator=(const Terminal &) = delete;

    // Waits until `text` is written beyond what was waited for before. False, and a failure, if it never comes.
    bool wait(const std::string &text);
    bool wait_for_prompt() { return wait("> "); }
    void type(const std::string &keys);
    // Types a line once the prompt is there.
    void enter(const std::string &line);
    int end(); // what the command ends with; -1: it was killed by a signal or did not end
    const std::string &shown() const { return shown_; }

  private:
    bool read_more();
    pid_t pid_ = -1;
    int fd_ = -1;
    std::string shown_;
    size_t seen_ = 0;
};
