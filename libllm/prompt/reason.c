/* Completions of branches as samples: submitted together, judged as they end. */
#include "prompt/reason.h"

#include <string.h>

#include "api/check.h"
#include "base/alloc.h"
#include "base/philox.h"
#include "base/text.h"

/* ---- answers ---- */

static llm_status take_answer(llmi_ask *x, llmi_sample *s, llm_span text) {
    llm_status status = llmi_extract_run(&s->answer, &s->has_answer, x->extract, text.ptr, text.len);
    if (status != LLM_OK || !s->has_answer) return status;
    s->key.len = 0;
    s->stage = LLM_STAGE_ANSWER;
    return llmi_extract_normalize(&s->key, s->answer.data, s->answer.len) ? LLM_OK : LLM_E_MEMORY;
}

/* After answer_text if the text contains it, otherwise anywhere. */
static llm_status seek_answer(llmi_ask *x, llmi_sample *s, bool needs_mark) {
    llm_span text = {s->text.len ? s->text.data : "", s->text.len};
    llm_span behind = llmi_extract_marker_after(&x->answer_mark, text);
    llm_status status = behind.ptr ? take_answer(x, s, behind) : LLM_OK;
    if (status != LLM_OK || s->has_answer || needs_mark) return status;
    return take_answer(x, s, text);
}

/* ---- votes ---- */

static llm_vote *find_vote(const llm_answer *answer, const llmi_sample *s) {
    for (size_t i = 0; i < llmi_buf_count(&answer->votes, llm_vote); i++) {
        llm_vote *v = &llmi_buf_at(&answer->votes, llm_vote, i);
        const llmi_buf *key = &llmi_sample_at(answer, (size_t)v->first)->key;
        if (key->len == s->key.len && (!key->len || memcmp(key->data, s->key.data, key->len) == 0)) return v;
    }
    return NULL;
}

/* Most votes first, ties by the first sample. */
static void sort_votes(llm_vote *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        llm_vote kept = v[i];
        size_t k = i;
        for (; k > 0 &&
               (v[k - 1].n_votes < kept.n_votes || (v[k - 1].n_votes == kept.n_votes && v[k - 1].first > kept.first));
             k--)
            v[k] = v[k - 1];
        v[k] = kept;
    }
}

llm_status llmi_reason_count(bool *decided, llmi_ask *x) {
    llm_answer *answer = x->out;
    answer->votes.len = 0;
    for (size_t i = 0; i < llmi_buf_count(&answer->samples, llmi_sample); i++) {
        const llmi_sample *s = llmi_sample_at(answer, i);
        if (!s->has_answer) continue;
        llm_vote *known = find_vote(answer, s);
        llm_vote fresh = {{s->answer.len ? s->answer.data : "", s->answer.len}, 1, (int32_t)i};
        if (known)
            known->n_votes++;
        else if (!llmi_buf_push(&answer->votes, fresh))
            return LLM_E_MEMORY;
    }
    size_t n = llmi_buf_count(&answer->votes, llm_vote);
    llm_vote *v = (llm_vote *)(void *)answer->votes.data;
    sort_votes(v, n);
    int32_t rest = x->o->n_samples - x->n_settled, second = n > 1 ? v[1].n_votes : 0;
    *decided = n > 0 && v[0].n_votes > second + rest;
    return LLM_OK;
}

/* ---- requests ---- */

/* A request under way: completions i of it are the samples first + i. */
typedef struct flight {
    llm_request *request; /* NULL: none */
    size_t first;
    int32_t n;
} flight;

static llm_status add_sample(llmi_ask *x, const llmi_branch *b, const llmi_reason_round *run) {
    llmi_sample s = {.stage = run->stage, .parent = b->parent, .finish = LLM_FINISH_CANCELLED};
    llmi_buf *const bufs[] = {&s.text, &s.prompt, &s.tokens, &s.answer, &s.key};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], x->out->samples.a);
    bool goes_on = run->stage != LLM_STAGE_ANSWER;
    if (goes_on && !llmi_buf_append(&s.prompt, b->ids.data, b->ids.len)) return LLM_E_MEMORY;
    if (llmi_buf_push(&x->out->samples, s)) return LLM_OK;
    llmi_buf_free(&s.prompt);
    return LLM_E_MEMORY;
}

