/* The precompiled character map of SentencePiece: a double-array trie of spellings and what they
 * become, { u32 trie bytes, trie, replacements ended by NUL }. */
#ifndef LLMI_TOKENIZER_CHARSMAP_H
#define LLMI_TOKENIZER_CHARSMAP_H

#include <stdbool.h>

#include <llm/status.h>

#include "base/buf.h"

typedef struct llmi_charsmap {
    const char *units; /* u32[n_units], unaligned, borrowed */
    size_t n_units;
    const char *texts;
    size_t texts_bytes;
} llmi_charsmap;

llm_status llmi_charsmap_init(llmi_charsmap *out, const void *data, size_t n_bytes, const char *what);

/* Whichever way it is asked, bytes that the map does not hold stay. */
/* The longest spelling first, from left to right. */
bool llmi_charsmap_run(const llmi_charsmap *m, llmi_buf *out, const char *text, size_t n);
/* One step of that: the bytes it takes, and what they become. */
size_t llmi_charsmap_next(const llmi_charsmap *m, const char *text, size_t n, llm_span *to);
/* As tokenizer.json files mean it: by grapheme, with the shortest spelling that begins it. */
bool llmi_charsmap_run_graphemes(const llmi_charsmap *m, llmi_buf *out, const char *text, size_t n);

#endif
