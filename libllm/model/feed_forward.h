/* The gated feed-forward of Llama (SwiGLU: Shazeer, 2020, arXiv 2002.05202): hyper-parameters and weights of the block.
 */
#ifndef LLMI_MODEL_FEED_FORWARD_H
#define LLMI_MODEL_FEED_FORWARD_H

#include "model/hparams.h"
#include "model/rows.h"

typedef struct llmi_feed_forward_hparams {
    int32_t n_ff;
} llmi_feed_forward_hparams;

typedef struct llmi_feed_forward_weights {
    const llm_weight *gate, *up, *down;
    const llm_weight *gate_bias, *up_bias, *down_bias;
} llmi_feed_forward_weights;

/* The one activation that is gated like this. */
extern const llmi_hparam_name llmi_feed_forward_silu[];

/* clang-format off */
/* The rows of a member of type llmi_feed_forward_hparams. */
#define LLMI_FEED_FORWARD_HPARAMS(F, ffn)                                                                              \
    {LLMI_ONLY(LLMI_HPARAM_FLOAT, "expert_count", "num_experts|num_local_experts", 0)},                                \
    {LLMI_ONLY_NAME(NULL, "hidden_act", llmi_feed_forward_silu)},                                                      \
    {LLMI_INT(F, ffn.n_ff, "feed_forward_length", "intermediate_size", 1, LLMI_MAX_FF, NAN)}

/* The rows of a member of type llmi_feed_forward_weights. */
#define LLMI_FEED_FORWARD_WEIGHTS(F, ffn)                                                                              \
    {LLMI_LAYER_MATRIX(F, ffn.gate, "ffn_gate.weight", "mlp.gate_proj.weight", ffn.n_ff, base.n_embd)},                \
    {LLMI_LAYER_MATRIX(F, ffn.up, "ffn_up.weight", "mlp.up_proj.weight", ffn.n_ff, base.n_embd)},                      \
    {LLMI_LAYER_MATRIX(F, ffn.down, "ffn_down.weight", "mlp.down_proj.weight", base.n_embd, ffn.n_ff)}

/* flag: as of LLMI_IF. */
#define LLMI_FEED_FORWARD_BIASES(F, ffn, flag)                                                                         \
    {LLMI_LAYER_VECTOR(F, ffn.gate_bias, "ffn_gate.bias", "mlp.gate_proj.bias", ffn.n_ff), LLMI_IF(flag)},             \
    {LLMI_LAYER_VECTOR(F, ffn.up_bias, "ffn_up.bias", "mlp.up_proj.bias", ffn.n_ff), LLMI_IF(flag)},                   \
    {LLMI_LAYER_VECTOR(F, ffn.down_bias, "ffn_down.bias", "mlp.down_proj.bias", base.n_embd), LLMI_IF(flag)}
/* clang-format on */

#endif
