/* libllm: asking a question, in one call: fill a prompt, let the model reason, find the answer, vote. */
#ifndef LLM_REASON_H
#define LLM_REASON_H

#include <llm/fewshot.h>

LLM_BEGIN_DECLS

typedef struct llm_answer llm_answer;

/* ---- finding the answer in a text ---- */

/* clang-format off */
/* Finds the answer in n_bytes (or LLM_NTS) of text and writes it to out[0..capacity-1], not NUL-terminated, by the
 * rule of llm_tokenizer_encode for *n_out and LLM_E_CAPACITY. extractor:
 *   text           all of it without spaces at the ends (also "" and NULL)
 *   number         the last number, in canonical form: 1,234.0 is 1234 (see below)
 *   letter         the last capital A..J that stands alone, or one of either case in parentheses; letter:ABCD for
 *                  other ones. "A" and "I" before a word in lower case are words, unless that is "is", "was", "and",
 *                  "or", "because" or "since"; initials (D.C.) and what an apostrophe or hyphen joins are none
 *   regex:PATTERN  the first match of a PCRE2 pattern: its first group that took part, or all of it
 *   json:FIELD     a field of the first JSON object that has it, numbers as they are spelled there. a.b is the key
 *                  "a.b", or else member b of member a; a.0 is the first item of an array
 *   after:MARKER   the rest of the line after the last MARKER, letters A to Z of either case
 * Numbers have the decimal digits of any script, also full-width ones; groups of three digits separated by a comma,
 * an apostrophe, an underscore or a no-break space, or grouped as 12,34,567; a decimal point, or a comma after groups
 * separated by points or such spaces (1.234,5; a single comma is never decimal: 3,5 are two numbers); an exponent (1e3, 1.5x10^3).
 * A minus sign (any of Unicode's) counts where nothing is before it that it could join, also before a currency sign.
 * Parentheses do not make a number negative. 50% is 50, 5th is 5, of a range 5-6 the number is 6. A fraction is its
 * value: 3/4 and \frac{3}{4} are 0.75, 1 1/2 is 1.5. What merely contains a number is skipped: 10:30, 2024-05-01,
 * 1.2.3, 2^10, \sqrt{2}, 2\pi, 0x1F, x2. Letters join digits (and letters) to words, except those of scripts
 * written without spaces (Chinese, Japanese, Korean, Thai ...). The form has digits, a point if needed and, beyond 400
 * digits, an exponent.
 * Errors: LLM_E_NOT_FOUND if there is none; LLM_E_ARGUMENT, LLM_E_FORMAT for the extractor; LLM_E_LIMIT for a pattern
 * that takes more than 1,000,000 steps and 64 for each byte of the text. Any thread. Since 0.1. */
/* clang-format on */
LLM_API llm_status llm_extract(size_t *n_out, const char *extractor, const char *text, size_t n_bytes, char *out,
                               size_t capacity);

/* The form in which answers are compared: NFKC, lower case, single spaces, no spaces, punctuation or currency signs at
 * the ends; a text that is one number as above, except fractions. The same rule for *n_out. Any thread. Since 0.1. */
LLM_API llm_status llm_normalize(size_t *n_out, const char *text, size_t n_bytes, char *out, size_t capacity);

/* ---- asking ---- */

/* Texts are NUL-terminated and borrowed during the call; NULL stands for the default. */
typedef struct llm_ask_options {
    uint32_t struct_size;       /* set by llm_ask_options_init() */
    int32_t n_samples;          /* answers that vote (self-consistency: Wang et al., 2022), 1..1024; default 1 */
    const char *cot;            /* how to reason; default "none"
                                     none           answer directly
                                     zero           think_text, then, unless the answer came, answer_text (Kojima et
                                                    al., 2022)
                                     few            examples show their rationale (Wei et al., 2022)
                                     least_to_most  into simpler questions, then one by one (Zhou et al., 2022)
                                     tree           steps proposed, judged, the best kept (Yao et al., 2023) */
    const char *extract;        /* see llm_extract; default "text" */
    const char *think_text;     /* default "Let's think step by step." */
    const char *answer_text;    /* asks for the answer, and marks it: where a text contains it, the answer is sought
                                   after it; default "The answer is" */
    const char *decompose_text; /* least_to_most; default "To answer this, we first need to answer:" */
    const char *judge_text;     /* tree, judge "verdict": asks yes or no about a step; default "Is this step right?
                                   Answer yes or no:" */
    const char *judge;          /* tree: "logprob" (default), the mean log-probability of the steps' tokens, or
                                   "verdict", that of yes against no */
    int32_t early_stop;         /* 1: end the other samples once the leading answer cannot be overtaken (default) */
    int32_t answer_tokens;      /* maximum number of tokens after answer_text, 1..; default 32 */
    int32_t step_tokens;        /* maximum number of tokens of a step or of a simpler question's answer, 1..;
                                   default 128 */
    int32_t n_thoughts;         /* tree: steps proposed from each kept one, 1..64; default 3 */
    int32_t breadth;            /* tree: kept, 1..64; default 2 */
    int32_t depth;              /* tree: steps; least_to_most: simpler questions, at most; 1..64; default 3 */
    int32_t reserved;           /* 0 */
} llm_ask_options;

