/* One llm_ask under way: completions become samples, samples give answers, answers vote. */
#ifndef LLMI_PROMPT_REASON_H
#define LLMI_PROMPT_REASON_H

#include <llm/reason.h>

#include "prompt/extract.h"
#include "prompt/extract_marker.h"
#include "prompt/prompt.h"
#include "serve/request.h"

typedef struct llmi_sample {
    int32_t stage, parent, finish;
    bool has_answer;
    llmi_buf text;
    llmi_buf prompt, tokens; /* llm_token; prompt: of what may be gone on from */
    llmi_buf answer, key;    /* as found, and as compared */
    double logprob, score;
} llmi_sample;

struct llm_answer {
    llm_runtime *runtime; /* reference */
    llm_filled *filled;
    llmi_buf samples; /* llmi_sample */
    llmi_buf votes;   /* llm_vote */
    llmi_buf json;
    llm_result_stats stats;
};

typedef struct llmi_ask {
    llm_engine *engine;
    llm_prompt *prompt;
    llm_answer *out;
    const llm_ask_options *o; /* no text is NULL */
    llm_generate_options g;   /* of the user, with what ends a plain text */
    llm_span answer_text;
    llmi_extract_marker answer_mark; /* finds it */
    llmi_extract *extract;
    const llm_allocator *a;
    int32_t n_settled; /* samples that will not get an answer any more, or have it */
    uint32_t n_runs;
} llmi_ask;

/* Where completions begin. */
typedef struct llmi_branch {
    llmi_buf ids;   /* llm_token */
    int32_t parent; /* sample, or -1 */
    int32_t n;      /* completions */
} llmi_branch;

/* What to do with completions. */
typedef struct llmi_reason_round {
    int32_t stage;
    bool votes;                    /* an answer is sought in them; one that has it becomes LLM_STAGE_ANSWER */
    bool needs_mark;               /* only after answer_text */
    const llm_generate_options *g; /* its n is not read */
} llmi_reason_round;

static inline llmi_sample *llmi_sample_at(const llm_answer *answer, size_t i) {
    return &llmi_buf_at(&answer->samples, llmi_sample, i);
}

/* Runs all branches to their end, at most n_seqs completions of each at a time; *first is the first new sample.
 * If they vote and early_stop is on, the rest is cancelled once it cannot change the answer. */
llm_status llmi_reason_run(size_t *first, llmi_ask *x, const llmi_branch *branches, size_t n,
                           const llmi_reason_round *run);

/* Appends the ids of a text that continues other ids. */
llm_status llmi_reason_append(llmi_buf *ids, const llmi_ask *x, llm_span text);

/* The filled prompt's ids with the beginning of its answer. */
llm_status llmi_reason_begin(llmi_buf *ids, const llmi_ask *x, const char *text);

/* All that led to sample i and its text, then `join` unless it ends in white space, and `text`. */
llm_status llmi_reason_follow(llmi_buf *ids, const llmi_ask *x, size_t i, char join, llm_span text);

/* Whether the leading answer has too many votes to be overtaken. Recounts the votes. */
llm_status llmi_reason_count(bool *decided, llmi_ask *x);

/* Asks for the answer after sample i, n times. */
llm_status llmi_reason_conclude(llmi_ask *x, size_t i, int32_t n);

llm_status llmi_answer_create(llm_answer **out, llm_runtime *rt);
llm_status llmi_answer_write_json(llm_answer *answer);

#endif
