/* Byte-pair merging, for both kinds of vocabulary: with ranked merges (byte-level or of characters),
 * and with scores where any two neighbours whose joined spelling is known may merge. */
#ifndef LLMI_TOKENIZER_BPE_H
#define LLMI_TOKENIZER_BPE_H

#include "tokenizer/bpe_merges.h"
#include "tokenizer/internal.h"

struct llmi_bpe {
    llmi_bpe_merges merges;
    bool by_score;           /* no merges: the best score first */
    bool byte_level;         /* symbols are bytes, spelled as the visible characters of llmi_byte_alphabet_spell */
    bool ignore_merges;      /* a word that is a token is that token */
    bool byte_fallback;      /* characters without a token become byte tokens <0xNN> */
    int32_t byte_ids[256];   /* -1: none */
    llm_span prefix, suffix; /* of the symbols within and at the end of a word; in `affixes` */
    llmi_buf affixes;
    size_t window; /* bytes merged at once in a long word; 0: the default */
};

llm_status llmi_bpe_encode(llmi_encode_work *w, const char *word, size_t n);
/* The ids that spell single bytes, -1 where there is none: visible characters, or <0xNN>. */
void llmi_bpe_byte_ids(int32_t ids[256], const llmi_vocab *x, bool byte_level);
/* <0xNN> -> the byte, -1 if it is not spelled so. */
int llmi_bpe_byte_token(llm_span spelling);
void llmi_bpe_free(llmi_bpe *b, const llm_allocator *a);

#endif
