#define _GNU_SOURCE
#include "serve/request.h"

#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "base/alloc.h"
#include "base/text.h"
#include "runtime/runtime.h"

/* A queued event; its text points into the completion's. */
typedef struct waiting_event {
    int32_t index, finish, n_tokens;
    llm_token token;
    size_t text_begin, text_end;
} waiting_event;

/* ---- what the engine reports; on the stepping thread ---- */

/* There is always room for the last event of each open completion, so that ends cannot fail. */
static bool reserve_events(llm_request *r, size_t n_more) {
    return llmi_buf_reserve(&r->events, ((size_t)r->result->n_items + n_more) * sizeof(waiting_event));
}

static void push_event(llm_request *r, int32_t index, llm_token token, size_t text_begin, int32_t finish) {
    waiting_event event = {
        .index = index,
        .finish = finish,
        .n_tokens = (int32_t)llmi_buf_count(&r->result->items[index].tokens, llm_token),
        .token = token,
        .text_begin = text_begin,
        .text_end = r->deliveries[index].n_ready,
    };
    llmi_buf_push(&r->events, event);
}

static bool is_stop_token(const llm_request *r, llm_token token) {
    for (size_t i = 0; i < r->n_stop_tokens; i++)
        if (r->stop_tokens[i] == token) return true;
    return false;
}

static bool is_end(const llm_request *r, llm_token token) {
    if (r->ignore_eos || !r->tokenizer || token >= llmi_tokenizer_size(r->tokenizer)) return false;
    return llmi_tokenizer_is_eog(r->tokenizer, token);
}

static llm_status take_token(llm_request *r, int32_t index, llm_token token, float logprob,
                             const llm_token_logprob *top, int32_t n_top) {
    llmi_delivery *d = &r->deliveries[index];
    size_t begin = d->n_ready;
    if (!reserve_events(r, 1)) return LLM_E_MEMORY;
    llm_status status = llmi_result_add(&r->result->items[index], token, r->n_logprobs, logprob, top, n_top);
    if (status == LLM_OK) status = llmi_delivery_token(d, token);
    if (status == LLM_OK) push_event(r, index, token, begin, LLM_FINISH_NONE);
    return status;
}

static int32_t on_token(void *user, int32_t index, llm_token token, float logprob, const llm_token_logprob *top,
                        int32_t n_top) {
    llm_request *r = user;
    if (is_end(r, token)) return LLM_FINISH_EOS;
    if (is_stop_token(r, token)) return LLM_FINISH_STOP;
    pthread_mutex_lock(&r->lock);
    llm_status status = take_token(r, index, token, logprob, top, n_top);
    bool stopped = r->deliveries[index].stopped;
    pthread_mutex_unlock(&r->lock);
    if (status != LLM_OK) return status;
    if (stopped) return LLM_FINISH_STOP;
    return llmi_api_matchers_over(&r->matchers, index) ? LLM_FINISH_GRAMMAR : LLM_FINISH_NONE;
}

static void on_finish(void *user, int32_t index, int32_t finish, const llmi_error_copy *error) {
    llm_request *r = user;
    llmi_error_copy here;
    pthread_mutex_lock(&r->lock);
    llmi_delivery *d = &r->deliveries[index];
    size_t begin = d->n_ready;
    llm_status status = llmi_delivery_end(d);
    if (status != LLM_OK) {
        llmi_error_save(&here, status);
        error = &here;
        finish = LLM_FINISH_ERROR;
    }
    if (error && r->failure.status == LLM_OK) r->failure = *error;
    /* What was left to show may have completed a stop string. */
    if (d->stopped && (finish == LLM_FINISH_LENGTH || finish == LLM_FINISH_CONTEXT)) finish = LLM_FINISH_STOP;
    r->result->items[index].finish = finish;
    push_event(r, index, LLM_TOKEN_NONE, begin, finish);
    atomic_fetch_sub_explicit(&r->n_open, 1, memory_order_release);
    pthread_mutex_unlock(&r->lock);
}

static const llmi_sink sink = {.token = on_token, .finish = on_finish};

/* ---- submission ---- */

