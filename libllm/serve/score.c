/* llm_score: log-probabilities of given continuations. */
#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "base/text.h"
#include "base/utf8.h"
#include "serve/jobs.h"
#include "serve/result.h"
#include "unicode/categories.h"

typedef struct scoring {
    llmi_jobs jobs;
    llm_result *result;
    uint32_t flags;    /* of encoding, without LLM_ENCODE_ADD_SPECIAL */
    llmi_buf prefix;   /* llm_token: what the model puts before a text */
    llmi_buf together; /* prompt and continuation as one text */
    llmi_buf ids;      /* scratch */
    int32_t n_logprobs;
} scoring;

static size_t count(const llmi_buf *ids) {
    return llmi_buf_count(ids, llm_token);
}

/* What ADD_SPECIAL puts before a text, seen on a short one. What it puts after a text would come between prompt and
 * continuation, or be scored, so it is left out. */
static llm_status find_prefix(scoring *s, const llm_engine *e) {
    llm_span sample = {"a", 1};
    llm_status status = llmi_serve_encode(&s->ids, e, sample, 0);
    if (status == LLM_OK) status = llmi_serve_encode(&s->prefix, e, sample, LLM_ENCODE_ADD_SPECIAL);
    if (status != LLM_OK) return status;
    const llm_token *bare = (const llm_token *)(const void *)s->ids.data;
    const llm_token *whole = (const llm_token *)(const void *)s->prefix.data;
    size_t n_bare = count(&s->ids), n = 0;
    while (n + n_bare < count(&s->prefix) && memcmp(whole + n, bare, n_bare * sizeof *bare) != 0) n++;
    s->prefix.len = n * sizeof *whole;
    return LLM_OK;
}

/* The text without white space at its end, which counts as part of the continuation: a tokenizer joins it with the word
 * that follows ("is " + "blue" has the tokens of "is" + " blue"). */
static llm_span without_space(llm_span text) {
    for (size_t at = text.len; at > 0; text.len = at) {
        size_t used;
        while (at > 0 && ((unsigned char)text.ptr[--at] & 0xc0) == 0x80) {
        }
        uint32_t c = llmi_utf8_decode(text.ptr + at, text.len - at, &used);
        if (c == LLMI_UTF8_INVALID || !(llmi_unicode_class(c) & LLMI_SPACE)) break;
    }
    return text;
}

/* What would be scored as certain without a look at the model. */
static llm_status nothing_to_score(const llm_score_item *item, size_t n_whole, size_t n_prompt) {
    if (!item->continuation.len) return llmi_error(LLM_E_ARGUMENT, "the continuation is empty");
    const char *text = LLMI_QUOTE(item->continuation.ptr, item->continuation.len);
    if (n_prompt)
        return llmi_error(LLM_E_ARGUMENT,
                          "the continuation \"%s\" has no token of its own: with the prompt it has %zu, the prompt "
                          "alone has %zu",
                          text, n_whole, n_prompt);
    return llmi_error(LLM_E_ARGUMENT,
                      "the continuation \"%s\" is one token with nothing before it: the prompt is empty and the model "
                      "has no token that begins a text",
                      text);
}

static llm_status add_item(scoring *s, const llm_engine *e, const llm_score_item *item) {
    llmi_jobs *b = &s->jobs;
    size_t begin = count(&b->ids);
    s->together.len = s->ids.len = 0;
    if (!llmi_buf_append(&s->together, item->prompt.ptr, item->prompt.len) ||
        !llmi_buf_append(&s->together, item->continuation.ptr, item->continuation.len) ||
        !llmi_buf_append(&b->ids, s->prefix.data, s->prefix.len))
        return LLM_E_MEMORY;
    llm_status status = llmi_serve_encode(&s->ids, e, without_space(item->prompt), s->flags);
    if (status == LLM_OK)
        status = llmi_serve_encode(&b->ids, e, (llm_span){s->together.data, s->together.len}, s->flags);
    if (status != LLM_OK) return status;
    size_t from = count(&s->prefix) + count(&s->ids), n = count(&b->ids) - begin;
    if (!from) from = 1; /* the first token of all has nothing before it */
    if (!item->continuation.len || from >= n) return nothing_to_score(item, n - count(&s->prefix), count(&s->ids));
    return llmi_jobs_add(b, begin, from);
}

