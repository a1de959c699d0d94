#include "engine/scheduler.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/status.h"

/* A common beginning of this many tokens is worth waiting for another one's prefill. */
enum { WORTH_WAITING = 8 };

/* ---- what a completion needs ---- */

int32_t llmi_scheduler_first_needed(const llmi_completion *c) {
    const llmi_job *job = c->job;
    if (job->kind == LLMI_JOB_GENERATE) return c->seq.n_tokens - 1;
    return c->n_made + (job->kind == LLMI_JOB_SCORE ? job->score_from - 1 : 0);
}

int32_t llmi_scheduler_n_compute(const llmi_completion *c) {
    return c->seq.n_tokens - (c->job->kind == LLMI_JOB_SCORE);
}

static int32_t rest_of(const llmi_completion *c) {
    return llmi_scheduler_n_compute(c) - c->seq.n_done;
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

static int32_t slots_of(const llmi_completion *c) {
    return c->job->forked ? 1 : c->job->n;
}

static void leave_list(llmi_engine *e, llmi_completion *c) {
    llmi_engine_list *list = list_of(e, c->state);
    if (!list) return;
    if (c->state == LLMI_RUNNING) e->n_slots -= slots_of(c);
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
    if (state == LLMI_RUNNING) e->n_slots += slots_of(c);
}

void llmi_scheduler_queue(llmi_engine *e, llmi_completion *c) {
    enter_list(e, c, LLMI_QUEUED);
}

void llmi_scheduler_remove(llmi_engine *e, llmi_completion *c) {
    leave_list(e, c);
    llmi_kv_sequence_release(&c->seq, &e->cache);
    c->state = LLMI_ENDED;
}

void llmi_scheduler_end(llmi_engine *e, llmi_completion *c, int32_t finish) {
    llmi_job *job = c->job;
    int32_t first = job->forked ? c->index : 0, last = job->forked ? c->index : job->n - 1;
    for (int32_t i = first; i <= last; i++) {
        llmi_completion *each = &job->completions[i];
        llmi_scheduler_remove(e, each);
        if (each != c) each->error = c->error;
        each->finish = finish;
        enter_list(e, each, LLMI_ENDING);
    }
}

static void sweep_list(llmi_engine *e, llmi_engine_list *list) {
    for (llmi_completion *c = list->first, *next; c; c = next) {
        next = c->next;
        if (llmi_job_is_cancelled(c->job)) llmi_scheduler_end(e, c, LLM_FINISH_CANCELLED);
    }
}

void llmi_scheduler_sweep(llmi_engine *e) {
    sweep_list(e, &e->queue);
    sweep_list(e, &e->running);
}

bool llmi_scheduler_preempt(llmi_engine *e) {
    llmi_completion *c = e->running.last;
    if (!c) return false;
    leave_list(e, c);
    llmi_kv_sequence_release(&c->seq, &e->cache);
    enter_list(e, c, LLMI_QUEUED);
    return true;
}

/* ---- admission ---- */

/* Whether a running completion is about to compute more of what this one begins with. */
static bool is_worth_waiting(const llmi_engine *e, const llmi_completion *c) {
    int32_t most = llmi_scheduler_first_needed(c);
    if (!e->dims.keep) return false;
    for (const llmi_completion *r = e->running.first; r; r = r->next) {
        int32_t theirs = llmi_scheduler_n_compute(r), n = 0;
        if (theirs > most) theirs = most;
        if (theirs < WORTH_WAITING || theirs <= r->seq.n_done) continue;
        while (n < theirs && r->seq.tokens[n] == c->seq.tokens[n]) n++;
        if (n >= WORTH_WAITING && n > r->seq.n_done && n > c->seq.n_done) return true;
    }
    return false;
}

enum { ADMITTED, WAITS, NO_ROOM };

static int try_admit(llmi_engine *e, llmi_completion *c) {
    llmi_kv_sequence_match(&c->seq, &e->cache, llmi_scheduler_first_needed(c));
    bool waits = is_worth_waiting(e, c);
    if (waits || !llmi_kv_sequence_reserve(&c->seq, &e->cache, llmi_scheduler_n_compute(c))) {
        llmi_kv_sequence_release(&c->seq, &e->cache);
        return waits ? WAITS : NO_ROOM;
    }
    if (!c->job->t_start) c->job->n_cached = c->seq.n_done;
    leave_list(e, c);
    enter_list(e, c, LLMI_RUNNING);
    return ADMITTED;
}

/* Nothing runs that could make room: sequences hold the rest of the cache. What has begun ends, the rest fails. */
static void end_without_room(llmi_engine *e, llmi_completion *c) {
    if (c->n_made) {
        llmi_scheduler_end(e, c, LLM_FINISH_CONTEXT);
        return;
    }
    llmi_error(LLM_E_LIMIT,
               "the KV cache has no room for %" PRId32 " tokens (engine option n_kv_tokens, here %" PRId64 ")",
               llmi_scheduler_n_compute(c), e->options.n_kv_tokens);
    llmi_error_save(&c->error, LLM_E_LIMIT);
    llmi_scheduler_end(e, c, LLM_FINISH_ERROR);
}

/* An entry that waits for a shared prefix may be overtaken; at most n_seqs of them are passed over. One that does not
 * fit blocks the queue; otherwise small jobs could starve a large one. */
void llmi_scheduler_admit(llmi_engine *e) {
    int32_t n_waiting = 0;
    for (llmi_completion *c = e->queue.first, *next; c && n_waiting < e->dims.n_seqs; c = next) {
        next = c->next;
        if (llmi_scheduler_first_needed(c) >= llmi_scheduler_n_compute(c)) {
            llmi_scheduler_end(e, c, LLM_FINISH_LENGTH);
            continue;
        }
        if (e->n_slots + slots_of(c) > e->dims.n_seqs) return;
        int verdict = try_admit(e, c);
        n_waiting += verdict == WAITS;
        if (verdict != NO_ROOM) continue;
        if (e->running.first) return;
        end_without_room(e, c);
    }
}

/* ---- the rows of a step ---- */

typedef struct plan {
    int32_t n_decode;     /* running completions with one row to compute */
    int32_t first_decode; /* whose turn it is, if not all of them find place */
    int32_t decode_rows, prefill_rows;
    int32_t more_logits; /* beyond one of each completion */
} plan;

/* Decoding comes first; where it takes all rows, a prefill gets one in every second step. */
static plan make_plan(llmi_engine *e) {
    plan p = {0};
    int32_t n_running = 0;
    for (const llmi_completion *c = e->running.first; c; c = c->next) {
        n_running++;
        p.n_decode += rest_of(c) == 1;
    }
    int32_t n_batch = e->dims.n_batch;
    bool crowded = p.n_decode >= n_batch;
    p.decode_rows = !crowded ? p.n_decode : n_batch - (p.n_decode < n_running && e->turn % 2);
    p.first_decode = crowded ? (int32_t)(e->turn / 2 % (uint32_t)p.n_decode) : 0;
    p.prefill_rows = n_batch - p.decode_rows;
    p.more_logits = e->dims.max_logits > n_running ? e->dims.max_logits - n_running : 0;
    return p;
}

/* How many rows a completion gets, 0 for none. */
static int32_t choose_rows(plan *p, const llmi_completion *c, int32_t *decode_index) {
    int32_t rest = rest_of(c);
    if (rest == 1) {
        int32_t place = (*decode_index)++ - p->first_decode;
        return (place < 0 ? place + p->n_decode : place) < p->decode_rows;
    }
    int32_t n = rest < p->prefill_rows ? rest : p->prefill_rows;
    if (c->job->kind == LLMI_JOB_SCORE) {
        int32_t unread = llmi_scheduler_first_needed(c) - c->seq.n_done, most = unread + 1 + p->more_logits;
        if (n > most) n = most;
        if (n > unread + 1) p->more_logits -= n - unread - 1;
    }
    p->prefill_rows -= n;
    return n;
}

static void add_rows(llmi_engine *e, llmi_completion *c, const llmi_kv_copy *copy, int32_t n) {
    llmi_job *job = c->job;
    int32_t read = c->seq.n_done + n - llmi_scheduler_first_needed(c);
    if (read < 0 || (job->kind == LLMI_JOB_GENERATE && job->max_tokens == 0)) read = 0;
    if (read > n) read = n;
    bool hidden = job->kind == LLMI_JOB_EMBED;
    llmi_batch_add(&e->batch, copy, c, n, hidden ? 0 : read, hidden ? read : 0);
    if (!job->t_start) job->t_start = llmi_now_ms();
}

void llmi_scheduler_plan(llmi_engine *e) {
    plan p = make_plan(e);
    int32_t decode_index = 0;
    llmi_batch_clear(&e->batch);
    e->turn++;
    for (llmi_completion *c = e->running.first, *next; c; c = next) {
        int32_t n = choose_rows(&p, c, &decode_index);
        llmi_kv_copy copy;
        next = c->next;
        if (!n) continue;
        /* Only younger ones make room; they have no rows yet. */
        bool open;
        while (!(open = llmi_kv_sequence_open(&copy, &c->seq, &e->cache, c->seq.n_done + n)) && e->running.last != c)
            llmi_scheduler_preempt(e);
        if (open) add_rows(e, c, &copy, n);
        next = c->next;
        if (!open && e->running.first == c) llmi_scheduler_preempt(e); /* alone: admission decides */
    }
}

void llmi_scheduler_fork(llmi_engine *e, llmi_job *job) {
    llmi_completion *from = &job->completions[0];
    job->forked = true;
    for (int32_t i = 1; i < job->n; i++) {
        llmi_completion *c = &job->completions[i];
        llmi_kv_sequence_share(&c->seq, &from->seq, &e->cache);
        enter_list(e, c, LLMI_RUNNING);
    }
    e->n_slots -= job->n - 1;
}
