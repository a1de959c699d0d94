/* A template and its context: the template, a NUL, the context's JSON. It stays within its budgets: the allocator
 * counts what is held, and a rendering takes no longer than its steps allow. */
#include "base/alloc.h"
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/status.h"
#include "fuzz/fuzz.h"
#include "jinja/jinja.h"

enum { MEMORY = 1 << 20, OUTPUT = 1 << 16, STEPS = 20000, SLACK = 1 << 19 };

static size_t held, peak;

static void *count_alloc(void *user, size_t n, size_t alignment) {
    void *p = llmi_default_allocator.alloc(NULL, n, alignment);
    if (p) held += n;
    if (held > peak) peak = held;
    return p;
}

static void count_free(void *user, void *p, size_t n) {
    held -= n;
    llmi_default_allocator.free(NULL, p, n);
}

static const llm_allocator COUNTING = {NULL, count_alloc, count_free};

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void render(const llmi_jinja_template *t, const llmi_json *context) {
    llmi_jinja_limits limits = {
        .max_steps = STEPS, .max_output_bytes = OUTPUT, .max_memory_bytes = MEMORY, .max_depth = 64};
    llmi_jinja_rendering how = {.context = context, .has_now = true, .limits = &limits};
    llmi_buf out, pieces;
    llmi_buf_init(&out, &COUNTING);
    llmi_buf_init(&pieces, &COUNTING);
    size_t before = peak = held;
    double begin = seconds();
    llm_status status = llmi_jinja_render(&out, &pieces, t, &how);
    /* The output, twice while it is copied, is beyond the budget of values; blocks round up. */
    if (peak - before > MEMORY + 4 * (size_t)OUTPUT + SLACK) abort();
    if (seconds() - begin > 2) abort(); /* 20,000 steps: a sanitizer needs some milliseconds */
    if (status != LLM_OK && !llm_last_error()[0]) abort();
    size_t at = 0;
    for (size_t i = 0; status == LLM_OK && i < llmi_buf_count(&pieces, llmi_jinja_piece); i++) {
        llmi_jinja_piece p = llmi_buf_at(&pieces, llmi_jinja_piece, i);
        if (p.begin != at || p.end <= p.begin || p.line < 1) abort();
        at = p.end;
    }
    if (status == LLM_OK && at != out.len) abort();
    llmi_buf_free(&out);
    llmi_buf_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const char usual[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"add_generation_prompt\":true}";
    const uint8_t *end = memchr(data, 0, n);
    size_t n_source = end ? (size_t)(end - data) : n;
    llmi_jinja_template *t;
    llmi_json_doc doc;
    const llmi_json *context = NULL;
    llmi_json_doc_init(&doc, &COUNTING, 0);
    llmi_error_clear();
    llm_status status = llmi_jinja_parse(&t, &COUNTING, (const char *)data, n_source, "chat template");
    if ((status == LLM_OK) != (t != NULL) || (status != LLM_OK && !llm_last_error()[0])) abort();
    if (end)
        llmi_json_parse(&context, &doc, (llm_span){(const char *)end + 1, n - n_source - 1}, "context",
                        LLMI_JSON_PYTHON);
    if (!llmi_json_is(context, LLMI_JSON_OBJECT))
        llmi_json_parse(&context, &doc, (llm_span){usual, sizeof usual - 1}, "context", 0);
    if (t && context) render(t, context);
    llmi_json_doc_free(&doc);
    llmi_jinja_template_unref(t);
    if (held) abort();
    return 0;
}
