/* Normalizers: each rewrites a piece of valid UTF-8. */
#ifndef LLMI_TOKENIZER_NORMALIZERS_H
#define LLMI_TOKENIZER_NORMALIZERS_H

#include "tokenizer/charsmap.h"
#include "tokenizer/internal.h"
#include "tokenizer/regex.h"

/* Appends the normalized text to out. */
typedef llm_status (*llmi_normalizer_fn)(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                         size_t n);

struct llmi_normalizer {
    llmi_normalizer_fn run;
    uint8_t options;    /* of the function, see below */
    llmi_buf from, to;  /* texts of Replace and Prepend */
    llmi_regex *regex;  /* Replace */
    llmi_buf map_bytes; /* where the map is not borrowed */
    llmi_charsmap map;
};

enum { LLMI_FORM_COMPOSE = 1, LLMI_FORM_COMPAT = 2 };
llm_status llmi_normalizer_form(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                size_t n);

llm_status llmi_normalizer_lowercase(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                     size_t n);
llm_status llmi_normalizer_strip_accents(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                         size_t n);

enum { LLMI_STRIP_LEFT = 1, LLMI_STRIP_RIGHT = 2 };
llm_status llmi_normalizer_strip(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                 size_t n);

llm_status llmi_normalizer_replace(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                   size_t n);
llm_status llmi_normalizer_prepend(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                   size_t n);

enum { LLMI_BERT_CLEAN = 1, LLMI_BERT_CJK = 2, LLMI_BERT_ACCENTS = 4, LLMI_BERT_LOWER = 8 };
llm_status llmi_normalizer_bert(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                size_t n);

llm_status llmi_normalizer_nmt(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                               size_t n);

enum { LLMI_MAP_GRAPHEMES = 1 };
llm_status llmi_normalizer_charsmap(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                    size_t n);

llm_status llmi_normalizer_bytes(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                 size_t n);

/* SentencePiece's: no blank at either end, one between words. */
llm_status llmi_normalizer_squeeze(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                   size_t n);

void llmi_normalizer_free(llmi_normalizer *s);

#endif
