/* The engine: token ids in, token ids out. Jobs share one KV pool and are computed together; see
 * llm/engine.h for what users are promised. */
#ifndef LLMI_ENGINE_ENGINE_H
#define LLMI_ENGINE_ENGINE_H

#include <llm/engine.h>

#include "base/status.h"
#include "engine/sampler/sampler.h"
#include "model/model.h"

typedef struct llmi_engine llmi_engine;
typedef struct llmi_job llmi_job;

/* options are checked and resolved (no zeros, no AUTO) by llmi_engine_resolve. */
llm_status llmi_engine_resolve(llm_engine_options *out, const llm_model *m, const llm_engine_options *options);
llm_status llmi_engine_estimate(llm_engine_memory *out, const llm_model *m, const llm_engine_options *resolved);
llm_status llmi_engine_create(llmi_engine **out, llm_model *m, const llm_engine_options *resolved);
void llmi_engine_ref(llmi_engine *e);
void llmi_engine_unref(llmi_engine *e);
/* False in a child that was forked after the engine was made: it has none of the engine's threads, and perhaps locks
 * that nobody will open. */
bool llmi_engine_is_here(const llmi_engine *e);
/* The same as a status, LLM_E_STATE, with the name of the public call. */
llm_status llmi_engine_here(const llmi_engine *e, const char *call);
llm_model *llmi_engine_model(const llmi_engine *e);
const llm_engine_options *llmi_engine_options(const llmi_engine *e);
const llm_allocator *llmi_engine_allocator(const llmi_engine *e);

/* One iteration: admit, pick rows, forward, sample, deliver. LLM_E_BUSY if another thread is inside. */
llm_status llmi_engine_step(int32_t *n_active, llmi_engine *e);

/* On: the pass under way ends early, and steps answer LLM_E_CANCELLED until it is off again; what they did not do is
 * planned again. Atomic stores only: any thread. */
void llmi_engine_interrupt(llmi_engine *e, bool on);
bool llmi_engine_is_interrupted(const llmi_engine *e);

/* ---- jobs ---- */

enum {
    LLMI_JOB_GENERATE, /* n completions after the prompt */
    LLMI_JOB_SCORE,    /* log-probabilities of prompt[score_from ..] */
    LLMI_JOB_EMBED     /* hidden state of each prompt row */
};

/* Where a job's results go. Called on the stepping thread, outside the engine's locks. */
typedef struct llmi_sink {
    /* A token was chosen (GENERATE) or scored (SCORE). top [n_top] is valid during the call. Returns
     * LLM_FINISH_NONE to go on, or the reason to end this completion: ids, stop strings and end-of-generation
     * tokens are the sink's business. Negative: a status; the job ends with LLM_FINISH_ERROR. */
    int32_t (*token)(void *user, int32_t index, llm_token token, float logprob, const llm_token_logprob *top,
                     int32_t n_top);
    /* EMBED: hidden state [n_embd] of prompt row `row`, in order. */
    void (*hidden)(void *user, int32_t row, const float *hidden);
    /* Completion `index` ended for a reason that token() did not give (length, context, cancelled, error),
     * or, with that reason, for one that it gave. error is NULL unless finish is LLM_FINISH_ERROR. Exactly
     * once per completion, the last call for it. */
    void (*finish)(void *user, int32_t index, int32_t finish, const llmi_error_copy *error);
} llmi_sink;

typedef struct llmi_job_desc {
    int32_t kind;
    const llm_token *prompt; /* copied */
    size_t n_prompt;
    int32_t n;                      /* completions, 1..n_seqs */
    int32_t first_index;            /* they draw as those from this index on; the sink counts from 0 */
    int32_t max_tokens;             /* -1: until the context is full */
    llmi_sampler_options sampling;  /* bias copied */
    const llmi_sampler_mask *masks; /* [n] or NULL; borrowed until the job ends. Asked on the pool's threads, each of
                                      them by one at a time */
    int32_t n_logprobs;             /* -1: logprob is not computed; 0..n_vocab alternatives */
    size_t score_from;
    const llmi_sink *sink; /* borrowed until the job is destroyed, as is user */
    void *sink_user;
} llmi_job_desc;

typedef struct llmi_job_stats {
    int32_t n_prompt_tokens, n_cached_tokens, n_tokens;
    double queue_ms, prompt_ms, decode_ms;
} llmi_job_stats;

/* Queues a job. Errors: LLM_E_ARGUMENT (sampling, n, ids outside the vocabulary), LLM_E_MEMORY. Any thread.
 * An empty prompt is an error for GENERATE. LLM_E_LIMIT: see llmi_job_check_length. */
llm_status llmi_job_submit(llmi_job **out, llmi_engine *e, const llmi_job_desc *desc);
/* LLM_E_LIMIT for a prompt that the context, with room for one token more if it generates, or the KV cache cannot hold.
 */
llm_status llmi_job_check_length(const llmi_engine *e, size_t n_tokens, bool generates);
void llmi_job_cancel(llmi_job *job); /* atomic stores only */
bool llmi_job_done(const llmi_job *job);
void llmi_job_stats_get(llmi_job_stats *out, const llmi_job *job);
void llmi_job_destroy(llmi_job *job); /* cancels first; after it returns the sink is not called again */

/* ---- sequences (llm/engine.h, llm_sequence_*) ---- */
const llmi_engine *llmi_sequence_engine(const llm_sequence *seq);
llm_status llmi_sequence_create(llm_sequence **out, llmi_engine *e);
llm_status llmi_sequence_eval(llm_sequence *seq, const llm_token *tokens, size_t n_tokens, float *logits,
                              size_t n_rows);
llm_status llmi_sequence_fork(llm_sequence **out, llm_sequence *seq);
llm_status llmi_sequence_rewind(llm_sequence *seq, size_t n_tokens);
size_t llmi_sequence_tokens(const llm_token **out, const llm_sequence *seq);
void llmi_sequence_destroy(llm_sequence *seq);

#endif
