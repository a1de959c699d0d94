/* What llm_ask found: the getters of llm/reason.h, and all of it as JSON. */
#include <string.h>

#include "api/check.h"
#include "base/alloc.h"
#include "prompt/reason.h"
#include "runtime/runtime.h"

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
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_sample, score), "llm_sample");
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
    llmi_api_write_out(out, &full, sizeof full);
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
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_result_stats, decode_ms), "llm_result_stats");
    if (status == LLM_OK) llmi_api_write_out(out, &answer->stats, sizeof answer->stats);
    return status;
}

LLM_API llm_status llm_answer_json(llm_span *out, const llm_answer *answer) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(answer);
    *out = span_of(&answer->json);
    return LLM_OK;
}

/* ---- JSON ---- */

static const char *const STAGES[] = {"answer", "reasoning", "decompose", "step"};

static void put_text(llmi_json_writer *w, const char *key, llm_span text) {
    llmi_json_key(w, key);
    llmi_json_put_string(w, text);
}

static void put_name(llmi_json_writer *w, const char *key, const char *name) {
    put_text(w, key, (llm_span){name, strlen(name)});
}

static void put_int(llmi_json_writer *w, const char *key, int64_t value) {
    llmi_json_key(w, key);
    llmi_json_put_int(w, value);
}

static void put_answer(llmi_json_writer *w, bool found, llm_span text) {
    llmi_json_key(w, "answer");
    if (found)
        llmi_json_put_string(w, text);
    else
        llmi_json_put_null(w);
}

static void write_sample(llmi_json_writer *w, const llmi_sample *s) {
    llmi_json_begin(w, '{');
    put_name(w, "stage", STAGES[s->stage]);
    put_int(w, "parent", s->parent);
    put_text(w, "text", span_of(&s->text));
    llmi_json_key(w, "tokens");
    llmi_json_begin(w, '[');
    for (size_t i = 0; i < llmi_buf_count(&s->tokens, llm_token); i++)
        llmi_json_put_int(w, llmi_buf_at(&s->tokens, llm_token, i));
    llmi_json_end(w, ']');
    put_answer(w, s->has_answer, span_of(&s->answer));
    llmi_json_key(w, "logprob");
    llmi_json_put_double(w, s->logprob);
    llmi_json_key(w, "score");
    llmi_json_put_double(w, s->score);
    put_name(w, "finish", llm_finish_name(s->finish));
    llmi_json_end(w, '}');
}

static void write_vote(llmi_json_writer *w, const llm_vote *v) {
    llmi_json_begin(w, '{');
    put_text(w, "answer", v->answer);
    put_int(w, "n", v->n_votes);
    put_int(w, "first", v->first);
    llmi_json_end(w, '}');
}

static void write_usage(llmi_json_writer *w, const llm_result_stats *u) {
    llmi_json_begin(w, '{');
    put_int(w, "prompt", u->n_prompt_tokens);
    put_int(w, "cached", u->n_cached_tokens);
    put_int(w, "generated", u->n_tokens);
    llmi_json_end(w, '}');
}

llm_status llmi_answer_write_json(llm_answer *answer) {
    size_t n_votes = llmi_buf_count(&answer->votes, llm_vote);
    const llm_vote *votes = (const llm_vote *)(void *)answer->votes.data;
    llmi_json_writer w = llmi_json_writer_to(&answer->json);
    llmi_json_begin(&w, '{');
    put_answer(&w, n_votes > 0, n_votes ? votes[0].answer : (llm_span){0});
    llmi_json_key(&w, "votes");
    llmi_json_begin(&w, '[');
    for (size_t i = 0; i < n_votes; i++) write_vote(&w, &votes[i]);
    llmi_json_end(&w, ']');
    llmi_json_key(&w, "samples");
    llmi_json_begin(&w, '[');
    for (size_t i = 0; i < llmi_buf_count(&answer->samples, llmi_sample); i++)
        write_sample(&w, llmi_sample_at(answer, i));
    llmi_json_end(&w, ']');
    llmi_json_key(&w, "usage");
    write_usage(&w, &answer->stats);
    llmi_json_key(&w, "prompt");
    llmi_prompt_filled_write(&w, answer->filled);
    llmi_json_end(&w, '}');
    return w.failed ? LLM_E_MEMORY : LLM_OK;
}
