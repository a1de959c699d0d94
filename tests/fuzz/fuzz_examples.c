/* Example sets: a byte that chooses the format, then the text. The words of what was read are counted too. */
#include "base/status.h"
#include "fuzz/fuzz.h"
#include "prompt/bm25.h"
#include "prompt/example_reader.h"

static void count_words(const llm_allocator *a, const char *text, size_t n) {
    llm_span docs[2] = {{text, n}, {text, n / 2}};
    double scores[2];
    if (llmi_bm25_score(scores, a, docs, 2, docs[1], 1.2, 0.75) != LLM_OK) abort();
    if (!(scores[0] >= 0) || !(scores[1] >= 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_memory m;
    if (n == 0 || n > 1 << 16) return 0;
    fuzz_memory_init(&m, n);
    const char *text = (const char *)data + 1;
    llmi_json_doc doc;
    llmi_buf examples;
    llmi_json_doc_init(&doc, &m.allocator, 0);
    llmi_buf_init(&examples, &m.allocator);
    llmi_error_clear();
    llm_status status = llmi_prompt_read_examples(&examples, &doc, text, n - 1, data[0] % 5);
    if (status != LLM_OK && (!llm_last_error()[0] || examples.len)) abort();
    for (size_t i = 0; i < llmi_buf_count(&examples, llmi_json); i++)
        if (!llmi_json_is(&llmi_buf_at(&examples, llmi_json, i), LLMI_JSON_OBJECT)) abort();
    llmi_buf_free(&examples);
    llmi_json_doc_free(&doc);
    count_words(&m.allocator, text, n - 1 < 4096 ? n - 1 : 4096);
    fuzz_memory_check(&m);
    return 0;
}
