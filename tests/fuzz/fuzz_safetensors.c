/* One safetensors file. */
#include "fuzz/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_memory m;
    llmi_contents c;
    fuzz_memory_init(&m, n);
    llmi_error_clear();
    llmi_weights_contents_init(&c, &m.allocator);
    c.format = LLMI_FORMAT_SAFETENSORS;
    fuzz_contents(&c, llmi_safetensors_parse(&c, (const char *)data, n));
    fuzz_memory_check(&m);
    return 0;
}
