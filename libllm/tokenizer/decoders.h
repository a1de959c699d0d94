/* Decoder steps: each rewrites the spelling of one token. Tokens are decoded one by one, so that a text can
 * be handed out while it grows; what a step must know of the others is whether a token is the first. */
#ifndef LLMI_TOKENIZER_DECODERS_H
#define LLMI_TOKENIZER_DECODERS_H

#include "tokenizer/internal.h"
#include "tokenizer/regex.h"

/* Appends to out. first: the token begins a text. */
typedef llm_status (*llmi_decoder_step_fn)(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out,
                                           llm_span text, bool first);

struct llmi_decoder_step {
    llmi_decoder_step_fn run;
    llmi_buf from, to;   /* texts: what is replaced by what; prefix; suffix; mark; content */
    llmi_regex *regex;   /* llmi_decoders_replace, instead of `from` */
    bool cleanup;        /* llmi_decoders_wordpiece */
    bool once;           /* llmi_decoders_strip: only where the text begins */
    int32_t start, stop; /* llmi_decoders_strip */
};

llm_status llmi_decoders_bytes(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                               bool first);
llm_status llmi_decoders_byte_tokens(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                     bool first);
llm_status llmi_decoders_metaspace(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                   bool first);
llm_status llmi_decoders_wordpiece(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                   bool first);
/* As GGUF files spell WordPiece: U+2581 before what begins a word. */
llm_status llmi_decoders_wordpiece_marked(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                          bool first);
llm_status llmi_decoders_replace(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                                 bool first);
llm_status llmi_decoders_strip(llmi_encode_work *w, const llmi_decoder_step *d, llmi_buf *out, llm_span text,
                               bool first);

void llmi_decoders_free(llmi_decoder_step *d);

#endif
