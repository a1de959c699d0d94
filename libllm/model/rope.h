/* Rotary position embedding (Su et al., 2021, arXiv 2104.09864): its hyper-parameters and its frequencies. */
#ifndef LLMI_MODEL_ROPE_H
#define LLMI_MODEL_ROPE_H

#include "model/hparams.h"

enum {
    LLMI_ROPE_SCALING_UNSTATED = -1,
    LLMI_ROPE_SCALING_NONE,
    LLMI_ROPE_SCALING_LINEAR,
    LLMI_ROPE_SCALING_LLAMA3,
    LLMI_ROPE_SCALING_YARN
};

typedef struct llmi_rope_hparams {
    int32_t n_rot; /* elements of a head that are rotated */
    int32_t style; /* LLM_ROPE_* */
    float base;
    int32_t scaling; /* LLMI_ROPE_SCALING_* */
    float factor;
    float low, high;            /* llama3 */
    float beta_fast, beta_slow; /* yarn, as are the following */
    float mscale, mscale_all;
    float attn; /* factor on cos and sin as the file gives it; 0: from `factor` */
    int32_t ctx_original;
} llmi_rope_hparams;

/* What a device needs of it: a member of the family's model. */
typedef struct llmi_rope_table {
    float *inv_freq; /* [n_rot / 2] */
    llm_weight *w;   /* the same on the device */
    int32_t n;       /* n_rot / 2 */
    float scale;     /* on cos and sin */
} llmi_rope_table;

extern const llmi_hparam_name llmi_rope_scalings[];

/* clang-format off */
/* The rows of a member of type llmi_rope_hparams. */
#define LLMI_ROPE_HPARAMS(F, rope)                                                                                     \
    {LLMI_ONLY(LLMI_HPARAM_BOOL, NULL, LLMI_ROPE_OBJECT "truncate", 1)},                                               \
    {LLMI_ONLY(LLMI_HPARAM_FLOAT, NULL, LLMI_ROPE_OBJECT "partial_rotary_factor|partial_rotary_factor", 1)},           \
    {LLMI_ONLY(LLMI_HPARAM_BOOL, NULL, "use_mrope", 0)},                                                               \
    {LLMI_INT(F, rope.n_rot, "rope.dimension_count", NULL, 2, LLMI_MAX_HEAD_DIM, 0)},                                  \
    {LLMI_FLOAT(F, rope.base, "rope.freq_base", LLMI_ROPE_OBJECT "rope_theta|rope_theta", 1, 1e30, 10000)},            \
    {LLMI_NAME(F, rope.scaling, "rope.scaling.type", LLMI_ROPE_OBJECT "rope_type|" LLMI_ROPE_OBJECT "type",            \
     llmi_rope_scalings, LLMI_ROPE_SCALING_UNSTATED)},                                                                 \
    {LLMI_FLOAT(F, rope.factor, "rope.scaling.factor|rope.scale_linear", NULL, 0, 1e6, 0)},                            \
    {LLMI_FLOAT(F, rope.factor, NULL, LLMI_ROPE_OBJECT "factor", 1e-6, 1e6, 0)},                                       \
    {LLMI_FLOAT(F, rope.low, NULL, LLMI_ROPE_OBJECT "low_freq_factor", 1e-6, 1e6, 0)},                                 \
    {LLMI_FLOAT(F, rope.high, NULL, LLMI_ROPE_OBJECT "high_freq_factor", 1e-6, 1e6, 0)},                               \
    {LLMI_FLOAT(F, rope.beta_fast, "rope.scaling.yarn_beta_fast", LLMI_ROPE_OBJECT "beta_fast", 1e-6, 1e6, 0)},        \
    {LLMI_FLOAT(F, rope.beta_slow, "rope.scaling.yarn_beta_slow", LLMI_ROPE_OBJECT "beta_slow", 1e-6, 1e6, 0)},        \
    {LLMI_FLOAT(F, rope.mscale, NULL, LLMI_ROPE_OBJECT "mscale", 0, 1e6, 0)},                                          \
    {LLMI_FLOAT(F, rope.mscale_all, NULL, LLMI_ROPE_OBJECT "mscale_all_dim", 0, 1e6, 0)},                              \
    {LLMI_FLOAT(F, rope.attn, "rope.scaling.attn_factor|rope.scaling.yarn_attn_factor",                                \
     LLMI_ROPE_OBJECT "attention_factor", 1e-6, 1e6, 0)},                                                              \
    {LLMI_INT(F, rope.ctx_original, "rope.scaling.original_context_length",                                            \
     "original_max_position_embeddings|" LLMI_ROPE_OBJECT "original_max_position_embeddings", 1, LLMI_MAX_CTX,         \
     0)}
/* clang-format on */

/* Derives what the file left open, once the rows are read, and checks the whole. */
llm_status llmi_rope_settle(llmi_rope_hparams *hp, int32_t head_dim, int32_t n_ctx_train, const llmi_hparam_source *s);

/* From what config.json means to what GGUF means; scale: of the table. Llama 3's rule is not stated by keys of GGUF but
 * by the tensor rope_freqs.weight. */
void llmi_rope_to_gguf(llmi_rope_hparams *hp, float scale);

/* inv_freq [n_rot / 2]; *scale is the factor on cos and sin. factors [n_rot / 2] divide the
 * frequencies one by one (GGUF's rope_freqs.weight); NULL: none. gguf: how `attn` is meant. */
void llmi_rope_frequencies(float *inv_freq, float *scale, const llmi_rope_hparams *hp, const float *factors, bool gguf);

#endif
