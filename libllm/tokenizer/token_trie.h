/* The vocabulary as grammars see it: the bytes that each token adds to a text, as a tree in one array. */
#ifndef LLMI_TOKENIZER_TOKEN_TRIE_H
#define LLMI_TOKENIZER_TOKEN_TRIE_H

#include "tokenizer/tokenizer.h"

#include "base/buf.h"

/* Longer tokens are never allowed. */
enum { LLMI_TOKEN_TRIE_MAX_BYTES = 255 };

/* A node comes before its children; behind its last descendant is node `skip`. */
typedef struct llmi_token_trie_node {
    int32_t skip;
    int32_t first; /* its tokens are ids [first, first of the next node) */
    uint8_t byte, depth;
} llmi_token_trie_node;

typedef struct llmi_token_trie {
    const llm_allocator *a;
    int32_t n_tokens;
    int32_t longest; /* token, in bytes */
    size_t n_words;  /* 64 tokens each */
    llmi_buf text;   /* of all tokens one behind the other; */
    llmi_buf at;     /* int32_t[n_tokens + 1]: where each begins; none: it spells nothing that a grammar may read */
    llmi_buf nodes;  /* llmi_token_trie_node, and one behind the last; node 0 is the root */
    llmi_buf ids;    /* llm_token */
    llmi_buf ends;   /* uint64_t[n_words]: tokens that end a generation */
    llmi_buf shorn;  /* uint64_t[n_words]: tokens that lose a blank where they begin a text */
} llmi_token_trie;

/* The tokenizer's, made at the first call and kept by it. Any thread. */
llm_status llmi_token_trie_get(const llmi_token_trie **out, llm_tokenizer *t);
void llmi_token_trie_destroy(llmi_token_trie *tree); /* NULL is ignored */

static inline llm_span llmi_token_trie_text(const llmi_token_trie *tree, llm_token token) {
    int32_t begin = llmi_buf_at(&tree->at, int32_t, token), end = llmi_buf_at(&tree->at, int32_t, token + 1);
    return (llm_span){tree->text.data + begin, (size_t)(end - begin)};
}

#endif
