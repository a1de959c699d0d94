/* libllm: run language models inside any program. This header includes all the others;
 * each of them is the manual of its part. Start with engine.h, llm_generate(). */
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include <llm/engine.h>
#include <llm/fewshot.h>
#include <llm/grammar.h>
#include <llm/model.h>
#include <llm/options.h>
#include <llm/prompt.h>
#include <llm/quantize.h>
#include <llm/reason.h>
#include <llm/runtime.h>
#include <llm/sampler.h>
#include <llm/status.h>
#include <llm/tokenizer.h>
#include <llm/types.h>
#include <llm/version.h>

#endif
