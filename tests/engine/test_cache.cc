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

/* Pages of 4 tokens whose contents the test itself keeps, by group and place, so that it sees whether what a sequence
 * relies on is there. */
class Cache : public ::testing::Test {
  protected:
    /* windows: of each group. frames: of each group with a window. */
    void make(int32_t n_pages, bool keep = true, const std::vector<int32_t> &windows = {0}, int32_t frames = 0) {
        dims = {};
        dims.n_batch = 6;
        dims.n_groups = (int32_t)windows.size();
        for (size_t g = 0; g < windows.size(); g++) {
            dims.windows[g] = windows[g];
            dims.n_items[g] = windows[g] ? frames : n_pages;
        }
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
        memory.assign(windows.size(), Tokens((size_t)n_pages * 4, -1));
    }
    int32_t unused() const { return cache.pool.n_free + cache.pool.n_idle; }
    /* Of each group with a window, frames that nobody uses. */
    int32_t unused_frames(int32_t window) const {
        const llmi_kvwindow &w = cache.pool.windows[window];
        int32_t n = w.n_free;
        for (int32_t page = w.newer[w.root]; page != w.root; page = w.newer[page]) n++;
        return n;
    }
    int32_t place_of(int32_t group, int32_t page) const {
        const llmi_kvwindow *w = llmi_kvpool_window(&cache.pool, group);
        return w ? w->frames[page] : page;
    }
    /* Where group and page keep a token; nullptr: nowhere. */
    llm_token *slot(int32_t group, int32_t page, int32_t i) {
        int32_t place = place_of(group, page);
        return place < 0 ? nullptr : &memory[(size_t)group][(size_t)(place * 4 + i)];
    }

