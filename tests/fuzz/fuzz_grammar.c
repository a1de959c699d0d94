/* GBNF, or a regular expression if the first byte is '/'. */
#include "grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n && data[0] == '/')
        fuzz_grammar(llmi_grammar_from_regex, data + 1, n - 1);
    else
        fuzz_grammar(llmi_grammar_from_gbnf, data, n);
    return 0;
}
