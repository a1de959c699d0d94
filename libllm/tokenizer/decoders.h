/* Decoder steps: each rewrites the spelling of one token. Tokens are decoded one by one, so that a text can
 * be handed out while it grows; what a step must know of the others is whether a token is the first. */
#ifndef LLMI_TOKENIZER_DECODERS_H
#define LLMI_TOKENIZER_DECODERS_H

#include "tokenizer/internal.h"
#include "tokenizer/regex.h"

/* Appends to out. first: the token begins a text. */
typedef llm_status (*llmi_dec_fn)(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);

struct llmi_dec {
    llmi_dec_fn run;
    llmi_buf from, to;   /* texts: what is replaced by what; prefix; suffix; mark; content */
    llmi_regex *regex;   /* llmi_dec_replace, instead of `from` */
    bool cleanup;        /* llmi_dec_wordpiece */
    bool once;           /* llmi_dec_strip: only where the text begins */
    int32_t start, stop; /* llmi_dec_strip */
};

llm_status llmi_dec_bytes(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);
llm_status llmi_dec_byte_tokens(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);
llm_status llmi_dec_metaspace(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);
llm_status llmi_dec_wordpiece(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);
/* As GGUF files spell WordPiece: U+2581 before what begins a word. */
llm_status llmi_dec_wordpiece_marked(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);
llm_status llmi_dec_replace(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);
llm_status llmi_dec_strip(llmi_work *w, const llmi_dec *d, llmi_buf *out, llm_span text, bool first);

void llmi_dec_free(llmi_dec *d);

#endif
