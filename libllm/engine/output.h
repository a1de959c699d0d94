/* From a step's results to the sinks: drawing tokens, telling them, telling the ends. The sinks are called
 * without the lock; while one runs, the engine says so in `calling`. With the step right. */
#ifndef LLMI_ENGINE_OUTPUT_H
#define LLMI_ENGINE_OUTPUT_H

#include "engine/internal.h"

/* A step is through: keeps what it computed and collects the outputs that wait. Locked. */
void llmi_output_commit(llmi_engine *e);

/* Draws and delivers the outputs. */
void llmi_output_deliver(llmi_engine *e);

/* LLM_E_NUMERIC if a logit of the row after `position` is not finite. Any thread. */
llm_status llmi_output_check(const llmi_engine *e, const float *logits, int32_t position);

/* Tells the ends of completions. */
void llmi_output_finish(llmi_engine *e);

#endif
