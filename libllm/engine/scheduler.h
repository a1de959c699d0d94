/* Who is computed when. Completions are served in the order of (job, index); all functions are called
 * with the engine's lock held. */
#ifndef LLMI_ENGINE_SCHEDULER_H
#define LLMI_ENGINE_SCHEDULER_H

#include "engine/internal.h"

/* A completion needs the result of rows first_needed .. n_compute - 1 of its sequence. */
int32_t llmi_scheduler_first_needed(const llmi_completion *c);
int32_t llmi_scheduler_n_compute(const llmi_completion *c);

void llmi_scheduler_queue(llmi_engine *e, llmi_completion *c);

/* Out of whatever list it is in; its pages are given back. */
void llmi_scheduler_remove(llmi_engine *e, llmi_completion *c);

/* The same, and its finish will be told; with it end those that wait behind it. */
void llmi_scheduler_end(llmi_engine *e, llmi_completion *c, int32_t finish);

/* Ends what was cancelled. */
void llmi_scheduler_sweep(llmi_engine *e);

/* Moves completions from the queue to the running ones, with pages for all tokens they have. */
void llmi_scheduler_admit(llmi_engine *e);

/* Fills the batch. */
void llmi_scheduler_plan(llmi_engine *e);

/* Puts the youngest running completion back into the queue; false if none runs. */
bool llmi_scheduler_preempt(llmi_engine *e);

/* After the prefill: gives every completion of the job a sequence of its own. */
void llmi_scheduler_fork(llmi_engine *e, llmi_job *job);

#endif
