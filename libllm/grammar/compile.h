/* The way from a notation to a grammar. */
#ifndef LLMI_GRAMMAR_COMPILE_H
#define LLMI_GRAMMAR_COMPILE_H

#include "grammar/grammar.h"
#include "grammar/ir.h"

llm_status llmi_grammar_make(llmi_grammar **out, const llmi_ir *ir, int32_t root, llm_tokenizer *t);

#endif
