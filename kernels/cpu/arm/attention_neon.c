#include "cpu/arm/vec_neon.h"

#define LLMK_ATTENTION_INIT llmk_attention_init_neon
#include "cpu/attention_body.h"
