/* Characters as the byte sequences that UTF-8 spells them with. */
#ifndef LLMI_GRAMMAR_UTF8_RANGES_H
#define LLMI_GRAMMAR_UTF8_RANGES_H

#include "grammar/ir.h"

typedef struct llmi_byte_range {
    uint8_t lo, hi;
} llmi_byte_range;

typedef struct llmi_byte_seq {
    llmi_byte_range bytes[4];
    int n;
} llmi_byte_seq;

/* Appends llmi_byte_seq elements in order; surrogates and values beyond Unicode are left out. False: no memory. */
bool llmi_grammar_utf8_ranges(llmi_buf *out, const llmi_ir_range *ranges, size_t n);

#endif
