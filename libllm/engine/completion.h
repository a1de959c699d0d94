/* The life of completions: the list that each is in, the pages that it holds, and its end. All functions are called
 * with the engine's lock held.
 *
 *     waiting --fork--> running               the first completion of a job is queued, the others wait for its prefill
 *      queued --start-> running --end--> ending --> ended
 *         ^---preempt------' */
#ifndef LLMI_ENGINE_COMPLETION_H
#define LLMI_ENGINE_COMPLETION_H

#include "engine/internal.h"

/* A completion needs the result of rows first_needed .. n_compute - 1 of its sequence. */
int32_t llmi_completion_first_needed(const llmi_completion *c);
int32_t llmi_completion_n_compute(const llmi_completion *c);

/* Places that it takes of n_seqs: its own, and those of the ones that wait behind it. */
int32_t llmi_completion_n_slots(const llmi_completion *c);

void llmi_completion_queue(llmi_engine *e, llmi_completion *c);

/* From the queue to the running ones. */
void llmi_completion_start(llmi_engine *e, llmi_completion *c);

/* Puts the youngest running completion back into the queue; false if none runs. */
bool llmi_completion_preempt(llmi_engine *e);

/* After the prefill: gives every completion of the job a sequence of its own. */
void llmi_completion_fork(llmi_engine *e, llmi_job *job);

/* Out of whatever list it is in; its pages are given back. */
void llmi_completion_remove(llmi_engine *e, llmi_completion *c);

/* The same, and its finish will be told; with it end those that wait behind it. */
void llmi_completion_end(llmi_engine *e, llmi_completion *c, int32_t finish);

/* Ends what was cancelled. */
void llmi_completion_sweep(llmi_engine *e);

#endif
