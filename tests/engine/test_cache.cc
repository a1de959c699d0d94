/* Pages, the prefix index and sequences, without a device. */
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

extern "C" {
#include "engine/kv_sequence.h"
}

namespace {

using Tokens = std::vector<llm_token>;

/* Pages of 4 tokens whose contents the test itself keeps, so that it sees whether what a sequence relies on
 * is there. */
class Cache : public ::testing::Test {
  protected:
    void make(int32_t n_pages, bool keep = true) {
        dims.n_pages = n_pages;
        dims.page_tokens = 4;
        dims.keep = keep;
        llmi_arena count = {};
        llmi_kv_cache_place(&cache, &count, &dims);
        block.assign(count.used / 64 + 2, {});
        char *base = reinterpret_cast<char *>(block.data());
        llmi_arena arena = {base + (64 - reinterpret_cast<uintptr_t>(base) % 64) % 64, 0, false};
        llmi_kv_cache_place(&cache, &arena, &dims);
        EXPECT_EQ(count.used, arena.used);
        memory.assign((size_t)n_pages * 4, -1);
    }
    int32_t unused() const { return cache.pool.n_free + cache.pool.n_idle; }

    struct Line {
        char bytes[64];
    };
    llmi_dims dims = {};
    llmi_kv_cache cache = {};
    std::vector<Line> block;
    Tokens memory;
};

struct Seq {
    explicit Seq(Tokens ids = {}) : tokens(256), pages(64) {
        llmi_kv_sequence_init(&s, tokens.data(), pages.data());
        push(ids);
    }
    void push(const Tokens &ids) {
        for (llm_token id : ids) tokens[(size_t)s.n_tokens++] = id;
    }
    Tokens tokens;
    std::vector<int32_t> pages;
    llmi_kv_sequence s;
};

class Sequences : public Cache {
  protected:
    /* What a step does with all tokens of a sequence. */
    bool compute(Seq &q, bool succeed = true) {
        llmi_kv_copy copy;
        if (!llmi_kv_sequence_open(&copy, &q.s, &cache, q.s.n_tokens)) return false;
        for (int32_t i = 0; succeed && i < copy.n_tokens; i++)
            memory[(size_t)(copy.dst * 4 + i)] = memory[(size_t)(copy.src * 4 + i)];
        for (int32_t i = q.s.n_done; i < q.s.n_tokens; i++)
            memory[(size_t)(q.s.pages[i / 4] * 4 + i % 4)] = succeed ? q.tokens[(size_t)i] : -9;
        if (succeed) {
            llmi_kv_copy_done(&copy, &cache);
            llmi_kv_sequence_commit(&q.s, &cache, q.s.n_tokens);
        } else {
            llmi_kv_copy_undo(&copy, &cache);
        }
        return true;
    }
    void expect_intact(const Seq &q) const {
        for (int32_t i = 0; i < q.s.n_done; i++)
            ASSERT_EQ(q.tokens[(size_t)i], memory[(size_t)(q.s.pages[i / 4] * 4 + i % 4)]) << "token " << i;
    }
    void release(Seq &q) { llmi_kv_sequence_release(&q.s, &cache); }
};

TEST_F(Cache, PagesComeBackWhenNobodyHoldsThem) {
    make(3);
    int32_t a = llmi_kvpool_take(&cache.pool), b = llmi_kvpool_take(&cache.pool);
    EXPECT_NE(a, b);
    EXPECT_NE(LLMI_NONE, llmi_kvpool_take(&cache.pool));
    EXPECT_EQ(LLMI_NONE, llmi_kvpool_take(&cache.pool));
    llmi_kvpool_ref(&cache.pool, a);
    llmi_kvpool_unref(&cache.pool, a);
    EXPECT_EQ(0, cache.pool.n_free);
    llmi_kvpool_unref(&cache.pool, a);
    EXPECT_EQ(a, llmi_kvpool_take(&cache.pool));
}

TEST_F(Sequences, PrefixIsFoundToTheToken) {
    make(8);
    Seq a({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    ASSERT_TRUE(compute(a));
    for (bool running : {true, false}) {
        if (!running) release(a);
        for (int32_t n = 0; n <= 10; n++) {
            Seq b({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
            b.tokens[(size_t)n] = 30;
            b.s.n_tokens = 11;
            llmi_kv_sequence_match(&b.s, &cache, 11);
            EXPECT_EQ(n, b.s.n_done);
            EXPECT_EQ((n + 3) / 4, b.s.n_pages);
            expect_intact(b);
            release(b);
        }
    }
    EXPECT_EQ(8, unused());
}

TEST_F(Sequences, MatchKeepsToItsLimit) {
    make(8);
    Seq a({1, 2, 3, 4, 5, 6, 7, 8}), b({1, 2, 3, 4, 5, 6, 7, 8});
    ASSERT_TRUE(compute(a));
    llmi_kv_sequence_match(&b.s, &cache, 7);
    EXPECT_EQ(7, b.s.n_done);
    ASSERT_TRUE(compute(b));
    expect_intact(a);
    expect_intact(b);
    EXPECT_EQ(a.s.pages[1], b.s.pages[1]) << "equal full pages are held once";
    release(a);
    release(b);
}

TEST_F(Sequences, ForksWriteApart) {
    make(8);
    Seq a({1, 2, 3, 4, 5, 6}), b(Tokens{1, 2, 3, 4, 5, 6});
    ASSERT_TRUE(compute(a));
    llmi_kv_sequence_share(&b.s, &a.s, &cache);
    a.push({7});
    b.push({8});
    ASSERT_TRUE(compute(a));
    ASSERT_TRUE(compute(b));
    expect_intact(a);
    expect_intact(b);
    EXPECT_EQ(a.s.pages[0], b.s.pages[0]);
    EXPECT_NE(a.s.pages[1], b.s.pages[1]);
    release(a);
    release(b);
    EXPECT_EQ(8, unused());
}

TEST_F(Sequences, TheContinuationOfACachedOneNeedsNoCopy) {
    make(8);
    Seq a({1, 2, 3, 4, 5, 6}), b({1, 2, 3, 4, 5, 6, 7});
    ASSERT_TRUE(compute(a));
    release(a);
    llmi_kv_sequence_match(&b.s, &cache, 6);
    int32_t page = b.s.pages[1];
    ASSERT_TRUE(compute(b));
    EXPECT_EQ(page, b.s.pages[1]);
    expect_intact(b);
    release(b);
}

TEST_F(Sequences, RewindDoesNotSpoilWhatOthersHold) {
    make(8);
    Seq a({1, 2, 3, 4, 5, 6, 7}), b({1, 2, 3, 4, 5, 6, 7});
    ASSERT_TRUE(compute(a));
    llmi_kv_sequence_share(&b.s, &a.s, &cache);
    llmi_kv_sequence_cut(&a.s, &cache, 5);
    a.push({20, 21, 22, 23});
    ASSERT_TRUE(compute(a));
    expect_intact(a);
    expect_intact(b);
    Seq c({1, 2, 3, 4, 5, 6, 7});
    llmi_kv_sequence_match(&c.s, &cache, 7);
    EXPECT_EQ(7, c.s.n_done) << "what was rewound is still known";
    expect_intact(c);
    for (Seq *q : {&a, &b, &c}) release(*q);
    EXPECT_EQ(8, unused());
}

TEST_F(Sequences, StoppedStepLeavesNoTrace) {
    make(8);
    Seq a({1, 2, 3, 4, 5, 6}), b({1, 2, 3, 4, 5, 6});
    ASSERT_TRUE(compute(a));
    llmi_kv_sequence_share(&b.s, &a.s, &cache);
    b.push({9, 9, 9});
    a.push({7});
    ASSERT_TRUE(compute(b, false));
    ASSERT_TRUE(compute(a, false));
    expect_intact(a);
    expect_intact(b);
    ASSERT_TRUE(compute(a));
    ASSERT_TRUE(compute(b));
    expect_intact(a);
    expect_intact(b);
    release(a);
    release(b);
    EXPECT_EQ(8, unused());
}

TEST_F(Sequences, OldestLeavesGoFirst) {
    make(4);
    Seq a({1, 2, 3, 4, 5, 6, 7, 8}), b({11, 12, 13, 14}), c({21, 22, 23, 24, 25, 26, 27, 28});
    ASSERT_TRUE(compute(a));
    release(a);
    ASSERT_TRUE(compute(b));
    release(b);
    ASSERT_TRUE(compute(c)); /* takes the free page and a's second */
    int32_t pages[64];
    EXPECT_EQ(4, llmi_prefix_match(pages, &cache.prefix, a.tokens.data(), 8));
    EXPECT_EQ(4, llmi_prefix_match(pages, &cache.prefix, b.tokens.data(), 4));
    release(c);
    EXPECT_EQ(4, unused());
}

TEST_F(Sequences, PagesInUseAreNotEvicted) {
    make(3);
    Seq a({1, 2, 3, 4, 5}), b({9, 9, 9, 9, 9});
    ASSERT_TRUE(compute(a));
    EXPECT_FALSE(compute(b));
    expect_intact(a);
    release(b);
    release(a);
    EXPECT_TRUE(compute(b));
    release(b);
    EXPECT_EQ(3, unused());
}

TEST_F(Sequences, NothingIsKeptWithoutTheCache) {
    make(4, false);
    Seq a({1, 2, 3, 4, 5}), b({1, 2, 3, 4, 5});
    ASSERT_TRUE(compute(a));
    llmi_kv_sequence_match(&b.s, &cache, 5);
    EXPECT_EQ(0, b.s.n_done);
    release(a);
    EXPECT_EQ(4, cache.pool.n_free);
}

TEST_F(Sequences, SpareSecuresTheCopy) {
    make(3);
    Seq a({1, 2, 3, 4, 5, 6, 7}), b({1, 2, 3, 4, 5, 9});
    ASSERT_TRUE(compute(a));
    llmi_kv_sequence_match(&b.s, &cache, 5);
    ASSERT_TRUE(llmi_kv_sequence_reserve(&b.s, &cache, 6));
    EXPECT_EQ(0, cache.pool.n_free);
    ASSERT_TRUE(compute(b));
    expect_intact(a);
    expect_intact(b);
    release(a);
    release(b);
    EXPECT_EQ(3, unused());
}

/* The cache must not make a sequence too large that fits without it. */
TEST_F(Sequences, WhatFitsWithoutTheCacheFitsWithIt) {
    make(2);
    Seq a({1, 2, 3, 4, 5, 6, 7}), b({1, 2, 3, 4, 5, 9, 9, 9});
    ASSERT_TRUE(compute(a));
    release(a);
    llmi_kv_sequence_match(&b.s, &cache, 7);
    EXPECT_EQ(5, b.s.n_done);
    ASSERT_TRUE(llmi_kv_sequence_reserve(&b.s, &cache, 8));
    EXPECT_EQ(4, b.s.n_done);
    ASSERT_TRUE(compute(b));
    expect_intact(b);
    release(b);
    EXPECT_EQ(2, unused());
}

/* Anything in any order: every sequence finds its own tokens in its pages, and no page is lost. */
TEST_F(Sequences, RandomOperationsKeepEverySequenceIntact) {
    for (uint32_t seed = 0; seed < 30; seed++) {
        std::mt19937 random(seed);
        auto below = [&](uint32_t n) { return (int32_t)(random() % n); };
        make(24, seed % 3 != 0);
        std::vector<std::unique_ptr<Seq>> all;
        for (int i = 0; i < 6; i++) all.push_back(std::make_unique<Seq>());
        for (int i = 0; i < 600; i++) {
            Seq &q = *all[(size_t)below(6)];
            switch (below(6)) {
            case 0:
                release(q);
                q.s.n_tokens = 0;
                for (int32_t n = 1 + below(20); n > 0; n--) q.push({below(2)});
                llmi_kv_sequence_match(&q.s, &cache, q.s.n_tokens - 1);
                break;
            case 1:
                llmi_kv_sequence_cut(&q.s, &cache, below((uint32_t)q.s.n_tokens + 1));
                break;
            case 2: {
                Seq &from = *all[(size_t)below(6)];
                if (&from == &q) break;
                release(q);
                q.tokens = from.tokens;
                q.s.tokens = q.tokens.data();
                q.s.n_tokens = from.s.n_done;
                llmi_kv_sequence_share(&q.s, &from.s, &cache);
                break;
            }
            default:
                for (int32_t n = below(6); n > 0 && q.s.n_tokens < 40; n--) q.push({below(2)});
                if (q.s.n_tokens > q.s.n_done && !compute(q, below(5) > 0)) release(q);
            }
            for (auto &each : all) expect_intact(*each);
            if (HasFatalFailure()) FAIL() << "seed " << seed << ", operation " << i;
        }
        for (auto &each : all) release(*each);
        EXPECT_EQ(24, unused());
        while (llmi_prefix_evict(&cache.prefix)) {
        }
        EXPECT_EQ(24, cache.pool.n_free);
    }
}

} // namespace
