#include "cpu/x86/vec_avx2.h"

#define LLMK_ATTENTION_INIT llmk_attention_init_avx2
#include "cpu/attention_body.h"
