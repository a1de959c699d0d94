#include <gtest/gtest.h>

#include <cstring>

extern "C" {
#include "base/options.h"
}

namespace {

/* A structure as this library knows it, and as a newer one might. */
struct Known {
    uint32_t struct_size;
    int32_t a, b;
};
struct Newer {
    Known known;
    int32_t c;
};
constexpr size_t first_version = offsetof(Known, b);

/* Room for any struct_size that may be believed. */
struct Source {
    Known known;
    char rest[LLMI_OPTIONS_MAX_BYTES - sizeof(Known)];
};

const Known defaults = {sizeof(Known), 10, 20};

TEST(OptionsRead, NullKeepsDefaults) {
    Known dst = defaults;
    EXPECT_EQ(LLM_OK, llmi_options_read(&dst, sizeof dst, nullptr, first_version, "known"));
    EXPECT_EQ(10, dst.a);
    EXPECT_EQ(20, dst.b);
}

TEST(OptionsRead, OlderStructureKeepsDefaultsOfLaterMembers) {
    Source src = {{first_version, 1, 2}, {}};
    Known dst = defaults;
    EXPECT_EQ(LLM_OK, llmi_options_read(&dst, sizeof dst, &src, first_version, "known"));
    EXPECT_EQ(1, dst.a);
    EXPECT_EQ(20, dst.b);
    EXPECT_EQ(sizeof(Known), dst.struct_size);
}

TEST(OptionsRead, NewerStructureIsReadIfItsTailIsZero) {
    Newer src = {{sizeof(Newer), 1, 2}, 0};
    Known dst = defaults;
    EXPECT_EQ(LLM_OK, llmi_options_read(&dst, sizeof dst, &src, first_version, "known"));
    EXPECT_EQ(2, dst.b);
}

TEST(OptionsRead, NewerStructureThatUsesItsTailIsRefused) {
    Newer src = {{sizeof(Newer), 1, 2}, 3};
    Known dst = defaults;
    EXPECT_EQ(LLM_E_VERSION, llmi_options_read(&dst, sizeof dst, &src, first_version, "known"));
    EXPECT_EQ(10, dst.a);
}

TEST(OptionsRead, ImpossibleSizesAreRefusedByName) {
    for (uint32_t size : {0u, 4u, 4097u, 0xffffffffu}) {
        Source src = {{size, 1, 2}, {}};
        Known dst = defaults;
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_options_read(&dst, sizeof dst, &src, first_version, "known"));
        EXPECT_NE(nullptr, strstr(llm_last_error(), "known_init()")) << llm_last_error();
        EXPECT_EQ(10, dst.a);
    }
}

} // namespace
