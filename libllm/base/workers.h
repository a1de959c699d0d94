/* A pool of threads that runs loops of independent tasks. The caller takes part; helpers spin
 * briefly for the next loop and then sleep. Which thread runs a task never matters to a result. */
#ifndef LLMI_BASE_WORKERS_H
#define LLMI_BASE_WORKERS_H

#include <llm/sys/backend.h>

typedef struct llmi_workers llmi_workers;

/* n_threads 1..1024 counts the caller. Helpers block all signals. */
llm_status llmi_workers_create(llmi_workers **out, const llm_allocator *a, int32_t n_threads);
void llmi_workers_destroy(llmi_workers *w);

/* What create allocates. */
size_t llmi_workers_bytes(int32_t n_threads);

/* The pool as back ends see it; valid until `w` is destroyed. run() may be called by one thread at a time. */
const llm_pool *llmi_workers_pool(llmi_workers *w);

/* Cores this process may use (affinity and cgroup quota), at least 1. */
int32_t llmi_cores_usable(void);

#endif
