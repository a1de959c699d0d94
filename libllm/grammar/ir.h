/* What every notation of a grammar is read into: rules, whose bodies are trees of a few kinds of nodes. A part
 * that occurs in two places is a rule of its own. */
#ifndef LLMI_GRAMMAR_IR_H
#define LLMI_GRAMMAR_IR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

enum { LLMI_GRAMMAR_MAX_DEPTH = 256, LLMI_GRAMMAR_MAX_ELEMENTS = 1000000 };

typedef enum llmi_ir_kind {
    LLMI_IR_TEXT,   /* bytes [first, first + n) */
    LLMI_IR_CHARS,  /* one character of ranges [first, first + n) */
    LLMI_IR_SEQ,    /* kids [first, first + n) in sequence */
    LLMI_IR_ALT,    /* one of them; none: nothing matches */
    LLMI_IR_REPEAT, /* node `first`, min to max times */
    LLMI_IR_REF,    /* rule `first` */
    LLMI_IR_COUNT,  /* rule `first` with counter `min` at 0 */
    LLMI_IR_TICK,   /* inside of it: counter `first` goes up by one, which must give min..max */
    LLMI_IR_LEAVE   /* inside of it: counter `first` must have its minimum; ends the rule */
} llmi_ir_kind;

enum { LLMI_IR_UNLIMITED = -1 };

typedef struct llmi_ir_node {
    llmi_ir_kind kind;
    int32_t first, n;
    int32_t min, max;
} llmi_ir_node;

/* A counter of what a rule reads: ticks are in rules that end in references to each other, never inside another
 * repetition. `low` and `high`: below low_first and from low_last to high_first the count decides nothing. */
typedef struct llmi_ir_counter {
    int32_t min, max; /* max LLMI_IR_UNLIMITED: none */
    int32_t low_first, low_last, high_first;
} llmi_ir_counter;

/* Characters first..last. */
typedef struct llmi_ir_range {
    uint32_t first, last;
} llmi_ir_range;

typedef struct llmi_ir_rule {
    int32_t body;         /* node; -1: not defined */
    int32_t name, n_name; /* in bytes */
} llmi_ir_rule;

typedef struct llmi_ir {
    const llm_allocator *a;
    llmi_buf nodes, kids, bytes, ranges, rules, counters;
    llm_status status; /* of the first call that failed */
} llmi_ir;

void llmi_ir_init(llmi_ir *ir, const llm_allocator *a);
void llmi_ir_free(llmi_ir *ir);

/* Each returns a new node; -1 after a failure, which the others accept and pass on. Children come before parents and
 * have one parent. */
int32_t llmi_ir_text(llmi_ir *ir, const char *text, size_t n);
/* Sorts and joins the ranges, which may overlap. */
int32_t llmi_ir_chars(llmi_ir *ir, llmi_ir_range *ranges, size_t n);
/* Complements a buffer of ranges. False: no memory. */
bool llmi_ir_complement(llmi_buf *ranges);
int32_t llmi_ir_list(llmi_ir *ir, llmi_ir_kind kind, const int32_t *kids, size_t n);
int32_t llmi_ir_repeat(llmi_ir *ir, int32_t node, int32_t min, int32_t max);
int32_t llmi_ir_ref(llmi_ir *ir, int32_t rule);
int32_t llmi_ir_counter_new(llmi_ir *ir, int32_t min, int32_t max); /* for one llmi_ir_count */
int32_t llmi_ir_count(llmi_ir *ir, int32_t counter, int32_t rule);
int32_t llmi_ir_tick(llmi_ir *ir, int32_t counter, int32_t lo, int32_t hi);
int32_t llmi_ir_leave(llmi_ir *ir, int32_t counter);

#define LLMI_IR_NODES(...)     (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)
#define llmi_ir_seq(ir, ...)   llmi_ir_list((ir), LLMI_IR_SEQ, LLMI_IR_NODES(__VA_ARGS__))
#define llmi_ir_alt(ir, ...)   llmi_ir_list((ir), LLMI_IR_ALT, LLMI_IR_NODES(__VA_ARGS__))
#define llmi_ir_word(ir, text) llmi_ir_text((ir), (text), sizeof(text) - 1)

/* A rule without body; its name is for messages. -1 after a failure. */
int32_t llmi_ir_rule_new(llmi_ir *ir, const char *name, size_t n_name);
void llmi_ir_define(llmi_ir *ir, int32_t rule, int32_t body);

static inline int32_t llmi_ir_fail(llmi_ir *ir, llm_status status) {
    if (ir->status == LLM_OK) ir->status = status;
    return -1;
}

static inline llmi_ir_node *llmi_ir_at(const llmi_ir *ir, int32_t node) {
    return &llmi_buf_at(&ir->nodes, llmi_ir_node, node);
}

static inline llm_span llmi_ir_name(const llmi_ir *ir, int32_t rule) {
    const llmi_ir_rule *r = &llmi_buf_at(&ir->rules, llmi_ir_rule, rule);
    return (llm_span){r->n_name ? ir->bytes.data + r->name : "", (size_t)r->n_name};
}

#endif
