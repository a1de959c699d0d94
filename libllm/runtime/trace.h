/* A device that times another one: every operation is waited for by itself, and when a stream is destroyed the log
 * (level INFO) gets a table of what its steps took. Results are those of the other device. For finding out where time
 * goes
 * ("traced-NAME" as the name of a back end; llm bench --trace). */
#ifndef LLMI_RUNTIME_TRACE_H
#define LLMI_RUNTIME_TRACE_H

#include <llm/sys/backend.h>

/* Takes over the device: it is closed with *out, and on failure too. */
llm_status llmi_trace_open(llm_device **out, llm_device *traced);

#endif
