/* llm_sequence: a sequence in the host's hands. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "engine/completion.h"
#include "engine/output.h"

struct llm_sequence {
    llmi_engine *engine;
    llmi_kv_sequence seq;
    int32_t token_capacity, page_capacity;
};

/* ---- memory ---- */

/* Room for n_tokens in the arrays, at least doubled. */
static llm_status grow(llm_sequence *s, int32_t n_tokens) {
    const llm_allocator *a = s->engine->a;
    if (n_tokens <= s->token_capacity) return LLM_OK;
    int64_t twice = 2 * (int64_t)s->token_capacity;
    int32_t n_ctx = s->engine->dims.n_ctx;
    int32_t tokens = twice > n_ctx ? n_ctx : twice > n_tokens ? (int32_t)twice : n_tokens;
    int32_t n_pages = llmi_kvpool_pages(&s->engine->cache.pool, tokens);
    if (n_pages > s->page_capacity) {
        int32_t *pages =
            llmi_realloc(a, s->seq.pages, (size_t)s->page_capacity * sizeof *pages, (size_t)n_pages * sizeof *pages);
        if (!pages) return LLM_E_MEMORY;
        s->seq.pages = pages;
        s->page_capacity = n_pages;
    }
    llm_token *ids =
        llmi_realloc(a, s->seq.tokens, (size_t)s->token_capacity * sizeof *ids, (size_t)tokens * sizeof *ids);
    if (!ids) return LLM_E_MEMORY;
    s->seq.tokens = ids;
    s->token_capacity = tokens;
    return LLM_OK;
}

const llmi_engine *llmi_sequence_engine(const llm_sequence *s) {
    return s->engine;
}

llm_status llmi_sequence_create(llm_sequence **out, llmi_engine *e) {
    *out = NULL;
    llm_sequence *s = llmi_alloc_zero(e->a, sizeof *s);
    if (!s) return LLM_E_MEMORY;
    s->engine = e;
    llmi_kv_sequence_init(&s->seq, NULL, NULL);
    llmi_engine_ref(e);
    *out = s;
    return LLM_OK;
}

void llmi_sequence_destroy(llm_sequence *s) {
    if (!s) return;
    llmi_engine *e = s->engine;
    pthread_mutex_lock(&e->lock);
    llmi_kv_sequence_release(&s->seq, &e->cache);
    pthread_mutex_unlock(&e->lock);
    llmi_free(e->a, s->seq.tokens, (size_t)s->token_capacity * sizeof *s->seq.tokens);
    llmi_free(e->a, s->seq.pages, (size_t)s->page_capacity * sizeof *s->seq.pages);
    llmi_free(e->a, s, sizeof *s);
    llmi_engine_unref(e);
}

llm_status llmi_sequence_fork(llm_sequence **out, llm_sequence *s) {
    llmi_engine *e = s->engine;
    llm_sequence *f;
    *out = NULL;
    llm_status status = llmi_sequence_create(&f, e);
    if (status != LLM_OK) return status;
    status = grow(f, s->seq.n_tokens);
    if (status != LLM_OK) {
        llmi_sequence_destroy(f);
        return status;
    }
    f->seq.n_tokens = s->seq.n_tokens;
    if (s->seq.n_tokens) memcpy(f->seq.tokens, s->seq.tokens, (size_t)s->seq.n_tokens * sizeof *f->seq.tokens);
    pthread_mutex_lock(&e->lock);
    llmi_kv_sequence_share(&f->seq, &s->seq, &e->cache);
    pthread_mutex_unlock(&e->lock);
    *out = f;
    return LLM_OK;
}

llm_status llmi_sequence_rewind(llm_sequence *s, size_t n_tokens) {
    if (n_tokens > (size_t)s->seq.n_tokens)
        return llmi_error(LLM_E_ARGUMENT, "the sequence has %" PRId32 " tokens, cannot keep %zu", s->seq.n_tokens,
                          n_tokens);
    pthread_mutex_lock(&s->engine->lock);
    llmi_kv_sequence_cut(&s->seq, &s->engine->cache, (int32_t)n_tokens);
    pthread_mutex_unlock(&s->engine->lock);
    return LLM_OK;
}

size_t llmi_sequence_tokens(const llm_token **out, const llm_sequence *s) {
    if (out) *out = s->seq.tokens;
    return (size_t)s->seq.n_tokens;
}

/* ---- computing ---- */

static llm_status check_eval(const llm_sequence *s, const llm_token *tokens, size_t n, size_t n_rows) {
    const llmi_dims *dims = &s->engine->dims;
    if (n_rows > n)
        return llmi_error(LLM_E_ARGUMENT, "logits of %zu rows are asked for, %zu tokens are given", n_rows, n);
    for (size_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= dims->n_vocab)
            return llmi_error(LLM_E_ARGUMENT, "token %zu is %" PRId32 ", expected 0..%" PRId32, i, tokens[i],
                              dims->n_vocab - 1);
    if (n > (size_t)(dims->n_ctx - s->seq.n_tokens))
        return llmi_error(LLM_E_LIMIT, "the context is full: %" PRId32 " tokens and %zu more, n_ctx is %" PRId32,
                          s->seq.n_tokens, n, dims->n_ctx);
    return LLM_OK;
}