/* The first request of all draws as llm_generate would; each other one by itself. */
static uint64_t seed_of(const llmi_ask *x, size_t branch) {
    const uint32_t key[2] = {(uint32_t)x->g.seed, (uint32_t)(x->g.seed >> 32)};
    const uint32_t counter[4] = {x->n_runs, (uint32_t)branch, 0, 0x61736b};
    uint32_t r[4];
    if (!x->n_runs && !branch) return x->g.seed;
    llmi_philox(r, counter, key);
    return (uint64_t)r[1] << 32 | r[0];
}

/* Text that continues other samples may have no room left: they began to generate, so this ends as they would. */
static bool has_room(const llmi_ask *x, const llmi_branch *b) {
    if (b->parent < 0) return true;
    llm_status status = llmi_job_check_length(x->engine->inner, llmi_buf_count(&b->ids, llm_token), true);
    if (status != LLM_OK) llmi_error_clear();
    return status == LLM_OK;
}

/* Begins those of a branch's samples, from `first` on, that belong to a wave of at most n_seqs. */
static llm_status launch(flight *f, llmi_ask *x, const llmi_branch *b, const llmi_reason_round *run, size_t index,
                         size_t first, int32_t wave) {
    int32_t n_seqs = llmi_engine_options(x->engine->inner)->n_seqs, done = wave * n_seqs;
    llm_generate_options g = *run->g;
    *f = (flight){.first = first + (size_t)done};
    if (done >= b->n) return LLM_OK;
    f->n = g.n = b->n - done < n_seqs ? b->n - done : n_seqs;
    g.seed = seed_of(x, index);
    if (!has_room(x, b)) {
        for (int32_t i = 0; i < f->n; i++) llmi_sample_at(x->out, f->first + (size_t)i)->finish = LLM_FINISH_CONTEXT;
        if (run->votes) x->n_settled += f->n;
        return LLM_OK;
    }
    return llmi_request_submit(&f->request, x->engine, (const llm_token *)(const void *)b->ids.data,
                               llmi_buf_count(&b->ids, llm_token), done, &g);
}

/* Copies what completion i became. */
static llm_status finish_sample(llmi_ask *x, const flight *f, int32_t i, int32_t finish, const llmi_reason_round *run) {
    llmi_sample *s = llmi_sample_at(x->out, f->first + (size_t)i);
    const llmi_result_item *item = &f->request->result->items[i];
    s->finish = finish;
    if (!llmi_buf_append(&s->text, item->text.data, item->text.len) ||
        !llmi_buf_append(&s->tokens, item->tokens.data, item->tokens.len))
        return LLM_E_MEMORY;
    for (size_t k = 0; k < llmi_buf_count(&item->logprobs, float); k++)
        s->logprob += (double)llmi_buf_at(&item->logprobs, float, k);
    if (!run->votes || finish == LLM_FINISH_CANCELLED || finish == LLM_FINISH_ERROR) return LLM_OK;
    llm_status status = seek_answer(x, s, run->needs_mark);
    if (s->has_answer || !run->needs_mark) x->n_settled++;
    return status;
}

static llm_status take_events(llmi_ask *x, flight *f, const llmi_reason_round *run, bool *ended) {
    llm_event event;
    int32_t got;
    while ((got = llm_request_next(&event, f->request)) > 0) {
        if (event.finish == LLM_FINISH_NONE) continue;
        llm_status status = finish_sample(x, f, event.index, event.finish, run);
        if (status != LLM_OK) return status;
        *ended = true;
    }
    return got;
}

static llm_status add_stats(llmi_ask *x, const flight *f) {
    llm_result *result;
    llm_status status = llm_request_status(f->request);
    if (status == LLM_OK) status = llm_request_result(&result, f->request);
    if (status != LLM_OK) return status;
    llm_result_stats *sum = &x->out->stats;
    sum->n_prompt_tokens += result->stats.n_prompt_tokens;
    sum->n_cached_tokens += result->stats.n_cached_tokens;
    sum->n_tokens += result->stats.n_tokens;
    sum->queue_ms += result->stats.queue_ms;
    sum->prompt_ms += result->stats.prompt_ms;
    sum->decode_ms += result->stats.decode_ms;
    llm_result_unref(result);
    return LLM_OK;
}