LLM_API void llm_ask_options_init_sized(llm_ask_options *options, size_t n_bytes);
static inline void llm_ask_options_init(llm_ask_options *options) {
    llm_ask_options_init_sized(options, sizeof *options);
}

/* Asks. prompt, query, fill: as llm_prompt_fill; prompt NULL: the default one without examples. generate: sampling,
 * max_tokens (of reasoning), stops; its n is not read, n_samples is; its grammar constrains
 * what the answer is sought in (with zero, least_to_most and tree only what follows answer_text). With temperature 0
 * all samples are alike. More samples than the engine's n_seqs are drawn in rounds of that many, with the same samples
 * as a result. In plain text a completion also ends before what would begin the next question. Text appended to a
 * completion continues from its tokens, so that each prefix is computed once. The answer is that of most samples; ties
 * go to the one seen first. It does not depend on early_stop; whether an outvoted sample was cut short may depend on
 * what else the engine computes. The caller owns *out. Errors: as llm_prompt_fill and llm_generate; LLM_E_ARGUMENT and
 * LLM_E_FORMAT for extract; LLM_E_LIMIT if its pattern takes too many steps. One thread at a time per engine. Since
 * 0.1. */
LLM_API llm_status llm_ask(llm_answer **out, llm_engine *engine, llm_prompt *prompt, const char *query, size_t n_bytes,
                           const llm_fill_options *fill, const llm_ask_options *ask,
                           const llm_generate_options *generate);

/* ---- what it found ---- */

/* NULL is ignored. An answer never changes; what it hands out lives as long as it does. Since 0.1. */
LLM_API void llm_answer_destroy(llm_answer *answer);

/* The answer, as its first sample spelled it. Errors: LLM_E_NOT_FOUND if no sample has one. Since 0.1. */
LLM_API llm_status llm_answer_text(llm_span *out, const llm_answer *answer);

/* What a sample was for. */
enum {
    LLM_STAGE_ANSWER = 0,    /* votes if an answer is found in it */
    LLM_STAGE_REASONING = 1, /* before answer_text */
    LLM_STAGE_DECOMPOSE = 2, /* least_to_most: the list of simpler questions */
    LLM_STAGE_STEP = 3       /* tree: a thought; least_to_most: the answer of a simpler question */
};

/* One completion. */
typedef struct llm_sample {
    uint32_t struct_size; /* set by the caller: sizeof(llm_sample) */
    int32_t stage;        /* LLM_STAGE_* */
    int32_t parent;       /* the sample that it continues; -1: the prompt */
    int32_t finish;       /* LLM_FINISH_*; CANCELLED: outvoted, perhaps before it began */
    llm_span text;
    llm_span answer; /* found in it; ptr NULL: none */
    const llm_token *tokens;
    size_t n_tokens;
    double logprob; /* sum over its tokens */
    double score;   /* tree: by which steps are kept, 0 if it repeats an earlier one of its parent; otherwise 0 */
} llm_sample;

/* In the order of asking. Errors: LLM_E_ARGUMENT. Since 0.1. */
LLM_API int32_t llm_answer_sample_count(const llm_answer *answer);
LLM_API llm_status llm_answer_sample(llm_sample *out, const llm_answer *answer, int32_t index);

/* An answer with its votes. Frozen layout. */
typedef struct llm_vote {
    llm_span answer; /* as the first sample spelled it */
    int32_t n_votes;
    int32_t first; /* that sample */
} llm_vote;

/* Most votes first, ties by the first sample. Errors: LLM_E_ARGUMENT. Since 0.1. */
LLM_API int32_t llm_answer_vote_count(const llm_answer *answer);
LLM_API llm_status llm_answer_vote(llm_vote *out, const llm_answer *answer, int32_t index);

/* The filled prompt, borrowed. Since 0.1. */
LLM_API const llm_filled *llm_answer_filled(const llm_answer *answer);

/* Tokens and times, summed over all requests: of prompts, of those taken from the cache, generated and scored.
 * Embedding for the choice of examples is not in it. seed: see llm_generate_options. Since 0.1. */
LLM_API llm_status llm_answer_get_stats(llm_result_stats *out, const llm_answer *answer);

/* All of it: {"answer","votes":[{"answer","n","first"}],"samples":[{"stage","parent","text","tokens","answer",
 * "logprob","score","finish"}],"usage":{"prompt","cached","generated"},"prompt":{see llm_filled_json}}. Since 0.1. */
LLM_API llm_status llm_answer_json(llm_span *out, const llm_answer *answer);

LLM_END_DECLS

#endif
