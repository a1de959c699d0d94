/* Pre-tokenizers: each cuts a piece of text into smaller ones and gives them to the next level. */
#ifndef LLMI_TOKENIZER_PRE_TOKENIZERS_H
#define LLMI_TOKENIZER_PRE_TOKENIZERS_H

#include "tokenizer/internal.h"
#include "tokenizer/regex.h"
#include "tokenizer/scanners.h"

typedef llm_status (*llmi_pre_fn)(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);

/* What becomes of the matches of a delimiter. */
typedef enum llmi_pre_behavior {
    LLMI_REMOVED,
    LLMI_ISOLATED,
    LLMI_CONTIGUOUS, /* isolated, neighbours together */
    LLMI_WITH_PREVIOUS,
    LLMI_WITH_NEXT
} llmi_pre_behavior;

struct llmi_pre {
    llmi_pre_fn run;
    llmi_pre_behavior behavior;
    bool inverted; /* what does not match delimits */
    /* What delimits, the first that is set: */
    llmi_regex *regex;
    bool (*is_delimiter)(uint32_t c); /* any one character that is so */
    llmi_buf text;                    /* this text; of Metaspace the replacement */
    llmi_scanner_fn scan;             /* llmi_pre_scan, and llmi_pre_bytes where it splits */
    bool prefix_space;                /* llmi_pre_bytes */
    bool only_first;                  /* llmi_pre_metaspace: prefix where the text begins ... */
    bool never;                       /* ... or nowhere */
    bool split;                       /* llmi_pre_metaspace */
};

llm_status llmi_pre_split(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
llm_status llmi_pre_scan(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
/* Spells bytes as visible characters. */
llm_status llmi_pre_bytes(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
/* The same for a model that does so by itself: only the prefix and the splitting. */
llm_status llmi_pre_bytes_kept(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
llm_status llmi_pre_metaspace(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
/* Blanks part and vanish, punctuation stands alone. */
llm_status llmi_pre_bert(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
/* Words and runs of what is neither word nor blank. */
llm_status llmi_pre_words(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);

bool llmi_pre_is_number(uint32_t c);
bool llmi_pre_is_punct(uint32_t c);
bool llmi_pre_is_space(uint32_t c);

void llmi_pre_free(llmi_pre *s);

#endif
