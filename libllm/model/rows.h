/* The weights of a family as a table of rows, and the tensors of a file that belong to them.
 *
 *     {LLMI_LAYER_MATRIX(qwen3, attn.wk, "attn_k.weight", "self_attn.k_proj.weight", attn.n_kv, base.n_embd)}
 *
 * is "blk.7.attn_k.weight" in GGUF, "model.layers.7.self_attn.k_proj.weight" in Hugging Face's files, n_kv rows of
 * n_embd elements, and becomes the member attn.wk of layer 7. */
#ifndef LLMI_MODEL_ROWS_H
#define LLMI_MODEL_ROWS_H

#include "model/hparams.h"

/* A dimension: the int32_t at this offset of the family's hyper-parameters. At 0 is n_layers, which is not a dimension,
 * so {0} means 1. */
typedef struct llmi_dim {
    uint16_t at;
} llmi_dim;

#define LLMI_DIM(F, member)                                                                                            \
    { LLMI_HPARAM_AT(F, member, int32_t) }

int64_t llmi_rows_dim(const void *hparams, llmi_dim dim);

/* A weight that is a part of a larger tensor: rows first .. first + n - 1 of every `period` rows; of a vector, elements
 * in place of rows. {0} for `first` is 0; for `period`: the weight is the whole tensor.
 *
 *     merged queries, keys and values:  q q q q k k v v              period 8, keys: first 4, n 2
 *     by heads:                         q q k k v v q q k k v v      period 6, keys: first 2, n 2 */
typedef struct llmi_slice {
    llmi_dim first, n, period;
} llmi_slice;

#define LLMI_SLICE(F, first, n, period)                                                                                \
    { LLMI_DIM(F, first), LLMI_DIM(F, n), LLMI_DIM(F, period) }
#define LLMI_FIRST_SLICE(F, n, period)                                                                                 \
    { {0}, LLMI_DIM(F, n), LLMI_DIM(F, period) }

enum {
    LLMI_OPTIONAL = 1,   /* a file may lack it */
    LLMI_TRANSPOSED = 2, /* Hugging Face's files hold [in, out], as GPT-2's Conv1D; GGUF does not */
    LLMI_PLUS_ONE = 4,   /* Hugging Face's files hold w - 1, as Gemma's norms; GGUF does not */
    LLMI_GGUF_APART = 8  /* GGUF holds the slice as a tensor of its own */
};

typedef enum llmi_role {
    LLMI_ROLE_MODEL, /* a member of struct F_model */
    LLMI_ROLE_LAYER, /* a member of struct F_layer, in each layer */
    LLMI_ROLE_EMBED, /* llm_model.embed */
    LLMI_ROLE_HEAD   /* llm_model.output */
} llmi_role;

/* Names may be alternatives split by '|', the first that the file holds counts; those of a layer follow the family's
 * prefix for its number. NULL: files of the format have no such tensor. */
typedef struct llmi_weight_row {
    const char *gguf, *hf;
    llmi_role role;
    size_t offset;
    llmi_dim rows, cols;   /* rows {0}: a vector */
    llmi_dim count;        /* stacked matrices, as of experts, bound as one of count * rows rows */
    llmi_dim rotary_heads; /* heads whose rows GGUF may keep in the other rotary order; {0}: not rotated */
    llmi_slice slice;
    uint32_t flags;
    /* The boolean of config.json that says whether the model has the weight (absent: it does not), whatever
     * the file contains; NULL: every model has it. GGUF says it by containing the weight. */
    const char *only_if;
} llmi_weight_row;

/* clang-format off */
/* The contents of a row of family F: {LLMI_LAYER_VECTOR(...), .flags = LLMI_PLUS_ONE}. */
#define LLMI_WEIGHT(role_, offset_, gguf_, hf_) .gguf = gguf_, .hf = hf_, .role = role_, .offset = offset_
#define LLMI_MODEL_VECTOR(F, member, gguf, hf, cols_)                                                                  \
    LLMI_WEIGHT(LLMI_ROLE_MODEL, offsetof(struct F##_model, member), gguf, hf), .cols = LLMI_DIM(F, cols_)
#define LLMI_MODEL_MATRIX(F, member, gguf, hf, rows_, cols)                                                            \
    LLMI_MODEL_VECTOR(F, member, gguf, hf, cols), .rows = LLMI_DIM(F, rows_)
#define LLMI_LAYER_VECTOR(F, member, gguf, hf, cols_)                                                                  \
    LLMI_WEIGHT(LLMI_ROLE_LAYER, offsetof(struct F##_layer, member), gguf, hf), .cols = LLMI_DIM(F, cols_)
#define LLMI_LAYER_MATRIX(F, member, gguf, hf, rows_, cols)                                                            \
    LLMI_LAYER_VECTOR(F, member, gguf, hf, cols), .rows = LLMI_DIM(F, rows_)

/* A weight that is there if a boolean of config.json says so, in GGUF if the file holds it. flag NULL: always. */
#define LLMI_IF(flag_) .only_if = flag_, .flags = ((flag_) != NULL) * LLMI_OPTIONAL

/* The table of the embedding, and the head. */
#define LLMI_END_WEIGHTS(F)                                                                                            \
    {LLMI_WEIGHT(LLMI_ROLE_EMBED, 0, "token_embd.weight", "model.embed_tokens.weight|embed_tokens.weight"),            \
     .rows = LLMI_DIM(F, base.n_vocab), .cols = LLMI_DIM(F, base.n_embd)},                                             \
    {LLMI_WEIGHT(LLMI_ROLE_HEAD, 0, "output.weight", "lm_head.weight"), .rows = LLMI_DIM(F, base.n_vocab),             \
     .cols = LLMI_DIM(F, base.n_embd), .flags = LLMI_OPTIONAL}
/* clang-format on */

/* ---- tensors ---- */

typedef char llmi_row_name[160];

/* The row's first name in a format; layer: of a row of the layers. false: it has none there. */
bool llmi_rows_name(llmi_row_name out, const llmi_arch *arch, const llmi_weight_row *row, int format, int32_t layer);

/* The row's tensor, or NULL; `name` receives the name that was found, else the first that was looked for. */
const llmi_tensor *llmi_rows_find(llmi_row_name name, const llm_model *m, const llmi_weight_row *row, int32_t layer);

/* Whether a tensor of this name belongs to the row, in one of the model's layers. */
bool llmi_rows_matches(const llm_model *m, const llmi_weight_row *row, llm_span name);

/* The layer that a name is of, whatever it names there; -1: of none. INT32_MAX: beyond any. */
int32_t llmi_rows_layer_of(const llm_model *m, llm_span name);

/* Whether the model has the weight, by only_if and by its format. */
llm_status llmi_rows_is_wanted(bool *out, const llmi_weights *w, const llmi_weight_row *row);

#endif
