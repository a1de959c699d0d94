#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/status.h"
#include "engine/completion.h"

/* ---- submission ---- */

static llm_status check_int(const char *name, int64_t value, int64_t min, int64_t max) {
    if (value >= min && value <= max) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "%s is %" PRId64 ", expected %" PRId64 "..%" PRId64, name, value, min, max);
}

llm_status llmi_job_check_length(const llmi_engine *e, size_t n_tokens, bool generates) {
    int32_t n_ctx = e->dims.n_ctx, trained = e->model->hp.n_ctx_train;
    if (n_tokens > (size_t)n_ctx || (generates && n_tokens == (size_t)n_ctx))
        return llmi_error(LLM_E_LIMIT,
                          "%zu tokens, the context holds %" PRId32
                          "%s (engine option n_ctx; the model was trained for %" PRId32 ")",
                          n_tokens, n_ctx, n_tokens > (size_t)n_ctx ? "" : " and leaves no room for another", trained);
    if (llmi_kvpool_pages(&e->cache.pool, (int32_t)n_tokens) > e->dims.n_pages)
        return llmi_error(LLM_E_LIMIT, "%zu tokens, the KV cache holds %" PRId64 " (engine option n_kv_tokens)",
                          n_tokens, e->options.n_kv_tokens);
    return LLM_OK;
}

static llm_status check_desc(const llmi_engine *e, const llmi_job_desc *d) {
    int32_t n_vocab = e->dims.n_vocab;
    llm_status status = d->kind == LLMI_JOB_EMBED ? LLM_OK : llmi_model_check_head(e->model);
    if (status != LLM_OK) return status;
    status = check_int("the number of log-probabilities", d->n_logprobs, -1, n_vocab);
    for (size_t i = 0; i < d->n_prompt && status == LLM_OK; i++)
        if (d->prompt[i] < 0 || d->prompt[i] >= n_vocab)
            status = llmi_error(LLM_E_ARGUMENT, "token %zu of the prompt is %" PRId32 ", expected 0..%" PRId32, i,
                                d->prompt[i], n_vocab - 1);
    if (status == LLM_OK) {
        status = llmi_job_check_length(e, d->n_prompt, d->kind == LLMI_JOB_GENERATE && d->max_tokens);
        if (status != LLM_OK) return llmi_error_in(status, "the prompt");
    }
    if (status != LLM_OK || d->kind != LLMI_JOB_GENERATE) return status;
    if (!d->n_prompt) return llmi_error(LLM_E_ARGUMENT, "the prompt has 0 tokens, expected at least 1");
    status = check_int("n", d->n, 1, e->dims.n_seqs);
    if (status == LLM_OK) status = llmi_option_check_member("generate", "max_tokens", &d->max_tokens);
    if (status == LLM_OK) status = llmi_sampler_options_check(&d->sampling, n_vocab);
    return status;
}

/* Most tokens that a sequence of the job can come to hold. */
static int32_t capacity_of(const llmi_engine *e, const llmi_job_desc *d) {
    if (d->kind != LLMI_JOB_GENERATE || !d->max_tokens) return (int32_t)d->n_prompt;
    size_t room = (size_t)e->dims.n_ctx - d->n_prompt;
    bool limited = d->max_tokens >= 0 && (size_t)d->max_tokens < room;
    return (int32_t)(d->n_prompt + (limited ? (size_t)d->max_tokens : room));
}

/* The block of a job; without memory it is only measured. */
static void place(llmi_arena *arena, const llmi_engine *e, const llmi_job_desc *d, int32_t n, int32_t capacity) {
    llmi_job *job = llmi_arena_take(arena, 1, sizeof *job + (size_t)n * sizeof *job->completions);
    size_t n_bias = d->kind == LLMI_JOB_GENERATE ? d->sampling.n_bias : 0;
    llm_logit_bias *bias = llmi_arena_take(arena, n_bias, sizeof *bias);
    size_t n_top = d->n_logprobs > 0 ? (size_t)d->n_logprobs : 0;
    llm_token_logprob *tops = llmi_arena_take(arena, n_top * (size_t)e->dims.n_samplers, sizeof *tops);
    if (job) {
        *job = (llmi_job){.n = n, .sampling = d->sampling, .tops = tops};
        job->sampling.bias = bias;
        job->sampling.n_bias = n_bias;
        if (n_bias) memcpy(bias, d->sampling.bias, n_bias * sizeof *bias);
    }
    int32_t n_pages = llmi_kvpool_pages(&e->cache.pool, capacity);
    for (int32_t i = 0; i < n; i++) {
        llm_token *tokens = llmi_arena_take(arena, (size_t)capacity, sizeof *tokens);
        int32_t *pages = llmi_arena_take(arena, (size_t)n_pages, sizeof *pages);
        if (!job) continue;
        job->completions[i] = (llmi_completion){.job = job, .index = i, .state = LLMI_WAITING};
        llmi_kv_sequence_init(&job->completions[i].seq, tokens, pages);
        if (!d->n_prompt) continue;
        memcpy(tokens, d->prompt, d->n_prompt * sizeof *tokens);
        job->completions[i].seq.n_tokens = (int32_t)d->n_prompt;
    }
}

