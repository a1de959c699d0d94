/* Ids to text, one at a time: bytes wait until they form whole characters. */
#ifndef LLMI_SERVE_DECODER_H
#define LLMI_SERVE_DECODER_H

#include "base/buf.h"
#include "tokenizer/tokenizer.h"

typedef struct llmi_serve_decoder {
    const llm_tokenizer *tokenizer; /* borrowed */
    uint32_t flags;
    bool at_start;  /* nothing came out yet */
    llmi_buf bytes; /* the beginning of a character */
} llmi_serve_decoder;

/* A decoder with LLM_DECODE_KEEP_PREFIX begins in the middle of a text. */
void llmi_serve_decoder_init(llmi_serve_decoder *d, const llm_allocator *a, const llm_tokenizer *tokenizer,
                             uint32_t flags);
void llmi_serve_decoder_free(llmi_serve_decoder *d);

/* Appends to text what has become whole; after a failure (memory) both are as before. The id is in range. */
llm_status llmi_serve_decoder_take(llmi_buf *text, llmi_serve_decoder *d, llm_token token);

/* Appends what is left, U+FFFD for an incomplete character, and resets. */
llm_status llmi_serve_decoder_rest(llmi_buf *text, llmi_serve_decoder *d);

#endif
