/* Regular expressions as parts of a grammar. */
#ifndef LLMI_GRAMMAR_REGEX_SYNTAX_H
#define LLMI_GRAMMAR_REGEX_SYNTAX_H

#include "grammar/dfa.h"

/* chars: how one character of the text is spelled; NULL: as it is. Whole: the text matches as a whole; otherwise some
 * part of it does. A new node, or -1 after a failure, which has line and column. */
int32_t llmi_grammar_regex(llmi_ir *ir, const char *text, size_t n, bool whole, llmi_chars_fn chars);

#endif