static llm_status add_items(scoring *s, const llm_engine *e, const llm_score_item *items, size_t n_items) {
    for (size_t i = 0; i < n_items; i++) {
        llm_score_item item = items[i];
        llm_status status = llmi_api_check_span(&item.prompt);
        if (status == LLM_OK) status = llmi_api_check_span(&item.continuation);
        if (status == LLM_OK) status = add_item(s, e, &item);
        if (status != LLM_OK) return llmi_error_in(status, "item %zu", i);
        if (!llmi_buf_append(&s->result->items[i].text, item.continuation.ptr, item.continuation.len))
            return LLM_E_MEMORY;
        s->result->items[i].finish = LLM_FINISH_LENGTH;
    }
    return LLM_OK;
}

static llm_status on_token(void *user, size_t item, llm_token token, float logprob, const llm_token_logprob *top,
                           int32_t n_top) {
    scoring *s = user;
    return llmi_result_add(&s->result->items[item], token, s->n_logprobs, logprob, top, n_top);
}

static llm_status score(scoring *s, llm_engine *e, const llm_score_item *items, size_t n_items,
                        const llm_generate_options *o) {
    llm_status status = llmi_result_create(&s->result, e->model->runtime, n_items);
    if (status != LLM_OK) return status;
    s->result->n_top = (size_t)s->n_logprobs;
    if (o->add_special) status = find_prefix(s, e);
    if (status == LLM_OK) status = add_items(s, e, items, n_items);
    if (status == LLM_OK) status = llmi_jobs_run(&s->jobs);
    const llmi_job_stats *sum = &s->jobs.stats;
    s->result->stats = (llm_result_stats){
        .n_prompt_tokens = sum->n_prompt_tokens,
        .n_cached_tokens = sum->n_cached_tokens,
        .n_tokens = sum->n_tokens,
        .prompt_ms = sum->prompt_ms,
    };
    return status;
}

static llm_status begin(llm_engine *e, const llm_generate_options *o) {
    const llm_tokenizer *tokenizer;
    llm_status status = llmi_serve_tokenizer(&tokenizer, e);
    if (status != LLM_OK) return status;
    int32_t n_vocab = e->model->hp.n_vocab;
    if (o->n_logprobs > n_vocab)
        return llmi_error(LLM_E_ARGUMENT, "n_logprobs is %d, expected at most %d, the size of the vocabulary",
                          o->n_logprobs, n_vocab);
    return llmi_serve_begin(e, "llm_score");
}

LLM_API llm_status llm_score(llm_result **out, llm_engine *engine, const llm_score_item *items, size_t n_items,
                             const llm_generate_options *options) {
    LLMI_FP_SCOPE();
    llm_generate_options o;
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_ARRAY(items, n_items);
    llm_status status = llmi_options_get(&o, "generate", options);
    if (status == LLM_OK) status = begin(engine, &o);
    if (status != LLM_OK) return status;

    const llm_allocator *a = llmi_serve_memory(engine);
    scoring s = {
        .n_logprobs = o.n_logprobs > 0 ? o.n_logprobs : 0,
        .flags = o.parse_special ? LLM_ENCODE_PARSE_SPECIAL : 0,
    };
    llmi_jobs_init(&s.jobs, engine, LLMI_JOB_SCORE);
    s.jobs.n_logprobs = s.n_logprobs;
    s.jobs.token = on_token;
    s.jobs.user = &s;
    llmi_buf_init(&s.prefix, a);
    llmi_buf_init(&s.together, a);
    llmi_buf_init(&s.ids, a);
    status = score(&s, engine, items, n_items, &o);
    llmi_serve_end(engine);
    llmi_buf_free(&s.prefix);
    llmi_buf_free(&s.together);
    llmi_buf_free(&s.ids);
    llmi_jobs_free(&s.jobs);
    if (status == LLM_OK)
        *out = s.result;
    else
        llm_result_unref(s.result);
    return status;
}