static void request_free(llm_request *r) {
    llm_engine *e = r->engine;
    const llm_allocator *a = llmi_serve_memory(e);
    int32_t n = r->result ? r->result->n_items : 0;
    for (int32_t i = 0; i < n && r->deliveries; i++) llmi_delivery_free(&r->deliveries[i]);
    if (r->deliveries) llmi_free(a, r->deliveries, (size_t)n * sizeof *r->deliveries);
    if (r->stop_tokens) llmi_free(a, r->stop_tokens, r->n_stop_tokens * sizeof *r->stop_tokens);
    llmi_stop_strings_free(&r->stops);
    llmi_api_matchers_free(&r->matchers);
    llmi_buf_free(&r->events);
    llmi_buf_free(&r->shown);
    llmi_buf_free(&r->shown_top);
    llm_result_unref(r->result);
    pthread_mutex_destroy(&r->lock);
    llmi_free(a, r, sizeof *r);
    llmi_serve_engine_unref(e);
}

llm_status llmi_request_check_lists(const llm_generate_options *o) {
    if ((!o->logit_bias && o->n_logit_bias) || (!o->stop_tokens && o->n_stop_tokens) ||
        (!o->stop_strings && o->n_stop_strings))
        return llmi_error(LLM_E_ARGUMENT, "llm_generate_options: a list is NULL, its number of elements is not 0");
    size_t n = o->n_logit_bias, most = LLMI_MOST_BYTES / sizeof *o->stop_strings;
    if (o->n_stop_tokens > n) n = o->n_stop_tokens;
    if (o->n_stop_strings > n) n = o->n_stop_strings;
    if (n <= most) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "llm_generate_options: a list of %zu is more than there can be", n);
}

static llm_status check_options(const llm_engine *e, const llm_generate_options *o) {
    int32_t n_seqs = llmi_engine_options(e->inner)->n_seqs, n_vocab = e->model->hp.n_vocab;
    if (o->n > n_seqs)
        return llmi_error(LLM_E_ARGUMENT, "n is %d completions, expected 1..%d, the engine's n_seqs", o->n, n_seqs);
    if (o->n_logprobs > n_vocab)
        return llmi_error(LLM_E_ARGUMENT, "n_logprobs is %d, expected at most %d, the size of the vocabulary",
                          o->n_logprobs, n_vocab);
    llm_status status = llmi_request_check_lists(o);
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < o->n_stop_tokens; i++)
        if (o->stop_tokens[i] < 0 || o->stop_tokens[i] >= n_vocab)
            return llmi_error(LLM_E_ARGUMENT, "stop token %zu is %d, expected 0..%d", i, o->stop_tokens[i],
                              n_vocab - 1);
    if (o->grammar && o->ignore_eos)
        return llmi_error(LLM_E_ARGUMENT, "ignore_eos is 1 beside a grammar, which decides where the text may end");
    const llm_tokenizer *tokenizer;
    return o->n_stop_strings || o->grammar ? llmi_serve_tokenizer(&tokenizer, e) : LLM_OK;
}

/* A prompt of nothing but special tokens has no text: then the completion begins one. */
static bool has_text(const llm_tokenizer *t, const llm_token *ids, size_t n) {
    int32_t size = t ? llmi_tokenizer_size(t) : 0;
    for (size_t i = 0; i < n; i++) {
        llm_span text;
        int32_t type = LLM_TOKEN_CONTROL;
        float score;
        if (ids[i] >= 0 && ids[i] < size) llmi_tokenizer_token(t, ids[i], &text, &type, &score);
        if (type != LLM_TOKEN_CONTROL) return true;
    }
    return false;
}

