/* A device that distrusts another one: every operation is repeated by a reference device on the same
 * inputs, and the first result that is further off than rounding explains fails the step. Slow; for
 * tests and for finding a broken kernel ("checked-NAME" as the name of a back end). */
#ifndef LLMI_RUNTIME_CHECK_H
#define LLMI_RUNTIME_CHECK_H

#include <llm/sys/backend.h>

/* Takes over both devices: they are closed with *out, and on failure too. The reference must keep its
 * memory where the host can read it. A difference makes sync answer LLM_E_NUMERIC; the text names
 * operation, row, column and both values. */
llm_status llmi_check_open(llm_device **out, llm_device *tested, llm_device *reference);

#endif
