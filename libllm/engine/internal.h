/* Engine internals. `lock` protects the lists and the cache. `stepping` is held by the one thread that computes;
 * members that belong to it are marked. */
#ifndef LLMI_ENGINE_INTERNAL_H
#define LLMI_ENGINE_INTERNAL_H

#include <pthread.h>

#include "engine/compute.h"
#include "engine/engine.h"

/* ---- jobs ---- */

enum {
    LLMI_WAITING, /* behind the first completion of its job, until that one's prefill is done */
    LLMI_QUEUED,
    LLMI_RUNNING,
    LLMI_ENDING, /* its finish is to be told */
    LLMI_ENDED
};

typedef struct llmi_completion {
    llmi_job *job;
    struct llmi_completion *prev, *next; /* in the list that `state` says */
    int32_t index, state;
    llmi_kv_sequence seq;
    int32_t n_made; /* tokens generated or scored, or rows of hidden state delivered */
    int32_t finish;
    llmi_error_copy error; /* of LLM_FINISH_ERROR */
} llmi_completion;

struct llmi_job {
    llmi_engine *engine;
    size_t n_bytes; /* of this block, which holds all arrays of the job */
    uint64_t id;    /* order of submission */
    llmi_job *next; /* of the destroyed ones that a step has still to free */
    int32_t kind, n, first_index, n_open;
    int32_t max_tokens, n_logprobs;
    int32_t n_prompt, score_from;
    llmi_sampler_options sampling;
    const llmi_sampler_mask *masks;
    const llmi_sink *sink;
    void *sink_user;
    llm_token_logprob *tops;          /* [n_samplers, n_logprobs] */
    bool forked;                      /* each completion has a sequence of its own now */
    bool dead;                        /* destroyed while a step ran */
    int32_t cancelled, in_step, done; /* atomic */
    int32_t n_cached, n_tokens;
    double t_submit, t_start, t_prompt, t_end; /* ms; 0: not yet */
    llmi_completion completions[];             /* [n] */
};

typedef struct llmi_engine_list {
    llmi_completion *first, *last;
} llmi_engine_list;

/* ---- drawing ---- */

/* A row of logits that a completion waits for. */
typedef struct llmi_output {
    llmi_completion *completion;
    const float *logits;
    int32_t position; /* of the row */
} llmi_output;

typedef struct llmi_draw {
    llmi_output output;
    llm_token token;
    float logprob;
    llm_token_logprob *top;
    llmi_error_copy error;
} llmi_draw;

/* ---- the engine ---- */

struct llmi_engine {
    int32_t n_refs; /* atomic */
    pid_t process;  /* that made it */
    llm_model *model;
    const llm_allocator *a;
    llm_engine_options options;
    llmi_dims dims;
    llmi_workers *workers;
    void *block; /* all arrays */
    size_t block_bytes;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* calling or drawing */
    bool stepping;
    pthread_t stepper;
    const llmi_job *calling; /* whose sink runs */
    bool drawing;            /* masks are in use */

    llmi_kv_cache cache;
    llmi_engine_list queue, running; /* by (job id, index) */
    llmi_engine_list ending;
    llmi_job *doomed;
    uint64_t next_id;
    int32_t n_slots; /* of n_seqs, taken */
    int32_t n_active;

    int32_t interrupted;  /* atomic: see llmi_engine_interrupt */
    llmi_compute compute; /* from here on: with the step right */
    llmi_batch batch;
    uint32_t turn;
    llmi_output *outputs; /* [max_logits + n_seqs] */
    int32_t n_outputs;
    llmi_draw *draws;          /* [n_draws] */
    int32_t n_wave, next_draw; /* of the draws: filled; atomic, the next one to make */
    llmi_sampler **samplers;   /* [n_samplers] */
};

/* The step right: LLM_E_BUSY if another thread has it. end frees what was destroyed meanwhile. */
llm_status llmi_engine_begin(llmi_engine *e);
void llmi_engine_end(llmi_engine *e);

/* Clears the stop flag left by the previous step, unless the engine was interrupted. */
void llmi_engine_clear_stop(llmi_engine *e);
/* The error of a call that was interrupted. */
llm_status llmi_engine_cancelled(void);

/* ---- options.c ---- */
void llmi_engine_dims(llmi_dims *out, const llm_model *m, const llm_engine_options *resolved);
void llmi_engine_place(llmi_engine *e, llmi_arena *arena, const llm_model *m);

/* ---- job.c ---- */
static inline bool llmi_job_is_cancelled(const llmi_job *job) {
    return __atomic_load_n(&job->cancelled, __ATOMIC_SEQ_CST);
}
void llmi_job_free(llmi_job *job); /* its completions are out of all lists */

#endif
