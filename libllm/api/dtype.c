/* Names of data types. */
#include <stdbool.h>

#include <llm/model.h>
#include <string.h>

#include "api/check.h"
#include "base/text.h"
#include "format/dtype_size.h"

LLM_API const char *llm_dtype_name(llm_dtype dtype) {
    const llmi_dtype_size *row = llmi_dtype_size_get(dtype);
    return row ? row->name : NULL;
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool same_name(const char *known, const char *name) {
    while (*known && *known == upper(*name)) known++, name++;
    return *known == upper(*name);
}

LLM_API llm_status llm_dtype_parse(llm_dtype *out, const char *name) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(name);
    char known[160] = "";
    size_t n = 0;
    for (int32_t i = 0;; i++) {
        const llmi_dtype_size *row = llmi_dtype_size_at(i);
        if (!row) break;
        if (same_name(row->name, name)) {
            *out = row->dtype;
            return LLM_OK;
        }
        n += llmi_format(known + n, sizeof known - n, "%s%s", i ? ", " : "", row->name);
    }
    return llmi_error(LLM_E_NOT_FOUND, "there is no data type \"%s\": known are %s", LLMI_QUOTE(name, strlen(name)),
                      known);
}
