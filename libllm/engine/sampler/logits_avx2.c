#include "engine/sampler/logits_tables.h"
#define NAME llmi_logits_avx2
#define TEXT "AVX2"
#include "engine/sampler/logits_body.h"
