#include "cpu/x86/vec_avx512.h"

#define LLMK_ATTENTION_INIT llmk_attention_init_avx512
#include "cpu/attention_body.h"
