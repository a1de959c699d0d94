/* A stream whose operations do nothing: forward runs on it to learn how much workspace it takes. */
#ifndef LLMI_RUNTIME_MEASURE_H
#define LLMI_RUNTIME_MEASURE_H

#include <llm/sys/backend.h>

/* Needs no memory, no device and no release. */
void llmi_measure_init(llm_stream *out);

#endif
