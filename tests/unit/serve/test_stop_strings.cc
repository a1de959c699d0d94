// Stop strings are found where they first end, however the text is cut into pieces.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "serve/stop_strings.h"
}

namespace {

struct Found {
    std::string before; // text before the stop string, or all of it
    bool stopped;
};

// By definition: the first end of any string; of those that end there, the longest.
Found by_definition(const std::string &text, const std::vector<std::string> &strings) {
    for (size_t end = 1; end <= text.size(); end++) {
        size_t longest = 0;
        for (const std::string &s : strings)
            if (s.size() <= end && s.size() > longest && text.compare(end - s.size(), s.size(), s) == 0)
                longest = s.size();
        if (longest) return {text.substr(0, end - longest), true};
    }
    return {text, false};
}

size_t pending_by_definition(const std::string &text, const std::vector<std::string> &strings) {
    for (size_t n = text.size(); n > 0; n--)
        for (const std::string &s : strings)
            if (n < s.size() && text.compare(text.size() - n, n, s, 0, n) == 0) return n;
    return 0;
}

class Stops {
  public:
    explicit Stops(const std::vector<std::string> &strings) {
        for (const std::string &s : strings) spans.push_back({s.data(), s.size()});
        EXPECT_EQ(LLM_OK, llmi_stop_strings_init(&stops, &llmi_default_allocator, spans.data(), spans.size()));
        matched.resize(spans.size());
    }
    ~Stops() { llmi_stop_strings_free(&stops); }
    bool read(std::string &text, const std::string &piece) {
        size_t n_read, n_string;
        bool found = llmi_stop_strings_read(&n_read, &n_string, &stops, matched.data(), piece.data(), piece.size());
        text += piece.substr(0, n_read);
        if (found) text.resize(text.size() - n_string);
        return found;
    }
    size_t pending() const { return llmi_stop_strings_pending(&stops, matched.data()); }

  private:
    std::vector<llm_span> spans;
    llmi_stop_strings stops;
    std::vector<size_t> matched;
};

TEST(StopStrings, EqualTheDefinitionOnRandomTexts) {
    std::mt19937 random(1);
    auto word = [&](size_t most, int letters) {
        std::string s;
        for (size_t n = 1 + random() % most; n > 0; n--) s += static_cast<char>('a' + random() % letters);
        return s;
    };
    size_t n_stopped = 0;
    for (int round = 0; round < 3000; round++) {
        std::vector<std::string> strings;
        for (size_t n = 1 + random() % 3; n > 0; n--) strings.push_back(word(6, 2));
        std::string all = word(20, 2), text;
        Stops stops(strings);
        bool stopped = false;
        for (size_t at = 0; at < all.size() && !stopped;) {
            size_t n = 1 + random() % 3;
            stopped = stops.read(text, all.substr(at, n));
            at += n;
            if (!stopped) {
                EXPECT_EQ(pending_by_definition(text, strings), stops.pending());
            }
        }
        Found expected = by_definition(all, strings);
        EXPECT_EQ(expected.stopped, stopped);
        EXPECT_EQ(expected.before, text);
        n_stopped += stopped;
    }
    EXPECT_GT(n_stopped, 300u);
    EXPECT_LT(n_stopped, 3000u);
}

TEST(StopStrings, MustBeNonEmptyUtf8) {
    for (const std::string &bad : {std::string(), std::string("a\xff"), std::string("\xac")}) {
        llm_span span = {bad.data(), bad.size()};
        llmi_stop_strings stops;
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_stop_strings_init(&stops, &llmi_default_allocator, &span, 1));
        EXPECT_NE(nullptr, strstr(llm_last_error(), "stop string 0"));
    }
}

} // namespace
