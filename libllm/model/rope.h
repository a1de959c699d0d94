/* Frequencies of the rotary embedding. */
#ifndef LLMI_MODEL_ROPE_H
#define LLMI_MODEL_ROPE_H

#include "model/model.h"

/* inv_freq [n_rot / 2]; *scale is the factor on cos and sin. factors [n_rot / 2] divide the
 * frequencies one by one (GGUF's rope_freqs.weight); NULL: none. gguf: how rope_attn is meant. */
void llmi_rope_frequencies(float *inv_freq, float *scale, const llmi_hparams *hp, const float *factors, bool gguf);

#endif
