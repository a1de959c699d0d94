/* Words, and how well texts match a query by them. */
#ifndef LLMI_PROMPT_BM25_H
#define LLMI_PROMPT_BM25_H

#include "base/buf.h"
#include "base/status.h"

enum { LLMI_BM25_MAX_WORDS = 4096 }; /* different words of a query that count */

/* The next word at or after *at in UTF-8: a run of word characters (\w of Unicode's regular expressions), each in lower
 * case; what is not UTF-8 ends a word. false at the end of the text. *at moves past it. */
bool llmi_bm25_word(llmi_buf *out, const char *text, size_t n, size_t *at);

/* scores[n_docs]: Okapi BM25 with the idf that is never negative, ln(1 + (N - df + 0.5) / (df + 0.5)); a word that
 * the query repeats counts as often. Time linear in the texts times the logarithm of the query's words. */
llm_status llmi_bm25_score(double *scores, const llm_allocator *a, const llm_span *docs, size_t n_docs, llm_span query,
                           double k1, double b);

#endif
