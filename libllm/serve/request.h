/* A request: a job of the token engine, its completions' text, and the events that wait. */
#ifndef LLMI_SERVE_REQUEST_H
#define LLMI_SERVE_REQUEST_H

#include "api/grammar.h"
#include "serve/delivery.h"
#include "serve/engine.h"
#include "serve/result.h"

struct llm_request {
    llm_engine *engine; /* reference */
    llm_request *prev, *next;
    llmi_job *job;
    llm_result *result;             /* reference; read-only once no completion is open */
    const llm_tokenizer *tokenizer; /* NULL: ids only */
    llmi_stop_strings stops;
    llm_token *stop_tokens;
    size_t n_stop_tokens;
    bool ignore_eos;
    llmi_api_matchers matchers; /* of the grammar */
    int32_t n_logprobs;

    pthread_mutex_t lock;      /* of all below, and of the result while completions are open */
    llmi_delivery *deliveries; /* [result->n_items] */
    llmi_buf events;           /* waiting, as request.c keeps them */
    size_t n_taken;            /* of them already handed out */
    llmi_buf shown;            /* text of the event handed out last */
    llmi_buf shown_top;        /* alternatives of the token asked for last */
    llmi_error_copy failure;
    _Atomic int32_t n_open; /* completions that have not ended */
    bool has_stats;
};

/* Queues token ids; options are read by the caller (options.h). */
llm_status llmi_request_submit(llm_request **out, llm_engine *engine, const llm_token *prompt, size_t n_tokens,
                               int32_t first_index, const llm_generate_options *options);

/* The same with text, which is encoded first. */
llm_status llmi_request_submit_text(llm_request **out, llm_engine *engine, llm_span prompt,
                                    const llm_generate_options *options);

/* Stop strings, stop tokens and biases: not NULL unless empty, of lengths that can be. */
llm_status llmi_request_check_lists(const llm_generate_options *o);

#endif
