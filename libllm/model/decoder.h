/* The decoder that most families are: RMSNorm, attention with rotary positions, RMSNorm, gated feed-forward, each half
 * added to the residual stream. Families of this kind differ in names, fallbacks and rows; biases and the norms of
 * heads are there if the family's rows bind them. */
#ifndef LLMI_MODEL_DECODER_H
#define LLMI_MODEL_DECODER_H

#include "model/arch.h"
#include "model/blocks.h"

typedef struct llmi_decoder_hparams {
    llmi_hparams base;
    llmi_attention_hparams attn;
    llmi_rope_hparams rope;
    llmi_feed_forward_hparams ffn;
    float eps; /* of the norms */
} llmi_decoder_hparams;

typedef struct llmi_decoder_model {
    const llm_weight *output_norm;
    llmi_rope_table rope;
} llmi_decoder_model;

typedef struct llmi_decoder_layer {
    const llm_weight *attn_norm, *ffn_norm;
    llmi_attention_weights attn;
    llmi_feed_forward_weights ffn;
    int32_t window; /* 0: sees everything */
} llmi_decoder_layer;

/* clang-format off */
#define LLMI_DECODER_HPARAMS                                                                                           \
    LLMI_BASE_HPARAMS(llmi_decoder),                                                                                   \
    LLMI_ATTENTION_HPARAMS(llmi_decoder, attn),                                                                        \
    LLMI_RMS_HPARAMS(llmi_decoder, eps),                                                                               \
    LLMI_ROPE_HPARAMS(llmi_decoder, rope),                                                                             \
    LLMI_FEED_FORWARD_HPARAMS(llmi_decoder, ffn)

#define LLMI_DECODER_WEIGHTS                                                                                           \
    LLMI_END_WEIGHTS(llmi_decoder),                                                                                    \
    {LLMI_MODEL_VECTOR(llmi_decoder, output_norm, "output_norm.weight", "model.norm.weight|norm.weight",               \
     base.n_embd)},                                                                                                    \
    {LLMI_LAYER_VECTOR(llmi_decoder, attn_norm, "attn_norm.weight", "input_layernorm.weight", base.n_embd)},           \
    LLMI_ATTENTION_WEIGHTS(llmi_decoder, attn),                                                                        \
    {LLMI_LAYER_VECTOR(llmi_decoder, ffn_norm, "ffn_norm.weight", "post_attention_layernorm.weight",                   \
     base.n_embd)},                                                                                                    \
    LLMI_FEED_FORWARD_WEIGHTS(llmi_decoder, ffn)
/* clang-format on */

/* All of a llmi_arch but its names, its rows and the style of its rotary embedding. */
#define LLMI_DECODER                                                                                                   \
    .gguf_layer = "blk.%d.", .hf_layer = "model.layers.%d.|layers.%d.", .hf_body = "model.",                           \
    .hparams_bytes = sizeof(llmi_decoder_hparams), .model_bytes = sizeof(llmi_decoder_model),                          \
    .layer_bytes = sizeof(llmi_decoder_layer), .ropes = &llmi_decoder_rope, .n_ropes = 1, .check = llmi_decoder_check, \
    .set_layer = llmi_decoder_set_layer, .to_gguf = llmi_decoder_to_gguf, .forward = llmi_decoder_forward

extern const llmi_rope_row llmi_decoder_rope;
llm_status llmi_decoder_check(void *hparams, const llmi_hparam_source *s);
llm_status llmi_decoder_set_layer(void *layer, const void *hparams, int32_t i, const llmi_weights *w);
llm_status llmi_decoder_to_gguf(void *hparams, const llm_model *m);
void llmi_decoder_forward(const llm_model *m, llmi_recorder *r);

#endif