/* Everything a request needs before the engine knows of it. */
static llm_status prepare(llm_request *r, bool goes_on, const llm_generate_options *o) {
    const llm_allocator *a = llmi_serve_memory(r->engine);
    llm_status status = llmi_stop_strings_init(&r->stops, a, o->stop_strings, o->n_stop_strings);
    if (status != LLM_OK) return status;
    if (o->n_stop_tokens) {
        r->stop_tokens = llmi_alloc_array(a, o->n_stop_tokens, sizeof *r->stop_tokens);
        if (!r->stop_tokens) return LLM_E_MEMORY;
        r->n_stop_tokens = o->n_stop_tokens;
        memcpy(r->stop_tokens, o->stop_tokens, o->n_stop_tokens * sizeof *r->stop_tokens);
    }
    status = llmi_result_create(&r->result, r->engine->model->runtime, (size_t)o->n);
    if (status != LLM_OK) return status;
    r->result->n_top = o->n_logprobs > 0 ? (size_t)o->n_logprobs : 0;
    r->result->stats.seed = o->seed;
    r->deliveries = llmi_alloc_zero(a, (size_t)o->n * sizeof *r->deliveries);
    if (!r->deliveries) return LLM_E_MEMORY;
    uint32_t flags = goes_on ? LLM_DECODE_KEEP_PREFIX : 0;
    for (int32_t i = 0; i < o->n && status == LLM_OK; i++)
        status = llmi_delivery_init(&r->deliveries[i], a, r->tokenizer, flags, &r->stops, &r->result->items[i].text);
    if (status == LLM_OK)
        status = llmi_api_matchers_init(&r->matchers, a, o->grammar, r->tokenizer, (size_t)o->n, !goes_on);
    if (status != LLM_OK) return status;
    return reserve_events(r, 0) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status start(llm_request *r, const llm_token *prompt, size_t n_tokens, int32_t first_index,
                        const llm_generate_options *o) {
    llmi_job_desc desc = {
        .kind = LLMI_JOB_GENERATE,
        .prompt = prompt,
        .n_prompt = n_tokens,
        .n = o->n,
        .first_index = first_index,
        .max_tokens = o->max_tokens,
        .sampling =
            {
                .temperature = o->temperature,
                .top_k = o->top_k,
                .top_p = o->top_p,
                .min_p = o->min_p,
                .typical_p = o->typical_p,
                .repetition_penalty = o->repetition_penalty,
                .presence_penalty = o->presence_penalty,
                .frequency_penalty = o->frequency_penalty,
                .penalty_window = o->penalty_window,
                .seed = o->seed,
                .bias = o->logit_bias,
                .n_bias = o->n_logit_bias,
            },
        .masks = r->matchers.masks,
        .n_logprobs = o->n_logprobs,
        .sink = &sink,
        .sink_user = r,
    };
    atomic_store(&r->n_open, o->n);
    return llmi_job_submit(&r->job, r->engine->inner, &desc);
}

llm_status llmi_request_submit(llm_request **out, llm_engine *engine, const llm_token *prompt, size_t n_tokens,
                               int32_t first_index, const llm_generate_options *options) {
    llm_status status = llmi_engine_here(engine->inner, "llm_request_submit");
    if (status == LLM_OK) status = check_options(engine, options);
    if (status != LLM_OK) return status;
    const llm_allocator *a = llmi_serve_memory(engine);
    llm_request *r = llmi_alloc_zero(a, sizeof *r);
    if (!r) return LLM_E_MEMORY;
    llmi_serve_engine_ref(engine);
    r->engine = engine;
    r->tokenizer = engine->model->tokenizer;
    r->ignore_eos = options->ignore_eos != 0;
    r->n_logprobs = options->n_logprobs;
    llmi_buf_init(&r->events, a);
    llmi_buf_init(&r->shown, a);
    llmi_buf_init(&r->shown_top, a);
    pthread_mutex_init(&r->lock, NULL);
    status = prepare(r, has_text(r->tokenizer, prompt, n_tokens), options);
    if (status == LLM_OK) status = start(r, prompt, n_tokens, first_index, options);
    if (status != LLM_OK) {
        request_free(r);
        return status;
    }
    llmi_serve_enlist(engine, r);
    *out = r;
    return LLM_OK;
}

/* The first control token that the text spells; LLM_TOKEN_NONE if there is none. Nearly all begin with "<" or "[", or
 * are not ASCII: other texts are not looked at. */
static llm_status find_mark(llm_token *out, const llm_engine *e, llm_span text) {
    llmi_buf ids;
    llm_status status = LLM_OK;
    bool may = false;
    *out = LLM_TOKEN_NONE;
    for (size_t i = 0; i < text.len && !may; i++)
        may = text.ptr[i] == '<' || text.ptr[i] == '[' || (unsigned char)text.ptr[i] >= 0x80;
    llmi_buf_init(&ids, llmi_serve_memory(e));
    if (may) status = llmi_serve_encode(&ids, e, text, LLM_ENCODE_PARSE_SPECIAL);
    for (size_t i = 0; i < llmi_buf_count(&ids, llm_token) && *out == LLM_TOKEN_NONE; i++) {
        llm_span spelling;
        int32_t type = 0;
        llm_token id = llmi_buf_at(&ids, llm_token, i);
        llmi_tokenizer_token(e->model->tokenizer, id, &spelling, &type, NULL);
        bool spelled =
            spelling.len && spelling.len <= text.len && memmem(text.ptr, text.len, spelling.ptr, spelling.len);
        if (type == LLM_TOKEN_CONTROL && spelled) *out = id;
    }
    llmi_buf_free(&ids);
    return status;
}

/* Says what was read as characters although it is probably meant as tokens. */
static llm_status warn_of_mark(llm_request *r, llm_token mark) {
    llm_span spelling;
    char quoted[64];
    llmi_tokenizer_token(r->tokenizer, mark, &spelling, NULL, NULL);
    llmi_quote(quoted, sizeof quoted, spelling.ptr, spelling.len);
    bool ok =
        llmi_buf_printf(&r->result->warning,
                        "the prompt spells the token \"%s\", which is read as characters: generate from the ids of "
                        "a rendering (llm_chat_apply), or set parse_special",
                        quoted);
    if (ok)
        llmi_log_write(llmi_runtime_log(r->engine->model->runtime), LLM_LOG_WARNING, "%.*s",
                       (int)r->result->warning.len, r->result->warning.data);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

llm_status llmi_request_submit_text(llm_request **out, llm_engine *engine, llm_span prompt,
                                    const llm_generate_options *options) {
    llmi_buf ids;
    uint32_t flags =
        (options->add_special ? LLM_ENCODE_ADD_SPECIAL : 0) | (options->parse_special ? LLM_ENCODE_PARSE_SPECIAL : 0);
    llm_token mark = LLM_TOKEN_NONE;
    llmi_buf_init(&ids, llmi_serve_memory(engine));
    llm_status status = llmi_serve_encode(&ids, engine, prompt, flags);
    if (status == LLM_OK && !options->parse_special) status = find_mark(&mark, engine, prompt);
    if (status == LLM_OK)
        status = llmi_request_submit(out, engine, (const llm_token *)(void *)ids.data, llmi_buf_count(&ids, llm_token),
                                     0, options);
    llmi_buf_free(&ids);
    if (status != LLM_OK || mark == LLM_TOKEN_NONE) return status;
    status = warn_of_mark(*out, mark);
    if (status == LLM_OK) return status;
    llm_request_destroy(*out);
    *out = NULL;
    return status;
}

LLM_API llm_status llm_request_submit(llm_request **out, llm_engine *engine, const char *prompt, size_t n_bytes,
                                      const llm_generate_options *options) {
    LLMI_FP_SCOPE();
    llm_generate_options o;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_TEXT(prompt, n_bytes);
    llm_status status = llmi_options_get(&o, "generate", options);
    llm_span text = {prompt, n_bytes};
    return status == LLM_OK ? llmi_request_submit_text(out, engine, text, &o) : status;
}

LLM_API llm_status llm_request_submit_tokens(llm_request **out, llm_engine *engine, const llm_token *prompt,
                                             size_t n_tokens, const llm_generate_options *options) {
    LLMI_FP_SCOPE();
    llm_generate_options o;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_ARRAY(prompt, n_tokens);
    llm_status status = llmi_options_get(&o, "generate", options);
    return status == LLM_OK ? llmi_request_submit(out, engine, prompt, n_tokens, 0, &o) : status;
}

/* ---- taking ---- */

/* Copies the text out, because the completion's may move as it grows. */
static int32_t take_event(llm_event *out, llm_request *r) {
    if (r->n_taken == llmi_buf_count(&r->events, waiting_event)) return 0;
    const waiting_event *event = &llmi_buf_at(&r->events, waiting_event, r->n_taken);
    size_t n = event->text_end - event->text_begin;
    r->shown.len = 0;
    if (n && !llmi_buf_append(&r->shown, r->result->items[event->index].text.data + event->text_begin, n))
        return LLM_E_MEMORY;
    *out = (llm_event){
        .index = event->index,
        .token = event->token,
        .text = {n ? r->shown.data : "", n},
        .finish = event->finish,
        .n_tokens = event->n_tokens,
    };
    if (++r->n_taken == llmi_buf_count(&r->events, waiting_event)) r->events.len = r->n_taken = 0;
    return 1;
}

LLM_API int32_t llm_request_next(llm_event *out, llm_request *request) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(request);
    LLMI_HERE(request->engine->inner);
    pthread_mutex_lock(&request->lock);
    int32_t got = take_event(out, request);
    pthread_mutex_unlock(&request->lock);
    return got;
}

/* Copies the alternatives out, as take_event does with a text. */
static llm_status read_logprob(float *logprob, llm_request *r, int32_t index, int32_t place) {
    const llmi_result_item *item = &r->result->items[index];
    size_t n = llmi_buf_count(&item->logprobs, float), n_bytes = r->result->n_top * sizeof(llm_token_logprob);
    if (place < 0 || (size_t)place >= n)
        return llmi_error(LLM_E_ARGUMENT, "llm_request_logprob: place is %d, expected one of the %zu tokens so far",
                          place, n);
    *logprob = llmi_buf_at(&item->logprobs, float, place);
    r->shown_top.len = 0;
    bool ok = !n_bytes || llmi_buf_append(&r->shown_top, item->top.data + (size_t)place * n_bytes, n_bytes);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

LLM_API llm_status llm_request_logprob(float *logprob, const llm_token_logprob **top, size_t *n_top,
                                       llm_request *request, int32_t index, int32_t place) {
    llmi_error_clear();
    LLMI_NOT_NULL(logprob);
    LLMI_NOT_NULL(top);
    LLMI_NOT_NULL(n_top);
    *logprob = 0;
    *top = NULL;
    *n_top = 0;
    LLMI_NOT_NULL(request);
    if (request->n_logprobs < 0)
        return llmi_error(LLM_E_STATE, "llm_request_logprob: the request has n_logprobs %d, expected 0 or more",
                          request->n_logprobs);
    if (index < 0 || index >= request->result->n_items)
        return llmi_error(LLM_E_ARGUMENT, "llm_request_logprob: index is %d, expected 0..%d", index,
                          request->result->n_items - 1);
    pthread_mutex_lock(&request->lock);
    llm_status status = read_logprob(logprob, request, index, place);
    pthread_mutex_unlock(&request->lock);
    if (status != LLM_OK) return status;
    *top = (const llm_token_logprob *)(const void *)request->shown_top.data;
    *n_top = request->shown_top.len / sizeof(llm_token_logprob);
    return LLM_OK;
}

LLM_API int32_t llm_request_done(const llm_request *request) {
    llmi_error_clear();
    return request ? atomic_load_explicit(&request->n_open, memory_order_acquire) == 0 : 0;
}

/* Nothing but the store: this may run in a signal handler. */
LLM_API void llm_request_cancel(llm_request *request) {
    if (request) llmi_job_cancel(request->job);
}

LLM_API llm_status llm_request_status(const llm_request *request) {
    llmi_error_clear();
    LLMI_NOT_NULL(request);
    LLMI_HERE(request->engine->inner);
    llm_request *r = (llm_request *)request; /* for its lock */
    pthread_mutex_lock(&r->lock);
    llmi_error_copy failure = r->failure;
    pthread_mutex_unlock(&r->lock);
    return failure.status == LLM_OK ? LLM_OK : llmi_error_restore(&failure);
}

static void fill_stats(llm_request *r) {
    llmi_job_stats job;
    llm_result_stats *stats = &r->result->stats;
    llmi_job_stats_get(&job, r->job);
    stats->n_prompt_tokens = job.n_prompt_tokens;
    stats->n_cached_tokens = job.n_cached_tokens;
    stats->queue_ms = job.queue_ms;
    stats->prompt_ms = job.prompt_ms;
    stats->decode_ms = job.decode_ms;
    for (int32_t i = 0; i < r->result->n_items; i++)
        stats->n_tokens += (int32_t)llmi_buf_count(&r->result->items[i].tokens, llm_token);
    r->has_stats = true;
}

LLM_API llm_status llm_request_result(llm_result **out, llm_request *request) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(request);
    LLMI_HERE(request->engine->inner);
    int32_t n_open = atomic_load_explicit(&request->n_open, memory_order_acquire);
    if (n_open)
        return llmi_error(LLM_E_STATE, "llm_request_result: %d of %d completions have not ended", n_open,
                          request->result->n_items);
    pthread_mutex_lock(&request->lock);
    if (!request->has_stats) fill_stats(request);
    pthread_mutex_unlock(&request->lock);
    *out = llm_result_ref(request->result);
    return LLM_OK;
}

LLM_API void llm_request_destroy(llm_request *request) {
    if (!request || !llmi_engine_is_here(request->engine->inner)) return;
    llmi_serve_delist(request->engine, request);
    llmi_job_destroy(request->job);
    request_free(request);
}
