/* The tables of one step: which rows of which sequences are computed, and which of them somebody reads. */
#ifndef LLMI_ENGINE_BATCH_H
#define LLMI_ENGINE_BATCH_H

#include "engine/kv_sequence.h"

/* The part of one sequence: rows n_done .. n_done + n_rows - 1. Its logit rows and its hidden rows are the
 * last ones of them. */
typedef struct llmi_part {
    llmi_kv_sequence *seq;
    void *owner; /* whoever put it there */
    int32_t n_rows;
    int32_t first_logits, n_logits; /* in the step's logits */
    int32_t first_hidden, n_hidden; /* in the step's hidden rows without logits */
    llmi_kv_copy copy;
} llmi_part;

typedef struct llmi_batch {
    int32_t capacity; /* rows */
    int32_t n_rows, n_parts, n_logits, n_hidden;
    int32_t n_groups;
    const llmi_kvpool *pool;
    int32_t max_pages;    /* row length of page_tables, set by llmi_batch_seal */
    llmi_part *parts;     /* [step_seqs] */
    int32_t *hidden_rows; /* [n_batch] */
    int32_t *tables;      /* what goes to the device in one piece; the members below point into it */
    int32_t *tokens;      /* [n_batch], as are positions, row_seq, out_rows */
    int32_t *positions;
    int32_t *row_seq;
    int32_t *out_rows;
    int32_t *seq_rows;    /* [step_seqs + 1] */
    int32_t *page_tables; /* [n_groups, n_parts, max_pages], last so that only its used part travels */
} llmi_batch;

void llmi_batch_place(llmi_batch *b, llmi_arena *arena, const llmi_dims *dims, const llmi_kvpool *pool);
size_t llmi_batch_table_bytes(const llmi_dims *dims);

void llmi_batch_clear(llmi_batch *b);

/* Adds the next n_rows rows of a sequence that has been opened for them (copy is what that gave); logits
 * are read of the last n_logits of them, hidden states of the last n_hidden (one of both is 0). */
void llmi_batch_add(llmi_batch *b, const llmi_kv_copy *copy, void *owner, int32_t n_rows, int32_t n_logits,
                    int32_t n_hidden);

/* Completes the tables; returns the bytes to upload. */
size_t llmi_batch_seal(llmi_batch *b);

#endif
