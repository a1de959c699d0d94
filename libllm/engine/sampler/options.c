/* The settings of a draw. */
#include <inttypes.h>
#include <math.h>

#include "base/option_table.h"
#include "base/status.h"
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

llm_status llmi_sampler_options_check(const llmi_sampler_options *s, int32_t n_vocab) {
    const struct {
        const char *name;
        const void *member;
    } rows[] = {
        {"temperature", &s->temperature},
        {"top_k", &s->top_k},
        {"top_p", &s->top_p},
        {"min_p", &s->min_p},
        {"typical_p", &s->typical_p},
        {"repetition_penalty", &s->repetition_penalty},
        {"presence_penalty", &s->presence_penalty},
        {"frequency_penalty", &s->frequency_penalty},
        {"penalty_window", &s->penalty_window},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        llm_status status = llmi_option_check_member("generate", rows[i].name, rows[i].member);
        if (status != LLM_OK) return status;
    }
    return check_bias(s->bias, s->n_bias, n_vocab);
}