static llmi_job *make_job(llmi_engine *e, const llmi_job_desc *d) {
    int32_t n = d->kind == LLMI_JOB_GENERATE ? d->n : 1, capacity = capacity_of(e, d);
    llmi_arena arena = {0};
    place(&arena, e, d, n, capacity);
    if (arena.overflow) {
        llmi_error(LLM_E_MEMORY, "out of memory: the request is larger than the address space");
        return NULL;
    }
    size_t n_bytes = arena.used;
    char *block = llmi_alloc(e->a, n_bytes);
    if (!block) return NULL;
    arena = (llmi_arena){.base = block};
    place(&arena, e, d, n, capacity);
    llmi_job *job = (llmi_job *)(void *)block;
    job->n_bytes = n_bytes;
    job->engine = e;
    job->kind = d->kind;
    job->first_index = d->first_index;
    job->n_open = n;
    job->max_tokens = d->kind == LLMI_JOB_GENERATE ? d->max_tokens : -1;
    job->n_logprobs = d->n_logprobs;
    job->n_prompt = (int32_t)d->n_prompt;
    job->score_from = d->score_from < 1 ? 1 : d->score_from < INT32_MAX ? (int32_t)d->score_from : INT32_MAX;
    job->masks = d->kind == LLMI_JOB_GENERATE ? d->masks : NULL;
    job->sink = d->sink;
    job->sink_user = d->sink_user;
    job->forked = n == 1;
    job->t_submit = llmi_now_ms();
    return job;
}

llm_status llmi_job_submit(llmi_job **out, llmi_engine *e, const llmi_job_desc *desc) {
    *out = NULL;
    llm_status status = check_desc(e, desc);
    if (status != LLM_OK) return status;
    llmi_job *job = make_job(e, desc);
    if (!job) return LLM_E_MEMORY;
    llmi_engine_ref(e);
    pthread_mutex_lock(&e->lock);
    job->id = e->next_id++;
    e->n_active++;
    llmi_completion_queue(e, &job->completions[0]);
    pthread_mutex_unlock(&e->lock);
    *out = job;
    return LLM_OK;
}

/* ---- from any thread ---- */

/* Dekker-style handshake: we set `cancelled`, then read `in_step`; the stepping thread sets `in_step`, then reads
 * `cancelled`. At least one of the two sees the other's store. */
void llmi_job_cancel(llmi_job *job) {
    __atomic_store_n(&job->cancelled, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&job->in_step, __ATOMIC_SEQ_CST))
        __atomic_store_n(&job->engine->compute.stop, 1, __ATOMIC_SEQ_CST);
}

bool llmi_job_done(const llmi_job *job) {
    return __atomic_load_n(&job->done, __ATOMIC_ACQUIRE);
}

void llmi_job_stats_get(llmi_job_stats *out, const llmi_job *job) {
    llmi_engine *e = job->engine;
    pthread_mutex_lock(&e->lock);
    double end = job->t_end > 0 ? job->t_end : llmi_now_ms();
    double start = job->t_start > 0 ? job->t_start : end;
    double prompt = job->t_prompt > 0 ? job->t_prompt : end;
    *out = (llmi_job_stats){
        .n_prompt_tokens = job->n_prompt,
        .n_cached_tokens = job->n_cached,
        .n_tokens = job->n_tokens,
        .queue_ms = start - job->t_submit,
        .prompt_ms = prompt - start,
        .decode_ms = end - prompt,
    };
    pthread_mutex_unlock(&e->lock);
}

/* ---- the end ---- */

void llmi_job_free(llmi_job *job) {
    llmi_engine *e = job->engine;
    llmi_free(e->a, job, job->n_bytes);
    llmi_engine_unref(e);
}

/* Somebody else's thread is inside the sink or the masks of the job. */
static bool is_lent(const llmi_engine *e, const llmi_job *job) {
    if (!e->stepping || pthread_equal(e->stepper, pthread_self())) return false;
    return e->calling == job || (e->drawing && job->masks);
}

void llmi_job_destroy(llmi_job *job) {
    if (!job) return;
    llmi_engine *e = job->engine;
    llmi_job_cancel(job);
    pthread_mutex_lock(&e->lock);
    job->dead = true;
    e->n_active -= !job->done;
    while (is_lent(e, job)) pthread_cond_wait(&e->changed, &e->lock);
    bool later = e->stepping;
    if (later) {
        job->next = e->doomed;
        e->doomed = job;
    } else {
        for (int32_t i = 0; i < job->n; i++) llmi_completion_remove(e, &job->completions[i]);
    }
    pthread_mutex_unlock(&e->lock);
    if (!later) llmi_job_free(job);
}
