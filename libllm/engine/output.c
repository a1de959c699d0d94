#include "engine/output.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "engine/completion.h"

/* ---- what a step left ---- */

static void add_output(llmi_engine *e, llmi_completion *c, int32_t row, int32_t position) {
    e->outputs[e->n_outputs++] = (llmi_output){
        .completion = c,
        .logits = e->compute.logits + (size_t)row * (size_t)e->dims.n_vocab,
        .position = position,
    };
}

static void commit_part(llmi_engine *e, const llmi_part *part) {
    llmi_completion *c = part->owner;
    llmi_job *job = c->job;
    llmi_kv_sequence_commit(&c->seq, &e->cache, c->seq.n_done + part->n_rows);
    bool through = c->seq.n_done == llmi_completion_n_compute(c);
    if (!job->t_prompt && (through || part->n_logits)) job->t_prompt = llmi_now_ms();
    if (job->kind == LLMI_JOB_SCORE)
        for (int32_t i = 0; i < part->n_logits; i++)
            add_output(e, c, part->first_logits + i, c->seq.n_done - part->n_logits + i);
    if (job->kind != LLMI_JOB_GENERATE || !through) return;
    if (job->max_tokens == 0) {
        llmi_completion_end(e, c, LLM_FINISH_LENGTH);
        return;
    }
    int32_t first = c->index, last = c->index;
    if (!job->forked) {
        llmi_completion_fork(e, job);
        last = job->n - 1;
    }
    for (int32_t i = first; i <= last; i++) add_output(e, &job->completions[i], part->first_logits, c->seq.n_done - 1);
}

void llmi_output_commit(llmi_engine *e) {
    e->n_outputs = 0;
    for (int32_t i = 0; i < e->batch.n_parts; i++) llmi_kv_copy_done(&e->batch.parts[i].copy, &e->cache);
    for (int32_t i = 0; i < e->batch.n_parts; i++) commit_part(e, &e->batch.parts[i]);
}

/* ---- drawing ---- */

/* An exponent of all ones: infinity or not a number. */
static uint32_t is_strange(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7f800000) == 0x7f800000;
}

llm_status llmi_output_check(const llmi_engine *e, const float *logits, int32_t position) {
    int32_t n = e->dims.n_vocab, i = 0;
    uint32_t strange = 0;
    for (int32_t k = 0; k < n; k++) strange |= is_strange(logits[k]);
    if (!strange) return LLM_OK;
    while (!is_strange(logits[i])) i++;
    return llmi_error(LLM_E_NUMERIC, "the logit of token %" PRId32 " at position %" PRId32 " is %g, expected a number",
                      i, position, (double)logits[i]);
}

static bool is_wanted(const llmi_completion *c) {
    return c->state == LLMI_RUNNING && !c->job->dead && !llmi_job_is_cancelled(c->job);
}

static llm_status choose(llmi_draw *d, llmi_sampler *sampler) {
    const llmi_completion *c = d->output.completion;
    const llmi_job *job = c->job;
    if (job->kind == LLMI_JOB_SCORE) {
        d->token = c->seq.tokens[d->output.position + 1];
        return LLM_OK;
    }
    const llmi_sampler_mask *mask = job->masks ? &job->masks[c->index] : NULL;
    return llmi_sampler_draw(&d->token, sampler, &job->sampling, mask, d->output.logits, c->seq.tokens,
                             (size_t)c->seq.n_tokens, job->first_index + c->index);
}

static void draw_one(llmi_draw *d, llmi_sampler *sampler) {
    const llmi_job *job = d->output.completion->job;
    int32_t n_top = job->n_logprobs > 0 ? job->n_logprobs : 0;
    d->logprob = 0;
    llm_status status = llmi_output_check(job->engine, d->output.logits, d->output.position);
    if (status == LLM_OK) status = choose(d, sampler);
    if (status == LLM_OK && (job->kind == LLMI_JOB_SCORE || job->n_logprobs >= 0))
        status = llmi_sampler_logprobs(&d->logprob, d->top, n_top, sampler, d->output.logits, d->token);
    d->error.status = LLM_OK;
    if (status != LLM_OK) llmi_error_save(&d->error, status);
}

static void draw_some(void *arg, int32_t task) {
    llmi_engine *e = arg;
    for (int32_t i; (i = __atomic_fetch_add(&e->next_draw, 1, __ATOMIC_RELAXED)) < e->n_wave;)
        draw_one(&e->draws[i], e->samplers[task]);
}

/* The next outputs that are still wanted, as many as there is room for: a job has alternatives for n_samplers, and its
 * outputs are neighbours. */
static void gather_wave(llmi_engine *e, int32_t *next) {
    int32_t n_same = 0;
    for (e->n_wave = e->next_draw = 0; *next < e->n_outputs && e->n_wave < e->dims.n_draws; ++*next) {
        const llmi_output *o = &e->outputs[*next];
        if (!is_wanted(o->completion)) continue;
        const llmi_job *job = o->completion->job;
        llmi_draw *d = &e->draws[e->n_wave];
        n_same = e->n_wave && d[-1].output.completion->job == job ? n_same + 1 : 0;
        if (job->n_logprobs > 0 && n_same == e->dims.n_samplers) return;
        d->output = *o;
        d->top = job->tops + (size_t)n_same * (size_t)(job->n_logprobs > 0 ? job->n_logprobs : 0);
        e->n_wave++;
    }
}

