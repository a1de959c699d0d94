#include "engine/sampler/logits_tables.h"
#define NAME llmi_logits_avx512
#define TEXT "AVX-512"
#include "engine/sampler/logits_body.h"
