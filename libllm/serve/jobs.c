#include "serve/jobs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

void llmi_jobs_init(llmi_jobs *b, llm_engine *e, int32_t kind) {
    *b = (llmi_jobs){.engine = e, .kind = kind};
    llmi_buf_init(&b->ids, llmi_serve_memory(e));
    llmi_buf_init(&b->items, llmi_serve_memory(e));
}

void llmi_jobs_free(llmi_jobs *b) {
    llmi_buf_free(&b->ids);
    llmi_buf_free(&b->items);
}

llm_status llmi_jobs_add(llmi_jobs *b, size_t begin, size_t score_from) {
    size_t n_ids = llmi_buf_count(&b->ids, llm_token) - begin;
    llm_status status = llmi_job_check_length(b->engine->inner, n_ids, false);
    llmi_jobs_item item = {begin, n_ids, score_from};
    if (status == LLM_OK && !llmi_buf_push(&b->items, item)) status = LLM_E_MEMORY;
    return status;
}

/* ---- one run ---- */

typedef struct run run;

/* A place for a running job. */
typedef struct slot {
    run *run;
    llmi_job *job; /* NULL: free */
    size_t item;
    bool ended;
} slot;

enum { WAITING = 0, RUNNING, DONE };

struct run {
    llmi_jobs *b;
    slot *slots;
    size_t n_slots, n_running;
    uint8_t *state;        /* of each item */
    size_t *cached;        /* of each waiting item: leading ids that it shares with one that is done */
    size_t first, n_items; /* items before `first` are not waiting */
    llmi_error_copy failure;
};

static const llmi_jobs_item *item_at(const llmi_jobs *b, size_t index) {
    return &llmi_buf_at(&b->items, llmi_jobs_item, index);
}

static const llm_token *ids_of(const llmi_jobs *b, const llmi_jobs_item *item) {
    return (const llm_token *)(const void *)b->ids.data + item->begin;
}

static size_t shared(const llmi_jobs *b, size_t i, size_t k) {
    const llmi_jobs_item *x = item_at(b, i), *y = item_at(b, k);
    size_t n = 0, most = x->n_ids < y->n_ids ? x->n_ids : y->n_ids;
    const llm_token *xs = ids_of(b, x), *ys = ids_of(b, y);
    while (n < most && xs[n] == ys[n]) n++;
    return n;
}

static void fail(run *r, const llmi_error_copy *failure) {
    if (r->failure.status == LLM_OK) r->failure = *failure;
}

static int32_t on_token(void *user, int32_t index, llm_token token, float logprob, const llm_token_logprob *top,
                        int32_t n_top) {
    slot *s = user;
    llmi_jobs *b = s->run->b;
    b->stats.n_tokens++;
    return b->token ? b->token(b->user, s->item, token, logprob, top, n_top) : LLM_FINISH_NONE;
}

static void on_hidden(void *user, int32_t row, const float *hidden) {
    slot *s = user;
    if (s->run->b->hidden) s->run->b->hidden(s->run->b->user, s->item, row, hidden);
}

static void on_finish(void *user, int32_t index, int32_t finish, const llmi_error_copy *error) {
    slot *s = user;
    llmi_error_copy full;
    s->ended = true;
    if (error) fail(s->run, error);
    if (finish != LLM_FINISH_CONTEXT && finish != LLM_FINISH_CANCELLED) return;
    llm_status status = finish == LLM_FINISH_CONTEXT ? LLM_E_LIMIT : LLM_E_CANCELLED;
    llmi_error(status, "item %zu: %s", s->item,
               finish == LLM_FINISH_CONTEXT ? "the KV cache is full (engine option n_kv_tokens)" : "cancelled");
    llmi_error_save(&full, status);
    fail(s->run, &full);
}

static const llmi_sink sink = {.token = on_token, .hidden = on_hidden, .finish = on_finish};

/* Whether a running item computes what this one could take from the cache. */
static bool should_wait(const run *r, size_t item) {
    for (size_t i = 0; i < r->n_slots; i++)
        if (r->slots[i].job && shared(r->b, item, r->slots[i].item) > r->cached[item]) return true;
    return false;
}

