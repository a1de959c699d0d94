/* Hyper-parameters: read by tables of rows, then checked against each other. */
#ifndef LLMI_MODEL_HPARAMS_H
#define LLMI_MODEL_HPARAMS_H

#include "model/arch.h"

/* LLM_E_FORMAT for values that are missing, out of range or contradict each other, LLM_E_UNSUPPORTED
 * for features that are not implemented; the text names key, value and what was expected. n_vocab may
 * stay 0: then the embedding's rows say it. */
llm_status llmi_hparams_read(llmi_hparams *out, const llmi_arch *arch, const llmi_weights *w);

/* Attention window of each layer, 0 for full attention: windows [n_layers]. */
llm_status llmi_hparams_windows(int32_t *windows, const llmi_hparams *hp, const llmi_weights *w);

#endif
