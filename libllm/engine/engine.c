#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/completion.h"
#include "engine/output.h"
#include "engine/scheduler.h"

/* ---- life ---- */

static void engine_free(llmi_engine *e) {
    const llm_allocator *a = e->a;
    llm_model *model = e->model;
    for (int32_t i = 0; e->block && i < e->dims.n_samplers; i++) llmi_sampler_destroy(e->samplers[i]);
    llmi_compute_destroy(&e->compute);
    llmi_workers_destroy(e->workers);
    if (e->block) llmi_free(a, e->block, e->block_bytes);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    llmi_free(a, e, sizeof *e);
    llmi_model_unref(model);
}

static llm_status place_arrays(llmi_engine *e) {
    llmi_arena arena = {0};
    llmi_engine_place(e, &arena, e->model);
    if (arena.overflow) return llmi_error(LLM_E_MEMORY, "out of memory: the engine's options ask for too much");
    e->block_bytes = arena.used;
    e->block = llmi_alloc(e->a, e->block_bytes);
    if (!e->block) return LLM_E_MEMORY;
    arena = (llmi_arena){.base = e->block};
    llmi_engine_place(e, &arena, e->model);
    memset(e->samplers, 0, (size_t)e->dims.n_samplers * sizeof *e->samplers);
    return LLM_OK;
}

static llm_status build(llmi_engine *e) {
    llm_status status = place_arrays(e);
    for (int32_t i = 0; i < e->dims.n_samplers && status == LLM_OK; i++)
        status = llmi_sampler_create(&e->samplers[i], e->a, e->dims.n_vocab);
    if (status == LLM_OK) status = llmi_workers_create(&e->workers, e->a, e->options.n_threads);
    if (status != LLM_OK) return status;
    return llmi_compute_create(&e->compute, e->model, &e->dims, e->options.kv_dtype, llmi_workers_pool(e->workers));
}

static void log_engine(const llmi_engine *e) {
    const llmi_log *log = llmi_runtime_log(e->model->runtime);
    llm_engine_memory memory;
    if (!llmi_log_wants(log, LLM_LOG_DEBUG)) return;
    if (llmi_engine_estimate(&memory, e->model, &e->options) != LLM_OK) return;
    llmi_log_write(
        log, LLM_LOG_DEBUG,
        "engine: %d sequences of up to %d tokens, %d rows a step, %d pages of %d tokens, KV cache %lld bytes, "
        "workspace %lld, packed weights %lld, %d threads",
        e->dims.n_seqs, e->dims.n_ctx, e->dims.n_batch, e->dims.n_pages, e->dims.page_tokens,
        (long long)memory.kv_bytes, (long long)memory.workspace_bytes, (long long)memory.weight_bytes,
        llmi_workers_pool(e->workers)->n_threads);
}

llm_status llmi_engine_create(llmi_engine **out, llm_model *m, const llm_engine_options *resolved) {
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    *out = NULL;
    llmi_engine *e = llmi_alloc_zero(a, sizeof *e);
    if (!e) return LLM_E_MEMORY;
    e->n_refs = 1;
    e->process = getpid();
    e->model = llmi_model_ref(m);
    e->a = a;
    e->options = *resolved;
    llmi_engine_dims(&e->dims, m, resolved);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    llm_status status = build(e);
    if (status != LLM_OK) {
        engine_free(e);
        return status;
    }
    log_engine(e);
    *out = e;
    return LLM_OK;
}

void llmi_engine_ref(llmi_engine *e) {
    __atomic_fetch_add(&e->n_refs, 1, __ATOMIC_RELAXED);
}

void llmi_engine_unref(llmi_engine *e) {
    if (e && __atomic_fetch_sub(&e->n_refs, 1, __ATOMIC_ACQ_REL) == 1) engine_free(e);
}

bool llmi_engine_is_here(const llmi_engine *e) {
    return e->process == getpid();
}

llm_status llmi_engine_here(const llmi_engine *e, const char *call) {
    if (llmi_engine_is_here(e)) return LLM_OK;
    return llmi_error(LLM_E_STATE,
                      "%s: process %ld made the engine, this is process %ld: after fork() a child makes its own", call,
                      (long)e->process, (long)getpid());
}

llm_model *llmi_engine_model(const llmi_engine *e) {
    return e->model;
}

const llm_engine_options *llmi_engine_options(const llmi_engine *e) {
    return &e->options;
}

const llm_allocator *llmi_engine_allocator(const llmi_engine *e) {
    return e->a;
}

/* ---- the step right ---- */

llm_status llmi_engine_begin(llmi_engine *e) {
    pthread_mutex_lock(&e->lock);
    bool busy = e->stepping;
    if (!busy) {
        e->stepping = true;
        e->stepper = pthread_self();
    }
    pthread_mutex_unlock(&e->lock);
    return busy ? llmi_error(LLM_E_BUSY, "another call computes on this engine") : LLM_OK;
}

