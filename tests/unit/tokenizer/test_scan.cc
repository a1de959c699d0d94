/* The scanners written by hand against the patterns they stand for, run by PCRE2. */
#include <random>

#include <gtest/gtest.h>

#include "unit/tokenizer/load.h"

/* Every byte is a token and merges join what they can, so that ids tell where pieces end. */
static std::string tokenizer(const std::string &pattern) {
    std::string vocab, merges;
    int n = 0;
    auto add = [&](const std::string &token) {
        vocab += (n ? ",\"" : "\"") + token + "\":" + std::to_string(n);
        n++;
    };
    auto spell = [](int byte) {
        char text[8];
        bool visible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte < 0x100 && byte != 0xad);
        int c = visible ? byte : 0x100 + (byte <= 0x20 ? byte : byte <= 0xa0 ? byte - 0x7f + 0x21 : 0x43);
        snprintf(text, sizeof text, "\\u%04x", c);
        return std::string(text);
    };
    for (int i = 0; i < 256; i++) add(spell(i));
    for (int i = 0; i < 256; i++) {
        for (int k = 0; k < 256; k++) {
            add(spell(i) + spell(k));
            merges += (merges.empty() ? "[\"" : ",[\"") + spell(i) + "\",\"" + spell(k) + "\"]";
        }
    }
    return "{\"decoder\":{\"type\":\"ByteLevel\"},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{"
           "\"type\":\"Split\",\"pattern\":{\"Regex\":"
           "\"" +
           pattern +
           "\"},\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
           "\"model\":{\"type\":\"BPE\",\"vocab\":{" +
           vocab + "},\"merges\":[" + merges + "]}}";
}

static void put_char(std::string *out, uint32_t c) {
    if (c < 0x80) {
        *out += static_cast<char>(c);
    } else if (c < 0x800) {
        *out += static_cast<char>(0xc0 | c >> 6);
        *out += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out += static_cast<char>(0xe0 | c >> 12);
        *out += static_cast<char>(0x80 | (c >> 6 & 63));
        *out += static_cast<char>(0x80 | (c & 63));
    } else {
        *out += static_cast<char>(0xf0 | c >> 18);
        *out += static_cast<char>(0x80 | (c >> 12 & 63));
        *out += static_cast<char>(0x80 | (c >> 6 & 63));
        *out += static_cast<char>(0x80 | (c & 63));
    }
}

/* Characters that patterns tell apart, and any below U+3000: what the tables of two libraries agree on. */
static std::string random_text(std::mt19937 &random) {
    static const uint32_t FAVOURITES[] = {
        ' ',   ' ',    ' ',    '\n',   '\r',   '\t',   '\'',    '\'',  's',  'S',  't',    'r',   'e',    'l',
        'L',   'd',    'v',    'm',    'a',    'Z',    '0',     '9',   '!',  '.',  '_',    0xa0,  0x3000, 0x85,
        0x17f, 0x212a, 0x2028, 0x180e, 0x200b, 0x4e2d, 0x1f600, 0x301, 0xe9, 0xb2, 0x2167, 0x660, 0x1680, 0xfeff};
    std::string out;
    for (size_t n = random() % 40 + 1; n > 0; n--) {
        uint32_t c =
            random() % 8 ? FAVOURITES[random() % (sizeof FAVOURITES / sizeof FAVOURITES[0])] : random() % 0x590 + 1;
        for (size_t k = random() % 5 == 0 ? random() % 5 : 1; k > 0; k--) put_char(&out, c);
    }
    return out;
}

TEST(Scan, EqualsThePatternItStandsFor) {
    const std::string gpt2 =
        "'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)|\\\\s+";
    const std::string llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"
                               "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";
    std::string qwen2 = llama3;
    qwen2.erase(qwen2.find("{1,3}"), 5);
    for (const std::string &pattern : {gpt2, llama3, qwen2}) {
        /* A group changes nothing but the text of the pattern, which then is not recognized. */
        Tokenizer by_hand = from_json(tokenizer(pattern)), by_pattern = from_json(tokenizer("(?:" + pattern + ")"));
        ASSERT_TRUE(by_hand && by_pattern);
        std::mt19937 random(7);
        for (int i = 0; i < 20000; i++) {
            std::string text = random_text(random);
            ASSERT_EQ(encode(by_hand, text), encode(by_pattern, text)) << testing::PrintToString(text);
        }
    }
}

/* Runs that patterns walk through step by step must not exhaust what PCRE2 may use. */
TEST(Scan, PatternsReachThroughLongRuns) {
    for (const char *pattern : {"(?:\\\\p{L}\\\\p{M}*)+|.", "[^\\\\s]+|\\\\s+(?!\\\\S)|\\\\s+",
                                "[\\\\p{Lu}\\\\p{Lo}]*[\\\\p{Ll}\\\\p{Lo}]+|[\\\\p{Lu}\\\\p{Lo}]+|."}) {
        Tokenizer t = from_json(tokenizer(pattern));
        ASSERT_TRUE(t);
        for (const char *unit : {"a", "A", " ", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"}) {
            std::string text;
            while (text.size() < 400000) text += unit;
            EXPECT_TRUE(decode(t, encode(t, text)) == text) << pattern << " " << unit;
        }
    }
}
