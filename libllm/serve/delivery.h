/* Ids of one completion to its text: whole characters, nothing that is or may become a stop string. */
#ifndef LLMI_SERVE_DELIVERY_H
#define LLMI_SERVE_DELIVERY_H

#include "serve/decoder.h"
#include "serve/stop_strings.h"

typedef struct llmi_delivery {
    llmi_serve_decoder decoder;
    const llmi_stop_strings *stops; /* borrowed */
    size_t *matched;                /* [stops->n], see stop_strings.h */
    llmi_buf *text;                 /* where it goes; borrowed */
    size_t n_ready;                 /* leading bytes of text that may be shown */
    bool stopped;                   /* text ends before a stop string */
} llmi_delivery;

/* tokenizer NULL: no text comes out. flags: LLM_DECODE_KEEP_PREFIX if the text continues another. text and stops must
 * outlive the delivery. */
llm_status llmi_delivery_init(llmi_delivery *d, const llm_allocator *a, const llm_tokenizer *tokenizer, uint32_t flags,
                              const llmi_stop_strings *stops, llmi_buf *text);
void llmi_delivery_free(llmi_delivery *d);

/* After a failure (memory) nothing has changed. */
llm_status llmi_delivery_token(llmi_delivery *d, llm_token token);

/* Nothing more comes: all text is ready. */
llm_status llmi_delivery_end(llmi_delivery *d);

#endif
