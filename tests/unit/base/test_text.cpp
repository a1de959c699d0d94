#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>

extern "C" {
#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"
}

namespace {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The same through the C library and through ours. */
template <class... Args> void expect_like_printf(const char *format, Args... args) {
    char want[2048], got[2048];
    int n = snprintf(want, sizeof want, format, args...);
    EXPECT_EQ((size_t)n, llmi_format(got, sizeof got, format, args...)) << format;
    EXPECT_STREQ(want, got) << format;
    for (size_t capacity : {1, 2, 5, 9}) {
        char small[16];
        memset(small, '#', sizeof small);
        EXPECT_EQ((size_t)n, llmi_format(small, capacity, format, args...));
        EXPECT_EQ(std::string(want).substr(0, capacity - 1), small) << format;
        EXPECT_EQ('#', small[capacity]);
    }
}
#pragma GCC diagnostic pop

TEST(Format, IntegersAsPrintf) {
    for (long long v : {0LL, 1LL, -1LL, 127LL, -128LL, 99999LL, INT64_MAX + 0LL, INT64_MIN + 0LL}) {
        for (const char *f : {"%hhd", "%hd", "%d", "%i", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%8.3d", "%x",
                              "%X", "%#x", "%o", "%u", "%hu", "%hhu"})
            expect_like_printf(f, (int)v);
        for (const char *f : {"%ld", "%lu", "%20ld", "%lx"}) expect_like_printf(f, (long)v);
        for (const char *f : {"%lld", "%llu", "%-25lld|"}) expect_like_printf(f, v);
        for (const char *f : {"%zu", "%zd", "%zx"}) expect_like_printf(f, (size_t)v);
        for (const char *f : {"%jd", "%ju"}) expect_like_printf(f, (intmax_t)v);
        expect_like_printf("%td", (ptrdiff_t)v);
    }
}

TEST(Format, RealNumbersAsPrintf) {
    for (double v : {0.0, -0.0, 1.0, 0.1, -2.5e-10, 1e22, 123456.789, 1.7976931348623157e308, 5e-324, (double)INFINITY})
        for (const char *f :
             {"%f", "%.0f", "%.3f", "%e", "%.10e", "%g", "%G", "%E", "%F", "%10.2f", "%-12g|", "%+g", "%012.4f", "%#g"})
            expect_like_printf(f, v);
}

TEST(Format, TextsAsPrintf) {
    for (const char *f : {"%s", "%.2s", "%8s", "%-8s|", "%8.2s", "%.0s"})
        for (const char *s : {"", "a", "abc"}) expect_like_printf(f, s);
    expect_like_printf("%c%c", 'a', 'b');
    expect_like_printf("100%% %d", 5);
    expect_like_printf("%*d|%-*d|", 6, 42, 6, 42);
    expect_like_printf("%.*s|", 2, "abc");
    expect_like_printf("%p", (void *)0x1234);
    expect_like_printf("plain");
    char out[32];
    const char *volatile nothing = nullptr;
    EXPECT_EQ(6u, llmi_format(out, sizeof out, "%s", nothing));
    EXPECT_STREQ("(null)", out);
    /* Without its NUL: the precision bounds the reading. */
    char *bytes = new char[3]{'x', 'y', 'z'};
    llmi_format(out, sizeof out, "%.*s", 3, bytes);
    EXPECT_STREQ("xyz", out);
    delete[] bytes;
}

TEST(Format, WidthsBeyondSenseAreHarmless) {
    char out[64];
    llmi_format(out, sizeof out, "%99999999d", 1);
    llmi_format(out, sizeof out, "%.99999999f", 1.5);
    llmi_format(out, sizeof out, "%*d", INT32_MIN + 1, 1);
    llmi_format(out, sizeof out, "%.99999999d", 7);
    EXPECT_LT(strlen(out), sizeof out);
}

TEST(Format, CutsBeforeAWholeCharacter) {
    const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t room = 0; room <= 10; room++) {
        char out[16];
        EXPECT_EQ(10u, llmi_format(out, room + 1, "%s", text.c_str()));
        EXPECT_EQ(text.substr(0, whole[room]), out) << room;
    }
}

