/* llm_ask: fill a prompt, let the model reason, find the answer, vote. */
#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "api/rendering.h"
#include "base/alloc.h"
#include "base/text.h"
#include "prompt/strategies.h"
#include "runtime/runtime.h"

/* ---- texts as public calls ---- */

static llm_status give(size_t *n_out, char *out, size_t capacity, const llmi_buf *text) {
    size_t n = text->len < capacity ? text->len : capacity;
    *n_out = text->len;
    if (n) memcpy(out, text->data, n);
    if (text->len <= capacity) return LLM_OK;
    return llmi_error(LLM_E_CAPACITY, "the text has %zu bytes, the buffer %zu", text->len, capacity);
}

LLM_API llm_status llm_extract(size_t *n_out, const char *extractor, const char *text, size_t n_bytes, char *out,
                               size_t capacity) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(n_out);
    *n_out = 0;
    LLMI_TEXT(text, n_bytes);
    LLMI_ROOM(out, capacity);
    llmi_extract *x;
    llmi_buf found;
    bool is_found = false;
    llm_status status =
        llmi_extract_create(&x, &llmi_default_allocator, extractor ? extractor : "", extractor ? strlen(extractor) : 0);
    if (status != LLM_OK) return status;
    llmi_buf_init(&found, &llmi_default_allocator);
    status = llmi_extract_run(&found, &is_found, x, text ? text : "", n_bytes);
    if (status == LLM_OK && !is_found)
        status = llmi_error(LLM_E_NOT_FOUND, "the text has no answer by \"%s\"", extractor ? extractor : "text");
    if (status == LLM_OK) status = give(n_out, out, capacity, &found);
    llmi_buf_free(&found);
    llmi_extract_destroy(x);
    return status;
}

LLM_API llm_status llm_normalize(size_t *n_out, const char *text, size_t n_bytes, char *out, size_t capacity) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(n_out);
    *n_out = 0;
    LLMI_TEXT(text, n_bytes);
    LLMI_ROOM(out, capacity);
    llmi_buf normal;
    llmi_buf_init(&normal, &llmi_default_allocator);
    llm_status status = llmi_extract_normalize(&normal, text ? text : "", n_bytes) ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) status = give(n_out, out, capacity, &normal);
    llmi_buf_free(&normal);
    return status;
}

/* ---- stops ---- */

/* As plain text a completion ends where the next question would begin; among examples already at the separator. */
static llm_status add_stops(llmi_ask *x, llmi_buf *spans, llmi_buf *next) {
    const llm_prompt *p = x->prompt;
    const llm_filled *f = x->out->filled;
    llm_span separator = {p->separator.data, p->separator.len};
    bool ok = llmi_buf_append(spans, x->g.stop_strings, x->g.n_stop_strings * sizeof separator);
    if (ok && !f->is_chat) {
        bool shots = f->shots.len > 0 && separator.len;
        ok = llmi_buf_append(next, separator.ptr, separator.len) &&
             llmi_buf_append(next, p->query_prefix.data, p->query_prefix.len);
        llm_span question = {next->data, next->len};
        if (ok && shots) ok = llmi_buf_push(spans, separator);
        if (ok && p->query_prefix.len) ok = llmi_buf_push(spans, question);
    }
    x->g.stop_strings = (const llm_span *)(const void *)spans->data;
    x->g.n_stop_strings = llmi_buf_count(spans, llm_span);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

/* ---- strategies ---- */

static const struct {
    const char *name;
    llm_status (*run)(llmi_ask *x);
} STRATEGIES[] = {
    {"none", llmi_strategy_at_once},          {"zero", llmi_strategy_in_two_stages},
    {"few", llmi_strategy_at_once},           {"least_to_most", llmi_strategy_least_to_most},
    {"tree", llmi_strategy_tree_of_thoughts},
};
enum { N_STRATEGIES = sizeof STRATEGIES / sizeof STRATEGIES[0] };

static llm_status find_strategy(int *out, const char *name) {
    for (*out = 0; *out < N_STRATEGIES; ++*out)
        if (strcmp(STRATEGIES[*out].name, name) == 0) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "llm_ask_options: cot is \"%s\", expected none, zero, few, least_to_most or tree",
                      LLMI_QUOTE(name, strlen(name)));
}

