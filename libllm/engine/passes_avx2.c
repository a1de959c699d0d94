#include "engine/passes_tables.h"
#define NAME llmi_passes_avx2
#define TEXT "AVX2"
#include "engine/passes_body.h"
