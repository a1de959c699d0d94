/* JSON text, and the lookups of its members. */
#include "base/old_json.h"
#include "base/status.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    json_t *root;
    llmi_error_clear();
    llm_status status = llmi_old_json_parse(&root, (const char *)data, n, "text");
    if ((status == LLM_OK) != (root != NULL) || (status != LLM_OK && !llm_last_error()[0])) abort();
    for (void *it = json_object_iter(root); it; it = json_object_iter_next(root, it)) {
        const char *key = json_object_iter_key(it);
        int64_t i;
        double x;
        llm_span text;
        llmi_old_json_get_int(&i, root, key, -10, 10, "text");
        llmi_old_json_get_number(&x, root, key, "text");
        llmi_old_json_get_string(&text, root, key, "text");
    }
    json_decref(root);
    return 0;
}
