#include "base/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/fp_scope.h"
#include "base/status.h"

enum { SPIN_NS = 30000, SPINS_PER_LOOK = 64, MAX_THREADS = 1024 };

/* The current parallel loop. `state` holds the loop's generation in its upper half and the number of tasks nobody has
 * taken in its lower half. A thread that takes a task by compare-and-swap keeps the loop alive until it counts the task
 * in n_done, so the members below `state` do not change while they are read. */
struct llmi_workers {
    llm_pool pool;
    const llm_allocator *a;
    int32_t n_threads, n_started; /* n_started: helpers to join */
    pthread_t *threads;           /* [n_threads - 1] */

    _Alignas(64) _Atomic uint64_t state;
    void (*task)(void *arg, int32_t index);
    void *arg;
    int32_t n_tasks;

    _Alignas(64) _Atomic int32_t n_done;

    _Alignas(64) _Atomic int32_t n_asleep;
    _Atomic bool caller_waits, stop;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
};

static void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Looks again and again for a while; false if it did not happen. */
static bool spin_until(bool (*happened)(llmi_workers *w, uint32_t generation), llmi_workers *w, uint32_t generation) {
    for (int64_t end = now_ns() + SPIN_NS;;) {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if (happened(w, generation)) return true;
            pause_cpu();
        }
        if (now_ns() > end) return false;
    }
}

static bool is_news(llmi_workers *w, uint32_t generation) {
    return (uint32_t)(atomic_load(&w->state) >> 32) != generation || atomic_load(&w->stop);
}

static bool is_done(llmi_workers *w, uint32_t generation) {
    return atomic_load(&w->n_done) == w->n_tasks;
}

/* Takes tasks of the open loop until none is left; returns the generation last seen. */
static uint32_t work(llmi_workers *w) {
    uint64_t state = atomic_load(&w->state);
    while ((uint32_t)state) {
        if (!atomic_compare_exchange_weak(&w->state, &state, state - 1)) continue;
        int32_t n_tasks = w->n_tasks;
        w->task(w->arg, n_tasks - (int32_t)(uint32_t)state);
        /* After the last increment the caller may return: do not touch the loop again. */
        if (atomic_fetch_add(&w->n_done, 1) + 1 == n_tasks && atomic_load(&w->caller_waits)) {
            pthread_mutex_lock(&w->lock);
            pthread_cond_signal(&w->done);
            pthread_mutex_unlock(&w->lock);
        }
        state = atomic_load(&w->state);
    }
    return (uint32_t)(state >> 32);
}

/* A thread begins in the floating-point state of the one that made it. */
static void *helper(void *arg) {
    llmi_workers *w = arg;
    llmi_fp_enter();
    while (!atomic_load(&w->stop)) {
        uint32_t generation = work(w);
        if (spin_until(is_news, w, generation)) continue;
        pthread_mutex_lock(&w->lock);
        atomic_fetch_add(&w->n_asleep, 1);
        while (!is_news(w, generation)) pthread_cond_wait(&w->wake, &w->lock);
        atomic_fetch_sub(&w->n_asleep, 1);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

static void wake_helpers(llmi_workers *w) {
    if (atomic_load(&w->n_asleep) == 0) return;
    pthread_mutex_lock(&w->lock);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

static void run(void *user, int32_t n_tasks, void (*task)(void *arg, int32_t index), void *arg) {
    llmi_workers *w = user;
    if (w->n_threads == 1 || n_tasks <= 1) {
        for (int32_t i = 0; i < n_tasks; i++) task(arg, i);
        return;
    }
    w->task = task;
    w->arg = arg;
    w->n_tasks = n_tasks;
    atomic_store(&w->n_done, 0);
    uint64_t generation = (atomic_load(&w->state) >> 32) + 1;
    atomic_store(&w->state, generation << 32 | (uint32_t)n_tasks);
    wake_helpers(w);

    work(w);
    if (is_done(w, 0) || spin_until(is_done, w, 0)) return;
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->caller_waits, true);
    while (!is_done(w, 0)) pthread_cond_wait(&w->done, &w->lock);
    atomic_store(&w->caller_waits, false);
    pthread_mutex_unlock(&w->lock);
}

/* Signals belong to the host's threads. */
static bool start_helpers(llmi_workers *w) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->n_started < w->n_threads - 1 && pthread_create(&w->threads[w->n_started], NULL, helper, w) == 0)
        w->n_started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w->n_started == w->n_threads - 1;
}

llm_status llmi_workers_create(llmi_workers **out, const llm_allocator *a, int32_t n_threads) {
    *out = NULL;
    if (n_threads < 1 || n_threads > MAX_THREADS)
        return llmi_error(LLM_E_ARGUMENT, "number of threads is %d, expected 1..%d", n_threads, MAX_THREADS);
    llmi_workers *w = llmi_alloc_zero(a, sizeof *w);
    if (!w) return LLM_E_MEMORY;
    w->a = a;
    w->n_threads = n_threads;
    w->pool = (llm_pool){.user = w, .n_threads = n_threads, .run = run};
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->done, NULL);
    w->threads = llmi_alloc_array(a, (size_t)n_threads - 1, sizeof *w->threads);
    if (!w->threads) {
        llmi_workers_destroy(w);
        return LLM_E_MEMORY;
    }
    if (!start_helpers(w)) {
        int32_t n_started = w->n_started;
        llmi_workers_destroy(w);
        return llmi_error(LLM_E_MEMORY, "the system gave %d threads, %d were asked for", n_started + 1, n_threads);
    }
    *out = w;
    return LLM_OK;
}

void llmi_workers_destroy(llmi_workers *w) {
    if (!w) return;
    atomic_store(&w->stop, true);
    wake_helpers(w);
    for (int32_t i = 0; i < w->n_started; i++) pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->done);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    llmi_free(w->a, w->threads, ((size_t)w->n_threads - 1) * sizeof *w->threads);
    llmi_free(w->a, w, sizeof *w);
}

size_t llmi_workers_bytes(int32_t n_threads) {
    size_t helpers = (size_t)n_threads - 1;
    return sizeof(llmi_workers) + (helpers ? helpers * sizeof(pthread_t) : 1);
}

const llm_pool *llmi_workers_pool(llmi_workers *w) {
    return &w->pool;
}
