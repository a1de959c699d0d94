/* Byte pairs and scores against the plainest implementation there is, on made-up vocabularies. */
#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "unit/tokenizer/load.h"

using Parts = std::vector<std::string>;

/* The best pair first, of equals the leftmost, until none is left. `rank`: smaller is better. */
template <class Rank> static Parts merge(Parts parts, Rank rank) {
    for (;;) {
        size_t best = parts.size();
        double least = 1e300;
        for (size_t i = 0; i + 1 < parts.size(); i++) {
            double r = rank(parts[i], parts[i + 1]);
            if (r < least) least = r, best = i;
        }
        if (best == parts.size()) return parts;
        parts[best] += parts[best + 1];
        parts.erase(parts.begin() + static_cast<ptrdiff_t>(best) + 1);
    }
}

static Parts letters(const std::string &text) {
    Parts out;
    for (char c : text) out.push_back(std::string(1, c));
    return out;
}

static Parts spellings(const Tokenizer &t, const Ids &ids) {
    Parts out;
    for (llm_token id : ids) {
        llm_span s;
        llmi_tokenizer_token(t.get(), id, &s, nullptr, nullptr);
        out.push_back(std::string(s.ptr, s.len));
    }
    return out;
}

static std::string random_word(std::mt19937 &random, size_t n, int n_letters) {
    std::string out;
    while (out.size() < n) {
        /* Repetitions make the order of merges matter. */
        std::string unit;
        for (size_t k = random() % 6 + 1; k > 0; k--) unit += static_cast<char>('a' + random() % n_letters);
        for (size_t k = random() % 4 == 0 ? random() % 200 : 1; k > 0 && out.size() < n; k--) out += unit;
    }
    return out.substr(0, n);
}

static std::vector<std::string> words_for(std::mt19937 &random, int n_letters) {
    std::vector<std::string> out;
    for (size_t n : {1, 2, 3, 31, 32, 33, 34, 200, 1023, 1024, 1025, 1300, 2200})
        out.push_back(random_word(random, n, n_letters));
    return out;
}

TEST(Bpe, RankedMergesOfWordsOfAnyLength) {
    for (uint32_t seed = 0; seed < 5; seed++) {
        std::mt19937 random(seed);
        int n_letters = 2 + static_cast<int>(seed % 3);
        Vocab v("gpt2", "gpt-2");
        std::vector<std::string> known;
        std::map<std::pair<std::string, std::string>, double> ranks;
        for (int i = 0; i < n_letters; i++) known.push_back(std::string(1, static_cast<char>('a' + i)));
        for (int tries = 0; tries < 400; tries++) {
            std::string l = known[random() % known.size()], r = known[random() % known.size()];
            if (l.size() + r.size() > 9 || ranks.count({l, r})) continue;
            ranks[{l, r}] = static_cast<double>(ranks.size());
            v.add_merge(l + " " + r);
            if (std::find(known.begin(), known.end(), l + r) == known.end()) known.push_back(l + r);
        }
        for (const std::string &token : known) v.add(token);
        Tokenizer t = from_vocab(v);
        ASSERT_TRUE(t);
        auto rank = [&ranks](const std::string &l, const std::string &r) {
            auto at = ranks.find({l, r});
            return at == ranks.end() ? 1e300 : at->second;
        };
        for (const std::string &word : words_for(random, n_letters))
            ASSERT_EQ(spellings(t, encode(t, word)), merge(letters(word), rank)) << "seed " << seed << ": " << word;
    }
}

TEST(Spm, BestScoreFirstInWordsOfAnyLength) {
    for (uint32_t seed = 0; seed < 5; seed++) {
        std::mt19937 random(seed);
        int n_letters = 2 + static_cast<int>(seed % 3);
        Vocab v("llama", "default");
        std::map<std::string, double> scores;
        for (int i = 0; i < n_letters; i++) scores[std::string(1, static_cast<char>('a' + i))] = 0;
        for (int i = 0; i < 60; i++) {
            std::string token = random_word(random, random() % 6 + 2, n_letters);
            scores[token] = -static_cast<double>(random() % 20); /* with ties */
        }
        for (auto &one : scores) v.add(one.first, LLM_TOKEN_NORMAL, static_cast<float>(one.second));
        v.v.add_space_prefix = 0;
        v.v.add_bos = 0;
        Tokenizer t = from_vocab(v);
        ASSERT_TRUE(t);
        auto rank = [&scores](const std::string &l, const std::string &r) {
            auto at = scores.find(l + r);
            return at == scores.end() ? 1e300 : -at->second;
        };
        for (const std::string &word : words_for(random, n_letters))
            ASSERT_EQ(spellings(t, encode(t, word)), merge(letters(word), rank)) << "seed " << seed << ": " << word;
    }
}

/* Words may be cut before a blank only where no token says otherwise. */
TEST(Spm, TokensThatReachAcrossBlanks) {
    const std::string mark = "\xe2\x96\x81";
    Vocab v("llama", "default");
    for (const char *c : {"a", "b", "c"}) v.add(c);
    v.add(mark);
    v.add("a" + mark, LLM_TOKEN_NORMAL, -1);
    v.add("a" + mark + "b", LLM_TOKEN_NORMAL, -2);
    v.add(mark + "c", LLM_TOKEN_NORMAL, -3);
    v.v.add_space_prefix = 0;
    Tokenizer t = from_vocab(v);
    ASSERT_TRUE(t);
    EXPECT_EQ(spellings(t, encode(t, "a b c a c")), (Parts{"a" + mark + "b", mark + "c", mark, "a" + mark, "c"}));
}
