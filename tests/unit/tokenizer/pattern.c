#include "unit/tokenizer/pattern.h"

#include "base/alloc.h"
#include "base/status.h"
#include "tokenizer/presets.h"
#include "tokenizer/regex.h"

struct test_pattern {
    llm_tokenizer *owner; /* for the memory of a call */
    llmi_regex *regex;
};

llm_status pattern_create(test_pattern **out, const char *text, size_t n, bool jit) {
    test_pattern *p = *out = llmi_alloc_zero(&llmi_default_allocator, sizeof *p);
    p->owner = llmi_tokenizer_new(&llmi_default_allocator);
    return llmi_regex_create(&p->regex, p->owner->a, text, n, jit);
}

void pattern_destroy(test_pattern *p) {
    llmi_regex_destroy(p->regex);
    llmi_tokenizer_unref(p->owner);
    llmi_free(&llmi_default_allocator, p, sizeof *p);
}

llm_status pattern_find(test_pattern *p, llmi_buf *out, const char *text, size_t n, int64_t *steps, int64_t *most) {
    llmi_encode_work w;
    llmi_encode_work_init(&w, p->owner, NULL, 0, n);
    *most = w.steps;
    llmi_regex_matches m = {.r = p->regex, .text = text, .n = n};
    bool found = true;
    llm_status status = LLM_OK;
    while (status == LLM_OK && found) {
        size_t pair[2];
        status = llmi_regex_next(&w, &m, &found, &pair[0], &pair[1]);
        if (status == LLM_OK && found && !llmi_buf_push(out, pair)) status = LLM_E_MEMORY;
    }
    *steps = *most - w.steps;
    llmi_encode_work_free(&w);
    return status;
}

/* In place of the model. */
static llm_status put_length(llmi_encode_work *w, const char *word, size_t n) {
    llm_token length = (llm_token)n;
    return llmi_buf_push(w->ids, length) ? LLM_OK : LLM_E_MEMORY;
}

llm_status preset_cut(llmi_buf *out, const char *name, const char *text, size_t n) {
    const llmi_preset *preset = llmi_preset_find(name);
    if (!preset) return llmi_error(LLM_E_NOT_FOUND, "no pre-tokenizer \"%s\"", name);
    llm_tokenizer *t = llmi_tokenizer_new(&llmi_default_allocator);
    t->model = put_length;
    llm_status status = llmi_preset_apply(t, preset);
    if (status == LLM_OK) status = llmi_tokenizer_encode(out, t, text, n, 0);
    llmi_tokenizer_unref(t);
    return status;
}
