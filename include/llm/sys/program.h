/* libllm: a forward pass as data. A model's family records its pass once, as an array of operations on values
 * whose places in a workspace never change; every step then runs this array, with its own number of rows.
 *
 *     kind      in         w                 out
 *     EMBED     -          table             x      x[r] = row of the table by the row's token id
 *     NORM      x          scale or NULL     y      y = x / sqrt(mean(x^2) + eps) * scale (Zhang and Sennrich, 2019)
 *     LINEAR    x          w0 b0 w1 b1 ...   y0 ..  y_i = x w_i^T + b_i, or y_i += that; a bias may be NULL
 *     ACT       g u        -                 y      y = act(g) * u, element-wise
 *     ANGLES    -          -                 a      cos, then sin, of position * inv_freq, each times scale
 *     ROPE      x a        -                 x      each head is rotated in place by the angles a (Su et al., 2021)
 *     KV_WRITE  k v        -                 -      stored at the rows' positions in the cache of the layer
 *     ATTEND    q          -                 y      causal attention over the cache of the layer
 *     GATHER    x          -                 y      the rows of x that somebody reads
 *
 * y may be x (NORM, ATTEND), or g or u (ACT). ANGLES and the token ids read the step's own arrays.
 *
 * Part of the back-end interface (llm/sys/backend.h): LLM_BACKEND_ABI changes when it breaks. */
#ifndef LLM_SYS_PROGRAM_H
#define LLM_SYS_PROGRAM_H

#include <llm/sys/backend.h>

LLM_BEGIN_DECLS

typedef enum llm_op_kind {
#define LLM_OP(NAME) LLM_OP_##NAME,
#include <llm/sys/ops.def>
#undef LLM_OP
    LLM_N_OPS
} llm_op_kind;

/* How many rows of a value a step computes. */
enum {
    LLM_ROWS_STEP = 0,  /* one for each token of the step */
    LLM_ROWS_OUT = 1,   /* those whose final state or logits somebody reads */
    LLM_ROWS_LOGITS = 2 /* those whose logits somebody reads: the first of LLM_ROWS_OUT */
};

/* A matrix of F32 in the workspace, row-major. */
typedef struct llm_value {
    int64_t offset; /* bytes from the base of the workspace */
    int32_t cols;   /* columns that the operation sees */
    int32_t stride; /* from row to row, in elements */
    int32_t rows;   /* LLM_ROWS_* */
} llm_value;

typedef struct llm_norm_args {
    int32_t group; /* columns of a head, each normalized by itself; 0: whole rows */
    float eps;
} llm_norm_args;

enum { LLM_MAX_PRODUCTS = 4 };

typedef struct llm_linear_args {
    int32_t n;           /* products, 1..LLM_MAX_PRODUCTS */
    uint32_t accumulate; /* bit i: product i is added to what out[i] holds */
} llm_linear_args;

typedef struct llm_act_args {
    int32_t kind; /* LLM_ACT_* */
} llm_act_args;

typedef struct llm_angles_args {
    const float *inv_freq; /* [cols / 2] on the device */
    float scale;
} llm_angles_args;

typedef struct llm_rope_args {
    int32_t head_dim;
    int32_t style; /* LLM_ROPE_* */
} llm_rope_args;

typedef struct llm_attend_args {
    int32_t n_heads;
    int32_t window; /* a row sees itself and the window - 1 tokens before it; 0: all before it */
    float scale;    /* of q k^T */
} llm_attend_args;

typedef struct llm_op {
    int32_t kind;  /* LLM_OP_* */
    int32_t layer; /* -1: outside the layers */
    llm_value in[2], out[LLM_MAX_PRODUCTS];
    const llm_weight *w[2 * LLM_MAX_PRODUCTS];
    union {
        llm_norm_args norm;
        llm_linear_args linear;
        llm_act_args act;
        llm_angles_args angles;
        llm_rope_args rope;
        llm_attend_args attend;
    } u;
} llm_op;

/* The most rows of each kind that a step may have. The values of a program have room for them. */
typedef struct llm_limits {
    int32_t rows[3]; /* by LLM_ROWS_* */
} llm_limits;

typedef struct llm_program {
    const llm_op *ops;
    int32_t n_ops;
    size_t workspace_bytes;
    llm_value hidden; /* LLM_ROWS_OUT: the states after the last norm */
    llm_value logits; /* LLM_ROWS_LOGITS; not written if the model has no head */
} llm_program;

LLM_END_DECLS

#endif