static llm_status start(run *r, slot *s, size_t index) {
    llmi_jobs *b = r->b;
    const llmi_jobs_item *item = item_at(b, index);
    llmi_job_desc desc = {
        .kind = b->kind,
        .prompt = ids_of(b, item),
        .n_prompt = item->n_ids,
        .n = 1,
        .sampling = {.top_p = 1, .typical_p = 1, .repetition_penalty = 1, .penalty_window = 64},
        .n_logprobs = b->n_logprobs,
        .score_from = item->score_from,
        .sink = &sink,
        .sink_user = s,
    };
    *s = (slot){.run = r, .item = index};
    llm_status status = llmi_job_submit(&s->job, b->engine->inner, &desc);
    if (status != LLM_OK) {
        s->job = NULL;
        return status;
    }
    r->state[index] = RUNNING;
    r->n_running++;
    return LLM_OK;
}

/* The next item to start, or n_items. Scans at most twice as many items as there are slots, so that a long list is
 * processed in linear time. */
static size_t choose(run *r) {
    while (r->first < r->n_items && r->state[r->first] != WAITING) r->first++;
    size_t end = r->n_items - r->first < 2 * r->n_slots ? r->n_items : r->first + 2 * r->n_slots;
    for (size_t i = r->first; i < end; i++)
        if (r->state[i] == WAITING && !should_wait(r, i)) return i;
    return r->n_items;
}

static llm_status fill(run *r) {
    for (size_t i = 0; i < r->n_slots; i++) {
        if (r->slots[i].job) continue;
        size_t item = choose(r);
        if (item == r->n_items) return LLM_OK;
        llm_status status = start(r, &r->slots[i], item);
        if (status != LLM_OK) return llmi_error_in(status, "item %zu", item);
    }
    return LLM_OK;
}

/* Finishes a job; waiting items may now share its part of the cache. */
static void reap(run *r, slot *s) {
    llmi_job_stats stats;
    llmi_job_stats_get(&stats, s->job);
    r->b->stats.n_prompt_tokens += stats.n_prompt_tokens;
    r->b->stats.n_cached_tokens += stats.n_cached_tokens;
    llmi_job_destroy(s->job);
    s->job = NULL;
    r->state[s->item] = DONE;
    r->n_running--;
    for (size_t i = r->first; i < r->n_items && i < r->first + 2 * r->n_slots; i++) {
        if (r->state[i] != WAITING) continue;
        size_t n = shared(r->b, i, s->item);
        if (n > r->cached[i]) r->cached[i] = n;
    }
}

static llm_status step(run *r) {
    llm_status status = fill(r);
    if (status == LLM_OK && r->n_running) status = llmi_engine_step(&(int32_t){0}, r->b->engine->inner);
    for (size_t i = 0; i < r->n_slots; i++)
        if (r->slots[i].job && r->slots[i].ended) reap(r, &r->slots[i]);
    return status == LLM_OK && r->failure.status != LLM_OK ? llmi_error_restore(&r->failure) : status;
}

static llm_status run_all(run *r) {
    llm_status status = LLM_OK;
    for (size_t i = 0; i < r->n_items; i++)
        if (!item_at(r->b, i)->n_ids ||
            (r->b->kind == LLMI_JOB_SCORE && item_at(r->b, i)->score_from >= item_at(r->b, i)->n_ids))
            r->state[i] = DONE;
    do status = step(r);
    while (status == LLM_OK && (r->n_running || choose(r) < r->n_items));
    llmi_error_copy failure;
    llmi_error_save(&failure, status);
    for (size_t i = 0; i < r->n_slots; i++)
        if (r->slots[i].job) llmi_job_destroy(r->slots[i].job);
    return status == LLM_OK ? LLM_OK : llmi_error_restore(&failure);
}

llm_status llmi_jobs_run(llmi_jobs *b) {
    const llm_allocator *a = llmi_serve_memory(b->engine);
    double begin = llmi_now_ms();
    run r = {.b = b, .n_items = llmi_buf_count(&b->items, llmi_jobs_item)};
    r.n_slots = (size_t)llmi_engine_options(b->engine->inner)->n_seqs;
    r.slots = llmi_alloc_zero(a, r.n_slots * sizeof *r.slots);
    r.state = llmi_alloc_zero(a, r.n_items);
    r.cached = llmi_alloc_zero(a, r.n_items * sizeof *r.cached);
    llm_status status = r.slots && r.state && r.cached ? run_all(&r) : LLM_E_MEMORY;
    llmi_free(a, r.cached, r.n_items * sizeof *r.cached);
    llmi_free(a, r.state, r.n_items);
    llmi_free(a, r.slots, r.n_slots * sizeof *r.slots);
    b->stats.prompt_ms = llmi_now_ms() - begin;
    return status;
}
