#include "base/status.h"

#include <string.h>

#include "base/text.h"

enum { TEXT_BYTES = sizeof((llmi_error_copy *)0)->text };

static _Thread_local char detail[TEXT_BYTES];

static const struct {
    llm_status status;
    const char *name, *text;
} table[] = {
#define STATUS(code, text) {code, #code, text},
#include "base/status.def"
#undef STATUS
};

enum { N_CODES = sizeof table / sizeof table[0] };

LLM_API const char *llm_status_name(llm_status status) {
    for (int i = 0; i < N_CODES; i++)
        if (table[i].status == status) return table[i].name;
    return "LLM_E_UNKNOWN";
}

LLM_API const char *llm_status_text(llm_status status) {
    for (int i = 0; i < N_CODES; i++)
        if (table[i].status == status) return table[i].text;
    return "a code that this version does not know";
}

LLM_API const char *llm_last_error(void) {
    return detail;
}

/* Names, paths and texts of plug-ins come from outside: even if a caller forgot to quote one, the host gets UTF-8. */
static void take(char text[TEXT_BYTES]) {
    llmi_clean(text, TEXT_BYTES);
    memcpy(detail, text, TEXT_BYTES);
}

/* An argument may be the current text itself, so the new one is made beside it. */
llm_status llmi_error(llm_status status, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    take(text);
    return status;
}

llm_status llmi_error_in(llm_status status, const char *format, ...) {
    char text[TEXT_BYTES], whole[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    llmi_format(whole, sizeof whole, "%s: %s", text, detail);
    take(whole);
    return status;
}

void llmi_error_clear(void) {
    detail[0] = 0;
}

void llmi_error_save(llmi_error_copy *out, llm_status status) {
    out->status = status;
    memcpy(out->text, detail, sizeof out->text);
}

llm_status llmi_error_restore(const llmi_error_copy *saved) {
    memcpy(detail, saved->text, sizeof detail);
    return saved->status;
}
