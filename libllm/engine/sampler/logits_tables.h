#ifndef LLMI_ENGINE_SAMPLER_LOGITS_TABLES_H
#define LLMI_ENGINE_SAMPLER_LOGITS_TABLES_H

#include "engine/sampler/logits.h"

extern const llmi_passes llmi_passes_portable, llmi_passes_avx2, llmi_passes_avx512;

#endif
