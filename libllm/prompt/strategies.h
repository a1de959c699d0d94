/* Strategies of llm_ask. Each adds samples to the answer of x; reason.h says how. */
#ifndef LLMI_PROMPT_STRATEGIES_H
#define LLMI_PROMPT_STRATEGIES_H

#include "prompt/reason.h"

llm_status llmi_strategy_at_once(llmi_ask *x);
llm_status llmi_strategy_in_two_stages(llmi_ask *x); /* reasoning first, then the answer is asked for */
llm_status llmi_strategy_least_to_most(llmi_ask *x);
llm_status llmi_strategy_tree_of_thoughts(llmi_ask *x);

#endif
