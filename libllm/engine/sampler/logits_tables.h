#ifndef LLMI_ENGINE_SAMPLER_LOGITS_TABLES_H
#define LLMI_ENGINE_SAMPLER_LOGITS_TABLES_H

#include "engine/sampler/logits.h"

extern const llmi_logits_kernels llmi_logits_portable, llmi_logits_avx2, llmi_logits_avx512;

#endif
