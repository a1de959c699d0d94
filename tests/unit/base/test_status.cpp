#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>

extern "C" {
#include "base/log.h"
#include "base/status.h"
}

namespace {

TEST(Status, EveryCodeHasANameAndASentence) {
    std::set<std::string> names, texts;
    for (int code = 0; code >= LLM_E_INTERNAL; code--) {
        names.insert(llm_status_name(code));
        texts.insert(llm_status_text(code));
    }
    EXPECT_EQ((size_t)1 - LLM_E_INTERNAL, names.size());
    EXPECT_EQ((size_t)1 - LLM_E_INTERNAL, texts.size());
    EXPECT_EQ(0u, names.count("LLM_E_UNKNOWN"));
    EXPECT_STREQ("LLM_E_FORMAT", llm_status_name(LLM_E_FORMAT));
    for (int code : {1, LLM_E_INTERNAL - 1, INT32_MIN, INT32_MAX}) {
        EXPECT_STREQ("LLM_E_UNKNOWN", llm_status_name(code));
        EXPECT_NE('\0', llm_status_text(code)[0]);
    }
}

TEST(Error, TextIsSetPrefixedSavedAndCleared) {
    EXPECT_EQ(LLM_E_FORMAT, llmi_error(LLM_E_FORMAT, "key %d", 7));
    EXPECT_STREQ("key 7", llm_last_error());
    EXPECT_EQ(LLM_E_FORMAT, llmi_error_in(LLM_E_FORMAT, "file %s", "x"));
    EXPECT_STREQ("file x: key 7", llm_last_error());
    llmi_error_copy saved;
    llmi_error_save(&saved, LLM_E_FORMAT);
    llmi_error_clear();
    EXPECT_STREQ("", llm_last_error());
    EXPECT_EQ(LLM_E_FORMAT, llmi_error_restore(&saved));
    EXPECT_STREQ("file x: key 7", llm_last_error());
}

TEST(Error, MayQuoteItself) {
    llmi_error(LLM_E_IO, "inner");
    llmi_error(LLM_E_IO, "outer (%s)", llm_last_error());
    EXPECT_STREQ("outer (inner)", llm_last_error());
}

TEST(Error, BelongsToItsThread) {
    llmi_error(LLM_E_IO, "mine");
    std::thread([] {
        EXPECT_STREQ("", llm_last_error());
        llmi_error(LLM_E_IO, "theirs");
    }).join();
    EXPECT_STREQ("mine", llm_last_error());
}

TEST(Error, LongTextsAreCutAtACharacter) {
    for (size_t n = 505; n < 520; n++) {
        std::string text = std::string(n, 'a') + "\xf0\x9f\x98\x80\xf0\x9f\x98\x80";
        llmi_error(LLM_E_IO, "%s", text.c_str());
        std::string got = llm_last_error();
        EXPECT_LT(got.size(), sizeof(llmi_error_copy::text));
        size_t tail = got.find_first_not_of('a');
        if (tail != std::string::npos) {
            EXPECT_EQ(0u, (got.size() - tail) % 4) << n;
        }
        llmi_error_in(LLM_E_IO, "%s", text.c_str());
        EXPECT_LT(strlen(llm_last_error()), sizeof(llmi_error_copy::text));
    }
}

struct Lines {
    std::string text;
    static void take(void *user, int32_t level, const char *line) {
        static_cast<Lines *>(user)->text += std::to_string(level) + line + ";";
    }
};

TEST(Log, PassesOnUpToItsLevel) {
    Lines lines;
    llmi_log log = {Lines::take, &lines, 2};
    for (int level = 0; level < 5; level++) llmi_log_write(&log, level, "line %d", level);
    EXPECT_EQ("0line 0;1line 1;2line 2;", lines.text);
    llmi_log none = {};
    llmi_log_write(&none, 0, "nowhere");
    llmi_log_write(nullptr, 0, "nowhere");
    lines.text.clear();
    llmi_log_write(&log, 0, "%s", std::string(5000, 'x').c_str());
    EXPECT_GT(lines.text.size(), 500u);
    EXPECT_LT(lines.text.size(), 5000u);
}

} // namespace