TEST(Number, IsShortAndReadsBack) {
    const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},
                {1, "1"},
                {-1.5, "-1.5"},
                {0.1, "0.1"},
                {1e300, "1e+300"},
                {1.0 / 3, "0.3333333333333333"},
                {123456789, "123456789"},
                {5e-324, "5e-324"}};
    char out[LLMI_NUMBER_BYTES];
    for (auto &row : rows) EXPECT_STREQ(row.text, llmi_number(out, row.value));
    EXPECT_STREQ("0.1", llmi_number_f32(out, 0.1f));
    EXPECT_STREQ("1e-05", llmi_number_f32(out, 1e-5f));
    std::mt19937_64 rng(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng();
        double d;
        float f;
        uint32_t low = (uint32_t)bits;
        memcpy(&d, &bits, 8);
        memcpy(&f, &low, 4);
        if (std::isfinite(d)) {
            EXPECT_EQ(d, strtod(llmi_number(out, d), nullptr)) << out;
        }
        if (std::isfinite(f)) {
            EXPECT_EQ(f, strtof(llmi_number_f32(out, f), nullptr)) << out;
        }
        EXPECT_LT(strlen(out), (size_t)LLMI_NUMBER_BYTES);
    }
}

TEST(Number, HasAPointInEveryLocale) {
    std::string before = setlocale(LC_ALL, nullptr);
    bool found = false;
    for (const char *name : {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "ps_AF"})
        found |= setlocale(LC_ALL, name) != nullptr;
    char number[LLMI_NUMBER_BYTES], out[32];
    std::string text = llmi_number(number, 0.25);
    llmi_format(out, sizeof out, "%.2f", 1.5);
    setlocale(LC_ALL, before.c_str());
    EXPECT_EQ("0.25", text);
    EXPECT_STREQ("1.50", out);
    if (!found) GTEST_SKIP() << "no locale with a comma is installed";
}

std::string quoted(const std::string &bytes, size_t capacity = 64) {
    std::string out(capacity + 4, '#');
    EXPECT_EQ(out.data(), llmi_quote(out.data(), capacity, bytes.data(), bytes.size()));
    EXPECT_EQ("####", out.substr(capacity)) << "wrote beyond its capacity";
    return out.c_str();
}

std::string cleaned(const std::string &bytes, size_t capacity = 64) {
    std::string room(capacity, 'x');
    memcpy(room.data(), bytes.c_str(), bytes.size() + 1);
    llmi_clean(room.data(), capacity);
    return room.c_str();
}

TEST(Clean, WhatIsNotUtf8OrControlsATerminalIsSpelled) {
    EXPECT_EQ("", cleaned(""));
    EXPECT_EQ("caf\xC3\xA9 \"x\" \\n\n\t", cleaned("caf\xC3\xA9 \"x\" \\n\n\t"));
    EXPECT_EQ("a\\xff\\xfeb", cleaned("a\xff\xfe"
                                      "b"));
    EXPECT_EQ("\\x1b[31m\\x7f", cleaned("\x1b[31m\x7f"));
    EXPECT_EQ("\\xc2\\x85", cleaned("\xC2\x85")) << "a control character of C1";
    EXPECT_EQ("\\xed\\xa0\\x80", cleaned("\xED\xA0\x80")) << "a surrogate";
    EXPECT_EQ("x\\xc3", cleaned("x\xC3"));
}