/* Steps until all have ended, or been cancelled because the rest cannot matter. */
static llm_status fly(llmi_ask *x, flight *f, size_t n, const llmi_reason_round *run, bool *decided) {
    llm_status status = LLM_OK;
    for (bool open = true; open && status == LLM_OK;) {
        bool ended = false;
        open = false;
        for (size_t i = 0; i < n && status == LLM_OK; i++) {
            if (!f[i].request) continue;
            if (!llm_request_done(f[i].request)) open = true;
            status = take_events(x, &f[i], run, &ended);
        }
        if (status == LLM_OK && ended && run->votes && x->o->early_stop) status = llmi_reason_count(decided, x);
        for (size_t i = 0; i < n && *decided; i++)
            if (f[i].request) llm_request_cancel(f[i].request);
        if (status == LLM_OK && open) status = llmi_engine_step(&(int32_t){0}, x->engine->inner);
    }
    for (size_t i = 0; i < n && status == LLM_OK; i++)
        if (f[i].request) status = add_stats(x, &f[i]);
    return status;
}

/* `first`: where the samples of the branches begin, one branch after the other. */
static llm_status run_wave(flight *f, llmi_ask *x, const llmi_branch *b, size_t n, const llmi_reason_round *run,
                           size_t first, int32_t wave, bool *decided) {
    llm_status status = llmi_serve_begin(x->engine, "llm_ask");
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < n && status == LLM_OK; first += (size_t)b[i++].n)
        status = launch(&f[i], x, &b[i], run, i, first, wave);
    if (status == LLM_OK) status = fly(x, f, n, run, decided);
    llmi_serve_end(x->engine);
    llmi_error_copy failure;
    llmi_error_save(&failure, status);
    for (size_t i = 0; i < n; i++) llm_request_destroy(f[i].request);
    return status == LLM_OK ? LLM_OK : llmi_error_restore(&failure);
}

/* All samples are listed first, as those that will not be needed: which they are and what they draw does not depend on
 * the waves. */
llm_status llmi_reason_run(size_t *first, llmi_ask *x, const llmi_branch *branches, size_t n,
                           const llmi_reason_round *run) {
    int32_t n_seqs = llmi_engine_options(x->engine->inner)->n_seqs, most = 0;
    bool decided = false;
    llm_status status = LLM_OK;
    *first = llmi_buf_count(&x->out->samples, llmi_sample);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        if (branches[i].n > most) most = branches[i].n;
        for (int32_t k = 0; k < branches[i].n && status == LLM_OK; k++) status = add_sample(x, &branches[i], run);
    }
    if (status != LLM_OK) return status;
    flight *f = llmi_alloc_zero(x->a, n * sizeof *f);
    if (!f) return LLM_E_MEMORY;
    for (int32_t wave = 0; wave * n_seqs < most && !decided && status == LLM_OK; wave++) {
        memset(f, 0, n * sizeof *f);
        status = run_wave(f, x, branches, n, run, *first, wave, &decided);
    }
    x->n_runs++;
    llmi_free(x->a, f, n * sizeof *f);
    return status;
}

/* ---- texts as ids ---- */

/* Some tokenizers insert a space at the start of every input. This text continues another one, so it is encoded after a
 * short anchor ("\n" or ".") whose ids are then stripped. */
llm_status llmi_reason_append(llmi_buf *ids, const llmi_ask *x, llm_span text) {
    static const char *const ANCHORS[] = {"\n", "."};
    llmi_buf both, with, anchor;
    llmi_buf_init(&both, x->a);
    llmi_buf_init(&with, x->a);
    llmi_buf_init(&anchor, x->a);
    llm_status status = LLM_OK;
    bool done = text.len == 0;
    for (size_t i = 0; i < sizeof ANCHORS / sizeof ANCHORS[0] && status == LLM_OK && !done; i++) {
        both.len = with.len = anchor.len = 0;
        if (!llmi_buf_append(&both, ANCHORS[i], 1) || !llmi_buf_append(&both, text.ptr, text.len))
            status = LLM_E_MEMORY;
        if (status == LLM_OK) status = llmi_serve_encode(&anchor, x->engine, (llm_span){ANCHORS[i], 1}, 0);
        if (status == LLM_OK) status = llmi_serve_encode(&with, x->engine, (llm_span){both.data, both.len}, 0);
        if (status != LLM_OK || with.len <= anchor.len || memcmp(with.data, anchor.data, anchor.len) != 0) continue;
        done = true;
        if (!llmi_buf_append(ids, with.data + anchor.len, with.len - anchor.len)) status = LLM_E_MEMORY;
    }
    if (status == LLM_OK && !done) status = llmi_serve_encode(ids, x->engine, text, 0);
    llmi_buf_free(&both);
    llmi_buf_free(&with);
    llmi_buf_free(&anchor);
    return status;
}

