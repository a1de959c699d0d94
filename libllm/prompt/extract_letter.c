#include "prompt/extract_letter.h"

#include <string.h>

#include "prompt/extract_plain.h"

/* Below, p points into a text in the bytes of extract_plain.h, which has a NUL before and after it. */

static bool is_part(char c) {
    return llmi_plain_is_word((uint8_t)c) || llmi_plain_is_digit((uint8_t)c);
}

static bool is_capital(char c) {
    return c >= 'A' && c <= 'Z';
}

/* An apostrophe or hyphen that joins what is on both sides: A's, A-level. */
static bool joins(const char *p, int step) {
    return is_part(p[step]) || ((p[step] == '\'' || p[step] == '-') && is_part(p[2 * step]));
}

/* One of the initials of D.C. */
static bool is_initial(const char *p) {
    bool after = p[-1] == '.' && is_capital(p[-2]);
    bool before = p[1] == '.' && is_capital(p[2]) && !is_part(p[3]);
    return after || before;
}

/* "A dog", "I think": a word, and not the name of a choice ("A is right"). */
static bool is_word(const char *p) {
    static const char *const VERBS[] = {"is", "was", "and", "or", "because", "since"};
    bool space = p[1] == ' ' || p[1] == LLMI_PLAIN_THIN;
    if ((p[0] != 'A' && p[0] != 'I') || !space || !is_part(p[2]) || is_capital(p[2])) return false;
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0] && p[0] == 'A'; i++)
        if (strncmp(p + 2, VERBS[i], strlen(VERBS[i])) == 0 && !is_part(p[2 + strlen(VERBS[i])])) return false;
    return true;
}

static bool stands_alone(const char *p) {
    if (joins(p, 1) || joins(p, -1)) return false;
    if (p[-1] == '(' && p[1] == ')') return true;
    return is_capital(p[0]) && !is_initial(p) && !is_word(p);
}

llm_status llmi_extract_letter_last(llmi_buf *out, bool *found, llm_span letters, const char *text, size_t n) {
    enum { EDGE = 4 };
    llmi_buf plain, edged;
    llmi_buf_init(&plain, out->a);
    llmi_buf_init(&edged, out->a);
    bool ok = llmi_extract_plain_text(&plain, text, n) && llmi_buf_append(&edged, "\0\0\0", EDGE) &&
              llmi_buf_append(&edged, plain.data, plain.len) && llmi_buf_append(&edged, "\0\0\0", EDGE);
    *found = false;
    for (size_t i = edged.len - EDGE; ok && !*found && i-- > EDGE;) {
        char c = edged.data[i], upper = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        if (!c || !memchr(letters.ptr, upper, letters.len) || !stands_alone(edged.data + i)) continue;
        *found = true;
        ok = llmi_buf_append(out, &upper, 1);
    }
    llmi_buf_free(&plain);
    llmi_buf_free(&edged);
    return ok ? LLM_OK : LLM_E_MEMORY;
}