static llm_status no_room(const llm_sequence *s) {
    return llmi_error(LLM_E_LIMIT, "the KV cache is full: no room for %" PRId32 " tokens among %" PRId64,
                      s->seq.n_tokens, s->engine->options.n_kv_tokens);
}

/* Pages for everything, at the cost of what is only cached and of jobs, which are computed again later. */
static llm_status make_room(llm_sequence *s, size_t n_rows) {
    llmi_engine *e = s->engine;
    bool fits;
    pthread_mutex_lock(&e->lock);
    if (!s->seq.n_done) {
        llmi_kv_sequence_release(&s->seq, &e->cache);
        llmi_kv_sequence_match(&s->seq, &e->cache, s->seq.n_tokens - (int32_t)n_rows);
    }
    while (!(fits = llmi_kv_sequence_reserve(&s->seq, &e->cache, s->seq.n_tokens)) && llmi_completion_preempt(e)) {
    }
    pthread_mutex_unlock(&e->lock);
    return fits ? LLM_OK : no_room(s);
}

/* Its pages are there, but frames for the groups with windows only for the first chunk (engine/kvwindow.h). */
static bool open_chunk(llmi_kv_copy *copy, llm_sequence *s, int32_t n) {
    llmi_engine *e = s->engine;
    bool open;
    while (!(open = llmi_kv_sequence_open(copy, &s->seq, &e->cache, s->seq.n_done + n)) && llmi_completion_preempt(e)) {
    }
    return open;
}

/* Computes the next rows, of which the last n_logits are read. */
static llm_status run_chunk(llm_sequence *s, int32_t n, int32_t n_logits) {
    llmi_engine *e = s->engine;
    llm_status status;
    do {
        llmi_kv_copy copy;
        pthread_mutex_lock(&e->lock);
        bool open = open_chunk(&copy, s, n);
        llmi_batch_clear(&e->batch);
        if (open) llmi_batch_add(&e->batch, &copy, NULL, n, n_logits, 0);
        pthread_mutex_unlock(&e->lock);
        if (!open) return no_room(s);
        /* A cancellation that came late for an earlier step may stop this one. */
        llmi_engine_clear_stop(e);
        status = llmi_compute_run(&e->compute, &e->batch);
        for (int32_t i = 0; i < n_logits && status == LLM_OK; i++)
            status = llmi_output_check(e, e->compute.logits + (size_t)i * (size_t)e->dims.n_vocab,
                                       s->seq.n_done + n - n_logits + i);
        pthread_mutex_lock(&e->lock);
        if (status == LLM_OK) {
            llmi_kv_copy_done(&e->batch.parts[0].copy, &e->cache);
            llmi_kv_sequence_commit(&s->seq, &e->cache, s->seq.n_done + n);
        } else {
            llmi_kv_copy_undo(&e->batch.parts[0].copy, &e->cache);
        }
        pthread_mutex_unlock(&e->lock);
    } while (status == LLM_E_CANCELLED && !llmi_engine_is_interrupted(e));
    return status == LLM_E_CANCELLED ? llmi_engine_cancelled() : status;
}

static llm_status run_all(llm_sequence *s, float *logits, int32_t n_rows) {
    const llmi_dims *dims = &s->engine->dims;
    int32_t first_read = s->seq.n_tokens - n_rows;
    while (s->seq.n_done < s->seq.n_tokens) {
        int32_t rest = s->seq.n_tokens - s->seq.n_done, unread = first_read - s->seq.n_done;
        if (unread < 0) unread = 0;
        int32_t n = rest < dims->n_batch ? rest : dims->n_batch;
        if (n > unread + dims->max_logits) n = unread + dims->max_logits;
        int32_t n_logits = n > unread ? n - unread : 0;
        llm_status status = run_chunk(s, n, n_logits);
        if (status != LLM_OK) return status;
        size_t count = (size_t)n_logits * (size_t)dims->n_vocab;
        if (count) memcpy(logits, s->engine->compute.logits, count * sizeof *logits);
        if (count) logits += count;
    }
    return LLM_OK;
}

llm_status llmi_sequence_eval(llm_sequence *s, const llm_token *tokens, size_t n_tokens, float *logits, size_t n_rows) {
    llmi_engine *e = s->engine;
    llm_status status = check_eval(s, tokens, n_tokens, n_rows);
    if (status == LLM_OK && n_rows) status = llmi_model_check_head(e->model);
    if (status != LLM_OK || !n_tokens) return status;
    status = llmi_engine_begin(e);
    if (status != LLM_OK) return status;
    llmi_engine_interrupt(e, false);
    int32_t before = s->seq.n_tokens;
    status = grow(s, before + (int32_t)n_tokens);
    if (status == LLM_OK) {
        memcpy(s->seq.tokens + before, tokens, n_tokens * sizeof *tokens);
        s->seq.n_tokens = before + (int32_t)n_tokens;
        status = make_room(s, n_rows);
        if (status == LLM_OK) status = run_all(s, logits, (int32_t)n_rows);
        pthread_mutex_lock(&e->lock);
        if (status == LLM_OK)
            llmi_kv_sequence_commit(&s->seq, &e->cache, s->seq.n_done); /* also when all of it was cached */
        else
            llmi_kv_sequence_cut(&s->seq, &e->cache, before);
        pthread_mutex_unlock(&e->lock);
    }
    llmi_engine_end(e);
    return status;
}
