#include "cpu/vec_portable.h"

#define LLMK_ROWS_INIT llmk_rows_init_portable
#include "cpu/rows_body.h"
