/* libllm: how the next token is chosen from a row of logits.
 *
 * The stages, in this order; each is skipped at its neutral value:
 *   logit bias -> repetition, presence and frequency penalties -> temperature -> top-k
 *   -> typical -> top-p -> min-p -> draw.
 * temperature 0 takes the largest logit, ties go to the lowest id. A draw uses the Philox4x32-10
 * counter generator (Salmon et al., 2011) keyed by (seed, completion index) at the token's
 * position, so it depends on nothing else that runs. */
#ifndef LLM_SAMPLER_H
#define LLM_SAMPLER_H

#include <llm/types.h>

LLM_BEGIN_DECLS

/* Added to one token's logit before everything else; -INFINITY bans it. Frozen layout. */
typedef struct llm_logit_bias {
    llm_token token;
    float bias;
} llm_logit_bias;

/* A token with its log-probability: natural logarithm of the softmax of the unmodified
 * logits. Frozen layout. */
typedef struct llm_token_logprob {
    llm_token token;
    float logprob;
} llm_token_logprob;

/* Members of llm_generate_options (engine.h) that the sampler reads, and what they mean:
 *   temperature         >= 0; divides the logits; 0: greedy (default)
 *   top_k               keep the k most probable; 0: all (default)
 *   top_p               (0,1]; keep the smallest set whose probability reaches p (Holtzman et al., 2020); 1: all
 *   min_p               [0,1]; drop tokens below min_p times the largest probability; 0: none
 *   typical_p           (0,1]; locally typical sampling (Meister et al., 2023); 1: all
 *   repetition_penalty  > 0; divides positive, multiplies negative logits of seen tokens (Keskar et al., 2019); 1: none
 *   presence_penalty    subtracted once from each seen token; 0: none
 *   frequency_penalty   subtracted once per occurrence; 0: none
 *   penalty_window      how many of the last tokens, prompt included, count as seen; -1: all, default 64
 *   seed                0..2^64-2, the same seed draws the same; or LLM_SEED_RANDOM */
#define LLM_SEED_RANDOM UINT64_MAX

LLM_END_DECLS

#endif
