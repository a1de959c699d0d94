/* Many jobs run to their end: those of llm_score and llm_embed. */
#ifndef LLMI_SERVE_JOBS_H
#define LLMI_SERVE_JOBS_H

#include "base/buf.h"
#include "serve/engine.h"

typedef struct llmi_jobs_item {
    size_t begin, n_ids; /* its ids within llmi_jobs.ids */
    size_t score_from;
} llmi_jobs_item;

typedef struct llmi_jobs {
    llm_engine *engine;
    int32_t kind;       /* LLMI_JOB_* */
    int32_t n_logprobs; /* SCORE: alternatives */
    llmi_buf ids;       /* llm_token, of all items */
    llmi_buf items;     /* llmi_jobs_item */
    /* What the engine reports of item `item` (engine.h). A negative status ends the whole. */
    llm_status (*token)(void *user, size_t item, llm_token token, float logprob, const llm_token_logprob *top,
                        int32_t n_top);
    void (*hidden)(void *user, size_t item, int32_t row, const float *hidden);
    void *user;
    llmi_job_stats stats; /* sums; prompt_ms is the time of the whole */
} llmi_jobs;

void llmi_jobs_init(llmi_jobs *b, llm_engine *e, int32_t kind);
void llmi_jobs_free(llmi_jobs *b);

/* Adds the ids that were appended to b->ids after the first `begin`. LLM_E_LIMIT if they exceed the context. */
llm_status llmi_jobs_add(llmi_jobs *b, size_t begin, size_t score_from);

/* Runs what was added; items without ids are skipped. An item waits for a running one with which it shares more than
 * with any that is done: what it shares is then in the cache. */
llm_status llmi_jobs_run(llmi_jobs *b);

#endif
