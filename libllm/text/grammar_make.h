/* The way from a notation to a grammar. */
#ifndef LLMI_TEXT_GRAMMAR_MAKE_H
#define LLMI_TEXT_GRAMMAR_MAKE_H

#include "text/grammar.h"
#include "text/grammar_ir.h"

llm_status llmi_grammar_make(llmi_grammar **out, const llmi_ir *ir, int32_t root, llm_tokenizer *t);

#endif
