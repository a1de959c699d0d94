#include "cpu/x86/vec_avx512.h"

#define LLMK_ROWS_INIT llmk_rows_init_avx512
#include "cpu/rows_body.h"
