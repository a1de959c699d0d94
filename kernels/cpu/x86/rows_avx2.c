#include "cpu/x86/vec_avx2.h"

#define LLMK_ROWS_INIT llmk_rows_init_avx2
#include "cpu/rows_body.h"
