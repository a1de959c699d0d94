/* The base of all operations: a stream's first failure, and work distributed over the threads of its pool. */
#include "cpu/cpu.h"

/* ---- failures ---- */

void llmk_cpu_fail(llmk_cpu_stream *s, llm_status status, const char *text) {
    int none = LLM_OK;
    if (atomic_compare_exchange_strong(&s->failure, &none, status)) atomic_store(&s->text, text);
}

bool llmk_cpu_go_on(llmk_cpu_stream *s) {
    if (s->stop && __atomic_load_n(s->stop, __ATOMIC_RELAXED))
        llmk_cpu_fail(s, LLM_E_CANCELLED, "the step was cancelled");
    return atomic_load_explicit(&s->failure, memory_order_relaxed) == LLM_OK;
}

bool llmk_cpu_start(llmk_cpu_stream *s, bool fits, const char *text) {
    if (!llmk_cpu_go_on(s)) return false;
    if (!fits) llmk_cpu_fail(s, LLM_E_INTERNAL, text);
    return fits;
}

llm_status llmk_cpu_sync(llm_stream *stream) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    llm_status failure = atomic_exchange(&s->failure, LLM_OK);
    if (failure != LLM_OK) llmk_error(stream->device->host, failure, "%s", atomic_load(&s->text));
    return failure;
}

/* ---- threads ---- */

int32_t llmk_cpu_threads(const llm_pool *pool) {
    return pool && pool->n_threads > 1 ? pool->n_threads : 1;
}

void llmk_cpu_run(llmk_cpu_stream *s, int32_t n_tasks, void (*task)(void *arg, int32_t index), void *arg) {
    if (n_tasks > 1 && llmk_cpu_threads(s->pool) > 1)
        s->pool->run(s->pool->user, n_tasks, task, arg);
    else
        for (int32_t i = 0; i < n_tasks; i++) task(arg, i);
}

enum { MOST_RANGES = 16 };

typedef struct share {
    llmk_cpu_stream *s;
    void (*item)(void *arg, int64_t index, int32_t slot);
    void *arg;
    int64_t n_items;
    int32_t n_ranges;
    struct range {
        _Alignas(64) _Atomic int64_t next;
    } ranges[MOST_RANGES];
} share;

enum { WORTH_SHARING = 1 << 18 }; /* multiply-adds: a few microseconds, the cost of distributing them */

/* A thread begins with its own contiguous range, because neighbouring memory is prefetched, and then helps the
 * others. */
static void take_items(void *arg, int32_t slot) {
    share *job = arg;
    for (int32_t k = 0; k < job->n_ranges; k++) {
        int32_t r = (slot + k) % job->n_ranges;
        int64_t end = job->n_items * (r + 1) / job->n_ranges;
        while (llmk_cpu_go_on(job->s)) {
            int64_t i = atomic_fetch_add_explicit(&job->ranges[r].next, 1, memory_order_relaxed);
            if (i >= end) break;
            job->item(job->arg, i, slot);
        }
    }
}

void llmk_cpu_share(llmk_cpu_stream *s, double n_steps, int64_t n_items,
                    void (*item)(void *arg, int64_t index, int32_t slot), void *arg) {
    int32_t n_threads = llmk_cpu_threads(s->pool);
    if (n_threads == 1 || n_steps < WORTH_SHARING) {
        for (int64_t i = 0; i < n_items && llmk_cpu_go_on(s); i++) item(arg, i, 0);
        return;
    }
    int32_t n_tasks = n_items < n_threads ? (int32_t)n_items : n_threads;
    share job = {.s = s, .item = item, .arg = arg, .n_items = n_items};
    job.n_ranges = n_tasks < MOST_RANGES ? n_tasks : MOST_RANGES;
    for (int32_t r = 0; r < job.n_ranges; r++) job.ranges[r].next = n_items * r / job.n_ranges;
    llmk_cpu_run(s, n_tasks, take_items, &job);
}