    struct Line {
        char bytes[64];
    };
    llmi_dims dims = {};
    llmi_kv_cache cache = {};
    std::vector<Line> block;
    std::vector<Tokens> memory;
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
        for (int32_t g = 0; g < dims.n_groups; g++) {
            for (int32_t i = 0; succeed && i < copy.n_tokens; i++) *slot(g, copy.dst, i) = *slot(g, copy.src, i);
            for (int32_t i = q.s.n_done; i < q.s.n_tokens; i++)
                *slot(g, q.s.pages[i / 4], i % 4) = succeed ? q.tokens[(size_t)i] : -9;
        }
        if (succeed) {
            llmi_kv_copy_done(&copy, &cache);
            llmi_kv_sequence_commit(&q.s, &cache, q.s.n_tokens);
        } else {
            llmi_kv_copy_undo(&copy, &cache);
        }
        return true;
    }
    /* What row n_done sees. */
    void expect_intact(const Seq &q) {
        for (int32_t g = 0; g < dims.n_groups; g++)
            for (int32_t i = dims.windows[g] ? std::max(0, q.s.n_done + 1 - dims.windows[g]) : 0; i < q.s.n_done; i++) {
                const llm_token *at = slot(g, q.s.pages[i / 4], i % 4);
                ASSERT_NE(nullptr, at) << "group " << g << ", token " << i;
                ASSERT_EQ(q.tokens[(size_t)i], *at) << "group " << g << ", token " << i;
            }
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

/* ---- windows ---- */

TEST_F(Sequences, AWindowGivesFramesBack) {
    for (bool keep : {false, true}) {
        make(64, keep, {0, 6}, 5);
        Seq a;
        for (llm_token i = 0; i < 200; i++) {
            a.push({i % 7});
            ASSERT_TRUE(compute(a)) << i;
            expect_intact(a);
            int32_t first = i < 5 ? 0 : (i + 1 - 5) / 4; /* row i + 1 sees tokens i - 4 .. */
            for (int32_t k = 0; k < first && !keep; k++) ASSERT_EQ(LLMI_NONE, place_of(1, a.s.pages[k])) << i;
            EXPECT_EQ(5 - (i / 4 + 1 - first), unused_frames(0)) << i;
        }
        release(a);
        EXPECT_EQ(5, unused_frames(0));
        EXPECT_EQ(64, unused());
    }
}

TEST_F(Sequences, ABeginningIsReusedWhereItsWindowIs) {
    make(16, true, {0, 6}, 4);
    Seq a({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    ASSERT_TRUE(compute(a)); /* row 12 sees 7.. of pages 1 and 2 */
    a.push({13, 14, 15, 16, 17, 18, 19, 20});
    for (int32_t i = 12; i < 20; i += 4) {
        a.s.n_tokens = i + 4;
        ASSERT_TRUE(compute(a)); /* page 4 takes the frame of page 0 */
    }
    EXPECT_EQ(LLMI_NONE, place_of(1, a.s.pages[0]));
    for (int32_t n : {20, 13, 12, 11, 8, 7, 3}) {
        Seq q;
        q.push(a.tokens);
        q.s.n_tokens = 20;
        llmi_kv_sequence_match(&q.s, &cache, n);
        EXPECT_EQ(n < 9 ? 0 : n, q.s.n_done) << "a row behind 8 tokens sees page 0";
        expect_intact(q);
        release(q);
    }
    release(a);
    EXPECT_EQ(16, unused());
    EXPECT_EQ(4, unused_frames(0));
}

TEST_F(Sequences, RewindGoesBackToWhereTheWindowIs) {
    make(16, false, {6}, 4);
    Seq a;
    for (llm_token i = 0; i < 20; i++) {
        a.push({i});
        ASSERT_TRUE(compute(a));
    }
    Seq b(Tokens(a.tokens.begin(), a.tokens.begin() + 20));
    llmi_kv_sequence_share(&b.s, &a.s, &cache); /* row 20 sees pages 3 and 4 */
    llmi_kv_sequence_cut(&a.s, &cache, 18);
    EXPECT_EQ(18, a.s.n_done) << "it sees 13, in page 3";
    expect_intact(a);
    llmi_kv_sequence_cut(&a.s, &cache, 16);
    EXPECT_EQ(0, a.s.n_done) << "it sees 11, in page 2";
    EXPECT_EQ(0, a.s.n_pages);
    expect_intact(b);
    ASSERT_FALSE(compute(a)) << "16 tokens in one step need 4 frames, b has 2";
    release(b);
    ASSERT_TRUE(compute(a));
    expect_intact(a);
    release(a);
    EXPECT_EQ(16, cache.pool.n_free);
    EXPECT_EQ(4, unused_frames(0));
}

/* Computed again, a page takes the place of the one that the index knows, which gets its frame. */
TEST_F(Sequences, TheIndexGetsFramesAgain) {
    make(16, true, {0, 6}, 4);
    Seq a({1, 2, 3, 4, 5, 6, 7, 8}), b(Tokens(12, 9)), c(Tokens{1, 2, 3, 4, 5, 6, 7, 8});
    ASSERT_TRUE(compute(a));
    int32_t known = a.s.pages[0];
    release(a);
    ASSERT_TRUE(compute(b)); /* takes two frames that are free, and the oldest: a's second */
    release(b);
    llmi_kv_sequence_match(&c.s, &cache, 8);
    EXPECT_EQ(4, c.s.n_done);
    ASSERT_TRUE(compute(c));
    EXPECT_EQ(known, c.s.pages[0]);
    expect_intact(c);
    release(c);
    Seq d(Tokens{1, 2, 3, 4, 5, 6, 7, 8});
    llmi_kv_sequence_match(&d.s, &cache, 8);
    EXPECT_EQ(8, d.s.n_done);
    expect_intact(d);
    release(d);
}

/* Anything in any order: every sequence finds its own tokens in its pages, and no page or frame is lost. */
class Random : public Sequences, public ::testing::WithParamInterface<std::vector<int32_t>> {};

TEST_P(Random, OperationsKeepEverySequenceIntact) {
    for (uint32_t seed = 0; seed < 40; seed++) {
        std::mt19937 random(seed);
        auto below = [&](uint32_t n) { return (int32_t)(random() % n); };
        int32_t n_frames = 10 + (int32_t)(seed % 2) * 8;
        make(24, seed % 3 != 0, GetParam(), n_frames);
        std::vector<std::unique_ptr<Seq>> all;
        for (int i = 0; i < 6; i++) all.push_back(std::make_unique<Seq>());
        for (int i = 0; i < 600; i++) {
            Seq &q = *all[(size_t)below(6)];
            switch (below(7)) {
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
            case 3:
                if (!llmi_kv_sequence_reserve(&q.s, &cache, q.s.n_tokens)) release(q);
                break;
            default:
                for (int32_t n = below(6); n > 0 && q.s.n_tokens < 40; n--) q.push({below(2)});
                if (q.s.n_tokens > q.s.n_done && !compute(q, below(5) > 0)) release(q);
            }
            for (auto &each : all) expect_intact(*each);
            if (HasFatalFailure()) FAIL() << "seed " << seed << ", operation " << i;
        }
        for (auto &each : all) release(*each);
        EXPECT_EQ(24, unused());
        for (int32_t i = 0; i < cache.pool.n_windows; i++) EXPECT_EQ(n_frames, unused_frames(i));
        while (llmi_prefix_evict(&cache.prefix)) {
        }
        EXPECT_EQ(24, cache.pool.n_free);
        for (int32_t i = 0; i < cache.pool.n_windows; i++) EXPECT_EQ(n_frames, cache.pool.windows[i].n_free);
    }
}

INSTANTIATE_TEST_SUITE_P(Windows, Random,
                         ::testing::Values(std::vector<int32_t>{0}, std::vector<int32_t>{0, 1}, std::vector<int32_t>{6},
                                           std::vector<int32_t>{0, 9}, std::vector<int32_t>{0, 4, 13},
                                           std::vector<int32_t>{5, 2}),
                         [](const auto &row) {
                             std::string name;
                             for (int32_t window : row.param)
                                 name += (name.empty() ? "" : "_") + std::to_string(window);
                             return name;
                         });

} // namespace
