/* The settings of a draw. */
#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/status.h"
#include "base/text.h"
#include "engine/sampler/sampler.h"

static llm_status check_bias(const llm_logit_bias *bias, size_t n, int32_t n_vocab) {
    for (size_t i = 0; i < n; i++) {
        if (bias[i].token < 0 || bias[i].token >= n_vocab)
            return llmi_error(LLM_E_ARGUMENT, "logit_bias[%zu].token is %" PRId32 ", expected 0..%" PRId32, i,
                              bias[i].token, n_vocab - 1);
        if (!(bias[i].bias < INFINITY))
            return llmi_error(LLM_E_ARGUMENT,
                              "logit_bias[%zu].bias of token %" PRId32 " is %s, expected a number or "
                              "-infinity",
                              i, bias[i].token, bias[i].bias > 0 ? "infinite" : "not a number");
    }
    return LLM_OK;
}

static llm_status check_integer(const char *name, int32_t value, int32_t least) {
    if (value >= least) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "%s is %" PRId32 ", expected %" PRId32 "..%" PRId32, name, value, least,
                      INT32_MAX);
}

llm_status llmi_sampler_options_check(const llmi_sampler_options *s, int32_t n_vocab) {
    const struct {
        const char *name;
        float value;
        bool fits; /* false for NaN */
        const char *expected;
    } rows[] = {
        {"temperature", s->temperature, s->temperature >= 0 && s->temperature <= FLT_MAX, "a number from 0"},
        {"top_p", s->top_p, s->top_p > 0 && s->top_p <= 1, "above 0, at most 1"},
        {"min_p", s->min_p, s->min_p >= 0 && s->min_p <= 1, "0..1"},
        {"typical_p", s->typical_p, s->typical_p > 0 && s->typical_p <= 1, "above 0, at most 1"},
        {"repetition_penalty", s->repetition_penalty, s->repetition_penalty > 0 && s->repetition_penalty <= FLT_MAX,
         "a number above 0"},
        {"presence_penalty", s->presence_penalty, fabsf(s->presence_penalty) <= FLT_MAX, "a finite number"},
        {"frequency_penalty", s->frequency_penalty, fabsf(s->frequency_penalty) <= FLT_MAX, "a finite number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char number[LLMI_NUMBER_BYTES];
        if (!rows[i].fits)
            return llmi_error(LLM_E_ARGUMENT, "%s is %s, expected %s", rows[i].name,
                              llmi_number_f32(number, rows[i].value), rows[i].expected);
    }
    llm_status status = check_integer("top_k", s->top_k, 0);
    if (status == LLM_OK) status = check_integer("penalty_window", s->penalty_window, -1);
    return status == LLM_OK ? check_bias(s->bias, s->n_bias, n_vocab) : status;
}
