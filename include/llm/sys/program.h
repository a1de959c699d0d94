/* libllm: a forward pass as data. A model's family records its pass once, as an array of operations on values
 * whose places in a workspace never change; every step then runs this array, with its own number of rows.
 *
 *     kind      in         w                 out
 *     EMBED     -          table             x      x[r] = row of the table by the row's token id
 *     NORM      x          scale or NULL     y      y = x / sqrt(mean(x^2) + eps) * scale (Zhang and Sennrich, 2019)
 *     LINEAR    x          w0 b0 w1 b1 ...   y0 ..  y_i = x w_i^T + b_i, or y_i += that; a bias may be NULL
 *     ACT       g u        -                 y      y = act(g) * u, element-wise
 *     ANGLES    -          inv_freq          a      cos, then sin, of position * inv_freq, each times scale
 *     ROPE      x a        -                 x      each head is rotated in place by the angles a (Su et al., 2021)
 *     KV_WRITE  k v        -                 -      stored at the rows' positions in a paged state
 *     ATTEND    q          -                 y      causal attention over a paged state, the row's own position
 *     GATHER    x          -                 y      the rows of x that somebody reads
 *
 * y may be x (NORM, ATTEND), or g or u (ACT). EMBED, ANGLES, GATHER and the operations on states also read the arrays
 * of the step.
 *
 * Part of the back-end interface (llm/sys/backend.h): LLM_BACKEND_ABI changes when it breaks. Operations are only added
 * at the end of ops.def, and members at the end of structures: a back end that does not know a kind refuses the
 * programs that contain it. */
#ifndef LLM_SYS_PROGRAM_H
#define LLM_SYS_PROGRAM_H

#include <llm/status.h>

LLM_BEGIN_DECLS

typedef struct llm_weight llm_weight; /* a tensor on the device, in the device's own layout */
typedef struct llm_state llm_state;   /* what the layers of one group keep of all sequences, on the device */

typedef enum llm_op_kind {
#define LLM_OP(NAME, inputs, results, tolerance) LLM_OP_##NAME,
#include <llm/sys/ops.def>
#undef LLM_OP
    LLM_N_OPS
} llm_op_kind;

/* ---- values ---- */

/* How many rows of a value a step computes. */
enum {
    LLM_ROWS_STEP = 0,   /* one for each token of the step */
    LLM_ROWS_OUT = 1,    /* those whose final state or logits somebody reads */
    LLM_ROWS_LOGITS = 2, /* those whose logits somebody reads: the first of LLM_ROWS_OUT */
    LLM_N_ROWS = 3
};

/* A matrix of F32 in the workspace, row-major. */
typedef struct llm_value {
    int64_t offset; /* bytes from the base of the workspace */
    int32_t cols;   /* columns that the operation sees */
    int32_t stride; /* from row to row, in elements */
    int32_t rows;   /* LLM_ROWS_* */
} llm_value;

/* ---- arguments ---- */

typedef struct llm_norm_args {
    int32_t group; /* columns of a head, each normalized by itself; 0: whole rows */
    float eps;
} llm_norm_args;

enum { LLM_MAX_PRODUCTS = 4 };

typedef struct llm_linear_args {
    int32_t n;           /* products, 1..LLM_MAX_PRODUCTS */
    uint32_t accumulate; /* bit i: product i is added to what out[i] holds */
} llm_linear_args;

enum { LLM_ACT_SILU = 0, LLM_ACT_GELU_TANH = 1, LLM_ACT_GELU = 2, LLM_N_ACTS };

typedef struct llm_act_args {
    int32_t kind; /* LLM_ACT_* */
} llm_act_args;

typedef struct llm_angles_args {
    float scale;
} llm_angles_args;

/* Which elements of a head are rotated together. */
enum {
    LLM_ROPE_NEOX = 0,        /* i and i + n_rot/2 (Hugging Face, "NeoX") */
    LLM_ROPE_INTERLEAVED = 1, /* 2i and 2i + 1 (original, GGUF's "llama") */
    LLM_N_ROPE_STYLES
};

