/* A template and its context: the template, a NUL, the context's JSON. */
#include "base/alloc.h"
#include <string.h>

#include "base/status.h"
#include "fuzz/fuzz.h"
#include "text/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    const uint8_t *end = memchr(data, 0, n);
    size_t n_source = end ? (size_t)(end - data) : n;
    llmi_template *t;
    llmi_error_clear();
    llm_status status = llmi_template_parse(&t, &llmi_default_allocator, (const char *)data, n_source, "chat template");
    if ((status == LLM_OK) != (t != NULL) || (status != LLM_OK && !llm_last_error()[0])) abort();
    json_t *context = end ? json_loadb((const char *)end + 1, n - n_source - 1, JSON_ALLOW_NUL, NULL) : NULL;
    if (!json_is_object(context)) {
        json_decref(context);
        context =
            json_pack("{s:[{s:s,s:s}],s:b}", "messages", "role", "user", "content", "hi", "add_generation_prompt", 1);
    }
    llmi_template_limits limits = {
        .max_steps = 20000, .max_output_bytes = 1 << 16, .max_memory_bytes = 1 << 20, .max_depth = 64};
    llmi_rendering how = {.context = context, .has_now = true, .limits = &limits};
    llmi_buf out, pieces;
    llmi_buf_init(&out, &llmi_default_allocator);
    llmi_buf_init(&pieces, &llmi_default_allocator);
    if (t) status = llmi_template_render(&out, &pieces, t, &how);
    if (status != LLM_OK && !llm_last_error()[0]) abort();
    size_t at = 0;
    for (size_t i = 0; status == LLM_OK && i < llmi_buf_count(&pieces, llmi_piece); i++) {
        llmi_piece p = llmi_buf_at(&pieces, llmi_piece, i);
        if (p.begin != at || p.end <= p.begin || p.line < 1) abort();
        at = p.end;
    }
    if (status == LLM_OK && at != out.len) abort();
    llmi_buf_free(&out);
    llmi_buf_free(&pieces);
    json_decref(context);
    llmi_template_unref(t);
    return 0;
}
