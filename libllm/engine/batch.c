#include "engine/batch.h"

#include <string.h>

/* All that goes to the device. No overflow: n_seqs * max_pages is a product of two numbers below 2^24. */
static size_t table_count(const llmi_dims *dims) {
    size_t n_seqs = (size_t)dims->step_seqs;
    return 4 * (size_t)dims->n_batch + n_seqs + 1 + (size_t)dims->n_groups * n_seqs * (size_t)dims->max_pages;
}

size_t llmi_batch_table_bytes(const llmi_dims *dims) {
    return table_count(dims) * sizeof(int32_t);
}

void llmi_batch_place(llmi_batch *b, llmi_arena *arena, const llmi_dims *dims, const llmi_kvpool *pool) {
    size_t n_batch = (size_t)dims->n_batch, n_seqs = (size_t)dims->step_seqs;
    *b = (llmi_batch){.capacity = dims->n_batch, .n_groups = dims->n_groups, .pool = pool};
    b->parts = llmi_arena_take(arena, n_seqs, sizeof *b->parts);
    b->hidden_rows = llmi_arena_take(arena, n_batch, sizeof *b->hidden_rows);
    b->tables = llmi_arena_take(arena, table_count(dims), sizeof *b->tables);
    if (!arena->base) return;
    b->tokens = b->tables;
    b->positions = b->tokens + n_batch;
    b->row_seq = b->positions + n_batch;
    b->out_rows = b->row_seq + n_batch;
    b->seq_rows = b->out_rows + n_batch;
    b->page_tables = b->seq_rows + n_seqs + 1;
}

void llmi_batch_clear(llmi_batch *b) {
    b->n_rows = b->n_parts = b->n_logits = b->n_hidden = 0;
}

void llmi_batch_add(llmi_batch *b, const llmi_kv_copy *copy, void *owner, int32_t n_rows, int32_t n_logits,
                    int32_t n_hidden) {
    const llmi_kv_sequence *s = copy->seq;
    b->seq_rows[b->n_parts] = b->n_rows;
    for (int32_t i = 0; i < n_rows; i++) {
        int32_t row = b->n_rows + i;
        b->tokens[row] = s->tokens[s->n_done + i];
        b->positions[row] = s->n_done + i;
        b->row_seq[row] = b->n_parts;
        if (i >= n_rows - n_logits) b->out_rows[b->n_logits++] = row;
        if (i >= n_rows - n_hidden) b->hidden_rows[b->n_hidden++] = row;
    }
    b->parts[b->n_parts++] = (llmi_part){
        .seq = copy->seq,
        .owner = owner,
        .n_rows = n_rows,
        .first_logits = b->n_logits - n_logits,
        .n_logits = n_logits,
        .first_hidden = b->n_hidden - n_hidden,
        .n_hidden = n_hidden,
        .copy = *copy,
    };
    b->n_rows += n_rows;
}

/* One row for each sequence; returns where the next table begins. w: NULL for the group without a window. */
static int32_t *fill_table(int32_t *row, const llmi_batch *b, const llmi_kvwindow *w) {
    for (int32_t i = 0; i < b->n_parts; i++, row += b->max_pages) {
        const llmi_kv_sequence *s = b->parts[i].seq;
        int32_t first = w ? llmi_kvwindow_first(w, s->n_done) : 0, end = w ? s->n_framed : s->n_pages;
        for (int32_t k = 0; k < first; k++) row[k] = LLMI_NONE;
        if (!w) memcpy(row, s->pages, (size_t)end * sizeof *row);
        for (int32_t k = first; w && k < end; k++) row[k] = w->frames[s->pages[k]];
        for (int32_t k = end; k < b->max_pages; k++) row[k] = LLMI_NONE;
    }
    return row;
}

size_t llmi_batch_seal(llmi_batch *b) {
    b->seq_rows[b->n_parts] = b->n_rows;
    memcpy(b->out_rows + b->n_logits, b->hidden_rows, (size_t)b->n_hidden * sizeof *b->out_rows);
    b->max_pages = 1;
    for (int32_t i = 0; i < b->n_parts; i++)
        if (b->parts[i].seq->n_pages > b->max_pages) b->max_pages = b->parts[i].seq->n_pages;
    int32_t *end = b->page_tables;
    for (int32_t g = 0; g < b->n_groups; g++) end = fill_table(end, b, llmi_kvpool_window(b->pool, g));
    return (size_t)(end - b->tables) * sizeof *end;
}
