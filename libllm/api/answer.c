/* What llm_ask found: the getters of llm/reason.h, and all of it as JSON. */
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "api/reason.h"
#include "base/alloc.h"
#include "runtime/runtime.h"
#include "text/utf8.h"

llm_status llmi_answer_create(llm_answer **out, llm_runtime *rt) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    llm_answer *answer = llmi_alloc_zero(a, sizeof *answer);
    if (!answer) return LLM_E_MEMORY;
    answer->runtime = llm_runtime_ref(rt);
    llmi_buf_init(&answer->samples, a);
    llmi_buf_init(&answer->votes, a);
    llmi_buf_init(&answer->json, a);
    *out = answer;
    return LLM_OK;
}

LLM_API void llm_answer_destroy(llm_answer *answer) {
    if (!answer) return;
    llm_runtime *rt = answer->runtime;
    for (size_t i = 0; i < llmi_buf_count(&answer->samples, llmi_sample); i++) {
        llmi_sample *s = llmi_sample_at(answer, i);
        llmi_buf_free(&s->text);
        llmi_buf_free(&s->prompt);
        llmi_buf_free(&s->tokens);
        llmi_buf_free(&s->answer);
        llmi_buf_free(&s->key);
    }
    llmi_buf_free(&answer->samples);
    llmi_buf_free(&answer->votes);
    llmi_buf_free(&answer->json);
    llm_filled_destroy(answer->filled);
    llmi_free(llmi_runtime_allocator(rt), answer, sizeof *answer);
    llm_runtime_unref(rt);
}

/* ---- reading ---- */

static llm_span span_of(const llmi_buf *b) {
    return (llm_span){b->len ? b->data : "", b->len};
}

LLM_API llm_status llm_answer_text(llm_span *out, const llm_answer *answer) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(answer);
    *out = (llm_span){0};
    if (!answer->votes.len)
        return llmi_error(LLM_E_NOT_FOUND, "none of %zu samples has an answer",
                          llmi_buf_count(&answer->samples, llmi_sample));
    *out = llmi_buf_at(&answer->votes, llm_vote, 0).answer;
    return LLM_OK;
}

LLM_API int32_t llm_answer_sample_count(const llm_answer *answer) {
    llmi_error_clear();
    return answer ? (int32_t)llmi_buf_count(&answer->samples, llmi_sample) : 0;
}

LLM_API llm_status llm_answer_sample(llm_sample *out, const llm_answer *answer, int32_t index) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(answer);
    llm_status status = llmi_check_out(out, LLMI_UPTO(llm_sample, score), "llm_sample");
    if (status != LLM_OK) return status;
    int32_t n = (int32_t)llmi_buf_count(&answer->samples, llmi_sample);
    if (index < 0 || index >= n)
        return llmi_error(LLM_E_ARGUMENT, "llm_answer_sample: index is %d, expected 0..%d", index, n - 1);
    const llmi_sample *s = llmi_sample_at(answer, (size_t)index);
    llm_sample full = {
        .stage = s->stage,
        .parent = s->parent,
        .finish = s->finish,
        .text = span_of(&s->text),
        .answer = s->has_answer ? span_of(&s->answer) : (llm_span){0},
        .tokens = (const llm_token *)(const void *)s->tokens.data,
        .n_tokens = llmi_buf_count(&s->tokens, llm_token),
        .logprob = s->logprob,
        .score = s->score,
    };
    llmi_write_out(out, &full, sizeof full);
    return LLM_OK;
}

LLM_API int32_t llm_answer_vote_count(const llm_answer *answer) {
    llmi_error_clear();
    return answer ? (int32_t)llmi_buf_count(&answer->votes, llm_vote) : 0;
}

LLM_API llm_status llm_answer_vote(llm_vote *out, const llm_answer *answer, int32_t index) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(answer);
    int32_t n = (int32_t)llmi_buf_count(&answer->votes, llm_vote);
    if (index < 0 || index >= n)
        return llmi_error(LLM_E_ARGUMENT, "llm_answer_vote: index is %d, expected 0..%d", index, n - 1);
    *out = llmi_buf_at(&answer->votes, llm_vote, index);
    return LLM_OK;
}

LLM_API const llm_filled *llm_answer_filled(const llm_answer *answer) {
    llmi_error_clear();
    return answer ? answer->filled : NULL;
}

LLM_API llm_status llm_answer_get_stats(llm_result_stats *out, const llm_answer *answer) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(answer);
    llm_status status = llmi_check_out(out, LLMI_UPTO(llm_result_stats, decode_ms), "llm_result_stats");
    if (status == LLM_OK) llmi_write_out(out, &answer->stats, sizeof answer->stats);
    return status;
}

LLM_API llm_status llm_answer_json(llm_span *out, const llm_answer *answer) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(answer);
    *out = span_of(&answer->json);
    return LLM_OK;
}

/* ---- JSON; NULL where memory ran out ---- */

static const char *const STAGES[] = {"answer", "reasoning", "decompose", "step"};

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *ids_json(const llmi_buf *ids) {
    json_t *list = json_array();
    for (size_t i = 0; i < llmi_buf_count(ids, llm_token); i++)
        if (json_array_append_new(list, json_integer(llmi_buf_at(ids, llm_token, i)))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *text_json(llm_span text) {
    return json_stringn(text.ptr, text.len);
}

static json_t *sample_json(const llmi_sample *s) {
    return json_pack("{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:s}", "stage", STAGES[s->stage], "parent", s->parent, "text",
                     text_json(span_of(&s->text)), "tokens", ids_json(&s->tokens), "answer",
                     s->has_answer ? text_json(span_of(&s->answer)) : json_null(), "logprob", number(s->logprob),
                     "score", number(s->score), "finish", llm_finish_name(s->finish));
}

static json_t *samples_json(const llm_answer *answer) {
    json_t *list = json_array();
    for (size_t i = 0; i < llmi_buf_count(&answer->samples, llmi_sample); i++)
        if (json_array_append_new(list, sample_json(llmi_sample_at(answer, i)))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *votes_json(const llm_answer *answer) {
    json_t *list = json_array();
    for (size_t i = 0; i < llmi_buf_count(&answer->votes, llm_vote); i++) {
        llm_vote v = llmi_buf_at(&answer->votes, llm_vote, i);
        json_t *one = json_pack("{s:o,s:i,s:i}", "answer", text_json(v.answer), "n", v.n_votes, "first", v.first);
        if (json_array_append_new(list, one)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

llm_status llmi_answer_write_json(llm_answer *answer) {
    const llm_result_stats *u = &answer->stats;
    json_t *text = answer->votes.len ? text_json(llmi_buf_at(&answer->votes, llm_vote, 0).answer) : json_null();
    json_t *whole = json_pack("{s:o,s:o,s:o,s:{s:i,s:i,s:i},s:o}", "answer", text, "votes", votes_json(answer),
                              "samples", samples_json(answer), "usage", "prompt", u->n_prompt_tokens, "cached",
                              u->n_cached_tokens, "generated", u->n_tokens, "prompt", llmi_filled_json(answer->filled));
    return llmi_prompt_write_json(&answer->json, whole);
}
