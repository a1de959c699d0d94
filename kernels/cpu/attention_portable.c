#include "cpu/vec_portable.h"

#define LLMK_ATTENTION_INIT llmk_attention_init_portable
#include "cpu/attention_body.h"
