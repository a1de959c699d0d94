/* The sizes of an engine: what its options come to for a model. */
#ifndef LLMI_ENGINE_DIMS_H
#define LLMI_ENGINE_DIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

enum { LLMI_NONE = -1 }; /* no page, no node */

typedef struct llmi_dims {
    int32_t n_vocab, n_embd;
    int32_t n_ctx;
    int32_t n_seqs;      /* jobs' sequences that are computed at a time */
    int32_t n_batch;     /* rows of a step */
    int32_t step_seqs;   /* sequences of a step: no more than it has rows */
    int32_t max_logits;  /* rows of a step whose logits are read */
    int32_t page_tokens; /* tokens of a KV page */
    int32_t n_pages;
    int32_t max_pages; /* pages of one sequence */
    int32_t n_groups;  /* of states, each with a pool of pages and a page table */
    int32_t windows[LLMI_MAX_GROUPS];
    int32_t n_items[LLMI_MAX_GROUPS]; /* pages in the state of each group: n_pages without a window */
    int32_t n_draws;                  /* tokens of a wave */
    int32_t n_samplers;               /* threads that choose them */
    bool keep;                        /* prefix cache */
} llmi_dims;

#endif
