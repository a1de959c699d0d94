/* Choosing the next token from a row of logits: see llm/sampler.h for the stages. */
#ifndef LLMI_ENGINE_SAMPLER_SAMPLER_H
#define LLMI_ENGINE_SAMPLER_SAMPLER_H

#include <stdbool.h>

#include <llm/sampler.h>
#include <llm/status.h>

typedef struct llmi_sampler_options {
    float temperature;
    int32_t top_k;
    float top_p, min_p, typical_p;
    float repetition_penalty, presence_penalty, frequency_penalty;
    int32_t penalty_window;
    uint64_t seed;
    const llm_logit_bias *bias;
    size_t n_bias;
} llmi_sampler_options;

/* Errors name the member, the value found and the range. n_vocab bounds the bias ids. */
llm_status llmi_sampler_options_check(const llmi_sampler_options *s, int32_t n_vocab);

/* Scratch for one row of n_vocab logits; reused from step to step, no allocation after creation. */
typedef struct llmi_sampler llmi_sampler;
llm_status llmi_sampler_create(llmi_sampler **out, const llm_allocator *a, int32_t n_vocab);
void llmi_sampler_destroy(llmi_sampler *s);
size_t llmi_sampler_bytes(int32_t n_vocab);

/* Something that forbids tokens (a grammar): clears the bit of each forbidden token in a bit set of
 * n_vocab bits, and is told each chosen token. */
typedef struct llmi_sampler_mask {
    void *user;
    llm_status (*mask)(void *user, uint64_t *allowed, int32_t n_vocab);
    llm_status (*accept)(void *user, llm_token token);
} llmi_sampler_mask;

/* Draws for `position` (number of tokens before the new one) of completion `index`. logits [n_vocab] is not
 * changed. history: the sequence's tokens so far. LLM_E_NUMERIC if a logit is NaN or all are -inf. */
llm_status llmi_sampler_draw(llm_token *out, llmi_sampler *s, const llmi_sampler_options *how,
                             const llmi_sampler_mask *mask, const float *logits, const llm_token *history,
                             size_t n_history, int32_t index);

/* Log-probability of `token` and the n_top most probable tokens under the unmodified logits; ties by lowest id. */
llm_status llmi_sampler_logprobs(float *logprob, llm_token_logprob *top, int32_t n_top, llmi_sampler *s,
                                 const float *logits, llm_token token);

#endif
