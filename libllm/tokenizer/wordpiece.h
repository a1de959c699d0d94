/* WordPiece: from left to right the longest token that fits; a word that cannot be spelled so is unknown. */
#ifndef LLMI_TOKENIZER_WORDPIECE_H
#define LLMI_TOKENIZER_WORDPIECE_H

#include "tokenizer/internal.h"

struct llmi_wordpiece {
    llmi_trie trie[2]; /* [0]: tokens that begin a word, [1]: that go on with one */
    size_t max_chars;  /* longer words are unknown */
};

llm_status llmi_wordpiece_encode(llmi_encode_work *w, const char *word, size_t n);
void llmi_wordpiece_free(llmi_wordpiece *p, const llm_allocator *a);

#endif