typedef struct llm_rope_args {
    int32_t head_dim;
    int32_t style; /* LLM_ROPE_* */
} llm_rope_args;

typedef struct llm_kv_write_args {
    int32_t state; /* index into the program's states */
} llm_kv_write_args;

typedef struct llm_attend_args {
    int32_t state;
    int32_t n_heads; /* of the queries: a multiple of the state's */
    int32_t window;  /* a row sees itself and the window - 1 tokens before it; 0: all before it */
    float scale;     /* of q k^T */
} llm_attend_args;

typedef struct llm_op {
    int32_t kind;  /* LLM_OP_* */
    int32_t layer; /* for error texts and traces; -1: outside the layers */
    llm_value in[2], out[LLM_MAX_PRODUCTS];
    const llm_weight *w[2 * LLM_MAX_PRODUCTS];
    union {
        llm_norm_args norm;
        llm_linear_args linear;
        llm_act_args act;
        llm_angles_args angles;
        llm_rope_args rope;
        llm_kv_write_args kv_write;
        llm_attend_args attend;
        int64_t reserved[8];
    } u;
} llm_op;

/* ---- states ---- */

enum {
    LLM_STATE_PAGED = 0 /* keys and values of every token, in pages of llm_limits.page_tokens */
};

/* What a layer keeps of a sequence between steps. States of one group share a page table, and are seen as far back: the
 * entry of a page that no row of the step can see may be -1. */
typedef struct llm_state_desc {
    int32_t kind;  /* LLM_STATE_* */
    int32_t group; /* 0..n_groups-1 */
    int32_t n_heads;
    int32_t k_dim, v_dim; /* elements of a head's key and value */
    llm_dtype dtype;      /* F32 or F16 */
    int32_t window;       /* a row sees itself and the window - 1 tokens before it; 0: all before it */
} llm_state_desc;

/* ---- a program ---- */

/* The most that a step may have. The values of a program have room for it. */
typedef struct llm_limits {
    int32_t rows[LLM_N_ROWS]; /* by LLM_ROWS_* */
    int32_t seqs;
    int32_t page_tokens;
    llm_dtype kv_dtype; /* of paged states */
} llm_limits;

/* Nothing in it depends on a step. It lives and stays unchanged while a stream is bound to it. */
typedef struct llm_program {
    uint32_t struct_size;
    uint32_t op_size; /* sizeof(llm_op) of the library that recorded it: the distance of its operations */
    const llm_op *ops;
    const llm_state_desc *states;
    int32_t n_ops, n_states, n_groups;
    llm_limits limits;
    size_t workspace_bytes;
    llm_value hidden; /* LLM_ROWS_OUT: the states after the last norm */
    llm_value logits; /* LLM_ROWS_LOGITS; not written if the model has no head */
} llm_program;

/* ---- a step ---- */

/* Pages of the states of one group. */
typedef struct llm_state_table {
    llm_state *state;
    const int32_t *pages; /* [seqs, width] page of tokens [i * page_tokens, ...) of each sequence, on the device;
                             -1: none, no row sees it */
    int32_t width;
} llm_state_table;

/* The rows of one step. Rows of one sequence are neighbours, in order of position. The arrays are in device memory, but
 * for `tables`. */
typedef struct llm_step {
    uint32_t struct_size;
    int32_t rows[LLM_N_ROWS]; /* by LLM_ROWS_* */
    int32_t seqs;
    const int32_t *tokens;         /* [rows] */
    const int32_t *positions;      /* [rows] position of the row's token in its sequence */
    const int32_t *row_seq;        /* [rows] index of the row's sequence, 0..seqs-1 */
    const int32_t *seq_rows;       /* [seqs + 1] first row of each sequence; the last entry is rows[LLM_ROWS_STEP] */
    const int32_t *out_rows;       /* [rows[LLM_ROWS_OUT]] rows of the step that somebody reads */
    const llm_state_table *tables; /* [n_groups] in host memory */
    char *workspace;               /* workspace_bytes on the device; keeps the results until the next step */
} llm_step;

LLM_END_DECLS

#endif
