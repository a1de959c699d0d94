#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string read_file(const std::string &name) {
    std::ifstream in(std::string(LLM_SOURCE_DIR) + "/" + name, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

class Docs : public ::testing::TestWithParam<const char *> {};

/* A block that opens with "```c PATH" is quoted from that file. */
TEST_P(Docs, QuoteTheTreeAsItIs) {
    const std::string doc = read_file(GetParam()), open = "\n```c ", close = "\n```\n";
    int quotes = 0;
    for (size_t at = doc.find(open); at != std::string::npos; at = doc.find(open, at + 1), quotes++) {
        size_t name = at + open.size(), begin = doc.find('\n', name), end = doc.find(close, begin);
        ASSERT_NE(std::string::npos, end);
        std::string path = doc.substr(name, begin - name), quote = doc.substr(begin + 1, end - begin);
        EXPECT_NE(std::string::npos, read_file(path).find(quote)) << path << " no longer holds\n" << quote;
    }
    EXPECT_GE(quotes, 5);
}

TEST(Readme, ShowsAnExampleThatIsATest) {
    std::string readme = read_file("README.md"), open = "```c examples/hello.c\n";
    size_t begin = readme.find(open) + open.size(), end = readme.find("```\n", begin);
    ASSERT_NE(std::string::npos, end);
    std::string quote = readme.substr(begin, end - begin), file = read_file("examples/hello.c");
    EXPECT_EQ(quote, file.substr(file.find("#include")));
}

INSTANTIATE_TEST_SUITE_P(Pages, Docs,
                         ::testing::Values("docs/add-a-model-family.md", "docs/add-a-back-end.md",
                                           "docs/add-a-data-type.md", "docs/add-an-operation.md"),
                         [](const auto &row) {
                             std::string name;
                             for (char c : std::string(row.param))
                                 if (isalpha((unsigned char)c)) name += c;
                             return name;
                         });

} // namespace
