/* Characters and classes of Oniguruma's patterns; the rest of the syntax is in oniguruma.c. */
#ifndef LLMI_TOKENIZER_ONIGURUMA_CLASS_H
#define LLMI_TOKENIZER_ONIGURUMA_CLASS_H

#include <stdbool.h>

#include "base/buf.h"

#include <llm/status.h>

enum { LLMI_ONIGURUMA_CASELESS = 1, LLMI_ONIGURUMA_DOT_ALL = 2, LLMI_ONIGURUMA_EXTENDED = 4 };

typedef struct llmi_oniguruma_reader {
    const char *p; /* the pattern */
    size_t n, at;
    const llm_allocator *a;
    unsigned options;
    uint32_t folded; /* the letter before, where it is compared without case; 0: none */
    int depth;       /* of classes */
} llmi_oniguruma_reader;

/* One member of a class, or what an escape stands for: a character, or a set as members of a PCRE2 class. */
typedef struct llmi_oniguruma_item {
    uint32_t code; /* where it is not a set */
    bool is_set;   /* `text`, or where that is NULL `property` */
    const char *text;
    char property[64]; /* \p{...} */
    bool negated;
    bool folds; /* the set has every case of its characters */
} llmi_oniguruma_item;

/* White_Space; PCRE2's \s also has U+180E, which left it. */
#define LLMI_ONIGURUMA_SPACES                                                                                          \
    "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

/* Marks belong to words, too; a few numbers of Latin-1 only outside of classes. */
#define LLMI_ONIGURUMA_WORDS_OF_CLASS                                                                                  \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{"    \
    "1f189}"
#define LLMI_ONIGURUMA_WORDS LLMI_ONIGURUMA_WORDS_OF_CLASS "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}"

llm_status llmi_oniguruma_refuse(const llmi_oniguruma_reader *r, size_t at, const char *what);

/* Takes what comes next if it is this. */
bool llmi_oniguruma_take(llmi_oniguruma_reader *r, char c);
bool llmi_oniguruma_take_text(llmi_oniguruma_reader *r, const char *text);

/* Reads an escape that stands for a character or a set, at its backslash. */
llm_status llmi_oniguruma_read_escape(llmi_oniguruma_reader *r, llmi_oniguruma_item *out, bool in_class);
static inline const char *llmi_oniguruma_set(const llmi_oniguruma_item *item) {
    return item->text ? item->text : item->property;
}
/* Reads a class, at its bracket, and appends an expression that matches one character. */
llm_status llmi_oniguruma_read_class(llmi_oniguruma_reader *r, llmi_buf *out);

/* Appends a character, outside or inside of a class. */
llm_status llmi_oniguruma_put_char(llmi_buf *out, uint32_t c);
/* Refuses a character that is compared without case and would match several others: ss and U+00DF. */
llm_status llmi_oniguruma_check_literal(llmi_oniguruma_reader *r, size_t at, uint32_t c);

#endif
