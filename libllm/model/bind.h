/* Binding a file's tensors to the members of a model. */
#ifndef LLMI_MODEL_BIND_H
#define LLMI_MODEL_BIND_H

#include "model/arch.h"

/* Resolves hp.n_vocab and fills m->family, m->layers, m->embed and m->output. m: runtime, weights, arch, hparams, hp
 * and device are set. What was bound before a failure is released by llmi_model_unref. */
llm_status llmi_bind(llm_model *m, const llm_model_options *options);

#endif
