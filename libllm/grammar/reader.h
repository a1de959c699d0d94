/* Reading a notation character by character: faults with line and column, and the stack of open groups that
 * both GBNF and regular expressions need. */
#ifndef LLMI_GRAMMAR_READER_H
#define LLMI_GRAMMAR_READER_H

#include "grammar/ir.h"

typedef struct llmi_reader {
    const char *text;
    size_t n, at;
    llmi_ir *ir;
    llmi_buf items;  /* int32_t: elements of the open sequences, alternatives of the open groups */
    llmi_buf groups; /* llmi_reader_group */
} llmi_reader;

/* Alternatives are in items [first, sequence), followed by the elements of the one that is being read. */
typedef struct llmi_reader_group {
    size_t first, sequence; /* in items */
    size_t at;              /* in the text */
} llmi_reader_group;

enum { LLMI_REPEAT_MAX = 1000000 };

llm_status llmi_reader_init(llmi_reader *s, llmi_ir *ir, const char *text, size_t n);
void llmi_reader_free(llmi_reader *s);

/* "line L, column C: ..." of position `at`; -1. */
int32_t llmi_reader_fault(llmi_reader *s, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));

static inline bool llmi_reader_is(const llmi_reader *s, char c) {
    return s->at < s->n && s->text[s->at] == c;
}

/* The next character; 0xffffffff at the end. */
uint32_t llmi_reader_next(llmi_reader *s);
/* n hexadecimal digits of a character. */
uint32_t llmi_reader_hex(llmi_reader *s, int n);
/* Four hexadecimal digits, which may be one half of a surrogate pair. */
uint32_t llmi_reader_half(llmi_reader *s);
/* The value that ends here, n_read digits long, if it is a character; a fault otherwise. */
uint32_t llmi_reader_whole(llmi_reader *s, uint32_t value, size_t n_read);

/* Groups: opened, filled, separated by llmi_reader_group_branch; closing returns the node. */
void llmi_reader_group_open(llmi_reader *s);
void llmi_reader_group_branch(llmi_reader *s);
int32_t llmi_reader_group_close(llmi_reader *s);
void llmi_reader_group_add(llmi_reader *s, int32_t node);
/* Takes back the last element of the innermost sequence; -1 if it has none. */
int32_t llmi_reader_group_take(llmi_reader *s);
/* The bounds of "{n}", "{n,}" or "{n,m}", after the brace. False after a fault. */
bool llmi_reader_bounds(llmi_reader *s, int32_t *min, int32_t *max);

static inline size_t llmi_reader_depth(const llmi_reader *s) {
    return llmi_buf_count(&s->groups, llmi_reader_group);
}

#endif
