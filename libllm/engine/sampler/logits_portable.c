#include "engine/sampler/logits_tables.h"
#define NAME llmi_logits_portable
#define TEXT "portable C"
#include "engine/sampler/logits_body.h"
