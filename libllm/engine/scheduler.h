/* Who is computed when: a choice over the completions that are queued and running, served in the order of (job, index).
 * completion.h moves them. Both are called with the engine's lock held. */
#ifndef LLMI_ENGINE_SCHEDULER_H
#define LLMI_ENGINE_SCHEDULER_H

#include "engine/internal.h"

/* Moves completions from the queue to the running ones, with pages for all tokens they have. */
void llmi_scheduler_admit(llmi_engine *e);

/* Fills the batch. */
void llmi_scheduler_plan(llmi_engine *e);

#endif
