#define _GNU_SOURCE
#include "jinja/lexer.h"

#include <string.h>

#include "base/utf8.h"
#include "jinja/value.h"
#include "unicode/python_str.h"

void llmi_lexer_init(llmi_lexer *l, const char *source, size_t n) {
    *l = (llmi_lexer){.source = source, .n = n, .line_starts = true};
}

static llmi_lexer_token token(const llmi_lexer *l, llmi_lexer_token_kind kind, size_t begin, size_t end) {
    return (llmi_lexer_token){kind, l->source + begin, end - begin, (uint32_t)begin};
}

static llmi_lexer_token fault(size_t at, const char *text) {
    return (llmi_lexer_token){LLMI_T_FAULT, text, strlen(text), (uint32_t)at};
}

static bool starts(const llmi_lexer *l, size_t at, const char *text) {
    size_t n = strlen(text);
    return n <= l->n - at && memcmp(l->source + at, text, n) == 0;
}

/* ---- white space ---- */

static size_t skip_space(const llmi_lexer *l, size_t at) {
    while (at < l->n) {
        size_t n;
        if (!llmi_python_is_space(llmi_utf8_decode(l->source + at, l->n - at, &n))) break;
        at += n;
    }
    return at;
}

static size_t without_space(const llmi_lexer *l, size_t begin, size_t end) {
    llmi_jinja_str s = {.p = l->source + begin, .n = (uint32_t)(end - begin)};
    while (s.n > 0) {
        size_t n = 1, used;
        while (n < 4 && n < s.n && ((unsigned char)s.p[s.n - n] & 0xc0) == 0x80) n++;
        if (!llmi_python_is_space(llmi_utf8_decode(s.p + s.n - n, n, &used))) break;
        s.n -= (uint32_t)n;
    }
    return begin + s.n;
}

/* End of the text begin..end in front of a tag: `sign` is the tag's mark, `strips` says that lstrip_blocks is
 * for this kind of tag. */
static size_t text_end(const llmi_lexer *l, size_t begin, size_t end, char sign, bool strips) {
    if (sign == '-') return without_space(l, begin, end);
    if (sign == '+' || !strips) return end;
    const char *newline = memrchr(l->source + begin, '\n', end - begin);
    if (!newline && !l->line_starts) return end;
    size_t line = newline ? (size_t)(newline - l->source) + 1 : begin;
    return skip_space(l, line) >= end ? line : end;
}

/* Position after the end of a tag at `at`: its closing bytes are `close`, marked by `sign`. */
static void close_tag(llmi_lexer *l, size_t at, char sign, bool trims) {
    l->line_starts = false;
    if (sign == '-') {
        l->at = skip_space(l, at);
        l->line_starts = l->at > at && l->source[l->at - 1] == '\n';
    } else {
        l->line_starts = trims && sign != '+' && at < l->n && l->source[at] == '\n';
        l->at = at + l->line_starts;
    }
}

/* ---- text ---- */

static size_t find_tag(const llmi_lexer *l, size_t from) {
    while (from < l->n) {
        const char *brace = memchr(l->source + from, '{', l->n - from);
        if (!brace) break;
        from = (size_t)(brace - l->source);
        if (from + 1 < l->n && memchr("{%#", l->source[from + 1], 3)) return from;
        from++;
    }
    return l->n;
}

static char sign_at(const llmi_lexer *l, size_t at) {
    return at < l->n && (l->source[at] == '-' || l->source[at] == '+') ? l->source[at] : 0;
}

/* The `endraw` tag from `from` on: where it begins; *inside is the position after its name. */
static size_t find_endraw(const llmi_lexer *l, size_t from, size_t *inside) {
    for (size_t at = from; (at = find_tag(l, at)) < l->n; at++) {
        if (l->source[at + 1] != '%') continue;
        size_t name = skip_space(l, at + 2 + (sign_at(l, at + 2) != 0));
        if (!starts(l, name, "endraw")) continue;
        *inside = skip_space(l, name + 6);
        if (starts(l, *inside + (sign_at(l, *inside) != 0), "%}")) return at;
    }
    return l->n;
}

/* Position after "{% raw %}" if the tag at `at` is one, else 0. */
static size_t raw_body(llmi_lexer *l, size_t at) {
    size_t name = skip_space(l, at + 2 + (sign_at(l, at + 2) != 0));
    if (!starts(l, name, "raw")) return 0;
    size_t end = skip_space(l, name + 3);
    if (starts(l, end, "-%}")) return skip_space(l, end + 3);
    return starts(l, end, "%}") ? end + 2 : 0;
}

static llmi_lexer_token lex_raw(llmi_lexer *l, size_t body) {
    size_t inside, end = find_endraw(l, body, &inside);
    if (end == l->n) return fault(body, "the raw block has no end");
    l->line_starts = false;
    llmi_lexer_token t = token(l, LLMI_T_TEXT, body, text_end(l, body, end, sign_at(l, end + 2), true));
    char sign = sign_at(l, inside);
    close_tag(l, inside + 2 + (sign != 0), sign, true);
    return t;
}

static llmi_lexer_token lex_tag(llmi_lexer *l, size_t at);

