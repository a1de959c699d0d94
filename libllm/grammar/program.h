/* A grammar as a program for the automaton of automaton.h: operations that read a byte, and those that
 * branch, call rules and count repetitions between two bytes. */
#ifndef LLMI_GRAMMAR_PROGRAM_H
#define LLMI_GRAMMAR_PROGRAM_H

#include "grammar/ir_check.h"

typedef enum llmi_grammar_op_kind {
    LLMI_GRAMMAR_OP_RETURN, /* from the rule; operation 0 is the only one */
    LLMI_GRAMMAR_OP_RANGE,  /* reads a byte lo..hi */
    LLMI_GRAMMAR_OP_SET,    /* reads a byte of sets[arg] */
    LLMI_GRAMMAR_OP_SPLIT,  /* continues at each of targets [arg, arg + next) */
    LLMI_GRAMMAR_OP_CALL,   /* runs rule `arg`, then continues at `next` */
    LLMI_GRAMMAR_OP_JUMP,   /* a tail call */
    LLMI_GRAMMAR_OP_LOOP,   /* decides whether to run one more round of loops[arg] */
    LLMI_GRAMMAR_OP_ROUND,  /* the end of a round of loops[arg] */
    LLMI_GRAMMAR_OP_COUNT,  /* begins to count for loops[arg] */
    LLMI_GRAMMAR_OP_TICK,   /* counts one for ticks[arg], then continues at `next` */
    LLMI_GRAMMAR_OP_LEAVE   /* from the counted part of loops[arg] */
} llmi_grammar_op_kind;

typedef struct llmi_grammar_op {
    uint8_t kind, lo, hi;
    int32_t next, arg;
} llmi_grammar_op;

typedef struct llmi_grammar_loop {
    int32_t min, max; /* max LLMI_IR_UNLIMITED: none */
    int32_t at, body, next;
    int32_t low_first, low_last, high_first; /* below low_first and from low_last to high_first no count is special */
    bool nullable;                           /* the body may be empty: an empty round ends the loop */
} llmi_grammar_loop;

/* The count that the innermost loop must have after one more round. */
typedef struct llmi_grammar_tick {
    int32_t loop, lo, hi;
} llmi_grammar_tick;

typedef struct llmi_byte_set {
    uint64_t bits[4];
} llmi_byte_set;

typedef struct llmi_grammar_program {
    llmi_buf ops, targets, loops, ticks, sets;
    llmi_buf entries; /* int32_t per rule: its first operation; -1: not used, or inlined */
    int32_t start;
} llmi_grammar_program;

/* Errors: those of llmi_ir_check, LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_grammar_program_make(llmi_grammar_program *out, const llmi_ir *ir, int32_t root);
void llmi_grammar_program_free(llmi_grammar_program *p);

static inline const llmi_grammar_op *llmi_grammar_program_op(const llmi_grammar_program *p, int32_t pc) {
    return &llmi_buf_at(&p->ops, llmi_grammar_op, pc);
}

static inline bool llmi_grammar_program_reads(const llmi_grammar_program *p, int32_t pc, uint8_t byte) {
    const llmi_grammar_op *op = llmi_grammar_program_op(p, pc);
    if (op->kind == LLMI_GRAMMAR_OP_RANGE) return byte >= op->lo && byte <= op->hi;
    return llmi_buf_at(&p->sets, llmi_byte_set, op->arg).bits[byte >> 6] >> (byte & 63) & 1;
}

#endif