void llmi_engine_end(llmi_engine *e) {
    pthread_mutex_lock(&e->lock);
    llmi_job *doomed = e->doomed;
    e->doomed = NULL;
    for (llmi_job *job = doomed; job; job = job->next)
        for (int32_t i = 0; i < job->n; i++) llmi_completion_remove(e, &job->completions[i]);
    e->stepping = false;
    pthread_mutex_unlock(&e->lock);
    for (llmi_job *next; doomed; doomed = next) {
        next = doomed->next;
        llmi_job_free(doomed);
    }
}

/* ---- one step ---- */

void llmi_engine_interrupt(llmi_engine *e, bool on) {
    __atomic_store_n(&e->interrupted, on, __ATOMIC_SEQ_CST);
    if (on) __atomic_store_n(&e->compute.stop, 1, __ATOMIC_SEQ_CST);
}

bool llmi_engine_is_interrupted(const llmi_engine *e) {
    return __atomic_load_n(&e->interrupted, __ATOMIC_SEQ_CST);
}

void llmi_engine_clear_stop(llmi_engine *e) {
    __atomic_store_n(&e->compute.stop, 0, __ATOMIC_SEQ_CST);
    if (llmi_engine_is_interrupted(e)) __atomic_store_n(&e->compute.stop, 1, __ATOMIC_SEQ_CST);
}

llm_status llmi_engine_cancelled(void) {
    return llmi_error(LLM_E_CANCELLED, "the call was cancelled (llm_engine_cancel)");
}

/* From here on a cancelled job stops the step; see llmi_job_cancel. */
static void arm(llmi_engine *e) {
    llmi_engine_clear_stop(e);
    for (int32_t i = 0; i < e->batch.n_parts; i++) {
        llmi_job *job = ((llmi_completion *)e->batch.parts[i].owner)->job;
        __atomic_store_n(&job->in_step, 1, __ATOMIC_SEQ_CST);
        if (llmi_job_is_cancelled(job)) __atomic_store_n(&e->compute.stop, 1, __ATOMIC_SEQ_CST);
    }
}

static void disarm(llmi_engine *e) {
    for (int32_t i = 0; i < e->batch.n_parts; i++) {
        llmi_job *job = ((llmi_completion *)e->batch.parts[i].owner)->job;
        __atomic_store_n(&job->in_step, 0, __ATOMIC_SEQ_CST);
    }
}

static void plan(llmi_engine *e) {
    pthread_mutex_lock(&e->lock);
    llmi_completion_sweep(e);
    llmi_scheduler_admit(e);
    llmi_scheduler_plan(e);
    arm(e);
    pthread_mutex_unlock(&e->lock);
}

/* A step that was stopped is no failure: what it did not do is planned again. */
static llm_status compute(llmi_engine *e) {
    e->n_outputs = 0;
    if (!e->batch.n_parts) return LLM_OK;
    double start = llmi_now_ms();
    llm_status status = llmi_compute_run(&e->compute, &e->batch);
    llmi_log_write(llmi_runtime_log(e->model->runtime), LLM_LOG_DEBUG,
                   "step: %d rows of %d sequences, logits of %d, %.2f ms, status %d", e->batch.n_rows, e->batch.n_parts,
                   e->batch.n_logits, llmi_now_ms() - start, status);
    pthread_mutex_lock(&e->lock);
    disarm(e);
    if (status == LLM_OK) {
        llmi_output_commit(e);
    } else {
        for (int32_t i = 0; i < e->batch.n_parts; i++) llmi_kv_copy_undo(&e->batch.parts[i].copy, &e->cache);
        llmi_batch_clear(&e->batch);
    }
    pthread_mutex_unlock(&e->lock);
    if (status == LLM_E_CANCELLED) return llmi_engine_is_interrupted(e) ? llmi_engine_cancelled() : LLM_OK;
    return status;
}

llm_status llmi_engine_step(int32_t *n_active, llmi_engine *e) {
    llm_status status = llmi_engine_begin(e);
    if (status != LLM_OK) return status;
    llmi_error_copy failure;
    plan(e);
    status = compute(e);
    llmi_error_save(&failure, status);
    llmi_output_deliver(e);
    pthread_mutex_lock(&e->lock);
    llmi_completion_sweep(e);
    pthread_mutex_unlock(&e->lock);
    llmi_output_finish(e);
    pthread_mutex_lock(&e->lock);
    int32_t n = e->n_active;
    pthread_mutex_unlock(&e->lock);
    llmi_engine_end(e);
    if (n_active) *n_active = n;
    return llmi_error_restore(&failure);
}
