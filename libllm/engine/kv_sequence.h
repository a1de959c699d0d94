/* A run of tokens and the pages that hold the computed part of it. Nothing here allocates: the arrays
 * belong to whoever made the sequence. */
#ifndef LLMI_ENGINE_KV_SEQUENCE_H
#define LLMI_ENGINE_KV_SEQUENCE_H

#include "engine/prefix.h"

/* Pages and what is known of their contents. */
typedef struct llmi_kv_cache {
    llmi_kvpool pool;
    llmi_prefix prefix;
    int32_t most_rows; /* of a step */
} llmi_kv_cache;

void llmi_kv_cache_place(llmi_kv_cache *c, llmi_arena *arena, const llmi_dims *dims);

typedef struct llmi_kv_sequence {
    llm_token *tokens;
    int32_t *pages;
    int32_t n_tokens;
    int32_t n_done;    /* of them are computed: their keys and values lie in the pages */
    int32_t n_pages;   /* held; some may lie ahead of n_done */
    int32_t n_framed;  /* of them, from what row n_done sees on, have frames in the groups with windows */
    int32_t n_indexed; /* full pages, from the first on, that the index knows */
    int32_t spare;     /* a page kept for the copy of a shared one, or LLMI_NONE */
} llmi_kv_sequence;

/* A pending copy-on-write: dst has replaced src in the page table, and the next step copies the first n_tokens.
 * src stays referenced until that step commits. */
typedef struct llmi_kv_copy {
    llmi_kv_sequence *seq;
    int32_t index, src, dst, n_tokens; /* n_tokens 0: no copy */
} llmi_kv_copy;

void llmi_kv_sequence_init(llmi_kv_sequence *s, llm_token *tokens, int32_t *pages);

/* For a sequence without pages: takes over the longest computed beginning of its first `most` tokens. */
void llmi_kv_sequence_match(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t most);

/* Allocates pages for n_tokens, with frames for those of the next step, plus one in reserve if the last page is shared
 * and may have to be copied. If no reserve page is available, drops the shared page and recomputes its tokens: n_done
 * moves back to its start, or to where the windows are.
 * false: no room; pages allocated so far are kept. */
bool llmi_kv_sequence_reserve(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens);

/* Makes the places of tokens n_done..end-1 writable. false: no room, nothing changed but pages reserved. */
bool llmi_kv_sequence_open(llmi_kv_copy *copy, llmi_kv_sequence *s, llmi_kv_cache *c, int32_t end);
void llmi_kv_copy_done(llmi_kv_copy *copy, llmi_kv_cache *c);
void llmi_kv_copy_undo(llmi_kv_copy *copy, llmi_kv_cache *c);

/* Tokens up to n_done are computed now. */
void llmi_kv_sequence_commit(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_done);

/* Shares the computed part of src; the tokens are the caller's to copy. dst has no pages. */
void llmi_kv_sequence_share(llmi_kv_sequence *dst, const llmi_kv_sequence *src, llmi_kv_cache *c);

/* Forgets all but n_tokens. Of these, those behind the longest beginning whose windows are there have to be computed
 * again. */
void llmi_kv_sequence_cut(llmi_kv_sequence *s, llmi_kv_cache *c, int32_t n_tokens);

/* Gives all pages back; the tokens stay, to be computed again. */
void llmi_kv_sequence_release(llmi_kv_sequence *s, llmi_kv_cache *c);

#endif
