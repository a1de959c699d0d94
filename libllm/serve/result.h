/* The outcome of a request, a scoring or anything else made of tokens and text. Written by one producer, and never
 * again once it is handed out. */
#ifndef LLMI_SERVE_RESULT_H
#define LLMI_SERVE_RESULT_H

#include <stdatomic.h>

#include <llm/engine.h>

#include "base/buf.h"

typedef struct llmi_result_item {
    llmi_buf text;
    llmi_buf tokens;   /* llm_token */
    llmi_buf logprobs; /* float, empty if they were not asked for */
    llmi_buf top;      /* llm_token_logprob, n_top of them for each token */
    int32_t finish;
} llmi_result_item;

struct llm_result {
    _Atomic int32_t n_refs;
    llm_runtime *runtime; /* reference: whose memory this is */
    size_t n_top;
    llm_result_stats stats;
    llmi_buf warning; /* text about the prompt; see llm_result_warning */
    int32_t n_items;
    llmi_result_item items[];
};

llm_status llmi_result_create(llm_result **out, llm_runtime *rt, size_t n_items);

/* Appends a token with its log-probability (n_logprobs < 0: without). After a failure nothing of it stays. */
llm_status llmi_result_add(llmi_result_item *item, llm_token token, int32_t n_logprobs, float logprob,
                           const llm_token_logprob *top, int32_t n_top);

#endif
