/* Patterns of tokenizer.json files are in Oniguruma's syntax; they are matched by PCRE2. Most of the two is the same.
 * What is not, is said in PCRE2's way:
 *
 *   [a-z&&[^aeiou]]   classes in classes, intersections      (?:(?=[a-z])[^aeiou])
 *   a{1,3}+           a repetition that is repeated          (?:a{1,3})+
 *   a{2}?             an optional one                        (?:a{2})?
 *   (?i)a|b           an option up to the end of its group   (?i:a|b)
 *   . ^ $             any character but \n; lines end at \n
 *   \s \w \b \h       by Oniguruma's sets of characters
 *
 * and what PCRE2 cannot do, or would do differently, is refused by name. */
#ifndef LLMI_TOKENIZER_ONIGURUMA_H
#define LLMI_TOKENIZER_ONIGURUMA_H

#include "base/buf.h"

#include <llm/status.h>

/* Appends the pattern to compile with PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE and \n as the only newline.
 * LLM_E_UNSUPPORTED names the construct and the byte where it begins. Takes time linear in n. */
llm_status llmi_oniguruma_translate(llmi_buf *out, const char *pattern, size_t n);

#endif
