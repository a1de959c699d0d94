/* The root object: allocator, log, thread count, back ends. */
#ifndef LLMI_RUNTIME_RUNTIME_H
#define LLMI_RUNTIME_RUNTIME_H

#include <llm/runtime.h>
#include <llm/sys/backend.h>

#include "base/log.h"
#include "base/option_table.h"

/* Members other layers may read: */
const llm_allocator *llmi_runtime_allocator(const llm_runtime *rt);
const llmi_log *llmi_runtime_log(const llm_runtime *rt);
int32_t llmi_runtime_threads(const llm_runtime *rt); /* resolved, >= 1 */
bool llmi_runtime_use_jit(const llm_runtime *rt);

/* Opens back end `name` (NULL: "cpu") for products that take activations so (LLM_ACTIVATIONS_*). LLM_E_NOT_FOUND names
 * the known ones; LLM_E_DEVICE says why it cannot be used; LLM_E_UNSUPPORTED: it cannot promise F32 activations.
 * "checked-NAME" opens NAME with the reference beside it (check.h), "traced-NAME" NAME with a clock (trace.h). The
 * device belongs to the caller, who calls device->ops->close. */
llm_status llmi_runtime_open_device(llm_device **out, llm_runtime *rt, const char *name, int32_t activations);

/* rt, or a new private runtime when it is NULL; one reference either way. */
llm_status llmi_runtime_acquire(llm_runtime **out, llm_runtime *rt);

#endif
