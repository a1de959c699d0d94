#include <algorithm>
#include <random>

#include "unit/format/reader.h"

extern "C" {
#include "kernels/dtype.h"
}

namespace {

TEST(DtypeSize, TableEqualsThatOfTheKernels) {
    int n = 0;
    for (; llmk_dtype_at(n); n++) {
        const llmk_dtype *k = llmk_dtype_at(n);
        const llmi_dtype_size *d = llmi_dtype_size_get(k->dtype);
        ASSERT_NE(nullptr, d) << k->name;
        EXPECT_STREQ(k->name, d->name);
        EXPECT_EQ(k->dtype, d->dtype);
        EXPECT_EQ(k->block_elems, d->block_elems) << k->name;
        EXPECT_EQ(k->block_bytes, d->block_bytes) << k->name;
    }
    EXPECT_EQ(13, n);
    for (int i = 0; i < n; i++) EXPECT_NE(nullptr, llmk_dtype_get(llmi_dtype_size_at(i)->dtype));
    EXPECT_EQ(nullptr, llmi_dtype_size_at(n));
    EXPECT_EQ(nullptr, llmi_dtype_size_at(-1));
    for (int64_t number : {-1L, 4L, 5L, 9L, 15L, 31L, 1L << 32, INT64_MIN + 0L})
        EXPECT_EQ(nullptr, llmi_dtype_size_get(number)) << number;
}

TEST(Names, FindsWhatWasAdded) {
    for (size_t n : {0, 1, 3, 4, 5, 1000, 20000}) {
        llmi_names t;
        std::vector<std::string> names;
        for (size_t i = 0; i < n; i++) names.push_back("name." + std::to_string(i * 7919) + std::string(i % 17, 'x'));
        ASSERT_EQ(LLM_OK, llmi_names_init(&t, &llmi_default_allocator, n));
        for (size_t i = 0; i < n; i++)
            ASSERT_TRUE(llmi_names_add(&t, {names[i].data(), names[i].size()}, (int32_t)i)) << i;
        for (size_t i = 0; i < n; i++) {
            ASSERT_FALSE(llmi_names_add(&t, {names[i].data(), names[i].size()}, -5));
            ASSERT_EQ((int32_t)i, llmi_names_find(&t, names[i].data(), names[i].size()));
            ASSERT_EQ(-1, llmi_names_find(&t, (names[i] + "!").data(), names[i].size() + 1));
        }
        EXPECT_EQ(-1, llmi_names_find(&t, "", 0));
        llmi_names_free(&t);
        EXPECT_EQ(-1, llmi_names_find(&t, "name.0", 6));
    }
}

TEST(Names, MayHoldAnyBytes) {
    llmi_names t;
    const std::string names[] = {std::string("a\0b", 3), std::string("a\0c", 3), "a",
                                 std::string(8, '\0'),   std::string(9, '\0'),   ""};
    ASSERT_EQ(LLM_OK, llmi_names_init(&t, &llmi_default_allocator, 6));
    for (int i = 0; i < 6; i++) EXPECT_TRUE(llmi_names_add(&t, {names[i].data(), names[i].size()}, i)) << i;
    for (int i = 0; i < 6; i++) EXPECT_EQ(i, llmi_names_find(&t, names[i].data(), names[i].size())) << i;
    llmi_names_free(&t);
    EXPECT_EQ(LLM_E_LIMIT, llmi_names_init(&t, &llmi_default_allocator, SIZE_MAX));
    Counting counting;
    counting.fail_at = 0;
    EXPECT_EQ(LLM_E_MEMORY, llmi_names_init(&t, &counting.allocator, 5));
    EXPECT_EQ(-1, llmi_names_find(&t, "x", 1));
}

TEST(Ranges, SortAsTheStandardLibrary) {
    std::mt19937 rng(1);
    auto before = [](const llmi_range &x, const llmi_range &y) {
        return std::tuple(x.begin, x.end, x.index) < std::tuple(y.begin, y.end, y.index);
    };
    for (int round = 0; round < 3000; round++) {
        std::vector<llmi_range> ranges(rng() % 40);
        for (size_t i = 0; i < ranges.size(); i++) {
            size_t begin = rng() % (1 + round % 50);
            ranges[i] = {begin, begin + rng() % 3, (int32_t)i};
        }
        if (round % 3 == 0) std::sort(ranges.begin(), ranges.end(), before);
        auto want = ranges;
        std::sort(want.begin(), want.end(), before);
        llmi_ranges_sort(ranges.data(), ranges.size());
        for (size_t i = 0; i < want.size(); i++) ASSERT_EQ(want[i].index, ranges[i].index) << round;
    }
}

TEST(Meta, SearchBeforeThereIsATable) {
    llmi_contents c;
    std::string bytes = good_gguf().encode();
    llmi_weights_contents_init(&c, &llmi_default_allocator);
    c.format = LLMI_FORMAT_GGUF;
    ASSERT_EQ(LLM_OK, llmi_gguf_parse(&c, bytes.data(), bytes.size(), true));
    ASSERT_NE(nullptr, llmi_meta_search(&c, "a.u32"));
    EXPECT_EQ(LLMI_META_U32, llmi_meta_search(&c, "a.u32")->type);
    EXPECT_EQ(nullptr, llmi_meta_search(&c, "a.u3"));
    EXPECT_EQ(nullptr, llmi_meta_search(&c, "a.u322"));
    llmi_weights_contents_free(&c);
}

TEST(Weights, LastReferenceFrees) {
    Counting counting;
    std::string bytes = good_gguf().encode();
    Folder folder;
    llmi_weights *w;
    llmi_weights_options options = {false, false};
    ASSERT_EQ(LLM_OK, llmi_weights_open(&w, &counting.allocator, folder.write("m", bytes).c_str(), &options));
    EXPECT_EQ(w, llmi_weights_ref(w));
    llmi_weights_unref(w);
    EXPECT_GT(counting.alive, 0);
    EXPECT_EQ(3, llmi_weights_tensor_count(w));
    llmi_weights_unref(w);
    EXPECT_EQ(0, counting.alive);
    llmi_weights_unref(nullptr);
    EXPECT_EQ(nullptr, llmi_weights_ref(nullptr));
}

} // namespace
