/* One GGUF file, with and without its tensors. */
#include "fuzz/weights.h"

static void parse(const char *data, size_t n, bool metadata_only) {
    fuzz_memory m;
    llmi_contents c;
    fuzz_memory_init(&m, n);
    llmi_error_clear();
    llmi_weights_contents_init(&c, &m.allocator);
    c.format = LLMI_FORMAT_GGUF;
    fuzz_contents(&c, llmi_gguf_parse(&c, data, n, metadata_only));
    fuzz_memory_check(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    parse((const char *)data, n, true);
    parse((const char *)data, n, false);
    return 0;
}