enum { LITTLE = 1 << 14 }; /* logits that one thread looks at before others would be awake */

static void draw_wave(llmi_engine *e, int32_t *next) {
    pthread_mutex_lock(&e->lock);
    gather_wave(e, next);
    e->drawing = true;
    pthread_mutex_unlock(&e->lock);
    bool alone = (int64_t)e->n_wave * e->dims.n_vocab < LITTLE;
    int32_t n_tasks = alone ? 1 : e->n_wave < e->dims.n_samplers ? e->n_wave : e->dims.n_samplers;
    e->compute.pool->run(e->compute.pool->user, n_tasks, draw_some, e);
    pthread_mutex_lock(&e->lock);
    e->drawing = false;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

/* ---- telling ---- */

/* The lock is held on entry and exit, but not between begin_call and end_call. */
static void begin_call(llmi_engine *e, const llmi_job *job) {
    e->calling = job;
    pthread_mutex_unlock(&e->lock);
    llmi_error_clear();
}

static void end_call(llmi_engine *e) {
    pthread_mutex_lock(&e->lock);
    e->calling = NULL;
    pthread_cond_broadcast(&e->changed);
}

/* Why a completion ends after the token that was just told; LLM_FINISH_NONE if it goes on. */
static int32_t natural_end(const llmi_engine *e, const llmi_completion *c) {
    const llmi_job *job = c->job;
    if (job->kind != LLMI_JOB_GENERATE)
        return llmi_completion_first_needed(c) == llmi_completion_n_compute(c) ? LLM_FINISH_LENGTH : LLM_FINISH_NONE;
    if (job->max_tokens >= 0 && c->n_made == job->max_tokens) return LLM_FINISH_LENGTH;
    return c->seq.n_tokens == e->dims.n_ctx ? LLM_FINISH_CONTEXT : LLM_FINISH_NONE;
}

static void count_made(llmi_completion *c, int32_t kind, llm_token token) {
    c->n_made++;
    if (kind != LLMI_JOB_EMBED) c->job->n_tokens++;
    if (kind == LLMI_JOB_GENERATE) c->seq.tokens[c->seq.n_tokens++] = token;
}

static void tell_token(llmi_engine *e, const llmi_draw *d) {
    llmi_completion *c = d->output.completion;
    llmi_job *job = c->job;
    if (!is_wanted(c)) return;
    int32_t verdict = d->error.status;
    if (verdict == LLM_OK) {
        int32_t n_top = job->n_logprobs > 0 ? job->n_logprobs : 0;
        begin_call(e, job);
        verdict = job->sink->token(job->sink_user, c->index, d->token, d->logprob, d->top, n_top);
        if (verdict < 0) llmi_error_save(&c->error, verdict);
        end_call(e);
        count_made(c, job->kind, d->token);
        if (!verdict) verdict = natural_end(e, c);
    } else {
        c->error = d->error;
    }
    if (verdict) llmi_completion_end(e, c, verdict < 0 ? LLM_FINISH_ERROR : verdict);
}

static void tell_hidden(llmi_engine *e, const llmi_part *part) {
    llmi_completion *c = part->owner;
    llmi_job *job = c->job;
    for (int32_t i = 0; i < part->n_hidden && is_wanted(c); i++) {
        const float *hidden = e->compute.hidden + (size_t)(part->first_hidden + i) * (size_t)e->dims.n_embd;
        begin_call(e, job);
        job->sink->hidden(job->sink_user, c->n_made, hidden);
        end_call(e);
        count_made(c, LLMI_JOB_EMBED, LLM_TOKEN_NONE);
        int32_t finish = natural_end(e, c);
        if (finish) llmi_completion_end(e, c, finish);
    }
}

void llmi_output_deliver(llmi_engine *e) {
    for (int32_t next = 0; next < e->n_outputs;) {
        draw_wave(e, &next);
        pthread_mutex_lock(&e->lock);
        for (int32_t i = 0; i < e->n_wave; i++) tell_token(e, &e->draws[i]);
        pthread_mutex_unlock(&e->lock);
    }
    pthread_mutex_lock(&e->lock);
    for (int32_t i = 0; i < e->batch.n_parts; i++) tell_hidden(e, &e->batch.parts[i]);
    pthread_mutex_unlock(&e->lock);
}

void llmi_output_finish(llmi_engine *e) {
    pthread_mutex_lock(&e->lock);
    for (llmi_completion *c; (c = e->ending.first);) {
        llmi_job *job = c->job;
        llmi_completion_remove(e, c);
        if (!job->dead) {
            begin_call(e, job);
            job->sink->finish(job->sink_user, c->index, c->finish, c->finish == LLM_FINISH_ERROR ? &c->error : NULL);
            end_call(e);
        }
        if (--job->n_open) continue;
        job->t_end = llmi_now_ms();
        __atomic_store_n(&job->done, 1, __ATOMIC_RELEASE);
        e->n_active -= !job->dead;
    }
    pthread_mutex_unlock(&e->lock);
}
