/* llm_generate: submit, and step until done. */
#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "serve/request.h"

/* Hands out what waits. Once the callback has answered a negative number it is not called again. */
static llm_status deliver(llm_request *r, llm_event_fn on_event, void *user, bool *refused) {
    llm_event event;
    int32_t got;
    while ((got = llm_request_next(&event, r)) > 0) {
        int32_t answer = on_event && !*refused ? on_event(user, &event) : 0;
        if (answer) llm_request_cancel(r);
        if (answer < 0) *refused = true;
    }
    return got;
}

static llm_status run(llm_result **out, llm_request *r, llm_event_fn on_event, void *user) {
    bool refused = false;
    llm_status status = LLM_OK;
    while (status == LLM_OK) {
        bool done = llm_request_done(r);
        status = deliver(r, on_event, user, &refused);
        if (done || status != LLM_OK) break;
        status = llmi_engine_step(&(int32_t){0}, r->engine->inner);
    }
    if (status == LLM_OK && refused)
        status = llmi_error(LLM_E_CALLBACK, "the event callback answered a negative number");
    if (status == LLM_OK) status = llm_request_status(r);
    if (status == LLM_OK && out) status = llm_request_result(out, r);
    return status;
}

/* text.ptr NULL: the prompt is ids. */
static llm_status generate(llm_result **out, llm_engine *e, llm_span text, const llm_token *ids, size_t n_ids,
                           const llm_generate_options *options, llm_event_fn on_event, void *user) {
    llm_generate_options o;
    llm_request *r = NULL;
    llm_status status = llmi_options_get(&o, "generate", options);
    if (status == LLM_OK) status = llmi_serve_begin(e, "llm_generate");
    if (status != LLM_OK) return status;
    if (text.ptr)
        status = llmi_request_submit_text(&r, e, text, &o);
    else
        status = llmi_request_submit(&r, e, ids, n_ids, 0, &o);
    if (status == LLM_OK) status = run(out, r, on_event, user);
    llmi_serve_end(e);
    llm_request_destroy(r);
    return status;
}

LLM_API llm_status llm_generate(llm_result **out, llm_engine *engine, const char *prompt, size_t n_bytes,
                                const llm_generate_options *options, llm_event_fn on_event, void *user) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    if (out) *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_TEXT(prompt, n_bytes);
    llm_span text = {prompt ? prompt : "", n_bytes};
    return generate(out, engine, text, NULL, 0, options, on_event, user);
}

LLM_API llm_status llm_generate_tokens(llm_result **out, llm_engine *engine, const llm_token *prompt, size_t n_tokens,
                                       const llm_generate_options *options, llm_event_fn on_event, void *user) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    if (out) *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_ARRAY(prompt, n_tokens);
    return generate(out, engine, (llm_span){0}, prompt, n_tokens, options, on_event, user);
}

static const char *const finish_names[] = {"none", "eos", "stop", "length", "context", "cancelled", "error", "grammar"};

LLM_API const char *llm_finish_name(int32_t finish) {
    return finish >= LLM_FINISH_NONE && finish <= LLM_FINISH_GRAMMAR ? finish_names[finish] : "unknown";
}
