/* JSON Schema. */
#include "grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_grammar(llmi_grammar_from_schema, data, n);
    return 0;
}
