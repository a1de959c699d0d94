#include "cpu/arm/vec_neon.h"

#define LLMK_ROWS_INIT llmk_rows_init_neon
#include "cpu/rows_body.h"