TEST(Clean, ATextThatGrowsIsCutBeforeAWholeCharacter) {
    for (size_t capacity = 9; capacity < 20; capacity++) {
        std::string text = cleaned("\xff\xC3\xA9\xC3\xA9\xff"
                                   "a",
                                   capacity);
        EXPECT_LT(text.size(), capacity);
        EXPECT_EQ(0u, std::string("\\xff\xC3\xA9\xC3\xA9\\xffa").find(text)) << text;
        EXPECT_TRUE(text.empty() || (text.back() & 0xff) != 0xC3) << text;
    }
}

TEST(Clean, ErrorTextsAreUtf8WhateverCameIn) {
    llmi_error(LLM_E_FORMAT, "name %s", "\xff\xfe");
    EXPECT_STREQ("name \\xff\\xfe", llm_last_error());
    llmi_error_in(LLM_E_FORMAT, "%s", "\x80");
    EXPECT_STREQ("\\x80: name \\xff\\xfe", llm_last_error());
}

TEST(Quote, LeavesTextAndShowsTheRest) {
    EXPECT_EQ("plain \xc3\xa9\xe2\x82\xac", quoted("plain \xc3\xa9\xe2\x82\xac"));
    EXPECT_EQ("a\\nb\\\"c\\\\d", quoted("a\nb\"c\\d"));
    EXPECT_EQ("\\x00\\x1b\\x7f\\xff", quoted(std::string("\0\x1b\x7f\xff", 4)));
    EXPECT_EQ("\\xc2\\x9b", quoted("\xc2\x9b")); /* a control character of its own, CSI */
    EXPECT_EQ("\\xc3", quoted("\xc3"));
    EXPECT_EQ("\\xed\\xa0\\x80", quoted("\xed\xa0\x80")); /* a surrogate */
    EXPECT_EQ("", quoted(""));
}

TEST(Quote, EndsInDotsWhenCut) {
    for (size_t capacity = 8; capacity < 40; capacity++) {
        for (const char *unit : {"x", "\n", "\xff", "\xc3\xa9", "\xf0\x9f\x98\x80"}) {
            std::string bytes;
            for (int i = 0; i < 50; i++) bytes += unit;
            std::string out = quoted(bytes, capacity);
            EXPECT_LT(out.size(), capacity);
            EXPECT_EQ("...", out.substr(out.size() - 3));
        }
    }
}

TEST(Quote, ResultIsAlwaysCleanText) {
    std::mt19937 rng(2);
    for (int round = 0; round < 5000; round++) {
        std::string bytes(rng() % 40, 0);
        for (char &c : bytes) c = (char)rng();
        std::string out = quoted(bytes, 8 + rng() % 60);
        for (size_t i = 0; i < out.size();) {
            size_t n = llmi_utf8_char(out.data() + i, out.size() - i);
            ASSERT_GT(n, 0u) << round;
            ASSERT_FALSE((unsigned char)out[i] < 0x20 || out[i] == 0x7f);
            i += n;
        }
    }
}

TEST(Utf8, AcceptsExactlyWhatUnicodeSays) {
    for (uint32_t c = 0; c < 0x110400; c += c < 0x3000 || (c > 0xd000 && c < 0x10100) || c > 0x10ff00 ? 1 : 97) {
        std::string s;
        if (c < 0x80)
            s = {(char)c};
        else if (c < 0x800)
            s = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 63))};
        else if (c < 0x10000)
            s = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63))};
        else
            s = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)), (char)(0x80 | (c >> 6 & 63)),
                 (char)(0x80 | (c & 63))};
        bool good = c < 0x110000 && !(c >= 0xd800 && c < 0xe000);
        ASSERT_EQ(good ? s.size() : 0, llmi_utf8_char(s.data(), s.size())) << c;
        for (size_t n = 0; n < s.size(); n++) ASSERT_EQ(0u, llmi_utf8_char(s.data(), n)) << c;
    }
    for (const char *overlong :
         {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\x80", "\xfe", "\xf5\x80\x80\x80"})
        EXPECT_EQ(0u, llmi_utf8_char(overlong, strlen(overlong)));
}

} // namespace
