/* What is true of each node of a grammar: computed in linear time, whatever the grammar. */
#ifndef LLMI_GRAMMAR_IR_CHECK_H
#define LLMI_GRAMMAR_IR_CHECK_H

#include "grammar/ir.h"

typedef struct llmi_ir_facts {
    llmi_buf nullable;   /* uint8_t per node: it matches the empty text */
    llmi_buf productive; /* it matches some finite text */
} llmi_ir_facts;

/* Errors: LLM_E_FORMAT if rule `root` matches no finite text or a rule calls itself before it has read a byte. */
llm_status llmi_ir_check(llmi_ir_facts *out, const llmi_ir *ir, int32_t root);
void llmi_ir_facts_free(llmi_ir_facts *facts);

static inline bool llmi_ir_is(const llmi_buf *fact, int32_t node) {
    return llmi_buf_at(fact, uint8_t, node) != 0;
}

#endif
