/* Unigram: the split of a word whose scores add up to the most. */
#ifndef LLMI_TOKENIZER_UNIGRAM_H
#define LLMI_TOKENIZER_UNIGRAM_H

#include "tokenizer/internal.h"

struct llmi_unigram {
    llmi_trie trie;  /* spelling -> id */
    llmi_buf scores; /* double, by id */
    double unk_score;
    bool byte_fallback;
    int32_t byte_ids[256];
};

llm_status llmi_unigram_encode(llmi_encode_work *w, const char *word, size_t n);
void llmi_unigram_free(llmi_unigram *u, const llm_allocator *a);

#endif