static llm_status check_judge(const char *name) {
    if (strcmp(name, "logprob") == 0 || strcmp(name, "verdict") == 0) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "llm_ask_options: judge is \"%s\", expected logprob or verdict",
                      LLMI_QUOTE(name, strlen(name)));
}

/* ---- the call ---- */

static llm_status run(llmi_ask *x, int strategy) {
    llmi_buf spans, next;
    bool decided;
    llmi_buf_init(&spans, x->a);
    llmi_buf_init(&next, x->a);
    llm_status status = add_stops(x, &spans, &next);
    if (status == LLM_OK) status = STRATEGIES[strategy].run(x);
    if (status == LLM_OK) status = llmi_reason_count(&decided, x);
    if (status == LLM_OK) status = llmi_answer_write_json(x->out);
    llmi_buf_free(&spans);
    llmi_buf_free(&next);
    return status;
}

static llm_status ask(llmi_ask *x, const llmi_json *fields, const llm_fill_options *fill) {
    int strategy;
    llm_fill_options f = *fill;
    llm_status status = find_strategy(&strategy, x->o->cot);
    if (!llmi_extract_marker_init(&x->answer_mark, x->a, x->answer_text)) return LLM_E_MEMORY;
    if (status == LLM_OK) status = check_judge(x->o->judge);
    if (status == LLM_OK) status = llmi_extract_create(&x->extract, x->a, x->o->extract, strlen(x->o->extract));
    if (status == LLM_OK) status = llmi_answer_create(&x->out, x->engine->model->runtime);
    if (status == LLM_OK) x->out->stats.seed = x->g.seed;
    if (strcmp(x->o->cot, "few") == 0) f.rationales = 1;
    if (status == LLM_OK) status = llmi_prompt_fill(&x->out->filled, x->prompt, x->engine, fields, &f);
    return status == LLM_OK ? run(x, strategy) : status;
}

LLM_API llm_status llm_ask(llm_answer **out, llm_engine *engine, llm_prompt *prompt, const char *query, size_t n_bytes,
                           const llm_fill_options *fill, const llm_ask_options *options,
                           const llm_generate_options *generate) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_TEXT(query, n_bytes);
    llm_fill_options f;
    llm_ask_options o;
    llmi_json_doc doc;
    const llmi_json *fields = NULL;
    llm_prompt *own = NULL;
    llmi_ask x = {.engine = engine, .o = &o, .a = llmi_serve_memory(engine)};
    llmi_json_doc_init(&doc, x.a, 0);
    llm_status status = llmi_options_get(&f, "fill", fill);
    if (status == LLM_OK) status = llmi_options_get(&o, "ask", options);
    if (status == LLM_OK) status = llmi_options_get(&x.g, "generate", generate);
    if (status == LLM_OK) status = llmi_request_check_lists(&x.g);
    if (status == LLM_OK) status = llmi_prompt_fields(&fields, &doc, query ? query : "", n_bytes);
    if (status == LLM_OK && !prompt) status = llm_prompt_create(&own, engine->model->runtime, NULL);
    if (status == LLM_OK) {
        llmi_option_fill_texts("fill", &f);
        llmi_option_fill_texts("ask", &o);
        x.answer_text = (llm_span){o.answer_text, strlen(o.answer_text)};
        x.prompt = prompt ? prompt : own;
        if (x.g.n_logprobs < 0) x.g.n_logprobs = 0;
        status = ask(&x, fields, &f);
    }
    llmi_json_doc_free(&doc);
    llmi_extract_destroy(x.extract);
    llmi_extract_marker_free(&x.answer_mark);
    llm_prompt_unref(own);
    if (status == LLM_OK)
        *out = x.out;
    else
        llm_answer_destroy(x.out);
    return status;
}