/* Text up to the next tag; the tag itself waits in `next`. */
static llmi_lexer_token lex_text(llmi_lexer *l) {
    size_t begin = l->at, tag = find_tag(l, begin);
    if (tag == l->n) {
        l->at = l->n;
        return token(l, begin < l->n ? LLMI_T_TEXT : LLMI_T_END, begin, l->n);
    }
    bool strips = l->source[tag + 1] != '{';
    size_t end = text_end(l, begin, tag, sign_at(l, tag + 2), strips);
    l->next = lex_tag(l, tag);
    l->pending = true;
    return token(l, LLMI_T_TEXT, begin, end);
}

static llmi_lexer_token lex_comment(llmi_lexer *l, size_t at) {
    const char *end = memmem(l->source + at + 2, l->n - at - 2, "#}", 2);
    if (!end) return fault(at, "the comment has no end");
    size_t close = (size_t)(end - l->source);
    char sign = close > at + 2 ? sign_at(l, close - 1) : 0;
    close_tag(l, close + 2, sign, true);
    return token(l, LLMI_T_TEXT, at, at);
}

static llmi_lexer_token lex_tag(llmi_lexer *l, size_t at) {
    char kind = l->source[at + 1];
    if (kind == '#') return lex_comment(l, at);
    size_t body = kind == '%' ? raw_body(l, at) : 0;
    if (body) return lex_raw(l, body);
    l->mode = kind == '%' ? '%' : '}';
    l->nesting = 0;
    l->at = at + 2 + (sign_at(l, at + 2) != 0);
    return token(l, kind == '%' ? LLMI_T_BLOCK_BEGIN : LLMI_T_VARIABLE_BEGIN, at, l->at);
}

/* ---- inside a tag ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_name_byte(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80 ||
           (!first && is_digit(c));
}

static size_t skip_digits(const llmi_lexer *l, size_t at) {
    while (at < l->n &&
           (is_digit(l->source[at]) || (l->source[at] == '_' && at + 1 < l->n && is_digit(l->source[at + 1]))))
        at++;
    return at;
}

static llmi_lexer_token lex_number(llmi_lexer *l) {
    size_t begin = l->at, at = skip_digits(l, begin);
    bool real = false;
    if (at == begin + 1 && l->source[begin] == '0' && at < l->n && memchr("xXbBoO", l->source[at], 6)) {
        for (at++; at < l->n && (is_name_byte(l->source[at], false)); at++)
            ;
    } else {
        if (at + 1 < l->n && l->source[at] == '.' && is_digit(l->source[at + 1])) {
            at = skip_digits(l, at + 1);
            real = true;
        }
        size_t e = at + 1;
        if (at < l->n && (l->source[at] == 'e' || l->source[at] == 'E')) {
            if (e < l->n && (l->source[e] == '+' || l->source[e] == '-')) e++;
            if (e < l->n && is_digit(l->source[e])) {
                at = skip_digits(l, e);
                real = true;
            }
        }
    }
    l->at = at;
    return token(l, real ? LLMI_T_FLOAT : LLMI_T_INTEGER, begin, at);
}

static llmi_lexer_token lex_string(llmi_lexer *l) {
    size_t begin = l->at, at = begin + 1;
    while (at < l->n && l->source[at] != l->source[begin]) at += l->source[at] == '\\' ? 2 : 1;
    if (at >= l->n) return fault(begin, "the string has no end");
    l->at = at + 1;
    return token(l, LLMI_T_STRING, begin, l->at);
}

static llmi_lexer_token lex_operator(llmi_lexer *l) {
    static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
    size_t begin = l->at, n = 1;
    for (size_t i = 0; i < sizeof two / sizeof two[0]; i++)
        if (starts(l, begin, two[i])) n = 2;
    char c = l->source[begin];
    if (!strchr("+-*/%~<>=!()[]{},.:;|", c) || c == 0 || (c == '!' && n == 1))
        return fault(begin, "no token begins with this character");
    if (strchr("([{", c)) l->nesting++;
    if (strchr(")]}", c) && l->nesting-- == 0) return fault(begin, "a bracket closes that was not opened");
    l->at = begin + n;
    return token(l, LLMI_T_OPERATOR, begin, l->at);
}

/* The end of the tag at the current place, if it is there. */
static bool lex_end(llmi_lexer *l, llmi_lexer_token *out) {
    if (l->nesting > 0) return false;
    char sign = sign_at(l, l->at);
    if (sign == '+' && l->mode == '}') return false;
    size_t begin = l->at, at = l->at + (sign != 0);
    if (!starts(l, at, l->mode == '%' ? "%}" : "}}")) return false;
    bool block = l->mode == '%';
    l->mode = 0;
    close_tag(l, at + 2, sign, block);
    *out = token(l, block ? LLMI_T_BLOCK_END : LLMI_T_VARIABLE_END, begin, at + 2);
    return true;
}

llmi_lexer_token llmi_lexer_next(llmi_lexer *l) {
    if (l->pending) {
        l->pending = false;
        return l->next;
    }
    if (l->mode == 0) return lex_text(l);
    l->at = skip_space(l, l->at);
    if (l->at == l->n) return fault(l->at, "the tag has no end");
    llmi_lexer_token t;
    if (lex_end(l, &t)) return t;
    char c = l->source[l->at];
    if (c == '"' || c == '\'') return lex_string(l);
    if (is_digit(c)) return lex_number(l);
    if (!is_name_byte(c, true)) return lex_operator(l);
    size_t begin = l->at;
    while (l->at < l->n && is_name_byte(l->source[l->at], false)) l->at++;
    return token(l, LLMI_T_NAME, begin, l->at);
}
