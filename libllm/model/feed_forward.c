#include "model/feed_forward.h"

#include <llm/sys/backend.h>

const llmi_hparam_name llmi_feed_forward_silu[] = {{"silu", LLM_ACT_SILU}, {NULL, 0}};
