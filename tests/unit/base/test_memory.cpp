#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "counting.h"

extern "C" {
#include "base/buf.h"
#include "base/checked.h"
#include "base/status.h"
}

namespace {

TEST(Alloc, IsAlignedAndMayBeEmpty) {
    for (size_t n : {0, 1, 63, 64, 65, 100000}) {
        auto *p = static_cast<unsigned char *>(llmi_alloc_zero(&llmi_default_allocator, n));
        ASSERT_NE(nullptr, p);
        EXPECT_EQ(0u, (uintptr_t)p % LLMI_ALIGN);
        for (size_t i = 0; i < n; i++) ASSERT_EQ(0, p[i]);
        memset(p, 1, n);
        llmi_free(&llmi_default_allocator, p, n);
    }
    llmi_free(&llmi_default_allocator, nullptr, 5);
}

TEST(Alloc, FailureIsAnAnswerWithAText) {
    Counting counting;
    counting.fail_at = 0;
    EXPECT_EQ(nullptr, llmi_alloc(&counting.allocator, 77));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "77 bytes")) << llm_last_error();
    for (auto [count, size] : {std::pair<size_t, size_t>{SIZE_MAX, 2}, {SIZE_MAX / 8 + 1, 8}, {SIZE_MAX, SIZE_MAX}}) {
        llmi_error_clear();
        EXPECT_EQ(nullptr, llmi_alloc_array(&llmi_default_allocator, count, size));
        EXPECT_STRNE("", llm_last_error());
    }
    for (size_t n : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 62}) /* rounding up to the alignment wraps */
        EXPECT_EQ(nullptr, llmi_alloc(&llmi_default_allocator, n)) << n;
    llmi_error_clear();
    EXPECT_EQ(nullptr, llmi_strndup(&llmi_default_allocator, "x", SIZE_MAX));
    EXPECT_STRNE("", llm_last_error()) << "a failed allocation has a text";
}

TEST(Alloc, HostGetsBackWhatItGave) {
    struct Host {
        size_t alive = 0;
        static void *alloc(void *user, size_t n, size_t alignment) {
            EXPECT_GT(n, 0u);
            static_cast<Host *>(user)->alive += n;
            return llmi_default_allocator.alloc(nullptr, n, alignment);
        }
        static void release(void *user, void *ptr, size_t n) {
            static_cast<Host *>(user)->alive -= n;
            llmi_default_allocator.free(nullptr, ptr, n);
        }
    } host;
    llm_allocator a = {&host, Host::alloc, Host::release};
    void *p = llmi_alloc(&a, 10);
    void *q = llmi_realloc(&a, p, 10, 1000);
    void *empty = llmi_alloc_array(&a, 0, 8);
    char *text = llmi_strndup(&a, "abcdef", 3);
    EXPECT_STREQ("abc", text);
    llmi_free(&a, q, 1000);
    llmi_free(&a, empty, 0);
    llmi_free(&a, text, 4);
    EXPECT_EQ(0u, host.alive);
}

TEST(Alloc, ReallocKeepsContentsAlsoWhenItFails) {
    Counting counting;
    auto *p = static_cast<char *>(llmi_alloc(&counting.allocator, 4));
    memcpy(p, "abcd", 4);
    counting.fail_at = 1;
    EXPECT_EQ(nullptr, llmi_realloc(&counting.allocator, p, 4, 400));
    EXPECT_EQ(0, memcmp(p, "abcd", 4));
    auto *q = static_cast<char *>(llmi_realloc(&counting.allocator, p, 4, 400));
    EXPECT_EQ(0, memcmp(q, "abcd", 4));
    auto *r = static_cast<char *>(llmi_realloc(&counting.allocator, q, 400, 2));
    EXPECT_EQ(0, memcmp(r, "ab", 2));
    llmi_free(&counting.allocator, r, 2);
    EXPECT_EQ(0, counting.alive);
}

TEST(Buf, GrowsAndHoldsWhatWasAppended) {
    llmi_buf b;
    std::string want;
    llmi_buf_init(&b, &llmi_default_allocator);
    for (int i = 0; i < 3000; i++) {
        std::string piece = std::to_string(i);
        ASSERT_TRUE(llmi_buf_append(&b, piece.data(), piece.size()));
        ASSERT_TRUE(llmi_buf_printf(&b, "[%d]", i));
        want += piece + "[" + piece + "]";
    }
    ASSERT_TRUE(llmi_buf_append(&b, nullptr, 0));
    std::string longer(5000, 'y');
    ASSERT_TRUE(llmi_buf_printf(&b, "%s!", longer.c_str()));
    EXPECT_EQ(want + longer + "!", std::string(b.data, b.len));
    llmi_buf_free(&b);
    llmi_buf_free(&b);
    int value = 5;
    ASSERT_TRUE(llmi_buf_push(&b, value));
    EXPECT_EQ(1u, llmi_buf_count(&b, int));
    EXPECT_EQ(5, llmi_buf_at(&b, int, 0));
    llmi_buf_free(&b);
}

TEST(Buf, FailedAppendLeavesItAsItWas) {
    Counting counting;
    llmi_buf b;
    llmi_buf_init(&b, &counting.allocator);
    ASSERT_TRUE(llmi_buf_append(&b, "abc", 3));
    counting.fail_at = counting.n;
    EXPECT_FALSE(llmi_buf_append(&b, std::string(1000, 'x').data(), 1000));
    counting.fail_at = counting.n;
    EXPECT_FALSE(llmi_buf_printf(&b, "%s", std::string(1000, 'x').c_str()));
    EXPECT_FALSE(llmi_buf_reserve(&b, SIZE_MAX));
    EXPECT_FALSE(llmi_buf_reserve(&b, SIZE_MAX - 2));
    EXPECT_EQ("abc", std::string(b.data, b.len));
    llmi_buf_free(&b);
    EXPECT_EQ(0, counting.alive);
}

TEST(Checked, SaysWhenItOverflows) {
    size_t n;
    int64_t i;
    EXPECT_TRUE(llmi_mul(&n, SIZE_MAX / 3, 3));
    EXPECT_FALSE(llmi_mul(&n, SIZE_MAX / 3 + 1, 3));
    EXPECT_TRUE(llmi_add(&n, SIZE_MAX - 1, 1));
    EXPECT_FALSE(llmi_add(&n, SIZE_MAX, 1));
    EXPECT_TRUE(llmi_mul_i64(&i, INT64_MAX, 1));
    EXPECT_FALSE(llmi_mul_i64(&i, INT64_MAX / 2 + 1, 2));
    EXPECT_TRUE(llmi_align_up(&n, 65, 64));
    EXPECT_EQ(128u, n);
    EXPECT_TRUE(llmi_align_up(&n, 0, 64));
    EXPECT_EQ(0u, n);
    EXPECT_TRUE(llmi_align_up(&n, SIZE_MAX - 63, 64));
    EXPECT_FALSE(llmi_align_up(&n, SIZE_MAX - 62, 64));
}

} // namespace
