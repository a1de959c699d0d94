#include "serve/engine.h"

#include <string.h>

#include "api/check.h"
#include "api/load_model.h"
#include "api/options.h"
#include "base/alloc.h"
#include "base/text.h"
#include "serve/request.h"

/* ---- sizes ---- */

/* The caller's options, read, checked and resolved for the model. */
static llm_status resolve(llm_engine_options *out, const llm_model *m, const llm_engine_options *options) {
    llm_engine_options o;
    llm_status status = llmi_options_get(&o, "engine", options);
    if (status != LLM_OK) return status;
    if (!m->arch)
        return llmi_error(LLM_E_STATE,
                          "%s: the model was loaded with tokenizer_only, it has no weights to compute with",
                          LLMI_QUOTE(llmi_weights_path(m->weights), strlen(llmi_weights_path(m->weights))));
    return llmi_engine_resolve(out, m, &o);
}

LLM_API llm_status llm_engine_estimate(llm_engine_memory *out, const llm_model *model,
                                       const llm_engine_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(model);
    llm_engine_options o;
    llm_engine_memory memory = {.struct_size = sizeof memory};
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_engine_memory, total_bytes), "llm_engine_memory");
    if (status == LLM_OK) status = resolve(&o, model, options);
    if (status == LLM_OK) status = llmi_engine_estimate(&memory, model, &o);
    if (status == LLM_OK) llmi_api_write_out(out, &memory, sizeof memory);
    return status;
}

/* ---- life ---- */

LLM_API llm_status llm_engine_create(llm_engine **out, llm_model *model, const llm_engine_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(model);
    llm_engine_options o;
    llm_status status = resolve(&o, model, options);
    if (status != LLM_OK) return status;
    const llm_allocator *a = llmi_runtime_allocator(model->runtime);
    llm_engine *e = llmi_alloc_zero(a, sizeof *e);
    if (!e) return LLM_E_MEMORY;
    status = llmi_engine_create(&e->inner, model, &o);
    if (status != LLM_OK) {
        llmi_free(a, e, sizeof *e);
        return status;
    }
    e->model = llmi_model_ref(model);
    atomic_init(&e->n_refs, 1);
    atomic_init(&e->inside, false);
    pthread_mutex_init(&e->lock, NULL);
    *out = e;
    return LLM_OK;
}

void llmi_serve_engine_ref(llm_engine *e) {
    atomic_fetch_add_explicit(&e->n_refs, 1, memory_order_relaxed);
}

void llmi_serve_engine_unref(llm_engine *e) {
    if (atomic_fetch_sub_explicit(&e->n_refs, 1, memory_order_acq_rel) != 1) return;
    llm_model *m = e->model;
    llmi_engine_unref(e->inner);
    pthread_mutex_destroy(&e->lock);
    llmi_free(llmi_runtime_allocator(m->runtime), e, sizeof *e);
    llmi_model_unref(m);
}

/* Nobody steps after this: what still runs is brought to its end here, so that its requests are done. The
 * error text stays, as it does in every call that frees. */
LLM_API void llm_engine_destroy(llm_engine *engine) {
    if (!engine || !llmi_engine_is_here(engine->inner)) return;
    int32_t n_active = 0;
    llmi_error_copy before;
    llmi_error_save(&before, LLM_OK);
    pthread_mutex_lock(&engine->lock);
    for (llm_request *r = engine->requests; r; r = r->next) {
        llmi_job_cancel(r->job);
        n_active++;
    }
    pthread_mutex_unlock(&engine->lock);
    llmi_engine_interrupt(engine->inner, false);
    while (n_active && llmi_engine_step(&n_active, engine->inner) == LLM_OK) {
    }
    llmi_serve_engine_unref(engine);
    llmi_error_restore(&before);
}

void llmi_serve_enlist(llm_engine *e, llm_request *r) {
    pthread_mutex_lock(&e->lock);
    r->prev = NULL;
    r->next = e->requests;
    if (r->next) r->next->prev = r;
    e->requests = r;
    pthread_mutex_unlock(&e->lock);
}

void llmi_serve_delist(llm_engine *e, llm_request *r) {
    pthread_mutex_lock(&e->lock);
    if (r->next) r->next->prev = r->prev;
    if (r->prev)
        r->prev->next = r->next;
    else
        e->requests = r->next;
    pthread_mutex_unlock(&e->lock);
}

/* ---- steps ---- */

llm_status llmi_serve_begin(llm_engine *e, const char *call) {
    llm_status status = llmi_engine_here(e->inner, call);
    if (status != LLM_OK) return status;
    if (atomic_exchange(&e->inside, true))
        return llmi_error(LLM_E_BUSY, "%s: another call is stepping this engine", call);
    llmi_engine_interrupt(e->inner, false);
    return LLM_OK;
}

void llmi_serve_end(llm_engine *e) {
    atomic_store(&e->inside, false);
}

LLM_API llm_status llm_engine_step(int32_t *n_active, llm_engine *engine) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(engine);
    int32_t n = 0;
    llm_status status = llmi_serve_begin(engine, "llm_engine_step");
    if (status != LLM_OK) return status;
    status = llmi_engine_step(&n, engine->inner);
    llmi_serve_end(engine);
    if (n_active) *n_active = n;
    return status;
}

LLM_API void llm_engine_cancel(llm_engine *engine) {
    if (engine) llmi_engine_interrupt(engine->inner, true);
}

/* ---- text ---- */

llm_status llmi_serve_tokenizer(const llm_tokenizer **out, const llm_engine *e) {
    *out = e->model->tokenizer;
    return *out ? LLM_OK : llmi_api_no_tokenizer(LLM_E_UNSUPPORTED, e->model->weights);
}

llm_status llmi_serve_encode(struct llmi_buf *ids, const llm_engine *e, llm_span text, uint32_t flags) {
    const llm_tokenizer *tokenizer;
    llm_status status = llmi_serve_tokenizer(&tokenizer, e);
    if (status != LLM_OK) return status;
    return llmi_tokenizer_encode(ids, tokenizer, text.len ? text.ptr : "", text.len, flags);
}
