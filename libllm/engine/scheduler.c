#include "engine/scheduler.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/status.h"
#include "engine/completion.h"

/* A common beginning of this many tokens is worth waiting for another one's prefill. */
enum { WORTH_WAITING = 8 };

/* ---- admission ---- */

/* Whether a running completion is about to compute more of what this one begins with. */
static bool is_worth_waiting(const llmi_engine *e, const llmi_completion *c) {
    int32_t most = llmi_completion_first_needed(c);
    if (!e->dims.keep) return false;
    for (const llmi_completion *r = e->running.first; r; r = r->next) {
        int32_t theirs = llmi_completion_n_compute(r), n = 0;
        if (theirs > most) theirs = most;
        if (theirs < WORTH_WAITING || theirs <= r->seq.n_done) continue;
        while (n < theirs && r->seq.tokens[n] == c->seq.tokens[n]) n++;
        if (n >= WORTH_WAITING && n > r->seq.n_done && n > c->seq.n_done) return true;
    }
    return false;
}

enum { ADMITTED, WAITS, NO_ROOM };

static int try_admit(llmi_engine *e, llmi_completion *c) {
    llmi_kv_sequence_match(&c->seq, &e->cache, llmi_completion_first_needed(c));
    bool waits = is_worth_waiting(e, c);
    if (waits || !llmi_kv_sequence_reserve(&c->seq, &e->cache, llmi_completion_n_compute(c))) {
        llmi_kv_sequence_release(&c->seq, &e->cache);
        return waits ? WAITS : NO_ROOM;
    }
    if (!c->job->t_start) c->job->n_cached = c->seq.n_done;
    llmi_completion_start(e, c);
    return ADMITTED;
}

/* Nothing runs that could make room: sequences hold the rest of the cache. What has begun ends, the rest fails. */
static void end_without_room(llmi_engine *e, llmi_completion *c) {
    if (c->n_made) {
        llmi_completion_end(e, c, LLM_FINISH_CONTEXT);
        return;
    }
    llmi_error(LLM_E_LIMIT,
               "the KV cache has no room for %" PRId32 " tokens (engine option n_kv_tokens, here %" PRId64 ")",
               llmi_completion_n_compute(c), e->options.n_kv_tokens);
    llmi_error_save(&c->error, LLM_E_LIMIT);
    llmi_completion_end(e, c, LLM_FINISH_ERROR);
}

/* An entry that waits for a shared prefix may be overtaken; at most n_seqs of them are passed over. One that does not
 * fit blocks the queue; otherwise small jobs could starve a large one. */
void llmi_scheduler_admit(llmi_engine *e) {
    int32_t n_waiting = 0;
    for (llmi_completion *c = e->queue.first, *next; c && n_waiting < e->dims.n_seqs; c = next) {
        next = c->next;
        if (llmi_completion_first_needed(c) >= llmi_completion_n_compute(c)) {
            llmi_completion_end(e, c, LLM_FINISH_LENGTH);
            continue;
        }
        if (e->n_slots + llmi_completion_n_slots(c) > e->dims.n_seqs) return;
        int verdict = try_admit(e, c);
        n_waiting += verdict == WAITS;
        if (verdict != NO_ROOM) continue;
        if (e->running.first) return;
        end_without_room(e, c);
    }
}

/* ---- the rows of a step ---- */

static int32_t rest_of(const llmi_completion *c) {
    return llmi_completion_n_compute(c) - c->seq.n_done;
}

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
        int32_t unread = llmi_completion_first_needed(c) - c->seq.n_done, most = unread + 1 + p->more_logits;
        if (n > most) n = most;
        if (n > unread + 1) p->more_logits -= n - unread - 1;
    }
    p->prefill_rows -= n;
    return n;
}

static void add_rows(llmi_engine *e, llmi_completion *c, const llmi_kv_copy *copy, int32_t n) {
    llmi_job *job = c->job;
    int32_t read = c->seq.n_done + n - llmi_completion_first_needed(c);
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
            llmi_completion_preempt(e);
        if (open) add_rows(e, c, &copy, n);
        next = c->next;
        if (!open && e->running.first == c) llmi_completion_preempt(e); /* alone: admission decides */
    }
}