static bool ends_blank(llm_span text) {
    return text.len && strchr(" \n\t", text.ptr[text.len - 1]);
}

llm_status llmi_reason_begin(llmi_buf *ids, const llmi_ask *x, const char *text) {
    const llm_filled *f = x->out->filled;
    if (f->is_chat || !*text) {
        if (!llmi_buf_append(ids, f->tokens.data, f->tokens.len)) return LLM_E_MEMORY;
        return llmi_reason_append(ids, x, (llm_span){text, strlen(text)});
    }
    llmi_buf whole;
    llmi_buf_init(&whole, x->a);
    bool blank = !ends_blank((llm_span){f->text.data, f->text.len}),
         ok = llmi_buf_append(&whole, f->text.data, f->text.len);
    ok = ok && llmi_buf_append(&whole, " ", blank) && llmi_buf_append(&whole, text, strlen(text));
    llm_status status =
        ok ? llmi_serve_encode(ids, x->engine, (llm_span){whole.data, whole.len}, LLM_ENCODE_ADD_SPECIAL)
           : LLM_E_MEMORY;
    llmi_buf_free(&whole);
    return status;
}

/* The leading tokens of a sample that spell no more than its text, which a stop string may have cut: their number
 * and bytes. */
static llm_status find_kept(size_t *n_tokens, size_t *n_bytes, const llmi_ask *x, const llmi_sample *s) {
    const llm_tokenizer *t = x->engine->model->tokenizer;
    const llm_token *ids = (const llm_token *)(const void *)s->tokens.data;
    size_t n = llmi_buf_count(&s->tokens, llm_token), low = 0, high = n;
    llmi_buf bytes;
    llmi_buf_init(&bytes, x->a);
    llm_status status = LLM_OK;
    *n_tokens = *n_bytes = 0;
    while (low <= high && status == LLM_OK) {
        size_t mid = low + (high - low + 1) / 2;
        bytes.len = 0;
        status = llmi_tokenizer_decode(&bytes, t, ids, mid, 0, false);
        bool fits = bytes.len <= s->text.len && (!bytes.len || memcmp(bytes.data, s->text.data, bytes.len) == 0);
        if (fits) *n_tokens = mid, *n_bytes = bytes.len;
        if (low == high) break;
        if (fits)
            low = mid;
        else
            high = mid - 1;
    }
    llmi_buf_free(&bytes);
    return status;
}

llm_status llmi_reason_follow(llmi_buf *ids, const llmi_ask *x, size_t i, char join, llm_span text) {
    const llmi_sample *s = llmi_sample_at(x->out, i);
    size_t n_tokens, n_bytes;
    llm_status status = find_kept(&n_tokens, &n_bytes, x, s);
    if (status != LLM_OK) return status;
    if (!llmi_buf_append(ids, s->prompt.data, s->prompt.len) ||
        !llmi_buf_append(ids, s->tokens.data, n_tokens * sizeof(llm_token)))
        return LLM_E_MEMORY;
    llmi_buf rest;
    llmi_buf_init(&rest, x->a);
    size_t n_rest = s->text.len - n_bytes;
    bool ok = !n_rest || llmi_buf_append(&rest, s->text.data + n_bytes, n_rest);
    bool blank = ends_blank((llm_span){s->text.data, s->text.len});
    ok = ok && llmi_buf_append(&rest, &join, !blank) && llmi_buf_append(&rest, text.ptr, text.len);
    status = ok ? llmi_reason_append(ids, x, (llm_span){rest.data, rest.len}) : LLM_E_MEMORY;
    llmi_buf_free(&rest);
    return status;
}

llm_status llmi_reason_conclude(llmi_ask *x, size_t i, int32_t n) {
    llm_generate_options g = x->g;
    g.max_tokens = x->o->answer_tokens;
    llmi_reason_round run = {.stage = LLM_STAGE_ANSWER, .votes = true, .g = &g};
    llmi_branch b = {.parent = (int32_t)i, .n = n};
    size_t first;
    llmi_buf_init(&b.ids, x->a);
    llm_status status = llmi_reason_follow(&b.ids, x, i, ' ', x->answer_text);
    if (status == LLM_OK) status = llmi_reason_run(&first, x, &b, 1, &run);
    llmi_buf_free(&b.ids);
    return status;
}
