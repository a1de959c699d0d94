#include "engine/completion.h"

/* ---- what a completion needs ---- */

int32_t llmi_completion_first_needed(const llmi_completion *c) {
    const llmi_job *job = c->job;
    if (job->kind == LLMI_JOB_GENERATE) return c->seq.n_tokens - 1;
    return c->n_made + (job->kind == LLMI_JOB_SCORE ? job->score_from - 1 : 0);
}

int32_t llmi_completion_n_compute(const llmi_completion *c) {
    return c->seq.n_tokens - (c->job->kind == LLMI_JOB_SCORE);
}

int32_t llmi_completion_n_slots(const llmi_completion *c) {
    return c->job->forked ? 1 : c->job->n;
}

/* ---- lists ---- */

static llmi_engine_list *list_of(llmi_engine *e, int32_t state) {
    switch (state) {
    case LLMI_QUEUED:
        return &e->queue;
    case LLMI_RUNNING:
        return &e->running;
    case LLMI_ENDING:
        return &e->ending;
    default:
        return NULL;
    }
}

static bool is_before(const llmi_completion *a, const llmi_completion *b) {
    return a->job->id != b->job->id ? a->job->id < b->job->id : a->index < b->index;
}

static void list_insert(llmi_engine_list *list, llmi_completion *c, llmi_completion *after) {
    c->prev = after;
    c->next = after ? after->next : list->first;
    *(c->prev ? &c->prev->next : &list->first) = c;
    *(c->next ? &c->next->prev : &list->last) = c;
}

static void leave_list(llmi_engine *e, llmi_completion *c) {
    llmi_engine_list *list = list_of(e, c->state);
    if (!list) return;
    if (c->state == LLMI_RUNNING) e->n_slots -= llmi_completion_n_slots(c);
    *(c->prev ? &c->prev->next : &list->first) = c->next;
    *(c->next ? &c->next->prev : &list->last) = c->prev;
}

/* Inserts in order of age, searching from the youngest: a new entry usually is. */
static void enter_list(llmi_engine *e, llmi_completion *c, int32_t state) {
    llmi_engine_list *list = list_of(e, state);
    llmi_completion *after = list->last;
    while (after && is_before(c, after)) after = after->prev;
    list_insert(list, c, after);
    c->state = state;
    if (state == LLMI_RUNNING) e->n_slots += llmi_completion_n_slots(c);
}

void llmi_completion_queue(llmi_engine *e, llmi_completion *c) {
    enter_list(e, c, LLMI_QUEUED);
}

void llmi_completion_start(llmi_engine *e, llmi_completion *c) {
    leave_list(e, c);
    enter_list(e, c, LLMI_RUNNING);
}

void llmi_completion_remove(llmi_engine *e, llmi_completion *c) {
    leave_list(e, c);
    llmi_kv_sequence_release(&c->seq, &e->cache);
    c->state = LLMI_ENDED;
}

void llmi_completion_end(llmi_engine *e, llmi_completion *c, int32_t finish) {
    llmi_job *job = c->job;
    int32_t first = job->forked ? c->index : 0, last = job->forked ? c->index : job->n - 1;
    for (int32_t i = first; i <= last; i++) {
        llmi_completion *each = &job->completions[i];
        llmi_completion_remove(e, each);
        if (each != c) each->error = c->error;
        each->finish = finish;
        enter_list(e, each, LLMI_ENDING);
    }
}

static void sweep_list(llmi_engine *e, llmi_engine_list *list) {
    for (llmi_completion *c = list->first, *next; c; c = next) {
        next = c->next;
        if (llmi_job_is_cancelled(c->job)) llmi_completion_end(e, c, LLM_FINISH_CANCELLED);
    }
}

void llmi_completion_sweep(llmi_engine *e) {
    sweep_list(e, &e->queue);
    sweep_list(e, &e->running);
}

bool llmi_completion_preempt(llmi_engine *e) {
    llmi_completion *c = e->running.last;
    if (!c) return false;
    leave_list(e, c);
    llmi_kv_sequence_release(&c->seq, &e->cache);
    enter_list(e, c, LLMI_QUEUED);
    return true;
}

void llmi_completion_fork(llmi_engine *e, llmi_job *job) {
    llmi_completion *from = &job->completions[0];
    job->forked = true;
    for (int32_t i = 1; i < job->n; i++) {
        llmi_completion *c = &job->completions[i];
        llmi_kv_sequence_share(&c->seq, &from->seq, &e->cache);
        enter_list(e, c, LLMI_RUNNING);
    }
    e->n_slots -= job->n - 1;
}
