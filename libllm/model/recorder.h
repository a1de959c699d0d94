/* Writes down a forward pass as a program (llm/sys/program.h).
 *
 * The workspace is a stack while a pass is recorded: a value is above those that were taken before it, and a block
 * releases what it took by returning to a mark.
 *
 *     | x | angles | h | q | k | v |          attention of a layer
 *     | x | angles | h | gate | up |          its feed-forward, in the same place
 *                  ^ mark
 *
 * Without room for operations and states a recorder only counts them and the bytes. */
#ifndef LLMI_MODEL_RECORDER_H
#define LLMI_MODEL_RECORDER_H

#include "model/model.h"

typedef struct llmi_recorder {
    llm_op *ops;            /* NULL: only count, as are */
    llm_state_desc *states; /* these */
    int32_t n_ops, n_states;
    int32_t n_groups;
    int32_t windows[LLMI_MAX_GROUPS]; /* of each group of states */
    int32_t layer;                    /* of the operations that are recorded; -1: none */
    llm_limits limits;
    size_t used, peak; /* bytes of the workspace */
    llm_value hidden, logits;
} llmi_recorder;

/* A new value, contiguous and on a cache line of its own. */
llm_value llmi_recorder_take(llmi_recorder *r, int32_t rows, int32_t cols);

/* Gives back what was taken since used was `mark`. */
void llmi_recorder_release(llmi_recorder *r, size_t mark);

void llmi_recorder_add(llmi_recorder *r, llm_op op);

/* Declares the keys and values that a layer keeps, in the group of its window (0: none); returns the state's index. */
int32_t llmi_recorder_kv(llmi_recorder *r, int32_t n_heads, int32_t head_dim, int32_t window);

#endif
